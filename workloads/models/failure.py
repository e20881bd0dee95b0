"""A job that failed, as a value: it costs no other job, and any process can send it."""

import traceback as tracebacks
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Failure:
    """What is left of a job that raised: plain text, so that no exception need be picklable.

    Two failures are equal when type and message are; the traceback differs between models.
    """

    type: str
    message: str
    traceback: str = field(compare=False, repr=False, default="")

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """The failure that ``error`` is, with its traceback as text; a group names its first."""
        message = str(error)
        first: BaseException = error
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
            message += f": {type(first).__name__}: {first}"
        return cls(type(error).__name__, message, "".join(tracebacks.format_exception(error)))


def attempt(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | Failure:
    """The result of ``work``, or the failure that it ended in."""
    try:
        return work(*args, **kwargs)
    except Exception as error:  # every exception of a job is data; Ctrl-C and exit are not
        return Failure.of(error)


async def attempt_async(
    work: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs
) -> R | Failure:
    """The result that ``work`` awaits to, or the failure that it ended in."""
    try:
        return await work(*args, **kwargs)
    except Exception as error:  # cancellation is a BaseException, and passes
        return Failure.of(error)
