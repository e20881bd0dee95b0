"""What --versus names, and what a revision of a repository leaves behind: nothing."""

import re
import sys
from pathlib import Path

import pytest

from conlab.bench.discovery import Workload
from conlab.errors import UserError
from conlab.versus.sides import environments, naming
from conlab.versus.sides.naming import halves, named
from conlab.versus.sides.revisions import repository_of
from conlab.versus.sides.side import ROOT, WORKING_TREE
from tests.bench.made import settings
from tests.versus.conftest import Made


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("main", ("main", "")),
        ("v1..v2", ("v1", "v2")),
        ("v1..", ("v1", "")),
        ("..v2", ("", "v2")),
        ("../venv/bin/python", ("../venv/bin/python", "")),
        ("python3.13..python3.14", ("python3.13", "python3.14")),
        ("/py/a/../b/python3.13../py/c/python", ("/py/a/../b/python3.13", "/py/c/python")),
        ("main...topic", ("main...topic", "")),
        ("httpx==0.27.*..httpx==0.28.*", ("httpx==0.27.*", "httpx==0.28.*")),
    ],
)
def test_two_sides_stand_on_both_sides_of_two_dots(text: str, sides: tuple[str, str]) -> None:
    assert halves(text) == sides


@pytest.mark.parametrize("text", ["", "..", "a..b..c"])
def test_what_names_no_side_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="it should"):
        halves(text)


def test_a_revision_is_copied_whole_whatever_archives_leave_out(
    repository: Made, temporary: Path
) -> None:
    with named("other", repository.settings()) as (old, new):
        copied = old.own["square_numbers"]
        assert "job + job" in copied.read_text()
        assert temporary in copied.parents
        assert old.root == new.root == ROOT  # the models are the same
        assert old.name.startswith("other (")
        assert (new.name, new.own["square_numbers"]) == (WORKING_TREE, repository.file)
    assert not copied.exists()


def test_two_revisions_can_be_compared(repository: Made, temporary: Path) -> None:
    with named("other..clocked", repository.settings()) as (old, new):
        assert "job + job" in old.own["square_numbers"].read_text()
        assert "perf_counter" in new.own["square_numbers"].read_text()
        assert temporary in new.own["square_numbers"].parents


def test_the_copy_is_removed_after_an_error(repository: Made, temporary: Path) -> None:
    def fail() -> None:
        with named("other", repository.settings()):
            assert list(temporary.iterdir()) != []
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(temporary.iterdir()) == []


def test_a_tree_with_changes_is_a_side_and_says_so(repository: Made, temporary: Path) -> None:
    chosen = repository.settings()
    stray = repository.root / "stray.txt"
    stray.write_text("not in any commit")
    try:
        with named("other", chosen) as (_, new):
            assert new.notes == ("it has uncommitted changes",)
    finally:
        stray.unlink()
    with named("other", chosen) as (_, new):
        assert new.notes == ()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no-such", "'no-such' is no revision that git knows in"),
        ("--help", "'--help' is no revision"),
        ("python3.99", "there is none on the PATH"),
        ("httpx==", "this is no requirement"),
        ("httpx>=1 or so", "this is no requirement"),
    ],
)
def test_a_side_that_is_not_there_is_named_in_a_sentence(
    repository: Made, temporary: Path, text: str, said: str
) -> None:
    with pytest.raises(UserError, match=said) as raised, named(text, repository.settings()):
        pass
    assert "\n" not in str(raised.value)
    assert list(temporary.iterdir()) == []


def test_a_file_that_a_revision_has_not_is_lacking_there_and_no_mistake(
    repository: Made, temporary: Path
) -> None:
    with named("nothing", repository.settings()) as (old, new):
        assert old.lacks == {"square_numbers": "jobs/square_numbers.py"}
        assert (dict(old.own), dict(new.lacks)) == ({}, {})
    assert list(temporary.iterdir()) == []


def test_a_file_outside_of_git_has_no_revisions(repository: Made, tmp_path: Path) -> None:
    file = tmp_path / "free_job.py"
    file.write_text(repository.file.read_text())
    chosen = repository.settings()
    stray = Workload("free_job", chosen.workloads[0].module)
    with pytest.raises(UserError, match="lies in no git repository"):
        naming.one_repository("main", settings(workloads=(stray,)), {"free_job": file})


def test_a_repository_that_git_does_not_trust_is_no_missing_one(
    repository: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
        with pytest.raises(UserError, match="git rev-parse failed and said: detected dubious own"):
            repository_of(repository.root)
        assert naming.tree_as_it_is(repository.settings()).notes == ()  # a Python can be compared


def test_files_of_two_repositories_are_compared_one_at_a_time(repository: Made) -> None:
    chosen = repository.settings()
    suite = Workload("count_words", chosen.workloads[0].module)
    both = settings(workloads=(*chosen.workloads, suite))
    own = {"square_numbers": repository.file}
    if repository_of(ROOT) is None:
        pytest.skip("the suite itself lies in no git repository here")
    with pytest.raises(UserError, match="lie in different repositories"):
        naming.one_repository("main", both, own)


# Other Pythons


def fake_python(path: Path, script: str) -> Path:
    """A program that stands in for a Python."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 3.9.1 of old", "is Python 3.9.1; 3.11 or newer is needed"),
        ("echo 'not found' >&2; exit 127", "is no Python that starts; it said: not found"),
    ],
)
def test_a_python_that_will_not_do_is_named(tmp_path: Path, script: str, said: str) -> None:
    python = fake_python(tmp_path / "python", script)
    with pytest.raises(UserError, match=said), named(str(python), settings()):
        pass


def test_a_file_that_cannot_run_is_no_python(repository: Made, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("")
    with (
        pytest.raises(
            UserError, match=r"notes\.txt' is no revision .* a Python on the PATH or a path"
        ),
        named(str(text), repository.settings()),
    ):
        pass


def test_the_folder_of_an_environment_is_told_where_its_python_is() -> None:
    where = re.escape(str(environments.python_in(Path(sys.prefix))))
    with pytest.raises(UserError, match=f"is a folder; the Python in it is {where}"):
        naming.python_named(sys.prefix)


def test_an_environment_is_taken_as_it_is() -> None:
    assert sys.prefix != sys.base_prefix, "these tests run in a virtual environment"
    assert environments.with_python(Path(sys.executable)) == Path(sys.executable)
