"""A process of a side finds that side's files, whatever editable installs lead to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conlab.versus.sides.side import AIMED
from tests.patience import patience

# As each build tool leaves it, where the tree is: what leads to the package ``shop``.
SETUPTOOLS = """
finder = types.ModuleType("__editable___shop_1_0_finder")
finder.MAPPING = {"shop": TREE + "/code/shop"}
finder.NAMESPACES = {}
finder.PATH_PLACEHOLDER = "__editable__.shop-1.0.finder.__path_hook__"
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in finder.MAPPING:
            init = finder.MAPPING[name] + "/__init__.py"
            return spec_from_file_location(name, init, submodule_search_locations=[])
Finder.__module__ = finder.__name__
sys.modules[finder.__name__] = finder
sys.meta_path.append(Finder)
"""
EDITABLES = """
class RedirectingFinder:
    _redirections = {"shop": TREE + "/code/shop/__init__.py"}
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in cls._redirections:
            return spec_from_file_location(name, cls._redirections[name])
sys.meta_path.append(RedirectingFinder)
"""
FIRST_OF_ALL = """
class ScikitBuildRedirectingFinder:
    def __init__(self):
        self.known_source_files = {"shop": TREE + "/code/shop/__init__.py"}
    def find_spec(self, name, path=None, target=None):
        if name in self.known_source_files:
            return spec_from_file_location(name, self.known_source_files[name])
sys.meta_path.insert(0, ScikitBuildRedirectingFinder())
"""
COMPUTED = """
class Computes:
    def find_spec(self, name, path=None, target=None):
        if name == "shop":
            return spec_from_file_location(name, os.path.join(TREE, "code", "shop", "__init__.py"))
Computes.__module__ = "of no file"  # so nothing shows where it leads before it is asked
sys.meta_path.insert(0, Computes())
"""
PATH_FILE = 'sys.path.append(TREE + "/code")'
FIRST_ON_THE_PATH = 'sys.path.insert(0, TREE + "/code")'
LINKED = 'os.symlink(TREE + "/code", TREE + "-link"); sys.path.append(TREE + "-link")'
INSTALLS = {
    "setuptools": SETUPTOOLS,
    "editables": EDITABLES,
    "a finder before all others": FIRST_OF_ALL,
    "a finder that computes": COMPUTED,
    "a path file": PATH_FILE,
    "PYTHONPATH": FIRST_ON_THE_PATH,
    "a link": LINKED,
}
SCRIPT = """
import os, sys, types
from importlib.util import spec_from_file_location
TREE = {tree!r}
{install}
sys.path.insert(0, {aimed!r})
import conlab_side
{aim}
{then}
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("tree", "copy"):
        package = tmp_path / name / "code" / "shop"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"WHERE = {name!r}\n")
    return tmp_path / "tree"


def imported(tree: Path, install: str, *, aim: bool, then: str, folders: str = "code") -> str:
    """What a fresh Python prints with such an install, aimed or not."""
    copy = tree.with_name("copy")
    given = {"TREE": str(tree), "COPY": str(copy), "FOLDERS": "", "BEHIND": "", "KEPT": ""}
    if folders:
        given["FOLDERS"] = str(copy / folders)
    script = SCRIPT.format(
        tree=str(tree),
        install=install,
        aimed=str(AIMED),
        aim="conlab_side.main()" if aim else "",
        then=then,
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script],
        env=os.environ | {f"CONLAB_SIDE_{name}": value for name, value in given.items()},
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(60),
    )
    return ended.stdout.strip() or ended.stderr.strip().splitlines()[-1]


WHERE = "from shop import WHERE; print(WHERE)"


@pytest.mark.parametrize("install", INSTALLS.values(), ids=INSTALLS)
def test_an_install_that_leads_into_the_tree_is_switched_off(tree: Path, install: str) -> None:
    assert imported(tree, install, aim=False, then=WHERE) == "tree"  # or the test says nothing
    tree.with_name("tree-link").unlink(missing_ok=True)
    assert imported(tree, install, aim=True, then=WHERE) == "copy"


@pytest.mark.parametrize("install", INSTALLS.values(), ids=INSTALLS)
def test_what_a_revision_has_not_it_does_not_find_in_the_tree(tree: Path, install: str) -> None:
    (tree.with_name("copy") / "code" / "shop").rename(tree.with_name("copy") / "code" / "store")
    said = imported(tree, install, aim=True, then=WHERE)
    assert said == "ModuleNotFoundError: No module named 'shop'"


def test_a_finder_that_leads_elsewhere_stays(tree: Path) -> None:
    elsewhere = tree.with_name("elsewhere")
    (tree / "code").rename(elsewhere)
    install = EDITABLES.replace("TREE + ", "").replace("/code/shop", f"{elsewhere}/shop")
    assert imported(tree, install, aim=True, then=WHERE, folders="") == "tree"


def test_parts_of_a_namespace_come_together_from_the_side_and_from_elsewhere(tree: Path) -> None:
    copy, elsewhere = tree.with_name("copy"), tree.with_name("elsewhere")
    for root, part in ((tree, "a"), (copy, "a"), (elsewhere, "b")):
        (root / "code" / "team").mkdir(parents=True)
        (root / "code" / "team" / f"{part}.py").write_text(f"WHERE = {root.name!r}\n")
    install = f"sys.path += [TREE + '/code', {str(elsewhere / 'code')!r}]"
    then = "from team import a, b; print(a.WHERE, b.WHERE)"
    assert imported(tree, install, aim=True, then=then) == "copy elsewhere"


def test_no_module_of_the_standard_library_is_shadowed(tree: Path) -> None:
    (tree.with_name("copy") / "code" / "colorsys.py").write_text("raise ImportError\n")
    assert imported(tree, "", aim=True, then="import colorsys; print('fine')") == "fine"


def test_an_environment_in_the_tree_stays_on_the_path(tree: Path) -> None:
    inside = tree / ".venv" / "lib" / "site-packages"
    inside.mkdir(parents=True)
    (inside / "lib_of_theirs.py").write_text("")
    then = "import lib_of_theirs; print('fine')"
    install = f"sys.path.append({str(inside)!r})"
    assert imported(tree, install, aim=True, then=then) == "fine"


def test_another_sitecustomize_has_its_turn(tree: Path) -> None:
    theirs = tree.with_name("theirs")
    theirs.mkdir()
    (theirs / "sitecustomize.py").write_text("print('theirs')\n")
    ended = subprocess.run(
        [sys.executable, "-c", "import shop; print(shop.WHERE)"],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join(map(str, (AIMED, tree / "code", theirs))),
            "CONLAB_SIDE_TREE": str(tree),
            "CONLAB_SIDE_COPY": str(tree.with_name("copy")),
            "CONLAB_SIDE_FOLDERS": "",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=patience(60),
    )
    assert ended.stdout.split() == ["theirs", "copy"]
