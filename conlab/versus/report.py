"""What a comparison shows: its progress while it runs, and a table of verdicts at the end."""

import io
import time
from collections.abc import Sequence
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from conlab.bench.settings import usable_cores
from conlab.bench.summary import console_on
from conlab.plain_console import PlainConsole
from conlab.terminal import plain
from conlab.versus.clocks import Clock
from conlab.versus.comparison import Comparison
from conlab.versus.rule import Judgement, Verdict
from conlab.versus.sequential_test import SequentialTest

STYLES = {Verdict.SLOWER: "bold red", Verdict.FASTER: "green", Verdict.UNSURE: "yellow"}
NAMES = {Clock.CPU: "CPU"}
WORDS = {
    Clock.CPU: "CPU time",
    Clock.MEMORY: "memory",
    Clock.FIRST: "its first job",
    Clock.IMPORT: "its import",
    Clock.TAIL: "its slow rounds",
}
UNLIMITED = 1_000  # columns, more than a table wants


class Shown:
    """Progress: a bar on a terminal, else a line for each cell that is decided."""

    def __init__(self, comparison: Comparison, writer: Any) -> None:
        self.comparison = comparison
        self.writer = writer
        self.began = time.monotonic()
        # Drawn by nobody but us, after a pair: a thread that draws would disturb what is measured.
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            console=PlainConsole(file=writer._file, force_terminal=True),
            auto_refresh=False,
            transient=True,
            disable=not writer.hasmarkup,
        )

    def __enter__(self) -> "Shown":
        options = self.comparison.options
        self.writer.line()
        self.writer.line(plain(f"Comparing with {options.text}, seed {options.seed}"))
        self.bar.start()
        self.task = self.bar.add_task("", total=options.budget, state="preparing both sides")
        self.bar.refresh()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.bar.stop()

    def say(self, sentence: str) -> None:
        """Something begins that takes long and is no pair."""
        self.bar.update(self.task, state=sentence)
        self.bar.refresh()
        if self.bar.disable:
            self.writer.line(plain(sentence))

    def tell(self, test: SequentialTest) -> None:
        """A pair was measured, or could not be."""
        spent = time.monotonic() - self.began
        open_ones = sum(not one.is_over for one in self.comparison.tests)
        state = f"{spent:.0f} of {self.comparison.options.budget:.0f} s, {open_ones} cells to go"
        self.bar.update(self.task, completed=spent, state=state, description=test.cell.id)
        self.bar.refresh()
        if self.bar.disable and test.is_over:
            self.writer.line(plain(f"{spent:4.0f} s  {sentence(test)}"))


def sentence(test: SequentialTest) -> str:
    """What there is to say of a cell, in a line."""
    if said := test.failure or test.absent:
        return f"{test.cell.id}: {said}"
    if test.decisive is None:
        so_far = provisional(test)
        return f"{test.cell.id}: {test.verdict}" + (f", so far {so_far}" if so_far else "")
    judged = test.decisive
    by = f" by {WORDS[clock]}" if (clock := decisive_clock(test)) in WORDS else ""
    by += f" in {test.kind}" if test.kind else ""
    return (
        f"{test.cell.id}: {judged.verdict}, {change(judged)}{by}, after {judged.pairs} pairs in"
        f" {test.seconds:.0f} s"
    )


def decisive_clock(test: SequentialTest) -> Clock:
    """The clock whose verdict is the cell's."""
    if test.slower_by:
        return test.slower_by[0]
    return Clock.CPU if test.by_cpu else Clock.WALL


def change(judgement: Judgement) -> str:
    """The estimate and its interval."""
    return f"{judgement.estimate:+.1%} ({judgement.low:+.1%} to {judgement.high:+.1%})"


def provisional(test: SequentialTest) -> str:
    """The estimate before the first look, which has no interval yet, and which way pairs went."""
    if test.provisional is None:
        return ""
    estimate, slower = test.provisional
    return f"about {estimate:+.1%}, slower in {slower} of {len(test.pairs)} pairs"


def text(comparison: Comparison, width: int, color: bool) -> str:
    """The summary as text of at most ``width`` columns, if its tables fit into that."""
    file = io.StringIO()
    console = console_on(file, width, color)
    console.print()
    console.print(Text.assemble(("Did it get slower?", "bold"), f" {conditions(comparison)}"))
    for note in comparison.notes:
        console.print(Text(f"Note: {note}."))
    console.print()
    made = table(comparison)
    if console.measure(made, options=console.options.update_width(UNLIMITED)).maximum > width:
        made = table(comparison, narrow=True)
    console.print(made)
    for test in comparison.tests:
        if said := test.failure or test.absent:
            word, style = ("failed", "bold red") if test.failure else ("absent", "dim")
            if test.is_new_or_gone:
                word, _, said = said.partition(": ")
            console.print(Text(f"{word}: {test.cell.id}: {said}", style=style))
        for kind, one in test.moved.items():
            if one.decisive and not test.all_alike:
                name = test.name_of(kind)
                by = " by CPU time" if one.by_cpu else ""
                line = f"{test.cell.id}: {one.verdict}{by}: {name}: {change(one.decisive)}"
                console.print(Text(line, style=STYLES.get(one.verdict, "")))
    for name in comparison.gone:
        console.print(Text(f"gone: {name}: {conditions_of_new(comparison)} has it no longer"))
    console.print()
    console.print(Text(legend(comparison), style="dim"))
    return file.getvalue()


def conditions_of_new(comparison: Comparison) -> str:
    """The name of the new side."""
    return comparison.surveys[1].side.name if comparison.surveys else "the new side"


def conditions(comparison: Comparison) -> str:
    """What was compared, and how."""
    names = [survey.side.name for survey in comparison.surveys or ()]
    return (
        f"{names[1]} against {names[0]}, {usable_cores()} usable cores,"
        f" seed {comparison.options.seed}"
    )


def table(comparison: Comparison, *, narrow: bool = False) -> Table:
    """A row for each cell that was compared, with a line for each clock, and for a long verdict."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    made.add_column("cell", overflow="fold")
    made.add_column("verdict", max_width=len("that matters") if narrow else None)
    made.add_column("time", justify="right", no_wrap=True)
    made.add_column("jobs", justify="right", no_wrap=not narrow)
    made.add_column("pairs", justify="right", no_wrap=True)
    made.add_column("seconds", justify="right", no_wrap=True)
    made.add_column("would take", max_width=len("over 2,000, or") if narrow else None)
    for test in comparison.tests:
        if not (test.absent or test.failure):
            made.add_row(*row(test))
    return made


def row(test: SequentialTest) -> list[str | Text]:
    """The figures of a cell as text."""
    clocks = [
        f"{NAMES.get(clock, clock)} {change(judgement)}{'' if told else '?'}"
        for clock, judgement in test.whole.by_clock.items()
        for told in [judgement.verdict is not Verdict.UNSURE or clock in (Clock.WALL, Clock.CPU)]
    ]
    mark = {Clock.WALL: "", Clock.CPU: " (CPU)"}
    clock = decisive_clock(test)
    return [
        test.cell.id,
        Text(
            f"{test.verdict}{mark.get(clock, f' ({clock})')}",
            style=STYLES.get(test.verdict, ""),
        ),
        "\n".join(clocks) or provisional(test).replace(", ", "\n"),
        f"{test.jobs[0]} of {test.jobs[1]}" if test.jobs else "",
        str(len(test.pairs)),
        f"{test.seconds:.0f}",
        would_take(test),
    ]


def would_take(test: SequentialTest) -> str:
    """How many pairs more certainty would have taken, and the seconds of all."""
    if test.verdict is not Verdict.UNSURE:
        return ""
    if test.pairs_needed is None:  # the change is about as large as what matters, or too unsteady
        return "over 2,000, or never"
    seconds = test.pairs_needed * test.seconds_of_a_pair
    least = "" if test.wall else "at least "  # before the first look, their spread is not known
    return f"{least}{test.pairs_needed:,} pairs" + (f", {seconds:.0f} s" if seconds else "")


def legend(comparison: Comparison) -> str:
    """What the columns say, and how far they can be trusted."""
    options = comparison.options
    return (
        f"Wall time decides: slower or faster by {options.matters:.1%} or more, with an interval"
        " that leaves out no change; no change that matters, with an interval within"
        f" ±{options.matters:.1%}; else cannot tell. {others(options.clocks)}Jobs are divided"
        " into kinds, each of which is judged beside the whole; jobs: so many of all were measured"
        " in pairs, and the results of all were compared. Any alarm between identical sides has a"
        f" probability of at most {options.alpha:g} in all. A change just as large as"
        f" {options.matters:.1%} is the toss of a coin. would take: so many pairs, and seconds,"
        " decide nine in ten such cells."
    )


ABOUT = {
    Clock.CPU: "CPU: seconds of the process tree",
    Clock.MEMORY: "memory: the kernel's high-water mark, above that of an empty worker",
    Clock.FIRST: "first job: in a fresh process",
    Clock.IMPORT: "import: of the file and all that it imports",
    Clock.TAIL: "tail: the rounds than which one in twenty is slower",
}


def others(clocks: Sequence[Clock]) -> str:
    """What the other clocks are, and what they may say."""
    named = "; ".join(ABOUT[clock] for clock in clocks if clock in ABOUT)
    if not named:
        return ""
    return (
        f"{named}. Each is judged in the same way, and a cell that is slower by any of them is"
        " slower, marked with it; but CPU seconds beside a shorter wall time. "
    )
