"""A failing schedule: repeated from its choices, saved as JSON, printed, written as a script."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conlab.errors import UserError
from conlab.explorer.outcomes import (
    Deadlocked,
    Failure,
    Outcome,
    Raised,
    Returned,
    Text,
    Unfinished,
    Waiting,
)
from conlab.explorer.witnesses.accesses import Access
from conlab.explorer.witnesses.holds import Hold
from conlab.explorer.witnesses.narration import narrate
from conlab.explorer.witnesses.steps import Step
from conlab.explorer.witnesses.turns import Coming, Place, Turn

FORMAT = 3
OUTCOMES: dict[str, type[Any]] = {
    "returned": Returned,
    "raised": Raised,
    "deadlock": Deadlocked,
    "unfinished": Unfinished,
}


@dataclass(frozen=True, slots=True, repr=False)
class Witness:
    """A failing schedule: its choices, what they lead to, and what is needed to repeat them."""

    program: str
    choices: tuple[int, ...]
    sites: tuple[str, ...]
    assumptions: tuple[tuple[str | int, ...], ...]
    preemptions: int
    outcome: Outcome
    died: tuple[Failure, ...]
    reading: str
    stepped: tuple[str, ...]
    python: str
    steps: tuple[Step, ...]
    cancellations: int = 0  # from outside, at most
    counted: str = "preemption"
    cancel: tuple[str, ...] = ()  # the names of those, where they were named
    turns: tuple[Turn, ...] = ()
    coming: tuple[Coming, ...] = ()
    timeouts: bool = True  # whether time could pass while somebody could go on
    needs_timeout: bool = False  # whether it has, so that a timeout or a deadline was over
    holds: tuple[Hold, ...] = ()  # in steps: who held which lock from where to where

    def __repr__(self) -> str:
        """Be short, as pytest shows it where an assertion about a verdict fails."""
        return f"<Witness: {self.program} {self.outcome}>"

    def save(self, path: str | Path) -> None:
        """Write the witness as JSON, to be read by `Witness.load` in any process."""
        kind = next(kind for kind, sort in OUTCOMES.items() if isinstance(self.outcome, sort))
        values = asdict(self)
        if isinstance(self.outcome, Returned):
            values["outcome"] = {"value": self.outcome.text()}
        Path(path).write_text(
            json.dumps({"format": FORMAT, "kind": kind} | values, indent=1) + "\n"
        )

    @classmethod
    def load(cls, path: str | Path) -> "Witness":
        """Read a saved witness. Raises UserError when the file holds none."""
        try:
            return cls.restored(json.loads(Path(path).read_text()), path)
        except OSError as error:
            raise UserError(f"cannot read the witness {path}: {error.strerror}") from None
        except ValueError as error:
            raise UserError(f"{path} holds no witness saved by conlab: {error!r}") from None

    @classmethod
    def restored(cls, values: dict[str, Any], path: str | Path) -> "Witness":
        """Make the witness of what was saved at that path. Raises UserError where it is none."""
        try:
            values = dict(values)
            if values.pop("format") != FORMAT:
                raise UserError(f"{path} has another format of witness than {FORMAT}: make it anew")
            return cls(**_restored(values))
        except (AttributeError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} holds no witness saved by conlab: {error!r}") from None

    def __str__(self) -> str:
        """Say what happened and print the schedule as columns."""
        return "\n".join(self.lines(shutil.get_terminal_size((80, 24)).columns))

    def lines(self, width: int = 80) -> Iterator[str]:
        """Yield the lines of the printed witness, none of them longer than ``width``."""
        told = self.program, self.outcome, self.died, self.steps
        return narrate(*told, width, early=self.needs_timeout)


def _restored(values: dict[str, Any]) -> dict[str, Any]:
    outcome = values["outcome"]
    match values.pop("kind"):
        case "returned":
            values["outcome"] = Returned(Text(outcome["value"]))
        case "raised":
            values["outcome"] = Raised(**outcome)
        case "deadlock":
            values["outcome"] = Deadlocked(
                tuple(
                    Waiting(
                        **waiting | {name: tuple(waiting[name]) for name in ("held_by", "held_at")}
                    )
                    for waiting in outcome["waiting"]
                ),
                tuple(outcome["cycle"]),
            )
        case "unfinished":
            values["outcome"] = Unfinished(**outcome)
    values["died"] = tuple(Failure(**failure) for failure in values["died"])
    values["assumptions"] = tuple(map(tuple, values["assumptions"]))
    values["steps"] = tuple(
        Step(
            **step
            | {
                "accesses": tuple(Access(**access) for access in step["accesses"]),
                "racing": tuple(step["racing"]),
            }
        )
        for step in values["steps"]
    )
    values["turns"] = tuple(
        Turn(**turn | {"place": turn["place"] and Place(**turn["place"])})
        for turn in values["turns"]
    )
    values["coming"] = tuple(
        Coming(**each | {"which": tuple(each["which"])}) for each in values["coming"]
    )
    values["holds"] = tuple(Hold(**hold) for hold in values.get("holds", ()))
    for name in ("choices", "sites", "stepped", "cancel"):
        values[name] = tuple(values[name])
    return values
