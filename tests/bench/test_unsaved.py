"""A run that may not save does without, and says so."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conlab.bench import unsaved


def config(root: Path, *, caches: bool, save: str | None) -> Any:
    storage = SimpleNamespace(path=root / ".benchmarks")
    benchmarks = SimpleNamespace(save=save, autosave=None, storage=storage, machine_id="here")
    plugins = SimpleNamespace(get_plugin=lambda _: benchmarks, has_plugin=lambda _: caches)
    options = {"cache_dir": ".pytest_cache"} if caches else {}
    return SimpleNamespace(
        rootpath=root, stash={}, pluginmanager=plugins, getini=options.__getitem__
    )


@pytest.mark.parametrize("caches", [False, True])
@pytest.mark.parametrize("save", [None, "mine"])
@pytest.mark.parametrize("writable", [False, True])
def test_what_may_not_be_saved_is_left_out_and_named(
    caches: bool,
    save: str | None,
    writable: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: writable)
    of = config(tmp_path, caches=caches, save=save)
    unsaved.pytest_runtestloop(SimpleNamespace(config=of))  # type: ignore[arg-type]
    said = of.stash[unsaved.UNSAVED]
    assert len(said) == (0 if writable else caches + bool(save))
    assert bool(of.pluginmanager.get_plugin("").save) == (writable and bool(save))


def test_a_folder_that_can_be_made_may_be_written_and_one_in_a_file_may_not(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert unsaved.may_be_written(tmp_path / "to" / "be" / "made")
    assert not unsaved.may_be_written(tmp_path / "file" / "below")
