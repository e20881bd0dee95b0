"""Where a reader's project has its modules: the folders that belong on the path, by its metadata.

An installed project says so by itself. One that is not, or not yet, has them in its root, in
``src``, or where the tables of its build tool say.
"""

import ast
import configparser
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")


def project_root(file: Path) -> Path | None:
    """The project in which a file lies: the nearest folder above it that is marked as one."""
    for folder in file.absolute().parents:
        if any((folder / marker).exists() for marker in MARKERS):
            return folder
    return None


def import_folders(root: Path) -> list[Path]:
    """The folders of the project from which its modules are imported, as they come on the path."""
    project = toml(root / "pyproject.toml")
    named = [*by_build_tool(project), *by_setup(root), *by_pytest(root, project)]
    if (root / "src").is_dir() and not (root / "src" / "__init__.py").exists():
        named.append("src")
    found = [root / name for name in named if isinstance(name, str)]
    inside = [folder for folder in found if folder.is_dir() and within(folder, root)]
    return list(dict.fromkeys([*inside, root]))


def within(folder: Path, root: Path) -> bool:
    """Say whether the folder lies in the root, wherever links lead."""
    return folder.resolve().is_relative_to(root.resolve())


def by_build_tool(project: dict[str, Any]) -> Iterator[Any]:
    """The folders that the tables of build tools in ``pyproject.toml`` name, as written there."""
    tool = table(project, "tool")
    setuptools = table(tool, "setuptools")
    yield from above_packages(table(setuptools, "package-dir"))
    yield from strings(table(setuptools, "packages", "find").get("where"))
    for hatch in (
        table(tool, "hatch", "build", "targets", "wheel"),
        table(tool, "hatch", "build"),
    ):
        yield from strings(hatch.get("dev-mode-dirs"))
        sources = hatch.get("sources")
        yield from strings(list(sources) if isinstance(sources, dict) else sources)
        for package in strings(hatch.get("packages")):
            yield str(Path(package).parent)
    for package in table(tool, "poetry").get("packages") or ():
        yield package.get("from") if isinstance(package, dict) else None
    yield table(tool, "pdm", "build").get("package-dir")
    yield table(tool, "maturin").get("python-source")
    yield table(tool, "uv", "build-backend").get("module-root")


def above_packages(folders: dict[str, Any]) -> Iterator[str]:
    """The folders that hold the packages whose own are given, by names with dots; "" is for all."""
    for name, path in folders.items():
        parts = Path(path).parts if isinstance(path, str) else ()
        inside = tuple(name.split(".")) if name else ()
        if parts and parts[len(parts) - len(inside) :] == inside:
            yield str(Path(*parts[: len(parts) - len(inside)]))


def by_setup(root: Path) -> Iterator[str]:
    """The folders that ``setup.cfg`` and ``setup.py`` name."""
    parser = ini(root / "setup.cfg")
    lines = parser.get("options", "package_dir", fallback="").splitlines()
    named = (line.partition("=") for line in lines if "=" in line)
    yield from above_packages({name.strip(): path.strip() for name, _, path in named})
    yield from parser.get("options.packages.find", "where", fallback="").split()
    with suppress(OSError, SyntaxError, ValueError):
        for node in ast.walk(ast.parse((root / "setup.py").read_bytes())):
            if isinstance(node, ast.keyword) and node.arg in ("package_dir", "where"):
                with suppress(ValueError, TypeError, SyntaxError):
                    value = ast.literal_eval(node.value)
                    yield from above_packages(value) if isinstance(value, dict) else strings(value)


def by_pytest(root: Path, project: dict[str, Any]) -> Iterator[str]:
    """The folders that pytest is told to put on the path."""
    pytest = table(project, "tool", "pytest")
    for options in (pytest, table(pytest, "ini_options")):
        value = options.get("pythonpath")
        yield from strings(value.split() if isinstance(value, str) else value)
    for name, section in (
        ("pytest.ini", "pytest"),
        ("tox.ini", "pytest"),
        ("setup.cfg", "tool:pytest"),
    ):
        yield from ini(root / name).get(section, "pythonpath", fallback="").split()


def is_installable(root: Path) -> bool:
    """Say whether pip can install a project from that folder."""
    project = toml(root / "pyproject.toml")
    described = any(name in project for name in ("project", "build-system"))
    return described or "poetry" in table(project, "tool") or (root / "setup.py").is_file()


def project_names(root: Path) -> set[str]:
    """What the project is called as a distribution, normalized; empty where nothing says so."""
    project = toml(root / "pyproject.toml")
    named = [
        table(project, "project").get("name"),
        table(project, "tool", "poetry").get("name"),
        table(project, "tool", "flit", "metadata").get("module"),
        ini(root / "setup.cfg").get("metadata", "name", fallback=None),
    ]
    return {normalized(name) for name in named if isinstance(name, str)}


def normalized(name: str) -> str:
    """A distribution's name as all ways to write it have it."""
    return name.strip().lower().replace("_", "-").replace(".", "-")


def toml(file: Path) -> dict[str, Any]:
    """What a file of TOML holds; nothing if it is none, or is damaged."""
    with suppress(OSError, ValueError):
        return tomllib.loads(file.read_text("utf-8"))
    return {}


def ini(file: Path) -> configparser.ConfigParser:
    """What an ini file holds; nothing if there is none, or it is damaged."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(OSError, ValueError, configparser.Error):
        parser.read_string(file.read_text("utf-8"))
    return parser


def table(start: dict[str, Any], *names: str) -> dict[str, Any]:
    """The table of that path, empty where there is none."""
    for name in names:
        found = start.get(name)
        start = found if isinstance(found, dict) else {}
    return start


def strings(value: Any) -> list[str]:
    """The strings of a list, or a string alone."""
    given = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return [one for one in given if isinstance(one, str) and one]
