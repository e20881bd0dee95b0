"""What stands below the table of a reader's own job beside its verdict: facts of this very run."""

from conlab.bench.measuring import Matrix
from conlab.bench.report import ENOUGH_ROUNDS, Group
from conlab.bench.words import duration, how_often


def remarks(matrix: Matrix, group: Group) -> list[str]:
    """Sentences on the workload of the group; none on one of the suite's."""
    workload = group.cells[0].cell.workload
    if not workload.own:
        return []
    return [*said_of_results(matrix, group), *said_of_rounds(group), *said_of_pools(group)]


def said_of_results(matrix: Matrix, group: Group) -> list[str]:
    """Which jobs failed, and how the results were compared if not by ==."""
    said = []
    reference = matrix.references.get(group.name)
    if reference and reference.note:
        said.append(reference.note)
    if not matrix.settings.compares:
        said.append("Results were not compared (--no-compare): a model may have given other ones.")
    elif matrix.settings.compare:
        said.append(f"Results were compared by {matrix.settings.compare}() of the job's file.")
    return said


def said_of_rounds(group: Group) -> list[str]:
    """What so few jobs or rounds cannot show."""
    if group.rows[0].jobs == 1:
        return ["A single job has none beside it that could run meanwhile: give it some more."]
    rounds = min(len(one.rounds) for one in group.cells)
    if rounds < ENOUGH_ROUNDS:
        return [
            f"A model was timed only {how_often(rounds)}: how far its time varies is not known."
        ]
    return []


def said_of_pools(group: Group) -> list[str]:
    """What each pool takes to start, and to hand over a job, in one line."""
    costs = [
        f"{one.cell.label} {duration(one.start)}"
        + (f" and {duration(one.handing_over)}" if one.handing_over is not None else "")
        for one in group.rows
        if one.cell.model.name != "serial" and not one.cell.variant
    ]
    if not costs:
        return []
    return [f"What starting a pool, and handing over an empty job, took: {'; '.join(costs)}."]
