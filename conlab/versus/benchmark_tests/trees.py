"""The trees in which the tests of both sides are run: the reader's own, or copies of revisions.

As asv does it, the tests of the new side are run on both: so what is compared is the code, and not
two texts of a test. The copy of an older revision gets the newer tests laid over its own: the
folders of tests, or single files of them where they lie beside the code, their conftests and
pytest's settings. What of the old ones was another is told.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from conlab.bench.layout import is_installable
from conlab.errors import UserError
from conlab.scratch import scratch_folder
from conlab.versus.benchmark_tests.texts import benchmarks, functions, own_name
from conlab.versus.sides import environments
from conlab.versus.sides.building import copied, is_to_be_installed
from conlab.versus.sides.naming import halves, python_for
from conlab.versus.sides.revisions import Repository, check, git, repository_of
from conlab.versus.sides.side import AIMED, ROOT, WORKING_TREE, Side

FOLDER_OF_TESTS = re.compile(
    r"(?i)_?(tests?|testing|(micro)?bench(es|mark(s|ing)?)?|perf(ormance)?)"
)
PACKAGE = Path(__file__).resolve().parents[2]  # conlab


@dataclass(frozen=True)
class Project:
    """Whose tests they are: ``top`` of its repository (or pytest's root), and where pytest was run.

    ``shared`` are the files that the tests are made of: theirs, conftests, settings; relative to
    the top, as all paths here are but that of pytest's ``settings``, which may lie elsewhere.
    """

    top: Path
    root: Path
    here: Path
    shared: tuple[Path, ...]
    settings: Path | None = None

    def settings_in(self, root: Path) -> Path | None:
        """Pytest's settings for a side whose tree is at ``root``."""
        if self.settings and self.settings.is_relative_to(self.top):
            return root / self.settings.relative_to(self.top)
        return self.settings


@dataclass
class Trees:
    """Both sides, the older first, and what their tests' texts tell.

    ``before`` holds the older side's own text of each file that was laid over; None if it had none.
    """

    sides: tuple[Side, Side]
    project: Project
    conlab: Path  # a folder that holds this conlab
    before: dict[Path, str | None] = field(default_factory=dict)
    put_back: set[Path] = field(default_factory=set)

    def is_new(self, test: str, file: Path) -> bool:
        """Say whether the older side has no test of that name."""
        if file not in self.before:
            return False
        text = self.before[file]
        return text is None or own_name(test) not in functions(text)

    def changed(self, test: str, file: Path) -> bool:
        """Say whether the older side's test of that name has another text."""
        text = self.before.get(file)
        if text is None or file in self.put_back:
            return False
        name = own_name(test)
        new = functions((self.sides[1].root / file).read_text("utf-8", "replace"))
        old = functions(text)
        return name in old and name in new and old[name] != new[name]

    def gone(self) -> list[str]:
        """The benchmarks that the older side has and the newer lacks."""
        found = []
        for file, text in sorted(self.before.items()):
            if text is not None and file.suffix == ".py":
                new = self.sides[1].root / file
                there = benchmarks(new.read_text("utf-8", "replace")) if new.is_file() else set()
                found += [f"{file.as_posix()}::{name}" for name in benchmarks(text) - there]
        return sorted(found)

    def restore(self, file: Path) -> bool:
        """Put the older side's own text of a file back; say whether it had another."""
        text = self.before.get(file)
        target = self.sides[0].root / file
        if text is None or file in self.put_back or text == target.read_text("utf-8", "replace"):
            return False
        target.write_text(text, "utf-8")
        self.put_back.add(file)
        return True

    def environment_of(self, number: int) -> dict[str, str]:
        """What a process of that side finds in its environment: its own code first.

        That of a side with an environment of its own is installed there.
        """
        top = self.sides[number].root
        ours = [top / self.project.root, top / self.project.root / "src", top, top / "src"]
        if self.sides[number].made:
            ours = []
        given = []
        for each in filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
            path = Path(each).absolute()
            with suppress(ValueError):
                path = top / path.relative_to(self.project.top)
            given.append(str(path))
        paths = dict.fromkeys([*(str(each) for each in ours if each.is_dir()), *given])
        return {"PYTHONPATH": os.pathsep.join([str(AIMED), *paths, str(self.conlab)])}


@contextmanager
def named_trees(
    text: str,
    project: Project,
    say: Callable[[str], None] = lambda _: None,
    install: bool = False,
) -> Iterator[Trees]:
    """The trees of both sides, there while it lasts. Raises UserError where the text names none.

    With ``install``, or where the project must be built, a side that is a revision, or the working
    tree beside one, has an environment of its own.
    """
    one, two = halves(text)
    with scratch_folder() as folder:
        new = _side(two, project, folder / "b", say)
        old = _side(one, project, folder / "a", say)
        if install and not (old.copy or new.copy):
            raise UserError(f"--install: neither side of --versus {text} is a revision")
        if old.copy or new.copy:
            new = installed(new, project, folder / "b-tree", say, install)
            old = installed(old, project, folder / "a-tree", say, install)
        trees = Trees((old, new), project, link_to_conlab(folder / "conlab-home"))
        if old.root != new.root:
            trees.before = lay_over(files_to_share(new.root, project), new.root, old.root)
        yield trees


def _side(name: str, project: Project, folder: Path, say: Callable[[str], None]) -> Side:
    if not name:
        notes: tuple[str, ...] = ()
        with suppress(UserError):
            repository = repository_of(project.top)
            if repository and repository.changed():
                notes = ("it has uncommitted changes",)
        return Side(WORKING_TREE, root=project.top, notes=notes)
    if python := python_for(name, say):
        return Side(name, python=python, root=project.top)
    return revision(name, project, folder)


def revision(name: str, project: Project, folder: Path) -> Side:
    """A copy of a revision of the project's repository."""
    repository = repository_of(project.top)
    if repository is None:
        raise UserError(
            f"--versus {name}: {project.top} lies in no git repository, so it has no revisions;"
            " a Python or a requirement can be compared all the same"
        )
    commit = repository.commit(name)
    shown = repository.short(commit)
    root = repository.copy(commit, folder)
    if not (root / project.root).is_dir():
        raise UserError(f"--versus {name}: at {shown} there is no folder {project.root}")
    root = root.resolve()
    label = name if name.startswith(shown) else f"{name} ({shown})"
    # What is installed and leads into the reader's tree is led into the copy, or switched off.
    return Side(label, root=root, tree=project.top, copy=root)


def installed(
    side: Side, project: Project, folder: Path, say: Callable[[str], None], install: bool
) -> Side:
    """The side in an environment of its own, if that is asked for or its project must be built."""
    tree = side.copy or side.root
    root = project.root if is_installable(tree / project.root) else Path()
    if not is_to_be_installed(side, tree / root, install):
        return side
    if side.copy is None and (repository := repository_of(project.top)):
        tree = copied(repository, folder)
    python = environments.with_project(tree / root, side.name, say)
    return replace(side, python=python, made=python.parents[1])


def link_to_conlab(folder: Path) -> Path:
    """A folder that holds this conlab and nothing else: what else lies beside it is not shared."""
    folder.mkdir()
    try:
        (folder / "conlab").symlink_to(PACKAGE, target_is_directory=True)
    except OSError:  # Windows lets not everybody
        return ROOT
    return folder


def files_to_share(root: Path, project: Project) -> list[Path]:
    """The files of the new side that are laid over the old: whole folders where they hold tests."""
    folders = {folder for file in project.shared if (folder := folder_of_tests(file))}
    files = {file for file in project.shared if (root / file).is_file()}
    for folder in folders:
        files |= set(known_files(root, folder))
    return sorted(files)


def folder_of_tests(file: Path) -> Path | None:
    """The topmost folder around a test's file whose name says that tests lie in it."""
    parts = file.parts[:-1]
    for number, part in enumerate(parts, 1):
        if FOLDER_OF_TESTS.fullmatch(part):
            return Path(*parts[:number])
    return None


def known_files(root: Path, folder: Path) -> Iterable[Path]:
    """The files of a folder; where git knows the tree, without those that it is to ignore."""
    repository = None
    with suppress(UserError):
        repository = repository_of(root)
    if repository is None or repository.root != root:  # a copy of a revision
        return [each.relative_to(root) for each in (root / folder).rglob("*") if each.is_file()]
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    found = check(git(root, *listed, "--", folder.as_posix()))
    paths = map(Path, filter(None, found.split("\0")))
    return [path for path in paths if (root / path).is_file()]


def lay_over(files: Iterable[Path], source: Path, target: Path) -> dict[Path, str | None]:
    """Copy the files; what the target had of those that are text, or None where it had none."""
    before: dict[Path, str | None] = {}
    for file in files:
        there = target / file
        if file.suffix == ".py":
            before[file] = there.read_text("utf-8", "replace") if there.is_file() else None
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / file, there)
    return before


def repository_top(root: Path) -> Path:
    """The top of the repository around a folder, or the folder."""
    repository: Repository | None = None
    with suppress(UserError):
        repository = repository_of(root)
    return repository.root if repository else root
