"""Nothing passes that was not run: what is a program, what is a check, and what each says."""

import asyncio
import functools
import operator
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer import Raised, Returned, explore
from conlab.explorer.programs.program import CheckFailed
from tests.explorer.running import run_all


async def fails(number: int = 0) -> None:
    await asyncio.gather(*(asyncio.to_thread(int) for _ in range(number)))
    raise ValueError("always")


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options)

    return wrapper


class Service:
    async def __call__(self) -> None:
        await fails()

    async def run(self) -> None:
        await fails()


class Awaitable:
    def __await__(self) -> Iterator[Any]:
        return fails().__await__()


@pytest.mark.parametrize(
    "program",
    [
        fails,
        lambda: fails(1),
        decorated(fails),
        functools.partial(fails, 2),
        Service(),
        Service().run,
        lambda: Awaitable(),
        decorated(Service().run),
    ],
    ids="async_function returns_it decorated partial object method awaitable both".split(),  # noqa: SIM905
)
def test_whatever_is_a_coroutine_in_the_end_is_run(program: Callable[[], Any]) -> None:
    verdict = explore(program)
    assert verdict.witness is not None
    assert isinstance(verdict.witness.outcome, Raised)
    assert verdict.witness.outcome.type == "ValueError"


def generator() -> Iterator[int]:
    yield 1


async def asynchronous() -> AsyncIterator[int]:
    yield 1


def needs(what: int, *, how: str, where: str = "here") -> None:
    print(what, how, where)


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        (generator, "generator is a generator function: to call it runs nothing of it"),
        (asynchronous, "asynchronous is a generator function"),
        (functools.partial(generator), "is a generator function"),
        (Service, "Service is a class, not a program"),
        (needs, r"needs needs arguments \(what, how\), and a program is called with none"),
        (functools.partial(needs, 1), r"needs arguments \(how\)"),
        (3, "3 cannot be called"),
        (generator(), "has been called already, and can run only once"),
        (lambda: generator(), "returns a generator of which nothing has run"),
        (lambda: asynchronous(), "returns a generator of which nothing has run"),
        (len, "len needs arguments"),
        (int("7").bit_length, "cannot tell in which file"),
    ],
    ids=[
        "generator_function",
        "async_generator_function",
        "partial_of_a_generator_function",
        "class",
        "arguments",
        "arguments_of_a_partial",
        "number",
        "generator",
        "returns_a_generator",
        "returns_an_async_generator",
        "function_in_c",
        "method_in_c",
    ],
)
def test_what_would_run_nothing_is_refused(program: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        explore(program)


def test_a_coroutine_that_was_made_already_is_refused() -> None:
    made = fails()
    with pytest.raises(UserError, match="has been called already"):
        explore(made)  # type: ignore[arg-type]  # wrong on purpose
    made.close()


def test_a_generator_that_the_program_has_gone_through_is_a_value() -> None:
    def program() -> Any:
        numbers = generator()
        next(numbers)
        return numbers

    assert explore(program).exhausted


@pytest.mark.parametrize("status", [(), (None,), (0,), (False,)])
def test_to_leave_with_success_is_success(status: tuple[Any, ...]) -> None:
    def program() -> None:
        run_all(int, int)
        sys.exit(*status)

    async def tasks() -> None:
        sys.exit(*status)

    assert not explore(program).failing
    assert not explore(tasks).failing


@pytest.mark.parametrize("status", [1, "no seat left"])
def test_to_leave_with_anything_else_fails(status: Any) -> None:
    witness = explore(lambda: sys.exit(status)).witness
    assert witness is not None
    assert str(witness.outcome) == f"raised SystemExit: {status}"


# -- checks ----------------------------------------------------------------------------------------


async def always_true(_: Any) -> bool:
    return False


def never_returns(value: Any) -> Any:
    value == 2  # noqa: B015 - the return is forgotten


def asserts(value: Any) -> None:
    assert value == 2


def looks_into(value: Any) -> bool:
    return bool(value["x"])


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (always_true, "the check always_true is a coroutine function, and .* always true"),
        (generator, "the check generator is a generator function"),
        (lambda: True, "must take the value that is returned"),
        (lambda value, other: value == other, "must take the value that is returned"),
        (3, "3 is no check"),
    ],
    ids=["coroutine_function", "generator_function", "no_argument", "two_arguments", "number"],
)
def test_what_cannot_judge_is_refused(check: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        explore(lambda: 1, check=check)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (looks_into, r"looks_into raised TypeError: .*, at test_program\.py:\d+, for the value 1"),
        (lambda value: fails(value), "returned <coroutine object"),
        (never_returns, "never_returns returned None for 1: return whether the value is right"),
        ([1].__eq__, "returned NotImplemented for 1"),
    ],
    ids=["raises", "returns_a_coroutine", "forgets_to_return", "knows_no_answer"],
)
def test_a_check_that_goes_wrong_says_nothing_about_the_program(check: Any, sentence: str) -> None:
    with pytest.raises(CheckFailed, match=sentence):
        explore(lambda: 1, check=check)


def test_an_assertion_of_the_check_is_its_verdict() -> None:
    assert explore(lambda: 1, check=asserts).failing  # type: ignore[arg-type]
    assert not explore(lambda: 2, check=asserts).failing  # type: ignore[arg-type]
    assert not explore(lambda: 2, check=functools.partial(operator.eq, 2)).failing


def test_a_check_that_cannot_take_what_one_schedule_returns_is_told_apart() -> None:
    def program() -> Any:
        result: list[dict[str, int]] = []
        found: list[Any] = []

        def look() -> None:
            found.append(result[0] if result else None)

        thread = threading.Thread(target=result.append, args=({"x": 1},))
        other = threading.Thread(target=look)
        thread.start()
        other.start()
        thread.join()
        other.join()
        return found[0]

    verdict = explore(program, check=looks_into)
    assert verdict.failing
    assert verdict.witness is not None
    assert verdict.witness.outcome == Returned(None)
    assert "but the check looks_into raised TypeError" in str(verdict)
