"""What ``--versus`` names: a revision, a Python, a requirement, or two of them as ``A..B``."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from conlab.bench.settings import Settings
from conlab.errors import UserError
from conlab.scratch import scratch_folder
from conlab.versus.sides import environments
from conlab.versus.sides.revisions import Repository, repository_of
from conlab.versus.sides.side import ROOT, Side, own_files, working_tree

# Between two sides, the second of which may begin with a slash; "../venv" holds none.
DOTS = re.compile(r"(?<![./])(?!^\.\./)\.\.(?!\.)")
PYTHON = re.compile(r"(python|pypy)[\d.]*t?(\.exe)?")
REQUIREMENT = re.compile(r"[<>=!~]=|[<>]| @ ")


@contextmanager
def named(
    text: str, settings: Settings, say: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[Side, Side]]:
    """The two sides, the one to compare with first; what they need is there while it lasts.

    ``say`` is told what takes long. Raises UserError where the text names none.
    """
    one, two = halves(text)
    with scratch_folder() as folder:
        sides = tuple(
            side(name, settings, folder / letter, say) for name, letter in ((one, "a"), (two, "b"))
        )
        yield sides[0], sides[1]


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
    if python := python_named(name):
        return replace(working_tree(settings, name), python=environments.with_python(python, say))
    if REQUIREMENT.search(name):
        try:
            Requirement(name)
        except InvalidRequirement as error:
            said = str(error).partition("\n")[0]
            raise UserError(f"--versus {name}: this is no requirement: {said}") from None
        return replace(
            working_tree(settings, name), python=environments.with_requirement(name, say)
        )
    return revision(name, settings, folder)


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
    files = {}
    for workload, file in own.items():
        inside = file.relative_to(repository.root)
        files[workload] = folder / inside
        if not files[workload].is_file():
            raise UserError(f"--versus {name}: at {shown} there is no file {inside.as_posix()}")
    label = name if name.startswith(shown) else f"{name} ({shown})"
    return Side(label, root=root, own=files)


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
