"""A revision as it is in a team's repository: submodules, Git LFS, advice, changed requirements."""

import subprocess
import sys
from pathlib import Path

import pytest

from conlab.bench.settings import Settings
from conlab.errors import UserError
from conlab.versus.sides.naming import named
from conlab.versus.sides.revisions import Repository, check, pointers_in
from tests.bench.made import settings
from tests.versus.conftest import Made

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
JOB = "def jobs(): return range(2)\n\ndef work(job): return job\n"


def made(root: Path, **files: str) -> Made:
    """A repository with these files in its first commit; a name's __ is a slash, its _ a dot."""
    root.mkdir()
    found = Made(root, root / "job.py")
    found.git("init", "--quiet", "--initial-branch=main")
    commit(found, **files)
    return found


def commit(repository: Made, **files: str) -> str:
    """Write the files and commit all that there is; give the commit."""
    for name, text in files.items():
        path = repository.root / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    repository.git("add", ".")
    repository.git("commit", "--quiet", "--allow-empty", "--message", "a commit")
    return repository.git("rev-parse", "HEAD").strip()


@pytest.fixture
def with_submodule(tmp_path: Path) -> Made:
    """A repository with a submodule that has one of its own; their files say how new they are."""
    innermost = made(tmp_path / "innermost", c_py="C = 1\n")
    inner = made(tmp_path / "inner", b_py="B = 1\n")
    outer = made(tmp_path / "outer", a_py="A = 1\n")
    local = ("-c", "protocol.file.allow=always", "submodule", "--quiet", "add")
    inner.git(*local, str(innermost.root), "c")
    commit(inner)
    outer.git(*local, str(inner.root), "vendor/b")
    outer.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init",
        "--recursive",
    )  # fmt: skip
    commit(outer)
    outer.git("tag", "old")
    Path(outer.root / "vendor" / "b" / "b.py").write_text("B = 2\n")
    Made(outer.root / "vendor" / "b", outer.file).git("commit", "--quiet", "-am", "newer")
    commit(outer, a_py="A = 2\n")
    return outer


def test_submodules_come_along_as_they_were(with_submodule: Made, tmp_path: Path) -> None:
    repository = Repository(with_submodule.root)
    for revision, number in (("old", 1), ("HEAD", 2)):
        copy = repository.copy(repository.commit(revision), tmp_path / revision)
        assert (copy / "a.py").read_text() == f"A = {number}\n"
        assert (copy / "vendor" / "b" / "b.py").read_text() == f"B = {number}\n"
        assert (copy / "vendor" / "b" / "c" / "c.py").read_text() == "C = 1\n"
        assert repository.lacking_submodules(copy) == ()
    assert with_submodule.git("status", "--porcelain") == ""


def test_a_submodule_that_is_in_the_tree_no_longer_is_taken_from_where_git_keeps_it(
    with_submodule: Made, tmp_path: Path
) -> None:
    with_submodule.git("rm", "--quiet", "-f", "vendor/b")
    commit(with_submodule)
    repository = Repository(with_submodule.root)
    copy = repository.copy(repository.commit("old"), tmp_path / "copy")
    assert (copy / "vendor" / "b" / "b.py").read_text() == "B = 1\n"


def test_one_that_was_never_checked_out_is_noted(with_submodule: Made, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", with_submodule.root, clone], check=True)
    repository = Repository(clone)
    copy = repository.copy(repository.commit("HEAD"), tmp_path / "copy")
    assert repository.lacking_submodules(copy) == ("vendor/b",)


def test_a_submodule_that_lacks_its_commit_is_an_error(
    with_submodule: Made, tmp_path: Path
) -> None:
    nowhere = "1" * 40
    with_submodule.git("update-index", "--cacheinfo", f"160000,{nowhere},vendor/b")
    with_submodule.git("commit", "--quiet", "--message", "of another clone")
    repository = Repository(with_submodule.root)
    with pytest.raises(UserError, match=r"submodule vendor/b should be at 1{12}, and that commit"):
        repository.copy(repository.commit("HEAD"), tmp_path / "copy")


def test_pointers_of_git_lfs_are_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "large.bin").write_text(POINTER)
    (tmp_path / "notes.txt").write_text(f"about {POINTER}")
    assert list(pointers_in(tmp_path)) == ["data/large.bin"]


def test_where_lfs_is_asked_for_and_not_there_a_pointer_is_left_and_noted(tmp_path: Path) -> None:
    repository = made(
        tmp_path / "team", job_py=JOB, large_bin=POINTER, _gitattributes="*.bin filter=lfs\n"
    )
    for name, value in (("required", "true"), ("smudge", "git-lfs smudge -- %f")):
        repository.git("config", f"filter.lfs.{name}", value)
    with named("HEAD", own(repository)) as (old, _):
        assert old.pointers == ("large.bin",)
        (note,) = old.notes
        assert note.startswith("large.bin is a Git LFS pointer, not the file: git lfs install")


def own(repository: Made) -> Settings:
    """The settings of a run of the repository's job.py, which is not imported for that."""
    from types import ModuleType

    from conlab.bench.discovery import Workload

    module = ModuleType("job")
    module.__file__ = str(repository.file)
    return settings(workloads=(Workload("job", module),))


def test_git_s_own_advice_is_passed_on() -> None:
    said = (
        "fatal: detected dubious ownership in repository at '/team'\nTo add an exception for this"
        " directory, call:\n\n\tgit config --global --add safe.directory /team\n"
    )
    ended = subprocess.CompletedProcess(["git", "-c", "a=b", "rev-parse"], 128, "", said)
    with pytest.raises(UserError) as raised:
        check(ended)
    assert str(raised.value) == (
        "git rev-parse failed and said: detected dubious ownership in repository at '/team';"
        " its advice: git config --global --add safe.directory /team"
    )


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("changed", ["requirements_txt", "pyproject_toml", "uv_lock", "notes_md"])
def test_changed_requirements_are_noted(tmp_path: Path, changed: str, committed: bool) -> None:
    repository = made(tmp_path / "team", job_py=JOB, **{changed: "# one\n"})
    if committed:
        commit(repository, **{changed: "# two\n"})
    else:
        (repository.root / changed.replace("_", ".")).write_text("# two\n")
    with named("HEAD~1" if committed else "HEAD", own(repository)) as (_, new):
        noted = [note for note in new.notes if "both use the same installed libraries" in note]
    assert bool(noted) is (changed != "notes_md")
    with named("HEAD..HEAD", own(repository)) as (old, new):
        assert (old.notes, new.notes) == ((), ())


def test_installing_what_cannot_be_is_refused_in_a_sentence(tmp_path: Path) -> None:
    repository = made(tmp_path / "team", job_py=JOB, pyproject_toml="[tool.ruff]\n")
    for text, said in (("HEAD", "there is nothing to install"), ("", "it should name a side")):
        with (
            pytest.raises(UserError, match=said),
            named(text, own(repository), install=True),
        ):
            pass
    with (
        pytest.raises(UserError, match="--install: neither side of"),
        named(sys.executable, own(repository), install=True),
    ):
        pass


def test_a_revision_and_a_python_are_two_sides_with_libraries_of_their_own(tmp_path: Path) -> None:
    repository = made(tmp_path / "team", job_py=JOB, requirements_txt="one\n")
    (repository.root / "requirements.txt").write_text("two\n")
    for text in (f"HEAD..{sys.executable}", f"{sys.executable}..HEAD", "..HEAD"):
        with named(text, own(repository)) as sides:
            assert [bool(side.copy) for side in sides] == [
                part == "HEAD" for part in text.split("..")
            ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("HEAD~1", ["old_job.py"]), ("HEAD~1..HEAD", ["old_job.py"]), ("..HEAD~1", []), ("HEAD", [])],
)
def test_a_workload_file_that_is_no_more_is_gone(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    repository = made(tmp_path / "team", job_py=JOB)
    (repository.root / "old_job.py").write_text(JOB)
    (repository.root / "helpers.py").write_text("def work(job): return job\n")
    commit(repository)
    for name in ("old_job.py", "helpers.py"):
        (repository.root / name).unlink()
    commit(repository)
    with named(text, own(repository)) as (_, new):
        assert list(new.gone) == expected
