"""Recorded pairs as a machine might have given them, made from a seed."""

import math
import random
from collections.abc import Iterator

from conlab.calibration.recording import Record, Stream, planted_text
from conlab.versus.pairs.measuring import Pair

ROUNDS = 4


def records(
    stream: Stream, count: int, machine: str, spread: float = 0.02, seed: int = 1, cpu: float = 0.1
) -> Iterator[Record]:
    """Pairs of which B is slower as the stream says; the noise is between processes."""
    chance = random.Random(f"{seed} {stream}")
    for number in range(count):
        sides = []
        for slowdown in (0.0, stream.slowdown):
            process = 0.1 * (1 + slowdown) * math.exp(chance.gauss(0, spread / math.sqrt(2)))
            sides.append(tuple(process * (1 + chance.random() / 1000) for _ in range(ROUNDS)))
        times = (cpu,) * ROUNDS
        when = f"2026-01-{1 + number // 100 % 28:02}T10:00:00+00:00"
        pair = Pair(stream.cell, (sides[0], sides[1]), (times, times), chance.randrange(2))
        yield Record(stream, pair, 1.25, when, machine, planted_text(stream.cell))
