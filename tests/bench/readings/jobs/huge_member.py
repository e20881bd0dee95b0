"""Jobs that compute, one of them fifty times as long as the others."""


def jobs() -> list[int]:
    return [60_000] * 30 + [3_000_000]


def work(count: int) -> int:
    return sum(number * number for number in range(count))
