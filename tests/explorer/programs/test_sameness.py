"""A program that is not the same each time has no verdict, and is told what differs and where."""

import os
import random
import secrets
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conlab.explorer import Diverged, explore
from conlab.explorer.programs.sameness import MOST_DRAWS
from conlab.explorer.threads.scheduler import Scheduler
from tests.explorer.running import run_all


def by_random() -> list[int]:
    out: list[int] = []

    def work() -> None:
        if random.random() < 0.5:
            out.append(1)
        else:
            out.extend([2, 3])

    run_all(work, work)
    return out


def by_secrets() -> list[bool]:
    return [secrets.choice([True, False]) for _ in range(64)]  # which come the same but once


def by_uuid() -> uuid.UUID:
    return uuid.uuid4()


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (by_random, r"part after test_sameness\.py:\d+, 'if random\.random\(\).*seed it inside"),
        (by_secrets, r"draws by random\.SystemRandom or `secrets`, which nobody can seed"),
        (by_uuid, r"it returned UUID.*draws by `uuid`, which nobody can seed"),
    ],
)
def test_what_is_drawn_by_chance_is_named(program: Callable[[], Any], reason: str) -> None:
    with pytest.raises(
        Diverged, match=rf"{program.__name__} is not the same each time: .*{reason}"
    ):
        explore(program)


def test_what_is_drawn_from_a_seed_is_the_same() -> None:
    def seeded() -> list[int]:
        random.seed(3)
        return by_random()

    own = random.Random(3)

    def of_its_own() -> float:
        return own.random()

    assert explore(seeded, count_on=0).schedules
    assert explore(of_its_own).exhausted


def test_a_function_of_random_that_is_kept_by_name_draws_by_chance_as_well() -> None:
    choose = random.choice

    def program() -> int:
        return choose(range(1000))

    with pytest.raises(Diverged, match="It draws from `random`"):
        explore(program)


def test_what_is_drawn_and_matters_to_nothing_is_the_same_from_then_on() -> None:
    def program() -> Drawn:
        lock, drawn = threading.Lock(), Drawn()

        def work() -> None:
            with lock:
                drawn.numbers.append(random.random())

        run_all(work, work)
        return drawn

    seen: list[tuple[float, ...]] = []
    verdict = explore(program, check=lambda drawn: not seen.append(tuple(drawn.numbers)))  # type: ignore[func-returns-value]
    assert verdict.exhausted
    rehearsals, searched = seen[: -verdict.executions], seen[-verdict.executions :]
    assert len(set(rehearsals)) == len(rehearsals) >= 2 + MOST_DRAWS
    assert len(set(searched)) == 1
    assert verdict.executions > 1


class Drawn:
    def __init__(self) -> None:
        self.numbers: list[float] = []

    def __repr__(self) -> str:
        return "what was drawn"


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A module that is installed, and so not set back."""
    module = ModuleType("ledger_of_others")
    module.__file__ = str(tmp_path / "site-packages" / "ledger_of_others.py")
    source = "class Ledger:\n    lines = []\nseen = []\nledger = Ledger()\nledger.total = 0\n"
    exec(compile(source, module.__file__, "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "ledger_of_others", module)
    return module


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("module.seen.append(1)", "ledger_of_others.seen"),
        ("module.ledger.total += 1", "ledger_of_others.ledger.total"),
        ("module.Ledger.lines.append(1)", "ledger_of_others.Ledger.lines"),
    ],
)
def test_state_that_outlives_an_execution_is_named(library: Any, change: str, named: str) -> None:
    namespace = {"module": library}

    def program() -> Any:
        exec(change, namespace)
        return len(library.seen) + library.ledger.total + len(library.Ledger.lines)

    step = r"step that module \(--step ledger_of_others\), or make it inside the program"
    told = rf"it returned 1, and then returned 2, under the same schedule.*`{named}`.*{step}"
    with pytest.raises(Diverged, match=told):
        explore(program)


def test_what_the_first_execution_of_all_leaves_is_found() -> None:
    """It ends before it is known what the threads share, and so it is none that is compared."""
    once = iter([1])  # which cannot be set back

    def program() -> int:
        taken: list[int] = []
        run_all(lambda: taken.append(next(once, 0)), int)
        return taken[0]

    with pytest.raises(Diverged, match="it returned 1, and then returned 0, under the same sched"):
        explore(program, check=lambda filled: filled == 1)


def test_a_check_that_says_otherwise_the_second_time_is_told() -> None:
    answers = iter([True, False])
    with pytest.raises(Diverged, match="it returned 1 twice, and its check said True and then Fal"):
        explore(lambda: 1, check=lambda _: next(answers))


def test_addresses_in_what_is_returned_are_no_difference() -> None:
    assert explore(lambda: object()).exhausted


def test_what_only_a_later_schedule_meets_is_told_of_too() -> None:
    runs = iter(range(1_000))

    def program() -> None:
        seen: list[int] = []

        def look() -> None:
            if not seen:
                for _ in range(next(runs) % 3):
                    threading.Lock().acquire()

        run_all(lambda: seen.append(1), look, look)

    with pytest.raises(Diverged, match=r"is not the same each time: .*`runs`"):
        explore(program)


def test_nothing_is_left_replaced() -> None:
    before = os.urandom, random.getstate()
    with pytest.raises(Diverged):
        explore(by_secrets)
    assert (os.urandom, random.getstate()) == before
    assert Scheduler(stepped=frozenset(), limit=1).imported == []
