"""Generated programs of tasks: every outcome that asyncio allows is found, and no other.

The reference knows asyncio from its documentation and source, and nothing of the explorer: it has a
queue of what is ready, a list of timers and its own enumeration.
"""

import asyncio
import linecache
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conlab.explorer import Deadlocked, explore

# One operation of a generated task. Every task has one register, `r`, which it returns.
#   ("load",) r = x     ("store",) x = r + 10     ("log",) log.append(number of the task)
#   ("turn",) await asyncio.sleep(0)              ("sleep", n) await asyncio.sleep(n)
#   ("put",)  q.put_nowait(r)                     ("get",) r = await q.get()
#   ("set",)  e.set()                             ("wait",) await e.wait()
#   ("locked", operations)                        async with lock: operations
Operation = tuple[Any, ...]
Tasks = list[list[Operation]]

LINES = {
    "load": "r = x",
    "store": "x = r + 10",
    "log": "log.append(me)",
    "turn": "await asyncio.sleep(0)",
    "put": "q.put_nowait(r)",
    "get": "r = await q.get()",
    "set": "e.set()",
    "wait": "await e.wait()",
}


def source_of(tasks: Tasks) -> str:
    lines = [
        "import asyncio",
        "SCALE = 1",
        "async def program():",
        "    x, q, e, lock, log = 0, asyncio.Queue(), asyncio.Event(), asyncio.Lock(), []",
    ]
    for number, operations in enumerate(tasks):
        lines += [f"    async def task{number}():", "        nonlocal x"]
        lines += [f"        r, me = 0, {number}"]
        lines += [*_body(operations, "        "), "        return r"]
    calls = ", ".join(f"task{number}()" for number in range(len(tasks)))
    lines += [f"    registers = await asyncio.gather({calls})", "    return (x, *registers, *log)"]
    return "\n".join(lines) + "\n"


def _body(operations: list[Operation], indent: str) -> Iterator[str]:
    for operation in operations:
        match operation:
            case ("sleep", delay):
                yield f"{indent}await asyncio.sleep({delay} * SCALE)"
            case ("locked", inner):
                yield f"{indent}async with lock:"
                yield from _body(inner, indent + "    ")
                yield f"{indent}    pass"
            case (name,):
                yield indent + LINES[name]


class Reference:
    """One run of a program by the rules of asyncio; ``choices`` says how, ``costs`` what it met."""

    def __init__(self, tasks: Tasks, choices: list[int]) -> None:
        self.choices = choices
        self.met: list[int] = []  # how many options each choice had
        self.code = [list(_flat(operations)) for operations in tasks]
        self.at = [0] * len(tasks)
        self.registers = [0] * len(tasks)
        self.x = 0
        self.log: list[int] = []
        self.ready: deque[tuple[str, int]] = deque(("task", n) for n in range(len(tasks)))
        self.timers: list[tuple[int, int]] = []  # deadline, task; in the order they were set
        self.now = 0
        self.items: deque[int] = deque()
        self.getters: deque[int] = deque()
        self.set = False
        self.waiters: list[int] = []
        self.locked = False
        self.lock_waiters: deque[int] = deque()
        self.woken: int | None = None  # the waiter that the lock was handed to

    def outcome(self) -> Any:
        while any(at < len(code) for at, code in zip(self.at, self.code, strict=True)):
            if not self.ready and not self.timers:
                return "deadlock"
            self.pass_time()
            for _ in range(len(self.ready)):
                kind, task = self.ready.popleft()
                if kind == "timer":
                    self.ready.append(("task", task))
                else:
                    self.run(task)
        return (self.x, *self.registers, *self.log)

    def choose(self, options: int) -> int:
        if options == 1:
            return 0
        self.met.append(options)
        at = len(self.met) - 1
        return self.choices[at] if at < len(self.choices) else 0

    def pass_time(self) -> None:
        deadlines = sorted({deadline for deadline, _ in self.timers})
        due = sum(deadline <= self.now for deadline in deadlines)
        if not self.ready:
            due = max(due, 1)
        if due < len(deadlines):
            due += self.choose(len(deadlines) - due + 1)
        for number, deadline in enumerate(deadlines[:due]):
            self.now = max(self.now, deadline)
            tied = [timer for timer in self.timers if timer[0] == deadline]
            came = 0
            while tied:
                last = number == due - 1
                choice = self.choose(len(tied) + (last and came > 0))
                if choice == len(tied):
                    self.timers = [(self.now + 2, t[1]) if t in tied else t for t in self.timers]
                    break
                timer = tied.pop(choice)
                self.timers.remove(timer)
                self.ready.append(("timer", timer[1]))
                came += 1

    def run(self, task: int) -> None:
        """Run a task until it waits."""
        code = self.code[task]
        while self.at[task] < len(code):
            if not self.step(task, code[self.at[task]]):
                return

    def step(self, task: int, operation: Operation) -> bool:
        """Do one operation; return False where the task waits, and go on there or behind it."""
        match operation:
            case ("load",):
                self.registers[task] = self.x
            case ("store",):
                self.x = self.registers[task] + 10
            case ("log",):
                self.log.append(task)
            case ("turn",):
                self.ready.append(("task", task))
                self.at[task] += 1
                return False
            case ("sleep", delay):
                self.timers.append((self.now + 10_000 * delay, task))
                self.at[task] += 1
                return False
            case ("put",):
                self.items.append(self.registers[task])
                if self.getters:
                    self.ready.append(("task", self.getters.popleft()))
            case ("get",):
                if not self.items:
                    self.getters.append(task)
                    return False
                self.registers[task] = self.items.popleft()
            case ("set",):
                if not self.set:
                    self.set = True
                    self.ready.extend(("task", waiter) for waiter in self.waiters)
            case ("wait",):
                if not self.set:
                    self.waiters.append(task)
                    return False
            case ("acquire",):
                if self.woken == task:
                    self.woken = None
                    self.lock_waiters.popleft()
                elif self.locked or self.lock_waiters:
                    self.lock_waiters.append(task)
                    return False
                self.locked = True
            case ("release",):
                self.locked = False
                if self.lock_waiters:
                    self.woken = self.lock_waiters[0]
                    self.ready.append(("task", self.woken))
        self.at[task] += 1
        return True


def _flat(operations: list[Operation]) -> Iterator[Operation]:
    for operation in operations:
        match operation:
            case ("locked", inner):
                yield ("acquire",)
                yield from _flat(inner)
                yield ("release",)
            case _:
                yield operation


def reference_outcomes(tasks: Tasks, bound: int) -> set[Any]:
    """Return the outcome of every run with at most ``bound`` choices that are not the first."""
    outcomes, waiting = set(), [([], 0)]  # type: ignore[var-annotated]
    while waiting:
        choices, departures = waiting.pop()
        run = Reference(tasks, choices)
        outcomes.add(run.outcome())
        if departures < bound:
            for at in range(len(choices), len(run.met)):
                zeros = [0] * (at - len(choices))
                waiting += [
                    ([*choices, *zeros, option], departures + 1) for option in range(1, run.met[at])
                ]
    return outcomes


simple = st.one_of(
    st.sampled_from([(name,) for name in LINES]),
    st.tuples(st.just("sleep"), st.integers(1, 2)),
    st.sampled_from([("log",), ("turn",)]),
)
operations = st.one_of(
    simple, st.tuples(st.just("locked"), st.lists(simple, min_size=1, max_size=3))
)
programs = st.lists(
    st.tuples(simple, st.lists(operations, max_size=3)).map(lambda it: [it[0], *it[1], ("log",)]),
    min_size=2,
    max_size=3,
)


def program_of(source: str, file: Path) -> dict[str, Any]:
    file.write_text(source)
    linecache.checkcache(str(file))
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, str(file), "exec"), namespace)
    return namespace


def explored_outcomes(program: Any, bound: int) -> set[Any]:
    outcomes: set[Any] = set()

    def collect(value: Any) -> bool:
        outcomes.add(value)
        return True

    verdict = explore(program, check=collect, bound=bound, count_on=None)
    assert verdict.exhausted, verdict
    if verdict.witness is not None:
        assert isinstance(verdict.witness.outcome, Deadlocked), verdict.witness
        outcomes.add("deadlock")
    return outcomes


@pytest.mark.parametrize("bound", [0, 1, 2])
@settings(
    max_examples=25,
    suppress_health_check=[
        *settings().suppress_health_check,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(tasks=programs)
def test_every_outcome_of_generated_tasks_is_found_and_no_other(
    bound: int, tasks: Tasks, tmp_path: Path
) -> None:
    source = source_of(tasks)
    namespace = program_of(source, tmp_path / "generated.py")
    found = explored_outcomes(namespace["program"], bound)
    expected = reference_outcomes(tasks, bound)
    assert found == expected, source
    if "deadlock" not in expected and bound == 2:
        namespace["SCALE"] = 0.002
        assert asyncio.run(namespace["program"]()) in found, source
