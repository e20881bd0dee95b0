"""A team's own repository, in the layouts that teams have: both sides run their own code.

What the package gives differs between its two commits, and is compared once both sides have run all
jobs: so *other results* says that the two ran different code, and nothing else would.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conlab.bench.discovery import Cell, Model, Workload
from conlab.bench.settings import Settings
from conlab.versus.pairs.measuring import Measurer
from conlab.versus.pairs.survey import absent, surveys
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.sides.naming import named
from tests.bench.made import PROCESSES, SERIAL, settings
from tests.versus.conftest import Made

JOB = "from {package} import N\n\ndef jobs(): return range(3)\n\ndef work(job): return N * job\n"
HARD_WIRED = "import sys; sys.path.insert(0, {root!r} + '/code')\n"


class Team:
    """A repository in which bench/team_job.py uses a package that changed in the last commit."""

    def __init__(self, root: Path, package: str, job: str, *more: str) -> None:
        root.mkdir()
        self.made = Made(root, root / "bench" / "team_job.py")
        self.made.git("init", "--quiet")
        for name in more:
            (root / name).touch()
        self.made.file.parent.mkdir()
        self.made.file.write_text(job)
        for number in (1, 2):
            (root / package).mkdir(parents=True, exist_ok=True)
            (root / package / "__init__.py").write_text(f"N = {number}\n")
            self.made.git("add", ".")
            self.made.git("commit", "--quiet", "--message", f"N = {number}")

    def settings(self) -> Settings:
        """The settings of a run of its job, which is not imported here for that."""
        module = ModuleType("team_job")
        vars(module).update(jobs=lambda: range(3), work=lambda job: job)
        module.__file__ = str(self.made.file)
        workload = Workload("team_job", module)
        return settings(
            workloads=(workload,), models=(SERIAL, PROCESSES), start_method="forkserver"
        )


@pytest.fixture
def path_as_before() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before


def said(team: Team, model: Model) -> str:
    """Why the sides could not be compared once all jobs had run."""
    chosen = team.settings()
    with named("HEAD~1", chosen) as sides, Measurer(sides, chosen, 1) as measurer:
        measurer.computing["team_job"] = True
        with pytest.raises(SideFailed) as raised:
            measurer.prepare(Cell(chosen.workloads[0], model))
    return str(raised.value)


OTHER_RESULTS = "for job 2 of 3 (and for 1 more): [2] in place of [1]"


@pytest.mark.parametrize(
    ("package", "imported", "more", "under"),
    [
        pytest.param("shop", "shop", ["pyproject.toml"], SERIAL, id="at the root"),
        pytest.param("src/shop", "shop", ["setup.py"], PROCESSES, id="src, in a pool's processes"),
        pytest.param("src/team/shop", "team.shop", [], SERIAL, id="part of a namespace"),
    ],
)
@pytest.mark.usefixtures("path_as_before")
def test_each_side_runs_the_code_of_its_own(
    package: str, imported: str, more: list[str], under: Model, tmp_path: Path
) -> None:
    team = Team(tmp_path / "team", package, JOB.format(package=imported), *more)
    assert OTHER_RESULTS in said(team, under)


def test_pythonpath_that_leads_into_the_tree_leads_each_side_to_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = Team(tmp_path / "team", "odd/place/shop", JOB.format(package="shop"))
    monkeypatch.setenv("PYTHONPATH", str(team.made.root / "odd" / "place"))
    assert OTHER_RESULTS in said(team, SERIAL)


def test_a_path_written_into_the_code_makes_both_sides_one_and_that_is_an_error(
    tmp_path: Path,
) -> None:
    root = tmp_path / "team"
    job = HARD_WIRED.format(root=str(root)) + JOB.format(package="shop")
    found = said(Team(root, "code/shop", job), PROCESSES)
    assert f"imported shop from {root}/code/shop/__init__.py, which is the working tree's" in found
    assert "--install gives each revision an environment of its own" in found


def test_a_base_whose_import_ends_the_process_fails_that_workload_alone(tmp_path: Path) -> None:
    team = Team(tmp_path / "team", "shop", "import os; os._exit(3)\n")
    other = team.made.file.with_name("good_job.py")
    other.write_text(JOB.format(package="shop"))
    team.made.git("add", ".")
    team.made.git("commit", "--quiet", "--message", "another")
    chosen = team.settings()
    module = ModuleType("good_job")
    module.__file__ = str(other)
    chosen = settings(workloads=(*chosen.workloads, Workload("good_job", module)), models=(SERIAL,))
    found: Any
    with named("HEAD..HEAD", chosen) as sides:
        team.made.file.write_text("")
        sides[1].own["team_job"].write_text(JOB.format(package="shop"))
        found = surveys(sides, chosen)
    with pytest.raises(SideFailed, match=r"team_job cannot be imported: its worker .* status 3"):
        absent(found, "team_job", "serial", set())
    assert absent(found, "good_job", "serial", set()) is None
