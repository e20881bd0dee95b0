"""What a file must be like where it lies: discovery has no list, so this says what is missing."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench.made import PYTEST
from tests.conftest import pytest_generate_tests
from tests.patience import patience

ROOT = Path(__file__).resolve().parent.parent

VERB_OBJECT = re.compile(r"[a-z]+(_[a-z]+)+")
GIVEN_MODELS = {"serial", "hybrid", "cluster"}  # their names are not plural
MODEL_SETTINGS = {"in_flight", "workers", "start_method", "loop", "cluster"}
NUMBERED_BY_JOBS = {"count", "manifest", "photo_manifest"}

SLEEPERS = {  # the tests that may sleep: none to put things in order
    ("tests/models/jobs.py", "wait_until"): "looks again and again for what others do",
    ("tests/models/jobs.py", "wait_until_async"): "the same on an event loop",
    ("tests/models/test_interruption.py", "*"): "looks for the end of a process",
    ("tests/origin/test_lifetime.py", "*"): "looks for the end of a process; a child to be killed",
    ("tests/bench/readings/jobs", "*"): "jobs that wait, to be measured",
    ("tests/explorer/search/test_processes.py", "*"): "programs for the explorer: virtual time",
    ("tests/explorer/stepping/test_loops.py", "*"): "the same",
    ("tests/explorer/test_shared_things.py", "*"): "the same",
    ("tests/explorer/strangers", "*"): "the same",
    ("tests/explorer/witnesses/test_narration.py", "*"): "the same",
    ("tests/explorer/threads/ordinary.py", "*"): "the same",
    ("tests/explorer/threads/programs.py", "*"): "the same",
    ("tests/explorer/threads/test_fairness.py", "*"): "the same",
    ("tests/explorer/threads/test_clocks.py", "*"): "the same",
    ("tests/explorer/threads/test_reduction.py", "*"): "the same",
    ("tests/explorer/threads/traps.py", "*"): "the same",
    ("tests/explorer/threads/two_locked_halves.py", "*"): "the same",
    ("tests/explorer/tasks", "*"): "the same",
    ("tests/never_ends.py", "*"): "jobs to be killed",
    ("tests/judge", "*"): "sides that hang until they are killed",
}


# Workloads


def workload_lacks(path: Path, imported: set[str]) -> Iterator[str]:
    """Sentences on what a file in workloads/ lacks; ``imported`` are those that others use."""
    module = parsed(path)
    names = top_names(module)
    yield from opening_lacks(module)
    yield from docstring_lacks(module)
    if not {"jobs", "work"} & names:
        if path.stem not in imported:
            yield "it has neither jobs() nor work(), and no workload imports it"
        return
    if not VERB_OBJECT.fullmatch(path.stem):
        yield "its name is no verb_object, such as resize_images"
    for function in ("jobs", "work"):
        if function not in names:
            yield f"it has no {function}()"
    asked = {name for function in functions(module, "jobs") for name in arguments(function)}
    if asked & NUMBERED_BY_JOBS and not isinstance(constant(module, "JOBS"), int):
        yield "it has no JOBS = a number: how many jobs there are by default"
    if "work_async" in names and any(
        not isinstance(function, ast.AsyncFunctionDef)
        for function in functions(module, "work_async")
    ):
        yield "its work_async() is no coroutine function"
    if any(isinstance(function, ast.AsyncFunctionDef) for function in functions(module, "work")):
        yield "its work() is a coroutine function: that is work_async()"


def model_lacks(path: Path, imported: set[str]) -> Iterator[str]:
    """Sentences on what a file in workloads/models/ lacks."""
    module = parsed(path)
    names = top_names(module)
    yield from opening_lacks(module)
    yield from docstring_lacks(module)
    if not {"RUNS", "absent", "pool"} & names:
        if path.stem not in imported:
            yield "it has neither RUNS, absent() nor pool(), and no model imports it"
        return
    if not path.stem.endswith("s") and path.stem not in GIVEN_MODELS:
        yield "its name is no plural noun, such as threads"
    runs = constant(module, "RUNS")
    if not (isinstance(runs, str) or (isinstance(runs, tuple) and len(runs) == 2)):
        yield "it has no RUNS = the name of the function it runs, or of the two halves"
    if not functions(module, "absent"):
        yield "it has no absent()"
    if not functions(module, "pool"):
        yield "it has no pool(client, *, ...)"
    for pool in functions(module, "pool"):
        if [argument.arg for argument in pool.args.args] != ["client"]:
            yield "its pool() takes something else than the client and keywords"
        for keyword in pool.args.kwonlyargs:
            if keyword.arg not in MODEL_SETTINGS:
                yield f"its pool() asks for {keyword.arg!r}, which is no setting"


def opening_lacks(module: ast.Module) -> Iterator[str]:
    """A file opens with what it is, in one sentence."""
    first = (ast.get_docstring(module) or "").partition("\n\n")[0]
    if not first:
        yield "it does not say what it is: the docstring is missing"
    elif not first.endswith("."):
        yield "its docstring does not open with a sentence"


def docstring_lacks(module: ast.Module) -> Iterator[str]:
    """Public functions, classes and methods have docstrings; a Protocol speaks for its classes."""
    scopes: list[ast.Module | ast.ClassDef] = [module]
    promised = {
        node.name
        for scope in module.body
        if isinstance(scope, ast.ClassDef) and "Protocol" in map(ast.unparse, scope.bases)
        for node in scope.body
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)
    }
    for scope in scopes:
        for node in scope.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                if node.name.startswith("_"):
                    continue
                said = scope is not module and node.name in promised
                if ast.get_docstring(node) is None and not said:
                    yield f"{node.name} has no docstring"
                if isinstance(node, ast.ClassDef):
                    scopes.append(node)


def lacks_of_tree(root: Path) -> list[str]:
    """Everything that the files of workloads/ and workloads/models/ lack."""
    found = []
    for folder, check in (("workloads", workload_lacks), ("workloads/models", model_lacks)):
        paths = [path for path in sorted((root / folder).glob("*.py")) if path.stem != "__init__"]
        imported = {name for path in paths for name in imports(parsed(path))}
        for path in paths:
            found += [f"{folder}/{path.name}: {lack}" for lack in check(path, imported)]
    return found


def test_every_workload_and_model_has_what_it_needs() -> None:
    assert lacks_of_tree(ROOT) == []


GOOD_WORKLOAD = '''
    """Count to a number."""

    JOBS = 4


    def jobs(count):
        """The numbers."""
        return iter(range(count))


    def work(job):
        """Nothing."""
        return job
'''

GOOD_MODEL = '''
    """Snails: one job after the other, slowly."""

    from contextlib import contextmanager

    RUNS = "work"


    def absent():
        """Snails run everywhere."""


    @contextmanager
    def pool(client, *, in_flight):
        """No pool."""
        yield lambda work, jobs: map(work, jobs)
'''


@pytest.mark.parametrize(
    ("path", "source", "old", "new", "lack"),
    [
        ("count_up.py", GOOD_WORKLOAD, "def jobs", "def _jobs", "it has no jobs()"),
        ("count_up.py", GOOD_WORKLOAD, "def work", "def _work", "it has no work()"),
        ("count_up.py", GOOD_WORKLOAD, "JOBS = 4", "", "it has no JOBS"),
        ("count_up.py", GOOD_WORKLOAD, '"""Count to a number."""', "", "does not say what it is"),
        ("count_up.py", GOOD_WORKLOAD, "a number.", "a number", "does not open with a sentence"),
        ("count_up.py", GOOD_WORKLOAD, '"""Nothing."""', "", "work has no docstring"),
        ("count_up.py", GOOD_WORKLOAD, "def work", "async def work", "is a coroutine function"),
        ("count_up.py", GOOD_WORKLOAD, "def jobs", "def work_async(job): '.'\ndef jobs", "is no c"),
        ("counting.py", GOOD_WORKLOAD, "", "", "its name is no verb_object"),
        ("stray_notes.py", '"""Nobody needs this."""', "", "", "no workload imports it"),
        ("models/snail.py", GOOD_MODEL, "", "", "its name is no plural noun"),
        ("models/snails.py", GOOD_MODEL, 'RUNS = "work"', "", "it has no RUNS"),
        ("models/snails.py", GOOD_MODEL, "def absent", "def _absent", "it has no absent()"),
        ("models/snails.py", GOOD_MODEL, "def pool", "def _pool", "it has no pool(client, *, ...)"),
        ("models/snails.py", GOOD_MODEL, "client, *,", "", "else than the client"),
        ("models/snails.py", GOOD_MODEL, "in_flight", "speed", "asks for 'speed'"),
        ("models/snails.py", GOOD_MODEL, '"""No pool."""', "", "pool has no docstring"),
        ("models/helper.py", '"""Nobody needs this."""', "", "", "no model imports it"),
    ],
)
def test_what_a_file_lacks_is_said_in_words(
    tmp_path: Path, path: str, source: str, old: str, new: str, lack: str
) -> None:
    file = tmp_path / "workloads" / path
    file.parent.mkdir(parents=True)
    file.write_text(dedent(source).replace(old, new) if old else dedent(source))
    (sentence,) = lacks_of_tree(tmp_path)
    assert sentence.startswith(f"workloads/{path}: ")
    assert lack in sentence


# Names


def stdlib_names(paths: Iterable[Path]) -> list[Path]:
    """The files that a neighbour run as a script would import in place of a standard module."""
    return [path for path in paths if path.stem in sys.stdlib_module_names]


def test_no_file_is_named_like_a_module_of_the_standard_library() -> None:
    assert stdlib_names(sources("workloads", "pitfalls", "conlab", "tests")) == []


def test_a_file_named_like_a_module_of_the_standard_library_is_found() -> None:
    assert stdlib_names([Path("workloads/models/threading.py")])


# Docstrings


def test_public_functions_have_docstrings() -> None:
    assert [
        f"{path.relative_to(ROOT)}: {lack}"
        for path in sources("workloads", "conlab")
        for lack in docstring_lacks(parsed(path))
    ] == []


# Sleep


def sleeps(path: str, module: ast.Module) -> list[str]:
    """The functions in which a test sleeps, but for those that may."""
    found = []
    for node in module.body:
        name = getattr(node, "name", "")
        calls = [call.func for call in ast.walk(node) if isinstance(call, ast.Call)]
        asleep = any(getattr(f, "attr", getattr(f, "id", "")) == "sleep" for f in calls)
        allowed = any(
            path.startswith(where) and function in (name, "*") for where, function in SLEEPERS
        )
        if asleep and not allowed:
            found.append(f"{path}: {name}")
    return found


def test_no_test_sleeps_but_those_that_say_why() -> None:
    tests = sources("tests")
    assert [
        found for path in tests for found in sleeps(path.relative_to(ROOT).as_posix(), parsed(path))
    ] == []


@pytest.mark.parametrize("call", ["time.sleep(1)", "sleep(1)", "await asyncio.sleep(1)"])
def test_a_test_that_sleeps_is_found(call: str) -> None:
    planted = ast.parse(f"async def test_order():\n    if True:\n        {call}\n")
    assert sleeps("tests/test_planted.py", planted) == ["tests/test_planted.py: test_order"]


# Discovery


def test_a_new_file_becomes_cells_without_any_registration(tmp_path: Path) -> None:
    for name in ("conlab", "workloads", "pitfalls"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "tests").mkdir()
    for path in (ROOT / "tests").glob("bench_*.py"):
        shutil.copy(path, tmp_path / "tests")
    (tmp_path / "workloads" / "count_up.py").write_text(dedent(GOOD_WORKLOAD))
    (tmp_path / "workloads" / "models" / "snails.py").write_text(dedent(GOOD_MODEL))
    run = subprocess.run(
        [*PYTEST, "-q", "--collect-only"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )
    assert run.returncode == 0, run.stdout + run.stderr
    for cell in ("count_up-serial", "count_up-threads", "count_up-snails", "count_words-snails"):
        assert f"bench_cell[{cell}]" in run.stdout
    assert "bench_start[snails]" in run.stdout


# Reading files


def sources(*folders: str) -> list[Path]:
    """The Python files of these folders of the clone."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def parsed(path: Path) -> ast.Module:
    """The file as a tree."""
    return ast.parse(path.read_text("utf-8"))


def top_names(module: ast.Module) -> set[str]:
    """The names that a module binds at its top level."""
    names = set()
    for node in module.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
            case ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
    return names


def functions(module: ast.Module, name: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of that name at the top level."""
    return [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    ]


def arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """The names of the parameters."""
    return [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]


def constant(module: ast.Module, name: str) -> object:
    """The value of a constant at the top level, or None."""
    for node in module.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                return ast.literal_eval(value)
    return None


def imports(module: ast.Module) -> set[str]:
    """The last part of the name of each module that is imported, and of what is taken from it."""
    names = set()
    for node in ast.walk(module):
        match node:
            case ast.Import(names=aliases):
                names |= {alias.name.rpartition(".")[2] for alias in aliases}
            case ast.ImportFrom(module=source, names=aliases):
                names |= {(source or "").rpartition(".")[2], *(alias.name for alias in aliases)}
    return names


def generated(cases: Any) -> None:
    mark = pytest.mark.parametrize("x", cases).mark
    definition = SimpleNamespace(nodeid="test_x", iter_markers=lambda _: [mark])
    metafunc: Any = SimpleNamespace(definition=definition)
    pytest_generate_tests(metafunc)


@pytest.mark.parametrize("cases", [{1, 2}, frozenset({1, 2})])
def test_cases_in_the_order_of_a_set_are_refused(cases: Any) -> None:
    with pytest.raises(pytest.UsageError, match="its cases are a set, whose order is left to"):
        generated(cases)
    generated(list(cases))
