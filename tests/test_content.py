"""The content is found wherever conlab lies, and what needs a clone says so where there is none."""

import importlib
import importlib.metadata
import json
import shlex
import sys
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


def missing(monkeypatch: pytest.MonkeyPatch, in_clone: bool, came: object) -> str:
    """What is said of a missing library, where pip has kept that of the place conlab came from."""

    class Installed:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return came if isinstance(came, str | None) else json.dumps(came)

    monkeypatch.setattr(extras, "IN_CLONE", in_clone)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: Installed())
    with pytest.raises(UserError) as caught, extras.needing("stats", "suite"):
        importlib.import_module("no_such_library")
    return str(caught.value).removeprefix("stats needs no_such_library: ")


def test_in_a_clone_a_missing_library_is_installed_by_its_own_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_the_clone = "python3 -m conlab.install in the clone installs it"
    monkeypatch.setattr(sys, "prefix", "/an/environment/of/my/own")
    assert missing(monkeypatch, True, None) == by_the_clone
    editable = {"url": ROOT.as_uri(), "dir_info": {"editable": True}}
    monkeypatch.setattr(sys, "prefix", str(ROOT / ".venv"))
    assert missing(monkeypatch, True, editable) == by_the_clone
    monkeypatch.setattr(sys, "prefix", "/an/environment/of/my/own")
    assert missing(monkeypatch, True, editable) == f"pip install -e '{ROOT}[suite]'"


@pytest.mark.parametrize(
    ("came", "word"),
    [
        (None, "concurrency-lab[suite]"),
        ("damaged", "concurrency-lab[suite]"),
        ({"url": "https://a.test/lab.whl", "archive_info": {}},
         "concurrency-lab[suite] @ https://a.test/lab.whl"),
        ({"url": "https://a.test/lab", "vcs_info": {"vcs": "git", "commit_id": "1a9d113"},
          "subdirectory": "lab"},
         "concurrency-lab[suite] @ git+https://a.test/lab@1a9d113#subdirectory=lab"),
        ({"url": "file:///my/lab", "vcs_info": {"vcs": "git", "commit_id": "1a9d113"}},
         "concurrency-lab[suite] @ git+file:///my/lab@1a9d113"),
    ],
)  # fmt: skip
def test_a_missing_library_comes_from_where_conlab_came_from(
    came: object, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert missing(monkeypatch, False, came) == f"pip install '{word}'"


def test_that_of_a_conlab_from_a_folder_is_installed_by_the_path_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "my clone's"
    clone.mkdir()
    came = {"url": clone.as_uri(), "dir_info": {}}
    words = shlex.split(missing(monkeypatch, False, came))
    assert words == ["pip", "install", f"{clone}[suite]"]
    clone.rmdir()
    said = missing(monkeypatch, False, came)
    assert said.startswith("pip install './path/to/the/clone[suite]', with the path of a clone")
    assert str(clone) in said


def test_a_module_of_ours_that_is_missing_is_no_mistake_of_the_reader_s() -> None:
    with pytest.raises(ModuleNotFoundError), extras.needing("stats", "suite"):
        importlib.import_module("conlab.no_such_module")
