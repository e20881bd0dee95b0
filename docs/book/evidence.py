"""Runs both sides of a pair in a process of its own, and keeps what came of it.

    python -m docs.book.evidence races/lost_update    # one line of JSON

A build of the book would take minutes if nothing was kept. What is kept is of this Python, this
conlab and this text of the pair: of others it is made anew.
"""

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from conlab import content, terms
from conlab.bench.settings import usable_cores
from conlab.catalogue import pitfall
from conlab.catalogue.law import examine
from conlab.catalogue.pitfall import Pitfall
from conlab.explorer import Witness
from conlab.report import schedule

KEPT = content.ROOT / "build" / "evidence"
WIDTH = 96  # columns of a witness in a terminal; a page scrolls it
ENOUGH = 300.0  # seconds for a pair: one that is against the law takes longest
FOLDER_OF_A_FILE = re.compile(r'File ".*/')
UNENDING = 1_000_000  # columns, so that nothing is filled into lines


@dataclass(frozen=True)
class Evidence:
    """What both sides of a pair did, in a sentence each, and what shows it of the broken one.

    ``drawing`` is a schedule as a fragment of HTML, or nothing; ``exhibit`` is the same or stacks
    as text, or nothing. ``terms`` are the words of the lab in all that, with what they mean.
    """

    broken: str
    fixed: str
    drawing: str
    exhibit: str
    terms: dict[str, str]


def of(pair: Pitfall) -> Evidence:
    """Run both sides here and now."""
    broken, fixed = examine(pair, "broken"), examine(pair, "fixed")
    drawing = ""
    if isinstance(broken.exhibit, Witness):
        drawing = schedule.drawn(broken.exhibit, "schedule")
        exhibit = "\n".join(broken.exhibit.lines(WIDTH))
    else:
        exhibit = FOLDER_OF_A_FILE.sub('File "', broken.exhibit)  # that of whoever builds
    said = f"{broken.sentence}\n{fixed.sentence}\n{exhibit}"
    meanings = dict(line.split(": ", 1) for line in terms.explained(said, UNENDING))
    return Evidence(broken.sentence, fixed.sentence, drawing, exhibit, meanings)


def gathered(pairs: Sequence[Pitfall]) -> Iterator[Evidence]:
    """What came of each pair, in their order: kept from an earlier build, or found out now."""
    state = state_of_conlab()
    with ThreadPoolExecutor(usable_cores()) as pool:
        yield from pool.map(lambda pair: _kept_or_new(pair, state), pairs)


def _kept_or_new(pair: Pitfall, state: str) -> Evidence:
    key = hashlib.sha256((state + pair.path.read_text("utf-8")).encode()).hexdigest()
    file = KEPT / f"{pair.family}-{pair.name}.json"
    try:
        kept = json.loads(file.read_text("utf-8"))
        if kept.pop("key") == key:
            return Evidence(**kept)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # there is none, or it is damaged, or of another version of this file
    found = in_a_process_of_its_own(pair)
    KEPT.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"key": key, **asdict(found)}, indent=1), "utf-8")
    return found


def in_a_process_of_its_own(pair: Pitfall) -> Evidence:
    """Run both sides of a pair where no thread of this process is in the way."""
    done = subprocess.run(
        [sys.executable, "-m", "docs.book.evidence", str(pair)],
        cwd=content.ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=ENOUGH,
        check=True,
    )
    return Evidence(**json.loads(done.stdout))


def state_of_conlab() -> str:
    """Changes with anything that decides what comes of a pair, beside the pair itself."""
    digest = hashlib.sha256(sys.version.encode())
    for source in (Path(__file__), *sorted((content.ROOT / "conlab").rglob("*.*"))):
        if source.suffix in (".py", ".j2"):
            digest.update(source.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    print(json.dumps(asdict(of(pitfall.find(sys.argv[1])))))
