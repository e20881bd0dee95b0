"""All clocks are the virtual one; a slow step moves them; and without timeouts none comes early."""

# Naive times are what this is about.
# ruff: noqa: DTZ002, DTZ005, DTZ006, DTZ011
import datetime
import functools
import queue
import re
import threading
import time
from collections.abc import Callable
from datetime import date as imported_date
from datetime import datetime as imported_datetime
from pathlib import Path
from time import localtime, monotonic, time_ns
from types import ModuleType
from typing import Any

import pytest

from conlab.explorer import Exploration, Raised, explore, replay
from conlab.explorer.threads.scheduler import SLOW, START_OF_TIME
from tests.explorer.running import module_of, run_all

HOUR = 3_600.0
STARTED = datetime.datetime.fromtimestamp(START_OF_TIME)
LIBRARY = """\
import time
from datetime import datetime
from time import monotonic as clock

class Lease:
    timer = time.monotonic

    def __init__(self, timer=clock):
        self.timer = timer

made_at_import = Lease()

def now():
    return [clock(), made_at_import.timer(), Lease().timer(), Lease.timer(), datetime.now()]
"""


@pytest.fixture
def library(tmp_path: Path) -> ModuleType:
    """A module that is not stepped, and that has imported clocks by name."""
    return module_of(tmp_path / "library_with_clocks.py", LIBRARY)


def value_of(program: Callable[[], Any]) -> Any:
    """Return what the program returns when no step is slow."""
    values = []
    verdict = explore(program, check=lambda value: not values.append(value), timeouts=False)  # type: ignore[func-returns-value]
    assert verdict.exhausted
    assert verdict.schedules == 1
    return values[-1]


CLOCKS: dict[str, Callable[[], Any]] = {
    "time.time": lambda: time.time(),
    "time.monotonic": lambda: time.monotonic(),
    "time.perf_counter": lambda: time.perf_counter(),
    "time.process_time": lambda: time.process_time(),
    "time.monotonic_ns": lambda: time.monotonic_ns() / 1e9,
    "time.clock_gettime": lambda: time.clock_gettime(time.CLOCK_MONOTONIC),
    "time.localtime": lambda: time.mktime(time.localtime()),
    "time.ctime": lambda: time.mktime(time.strptime(time.ctime())),
    "time.asctime": lambda: time.mktime(time.strptime(time.asctime())),
    "time.strftime": lambda: time.mktime(time.strptime(time.strftime("%c"), "%c")),
    "datetime.now": lambda: datetime.datetime.now().timestamp(),
    "datetime.now, UTC": lambda: datetime.datetime.now(datetime.UTC).timestamp(),
    "datetime.today": lambda: datetime.datetime.today().timestamp(),
    "imported datetime": lambda: imported_datetime.now().timestamp(),
    "imported monotonic": lambda: monotonic(),
    "imported time_ns": lambda: time_ns() / 1e9,
    "imported localtime": lambda: time.mktime(localtime()),
}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_every_clock_tells_the_virtual_time(clock: Callable[[], float]) -> None:
    def program() -> tuple[float, float]:
        before = clock()
        time.sleep(HOUR)
        return before, clock()

    before, after = value_of(program)
    assert before == pytest.approx(START_OF_TIME, abs=1)
    assert after == pytest.approx(START_OF_TIME + HOUR, abs=1)


def test_dates_are_those_of_the_virtual_time_and_of_their_own_class() -> None:
    class Moment(datetime.datetime):
        pass

    def program() -> list[Any]:
        return [imported_date.today(), datetime.datetime.now(), Moment.now(), time.gmtime()]

    day, moment, own, universal = value_of(program)
    assert day == STARTED.date()
    assert (type(moment), moment) == (datetime.datetime, STARTED)
    assert (type(own), own) == (Moment, STARTED)
    assert universal == time.gmtime(START_OF_TIME)


def test_clocks_are_real_again_afterwards(library: ModuleType) -> None:
    before = [time.monotonic, library.Lease.timer, library.made_at_import.timer, monotonic]
    methods = vars(datetime.datetime)["now"], vars(datetime.date)["today"]
    explore(library.now, stepped=[__file__])
    after = [time.monotonic, library.Lease.timer, library.made_at_import.timer, monotonic]
    assert all(one is other for one, other in zip(before, after, strict=True))
    assert methods == (vars(datetime.datetime)["now"], vars(datetime.date)["today"])
    assert abs(datetime.datetime.now().timestamp() - time.time()) < HOUR
    assert datetime.datetime.now() > STARTED + datetime.timedelta(days=365)


def test_code_that_is_not_stepped_reads_the_same_clock(library: ModuleType) -> None:
    def program() -> Any:
        return library.now()

    *seconds, moment = value_of(program)
    assert seconds == [START_OF_TIME] * 4
    assert moment == STARTED


# -- slow steps --------------------------------------------------------------------------------


def waits_until_a_deadline() -> None:
    ready = []
    deadline = time.monotonic() + 5
    worker = threading.Thread(target=lambda: ready.append(1))
    worker.start()
    worker.join()
    if time.monotonic() > deadline:
        raise TimeoutError("late")
    assert ready


@pytest.mark.parametrize("reduction", [True, False])
def test_a_deadline_that_is_computed_by_hand_may_pass(reduction: bool) -> None:
    verdict = explore(waits_until_a_deadline, reduction=reduction)
    witness = verdict.witness
    assert witness is not None
    assert isinstance(witness.outcome, Raised)
    assert (witness.outcome.type, witness.preemptions) == ("TimeoutError", 1)
    assert witness.needs_timeout
    head = " ".join(str(witness).partition("\n\n")[0].split())
    assert re.search(r"with 1 (slow step|step so slow|time-out while others)", head)
    if not reduction:  # which looks at any number of preemptions, if these are few
        assert not explore(waits_until_a_deadline, reduction=False, bound=0).failing
    assert explore(waits_until_a_deadline, reduction=reduction, timeouts=False).exhausted
    assert str(replay(witness, waits_until_a_deadline)) == str(witness.outcome)


def test_every_look_at_a_clock_may_be_late_but_what_follows_one_at_once() -> None:
    def program() -> tuple[int, float]:
        looks, begun = [0], time.monotonic()
        at_once = time.monotonic() - begun

        def look() -> None:
            looks[0] += time.monotonic() - begun >= SLOW

        for _ in range(3):
            look()
        return looks[0], at_once

    seen = set()
    verdict = explore(program, check=lambda value: not seen.add(value))  # type: ignore[func-returns-value]
    assert verdict.exhausted
    assert seen == {(late, 0.0) for late in range(4)}


def clocked_pairs() -> Callable[[], Any]:
    """Two threads, each of which looks at the clock and writes what it saw after the other."""

    def program() -> tuple[Any, ...]:
        shared: dict[str, Any] = {"deadline": None, "late": None}
        start = time.monotonic()

        def sets() -> None:
            shared["deadline"] = time.monotonic() + 1

        def checks() -> None:
            deadline = shared["deadline"]
            shared["late"] = deadline is not None and time.monotonic() > deadline

        run_all(sets, checks)
        return shared["late"], (shared["deadline"] or start) - start > SLOW

    return program


def test_a_reduced_search_finds_what_a_plain_one_finds_with_slow_steps() -> None:
    found: dict[bool, set[Any]] = {}
    for reduction in (True, False):
        values = found[reduction] = set()
        verdict = explore(
            clocked_pairs(),
            check=lambda value, values=values: not values.add(value),  # type: ignore[misc]
            reading="bytecode",
            reduction=reduction,
            count_on=None,
            bound=3,
        )
        assert verdict.exhausted
    assert found[True] == found[False]
    assert {(True, False), (False, False), (False, True)} <= found[True]


# -- without timeouts --------------------------------------------------------------------------


def waits_only_to_be_safe() -> str:
    items: queue.Queue[str] = queue.Queue()

    def work() -> None:
        time.sleep(0.1)
        items.put("item")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        return items.get(timeout=60)
    except queue.Empty:
        return "nothing"
    finally:
        worker.join()


def both(program: Callable[[], Any], **options: Any) -> tuple[Exploration, Exploration]:
    """Explore with and without timeouts."""
    explored = functools.partial(explore, program, reading="bytecode", **options)
    return explored(), explored(timeouts=False)


def test_a_wait_times_out_early_only_with_timeouts() -> None:
    with_them, without = both(waits_only_to_be_safe, check="item".__eq__)
    assert with_them.witness is not None
    assert with_them.witness.needs_timeout
    assert "the first with an early timeout" in str(with_them)
    assert without.exhausted
    assert not without.failing


def test_a_wait_that_nobody_can_end_times_out_all_the_same() -> None:
    def program() -> bool:
        return threading.Event().wait(60)

    _, without = both(program, check=lambda came: not came)
    assert (without.failing, without.exhausted) == (0, True)


def test_a_sleep_is_no_timeout_and_races_as_ever() -> None:
    def program() -> int:
        count = [0]

        def add() -> None:
            time.sleep(0.1)
            read = count[0]
            count[0] = read + 1

        run_all(add, add)
        return count[0]

    for verdict in both(program, check=lambda count: count == 2):
        assert verdict.failing
        assert verdict.witness is not None
        assert not verdict.witness.needs_timeout


def test_a_clock_is_found_also_when_the_heap_was_looked_through_before(tmp_path: Path) -> None:
    explore(lambda: None)
    library = module_of(tmp_path / "library_of_later.py", LIBRARY)
    assert value_of(lambda: library.now()) == [*[START_OF_TIME] * 4, STARTED]
