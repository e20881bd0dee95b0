"""A printed witness can be read by somebody who knows neither the bug nor the explorer."""

import asyncio
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conlab.catalogue import law, pitfall
from conlab.explorer import Deadlocked, Witness, explore
from conlab.explorer.outcomes import Returned, Unfinished
from conlab.explorer.witnesses.narration import narrate, short_names
from conlab.explorer.witnesses.steps import Step
from tests.explorer.lost_update import lost_update

WIDTHS = (80, 120, 200)


def witness_of(program: Callable[[], Any], check: Callable[[Any], bool], **options: Any) -> Witness:
    witness = explore(program, check=check, reading="bytecode", **options).witness
    assert witness is not None
    return witness


def of_pitfall(name: str) -> Witness:
    found = pitfall.find(name)
    broken, holds = law.load(found, "broken"), law.load(found, "holds")
    return witness_of(broken, holds)


def printed(witness: Witness, width: int = 100) -> str:
    return "\n".join(witness.lines(width))


def said(witness: Witness, width: int = 100) -> str:
    """The whole as one line, so that it does not matter where a line ends."""
    return " ".join(printed(witness, width).split())


async def leak() -> int:
    free: asyncio.Queue[str] = asyncio.Queue()
    free.put_nowait("connection")

    async def use() -> None:
        connection = await free.get()
        await asyncio.sleep(1)
        free.put_nowait(connection)

    users = [asyncio.create_task(use()) for _ in range(2)]
    await asyncio.gather(*users, return_exceptions=True)
    return free.qsize()


def test_a_cancellation_is_a_row_and_is_counted() -> None:
    witness = witness_of(leak, lambda free: free == 1, cancellations=1)
    assert "with 1 cancellation from outside:" in said(witness)
    assert "(use) is cancelled from outside here --" in said(witness)


def test_time_that_passes_while_all_wait_is_a_row_and_is_not_counted() -> None:
    witness = witness_of(leak, lambda free: free == 1, cancellations=1)
    assert "-- 1 s passes: the timer of Task-2 (use) comes --" in said(witness)
    assert "time" not in said(witness).partition(":\n")[0].partition("returned")[2][:20]


async def hurries() -> bool:
    ready = asyncio.Event()

    async def worker() -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        ready.set()

    task = asyncio.create_task(worker())
    try:
        await asyncio.wait_for(ready.wait(), 60)
        in_time = True
    except TimeoutError:
        in_time = False
    await task
    return in_time


def test_a_timer_that_comes_though_a_task_is_ready_is_a_row_that_says_whose() -> None:
    witness = witness_of(hurries, bool)
    assert "with 1 slow step:" in said(witness)
    assert "-- 60 s pass though Task-2 (worker)" in said(witness)
    assert "could go on: the timer of Task-1 (hurries) comes first" in said(witness)


async def ordered() -> list[str]:
    order: list[str] = []

    async def come(name: str) -> None:
        await asyncio.sleep(1)
        order.append(name)

    first = asyncio.create_task(come("a"), name="first")
    second = asyncio.create_task(come("b"), name="second")
    await asyncio.gather(first, second)
    return order


def test_timers_that_change_places_are_a_row_that_says_whose() -> None:
    witness = witness_of(ordered, ["a", "b"].__eq__)
    assert "the timer of second (come) comes before that of first (come)" in said(witness)


def times_out() -> int:
    event, late = threading.Event(), []

    def wait() -> None:
        if not event.wait(60):
            late.append(1)

    thread = threading.Thread(target=wait)
    thread.start()
    event.set()
    thread.join()
    return len(late)


def test_a_wait_that_ends_by_time_is_a_row_with_its_seconds() -> None:
    told = said(witness_of(times_out, lambda late: late == 0))
    assert "time-out while others could go on" in told
    assert "-- 60 s pass: the wait of Thread-1 (wait) ends by time, though others could" in told


def test_a_preemption_is_a_row_that_says_what_comes_too_late() -> None:
    told = said(witness_of(lost_update, lambda count: count == 2))
    assert "with 1 preemption:" in told
    assert (
        "-- Thread-2 (add) goes on: Thread-1 (add) is stopped here, before it writes count --"
        in told
    )


def test_racing_accesses_say_what_they_read_and_what_they_wrote() -> None:
    told = said(witness_of(lost_update, lambda count: count == 2))
    assert "old = count [count 0]" in told
    assert "count = old + 1 [count 0 → 1]" in told
    assert "count = old + 1 [count 1 → 1]" in told


def test_what_is_done_before_the_threads_is_folded() -> None:
    witness = witness_of(lost_update, lambda count: count == 2)
    lines = list(witness.lines(100))
    assert any("lines of set-up in main)" in line for line in lines)
    assert "threading.Thread(" not in "\n".join(lines)


class Loud:
    """An object whose repr must not be asked for."""

    asked = 0

    def __init__(self) -> None:
        self.value = 0

    def __repr__(self) -> str:
        Loud.asked += 1
        return "Loud"

    __str__ = __repr__


def shares_an_object() -> int:
    shared: list[Any] = [None]
    made = []

    def get() -> None:
        if shared[0] is None:
            shared[0] = Loud()
            made.append(1)

    threads = [threading.Thread(target=get) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(made)


def test_no_repr_of_the_readers_is_run() -> None:
    witness = witness_of(shares_an_object, lambda made: made == 1)
    assert "[shared[0] None → Loud]" in said(witness)
    assert Loud.asked == 0


def test_a_lock_is_named_by_where_it_is_made_and_held_since_a_line() -> None:
    witness = of_pitfall("lock_order")
    path = pitfall.find("lock_order").path
    lines = path.read_text().splitlines()
    made = next(at for at, line in enumerate(lines, 1) if "threading.Lock()" in line)
    taken = next(at for at, line in enumerate(lines, 1) if "with first.lock" in line)
    told = said(witness)
    assert f"for Account.lock made at lock_order.py:{made}, held by" in told
    assert told.count(f"(transfer) since lock_order.py:{taken}") == 2
    assert (
        "deadlocks: Thread-1 (transfer) waits for Thread-2 (transfer), which waits for"
        " Thread-1 (transfer), with" in told
    )


def test_nothing_is_told_of_what_happens_after_a_deadlock() -> None:
    lines = list(of_pitfall("lock_order").lines(200))
    assert "with second.lock:  <- waits for ever" in lines[-1]


def test_a_task_that_holds_up_its_own_loop_is_named_and_not_its_thread() -> None:
    witness = of_pitfall("thread_lock_across_await")
    assert isinstance(witness.outcome, Deadlocked)
    assert set(witness.outcome.cycle) == {"Task-2 (request)", "Task-3 (request)"}
    assert "main" not in str(witness.outcome)
    assert "a task of the same thread, which cannot go on meanwhile" in said(witness)


def test_a_deadlock_of_one_is_told_in_the_singular() -> None:
    alone = Deadlocked((), ("Task-1",))
    assert str(alone) == "deadlocks: Task-1 waits for itself"
    assert "(first_reading) waits for ever" in said(of_pitfall("asyncio_object_from_thread"))


def test_a_queue_is_named_as_the_source_does() -> None:
    assert "for the items to be done of orders (a Queue)" in said(
        of_pitfall("queue_join_dead_worker")
    )


def test_a_livelock_shows_one_period_and_says_that_it_repeats() -> None:
    lines = list(of_pitfall("trylock_livelock").lines(100))
    assert len(lines) < 100
    assert any("rows repeat 98 more times)" in line for line in lines)


def test_the_end_of_a_long_witness_is_never_cut() -> None:
    steps = [Step("main", "a.py", at, "f", (), source=f"line_{at}()") for at in range(1, 500)]
    lines = list(narrate("a.py", Returned(1), (), steps, 80))
    assert "line_499()" in lines[-1]
    assert len(lines) < 120


def test_a_program_without_an_end_says_that_its_rows_repeat_without_one() -> None:
    steps = [Step("main", "a.py", at % 3, "f", (), source=f"line_{at % 3}()") for at in range(900)]
    told = "\n".join(narrate("a.py", Unfinished(900), (), steps, 80))
    assert "these 3 rows repeat, and so on without an end" in told


def test_the_line_that_raised_is_marked() -> None:
    told = printed(of_pitfall("iterate_while_mutating"))
    raised = [line for line in told.splitlines() if "<- raises RuntimeError" in line]
    assert len(raised) == 1
    assert "reminded = [" in raised[0]


def test_a_module_is_nothing_that_threads_race_for() -> None:
    for name in ("check_then_act_across_await", "cancel_leaks_resource"):
        races = [line for line in printed(of_pitfall(name)).splitlines() if "races for" in line]
        assert "asyncio" not in " ".join(races)


def test_files_are_named_by_as_much_of_their_paths_as_tells_them_apart() -> None:
    files = ["/a/pool/__init__.py", "/a/http/__init__.py", "/a/x/app.py", "/a/y/app.py", "/b/z.py"]
    assert list(short_names(files).values()) == [
        "pool/__init__.py",
        "http/__init__.py",
        "x/app.py",
        "y/app.py",
        "z.py",
    ]


@pytest.fixture
def two_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    (tmp_path / "counting_state.py").write_text("n = 0\n")
    (tmp_path / "counting.py").write_text(
        "import threading\nimport counting_state\n"
        "def add():\n    old = counting_state.n\n    change(old + 1)\n"
        "def change(value):\n    counting_state.n = value\n"
    )
    (tmp_path / "counting_program.py").write_text(
        "import threading, counting, counting_state\n"
        "def program():\n"
        "    threads = [threading.Thread(target=counting.add) for _ in range(2)]\n"
        "    for each in threads: each.start()\n"
        "    for each in threads: each.join()\n"
        "    return counting_state.n\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("counting_program")
    yield module
    for name in ("counting_program", "counting", "counting_state"):
        sys.modules.pop(name, None)


def test_each_row_names_its_file_where_there_are_several(two_files: ModuleType) -> None:
    stepped = [two_files.__file__, two_files.counting.__file__]
    witness = witness_of(two_files.program, lambda n: n == 2, stepped=stepped)
    told = printed(witness)
    assert "counting.py:4  " in told
    assert "counting_program.py:6  " in told


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "name", ["lost_update", "check_then_act_on_container", "lazy_init", "cancel_leaks_resource"]
)
def test_no_line_is_too_long_and_what_races_is_never_cut(name: str, width: int) -> None:
    witness = of_pitfall(name)
    lines = list(witness.lines(width))
    assert max(map(len, lines)) <= width
    text = "".join("".join(lines).split())
    for step in witness.steps:
        if step.racing and step.thread != "main":  # whose set-up is folded
            assert "".join(step.source.partition("  #")[0].split()) in text


def test_many_threads_have_a_row_each_and_their_code_in_full() -> None:
    def program() -> int:
        total = 0

        def add() -> None:
            nonlocal total
            a_name_that_takes_some_room = total
            total = a_name_that_takes_some_room + 1

        threads = [threading.Thread(target=add) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return total

    witness = witness_of(program, lambda total: total == 4)
    lines = list(witness.lines(80))
    assert any("* total = a_name_that_takes_some_room + 1  [total" in line for line in lines)
    assert any("Thread-4 (add)" in line and "a_name_that" in line for line in lines)
