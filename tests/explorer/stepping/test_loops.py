"""Which loops only wait: those that nothing ends which their bodies do."""

import ast
import textwrap
from pathlib import Path
from types import CodeType

import pytest

from conlab.explorer.stepping.facts import Facts
from conlab.explorer.stepping.loops import Loops, loops_of
from conlab.explorer.stepping.points import Point, nested, points_of

WAITS = [
    "while not stop.is_set(): count[0] += 1",
    "while not stop.is_set(): seen.append(1)",
    "while not self._stop.is_set(): self.beat()",
    "while time.monotonic() < end: count += 1",
    "while monotonic() < self.end: self.count += 1; sleep(1)",
    "while worker.is_alive(): turns = turns + 1",
    "while not done: total += sum(numbers)",
    "while not self.done: self.count += 1",
    "while len(results) < 3: polls[0] += 1",
    "while True:\n    if stop.is_set(): break\n    count += 1",
    "while True:\n    with lock:\n        if closed: return\n    count += 1",
    "while any(each.is_alive() for each in threads): count += 1",
]
WORKS = [
    "while count < 3: count += 1",
    "while self.count < 3: self.count += 1",
    "while stack: stack.pop()",
    "while self.items: self.take()",
    "while self.busy.any: self = self.next",
    "while node: node = node.next",
    "while queue[0].take(): count += 1",
    "while (item := queue.get()) is not None: items.append(item)",
    "while not stop.is_set(): stop.set()",
    "while not done: step()",
    "while not done: finish(done)",
    "while not done: finish(when=done)",
    "while not done: done[0] = 1",
    "while not done: (await turn())",
    "while True: count += 1",
    "while True:\n    if count > 3: break\n    count += 1",
    "while True:\n    try: get(); break\n    except Empty: count += 1",
    "while not flag:\n    for flag in flags: pass",
]
IMPORTS = "import time\nfrom time import monotonic, sleep\n"


@pytest.mark.parametrize("loop", WAITS)
def test_only_waits(loop: str) -> None:
    assert any(only for _, only in loops_of(_source(loop)))


@pytest.mark.parametrize("loop", WORKS)
def test_may_end_by_itself(loop: str) -> None:
    assert not any(only for _, only in loops_of(_source(loop)))


def test_a_source_that_cannot_be_read_has_no_loops() -> None:
    assert not list(loops_of(None))
    assert not list(loops_of(b"while:"))


def test_a_jump_closes_the_loop_that_it_is_in_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "nested.py"
    file.write_text(
        "def run(stop, items):\n"
        "    while not stop.is_set():\n"
        "        count = 0\n"
        "        while count < 3:\n"
        "            count += 1\n"
        "            if count == 2:\n"
        "                continue\n"
        "        for item in items:\n"
        "            items.count(item)\n"
    )
    code = next(each for each in nested(_compiled(file)) if each.co_name == "run")
    loops = Loops()
    found = {loops.closed_by(point) for point in _jumps(code)}
    outer, inner, iteration = sorted(found, key=lambda loop: loop.extent)
    assert [outer.kind, inner.kind, iteration.kind] == ["only waits", "works", "iterates"]
    assert inner.inside(outer)
    assert iteration.inside(outer)
    assert not iteration.inside(inner)
    assert not outer.inside(outer)


def _source(loop: str) -> bytes:
    source = f"{IMPORTS}async def run(self):\n{textwrap.indent(loop, '    ')}\n"
    ast.parse(source)
    return source.encode()


def _compiled(file: Path) -> CodeType:
    return compile(file.read_text(), file, "exec")


def _jumps(code: CodeType) -> list[Point]:
    return [point for point in points_of(code, Facts()).values() if point.target >= 0]
