"""Whether a mended file still does its work: what it did, beside what both given sides did.

What is asked is what the broken and the fixed side have in common, so that no more is asked of a
fix of another shape than of these two: so many values handed to each given function, or so many
calls of it; the same programs started; threads, tasks or processes at work, and two of them at once
where both sides have two, or one beside the main one. And what the fixed side does less often than
the broken one, a fix does less often, too.
"""

from collections.abc import Iterator

from conlab.catalogue.pitfall import ORACLE
from conlab.study.trial import Noted

AT_ONCE = 2  # strands that are enough to be concurrent: ten workers may do what a thousand did
LONGEST = 60  # characters of a command that is told


def missing_work(
    noted: Noted, broken: Noted, fixed: Noted, *, exact: bool, steady: bool = False
) -> Iterator[str]:
    """Yield a sentence for each thing that the sides do and the mended file does not.

    Where threads decide how often something is done, not ``exact``, it has to be done at all. Where
    the counts are the same each time, ``steady``, what the fixed side does less often than the
    broken one is done less often.
    """
    for name in sorted(fixed.calls):
        both = name in broken.calls
        if name == ORACLE or not (both or "." not in name):
            continue  # another shape need not have that method
        called = noted.calls[name] + noted.drivers[name]
        calls = min(broken.calls[name], fixed.calls[name]) if both and exact else 1
        values = min(broken.values[name], fixed.values[name]) if both and exact else 0
        if not called or (not values and called < calls):
            yield (
                f"it {_called(name, called)}, and the fixed side calls it"
                f" {times(calls)} at least: that work is not done any more"
            )
        elif noted.values[name] < values:
            yield (
                f"it gave {name}() {counted(noted.values[name], 'value')}, and each side of the"
                f" pair gives it {values} at least: part of the work is not done any more"
            )
        elif steady and fixed.calls[name] < broken.calls[name] <= called:
            yield (
                f"it {_called(name, called)}, as the broken side does, and the fixed side calls it"
                f" {times(fixed.calls[name])}"
            )
    for program, count in sorted((broken.programs & fixed.programs).items()):
        if noted.programs[program] < count:
            shown = program if len(program) <= LONGEST else f"{program[: LONGEST - 3]}..."
            yield f"it does not run this program any more: {shown}"


def missing_concurrency(noted: Noted, broken: Noted, fixed: Noted) -> Iterator[str]:
    """Yield a sentence if less goes on at once than in both sides."""
    active = min(AT_ONCE, broken.active, fixed.active)
    width = min(AT_ONCE, broken.own_width, fixed.own_width)
    processes = 0 if active else min(broken.processes, fixed.processes)
    if max(noted.active, noted.jobs if noted.active else 0) < active:
        asked = "one does" if active == 1 else f"{active} do at least"
        yield (
            f"{strands(noted.active)} beside the main one did any of its work, and in both sides of"
            f" the pair {asked}: the concurrency is gone"
        )
    elif noted.width < width:
        yield (
            "its threads, tasks or processes come one after the other, each waited for before the"
            " next begins: the concurrency is gone"
        )
    elif not noted.together and (names := broken.beside & fixed.beside):
        called = " and ".join(f"{name}()" for name in sorted(names))
        yield (
            "it waits for its thread, task or process right after the start, and in both sides of"
            f" the pair the main one calls {called} meanwhile: the concurrency is gone"
        )
    elif noted.processes < processes:
        yield (
            f"it started {counted(noted.processes - 1, 'Python process')}, and both sides of the"
            f" pair start {processes - 1} at least: the concurrency is gone"
        )


def done(noted: Noted) -> str:
    """What was done, in a sentence for a reader whose file does its work."""
    called = [
        f"{name}() {times(count)}" for name, count in sorted(noted.calls.items()) if name != ORACLE
    ]
    parts = [f"it called {', '.join(called)}"] if called else []
    if noted.active:
        at_once = f", {noted.width} at once" if noted.width > 1 else ""
        parts.append(f"{strands(noted.active)} beside the main one worked{at_once}")
    return "; ".join(parts)


def _called(name: str, number: int) -> str:
    return f"called {name}() {times(number)}" if number else f"never called {name}()"


def times(number: int) -> str:
    """So often, in words."""
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


def counted(number: int, what: str) -> str:
    """So many of them."""
    plural = "es" if what.endswith("s") else "s"
    return f"{number or 'no'} {what}{'' if number == 1 else plural}"


def strands(number: int) -> str:
    """So many threads, tasks and processes, in words."""
    if number == 1:
        return "1 thread, task or process"
    return f"{number or 'no'} threads, tasks or processes"
