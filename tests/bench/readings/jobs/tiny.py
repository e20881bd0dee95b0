"""Jobs that are done before they could be given away."""


def jobs() -> range:
    return range(8)


def work(number: int) -> int:
    return number + 1
