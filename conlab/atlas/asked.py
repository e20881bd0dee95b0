"""Answers for this build, in JSON, what the guarantees of the manual are worth.

``python -m conlab.atlas.asked explored FIRST`` explores each row from that number on, and
``tried SECONDS FIRST`` tries it on real threads for so long. Before each it says which.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from conlab.atlas.guarantee import Guarantee, Promise
from conlab.atlas.manual import SECTIONS
from conlab.atlas.trial import rounds


def main(arguments: Sequence[str]) -> None:
    """Print the answers, one a line."""
    what, *rest, first = arguments
    answers = explored(int(first)) if what == "explored" else tried(float(rest[0]), int(first))
    for answer in answers:
        print(json.dumps(answer), flush=True)


def all_rows() -> list[Guarantee]:
    """The rows of all sections: their numbers are their places in this list."""
    return [row for section in SECTIONS for row in section.rows]


def explored(first: int) -> Iterator[dict[str, Any]]:
    """Say of each row whether another thread can get in between, in either reading."""
    from conlab.atlas.observation import gets_in, has_gil
    from conlab.scratch import scratch_folder

    with scratch_folder() as folder:
        for number, row in _from(first):
            yield {"begun": number}
            file = Path(folder) / f"guarantee{number}.py"
            acts = 2 if row.promise is Promise.NOT_ATOMIC else 1  # of each of two threads
            bytecode = gets_in(row.idiom, file, "bytecode", acts=acts)
            gil = None
            if has_gil():  # what passes in the reading bytecode passes in gil
                gil = bytecode and gets_in(row.idiom, file, "gil", acts=acts)
            yield {"gil": gil, "bytecode": bytecode}


def tried(seconds: float, first: int) -> Iterator[dict[str, Any]]:
    """Say of each row how often it went wrong on real threads."""
    for number, row in _from(first):
        yield {"begun": number}
        yield asdict(rounds(row.idiom, seconds))


def _from(first: int) -> list[tuple[int, Guarantee]]:
    return list(enumerate(all_rows()))[first:]


if __name__ == "__main__":
    main(sys.argv[1:])
