"""Inputs that are made while they are zipped with their names."""

import random
from collections.abc import Iterator


def data() -> Iterator[bytes]:
    chance = random.Random(2)
    for _ in range(40):
        yield bytes(chance.randrange(256) for _ in range(10_000))


def jobs() -> Iterator[tuple[int, bytes]]:
    return zip(range(40), data(), strict=True)


def work(job: tuple[int, bytes]) -> int:
    _number, read = job
    return sum(byte * byte for byte in read) % 251
