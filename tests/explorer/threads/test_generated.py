"""Generated programs: the explorer's set of outcomes is that of a brute-force reference."""

import linecache
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conlab.explorer import Deadlocked, explore

# One operation of a generated thread. Every thread has one register, `r`, which it returns.
#   ("load", v)         r = <v>                ("store", v)   <v> = r + 10
#   ("inc", v)          <v> += 1               ("put",)       q.put(r)
#   ("locked", n, ops)  with lock n: ops       ("get",)       r = q.get()
#   ("try", n, ops)     if lock n.acquire(blocking=False): ops, release
#   ("set",)            e.set()                ("wait",)      e.wait()
Operation = tuple[Any, ...]
Threads = list[list[Operation]]

FACES = {  # how a shared variable is written down: its declaration, and the expression for it
    "cell": ("{v} = 0", "{v}"),
    "attribute": ("{v} = Box(); {v}.value = 0", "{v}.value"),
    "item": ("{v} = {{'k': 0}}", "{v}['k']"),
    "element": ("{v} = [0]", "{v}[0]"),
    "property": ("{v} = Guarded()", "{v}.value"),
    "reflected": ("{v} = Reflected()", "{v}.value"),
}
HEAD = """
import threading
import queue


class Box:
    pass


class Guarded:
    _value = 0

    @property
    def value(self):
        return self._value

    @value.setter
    def value(self, new):
        self._value = new


class Reflected:
    def __init__(self):
        self.__dict__["inner"] = {"value": 0}

    def __getattr__(self, name):
        return self.inner[name]

    def __setattr__(self, name, new):
        self.inner[name] = new


def program():
    locks = [threading.Lock(), threading.Lock()]
    q = queue.Queue()
    e = threading.Event()
"""


def source_of(threads: Threads, face: str) -> str:
    declare, use = FACES[face]
    lines = [HEAD.rstrip()]
    lines += [f"    {declare.format(v=v)}" for v in ("x", "y")]
    lines.append(f"    registers = [0] * {len(threads)}")
    for number, operations in enumerate(threads):
        lines += [f"    def thread{number}():"]
        if face == "cell":
            lines.append("        nonlocal x, y")
        lines += ["        r = 0", *_body(operations, use, "        ")]
        lines.append(f"        registers[{number}] = r")
    names = ", ".join(f"thread{number}" for number in range(len(threads)))
    lines.append(f"    threads = [threading.Thread(target=f) for f in ({names},)]")
    lines += ["    for t in threads: t.start()", "    for t in threads: t.join()"]
    x, y = use.format(v="x"), use.format(v="y")
    lines.append(f"    return ({x}, {y}, *registers)")
    return "\n".join(lines) + "\n"


def _body(operations: list[Operation], use: str, indent: str) -> list[str]:
    lines = []
    for operation in operations:
        match operation:
            case ("load", v):
                lines.append(f"{indent}r = {use.format(v=v)}")
            case ("store", v):
                lines.append(f"{indent}{use.format(v=v)} = r + 10")
            case ("inc", v):
                lines.append(f"{indent}{use.format(v=v)} += 1")
            case ("put",):
                lines.append(f"{indent}q.put(r)")
            case ("get",):
                lines.append(f"{indent}r = q.get()")
            case ("set",):
                lines.append(f"{indent}e.set()")
            case ("wait",):
                lines.append(f"{indent}e.wait()")
            case ("locked", n, inner):
                lines.append(f"{indent}with locks[{n}]:")
                lines += _body(inner, use, indent + "    ") or [f"{indent}    pass"]
            case ("try", n, inner):
                lines.append(f"{indent}if locks[{n}].acquire(blocking=False):")
                lines += _body(inner, use, indent + "    ")
                lines.append(f"{indent}    locks[{n}].release()")
    return lines


@dataclass(frozen=True)
class State:
    """The whole of a program between two atomic steps, for the reference."""

    at: tuple[int, ...]
    registers: tuple[int, ...]
    scratch: tuple[int, ...]
    shared: tuple[int, int]
    holders: tuple[int, int]
    queued: tuple[int, ...]
    set: bool


def compile_reference(operations: list[Operation]) -> list[Operation]:
    """Flatten to atomic steps: reads and writes apart, and a failed `try` jumps."""
    steps: list[Operation] = []
    for operation in operations:
        match operation:
            case ("inc", v):
                steps += [("fetch", v), ("bump", v)]
            case ("locked", n, inner):
                steps += [("acquire", n), *compile_reference(inner), ("release", n)]
            case ("try", n, inner):
                body = [*compile_reference(inner), ("release", n)]
                steps += [("try", n, len(body)), *body]
            case _:
                steps.append(operation)
    return steps


def reference_outcomes(threads: Threads, bound: int) -> set[Any]:
    """Return the outcome of every interleaving of atomic steps with at most so many preemptions."""
    code = [[*compile_reference(operations), ("end",)] for operations in threads]
    n = len(threads)
    start = State((0,) * n, (0,) * n, (0,) * n, (0, 0), (-1, -1), (), False)
    first = (start, -1, 0)
    seen, waiting = {first}, [first]
    outcomes: set[Any] = set()
    while waiting:
        state, current, preemptions = waiting.pop()
        following = {
            thread: after
            for thread in range(n)
            if state.at[thread] < len(code[thread])
            and (after := step(state, thread, code[thread][state.at[thread]])) is not None
        }
        if all(at == len(steps) for at, steps in zip(state.at, code, strict=True)):
            outcomes.add((*state.shared, *state.registers))
        elif not following:
            outcomes.add("deadlock")
        for thread, after in following.items():
            cost = int(current in following and thread != current)
            reached = (after, thread, preemptions + cost)
            if reached not in seen and preemptions + cost <= bound:
                seen.add(reached)
                waiting.append(reached)
    return outcomes


def step(state: State, thread: int, operation: Operation) -> State | None:
    """Return the state after one atomic step of a thread, or None where it must wait."""
    at, registers, scratch = list(state.at), list(state.registers), list(state.scratch)
    shared, holders = list(state.shared), list(state.holders)
    queued, flag = state.queued, state.set
    at[thread] += 1
    match operation:
        case ("load", v):
            registers[thread] = shared["xy".index(v)]
        case ("store", v):
            shared["xy".index(v)] = registers[thread] + 10
        case ("fetch", v):
            scratch[thread] = shared["xy".index(v)]
        case ("bump", v):
            shared["xy".index(v)] = scratch[thread] + 1
        case ("put",):
            queued = (*queued, registers[thread])
        case ("get",):
            if not queued:
                return None
            registers[thread], queued = queued[0], queued[1:]
        case ("set",):
            flag = True
        case ("wait",):
            if not flag:
                return None
        case ("acquire", n):
            if holders[n] != -1:
                return None
            holders[n] = thread
        case ("try", n, length):
            if holders[n] == -1:
                holders[n] = thread
            else:
                at[thread] += length
        case ("release", n):
            holders[n] = -1
    return State(
        tuple(at),
        tuple(registers),
        tuple(scratch),
        (shared[0], shared[1]),
        (holders[0], holders[1]),
        queued,
        flag,
    )


UNBOUNDED = 1_000  # preemptions that no such program can have


variables = st.sampled_from(["x", "y"])
simple = st.one_of(
    st.tuples(st.just("load"), variables),
    st.tuples(st.just("store"), variables),
    st.tuples(st.just("inc"), variables),
    st.sampled_from([("put",), ("get",), ("set",), ("wait",)]),
)
operations = st.recursive(
    simple,
    lambda inner: st.tuples(
        st.sampled_from(["locked", "try"]), st.integers(0, 1), st.lists(inner, max_size=2)
    ),
    max_leaves=3,
)


two_threads = st.lists(st.lists(operations, min_size=1, max_size=2), min_size=2, max_size=2)
programs = st.one_of(
    st.lists(st.lists(operations, min_size=1, max_size=3), min_size=2, max_size=2),
    st.lists(st.lists(simple, min_size=1, max_size=1), min_size=3, max_size=3),
)


def explored_outcomes(
    source: str, file: Path, bound: int | None, *, reduction: bool = False
) -> set[Any]:
    file.write_text(source)
    linecache.checkcache(str(file))
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, str(file), "exec"), namespace)
    program: Callable[[], Any] = namespace["program"]
    outcomes: set[Any] = set()

    def collect(value: Any) -> bool:
        outcomes.add(value)
        return True

    verdict = explore(
        program,
        check=collect,
        reading="bytecode",
        bound=bound,
        count_on=None,
        reduction=reduction,
    )
    assert verdict.exhausted, verdict
    if verdict.witness is not None:
        assert isinstance(verdict.witness.outcome, Deadlocked), verdict.witness
        outcomes.add("deadlock")
    return outcomes


@pytest.mark.parametrize(
    ("face", "bound"), [("cell", 0), ("cell", 1), *((face, 2) for face in FACES)]
)
@settings(
    max_examples=3,
    suppress_health_check=[
        *settings().suppress_health_check,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(data=st.data())
def test_every_outcome_of_a_generated_program_is_found_and_no_other(
    face: str, bound: int, data: st.DataObject, tmp_path: Path
) -> None:
    # A face differs in how one access is made; the cell, whose accesses are one step, goes farther.
    threads = data.draw(programs if face == "cell" else two_threads)
    assert_the_same_outcomes(threads, face, tmp_path, bound)


PAIRS = [
    pytest.param([[("load", "x"), ("store", "y")], [("inc", "y")]], id="two variables"),
    pytest.param(
        [[("locked", 0, [("inc", "x")])], [("try", 0, [("inc", "x")]), ("load", "x")]],
        id="a lock tried",
    ),
    pytest.param(
        [[("locked", 0, [("locked", 1, [])])], [("locked", 1, [("locked", 0, [])])]],
        id="two locks in both orders",
    ),
    pytest.param(
        [[("inc", "x"), ("put",), ("set",)], [("get",), ("wait",), ("load", "x")]],
        id="a queue and an event",
    ),
]
THREE = [pytest.param([[("inc", "x")], [("inc", "x")], [("load", "x")]], id="three threads")]


@pytest.mark.parametrize("threads", [*PAIRS, *THREE])
def test_every_outcome_of_a_program_with_this_is_found_and_no_other(
    threads: Threads, tmp_path: Path
) -> None:
    assert_the_same_outcomes(threads, "cell", tmp_path)


@pytest.mark.parametrize("threads", PAIRS)
def test_every_outcome_of_two_threads_is_found_where_an_access_is_a_call(
    threads: Threads, tmp_path: Path
) -> None:
    assert_the_same_outcomes(threads, "reflected", tmp_path)


@pytest.mark.parametrize("threads", [*PAIRS, *THREE])
def test_a_search_without_a_bound_finds_every_outcome_too(threads: Threads, tmp_path: Path) -> None:
    source = source_of(threads, "cell")
    found = explored_outcomes(source, tmp_path / "generated.py", None, reduction=True)
    assert found == reference_outcomes(threads, UNBOUNDED), source


def assert_the_same_outcomes(threads: Threads, face: str, folder: Path, bound: int = 2) -> None:
    source = source_of(threads, face)
    expected = reference_outcomes(threads, bound)
    assert explored_outcomes(source, folder / "generated.py", bound) == expected, source
    reduced = explored_outcomes(source, folder / "generated.py", bound, reduction=True)
    assert reduced == expected, source
