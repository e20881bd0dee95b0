"""The reader's project: where it begins, what belongs to it, and what a program imports of it."""

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from conlab import errors
from conlab.explorer.programs.project import Project, imported_files, project_of, relative_levels


def write(path: Path, text: str = "value = 1\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("marker", ["pyproject.toml", "setup.py", ".git"])
def test_a_project_begins_at_the_nearest_marker(tmp_path: Path, marker: str) -> None:
    write(tmp_path / "outer" / "pyproject.toml")
    write(tmp_path / "outer" / "inner" / marker)
    program = write(tmp_path / "outer" / "inner" / "deep" / "er" / "program.py")
    assert project_of(str(program)) == Project(tmp_path / "outer" / "inner")


def test_without_a_marker_it_is_the_folder_that_holds_the_file_or_its_package(
    tmp_path: Path,
) -> None:
    assert project_of(str(write(tmp_path / "a" / "program.py"))) == Project(tmp_path / "a")
    for folder in ("shop", "shop/tills"):
        write(tmp_path / "a" / folder / "__init__.py")
    program = write(tmp_path / "a" / "shop" / "tills" / "program.py")
    assert project_of(str(program)) == Project(tmp_path / "a")


@pytest.mark.parametrize(
    "installed",
    [
        ".venv/lib/python3.11/site-packages/lib.py",
        "vendor/dist-packages/lib.py",
        "environment/anything/lib.py",
        "compiled.so",
        "../beside.py",
    ],
)
def test_what_is_installed_or_elsewhere_or_no_python_does_not_belong_to_it(
    tmp_path: Path, installed: str
) -> None:
    root = tmp_path / "project"
    write(root / "pyproject.toml")
    write(root / "environment" / "pyvenv.cfg")
    project = Project(root)
    assert project.holds(str(write(root / "src" / "mine.py")))
    assert not project.holds(str(write(root / installed)))
    assert not project.holds(None)


@pytest.mark.parametrize("source", [".", "src"])
def test_the_copy_of_its_own_modules_that_was_installed_belongs_to_it(
    tmp_path: Path, source: str
) -> None:
    root, installed = tmp_path / "project", tmp_path / "venv" / "lib" / "site-packages"
    write(root / "pyproject.toml")
    write(root / source / "mine" / "part.py")
    assert Project(root).holds(str(write(installed / "mine" / "part.py")))
    assert not Project(root).holds(str(write(installed / "mine" / "other.py")))
    assert not Project(root).holds(str(write(installed / "another" / "part.py")))


def test_the_folder_of_a_script_has_installed_nothing(tmp_path: Path) -> None:
    write(tmp_path / "scripts" / "requests.py")
    installed = write(tmp_path / "site-packages" / "requests.py")
    assert not Project(tmp_path / "scripts").holds(str(installed))


def test_neither_the_standard_library_nor_the_lab_belongs_to_a_project_that_holds_them() -> None:
    for file in (json.__file__, errors.__file__):
        assert not Project(Path(file).resolve().parents[2]).holds(file)


def test_an_installed_program_has_its_package_for_a_project(tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "pool"
    assert project_of(str(write(package / "inner" / "a.py"))) == Project(package)
    alone = write(tmp_path / "site-packages" / "single.py")
    assert project_of(str(alone)).holds(str(alone))
    assert project_of(json.decoder.__file__) == Project(Path(json.__file__).resolve().parent)
    assert project_of(errors.__file__) == Project(Path(errors.__file__).resolve())


def module_at(monkeypatch: pytest.MonkeyPatch, name: str, file: Path, **names: object) -> None:
    module = ModuleType(name)
    module.__file__ = str(file)
    module.__package__ = name if file.name == "__init__.py" else name.rpartition(".")[0]
    vars(module).update(names)
    monkeypatch.setitem(sys.modules, name, module)


def test_what_a_program_imports_is_followed_and_what_others_import_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = write(tmp_path / "depot" / "__init__.py", '"""Nothing but this."""\n')
    program = write(
        tmp_path / "depot" / "main.py",
        "import json\nfrom .stock import take\nfrom . import shelf\ndef late(): import lazily\n",
    )
    stock = write(tmp_path / "depot" / "stock.py", "from depot.bottom import ground\n")
    shelf = write(tmp_path / "depot" / "shelf.py")
    bottom = write(tmp_path / "depot" / "bottom.py")
    plugin = write(tmp_path / "plugin.py")
    other = write(tmp_path / "test_of_others.py", "import depot.main\n")
    module_at(monkeypatch, "depot", package)
    for file in (stock, shelf, bottom):
        module_at(monkeypatch, f"depot.{file.stem}", file)
    module_at(monkeypatch, "plugin", plugin)
    module_at(monkeypatch, "test_of_others", other)
    vars(sys.modules["depot.shelf"])["hooks"] = sys.modules["plugin"]  # by no statement
    found = imported_files(Project(tmp_path), str(program), {}, "depot")
    assert found == {
        str(stock): "depot.stock",
        str(shelf): "depot.shelf",
        str(bottom): "depot.bottom",
        str(plugin): "plugin",
    }


def test_the_farthest_relative_import_says_how_deep_a_package_is(tmp_path: Path) -> None:
    file = write(tmp_path / "a.py", "from . import b\nif True:\n    from ...c import d\nimport e\n")
    assert relative_levels(str(file)) == 3
    assert relative_levels(str(write(tmp_path / "f.py"))) == 0
    assert relative_levels(str(write(tmp_path / "g.py", "no python!"))) == 0
