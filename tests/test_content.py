"""The content is found wherever conlab lies, and what needs a clone says so where there is none."""

import importlib
from pathlib import Path

import pytest

from conlab import content, extras
from conlab.errors import UserError

ROOT = Path(__file__).resolve().parent.parent


def test_in_a_clone_the_content_lies_beside_conlab() -> None:
    assert content.IN_CLONE
    assert content.clone() == content.ROOT == ROOT


@pytest.mark.parametrize("name", ["workloads", "workloads.models.threads", "pitfalls.races"])
def test_it_is_found_inside_conlab_by_the_name_that_it_has_in_a_wheel(name: str) -> None:
    inside = importlib.import_module(f"{content.PACKAGE}.{name}")
    beside = importlib.import_module(name)
    assert inside.__file__ == beside.__file__
    assert inside is not beside


def test_what_needs_a_clone_is_refused_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "IN_CLONE", False)
    with pytest.raises(UserError, match="this needs a clone"):
        content.clone()


@pytest.mark.parametrize(
    ("in_clone", "line"),
    [
        (True, "stats needs no_such_library: python3 -m conlab.install in the clone installs it"),
        (False, "stats needs no_such_library: pip install 'concurrency-lab[suite]'"),
    ],
)
def test_a_missing_library_is_named_with_the_line_that_installs_it(
    in_clone: bool, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "IN_CLONE", in_clone)
    with pytest.raises(UserError) as caught, extras.needing("stats", "suite"):
        importlib.import_module("no_such_library")
    assert str(caught.value) == line


def test_a_module_of_ours_that_is_missing_is_no_mistake_of_the_reader_s() -> None:
    with pytest.raises(ModuleNotFoundError), extras.needing("stats", "suite"):
        importlib.import_module("conlab.no_such_module")
