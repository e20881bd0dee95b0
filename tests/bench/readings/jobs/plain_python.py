"""Jobs that compute in plain Python: nothing is the matter with them."""


def jobs() -> range:
    return range(16)


def work(number: int) -> int:
    return sum(one * number for one in range(200_000))
