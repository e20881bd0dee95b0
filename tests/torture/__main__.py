"""Tries the cases that were not tried yet at this commit, and prints one table of all."""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.torture import answers, faults, kills, suites
from tests.torture.case import MIB, Case, Tried

ROOT = Path(__file__).resolve().parents[2]
KINDS: dict[str, Callable[[ExitStack], Iterator[Case]]] = {
    "answers": answers.cases,
    "faults": faults.cases,
    "kills": kills.cases,
    "suites": suites.cases,
}


def main() -> int:
    """Try them; return 1 if one was not survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"one of {', '.join(KINDS)}")
    parser.add_argument("--minutes", type=float, default=600, help="begin no case after that time")
    parser.add_argument("--match", default="", help="only cases whose name contains this")
    parser.add_argument("--table", action="store_true", help="try nothing, print what there is")
    given = parser.parse_args()
    if unknown := set(given.kinds) - set(KINDS):
        parser.error(f"{min(unknown)!r} is no kind: it should be one of {', '.join(KINDS)}")
    commit = git("rev-parse", "--short", "HEAD") + "-changed" * bool(git("status", "--porcelain"))
    file = ROOT / ".conlab" / "torture" / f"{commit}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + 60 * given.minutes
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
    try:
        for kind in [] if given.table else given.kinds or list(KINDS):
            try_all(kind, given.match, file, deadline)
    except KeyboardInterrupt:
        print("interrupted: what was tried is kept", file=sys.stderr)
    return show(read(file), commit)


def git(*arguments: str) -> str:
    """What git says."""
    said = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    return said.stdout.strip()


def try_all(kind: str, match: str, file: Path, deadline: float) -> None:
    """Try the cases of a kind, and keep what became of each as soon as it is known."""
    done = read(file).get(kind, {})
    with ExitStack() as until, file.open("a", encoding="utf-8") as kept:
        cases = [case for case in KINDS[kind](until) if case.name not in done]
        cases = [case for case in cases if match in case.name]
        if not cases:
            return

        def attempt(case: Case) -> None:
            if time.monotonic() > deadline:
                return
            tried = case.attempt()
            line = json.dumps({"kind": kind, "name": case.name, **asdict(tried)})
            print(line, file=kept, flush=True)
            if tried.trouble:
                print(f"{kind}: {case.name}: {tried.trouble}", flush=True)

        executor = until.enter_context(ThreadPoolExecutor(min(case.at_once for case in cases)))
        for ended in [executor.submit(attempt, case) for case in cases]:
            try:
                ended.result()
            except KeyboardInterrupt:
                executor.shutdown(wait=False, cancel_futures=True)
                raise


def read(file: Path) -> dict[str, dict[str, Tried]]:
    """What was tried so far, by kind and name."""
    found: dict[str, dict[str, Tried]] = {}
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        tried = json.loads(line)
        kind, name = tried.pop("kind"), tried.pop("name")
        found.setdefault(kind, {})[name] = Tried(**tried)
    return found


def show(found: dict[str, dict[str, Tried]], commit: str) -> int:
    """Print the table, and what was not survived; return 1 if anything was not."""
    table = Table(title=f"Torture at {commit}")
    for column in ("kind", "tried", "survived", "worst time", "worst memory"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    troubles = []
    for kind, tried in found.items():
        bad = {name: one.trouble for name, one in tried.items() if one.trouble}
        troubles += [f"{kind}: {name}: {trouble}" for name, trouble in bad.items()]
        seconds = max(one.seconds for one in tried.values())
        added = max(one.added for one in tried.values())
        memory = f"+{added / MIB:.0f} MiB" if added else ""
        table.add_row(kind, str(len(tried)), str(len(tried) - len(bad)), f"{seconds:.1f} s", memory)
    console = Console()
    console.print(table)
    for trouble in troubles:
        console.print(trouble, markup=False, soft_wrap=True)
    return int(bool(troubles))


if __name__ == "__main__":
    sys.exit(main())
