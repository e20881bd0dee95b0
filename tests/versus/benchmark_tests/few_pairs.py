"""A pytest plugin that makes pairs few and rounds short, and has tests share their processes."""


def pytest_configure() -> None:
    from conlab.versus import rule
    from conlab.versus.benchmark_tests import comparison
    from conlab.versus.pairs import measuring

    comparison.SECONDS_OF_A_PAIR = 1000.0
    rule.SPARE = 0
    measuring.ROUND = 0.001
    measuring.SHARE = 0.0
