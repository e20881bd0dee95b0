"""Environments for sides are made once, whole or not at all, and not too many are kept."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from conlab.errors import UserError
from conlab.versus.sides import environments
from conlab.versus.sides.environments import MOST_KEPT, cached, python_in


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The environments that were begun: with venv standing in for itself, they are empty."""
    begun: list[Path] = []

    def run(command: list[str]) -> str:
        python = python_in(Path(command[-1]))
        python.parent.mkdir(parents=True)
        python.write_text("")
        begun.append(python)
        return ""

    monkeypatch.setattr(environments, "CACHE", tmp_path / "environments")
    monkeypatch.setattr(environments, "run", run)
    return begun


def nothing(_python: Path) -> None:
    """Put nothing into an environment."""


def test_an_environment_is_made_once(made: list[Path]) -> None:
    first = cached(["a"], Path(sys.executable), nothing)
    assert cached(["a"], Path(sys.executable), nothing) == first
    assert cached(["b"], Path(sys.executable), nothing) != first
    assert len(made) == 2


@pytest.mark.parametrize("error", [UserError("no network"), KeyboardInterrupt()])
def test_one_that_was_only_half_made_is_never_used(made: list[Path], error: Any) -> None:
    def fail(_python: Path) -> None:
        raise error

    with pytest.raises(type(error)):
        cached(["a"], Path(sys.executable), fail)
    assert list(environments.CACHE.iterdir()) == []
    assert cached(["a"], Path(sys.executable), nothing).exists()
    assert len(made) == 2


def test_one_that_another_run_made_meanwhile_is_used(made: list[Path]) -> None:
    def meanwhile(_python: Path) -> None:
        cached(["a"], Path(sys.executable), nothing)

    assert cached(["a"], Path(sys.executable), meanwhile).exists()
    assert len(made) == 2
    assert len(list(environments.CACHE.iterdir())) == 1


def test_the_ones_that_were_not_used_for_longest_are_removed(made: list[Path]) -> None:
    for number in range(MOST_KEPT + 2):
        kept = cached([str(number)], Path(sys.executable), nothing)
        os.utime(kept.parent.parent, (number, number))
    left = {path.stat().st_mtime for path in environments.CACHE.iterdir()}
    assert left == set(range(2, MOST_KEPT + 2))
    assert len(made) == MOST_KEPT + 2


def test_pips_own_reason_is_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")  # as good as no network
    monkeypatch.setattr(environments, "cached", lambda _key, base, make: make(base))
    monkeypatch.setattr(environments, "ask", lambda *_: str(tmp_path))
    with pytest.raises(UserError, match=r"pip could not install it, and said: .*no-such-thing"):
        environments.with_requirement("no-such-thing==1")


def test_libraries_without_a_wheel_keep_no_other_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {"c==1", "c", "g==1"}  # g has one of another version
    installed: list[str] = []
    calls = []

    def pip(_python: Path, _option: str, *what: str) -> str:
        calls.append(what)
        if lacking & set(what):
            return "no matching distribution"
        installed.extend(what)
        return ""

    monkeypatch.setattr(environments, "pip", pip)
    others = [f"{number}==1" for number in range(62)]
    environments.install_wheels(Path("python"), [*others[:40], "c==1", *others[40:], "g==1"])
    assert sorted(installed) == sorted([*others, "g"])
    assert len(calls) < 64  # fewer than one each


def test_without_a_network_one_library_is_asked_for_and_not_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []
    said: list[str] = []

    def pip(_python: Path, *what: str) -> str:
        asked.append(what)
        return "no network"

    monkeypatch.setattr(environments, "pip", pip)
    monkeypatch.setattr(environments, "cached", lambda _key, base, make: make(base))
    answers = iter(["3.13.0 of today", "False"])
    monkeypatch.setattr(environments, "ask", lambda *_: next(answers))
    with pytest.raises(UserError, match="could not install the libraries, and said: no network"):
        environments.with_python(tmp_path / "python3.13", said.append)
    assert len(asked) == 1
    assert len(said) == 1  # what takes long is told before it begins
    assert "Making an environment" in said[0]


def test_the_libraries_behind_are_those_that_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environments, "cached", lambda _key, base, make: make(base))
    monkeypatch.setattr(environments, "ask", lambda *_: str(tmp_path))
    monkeypatch.setattr(environments, "pip", lambda *_: "")
    environments.with_requirement("anything==1")
    lines = (tmp_path / "behind.pth").read_text("utf-8")
    assert str(Path(pytest.__file__).parents[1]) in lines
