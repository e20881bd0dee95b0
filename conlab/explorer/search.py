"""The search: every sequence of choices, the fewest preemptions first, and nothing of threads.

A *run* is one execution of something that asks, at each of its choices, which of several options
to take. The first option costs nothing; the others cost 0 or 1 preemption. `enumerate_runs` gives
the run a `Trail` for each sequence of choices, every sequence exactly once.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence

from conlab.errors import UserError

MOST_KEPT = 2_000  # runs kept whole between two levels; of the others only the choices are kept


class Diverged(UserError):
    """A replayed run met other choices than the run it repeats: something uncontrolled decides."""


class Trail:
    """The choices of one run: those it is given first, then the first option every time."""

    __slots__ = ("_replay", "choices", "costs", "sites")

    def __init__(self, replay: Sequence[int] = (), sites: Sequence[Hashable] | None = None) -> None:
        """Replay these choices; where ``sites`` are given, insist on meeting the same ones."""
        self._replay = replay
        self.choices: list[int] = []
        self.costs: list[tuple[int, ...]] = []
        self.sites: list[Hashable] = list(sites[: len(replay)]) if sites is not None else []

    def choose(self, costs: tuple[int, ...], site: Hashable) -> int:
        """Return the option to take among ``len(costs)``; ``site`` names where the run is."""
        at = len(self.choices)
        if at < len(self.sites):
            if self.sites[at] != site:
                raise Diverged(
                    f"choice {at + 1} of a replayed run was at {self.sites[at]!r} before and is at"
                    f" {site!r} now"
                )
        else:
            self.sites.append(site)
        choice = 0
        if at < len(self._replay):
            choice = self._replay[at]
            if choice >= len(costs):
                raise Diverged(
                    f"choice {at + 1} of a replayed run took option {choice} and has only"
                    f" {len(costs)} now"
                )
        self.choices.append(choice)
        self.costs.append(costs)
        return choice

    def finish(self) -> None:
        """Say that the run has ended: a replay that never got to its last choice has diverged."""
        if len(self.choices) < len(self._replay):
            raise Diverged(
                f"a replayed run ended after {len(self.choices)} of its {len(self._replay)} choices"
            )

    @property
    def preemptions(self) -> int:
        """How many preemptions the choices made so far cost."""
        return sum(costs[choice] for choice, costs in zip(self.choices, self.costs, strict=True))


def enumerate_runs(run: Callable[[Trail], object], bound: int | None) -> Iterator[Trail]:
    """Run every sequence of choices of at most ``bound`` preemptions, the fewest first.

    Yields each trail when its run has ended. Between two levels the runs that have costlier
    neighbours are kept; of those above `MOST_KEPT` only the choices, and such a run is repeated
    when its turn comes.
    """
    level = 0
    costlier: list[tuple[Trail | bytes, int]] = []
    first = Trail()
    run(first)
    yield first
    yield from _free_neighbours(run, first, 0, costlier, keep=bound != 0)
    while costlier and (bound is None or level < bound):
        level += 1
        parents, costlier = costlier, []
        while parents:
            kept, start = parents.pop()
            if isinstance(kept, Trail):
                parent = kept
            else:
                parent = Trail(kept)
                run(parent)
            for at in range(start, len(parent.choices)):
                for option, cost in enumerate(parent.costs[at]):
                    if cost and option != parent.choices[at]:
                        trail = _branch(run, parent, at, option)
                        yield trail
                        yield from _free_neighbours(
                            run, trail, at + 1, costlier, keep=bound is None or level < bound
                        )


def _free_neighbours(
    run: Callable[[Trail], object],
    trail: Trail,
    start: int,
    costlier: list[tuple[Trail | bytes, int]],
    *,
    keep: bool,
) -> Iterator[Trail]:
    """Run what differs from ``trail`` at ``start`` or later by free choices, depth first."""
    if keep:
        _keep(costlier, trail, start)
    stack = [(trail, _free_options(trail, start))]
    while stack:
        parent, options = stack[-1]
        for at, option in options:
            neighbour = _branch(run, parent, at, option)
            yield neighbour
            if keep:
                _keep(costlier, neighbour, at + 1)
            stack.append((neighbour, _free_options(neighbour, at + 1)))
            break
        else:
            stack.pop()


def _keep(costlier: list[tuple[Trail | bytes, int]], trail: Trail, start: int) -> None:
    if any(1 in costs for costs in trail.costs[start:]):
        costlier.append((trail if len(costlier) < MOST_KEPT else bytes(trail.choices), start))


def _free_options(trail: Trail, start: int) -> Iterator[tuple[int, int]]:
    for at in range(len(trail.choices) - 1, start - 1, -1):
        for option, cost in enumerate(trail.costs[at]):
            if not cost and option != trail.choices[at]:
                yield at, option


def _branch(run: Callable[[Trail], object], trail: Trail, at: int, option: int) -> Trail:
    branch = Trail([*trail.choices[:at], option], trail.sites[:at])
    run(branch)
    return branch


def shrink(fails: Callable[[Sequence[int]], Trail | None], trail: Trail, tries: int = 200) -> Trail:
    """Return a failing trail with as few preemptions and other choices as ``tries`` runs allow.

    ``fails`` runs a sequence of choices and returns its trail when it fails in the same way, else
    None; a sequence that leads elsewhere is no failure.
    """
    best, again = trail, True
    while again and tries > 0:
        again = False
        for at in reversed([at for at, choice in enumerate(best.choices) if choice]):
            for candidate in _simpler(best.choices, at):
                if tries <= 0:
                    break
                tries -= 1
                shorter = fails(candidate)
                if shorter is not None and _size(shorter) < _size(best):
                    best, again = shorter, True
                    break
            if again:
                break
    return best


def _simpler(choices: Sequence[int], at: int) -> Iterator[list[int]]:
    """Give the sequence without the choice at ``at``: cut there, dropped, or made the first."""
    yield list(choices[:at])
    yield [*choices[:at], 0, *choices[at + 1 :]]
    yield [*choices[:at], *choices[at + 1 :]]


def _size(trail: Trail) -> tuple[int, int, int]:
    chosen = sum(1 for choice in trail.choices if choice)
    return trail.preemptions, chosen, len(trail.choices)
