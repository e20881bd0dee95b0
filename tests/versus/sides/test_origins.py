"""A revision that imports what is not its own compares nothing, and that is an error."""

from pathlib import Path
from typing import Any

import pytest

from conlab.versus.sides.origins import not_its_own
from conlab.versus.sides.side import ROOT, Side


def sides(root: Path, **changes: Any) -> tuple[Side, Side]:
    """A revision whose files lie in ``copy``, and the working tree in ``tree``."""
    (root / "tree").mkdir(exist_ok=True)
    old = Side("main (1a2b3c)", tree=root / "tree", copy=root / "copy", **changes)
    return old, Side("working tree", tree=root / "tree")


def said(root: Path, old: str, new: str, packages: tuple[str, ...] = (), **changes: Any) -> Any:
    files = [{"shopkit": str(root / old)}, {"shopkit": str(root / new)}]
    return not_its_own(sides(root, **changes), files, [packages, packages])


def test_each_side_with_its_own_files_is_fine(tmp_path: Path) -> None:
    assert said(tmp_path, "copy/shopkit.py", "tree/shopkit.py") is None


def test_the_tree_s_own_file_on_the_side_of_a_revision_is_named(tmp_path: Path) -> None:
    found = said(tmp_path, "tree/src/shopkit.py", "tree/src/shopkit.py")
    assert f"main (1a2b3c) imported shopkit from {tmp_path}/tree/src/shopkit.py" in found
    assert "so a change in it cannot be seen: --install gives" in found


def test_a_package_installed_from_the_tree_is_no_revision_s(tmp_path: Path) -> None:
    place = "lib/site-packages/shopkit.py"
    assert said(tmp_path, place, place) is None  # a library like any other
    assert "installed once for both sides" in said(tmp_path, place, place, ("shopkit",))
    assert said(tmp_path, place, "tree/shopkit.py", ("shopkit",)) is None


@pytest.mark.parametrize(
    ("place", "changes"),
    [
        ("tree/.venv/lib/site-packages/shopkit.py", {}),
        ("tree/tests/conftest.py", {"shared": "tree/tests"}),
        ("tree/made/shopkit.py", {"made": "tree/made"}),
    ],
)
def test_what_both_may_share_is_none(tmp_path: Path, place: str, changes: dict[str, str]) -> None:
    there: dict[str, Any] = {
        name: (tmp_path / path,) if name == "shared" else tmp_path / path
        for name, path in changes.items()
    }
    assert said(tmp_path, place, place, **there) is None


def test_the_lab_itself_is_both_sides_in_its_own_clone(tmp_path: Path) -> None:
    old = Side("main", tree=ROOT, copy=tmp_path)
    new = Side("working tree", tree=ROOT)
    for name, wrong in (("conlab.cli", False), ("workloads.count_words", True)):
        file = str(ROOT / f"{name.replace('.', '/')}.py")
        found = not_its_own((old, new), [{name: file}, {name: file}], [(), ()])
        assert bool(found) is wrong


def test_between_pythons_the_same_files_are_meant(tmp_path: Path) -> None:
    one, two = Side("python3.13"), Side("working tree")
    files = {"shopkit": str(tmp_path / "shopkit.py")}
    assert not_its_own((one, two), [files, files], [("shopkit",), ("shopkit",)]) is None
