"""What ``conlab history`` prints: ratios as blocks, the commit of each change, in 80 columns."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from conlab.cli import obey
from conlab.history import changes
from conlab.history.tables import BLOCKS, DIGITS, sparkline
from tests.history.made import RESIZE, commit_id, ratio, saved, write, write_series
from tests.patience import patience

STEP_AT = 12
FIX = "exceptions/exception_swallowed_in_worker_loop"

Said = pytest.CaptureFixture[str]


def needs_ruptures() -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        not changes.available(), reason="ruptures has no wheel for this Python"
    )


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty commits: one ratio falls by a third at the twelfth, the others are noise."""
    folder = tmp_path_factory.mktemp("storage")
    numbers = random.Random(1)
    for number in range(20):
        told = [
            ratio(RESIZE, 1.8 * numbers.gauss(1, 0.02) * (1 if number < STEP_AT else 2 / 3)),
            ratio("resize_images-processes", 1.7 * numbers.gauss(1, 0.02)),
            ratio("dispatch_tasks-interpreters_by_64", 0.04 * numbers.gauss(1, 0.02)),
            ratio(RESIZE, 0.8 * numbers.gauss(1, 0.02), kind="floor_share"),
            ratio(FIX, 1.02 * numbers.gauss(1, 0.02), kind="broken_to_fixed", jobs=None),
        ]
        write(folder, saved(number, told))
    return folder


def shown(capsys: Said, storage: Path, *options: str, columns: int = 80) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        assert obey(["history", "--storage", str(storage), *options]) == 0
    return capsys.readouterr().out


@needs_ruptures()
def test_the_commit_of_a_change_is_named(capsys: Said, storage: Path) -> None:
    said = shown(capsys, storage)
    assert re.search(
        r"threads x serial fell by 3[0-9]% at 012c0de \(2026-03-13\): 1\.\d\dx to 1\.[12]\dx", said
    )
    assert len(re.findall(r" (?:rose|fell) by ", said)) == 1


@needs_ruptures()
def test_the_blocks_are_cut_where_the_level_changes(capsys: Said, storage: Path) -> None:
    (row,) = re.findall(r"^threads +x serial +(\S+)", shown(capsys, storage), re.MULTILINE)
    before, after = row.split("|")
    assert (len(before), len(after)) == (STEP_AT, 20 - STEP_AT)
    assert min(before) > max(after)


def test_a_filter_does_not_decide_what_a_change_is(
    capsys: Said, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = []

    def note(_values: Sequence[float], *, series: int, matters: float) -> list[int]:  # noqa: ARG001
        together.append(series)
        return []

    monkeypatch.setattr(changes, "available", lambda: True)
    monkeypatch.setattr(changes, "changes", note)
    for options in ([], ["-k", RESIZE]):
        shown(capsys, storage, *options)
    assert together == [5] * 7


def test_every_kind_of_ratio_has_its_row(capsys: Said, storage: Path) -> None:
    said = shown(capsys, storage)
    assert re.search(r"^resize_images: 32 jobs *$", said, re.MULTILINE)
    for row in ("processes", "interpreters_by_64"):
        assert re.search(rf"^{row} +x serial ", said, re.MULTILINE)
    assert re.search(r"^threads +% of floor .* [78]\d% ", said, re.MULTILINE)
    fixes = said.partition("What the fixes cost")[2]
    assert re.search(rf"^{FIX.partition('/')[2]} \S+ 1\.0\dx", fixes, re.MULTILINE)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("options", [(), ("--full",)])
def test_it_fits_its_width_and_is_plain_text_in_a_pipe(
    capsys: Said, storage: Path, columns: int, options: tuple[str, ...]
) -> None:
    said = shown(capsys, storage, *options, columns=columns)
    assert max(map(len, said.splitlines())) <= columns
    assert "…" not in said
    assert "\x1b" not in said


def test_full_has_a_row_for_each_commit(capsys: Said, storage: Path) -> None:
    said = shown(capsys, storage, "--full", "-k", RESIZE)
    for number in range(20):
        assert said.count(commit_id(number)[:7] + " ") >= 2  # the speedup and the floor
    if changes.available():
        assert re.findall(r"^(\w+) .* changed here", said, re.MULTILINE) == ["012c0de"]


def test_runs_of_one_commit_are_shown_as_a_spread(capsys: Said, tmp_path: Path) -> None:
    for value in (1.9, 2.0, 2.1):
        write(tmp_path, saved(0, [ratio(RESIZE, value)]))
    assert re.search(r"threads x serial ▅ +2\.00x 2\.00x +5%", shown(capsys, tmp_path))
    assert re.search(r"000c0de 2026-03-01 main +3 +2\.00x 1\.90x to 2\.10x",
                     shown(capsys, tmp_path, "--full"))  # fmt: skip


def test_machines_have_tables_of_their_own(capsys: Said, tmp_path: Path) -> None:
    write(tmp_path, saved(0, [ratio(RESIZE, 1.8)]))
    write(tmp_path, saved(0, [ratio(RESIZE, 1.1)], gil=False, free_threaded=True))
    said = shown(capsys, tmp_path)
    assert re.search(r"3\.14, with the GIL.*\n(.*\n)*?threads .* 1\.80x", said)
    assert re.search(r"3\.14 free-threaded, no GIL.*\n(.*\n)*?threads .* 1\.10x", said)
    assert "3.14, with" not in shown(capsys, tmp_path, "--machine", "no gil")


def test_hosts_of_one_kind_are_one_machine_and_the_top_says_so(
    capsys: Said, tmp_path: Path
) -> None:
    for number, host in enumerate(["runner1", "runner2"]):
        write(tmp_path, saved(number, [ratio(RESIZE, 1.8)], node=host))
    said = shown(capsys, tmp_path)
    assert said.startswith("2 hosts, grouped by CPU model, cores, Python and GIL, whatever their")
    assert "2 runs of 2 commits" in said.replace(" \n", " ")
    apart = shown(capsys, tmp_path, "--by-host")
    assert "hosts" not in apart
    assert apart.replace(" \n", " ").count("1 run of 1 commit") == 2


def test_a_branch_can_be_picked(capsys: Said, tmp_path: Path) -> None:
    for number, branch in enumerate(["main", "try"]):
        write(tmp_path, saved(number, [ratio(RESIZE, 1.8)], branch=branch))
    assert "001c0de" not in shown(capsys, tmp_path, "--full", "--branch", "main")


def test_without_the_library_the_table_still_stands(
    capsys: Said, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ruptures", None)
    said = shown(capsys, storage)
    assert re.search(r"^threads +x serial +[▁-█]{20} ", said, re.MULTILINE)
    flat = re.sub(r"\s+", " ", said)
    assert "Changes are not marked, since ruptures is not installed here: pip install" in flat


def test_another_python_at_the_same_commit_is_named(capsys: Said, tmp_path: Path) -> None:
    if not changes.available():
        pytest.skip("ruptures has no wheel for this Python")
    for number in range(12):
        version, value = ("3.14.0", 2.0) if number < 6 else ("3.14.2", 1.5)
        write(tmp_path, saved(number, [ratio(RESIZE, value)], python_version=version))
    assert "Python 3.14.0 became 3.14.2 there, too" in re.sub(r"\s+", " ", shown(capsys, tmp_path))


# What is wrong is said in one sentence


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--storage", "nowhere"], "there is no folder nowhere; pytest --benchmark-only --bench"),
        (
            ["--storage", "."],
            "there is no saved run in .; pytest --benchmark-only --benchmark-auto",
        ),
        (["--storage", "full", "-k", "no_such"], "none of the 3 saved runs in full has what was"),
        (["--storage", "full", "--branch", "no_such"], "none of the 3 saved runs in full has"),
        (["--storage", "full", "--last", "0"], "--last 0 shows nothing: say 1 or more"),
        (["--storage", "full", "--matters", "0"], "--matters 0: it should be a share above 0"),
        (["--storage", "full", "--matters", "nan"], "--matters nan: it should be a share above 0"),
    ],
    ids=range(7),
)
def test_a_mistake_is_one_sentence(
    capsys: Said,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_series(tmp_path / "full", [1.8] * 3)
    monkeypatch.setenv("COLUMNS", "80")
    assert obey(["history", *options]) == 2
    said = capsys.readouterr()
    assert said.err.startswith(f"conlab: {sentence}")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_an_output_without_blocks_gets_digits(storage: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "conlab.cli", "history", "--storage", storage, "-k", "dispatch"],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "COLUMNS": "80"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        timeout=patience(60),
    )
    assert re.search(rb"interpreters_by_64 x serial [0-7]{20} ", ended.stdout)


# The blocks


def test_blocks_span_the_range_of_the_values() -> None:
    assert sparkline([1.0, 1.5, 2.0], [], 10) == "▁▅█"


def test_what_is_quiet_is_drawn_flat() -> None:
    assert set(sparkline([1.0, 1.002, 0.998], [], 10)) <= {"▄", "▅"}


def test_the_newest_are_kept_where_there_is_no_room() -> None:
    assert sparkline([1.0, 1.0, 2.0, 1.0], [2], 3) == "|█▁"


def test_there_is_a_digit_for_each_block() -> None:
    assert len(BLOCKS) == len(DIGITS)
