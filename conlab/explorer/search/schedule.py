"""A schedule: which of its options one execution takes at each of its choices.

The first option of a choice costs nothing; each other costs 0 or 1 (a preemption, or
a departure where tasks run).
"""

from collections.abc import Hashable, Sequence

from conlab.errors import UserError


class Diverged(UserError):
    """A replay met other choices than the execution it repeats: something uncontrolled decides."""


class Schedule:
    """The choices of one execution: those it is given, then the first option every time."""

    __slots__ = ("_known", "_replay", "_replayed", "choices", "costs", "sites")

    def __init__(self, replay: Sequence[int] = (), sites: Sequence[Hashable] | None = None) -> None:
        """Replay these choices; where ``sites`` are given, insist on meeting the same ones."""
        self._replay = replay
        self._replayed = len(replay)
        self.choices: list[int] = []
        self.costs: list[tuple[int, ...]] = []
        self.sites: list[Hashable] = list(sites[: len(replay)]) if sites is not None else []
        self._known = len(self.sites)

    def choose(self, costs: tuple[int, ...], site: Hashable, default: int = 0) -> int:
        """Return the option to take among ``len(costs)``; ``site`` names where the execution is.

        It is the ``default`` where none is given.
        """
        choices = self.choices
        at = len(choices)
        if at >= self._known:
            self.sites.append(site)
        elif self.sites[at] != site:
            raise Diverged(
                f"choice {at + 1} of a replay was at {self.sites[at]!r} before and is at {site!r}"
                " now"
            )
        if at >= self._replayed:
            choice = default
        else:
            choice = self._replay[at]
            if choice >= len(costs):
                raise Diverged(
                    f"choice {at + 1} of a replay took option {choice} and has only"
                    f" {len(costs)} now"
                )
        choices.append(choice)
        self.costs.append(costs)
        return choice

    def choose_way(self, costs: tuple[int, ...], site: Hashable) -> int:
        """Return which of several ways the step goes on that is being taken."""
        return self.choose(costs, site)

    def choose_thread(
        self,
        costs: tuple[int, ...],
        site: Hashable,
        threads: tuple[int, ...],  # noqa: ARG002 - only where they matter
        timed: int,  # noqa: ARG002
    ) -> int:
        """Return which of ``threads`` takes the next step; the last ``timed`` of them time out."""
        return self.choose(costs, site)

    def finish(self) -> None:
        """Say that the execution has ended: a replay that has choices left has diverged."""
        if len(self.choices) < len(self._replay):
            raise Diverged(
                f"a replay ended after {len(self.choices)} of its {len(self._replay)} choices"
            )

    @property
    def preemptions(self) -> int:
        """How many preemptions the choices made so far cost."""
        return sum(costs[choice] for choice, costs in zip(self.choices, self.costs, strict=True))
