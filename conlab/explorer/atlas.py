"""The atlas of atomicity: for each idiom, whether another thread gets in on this build.

Three answers a build: explored in both readings, and tried untraced on real threads with the
shortest switch interval. `python -m conlab.explorer.atlas` prints them as JSON.
"""

import json
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from conlab.explorer.exploration import explore
from conlab.explorer.idioms import IDIOMS, Idiom

THREADS = 3
ACTS = 2  # of each of two threads, when explored
TRIAL_ACTS = 150_000  # of each thread, when tried
SWITCH_INTERVAL = 1e-6  # seconds
Answer = Literal["no", "cold", "yes"]


@dataclass(frozen=True, slots=True)
class Row:
    """One idiom on one build; ``seen`` of ``tried`` acts went wrong on real threads.

    ``gil`` is None on a build without the GIL; "cold" says: only before a call is specialised.
    """

    idiom: str
    gil: Answer | None
    bytecode: Answer
    seen: int
    tried: int


def rows(idioms: Sequence[Idiom] = IDIOMS, acts: int = TRIAL_ACTS) -> Iterator[Row]:
    """Yield what this build does with each idiom."""
    with tempfile.TemporaryDirectory(prefix="conlab-atlas-") as folder:
        for number, idiom in enumerate(idioms):
            file = Path(folder) / f"idiom{number}.py"
            seen = trial(idiom, acts)
            yield Row(
                idiom.name,
                gil_answer(idiom, file) if has_gil() else None,
                "yes" if _gets_in(idiom, file, "bytecode") else "no",
                seen,
                acts * THREADS,
            )


def has_gil() -> bool:
    """Whether this build runs one thread at a time."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def gil_answer(idiom: Idiom, file: Path) -> Answer:
    """Explore an idiom in the reading ``gil``, specialised calls first."""
    if _gets_in(idiom, file, "gil", specialised=True):
        return "yes"
    return "cold" if _gets_in(idiom, file, "gil") else "no"


def _gets_in(
    idiom: Idiom, file: Path, reading: Literal["gil", "bytecode"], *, specialised: bool = False
) -> bool:
    module = _module(idiom, file)
    exploration = explore(
        lambda: module["program"](2, ACTS),
        check=lambda names: not module["wrong"](names),
        reading=reading,
        bound=2,
        stepped=[file],
        specialised=specialised,
        count_on=0,
    )
    return exploration.failing > 0


def trial(idiom: Idiom, acts: int = TRIAL_ACTS) -> int:
    """Do the act on real threads, untraced, and count what went wrong."""
    module = _module(idiom, None)
    with _shortest_switch_interval():
        names = module["program"](THREADS, acts, threading.Barrier(THREADS).wait)
    lost = _lost(names) if module["wrong"](names) else 0
    return max(len(names["errors"]), lost)


def _lost(names: dict[str, Any]) -> int:
    """Count the acts that left no trace, where the state is a count; else 1."""
    box = names.get("box")
    found = names.get("x", getattr(box, "n", None))
    if found is None:
        return 1
    return max(1, names["times"] - found) if isinstance(found, int) else 1


@contextmanager
def _shortest_switch_interval() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


def source_of(idiom: Idiom) -> str:
    """Write the program that does the act on several threads."""
    shared = sorted(_assigned(idiom.state))
    lines = [idiom.state.strip(), "errors = []", "", "", "def work(me, acts):"]
    lines += [f"    global {', '.join(shared)}"] if shared else []
    lines += ["    for _ in range(acts):", "        try:"]
    lines += [textwrap.indent(idiom.act, " " * 12)]
    lines += ["        except Exception as error:", "            errors.append(repr(error))"]
    return "\n".join(lines) + "\n"


def _assigned(state: str) -> set[str]:
    names: dict[str, Any] = {}
    exec(state, names)
    return {name for name in names if not name.startswith("_")}


def _module(idiom: Idiom, file: Path | None) -> dict[str, Callable[..., Any]]:
    source = source_of(idiom)
    if file is not None:
        file.write_text(source)
    code = compile(source, str(file or f"<{idiom.name}>"), "exec")
    wrong = compile(idiom.wrong, "<wrong>", "eval")

    def program(
        workers: int, acts: int, start: Callable[[], object] = lambda: None
    ) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "idiom"}
        exec(code, names)

        def run(me: int) -> None:
            start()
            names["work"](me, acts)

        threads = [threading.Thread(target=run, args=(me,), daemon=True) for me in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        names["times"] = workers * acts
        return names

    return {
        "program": program,
        "wrong": lambda names: bool(names["errors"]) or bool(eval(wrong, names)),
    }


if __name__ == "__main__":
    acts = int(sys.argv[1]) if len(sys.argv) > 1 else TRIAL_ACTS
    for row in rows(acts=acts):
        print(json.dumps(asdict(row)), flush=True)
