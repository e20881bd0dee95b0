"""A pytest plugin that makes rounds as few and short as can be: ``-p tests.versus.quick``."""


def pytest_configure() -> None:
    from conlab.versus import rule
    from conlab.versus.pairs import measuring as pairs

    rule.SPARE = 0  # who counts the time by the jobs has no outliers
    pairs.ROUND = 0.001
    pairs.SHARE = 0.0
