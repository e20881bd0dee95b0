"""Linear algebra, by a library that uses every core."""

import numpy as np

MATRIX = np.random.default_rng(1).random((400, 400))


def jobs() -> range:
    return range(12)


def work(number: int) -> float:
    return float(np.linalg.svd(MATRIX + number, compute_uv=False)[0].round(3))
