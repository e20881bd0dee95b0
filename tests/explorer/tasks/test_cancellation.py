"""When a task is cancelled from outside: at any turn. Whom: those that somebody could cancel."""

import asyncio
import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conlab.cli import obey
from conlab.errors import UserError
from conlab.explorer import Deadlocked, Witness, explore, replay
from tests.explorer.running import module_of

LIBRARY = """\
import asyncio

class Cache:
    def __init__(self):
        self.loading = None

    async def load(self):
        await asyncio.sleep(1)
        return 42

    async def get(self):
        if self.loading is None:
            self.loading = asyncio.ensure_future(self.load())
        return await asyncio.shield(self.loading)

def start(work):
    return asyncio.create_task(work())
"""


@pytest.fixture
def library(tmp_path: Path) -> ModuleType:
    """A module that the program uses, and that makes a task of its own."""
    return module_of(tmp_path / "library_of_tasks.py", LIBRARY)


def whom(program: Callable[[], Any], cancellations: int = 1, **options: Any) -> set[str]:
    """Return the coroutines whose tasks were cancelled from outside, each alone."""
    verdict = explore(
        program,
        check=lambda _: True,
        bound=0,
        count_on=None,
        cancellations=cancellations,
        **options,
    )
    assert verdict.exhausted
    return set(verdict.cancelled)


def values(program: Callable[[], Any], cancellations: int) -> set[Any]:
    """Return what the program returns, under every schedule without a departure."""
    found = set()
    verdict = explore(
        program,
        check=lambda value: not found.add(value),  # type: ignore[func-returns-value]
        bound=0,
        count_on=None,
        cancellations=cancellations,
    )
    assert verdict.exhausted
    return found


# -- when --------------------------------------------------------------------------------------


@pytest.mark.parametrize("turns", [2, 3, 6])
def test_a_task_is_cancelled_at_every_turn_of_a_wait(turns: int) -> None:
    async def program() -> int | None:
        turn, cancelled_at = 0, None

        async def wait() -> None:
            nonlocal cancelled_at
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                cancelled_at = turn

        waiter = asyncio.create_task(wait())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for turn in range(turns):  # noqa: B007 - it is looked at when the wait is cancelled
            await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.wait([waiter])
        return cancelled_at

    before_its_first_step = None
    assert values(program, 0) == {turns - 1}
    # The main task goes on first in the turn in which the waiter hears of it.
    assert values(program, 1) == {before_its_first_step, *range(turns)}


def test_a_lock_whose_waiter_is_cancelled_in_the_turn_of_its_release_hangs() -> None:
    """As anyio's did up to 4.13 (anyio#1145): its release skipped who was cancelled."""

    class Lock:
        def __init__(self) -> None:
            self.free = True
            self.waiters: list[asyncio.Future[None]] = []

        async def acquire(self) -> None:
            if self.free and not self.waiters:
                self.free = False
                return
            future = asyncio.get_running_loop().create_future()
            self.waiters.append(future)
            try:
                await future
            finally:
                self.waiters.remove(future)

        def release(self) -> None:
            for future in self.waiters:
                if not future.cancelled():
                    future.set_result(None)
                    return
            self.free = True

    async def program() -> None:
        lock = Lock()

        async def holder() -> None:
            await lock.acquire()
            await asyncio.sleep(1)
            lock.release()

        async def waiter() -> None:
            await lock.acquire()
            lock.release()

        async def latecomer() -> None:
            await asyncio.sleep(1)
            await lock.acquire()
            lock.release()

        await asyncio.wait([asyncio.create_task(each()) for each in (holder, waiter, latecomer)])

    def hangs(cancellations: int) -> bool:
        verdict = explore(program, check=lambda _: True, bound=0, cancellations=cancellations)
        return verdict.witness is not None and isinstance(verdict.witness.outcome, Deadlocked)

    assert not hangs(0)
    assert hangs(1)


def test_a_second_cancellation_comes_at_any_turn_of_the_clean_up() -> None:
    async def program() -> int:
        cleaned = 0

        async def work() -> None:
            nonlocal cleaned
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                for cleaned in range(1, 4):  # noqa: B007 - it is what the program returns
                    await asyncio.sleep(0)
                cleaned = 4
                raise

        await asyncio.wait([asyncio.create_task(work())], timeout=1)
        return cleaned

    before_its_first_step = 0
    assert values(program, 1) == {before_its_first_step, 4}
    assert values(program, 2) == {before_its_first_step, 1, 2, 3, 4}


def test_two_tasks_are_cancelled_in_the_same_turn_in_either_order() -> None:
    async def program() -> tuple[int, ...]:
        order: list[int] = []

        async def work(number: int) -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                order.append(number)

        tasks = [asyncio.create_task(work(number)) for number in range(2)]
        await asyncio.sleep(1)
        for each in tasks:
            each.cancel()
        await asyncio.wait(tasks)
        return tuple(order)

    assert values(program, 0) == {(0, 1)}
    assert values(program, 2) >= {(0, 1), (1, 0)}


# -- whom --------------------------------------------------------------------------------------


async def work() -> None:
    await asyncio.sleep(1)


def makes_by_hand() -> Callable[[], Any]:
    async def program() -> None:
        await asyncio.wait([asyncio.create_task(work())])

    return program


def makes_by_gather() -> Callable[[], Any]:
    async def program() -> None:
        await asyncio.gather(work(), return_exceptions=True)

    return program


def makes_by_a_group() -> Callable[[], Any]:
    async def program() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(work())

    return program


def makes_in_a_nested_function() -> Callable[[], Any]:
    async def program() -> None:
        class Service:
            async def serve(self) -> None:
                await asyncio.gather(*[work() for _ in range(2)], return_exceptions=True)

        await Service().serve()

    return program


def runs_the_loop_itself() -> Callable[[], Any]:
    inner = makes_by_hand()

    def program() -> None:
        asyncio.run(inner())

    return program


def is_decorated() -> Callable[[], Any]:
    inner = makes_by_hand()

    @wraps(inner)
    async def program() -> None:
        await inner()

    return program


@pytest.mark.parametrize(
    "makes",
    [
        makes_by_hand,
        makes_by_gather,
        makes_by_a_group,
        makes_in_a_nested_function,
        runs_the_loop_itself,
        is_decorated,
    ],
)
def test_what_the_program_makes_is_cancelled(makes: Callable[[], Callable[[], Any]]) -> None:
    assert whom(makes()) == {"work"}
    assert whom(partial(makes())) == {"work"}


def test_what_a_library_makes_is_cancelled_only_if_it_is_named(library: ModuleType) -> None:
    async def program() -> list[Any]:
        cache = library.Cache()
        users = [asyncio.create_task(cache.get()) for _ in range(2)]
        return await asyncio.gather(*users, return_exceptions=True)

    def one_has_it(values: list[Any]) -> bool:
        return 42 in values

    assert whom(program) == {"get"}
    assert not explore(program, check=one_has_it, cancellations=1).failing
    assert whom(program, cancel=["load"]) == {"load"}
    assert whom(program, cancel=["Cache.load"]) == {"load"}
    assert whom(program, cancel=["Task-4"]) == {"load"}
    verdict = explore(program, check=one_has_it, cancel=("load",))
    assert verdict.failing
    assert verdict.witness is not None
    assert str(replay(verdict.witness, program, check=one_has_it)) == str(verdict.witness.outcome)


def test_what_helpers_of_the_program_make_is_not_cancelled_and_that_is_said(
    library: ModuleType,
) -> None:
    async def program() -> None:
        await asyncio.wait([library.start(work)])

    verdict = explore(program, cancellations=1)
    assert verdict.cancelled == ()
    assert "nobody was cancelled, as the program itself makes no task" in str(verdict)


def test_the_main_task_is_cancelled_only_if_it_is_named() -> None:
    async def program() -> None:
        await asyncio.sleep(1)

    assert whom(program) == set()
    assert whom(program, cancel=["program"]) == {"program"}


def test_a_timeout_of_the_program_is_no_cancellation_from_outside() -> None:
    async def program() -> list[Any]:
        async def answer() -> str:
            try:
                await asyncio.sleep(2)
            except asyncio.CancelledError:
                return "late"
            return "in time"

        results: list[Any] = []
        for wait in (asyncio.wait_for(answer(), 1), asyncio.shield(asyncio.sleep(0))):
            try:
                results.append(await wait)
            except TimeoutError:
                results.append("timeout")
        return results

    assert whom(program) == set()  # not even what wait_for makes of a coroutine, up to 3.11
    verdict = explore(program)
    assert not verdict.failing, verdict.witness


def test_a_callback_that_makes_a_task_counts_by_what_the_task_runs(library: ModuleType) -> None:
    async def program() -> None:
        async def inner() -> None:
            await asyncio.sleep(0)

        loop, started = asyncio.get_running_loop(), asyncio.Event()
        kept = []

        def start() -> None:
            kept.extend([asyncio.create_task(inner()), asyncio.create_task(library.Cache().load())])
            started.set()

        loop.call_soon(start)
        future = asyncio.run_coroutine_threadsafe(inner(), loop)
        await started.wait()
        await asyncio.wait([*kept, asyncio.wrap_future(future)])

    assert whom(program) == {"inner", "load"}  # both made by a function nested in the program


def test_a_script_may_cancel_what_it_makes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import asyncio\n"
        "async def work(): await asyncio.sleep(1)\n"
        "async def main(): await asyncio.wait([asyncio.create_task(work())])\n"
        "asyncio.run(main())\n"
    )
    assert obey(["explore", str(script), "--cancellations", "1"]) == 0
    assert "up to 1 cancellation of work" in " ".join(capsys.readouterr().out.split())


def test_a_name_that_no_task_has_is_explained() -> None:
    with pytest.raises(UserError, match=r"no task is called 'serve', .* there were Task-1 .*work"):
        explore(makes_by_hand(), cancel=["serve", "work"])
    with pytest.raises(UserError, match=r"is one name: say cancel=\('work',\)"):
        explore(makes_by_hand(), cancel="work")


def test_a_witness_keeps_who_was_to_be_cancelled(tmp_path: Path) -> None:
    async def program() -> None:
        asyncio.create_task(work()).add_done_callback(asyncio.Task.result)
        await asyncio.sleep(2)

    witness = explore(program, cancel=["work"]).witness
    assert witness is not None
    witness.save(tmp_path / "witness.json")
    assert Witness.load(tmp_path / "witness.json").cancel == ("work",)


@pytest.mark.skipif(sys.version_info < (3, 12, 2), reason="no task is eager before 3.12.2")
def test_an_eager_task_is_cancelled_where_it_waits() -> None:
    async def program() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined,unused-ignore]
        await asyncio.wait([asyncio.create_task(work())])

    assert whom(program) == {"work"}
