"""Whether a project must be built to be imported, and what decides which libraries it gets."""

import re
import shutil
import sys
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from conlab.bench.layout import is_installable, table, toml
from conlab.errors import UserError
from conlab.versus.sides.revisions import Repository
from conlab.versus.sides.side import Side

COMPILING = (  # build backends that are there to compile
    "maturin", "mesonpy", "scikit_build_core", "setuptools_rust", "sipbuild", "py_build_cmake",
    "enscons", "whey_conda", "pyo3_pack",
)  # fmt: skip
EXTENSIONS = re.compile(
    r"\b(ext_modules|cffi_modules|rust_extensions|cythonize|mypycify|CMakeExtension|skbuild)\b"
)
WRITES_A_MODULE = (  # tables of tools that write a module of the package when it is built
    (("tool", "setuptools_scm"), ("version_file", "write_to")),
    (("tool", "hatch", "build", "hooks", "vcs"), ("version-file",)),
    (("tool", "pdm", "version"), ("write_to",)),
)
REQUIREMENTS = (
    "requirements*.txt", "requirements*.in", "constraints*.txt", "pyproject.toml", "setup.py",
    "setup.cfg", "Pipfile", "*.lock", "pylock*.toml", "environment*.yml", "environment*.yaml",
)  # fmt: skip
PATHS = (*(f":(glob)**/{one}" for one in REQUIREMENTS), ":(glob)**/*requirements/*.txt")  # git's
NO_PYTHON = ("Cargo.lock", "yarn.lock", "flake.lock", "Gemfile.lock", "composer.lock")


def must_be_built(root: Path) -> bool:
    """Say whether the project in that folder has modules that are not there before it is built."""
    project = toml(root / "pyproject.toml")
    backend = table(project, "build-system").get("build-backend", "")
    requires = table(project, "build-system").get("requires", [])
    wanted = [backend, *(requires if isinstance(requires, list) else [])]
    if any(str(one).replace("-", "_").startswith(COMPILING) for one in wanted):
        return True
    if table(project, "tool", "setuptools").get("ext-modules"):
        return True
    hooks = table(project, "tool", "hatch", "build", "hooks") or table(
        project, "tool", "hatch", "build", "targets", "wheel", "hooks"
    )
    if {"mypyc", "cython", "custom"} & hooks.keys():
        return True
    for path, names in WRITES_A_MODULE:
        for name in names:
            file = table(project, *path).get(name)
            if isinstance(file, str) and not (root / file).exists():
                return True
    try:
        return bool(EXTENSIONS.search((root / "setup.py").read_text("utf-8", "replace")))
    except OSError:
        return False


def is_to_be_installed(side: Side, root: Path, install: bool) -> bool:
    """Whether a side whose project lies there gets an environment of its own.

    It does where that is asked for, or where the project must be built; not with another Python.
    Raises UserError where it is asked for and there is nothing to install.
    """
    if str(side.python) != sys.executable or not (install or must_be_built(root)):
        return False
    if not (is_installable(root) or (root / "requirements.txt").is_file()):
        raise UserError(
            f"--install: {side.name} has in its root neither a project that pip could install nor"
            " a requirements.txt, so there is nothing to install"
        )
    return True


def requirements_in(paths: Iterable[str]) -> list[str]:
    """Those of the files that decide which libraries a project gets."""
    return [
        path
        for path in paths
        if PurePosixPath(path).name not in NO_PYTHON
        and (
            any(fnmatch(PurePosixPath(path).name, pattern) for pattern in REQUIREMENTS)
            or fnmatch(path, "*requirements/*.txt")
        )
    ]


def copied(repository: Repository, folder: Path) -> Path:
    """The working tree as it is, but for what git ignores, in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in repository.files():
        file = repository.root / name
        if file.is_dir() and not file.is_symlink():  # a submodule, or another clone
            shutil.copytree(file, folder / name, symlinks=True, dirs_exist_ok=True)
        elif file.is_symlink() or file.is_file():  # or removed since
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, folder / name, follow_symlinks=False)
    return folder
