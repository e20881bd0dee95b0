"""What is stepped and what is set back: by default the project's files, and what is named."""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.explorer import explore
from conlab.explorer.programs.scope import scope_of

USES = """\
import threading
import {helper}

def program():
    threads = [threading.Thread(target={helper}.add) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return {helper}.count

def both():
    return program(), program()
"""
RACES = """\
count = 0
def add():
    global count
    seen = count
    count = seen + 1
"""
LOCKS = """\
import threading
count = 0
lock = threading.Lock()
def add():
    global count
    with lock:
        count += 1
"""


class Place:
    """A project in a folder of its own, from which modules are imported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> str:
        """Write a file and return its path."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return str(file)

    def load(self, name: str) -> Any:
        """Import a module."""
        return __import__(name, fromlist=["program"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    yield Place(tmp_path)
    for name in sys.modules.keys() - before:
        del sys.modules[name]


def right(count: int) -> bool:
    return count == 2


def test_a_race_in_a_file_that_the_program_imports_is_found(place: Place) -> None:
    file = place.write("racy.py", RACES)
    program = place.write("uses.py", USES.format(helper="racy"))
    verdict = explore(place.load("uses").program, check=right)
    assert verdict.failing
    assert verdict.stepped == (program, file)
    assert verdict.unstepped == ()


def test_what_is_named_instead_leaves_the_rest_of_the_project_unstepped(place: Place) -> None:
    file = place.write("racy.py", RACES)
    program = place.write("uses.py", USES.format(helper="racy"))
    verdict = explore(place.load("uses").program, check=right, stepped=["uses"])
    assert not verdict.failing  # which is why it is said:
    assert verdict.unstepped == (file,)
    assert "not stepped: racy.py" in str(verdict)
    assert explore(place.load("uses").program, check=right, stepped=[file]).unstepped == (program,)


def test_state_of_the_project_is_set_back_whether_it_is_stepped_or_not(place: Place) -> None:
    place.write("guarded.py", LOCKS)
    place.write("uses.py", USES.format(helper="guarded"))
    uses = place.load("uses")
    for stepped in (None, [uses], ["guarded"]):
        verdict = explore(uses.program, check=right, stepped=stepped)
        assert (verdict.failing, verdict.exhausted) == (0, True)
    assert place.load("guarded").count == 0


LAZY = USES.replace("import {helper}\n", "").replace(
    "def program():", "def program():\n    import {helper}"
)


@pytest.mark.parametrize(("helper", "fails"), [(RACES, True), (LOCKS, False)])
def test_what_a_program_imports_while_it_runs_is_stepped_and_set_back(
    place: Place, helper: str, fails: bool
) -> None:
    file = place.write("parts/late.py", helper)
    place.write("uses.py", LAZY.format(helper="parts.late"))
    verdict = explore(place.load("uses").program, check=right)
    assert bool(verdict.failing) == fails
    assert verdict.exhausted
    assert verdict.stepped[1:] == (file,)
    assert place.load("parts.late").count == 0
    assert type(place.load("parts").late.__dict__.get("lock", "")).__module__ in {
        "_thread",
        "builtins",
    }


LATER = """\
import threading
def first(): seen.append(1)
def second():
    if not seen:
        import rare
        rare.add()
        rare.add()
        assert rare.count == 2, rare.count
seen = []
def program():
    threads = [threading.Thread(target=each) for each in (first, second)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


def test_what_only_some_schedules_import_is_stepped_in_the_end(place: Place) -> None:
    file = place.write("rare.py", RACES)
    place.write("uses.py", LATER)
    verdict = explore(place.load("uses").program)
    assert verdict.exhausted
    assert file in verdict.stepped


def test_a_module_a_package_a_name_and_a_path_can_be_stepped(place: Place) -> None:
    program = place.write("uses.py", "def program(): pass\n")
    inside = [place.write(f"wares/{name}.py", "x = 1\n") for name in ("__init__", "a", "b")]
    uses, wares = place.load("uses"), place.load("wares")
    place.load("wares.a")
    loaded = (program, *inside[:2])
    for step in ([wares], ["wares"], [wares, "wares.a"]):
        assert scope_of(uses.program, None, step).stepped == loaded
    assert scope_of(uses.program, None, ["wares.a"]).stepped == (program, inside[1])
    assert set(scope_of(uses.program, ["./wares"]).stepped) == set(inside)
    for path in ("wares/a.py", "./wares/a.py", Path("wares") / "a.py", inside[1]):
        assert scope_of(uses.program, [path]).stepped == (inside[1],)


@pytest.mark.skipif(sys.platform == "win32", reason="makes a symbolic link")
def test_a_path_is_known_by_the_name_that_its_module_has(place: Place) -> None:
    place.write("uses.py", "def program(): pass\n")
    real = place.write("elsewhere/linked.py", "x = 1\n")
    (place.folder / "linked.py").symlink_to(real)
    assert place.load("linked").__file__ != real
    assert place.load("linked").__file__ in scope_of(place.load("uses").program, [real]).stepped


@pytest.mark.parametrize(
    ("stepped", "sentence"),
    [
        ("uses.py", r"stepped is a list of what is to be stepped: say stepped=\['uses.py'\]"),
        (json, r"say stepped=\['json'\]"),
        (["nowhere.py"], r"nowhere\.py cannot be stepped: there is no such file in /"),
        (["/nowhere.py"], r"/nowhere\.py cannot be stepped: there is no such file$"),
        (["./pyproject.toml"], r"pyproject.toml cannot be stepped: it is no Python file"),
        (["nowhere"], r"'nowhere' cannot be stepped: importing it raised ModuleNotFoundError"),
        (["spoilt"], r"'spoilt' cannot be stepped: importing it raised ZeroDivisionError"),
        ([math], r"module 'math' cannot be stepped: it .* and only Python code is"),
        (["queue"], r"queue\.py cannot be stepped, and need not: the explorer controls"),
        ([3], r"3 cannot be stepped: say a module, its name, or the path of a file"),
        (3, r"stepped is a list of what is stepped, and not 3"),
        ([], r"stepped names nothing"),
    ],
)
def test_what_cannot_be_stepped_is_said_in_a_sentence(
    place: Place, stepped: Any, sentence: str
) -> None:
    place.write("uses.py", "def program(): pass\n")
    place.write("spoilt.py", "1 / 0\n")
    with pytest.raises(UserError, match=sentence):
        explore(place.load("uses").program, stepped=stepped)
