"""A pytest plugin that makes pairs as few, and rounds as short, as can be."""


def pytest_configure() -> None:
    from conlab.versus import rule
    from conlab.versus.pairs import measuring

    rule.SPARE = 0
    measuring.ROUND = 0.001
    measuring.SHARE = 0.0
