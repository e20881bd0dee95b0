"""Explores a program: every schedule up to a bound, the verdict, and the witness of a failure."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Literal

from conlab.errors import UserError
from conlab.explorer.outcomes import Outcome
from conlab.explorer.programs.program import (
    Check,
    Program,
    insist_on_check,
    insist_on_program,
)
from conlab.explorer.programs.scope import Steppable, scope_of
from conlab.explorer.serial.check import explore_serially
from conlab.explorer.session import Imported, Subject, has_gil, opened, python_version
from conlab.explorer.strategy import Limits
from conlab.explorer.tasks.cancellable import names_to_cancel
from conlab.explorer.threads.engines import choose_engine
from conlab.explorer.threads.scheduler import Undivided
from conlab.explorer.threads.watchdog import supervise
from conlab.explorer.verdict import Exploration
from conlab.explorer.witnesses.witness import Witness
from conlab.explorer.workers import TakeTurn, Workers

ReadingName = Literal["gil", "bytecode"]
EngineName = Literal["threads", "greenlets"]
Serial = Literal["serial"]
UNDER_THE_GIL = 1 / 3  # of the budget: to see whether a failure needs the reading ``bytecode``
FEW_UNDER_THE_GIL = 300  # schedules for that, or as many as have been executed before


def explore(
    program: Program,
    *,
    check: Check | Serial | None = None,
    reading: ReadingName = "bytecode",
    bound: int | None = 2,
    stepped: Iterable[Steppable] | None = None,
    step: Iterable[Steppable] = (),
    limit: int = 20_000,
    schedules: int = 1_000_000,
    seconds: float | None = None,
    count_on: int | None = 1_000,
    specialised: bool = False,
    cancellations: int = 0,
    cancel: Sequence[str] = (),
    timeouts: bool = True,
    reduction: bool = True,
    sample: int | None = None,
    seed: int = 0,
    engine: EngineName = "threads",
    processes: int = 1,
    undivided: Undivided | None = None,
    found: Callable[[Witness], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> Exploration:
    """Run ``program`` under every schedule of at most ``bound`` preemptions, the fewest first.

    With ``check="serial"`` what the program returns must be what some serial order of its threads
    returns, in which each runs from its start to its end.

    With ``reduction`` one schedule is run of those that differ in the order of independent steps
    only; and where it is soon done, every number of preemptions is searched, whatever the bound.

    By default every file of the reader's project that the program imports is stepped, also one that
    it imports while it runs; ``step`` adds modules, packages, names of them, and paths of files,
    and ``stepped`` names such in the place of the default. The state of the project's modules is
    set back before each execution, stepped or not.

    The first schedule is executed twice before anything is searched, and where the two differ there
    is no verdict. A failure in the reading ``bytecode`` is looked for in ``gil`` as well, and the
    verdict says so where it cannot happen there: then this build is safe by accident.

    ``limit`` is the most steps of one execution, ``schedules`` the most schedules, ``seconds`` how
    long the search may take; ``count_on`` are the most schedules after the first failing one, or
    None for every one up to ``bound`` whatever fails. A budget of schedules gives the same verdict
    each time, one of seconds does not. A third of it is kept for a search that comes to no end:
    then schedules are drawn by chance, from ``seed``, with any number of preemptions. With
    ``sample`` so many are drawn and nothing is searched.

    With ``specialised`` the reading ``gil`` takes every call for one that CPython has specialised
    already; otherwise the first few of each execution are cold, as in a fresh process. The tasks
    that the program makes itself are cancelled from outside up to ``cancellations`` times an
    execution, at each turn; a CancelledError that then comes out of the program is no failure.
    ``cancel`` names others instead, by the name of the task or of its coroutine; then it is once,
    at least. Without ``timeouts`` none comes, and no step is slow, while somebody can go on: that
    is for who waits a minute only to be safe. ``engine`` is on what the threads run: greenlets, on
    trial, are faster and give no other verdict; they need the library, and a program that does
    nothing that is bound to a real thread.

    A search with ``reduction`` is shared by so many ``processes``, and finds what one finds.

    ``undivided="calls"`` makes each call of a stepped file one step: a switch comes between two of
    them, or where one waits. What fails all the same is no fault of the code that is called.
    ``undivided="threads"`` switches only where a thread waits or ends: the serial orders.

    ``found`` is called with the witness of the first failing schedule at once, and again if one
    with fewer preemptions comes. ``progress`` is called ten times a second with the number of
    executions so far. Raises UserError for arguments that cannot be, Uncontrolled, Diverged or
    CheckFailed when there can be no verdict.
    """
    if reading not in ("gil", "bytecode"):
        raise UserError(f"there is no reading {reading!r}: say 'gil' or 'bytecode'")
    if bound is not None and bound < 0:
        raise UserError(f"a bound of {bound} preemptions makes no sense: say 0, more, or None")
    if cancellations < 0:
        raise UserError(f"{cancellations} cancellations make no sense: say 0 or more")
    if sample is not None and sample < 1:
        raise UserError(f"to sample {sample} schedules makes no sense: say 1 or more")
    if seconds is not None and seconds <= 0:
        raise UserError(f"{seconds:g} seconds make no sense: say more than 0")
    if processes < 1:
        raise UserError(f"{processes} processes make no sense: say 1 or more")
    if undivided and processes > 1:
        raise UserError(f"a search of undivided {undivided} is not shared: say processes=1")
    if check == "serial":
        given = dict(locals())  # the arguments: nothing else has a name yet
        del given["program"], given["check"]
        return explore_serially(explore, program, **given)
    insist_on_program(program)
    if check is not None:
        insist_on_check(check)
    names = names_to_cancel(cancel)
    subject = Subject(
        program,
        scope_of(program, stepped, step),
        check,
        reading,
        limit,
        max(cancellations, 1) if names else cancellations,
        names,
        timeouts,
        specialised,
        undivided,
    )

    def search(
        subject: Subject,
        limits: Limits,
        found: Callable[[Witness], None] = found,
        processes: int = processes,
    ) -> Exploration:
        with ExitStack() as stack:
            workers: Workers | None = None
            if reduction and processes > 1 and sample is None:
                turns = functools.partial(_turns, subject)
                workers = stack.enter_context(Workers(processes, turns))
            session = stack.enter_context(opened(subject))
            choose_engine(session.scheduler, engine)
            return supervise(
                session.scheduler,
                lambda: session.explore(limits, reduction, found, workers),
                lambda: progress(session.count),
            )

    limits = Limits(bound, schedules, seconds, count_on, sample, seed)
    exploration: Exploration | None = None
    while exploration is None:
        try:
            exploration = search(subject, limits)
        except Imported as new:
            subject = replace(subject, scope=subject.scope.with_imported(new.modules))
    if not _might_be_safe_by_accident(exploration):
        return exploration
    # The same search where this build was seen to switch, within a part of the budget.
    few = max(exploration.executions, FEW_UNDER_THE_GIL)
    limits = replace(
        limits,
        schedules=min(int(schedules * UNDER_THE_GIL) + 1, few),
        seconds=None if seconds is None else seconds * UNDER_THE_GIL,
        count_on=0,
        sample=None,
    )
    under_gil = search(replace(subject, reading="gil"), limits, lambda _: None, 1)
    return replace(exploration, under_gil=under_gil)


def _might_be_safe_by_accident(exploration: Exploration) -> bool:
    """Whether a failure might be none where a switch is possible in few places only.

    Tasks alone switch at an await, in either reading; and a build without the GIL is never safe by
    that.
    """
    return bool(
        exploration.failing
        and exploration.reading == "bytecode"
        and exploration.counted == "preemption"
        and not exploration.alone
        and exploration.witness is not None
        and exploration.witness.preemptions
        and has_gil()
    )


def replay(
    witness: Witness, program: Program, *, check: Check | None = None, limit: int = 20_000
) -> Outcome:
    """Run ``program`` once more under the witness's schedule and return how that ends.

    Raises Diverged when the program does not meet the same choices.
    """
    if witness.python != python_version():
        raise UserError(
            f"the witness is of Python {witness.python} and this is {python_version()}: their"
            " schedules differ"
        )
    insist_on_program(program)
    scope = replace(scope_of(program, None), stepped=witness.stepped, grows=False)
    subject = Subject(
        program,
        scope,
        check,
        witness.reading,
        limit,
        witness.cancellations,
        witness.cancel,
        witness.timeouts,
    )
    with opened(subject) as session:
        return supervise(session.scheduler, lambda: session.replay(witness), lambda: None)


def shared_things(
    program: Program,
    names: Iterable[str],
    *,
    stepped: Iterable[Steppable] | None = None,
    limit: int = 20_000,
) -> tuple[str, ...]:
    """Name what those threads or tasks of a program share that have these names.

    That is what at least two of them touch and one writes, under the program's first schedule. It
    is no verdict: another schedule may lead elsewhere.
    """
    with opened(Subject(program, scope_of(program, stepped), limit=limit)) as session:
        watched = supervise(session.scheduler, session.watch, lambda: None)
        return watched.shared_by(names)


@contextmanager
def _turns(subject: Subject) -> Iterator[TakeTurn]:
    """Give what takes a worker's turns."""
    with opened(subject) as session:
        yield session.take_turn
