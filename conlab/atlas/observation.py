"""The atlas of atomicity: for each idiom, whether another thread gets in on this build.

Three answers a build: explored in both readings, and tried untraced on real threads with the
shortest switch interval. `python -m conlab.atlas` prints them as JSON.
"""

import gc
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from conlab.atlas.idioms import IDIOMS, Idiom
from conlab.explorer.exploration import explore
from conlab.scratch import scratch_folder

THREADS = 3
ACTS = 2  # of each of two threads, when explored
TRIAL_ACTS = 150_000  # of each thread, when tried
SWITCH_INTERVAL = 1e-6  # seconds
TRIAL_SECONDS = 60.0  # the longest that a trial in a child process may take
Answer = Literal["no", "cold", "yes"]


@dataclass(frozen=True, slots=True)
class Row:
    """One idiom on one build; ``seen`` of ``tried`` acts went wrong on real threads.

    ``gil`` is None on a build without the GIL; "cold" says: only before a call is specialised.
    ``seen`` is None where the interpreter crashed.
    """

    idiom: str
    gil: Answer | None
    bytecode: Answer
    seen: int | None
    tried: int


def rows(idioms: Sequence[Idiom] = IDIOMS, acts: int = TRIAL_ACTS) -> Iterator[Row]:
    """Yield what this build does with each idiom."""
    with scratch_folder() as folder:
        for number, idiom in enumerate(idioms):
            file = folder / f"idiom{number}.py"
            seen = trial(idiom, acts) if has_gil() else _trial_in_child(idiom, acts)
            yield Row(
                idiom.name,
                gil_answer(idiom, file) if has_gil() else None,
                "yes" if gets_in(idiom, file, "bytecode") else "no",
                seen,
                acts * THREADS,
            )


def has_gil() -> bool:
    """Whether this build runs one thread at a time."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def gil_answer(idiom: Idiom, file: Path) -> Answer:
    """Explore an idiom in the reading ``gil``, specialised calls first."""
    if gets_in(idiom, file, "gil", specialised=True):
        return "yes"
    return "cold" if gets_in(idiom, file, "gil") else "no"


def gets_in(
    idiom: Idiom, file: Path, reading: Literal["gil", "bytecode"], *, specialised: bool = False
) -> bool:
    """Explore an idiom on two threads: whether some schedule goes wrong."""
    module = _module(idiom, file)
    exploration = explore(
        lambda: module["program"](2, ACTS),
        check=lambda names: not module["wrong"](names),
        reading=reading,
        bound=2,
        stepped=[file],
        specialised=specialised,
        count_on=0,
        reduction=False,  # of so few schedules, with so few switches, there are fewer than traces
    )
    return exploration.failing > 0


def trial(idiom: Idiom, acts: int = TRIAL_ACTS, *, alone_first: int = 0) -> int:
    """Do the act on real threads, untraced, and count what went wrong.

    ``alone_first`` acts are done before the threads start, so that its calls are specialised.
    """
    module = _module(idiom, None)
    with _shortest_switch_interval(), _no_collector():
        names = module["program"](THREADS, acts, threading.Barrier(THREADS).wait, alone_first)
    lost: int = names["times"] - eval(idiom.count, names)
    return max(len(names["errors"]), lost, int(module["wrong"](names)))


@contextmanager
def _shortest_switch_interval() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Keep the garbage collector away: it lets others in at any allocation, and is not modelled."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _trial_in_child(idiom: Idiom, acts: int) -> int | None:
    """Try an idiom where it may bring the interpreter down: several do without the GIL."""
    command = [sys.executable, "-m", "conlab.atlas", str(acts), idiom.name]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TRIAL_SECONDS, check=False, env=child_env()
    )
    if done.returncode < 0:
        return None
    if done.returncode:
        raise RuntimeError(f"the trial of {idiom.name!r} failed: {done.stderr}")
    return int(done.stdout)


def child_env() -> dict[str, str]:
    """Let another interpreter import this conlab."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


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
    wrong = compile(f"errors or ({idiom.count}) != times or ({idiom.wrong})", "<wrong>", "eval")

    def program(
        workers: int,
        acts: int,
        start: Callable[[], object] = lambda: None,
        alone_first: int = 0,
    ) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "idiom"}
        exec(code, names)
        if alone_first:
            names["work"](0, alone_first)

        def run(me: int) -> None:
            start()
            names["work"](me, acts)

        threads = [threading.Thread(target=run, args=(me,), daemon=True) for me in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        names["times"] = alone_first + workers * acts
        return names

    return {
        "program": program,
        "wrong": lambda names: bool(eval(wrong, names)),
    }
