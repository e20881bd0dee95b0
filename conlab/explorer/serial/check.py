"""``check="serial"``: whatever a program returns, some serial order of its threads returns it, too.

In a serial order each thread runs from its start to its end before another one begins, unless it
waits for it. So no oracle is needed: the program says by itself what is right. Of single operations
this is linearizability: Herlihy and Wing, *Linearizability: a correctness condition for concurrent
objects*, TOPLAS 1990.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conlab.errors import UserError
from conlab.explorer.outcomes import Returned
from conlab.explorer.verdict import Exploration

MOST_SERIAL = 20_000  # executions for all serial orders, however long that takes


class SerialOrderFails(UserError):
    """A serial order raises, or waits for ever, so that none says what is right."""


class Outcomes:
    """The values that a program has returned, each once."""

    def __init__(self) -> None:
        self.values: list[Any] = []

    def __contains__(self, value: object) -> bool:
        return any(value == known for known in self.values)

    def take_note(self, value: Any) -> bool:
        """Keep a value that is new; return True, as it is right by definition."""
        if value not in self:
            try:
                # The program may return what it shares, which is set back before each execution.
                self.values.append(copy.deepcopy(value))
            except Exception as error:
                raise UserError(
                    f"what the program returns cannot be kept to be compared ({error}): return"
                    " numbers, strings, and containers of them"
                ) from None
        return True

    def texts(self) -> tuple[str, ...]:
        """Give each as text."""
        return tuple(Returned(value).text() for value in self.values)


def explore_serially(
    explore: Callable[..., Exploration],
    program: Callable[[], Any],
    *,
    serial: Callable[[], Any] | None = None,
    **options: Any,
) -> Exploration:
    """Explore a program whose outcome must be that of a serial order.

    ``explore`` is `conlab.explorer.explore`, which takes the ``options``. ``serial`` is a program
    that does the same in another way, for which threads are not the units that are ordered. Raises
    UserError where the serial orders say nothing of what is right.
    """
    outcomes = serial_outcomes(explore, serial or program, **options)
    if outcomes.values == [None]:
        raise UserError(
            "the program returns nothing that could be compared with a serial order: return what"
            " its threads got, and what is left"
        )
    verdict = explore(program, check=outcomes.__contains__, **options)
    return replace(verdict, serial_outcomes=outcomes.texts())


def serial_outcomes(
    explore: Callable[..., Exploration], program: Callable[[], Any], **options: Any
) -> Outcomes:
    """Run every serial order, and return what they return. Raises UserError where one fails."""
    outcomes = Outcomes()
    alone = {"undivided": "threads", "processes": 1, "cancellations": 0, "sample": None}
    alone |= {"schedules": MOST_SERIAL, "seconds": None}
    told = {"found": lambda _: None, "progress": options.get("progress", lambda _: None)}
    found = explore(program, check=outcomes.take_note, **options | alone | told)
    if found.failing and found.witness is not None:
        raise SerialOrderFails(
            f"a serial order fails itself, so none says what is right: it {found.witness.outcome}"
        )
    if not found.exhausted:
        raise UserError(
            f"there are more serial orders than the {found.schedules} that were run: have fewer"
            " threads"
        )
    again = explore(program, check=outcomes.__contains__, **options | alone | told)
    if again.failing:
        raise UserError(
            "the serial orders return other values when they are run again, so none says what is"
            " right: return what can be compared, as numbers, strings, and containers of them"
        )
    return outcomes
