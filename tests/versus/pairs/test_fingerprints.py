"""Equal results read the same in any process, and different ones do not."""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conlab.versus.pairs.fingerprints import difference, plain_text
from tests.bench.made import ROOT
from workloads.models.failure import Failure


@dataclass
class Saved:
    """As results of workloads are."""

    name: str
    note: str = field(compare=False, default="")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Counter("ab"), {"a": 1, "b": 1}),
        (Saved("a", "here"), Saved("a", "there")),
        (Failure("E", "m", "line 1"), Failure("E", "m", "line 2")),
        ([{1, 2, 3}], [{3, 2, 1}]),
    ],
)
def test_equal_results_read_the_same(one: Any, other: Any) -> None:
    assert one == other
    assert plain_text(one) == plain_text(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], [2, 1]),
        ([1], (1,)),
        ("1", 1),
        (0.1 + 0.2, 0.3),
        (Saved("a"), Saved("b")),
        (Failure("E", "m"), Failure("E", "n")),
        (Path("a"), "a"),
        ({"a": [1]}, {"a": [2]}),
        (bytearray(b"a"), bytearray(b"b")),
    ],
)
def test_different_results_read_differently(one: Any, other: Any) -> None:
    assert plain_text(one) != plain_text(other)


def test_the_hash_seed_changes_nothing() -> None:
    script = (
        "from conlab.versus.pairs.fingerprints import plain_text;"
        "print(plain_text({'words': set('abcdefgh'), 'at': frozenset({('x', 1), ('y', 2)})}))"
    )
    said = {
        subprocess.check_output(
            [sys.executable, "-c", script], cwd=ROOT, env={"PYTHONHASHSEED": seed}
        )
        for seed in "123"
    }
    assert len(said) == 1


def test_a_difference_is_shown_with_what_stands_around_it() -> None:
    one, other = difference("a" * 500 + "XYZ" + "b" * 500, "a" * 500 + "xyz" + "b" * 500)
    assert "aXYZb" in one
    assert "axyzb" in other
    assert len(one) < 130
    assert (one[0], one[-1]) == ("…", "…")
