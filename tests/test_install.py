"""The installer: what it runs, what it refuses, and that it repeats nothing."""

import subprocess
import sys
import venv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab import install


class Pip:
    """Stands in for running commands: keeps them, and fails those with a word in them."""

    def __init__(self, failing: str = "\0") -> None:
        self.commands: list[list[str]] = []
        self.failing = failing

    def run(self, command: list[Any], **_options: Any) -> Any:
        words = [str(word) for word in command]
        self.commands.append(words)
        return SimpleNamespace(returncode=int(any(self.failing in word for word in words)))

    @property
    def installed(self) -> list[list[str]]:
        """What each command names that installs something."""
        return [
            [word for word in words[words.index("install") + 1 :] if not word.startswith("--")]
            for words in self.commands
            if "install" in words
        ]


@pytest.fixture
def pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    made = Pip()
    monkeypatch.setattr(subprocess, "run", made.run)
    return made


@pytest.fixture
def environments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The environments that were made: there is none before."""
    made: list[Path] = []

    def create(path: Path, **_options: Any) -> None:
        path.mkdir(exist_ok=True)
        made.append(path)

    monkeypatch.setattr(install, "ENVIRONMENT", tmp_path / "a clone" / ".venv")
    (tmp_path / "a clone").mkdir()
    monkeypatch.setattr(venv, "create", create)
    monkeypatch.setattr(install, "works", lambda _python: bool(made))
    monkeypatch.setattr(install, "complete", lambda _python, _requirements: False)
    return made


def test_the_environment_is_made_once(pip: Pip, environments: list[Path]) -> None:
    assert install.main([]) == 0
    assert install.main([]) == 0
    assert environments == [install.ENVIRONMENT]
    assert all(str(install.ENVIRONMENT) in command[0] for command in pip.commands)


def test_an_environment_that_does_not_work_is_made_anew(
    pip: Pip, environments: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cleared = []
    monkeypatch.setattr(
        venv, "create", lambda _path, with_pip, clear: cleared.append((with_pip, clear))
    )
    install.ENVIRONMENT.mkdir()
    assert install.main([]) == 0
    assert (cleared, environments) == ([(True, True)], [])
    assert pip.installed


def test_what_the_suite_needs_comes_first_and_the_libraries_of_cells_at_once(
    pip: Pip, environments: list[Path]
) -> None:
    assert install.main(["--with", "lint"]) == 0
    suite, cells = pip.installed
    assert suite == [f"{install.ROOT}[suite,tests,lint]"]
    assert any(library.startswith("pillow") for library in cells)
    assert all("--only-binary=:all:" in command for command in pip.commands[1:])
    assert len(environments) == 1


def test_where_one_library_cannot_be_had_each_is_tried_alone(
    pip: Pip, environments: list[Path]
) -> None:
    pip.failing = "pillow"
    assert install.main([]) == 0
    _, at_once, *alone = pip.installed
    assert alone == [[library] for library in at_once]
    assert len(alone) > 10
    assert environments


def test_here_means_the_running_environment(pip: Pip, environments: list[Path]) -> None:
    assert install.main(["--here"]) == 0
    assert environments == []
    assert {command[0] for command in pip.commands} == {sys.executable}


def test_a_library_without_a_wheel_is_named_and_the_rest_is_installed(
    pip: Pip, environments: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pip.failing = "pillow"
    assert install.main([]) == 0
    said = capsys.readouterr().out
    assert "'pillow>=" in said
    assert "the cells that need it will be absent" in said
    assert any(library.startswith("selectolax") for (library,) in pip.installed[2:])
    assert environments


def test_without_a_library_to_calculate_with_the_rest_is_installed_and_comparing_is_not(
    pip: Pip, environments: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pip.failing = "scipy>"
    assert install.main([]) == 0
    assert "'scipy>=" in (said := capsys.readouterr().out)
    assert "two versions cannot be compared" in said
    assert any(library.startswith("numpy") for (library,) in pip.installed[2:])
    assert environments


def test_what_is_lost_without_a_library_is_said_of_the_history_too(
    pip: Pip, environments: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pip.failing = "ruptures"
    assert install.main([]) == 0
    (line,) = capsys.readouterr().out.splitlines()[-1:]
    assert "'ruptures>=" in line
    assert line.endswith("conlab history will not mark changes.")
    assert environments


def test_what_is_there_already_is_not_asked_for_again(pip: Pip) -> None:
    assert install.main(["--here"]) == 0
    assert not [words for words in pip.commands if "--editable" in words]
    (look,) = [words for words in pip.commands if "--no-index" in words]
    assert any(word.startswith("httpx") for word in look)


def test_without_what_the_suite_needs_the_installation_fails(
    pip: Pip, environments: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    pip.failing = "[suite,tests]"
    assert install.main([]) == 1
    assert "the packages that the suite needs could not be installed" in capsys.readouterr().err
    assert len(pip.installed) == 1
    assert environments


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (subprocess.CalledProcessError(1, "ensurepip"), "apt install python3-venv"),
        (PermissionError("no right to write"), "could not be written: no right to write"),
    ],
)
def test_an_environment_that_cannot_be_made_is_explained(
    pip: Pip,
    environments: list[Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    sentence: str,
) -> None:
    def create(*_arguments: Any, **_options: Any) -> None:
        raise error

    monkeypatch.setattr(venv, "create", create)
    assert install.main([]) == 1
    assert sentence in capsys.readouterr().err
    assert (pip.commands, environments) == ([], [])


def test_outside_a_clone_there_is_nothing_to_install(
    pip: Pip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "ROOT", tmp_path)
    assert install.main([]) == 1
    said = f"conlab.install: this is for a clone of Concurrency Lab, and {tmp_path} is none\n"
    assert capsys.readouterr().err == said
    assert pip.commands == []


def test_an_unknown_extra_is_refused_with_those_there_are(
    pip: Pip, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        install.main(["--with", "lints"])
    assert caught.value.code == 2
    assert (
        "--with lints: it should be one of browser, cells, cluster, docs, fast, history, lint,"
        " package, peers, report, suite, tests, versus" in (capsys.readouterr().err)
    )
    assert pip.commands == []


def test_help_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        install.main(["--help"])
    assert caught.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Makes the clone's virtual environment" in said
    assert "may be repeated" in said
