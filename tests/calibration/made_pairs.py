"""Recorded pairs as a machine might have given them, made from a seed, and what they come to."""

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from conlab.calibration import evaluation
from conlab.calibration.recording import STREAMS, Record, Recorded, Stream, planted_text
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


HERE = "a machine"


def recorded(truth: float = 0.0, count: int = 250) -> Recorded:
    """Pairs of every stream; ``truth`` is how much slower side B is where it should be the same."""
    made = {
        stream: [
            replace(record, stream=stream)
            for record in records(Stream(stream.cell, stream.slowdown or truth), count, HERE)
        ]
        for stream in STREAMS
    }
    return Recorded(made, foreign=0, damaged=0)


@cache
def counted_once() -> evaluation.OfLoad:
    """What is counted on such pairs, which takes seconds."""
    found = evaluation.of_load("idle", recorded())
    assert found is not None
    return found
