"""The trees of both sides: the newer tests lie over the older ones, and the code does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conlab.errors import UserError
from conlab.versus.benchmark_tests.trees import Project, folder_of_tests, named_trees
from conlab.versus.sides.side import AIMED
from tests.patience import patience

OLD = "def test_it(benchmark):\n    benchmark(int, 1)\n"
NEW = OLD.replace("1", "2")
ADDED = "\n\ndef test_more(benchmark):\n    benchmark(int, 3)\n"
GONE = "\n\ndef test_less(benchmark):\n    benchmark(int, 4)\n"


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=reader", "-c", "user.email=reader@example.org")
    subprocess.run(["git", *who, *arguments], cwd=root, capture_output=True, check=True)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A project whose code, tests and a helper of theirs changed since its commit."""
    root = tmp_path / "shop"
    (root / "tests" / "data").mkdir(parents=True)
    (root / "src" / "shop").mkdir(parents=True)
    (root / ".gitignore").write_text("*.big\n")
    (root / "src" / "shop" / "__init__.py").write_text("SIDE = 'old'\n")
    (root / "src" / "shop" / "test_inside.py").write_text(OLD)
    (root / "tests" / "test_shop.py").write_text(OLD + GONE)
    (root / "tests" / "stale.py").write_text("")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "old")
    (root / "src" / "shop" / "__init__.py").write_text("SIDE = 'new'\n")
    (root / "src" / "shop" / "test_inside.py").write_text(NEW)
    (root / "tests" / "test_shop.py").write_text(NEW + ADDED)
    (root / "tests" / "data" / "words.txt").write_text("new")
    (root / "tests" / "data" / "ignored.big").write_text("new")
    return root


def project(top: Path, *files: str) -> Project:
    return Project(top.resolve(), Path(), Path(), tuple(map(Path, files)))


INSIDE, BESIDE = "src/shop/test_inside.py", "tests/test_shop.py"


def test_the_older_side_has_its_own_code_and_the_newer_tests(top: Path) -> None:
    with named_trees("HEAD", project(top, INSIDE, BESIDE)) as trees:
        old, new = (side.root for side in trees.sides)
        assert new == top.resolve()
        assert (old / "src" / "shop" / "__init__.py").read_text() == "SIDE = 'old'\n"
        assert (old / BESIDE).read_text() == NEW + ADDED
        assert (old / INSIDE).read_text() == NEW
        assert (old / "tests" / "data" / "words.txt").read_text() == "new"
        assert not (old / "tests" / "data" / "ignored.big").exists()
    assert not old.exists()
    assert (top / BESIDE).read_text() == NEW + ADDED


def test_what_changed_is_new_or_gone_is_told_of_the_tests(top: Path) -> None:
    beside = Path(BESIDE)
    with named_trees("HEAD", project(top, BESIDE)) as trees:
        assert trees.changed(f"{BESIDE}::test_it", beside)
        assert not trees.is_new(f"{BESIDE}::test_it", beside)
        assert trees.is_new(f"{BESIDE}::test_more[1]", beside)
        assert not trees.changed(f"{BESIDE}::test_more[1]", beside)
        assert trees.gone() == [f"{BESIDE}::test_less"]


def test_a_file_gets_its_own_text_back_once(top: Path) -> None:
    beside = Path(BESIDE)
    with named_trees("HEAD", project(top, BESIDE)) as trees:
        assert trees.restore(beside)
        assert (trees.sides[0].root / BESIDE).read_text() == OLD + GONE
        assert not trees.restore(beside)
        assert not trees.changed(f"{BESIDE}::test_it", beside)


def test_each_side_finds_its_own_code_first(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(top / "lib"), "/elsewhere"]))
    with named_trees("HEAD", project(top, BESIDE)) as trees:
        old, new = (trees.environment_of(number)["PYTHONPATH"] for number in (0, 1))
        roots = [str(side.root) for side in trees.sides]
        assert [side.tree for side in trees.sides] == [top.resolve(), None]
    for path, root in ((old, roots[0]), (new, roots[1])):
        aimed, first, *rest = path.split(os.pathsep)
        assert (aimed, first) == (str(AIMED), root)
        assert rest[:3] == [f"{root}{os.sep}src", f"{root}{os.sep}lib", "/elsewhere"]


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        ("tests/a/test_b.py", "tests"),
        ("pkg/tests/unit/test_b.py", "pkg/tests"),
        ("benchmarks/test_b.py", "benchmarks"),
        ("test_b.py", None),
        ("pkg/test_b.py", None),
        ("latest/test_b.py", None),
    ],
)
def test_a_folder_of_tests_is_known_by_its_name(file: str, folder: str | None) -> None:
    assert folder_of_tests(Path(file)) == (Path(folder) if folder else None)


@pytest.mark.parametrize(
    ("side", "said"),
    [
        ("no-such", "'no-such' is no revision that git knows"),
        ("a..b..c", "it should be a side, or two of them"),
        ("httpx==x.y", "this is no requirement"),
    ],
)
def test_a_side_that_is_none_is_said_in_a_sentence(top: Path, side: str, said: str) -> None:
    with pytest.raises(UserError, match=said), named_trees(side, project(top, BESIDE)):
        pass


def test_a_revision_of_what_lies_in_no_repository_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="lies in no git repository, so it has no revisions"),
        named_trees("main", project(tmp_path)),
    ):
        pass


BACKEND = """
import pathlib
import zipfile

NAME = "shop-1.dist-info"

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    built = pathlib.Path("src/shop/__init__.py").read_text() + "BUILT = True\\n"
    wheel = "shop-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / wheel, "w") as file:
        file.writestr("shop/__init__.py", built)
        file.writestr(f"{NAME}/METADATA", "Metadata-Version: 2.1\\nName: shop\\nVersion: 1\\n")
        kind = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        file.writestr(f"{NAME}/WHEEL", kind)
        file.writestr(f"{NAME}/RECORD", "")
    return wheel
"""
BUILDING = """
[project]
name = "shop"
version = "1"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""
SHOWN = "import pytest, shop; print(shop.SIDE, shop.BUILT)"


def test_each_side_has_what_is_built_of_its_own_revision(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conlab.versus.sides.environments.CACHE", tmp_path / "environments")
    (top / "backend.py").write_text(BACKEND)
    (top / "pyproject.toml").write_text(BUILDING)
    git(top, "add", "backend.py", "pyproject.toml")
    git(top, "commit", "--quiet", "--message", "can be built")
    told: list[str] = []
    with named_trees("HEAD", project(top, BESIDE), told.append, install=True) as trees:
        shown = [
            subprocess.run(
                [side.python, "-c", SHOWN],
                env=os.environ | trees.environment_of(number),
                cwd=side.root,
                capture_output=True,
                text=True,
                check=True,
                timeout=patience(60),
            ).stdout.split()
            for number, side in enumerate(trees.sides)
        ]
    assert shown == [["old", "True"], ["new", "True"]]
    assert len(told) == 2
    assert all("into an environment of its own, once" in each for each in told)


def test_installing_needs_a_revision(top: Path) -> None:
    with (
        pytest.raises(UserError, match=r"neither side of --versus .* is a revision"),
        named_trees(sys.executable, project(top, BESIDE), install=True),
    ):
        pass


def test_installing_needs_something_to_install(top: Path) -> None:
    with (
        pytest.raises(UserError, match="there is nothing to install"),
        named_trees("HEAD", project(top, BESIDE), install=True),
    ):
        pass
