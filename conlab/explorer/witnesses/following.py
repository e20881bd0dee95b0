"""Follows the choices of a witness in a program that may have changed, as far as that goes."""

import linecache
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import PurePath

from conlab.explorer.outcomes import Outcome
from conlab.explorer.search.schedule import Schedule
from conlab.explorer.witnesses.steps import Step

OFFSET = re.compile(r"\+\d+$")
AHEAD = 20  # choices of the witness that are looked through for one that is met too early


class FollowedSchedule(Schedule):
    """The choices of a witness, each where it was made; elsewhere the first option."""

    __slots__ = ("_choices", "_describe", "_met", "_next", "_sites", "misfit")

    def __init__(
        self,
        choices: Sequence[int],
        sites: Sequence[str],
        describe: Callable[[Hashable], str],
    ) -> None:
        """``describe`` says where a choice is made, as ``sites`` do."""
        self._choices = choices
        self._sites = sites
        self._describe = describe
        self.begin_anew()

    def begin_anew(self) -> None:
        """Follow them in another execution."""
        super().__init__()
        self._next = 0  # which of them is to be met next
        self._met = 0
        self.misfit = ""  # the first that was not as it should be, in a sentence

    def choose(self, costs: tuple[int, ...], site: Hashable, default: int = 0) -> int:
        """Return what was chosen there."""
        here = self._describe(site)
        self._met += 1
        at = self._place_of(here)
        if at != self._next or self._sites[at] != here:
            was = self._sites[self._next] if self._next < len(self._sites) else "not there"
            self._does_not_fit(f"choice {self._met} of the witness was at {was} and is at {here}")
        choice = default
        if at is not None:
            self._next = at + 1
            choice = self._choices[at]
            if choice >= len(costs):
                self._does_not_fit(
                    f"choice {self._met} of the witness took option {choice} at {here}, where"
                    f" there are only {len(costs)}"
                )
                choice = default
        self.choices.append(choice)
        self.costs.append(costs)
        self.sites.append(site)
        return choice

    def finish(self) -> None:
        """Take note of choices that were not met."""
        left = len(self._sites) - self._next
        if left:
            self._does_not_fit(
                f"of the {len(self._sites)} choices of the witness the last {left} were not met"
            )

    def _place_of(self, here: str) -> int | None:
        """Find the choice of the witness that is made here: at this bytecode, or one like it."""
        following = range(self._next, min(len(self._sites), self._next + AHEAD))
        for at in following:
            if self._sites[at] == here:
                return at
        if following and OFFSET.sub("", self._sites[self._next]) == OFFSET.sub("", here):
            return self._next
        return None

    def _does_not_fit(self, why: str) -> None:
        self.misfit = self.misfit or why


def changed_lines(steps: Sequence[Step]) -> Iterator[str]:
    """Say which lines of a witness are no longer what they were, in the order of their running."""
    seen = set()
    for step in steps:
        place = step.file, step.line
        if not step.source or place in seen:
            continue
        seen.add(place)
        now = linecache.getline(*place).strip()
        if now != step.source:
            what = f"is {now!r}" if now else "is not there"
            yield f"{PurePath(step.file).name}:{step.line} was {step.source!r} and {what} now"


def no_longer_fits(
    misfit: str, steps: Sequence[Step], was: Outcome, now: Outcome, *, fails: bool
) -> str:
    """Say what does not fit any more, and how it ended that went on all the same."""
    changed = next(changed_lines(steps), "")
    why = f"{changed}, and so {misfit}" if changed else misfit
    ended = f"fails: it {now}" if fails else f"does not fail: it {now}"
    as_before = ", as in the witness" if str(was) == str(now) else ""
    return (
        f"the witness does not fit this program: {why}. Followed as far as it goes, the program"
        f" {ended}{as_before}"
    )
