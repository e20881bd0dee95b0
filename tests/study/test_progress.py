"""What was studied is remembered where the platform keeps such state, if it can be."""

import os
from pathlib import Path

import pytest

from conlab.study.progress import Progress, forget, kept_in, progress_so_far, state_folder


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return tmp_path


def no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_what_was_noted_is_remembered() -> None:
    progress_so_far().take_note(studied="lost_update")
    progress_so_far().take_note(mended="lost_update", studied="lazy_init")
    assert progress_so_far() == Progress(["lost_update", "lazy_init"], ["lost_update"])


@pytest.mark.parametrize(
    ("platform", "variables", "folder"),
    [
        ("linux", {}, "~/.local/state/conlab"),
        ("linux", {"XDG_STATE_HOME": "/elsewhere"}, "/elsewhere/conlab"),
        ("linux", {"XDG_STATE_HOME": "relative"}, "~/.local/state/conlab"),
        ("linux", {"XDG_STATE_HOME": ""}, "~/.local/state/conlab"),
        ("darwin", {}, "~/Library/Application Support/conlab"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/conlab"),
    ],
)
def test_the_folder_is_that_of_the_platform(
    platform: str,
    variables: dict[str, str],
    folder: str,
    at_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert state_folder() == Path(folder.replace("~", str(at_home)))


def test_without_a_home_nothing_is_remembered_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Path, "home", staticmethod(no_home))
    noted = progress_so_far()
    noted.take_note(studied="lost_update")
    assert "no home folder is known" in noted.problem
    assert noted.studied == ["lost_update"]


def test_a_folder_that_cannot_be_made_is_said(at_home: Path) -> None:
    (at_home / ".local").write_text("a file in the way")
    noted = progress_so_far()
    noted.take_note(studied="lost_update")
    assert "Not a directory" in noted.problem


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_said(at_home: Path) -> None:
    at_home.chmod(0o500)
    noted = progress_so_far()
    noted.take_note(studied="lost_update")
    at_home.chmod(0o700)
    assert "Permission denied" in noted.problem


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"studied": 1, "mended": []}', '{"studied": [1]}', "\udcff"]
)
def test_a_damaged_file_is_said_and_begun_anew(text: str, at_home: Path) -> None:
    folder = at_home / ".local" / "state" / "conlab"
    folder.mkdir(parents=True)
    (folder / "study.json").write_bytes(text.encode(errors="surrogateescape"))
    noted = progress_so_far()
    assert noted.problem.endswith("was damaged, and is begun anew")
    noted.take_note(studied="lost_update")
    assert progress_so_far() == Progress(["lost_update"], [])


def test_nothing_half_written_is_left(at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress_so_far().take_note(studied="lost_update")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("json.dump", full)
    noted = progress_so_far()
    noted.take_note(studied="lazy_init")
    assert "No space left on device" in noted.problem
    folder = at_home / ".local" / "state" / "conlab"
    assert [file.name for file in folder.iterdir()] == ["study.json"]
    assert progress_so_far().studied == ["lost_update"]


def test_what_was_noted_can_be_forgotten_and_begun_anew(at_home: Path) -> None:
    assert forget() == ""
    progress_so_far().take_note(studied="lost_update")
    assert kept_in() == "~/.local/state/conlab/study.json"
    assert forget() == ""
    assert list((at_home / ".local" / "state" / "conlab").iterdir()) == []
    assert progress_so_far() == Progress()


def test_without_a_home_there_is_nothing_to_forget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", staticmethod(no_home))
    assert "no home folder is known" in forget()
