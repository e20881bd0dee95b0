"""Imports run one way: tests, then conlab, then workloads and pitfalls; and the wheel is light."""

import ast
import graphlib
import importlib.metadata
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

# What a room of conlab may not import. A room below another is named as a whole.
BARRED = [
    ("conlab.explorer.search", "conlab.explorer.threads"),
    ("conlab.explorer.search", "conlab.explorer.tasks"),
    ("conlab.explorer.search", "conlab.explorer.stepping"),
    ("conlab.explorer.threads", "conlab.explorer.tasks"),
    ("conlab.explorer.threads", "conlab.explorer.stepping"),
    ("conlab.explorer.stepping", "conlab.explorer.tasks"),
    ("conlab.explorer.tasks", "conlab.explorer.stepping"),
    ("conlab.explorer", "conlab.atlas"),
    ("conlab.explorer", "conlab.catalogue"),
    ("conlab.judge", "conlab.explorer"),
    ("conlab.judge", "conlab.catalogue"),
    ("conlab.warden", "conlab.judge"),
    ("conlab.bench", "conlab.versus"),
    ("conlab.bench", "conlab.report"),
    ("conlab.explorer", "conlab.report"),
    ("conlab.catalogue", "conlab.report"),
    ("conlab.history", "conlab.report"),
    ("conlab.versus", "conlab.report"),
    ("conlab.bench", "conlab.history"),
    ("conlab.versus", "conlab.calibration"),
    ("conlab.versus.sides", "conlab.versus.pairs"),
    *(
        (f"conlab.{room}", "conlab.commands")
        for room in (
            "atlas", "bench", "calibration", "catalogue", "content", "explorer", "history", "judge",
            "origin", "report", "versus", "warden",
        )
    ),
]  # fmt: skip
SHARED_BY_WORKLOADS = {
    "workloads.http_client",
    "workloads.manifest",
    "workloads.markup",
    "workloads.models.failure",
    "workloads.pictures",
    "workloads.robots",
    "workloads.whole_files",
}
LIGHT = (
    "conlab.explorer", "conlab.judge", "conlab.catalogue", "conlab.atlas",
    "conlab.pytest_plugin", "conlab.cli", "conlab.commands", "conlab.__main__",
)  # fmt: skip


def imported_modules(module: ast.Module, package: str) -> Iterator[str]:
    """The full name of each module that is imported anywhere in a file of that package."""
    for node in ast.walk(module):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=source, names=aliases, level=level):
                parts = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                base = ".".join([*parts, *([source] if source else [])])
                yield from (f"{base}.{alias.name}" for alias in aliases)


def wrong_imports(path: str, source: str) -> list[str]:
    """The imports of a file, named by its path in the clone, that run the wrong way."""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    package = name if path.endswith("/__init__.py") else name.rpartition(".")[0]
    return [
        imported
        for imported in imported_modules(ast.parse(source), package)
        if not is_allowed(name, imported)
    ]


def is_allowed(name: str, imported: str) -> bool:
    """Say whether a module of the clone may import that one."""
    room, target = name.split(".")[0], imported.split(".")[0]
    match room, target:
        case "workloads" | "pitfalls", "conlab" | "tests" | "pytest" | "_pytest" | "pluggy":
            return False
        case "conlab", "tests":
            return False
        case ("pitfalls", "workloads") | ("workloads", "pitfalls"):
            return False
        case "pitfalls", "pitfalls":
            return starts_with(imported, name)
        case "workloads", "workloads" if starts_with(name, "workloads.models"):
            return starts_with(imported, "workloads.models")
        case "conlab", "conlab":
            return not any(
                starts_with(name, here) and starts_with(imported, there) for here, there in BARRED
            )
        case "workloads", "workloads":
            return any(starts_with(imported, shared) for shared in SHARED_BY_WORKLOADS)
    return True


def starts_with(name: str, start: str) -> bool:
    """Say whether a dotted name is another one or lies in it."""
    return f"{name}.".startswith(f"{start}.")


def test_imports_run_one_way() -> None:
    wrong = {}
    for folder in ("workloads", "pitfalls", "conlab"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = file.relative_to(ROOT).as_posix()
            if found := wrong_imports(path, file.read_text("utf-8")):
                wrong[path] = found
    assert wrong == {}


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("workloads/count_up.py", "import conlab"),
        ("workloads/count_up.py", "from conlab.errors import UserError"),
        ("workloads/count_up.py", "def work(job):\n    import pytest"),
        ("workloads/count_up.py", "from workloads.count_words import words"),
        ("workloads/count_up.py", "from workloads import count_words"),
        ("workloads/count_up.py", "from . import count_words"),
        ("workloads/count_up.py", "from workloads.models import threads"),
        ("workloads/count_up.py", "import pitfalls.races"),
        ("workloads/models/snails.py", "from workloads import count_words"),
        ("pitfalls/races/lost_update.py", "from conlab.explorer import explore"),
        ("pitfalls/races/lost_update.py", "import workloads.models.threads"),
        ("pitfalls/races/lost_update.py", "from pitfalls.races import check_then_act"),
        ("pitfalls/races/lost_update.py", "from . import check_then_act"),
        ("pitfalls/races/lost_update.py", "from ..deadlocks import lock_order"),
        ("conlab/bench/costs.py", "import tests.models.jobs"),
        ("conlab/explorer/search/sampling.py", "from conlab.explorer.threads import scheduler"),
        ("conlab/explorer/threads/scheduler.py", "import conlab.explorer.tasks.event_loop"),
        ("conlab/versus/report.py", "from conlab.calibration.rates import Rate"),
        ("conlab/versus/sides/naming.py", "from conlab.versus.pairs.worker_process import Worker"),
        ("conlab/judge/__init__.py", "from conlab.commands.study import run"),
    ],
)
def test_an_import_that_runs_the_wrong_way_is_caught(path: str, source: str) -> None:
    assert len(wrong_imports(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("workloads/count_up.py", "from workloads.http_client import get"),
        ("workloads/count_up.py", "from workloads import http_client"),
        ("workloads/count_up.py", "from workloads.models.failure import Failure"),
        ("workloads/models/snails.py", "from workloads.models import Run, threads"),
        ("conlab/explorer/tasks/event_loop.py", "import conlab.explorer.threads.scheduler"),
        ("conlab/calibration/quotation.py", "from conlab.versus.plugin import COMPARISON"),
        ("pitfalls/races/lost_update.py", "import threading"),
    ],
)
def test_an_import_that_runs_the_right_way_passes(path: str, source: str) -> None:
    assert wrong_imports(path, source) == []


def circles(files: dict[str, str]) -> list[str]:
    """The modules that import each other in a circle, wherever in their files they do so."""
    graph = {
        name: {
            target
            for imported in imported_modules(ast.parse(source), package_of(name, files))
            for target in (imported, imported.rpartition(".")[0])
            if target in files and target != name and not starts_with(name, target)
        }
        for name, source in files.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def package_of(name: str, files: Iterable[str]) -> str:
    """The package in which a module stands; itself, if it is one."""
    is_package = any(starts_with(other, name) and other != name for other in files)
    return name if is_package else name.rpartition(".")[0]


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circles(files_of_conlab()) == []


def test_a_circle_is_found() -> None:
    planted = {
        "conlab.explorer.tasks.tasks": "if TYPE_CHECKING:\n    from . import event_loop",
        "conlab.explorer.tasks.event_loop": "from conlab.explorer.tasks.tasks import Task",
    }
    assert len(set(circles(planted))) == 2


# The wheel


OURS = {"conlab", "conlab_gate"}  # the second stands on the path of a judged child alone


def needs(start: str, files: dict[str, str]) -> set[str]:
    """What comes from elsewhere when a module is imported, through the modules of ``files``."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [name for name in files if starts_with(name, start)]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for imported in at_import_time(ast.parse(files[name]), package_of(name, files)):
            inside = [n for n in files if starts_with(imported, n) and n != "conlab"]
            waiting += inside
            if imported.split(".")[0] not in {*OURS, *sys.stdlib_module_names}:
                found.add(imported.split(".")[0])
    return found


def at_import_time(module: ast.Module, package: str) -> Iterator[str]:
    """The modules that are imported outside functions."""
    body = [node for node in module.body if not isinstance(node, ast.FunctionDef)]
    yield from imported_modules(ast.Module(body, []), package)


def files_of_conlab() -> dict[str, str]:
    """The source of each module of conlab, by its name."""
    files = {}
    for path in sorted((ROOT / "conlab").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(part for part in parts if part != "__init__")] = path.read_text("utf-8")
    return files


@pytest.mark.parametrize("part", LIGHT)
def test_what_the_wheel_offers_needs_only_the_standard_library_and_pytest(part: str) -> None:
    assert needs(part, files_of_conlab()) <= {"pytest", "_pytest"}


def test_a_library_that_is_needed_two_imports_away_is_found() -> None:
    planted = {
        "conlab": "",
        "conlab.explorer": "from conlab.explorer.threads import scheduler",
        "conlab.explorer.threads": "",
        "conlab.explorer.threads.scheduler": "from conlab.bench import costs",
        "conlab.bench": "",
        "conlab.bench.costs": "import psutil",
    }
    assert needs("conlab.explorer", planted) == {"psutil"}


def test_the_wheel_needs_pytest_alone() -> None:
    assert [need.partition(">")[0] for need in PROJECT["project"]["dependencies"]] == ["pytest"]


def test_every_folder_of_conlab_says_what_it_is_and_holds_nothing_but_python() -> None:
    folders = {path.parent for path in (ROOT / "conlab").rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []
    silent = [
        folder
        for folder in folders
        if not ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
    ]
    assert silent == []
    others = [
        path.name
        for path in (ROOT / "conlab").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    ]
    assert others == ["py.typed"]


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["hatch"]["version"] == {"path": "conlab/__init__.py"}


@pytest.mark.parametrize(
    ("group", "value"),
    [("console_scripts", "conlab.cli:main"), ("pytest11", "conlab.pytest_plugin")],
)
def test_the_entry_points_exist_and_load(group: str, value: str) -> None:
    distribution = importlib.metadata.distribution("concurrency-lab")
    (entry,) = [entry for entry in distribution.entry_points if entry.group == group]
    assert (entry.name, entry.value) == ("conlab", value)
    assert entry.load() is not None
