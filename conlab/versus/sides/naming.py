"""What ``--versus`` names: a revision, a Python, a requirement, or two of them as ``A..B``."""

import ast
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from conlab.bench.settings import Settings
from conlab.errors import UserError
from conlab.scratch import scratch_folder
from conlab.versus.sides import environments
from conlab.versus.sides.building import PATHS, copied, is_to_be_installed, requirements_in
from conlab.versus.sides.folders import folders_of
from conlab.versus.sides.revisions import Repository, pointers_in, repository_of
from conlab.versus.sides.side import (
    ROOT,
    Side,
    about_pointers,
    listing,
    own_files,
    working_tree,
)

# Between two sides, the second of which may begin with a slash; "../venv" holds none.
DOTS = re.compile(r"(?<![./])(?!^\.\./)\.\.(?!\.)")
PYTHON = re.compile(r"(python|pypy)[\d.]*t?(\.exe)?")
REQUIREMENT = re.compile(r"[<>=!~]=|[<>]| @ ")


@contextmanager
def named(
    text: str,
    settings: Settings,
    say: Callable[[str], None] = lambda _: None,
    install: bool = False,
) -> Iterator[tuple[Side, Side]]:
    """The two sides, the one to compare with first; what they need is there while it lasts.

    With ``install``, a side that is a revision, or the working tree beside one, has an environment
    of its own. ``say`` is told what takes long. Raises UserError where the text names none.
    """
    one, two = halves(text)
    with scratch_folder() as folder:
        sides = [
            side(name, settings, folder / letter, say) for name, letter in ((one, "a"), (two, "b"))
        ]
        trees = {one.tree for one in sides if one.tree}
        if not trees:
            if install:
                raise UserError(f"--install: neither side of --versus {text} is a revision")
            yield sides[0], sides[1]
            return
        own = own_files(settings)
        (tree,) = trees
        sides = [against_a_revision(one, tree, own) for one in sides]
        sides = [
            installed(one, tree, folder / f"{letter}-tree", say, install)
            for one, letter in zip(sides, "ab", strict=True)
        ]
        yield sides[0], compared(sides[0], sides[1], (one, two), own)


def against_a_revision(one: Side, tree: Path, own: Mapping[str, Path]) -> Side:
    """The side as it is when one of the two is a revision of that tree: it says what it imports."""
    folders = () if tree == ROOT else folders_of(tree, own.values(), one.copy or tree)
    return replace(one, tree=tree, folders=folders)


def installed(
    one: Side, tree: Path, folder: Path, say: Callable[[str], None], install: bool
) -> Side:
    """The side in an environment of its own, if that is asked for or it must be built."""
    at = one.copy or tree
    if tree == ROOT or not is_to_be_installed(one, at, install):
        return one
    if one.copy is None:
        at = copied(Repository(tree), folder)
    python = environments.with_project(at, one.name, say)
    return replace(one, python=python, made=python.parents[1], folders=(), behind=one.folders)


def compared(old: Side, new: Side, names: tuple[str, str], own: Mapping[str, Path]) -> Side:
    """The new side, with what is to be noted of both: what one lacks, and what they share."""
    assert new.tree is not None
    found = replace(new, gone=gone(old.copy or new.tree, new, own.values()))
    if old.made or new.made or old.python != new.python:
        return found
    repository = Repository(new.tree)
    sides = zip((old, new), names, strict=True)
    commits = [repository.commit(name) for each, name in sides if each.copy]
    other = commits[1] if len(commits) > 1 else None
    changed = requirements_in(repository.differing(commits[0], other, *PATHS))
    if not changed:
        return found
    note = (
        f"{listing(changed)} {'differs' if len(changed) == 1 else 'differ'} between the sides,"
        " and both use the same installed libraries; --install gives each its own"
    )
    return replace(found, notes=(*found.notes, note))


def gone(old: Path, new: Side, own: Iterable[Path]) -> tuple[str, ...]:
    """The workload files beside the reader's own that the old side has, and the new one has not."""
    assert new.tree is not None
    folders = sorted({file.parent.relative_to(new.tree) for file in own})
    return tuple(
        (folder / file.name).as_posix()
        for folder in folders
        for file in sorted((old / folder).glob("*.py"))
        if not ((new.copy or new.tree) / folder / file.name).exists() and is_workload(file)
    )


def is_workload(file: Path) -> bool:
    """Say whether a file defines jobs() and work(), without importing it."""
    try:
        body = ast.parse(file.read_bytes()).body
    except (SyntaxError, ValueError):
        return False
    return {"jobs", "work"} <= {node.name for node in body if isinstance(node, ast.FunctionDef)}


def halves(text: str) -> tuple[str, str]:
    """The names of both sides; an empty one is the working tree."""
    if not text.strip(". "):
        raise UserError(f"--versus {text}: it should name a side, such as main or python3.14")
    if len(parts := DOTS.split(text)) > 2:
        raise UserError(f"--versus {text}: it should be a side, or two of them as A..B")
    return (parts[0], parts[1]) if len(parts) == 2 else (parts[0], "")


def side(name: str, settings: Settings, folder: Path, say: Callable[[str], None]) -> Side:
    """The side of that name; ``folder`` is where its files may go."""
    if not name:
        return tree_as_it_is(settings)
    if python := python_for(name, say):
        return replace(working_tree(settings, name), python=python)
    return revision(name, settings, folder)


def python_for(name: str, say: Callable[[str], None]) -> Path | None:
    """The Python of a side that is one, or that asks for a library; None if it is neither."""
    if python := python_named(name):
        return environments.with_python(python, say)
    if not REQUIREMENT.search(name):
        return None
    try:
        Requirement(name)
    except InvalidRequirement as error:
        said = str(error).partition("\n")[0]
        raise UserError(f"--versus {name}: this is no requirement: {said}") from None
    return environments.with_requirement(name, say)


def tree_as_it_is(settings: Settings) -> Side:
    """The working tree, with a word on changes that are in no commit."""
    found = working_tree(settings)
    folder = next(iter(found.own.values())).parent if found.own else ROOT
    with suppress(UserError):  # without git, or its trust, another Python can be compared still
        repository = repository_of(folder)
        if repository and repository.changed():
            return replace(found, notes=("it has uncommitted changes",))
    return found


def python_named(name: str) -> Path | None:
    """The Python that a name or a path means, or None if it means something else."""
    path = Path(name).expanduser()
    if path.is_dir() and (inside := environments.python_in(path)).is_file():
        raise UserError(f"--versus {name}: this is a folder; the Python in it is {inside}")
    if path.is_file() and os.access(path, os.X_OK):
        return path.absolute()
    if not PYTHON.fullmatch(name):
        return None
    found = shutil.which(name)
    if found is None:
        raise UserError(f"--versus {name}: there is none on the PATH; its path would do as well")
    return Path(found)


def revision(name: str, settings: Settings, folder: Path) -> Side:
    """The side that is a revision of the project, or of the repository of the reader's file."""
    own = own_files(settings)
    repository = one_repository(name, settings, own)
    commit = repository.commit(name)
    shown = repository.short(commit)
    if repository.root != ROOT:
        repository.copy(commit, folder)
        root = ROOT
    else:
        root = repository.copy(commit, folder, only="" if own else "workloads")
        if not (root / "workloads").is_dir():
            raise UserError(f"--versus {name}: at {shown} there is no folder workloads/")
    files, lacks = {}, {}
    for workload, file in own.items():
        inside = file.relative_to(repository.root)
        if (folder / inside).is_file():
            files[workload] = folder / inside
        else:
            lacks[workload] = inside.as_posix()
    pointers = tuple(pointers_in(folder))
    notes = [
        f"its submodule {path} was never checked out, and is empty here:"
        f" git submodule update --init {path}"
        for path in repository.lacking_submodules(folder)
    ]
    if pointers:
        notes.append(f"{about_pointers(pointers)}")
    label = name if name.startswith(shown) else f"{name} ({shown})"
    return Side(
        label,
        root=root,
        own=files,
        lacks=lacks,
        notes=tuple(notes),
        tree=repository.root,
        copy=folder,
        pointers=pointers,
    )


def one_repository(name: str, settings: Settings, own: dict[str, Path]) -> Repository:
    """The repository in which all that is to be compared lies."""
    suite = [workload.name for workload in settings.workloads if workload.name not in own]
    places = {str(file): file.parent for file in own.values()}
    if suite:
        places["workloads/"] = ROOT
    found = {}
    for what, folder in places.items():
        repository = repository_of(folder)
        if repository is None:
            raise UserError(
                f"--versus {name}: {what} lies in no git repository, so it has no revisions;"
                " a Python or a requirement can be compared all the same"
            )
        found[what] = repository
    if len(set(found.values())) > 1:
        raise UserError(
            f"--versus {name}: {' and '.join(found)} lie in different repositories:"
            " compare those of one at a time"
        )
    return next(iter(found.values()))
