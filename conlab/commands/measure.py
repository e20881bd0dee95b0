"""Measure a job of your own under every concurrency model, and say which one suits it here.

FILE holds jobs(), which yields the jobs, and work(job), which does one; and work_async(job), if the
job waits and can do so on an event loop. Every model does the same work, its results are checked
against serial's, and below the table stands what the figures say.
"""

import argparse
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures.thread import _threads_queues
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

from conlab import content, ending, terminal
from conlab.errors import UserError
from conlab.extras import needing
from conlab.outputs import Output, check_output

INTERRUPTED = 130
LEFT_OUT = "conlab: interrupted: what was not measured is left out"
WORKLOADS = f"{content.PACKAGE}.workloads"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and how it is run."""
    from conlab.bench.settings import add_run_options

    parser.add_argument("file", metavar="FILE", type=Path, help="the job, such as my_job.py")
    add_run_options(parser.add_argument)
    parser.add_argument(
        "--json", metavar="FILE", type=Path, help="write every figure there, as pytest-benchmark"
    )
    parser.add_argument(
        "--report", metavar="FILE.html", type=Path, help="write the run as a page, too"
    )


def run(options: argparse.Namespace) -> int:
    """Measure and print; return 1 if a cell failed. Raises UserError where the job is wrong."""
    with needing("measure", "suite"):
        import pytest_benchmark  # noqa: F401  # named first: without it nothing is timed

        from conlab.bench.command_line import as_a_script_has
    if options.json:
        check_output("--json", options.json, Output.FIGURES)
    if options.report:
        with needing("--report", "report"):
            from conlab.report import curves, page

            curves.library()
        page.check_writable("--report", options.report)
    with as_a_script_has(options.file):
        try:
            return measure_file(options)
        finally:
            leave_threads(options.file)


def measure_file(options: argparse.Namespace) -> int:
    """The same, once it is known that all is there that it needs."""
    with needing("measure", "suite"):
        from conlab.bench import discovery, levels, settings, summary
        from conlab.bench.inputs import Inputs
        from conlab.bench.measuring import Matrix
        from conlab.bench.own_job.measuring import measure
    out = sys.stdout  # a job may put something else there
    job = discovery.own_workload(options.file)
    given = SimpleNamespace(getoption=lambda name: getattr(options, name))
    chosen = settings.read_run((job,), given, package=WORKLOADS)
    line = terminal.LiveLine()
    matrix = Matrix(
        chosen, Inputs(chosen, small=False), say=said_at_once(line, out), show=line.show
    )
    levels.add_levels(matrix, small=False)
    try:
        try:
            matrix.reference(job)  # what is wrong with the job, it says at once
        except KeyboardInterrupt:
            line.clear()
            print(LEFT_OUT, file=sys.stderr)
            return INTERRUPTED
        done, interrupted = measure(
            matrix, options.json and options.json.absolute(), line, keep=bool(options.report)
        )
        if matrix.refused:
            raise UserError(matrix.refused[job.name])
        for failure in done.failures:
            said = terminal.plain(failure, keep="\n")
            print(f"conlab: {said}", file=sys.stderr)
        if not (matrix.measured or done.failures or interrupted):
            reason = terminal.plain(matrix.absent[0][1])
            print(f"conlab: nothing was measured: {reason}", file=sys.stderr)
        if matrix.measured:
            colour = terminal.takes_colour(out)
            said = summary.of_one(matrix, terminal.width(), colour, ended=not interrupted)
            print(said, end="", file=out)
        if done.figures is not None and options.report:
            from conlab.report import page
            from conlab.report.documents import Document

            page.write(
                page.of_documents([Document(str(options.file), "run", done.figures)]),
                options.report,
            )
            print(f"\nThe page of this run: {terminal.plain(str(options.report))}", file=out)
    finally:
        sys.stdout = out
        levels.close(matrix)
    if interrupted:
        print(LEFT_OUT, file=sys.stderr)
        return INTERRUPTED
    return int(bool(done.failures) or not matrix.measured)


def leave_threads(file: Path) -> None:
    """Say which threads the job has left that would keep this process, and do not wait for them."""
    pools = _threads_queues  # their threads end when the process does
    left = [
        one.name
        for one in threading.enumerate()
        if not (one.daemon or one in pools or one is threading.main_thread())
    ]
    if left and not ending.jobs_left.is_set():
        ending.jobs_left.set()
        print(
            f"conlab: {file}: it has started a thread that does not end, {terminal.plain(left[0])},"
            " and no process that imports it would end either, but for being ended; give it"
            " daemon=True",
            file=sys.stderr,
        )


def said_at_once(line: terminal.LiveLine, out: TextIO) -> Callable[[str], None]:
    """A function that prints a sentence, above the live line and before the table."""

    def say(sentence: str) -> None:
        line.clear()
        print(textwrap.fill(terminal.plain(sentence), terminal.text_width()), file=out, flush=True)

    return say
