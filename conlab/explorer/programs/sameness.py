"""Whether a program is the same each time: else there is no verdict, and it is said what differs.

What decides a program may be its schedule and nothing else. So the first schedule is executed twice
before anything is searched. Where the two differ, it is executed again, bytecode by bytecode, to
see after which line the program goes another way.
"""

import inspect
import linecache
import os
import random
import re
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, GeneratorType, ModuleType
from typing import Any, Protocol
from unittest import mock

from conlab.explorer.outcomes import Failure, Outcome
from conlab.explorer.programs.program import function_of
from conlab.explorer.programs.project import LAB
from conlab.explorer.proxies import namespace_of, stands_for_another
from conlab.explorer.search.schedule import Diverged
from conlab.explorer.stepping.spans import line_at
from conlab.explorer.threads.ambient_state import AmbientState
from conlab.explorer.wording import shortened

ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
MOST_DRAWS = 8  # executions to see whether the numbers that are drawn from `random` matter
MOST_TRACES = 8  # to see where two executions part
MOST_NAMED = 3
MOST_FUNCTIONS = 100  # of a program, to look for iterators that it uses
LONGEST = 80  # characters of a line
Entry = tuple[str, CodeType, int]  # thread, code, offset
Fingerprints = dict[str, object]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of the first schedule, in words: its value is set back before the next."""

    told: str
    right: bool | None  # what the check says of the value, if there is a check
    sites: tuple[str, ...]
    before: tuple["Rehearsal", ...] = ()  # while it was found out what the program shares

    def differs(self, other: "Rehearsal") -> bool:
        """Whether the program was another."""
        return self.ends_otherwise(other) or self.sites != other.sites

    def ends_otherwise(self, other: "Rehearsal") -> bool:
        """Whether the program ended in another way."""
        return (self.told, self.right) != (other.told, other.right)


def told_of(outcome: Outcome, died: Sequence[Failure]) -> str:
    """Say how an execution ended, alike for values at other addresses."""
    dead = "".join(f", and {each}" for each in died)
    return ADDRESS.sub("0x...", f"{outcome}{dead}")


class Rehearsing(Protocol):
    """What can execute the first schedule: a session."""

    ambient_state: AmbientState

    @property
    def name(self) -> str:
        """What the program is called."""

    @property
    def program(self) -> Callable[[], Any]:
        """What is executed."""

    def rehearse(self) -> Rehearsal:
        """Execute the first schedule."""

    def trace(self) -> list[Entry]:
        """Execute it bytecode by bytecode."""


def insist_on_sameness(session: Rehearsing) -> None:
    """Execute the first schedule twice. Raises Diverged where the two differ.

    What is drawn by chance differs each time, but may matter to nothing: if the program draws,
    more executions say whether it does. If not, `random` gives the same numbers from now on.
    """
    before = random.getstate()
    with _random_bytes() as drawn:
        first = session.rehearse()
        between = random.getstate()
        second = session.rehearse()
    after = random.getstate()
    draws = before != between and between != after  # and nobody has seeded it
    for earlier, later in [*((each, first) for each in first.before), (first, second)]:
        if earlier.ends_otherwise(later):
            raise Diverged(_report(session, earlier, later, draws))
    if first.differs(second):
        raise Diverged(_report(session, first, second, draws))
    if draws or drawn:
        for _ in range(MOST_DRAWS):
            again = session.rehearse()
            if first.differs(again):
                raise Diverged(_report(session, first, again, draws))
    if draws:
        session.ambient_state.set_back_too(lambda: random.setstate(after))


def what_differs(session: Rehearsing, problem: str) -> str:
    """Say what may be the reason why a replay of a later schedule was another."""
    return _sentences(
        f"{session.name} is not the same each time: {problem}", _reasons(session, draws=False)
    )


def _report(session: Rehearsing, first: Rehearsal, second: Rehearsal, draws: bool) -> str:
    if first.told != second.told:
        what = f"it {first.told}, and then {second.told}, under the same schedule"
    elif first.right != second.right:
        what = f"it {first.told} twice, and its check said {first.right} and then {second.right}"
    else:
        what = "under the same schedule it has taken other steps"
    return _sentences(f"{session.name} is not the same each time: {what}", _reasons(session, draws))


def _sentences(first: str, others: Sequence[str]) -> str:
    return ". ".join([first, *others])


def _reasons(session: Rehearsing, draws: bool) -> list[str]:
    """Say where two executions part and what may be the reason, and what to do about it."""
    before = _state(session.ambient_state)
    with _random_bytes() as drawn:
        line = _where_they_part(session)
    after = _state(session.ambient_state)
    changed = [name for name, now in after.items() if before.get(name) != now]
    changed += _iterators_of(session.program)
    text = linecache.getline(*line).strip() if line is not None else ""
    reasons = []
    if line is not None:
        short = shortened(text, LONGEST)
        reasons.append(f"The two part after {Path(line[0]).name}:{line[1]}, {short!r}")
    if draws or ("random" in text and not drawn):
        reasons.append(
            "It draws from `random`, which goes on from one execution to the next: seed it inside"
            " the program, as by random.seed(0)"
        )
    elif drawn:
        reasons.append(
            f"It draws by {drawn[0]}, which nobody can seed: give the program a random.Random(0)"
        )
    if changed:
        names = ", ".join(f"`{name}`" for name in changed[:MOST_NAMED])
        more = f" and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
        reasons.append(f"What an execution changes outlives it: {names.replace(':', '.')}{more}")
        module = next((name.partition(":")[0] for name in changed if ":" in name), None)
        step = "" if module is None else f"step that module (--step {module}), or "
        reasons.append(f"To have it the same each time, {step}make it inside the program")
    if not draws and not drawn and not changed:
        reasons.append(
            "What decides may be a clock, an address (`id`, the order of a set of objects), a file,"
            " or what a library keeps from one execution to the next: make it inside the program,"
            " or step that library"
        )
    return reasons


def _where_they_part(session: Rehearsing) -> tuple[str, int] | None:
    """Return file and line of the last bytecode before two executions differ, if any do."""
    first = session.trace()
    for _ in range(MOST_TRACES):
        other = session.trace()
        for at, (one, two) in enumerate(zip(first, other, strict=False)):
            if one != two:
                return _line(first[at - 1]) if at else None
        if len(first) != len(other):
            return _line(min(first, other, key=len)[-1]) if first and other else None
    return None


def _line(entry: Entry) -> tuple[str, int]:
    _, code, offset = entry
    return code.co_filename, line_at(code, offset)


@contextmanager
def _random_bytes() -> Iterator[list[str]]:
    """Take note of who asks the system for random bytes."""
    drawn: list[str] = []
    original = os.urandom

    def urandom(size: int) -> bytes:
        caller = sys._getframe(1).f_globals.get("__name__")
        asked_by = {"random": "random.SystemRandom or `secrets`", "uuid": "`uuid`"}
        drawn.append(asked_by.get(str(caller), "os.urandom"))
        return original(size)

    with mock.patch.object(os, "urandom", urandom), mock.patch.object(random, "_urandom", urandom):
        yield drawn


# -- state that is not set back --------------------------------------------------------------------


def _state(ambient_state: AmbientState) -> Fingerprints:
    """Tell apart what modules hold that are not set back: those that are installed."""
    found: Fingerprints = {}
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        file = getattr(module, "__file__", None)
        if (
            top not in sys.stdlib_module_names
            and not ambient_state.sets_back(name)
            and isinstance(file, str)
            and not Path(file).is_relative_to(LAB)
        ):
            _add(found, f"{name}:", vars(module), of=name)
    return found


def _add(found: Fingerprints, path: str, names: Mapping[str, Any], of: str) -> None:
    for known_as, value in list(names.items()):
        if known_as.startswith("__") or issubclass(type(value), ModuleType):
            continue
        where = f"{path}{known_as}"
        found[where] = _fingerprint(value)
        own = (value if issubclass(type(value), type) else type(value)).__module__ == of
        attributes = namespace_of(value) if own else None
        if path.endswith(":") and isinstance(attributes, Mapping):
            _add(found, f"{where}.", attributes, of)


def _fingerprint(value: Any) -> object:
    if issubclass(
        type(value), list | tuple | set | frozenset | dict | deque
    ) and not stands_for_another(value):
        return id(value), len(value)
    if issubclass(type(value), int | float | str | bytes):
        return type(value), repr(value)  # for NaN is not even the same as itself
    return id(value)


def _iterators_of(program: Any) -> list[str]:
    """Name the iterators that a program was given: where they stand cannot be set back."""
    found: list[str] = []
    waiting = [function_of(program)]
    seen: set[int] = set()
    while waiting:
        function = waiting.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        try:
            variables = inspect.getclosurevars(function)
        except (TypeError, ValueError):
            continue
        for name, value in {**variables.globals, **variables.nonlocals}.items():
            if issubclass(type(value), GeneratorType) or type(value).__name__.endswith("iterator"):
                found.append(name)
            elif issubclass(type(value), FunctionType) and len(seen) < MOST_FUNCTIONS:
                waiting.append(value)
    return found
