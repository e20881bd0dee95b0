"""A loop that is not asyncio's own is refused however a program comes to run on it."""

import asyncio
import sys
from asyncio import events
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from conlab.explorer import Uncontrolled, explore


class _Loop:
    """As much of a loop as it takes to run a coroutine that waits for nothing: in C, it were."""

    def run_until_complete(self, future: Any) -> Any:
        asyncio._set_running_loop(self)  # type: ignore[arg-type]
        try:
            future.send(None)
        except StopIteration as end:
            return end.value
        finally:
            asyncio._set_running_loop(None)
        return None

    def create_task(self, coro: Any, **_: Any) -> Any:
        return coro

    async def shutdown_asyncgens(self) -> None:
        pass

    async def shutdown_default_executor(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass


class _Policy:
    pass


ForeignLoop: Any = type("ForeignLoop", (_Loop,), {})
ForeignPolicy: Any = type("ForeignPolicy", (_Policy,), {})


async def main() -> None:
    pass


async def asks() -> None:
    asyncio.get_running_loop()


def by_itself() -> None:
    coroutine = main()
    try:
        ForeignLoop().run_until_complete(coroutine)
    finally:
        coroutine.close()


def by_a_factory() -> None:
    coroutine = main()
    try:
        with asyncio.Runner(loop_factory=ForeignLoop) as runner:
            runner.run(coroutine)
    finally:
        coroutine.close()


def by_setting_it() -> None:
    asyncio.set_event_loop(ForeignLoop())


def by_a_policy() -> None:
    asyncio.set_event_loop_policy(ForeignPolicy())


@pytest.mark.parametrize("program", [by_itself, by_a_factory, by_setting_it, by_a_policy])
def test_a_foreign_loop_is_refused(program: Callable[[], None]) -> None:
    with pytest.raises(
        Uncontrolled, match=r"Foreign(Loop|Policy): only the event loops of asyncio"
    ):
        explore(program)


def test_a_policy_that_was_set_before_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_event_loop_policy", ForeignPolicy())
    with pytest.raises(Uncontrolled, match=r"by the policy .*ForeignPolicy"):
        explore(main)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module uvloop whose functions run coroutines where asyncio does not notice."""
    module: Any = ModuleType("uvloop")

    def run(coroutine: Any) -> None:
        coroutine.close()

    module.run = module.new_event_loop = module.install = run
    monkeypatch.setitem(sys.modules, "uvloop", module)
    return module  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["run", "new_event_loop", "install"])
def test_uvloop_is_refused_and_left_as_it_was(stand_in: Any, name: str) -> None:
    before = getattr(stand_in, name)

    def program() -> None:
        import uvloop

        coroutine = main()
        try:
            getattr(uvloop, name)(coroutine)
        finally:
            coroutine.close()

    with pytest.raises(Uncontrolled, match=rf"main calls uvloop\.{name}: only the event loops"):
        explore(program)
    assert getattr(stand_in, name) is before


@pytest.mark.filterwarnings("ignore:.*olicy:DeprecationWarning")
@pytest.mark.parametrize("how", ["run", "factory", "policy", "loop"])
def test_the_real_uvloop_is_refused(how: str) -> None:
    uvloop: Any = pytest.importorskip("uvloop", reason="uvloop is not installed: no extra of ours")

    def program() -> None:
        match how:
            case "run":
                uvloop.run(asks())
            case "factory":
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    runner.run(asks())
            case "policy":
                asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
            case "loop":
                uvloop.Loop().run_until_complete(asks())

    with pytest.raises(Uncontrolled, match=r"uvloop.*: only the event loops of asyncio"):
        explore(program)


def test_outside_an_execution_no_loop_is_refused() -> None:
    ran: list[object] = []

    def check(_: int) -> bool:
        coroutine = main()
        ran.append(ForeignLoop().run_until_complete(coroutine))
        return True

    assert explore(lambda: 1, check=check).exhausted
    assert ran
