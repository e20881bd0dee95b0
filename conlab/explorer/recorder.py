"""Writes down what each thread executes during one execution: the steps of a witness."""

from collections.abc import Callable
from functools import cache
from types import CodeType
from typing import Any

from conlab.explorer.accesses import Access, access_of
from conlab.explorer.stepping.points import Point
from conlab.explorer.steps import Step


class Recorder:
    """Takes note of each bytecode; `steps` gives what came of it."""

    def __init__(self, points: Callable[[CodeType], dict[int, Point]]) -> None:
        self._points = points
        self._entries: list[tuple[str, CodeType, int, Access | None]] = []

    def executes(self, thread: str, code: CodeType, offset: int) -> None:
        """Take note of one bytecode."""
        line = _lines(code).get(offset)
        if line is not None:
            point = self._points(code).get(offset)
            access = access_of(point) if point is not None else None
            self._entries.append((thread, code, line, access))

    def steps(self) -> tuple[Step, ...]:
        """Return what was written down, one step for what a thread ran of a line at a time."""
        grouped: list[tuple[str, CodeType, int, list[Access]]] = []
        for thread, code, line, access in self._entries:
            if not grouped or grouped[-1][:3] != (thread, code, line):
                grouped.append((thread, code, line, []))
            if access is not None and access not in grouped[-1][3]:
                grouped[-1][3].append(access)
        last: dict[str, tuple[CodeType, int]] = {}
        steps = []
        for at, (thread, code, line, accesses) in enumerate(grouped):
            switched = at > 0 and grouped[at - 1][0] != thread
            continued = switched and last.get(thread) == (code, line)
            last[thread] = (code, line)
            steps.append(
                Step(
                    thread,
                    code.co_filename,
                    line,
                    code.co_qualname,
                    tuple(accesses),
                    continued=continued,
                )
            )
        return _marked(steps)


def _marked(steps: list[Step]) -> tuple[Step, ...]:
    """Mark what one thread did to a thing between two accesses of another, if either wrote it."""
    racing: list[set[str]] = [set() for _ in steps]
    for what in {access.what for step in steps for access in step.accesses}:
        at = [
            (number, step.thread, any(a.writes for a in step.accesses if a.what == what))
            for number, step in enumerate(steps)
            if any(access.what == what for access in step.accesses)
        ]
        _mark_one(what, at, racing)
    return tuple(
        Step(**{**_fields(step), "racing": tuple(sorted(names))})
        for step, names in zip(steps, racing, strict=True)
    )


def _mark_one(what: str, at: list[tuple[int, str, bool]], racing: list[set[str]]) -> None:
    spans: list[tuple[int, int]] = []
    previous: dict[str, int] = {}
    for here, (_, thread, writes) in enumerate(at):
        start = previous.get(thread)
        if start is not None and any(
            other != thread and (wrote or writes or at[start][2])
            for _, other, wrote in at[start + 1 : here]
        ):
            spans.append((start, here))
        previous[thread] = here
    for start, end in spans:
        inner = any(start <= s and e <= end and (s, e) != (start, end) for s, e in spans)
        if not inner:  # the innermost are the race; main's span, say, is around everything
            for number, _, _ in at[start : end + 1]:
                racing[number].add(what)


def _fields(step: Step) -> dict[str, Any]:
    return {name: getattr(step, name) for name in Step.__slots__}


@cache
def _lines(code: CodeType) -> dict[int, int]:
    lines = {}
    for start, end, line in code.co_lines():
        if line is not None:
            lines.update(dict.fromkeys(range(start, end, 2), line))
    return lines
