"""The program of an idiom: threads that do its act again and again, from one start."""

import math
import textwrap
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from conlab.atlas.idioms import Idiom

Names = dict[str, Any]  # the globals of one run


class IdiomProgram:
    """An idiom made a program: in a file where the explorer is to step it, else for real threads.

    On real threads the one that does something else goes on with it until the others are done.
    """

    def __init__(self, idiom: Idiom, file: Path | None = None) -> None:
        source = source_of(idiom, endless=file is None)
        if file is not None:
            file.write_text(source, "utf-8")
        self._idiom = idiom
        self._code = compile(source, str(file or f"<{idiom.name}>"), "exec")

    def run(
        self,
        workers: int,
        acts: int,
        start: Callable[[], object] = lambda: None,
        alone_first: int = 0,
    ) -> Names:
        """Run the threads to their end, each with ``acts`` acts, and return what they share."""
        over: list[bool] = []
        names: Names = {"__name__": "idiom", "_until": until, "_over": over}
        exec(self._code, names)
        if alone_first:
            names["work"](0, alone_first)
        apart = int(bool(self._idiom.against))

        def run(me: int) -> None:
            start()
            names["against" if me < apart else "work"](me, acts)

        threads = [threading.Thread(target=run, args=(me,), daemon=True) for me in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads[apart:]:
            thread.join()
        over.append(True)
        for thread in threads[:apart]:
            thread.join()
        names["times"] = alone_first + (workers - apart) * acts
        return names

    def wrong_acts(self, names: Names) -> int:
        """Return how many acts of a run went wrong, as far as can be told."""
        lost: int = math.ceil(abs(names["times"] - eval(self._idiom.count, names)))
        return max(len(names["errors"]), lost, int(bool(eval(self._idiom.wrong, names))))


def until(over: list[bool]) -> Iterator[int]:
    """Count until there is something in it."""
    turn = 0
    while not over:
        yield turn
        turn += 1


def source_of(idiom: Idiom, *, endless: bool = False) -> str:
    """Write the program that does the act on several threads."""
    shared = sorted(_assigned(idiom.state))
    lines = [idiom.state.strip(), "errors = []", ""]
    lines += _function("work", "range(acts)", idiom.act, shared)
    if idiom.against:
        turns = "_until(_over)" if endless else "range(acts)"
        lines += _function("against", turns, idiom.against, shared)
    return "\n".join(lines) + "\n"


def _function(name: str, turns: str, act: str, shared: Iterable[str]) -> list[str]:
    lines = ["", f"def {name}(me, acts):"]
    lines += [f"    global {', '.join(shared)}"] if shared else []
    lines += [f"    for turn in {turns}:", "        try:"]
    lines += [textwrap.indent(act, " " * 12)]
    lines += ["        except Exception as error:", "            errors.append(repr(error))", ""]
    return lines


def _assigned(state: str) -> set[str]:
    names: Names = {}
    exec(state, names)
    return {name for name in names if not name.startswith("_")}
