"""Leaders are counted as right or wrong by what the idle runs say; what was run is kept."""

from pathlib import Path
from typing import Any

import pytest

from tests.bench.count_leaders import Outcome, is_kept, judge, keep, outcomes, read, right_leaders


def outcome(loops: int = 0, run: int = 0, leaders: str = "", **times: float) -> Outcome:
    return Outcome(loops, run, "my_job", times, leaders.split(), None)


def test_right_leaders_are_those_within_a_tenth_of_the_fastest_over_all_idle_runs() -> None:
    idle = [
        outcome(threads=1.0, processes=1.08, serial=2.0),
        outcome(threads=1.1, processes=1.1, serial=1.0),  # one odd run
        outcome(threads=1.0, processes=1.09, serial=2.0),
    ]
    assert right_leaders(idle) == {"threads", "processes"}
    assert right_leaders([]) == set()


@pytest.mark.parametrize(
    ("leaders", "said"),
    [
        ("", "cannot tell"),
        ("threads", "right"),
        ("threads processes", "right"),
        ("threads serial", "loose"),
        ("serial", "wrong"),
    ],
)
def test_a_verdict_is_wrong_if_none_of_its_leaders_is_right(leaders: str, said: str) -> None:
    assert judge(outcome(leaders=leaders), {"threads", "processes"}) == said


def test_nothing_is_right_or_wrong_where_there_was_no_idle_run() -> None:
    assert judge(outcome(leaders="serial"), set()) == "unknown"


def test_what_a_run_wrote_is_read_by_workload_with_what_others_took() -> None:
    def benchmark(model: str, leads: bool, others: float | None) -> dict[str, Any]:
        about = {"workload": "my_job", "model": model, "variant": "", "leads": leads}
        seen = {"wall": 2.0, "others": others}
        return {"extra_info": about | {"visits": [1.0, 4.0], "contention": seen}}

    told = {
        "benchmarks": [
            benchmark("threads", leads=True, others=1.0),
            benchmark("serial", leads=False, others=2.0),
            {"extra_info": {"pitfall": "races/lost_update"}},
        ]
    }
    (found,) = outcomes(told, 2, 7)
    assert (found.loops, found.run, found.leaders) == (2, 7, ["threads"])
    assert found.times == {"threads": pytest.approx(2.0), "serial": pytest.approx(2.0)}
    assert found.others == pytest.approx(0.75)


def test_a_run_that_was_kept_is_not_made_again(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "abc.jsonl"
    assert not is_kept(file, 2, 0, "suite")
    keep(file, "suite", [outcome(loops=2, threads=1.0), outcome(loops=2, serial=2.0)])
    assert is_kept(file, 2, 0, "suite")
    assert not is_kept(file, 2, 0, "gzip_files")
    assert not is_kept(file, 2, 1, "suite")
    assert [one.times for _, one in read(file)] == [{"threads": 1.0}, {"serial": 2.0}]
