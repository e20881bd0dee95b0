"""Whether a cell did what serial did: the same results, the same failures, as many jobs."""

from itertools import islice
from typing import Any

from conlab.bench import trial
from conlab.bench.measured import Reference
from conlab.bench.running import CellAbsent, OpenCell
from conlab.bench.sameness import Same, difference, same
from conlab.errors import UserError


def try_one_job(open_cell: OpenCell) -> None:
    """Raise UserError where the workers of an existing cluster cannot do the first job."""
    if not open_cell.address:
        return
    first = islice(open_cell.jobs(), 1)
    for result in open_cell.run(open_cell.cell.work(), first):
        if type(result).__name__ == "Failure":
            raise UserError(
                f"--cluster {open_cell.address}: its workers cannot do a job of"
                f" {open_cell.cell.workload.name} ({result.type}: {result.message});"
                " they should run this Python with this folder on their path, and reach the"
                " origin's ports and the files of this machine"
            )


class OtherResults(AssertionError):
    """A model gives other results than serial."""


def one_line(mistake: BaseException) -> str:
    """What is wrong, in one sentence; the reader's own lines, if it has any, stay below it."""
    if isinstance(mistake, OtherResults):
        said = str(mistake).replace(":\n", ": ", 1).replace("\n", ", ")
        return f"{said}; {trial.ONLY_ITS_JOB}"
    return str(mistake)


def check(open_cell: OpenCell, result: Any, reference: Reference) -> None:
    """Fail unless the cell did what serial did.

    Raises:
        OtherResults: it gave other results.
        CellAbsent: every job of a reader's own workload failed under this model alone.
        UserError: the results are not the same from run to run, or cannot be compared.
    """
    if not reference.compared:
        return
    cell, expected = open_cell.cell, reference.result
    try:
        if same_results(result, expected, reference.alike):
            return
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"{cell.id}: its results cannot be compared by ==, which raised"
            f" {type(error).__name__}: {error}; work() should return plain values"
        ) from error
    if cell.workload.own:
        jobs = open_cell.jobs
        if reason := trial.why_all_fail(cell, result):
            raise CellAbsent(reason)
        if cell.model.name == "serial":
            trial.refuse_other_results(cell.workload, jobs, expected, result, reference.alike)
    where = difference(result, expected, reference.alike)
    raise OtherResults(f"{cell.id} gives other results than serial:\n{where}")


def same_results(result: Any, expected: Any, alike: Same) -> bool:
    """Say whether all results are alike, each by itself where they are a list."""
    if isinstance(result, list) and isinstance(expected, list) and alike is not same:
        return len(result) == len(expected) and all(map(alike, result, expected))
    return bool(alike(result, expected))
