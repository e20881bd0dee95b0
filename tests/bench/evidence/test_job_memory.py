"""What a job takes and gives back is told from what it leaves behind."""

import sys
from pathlib import Path

import pytest

from conlab.bench.evidence import job_memory
from conlab.bench.evidence.job_memory import forget_peak, free, taken
from conlab.bench.words import MEBI

SIZE = 64 * MEBI


@pytest.mark.skipif(not forget_peak(), reason="this system does not let a peak be forgotten")
def test_what_is_given_back_is_counted_and_what_is_kept_is_not() -> None:
    with taken() as passing:
        assert len(b"x" * SIZE) == SIZE
    with taken() as kept:
        held = b"x" * SIZE
    assert len(held) == SIZE
    assert passing.given_back > SIZE / 2  # the system counts in parts, and late
    assert kept.given_back < SIZE / 2


def test_where_no_peak_can_be_forgotten_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_memory, "FORGET", Path("/nowhere/clear_refs"))
    with taken() as found:
        assert len(bytes(SIZE)) == SIZE
    assert found.given_back == 0


def test_a_container_may_have_less_than_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(job_memory, "CGROUP", tmp_path)
    machine = free()
    assert machine > 0
    (tmp_path / "memory.max").write_text(f"{10 * MEBI}\n")
    (tmp_path / "memory.current").write_text(f"{4 * MEBI}\n")
    assert free() == 6 * MEBI
    (tmp_path / "memory.max").write_text("max\n")
    assert free() > 6 * MEBI


def test_the_status_of_this_process_is_read() -> None:
    if sys.platform == "linux":
        assert job_memory.resident("VmRSS") > MEBI
    assert job_memory.resident("VmNothing") == 0
