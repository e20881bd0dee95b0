"""How often jobs are run, and what is said of how long that takes, from made figures."""

from types import SimpleNamespace
from typing import Any

import pytest

from conlab.bench import planning
from conlab.bench.discovery import cells
from conlab.bench.planning import Effort, FirstRun, Plan, planned, spoken
from conlab.errors import UserError
from tests.bench.made import PROCESSES, SERIAL, THREADS, settings, workload

USUAL = Effort(fewest=3, most=50, seconds=1.0, watched=0.25)


def plan(jobs: int, serial: float, budget: float | None = None) -> Plan:
    """Of serial, processes and threads, with 2 workers and 32 in flight."""
    chosen = settings(in_flight=32, workers=2).for_models(computes_only=False)
    found = cells(workload(), (SERIAL, PROCESSES, THREADS))
    return planned(found, chosen, jobs, serial, USUAL, budget)


def test_a_model_is_guessed_to_share_serial_s_time_among_what_it_has_at_once() -> None:
    assert plan(8, 160.0).runs == {"serial": 160.0, "processes": 80.0, "threads": 20.0}
    assert plan(64, 64.0).runs == {"serial": 64.0, "processes": 32.0, "threads": 2.0}


def test_the_jobs_of_the_issue_get_its_plan() -> None:
    assert plan(8, 160.0).said() == (
        "8 jobs of 20 s: serial 160 s, then processes 80 s, threads 20 s a run; about 16 min in"
        " all, and the starts of the pools; --jobs 2 would take about 5 min."
    )


def test_a_short_run_is_said_shortly() -> None:
    assert plan(1, 0.005).said() == (
        "1 job of 5.0 ms: serial 5.0 ms; about 3.1 s in all, and the starts of the pools."
    )


def test_long_jobs_are_timed_once_in_each_of_two_visits() -> None:
    long, short = plan(8, planning.LONG), plan(8, planning.LONG * 0.99)
    assert (long.effort.rounds(1.0), long.effort.warm, long.effort.visits) == (1, False, 2)
    assert (short.effort.rounds(1.0), short.effort.warm, short.effort.visits) == (3, True, 3)


@pytest.mark.parametrize("budget", [10.0, 14.0, 30.0, 300.0])
def test_a_budget_is_kept_where_the_fewest_rounds_allow_it(budget: float) -> None:
    found = plan(8, 0.8, budget)
    assert found.seconds + found.serial <= budget


def test_a_budget_is_first_one_visit_then_two_then_more_rounds() -> None:
    efforts = [plan(8, 0.8, budget).effort for budget in (3.0, 12.0, 300.0)]
    assert [one.visits for one in efforts] == [1, 2, 3]
    rounds = [one.rounds(0.8) for one in efforts]
    assert rounds == sorted(rounds)
    assert rounds[0] == 1 < rounds[-1]


def test_a_budget_that_is_too_small_says_so() -> None:
    assert "; --seconds 60 ends it before; " in plan(8, 160.0, 60.0).said()


def test_what_is_left_shrinks_from_cell_to_cell() -> None:
    found = plan(8, 160.0)
    first = found.progress("serial", 1, 1, spent=160.0)
    assert first == f"serial: round 1 of 1, about {planning.spoken(found.seconds)} left"
    assert found.progress("threads", 1, 1, spent=10_000).endswith("round 1 of 1, about 20 s left")
    assert "a run to warm up" in found.progress("threads", 0, 1, spent=0.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (3e-7, "0.3 µs"),
        (0.00042, "420 µs"),
        (0.0042, "4.2 ms"),
        (1.5, "1.5 s"),
        (160.0, "160 s"),
        (560.0, "9 min"),
        (20_000.0, "6 h"),
    ],
)
def test_seconds_are_said_in_the_unit_that_suits_them(seconds: float, said: str) -> None:
    assert spoken(seconds) == said


# The first run


class Heard:
    """Keeps what a first run says and shows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, jobs: int | None, **options: Any) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.shown: list[str] = []
        clock = SimpleNamespace(perf_counter=lambda: self.now)
        monkeypatch.setattr(planning, "time", clock)
        budget = options.get("budget")
        self.run = FirstRun("my_job", jobs, budget, self.shown.append, self.said.append)

    def work(self, jobs: int, seconds: float) -> int:
        """Draw the jobs, each of which takes so long; give how many were drawn."""
        drawn = 0
        for _ in self.run.noticed(iter(range(jobs))):
            drawn += 1
            self.now += seconds
        return drawn


def test_a_first_run_that_takes_long_says_early_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(monkeypatch, 8)
    assert heard.work(8, 20.0) == 8
    (said,) = heard.said
    assert said.startswith(
        "my_job, 8 jobs of about 20 s: the first run, in serial, takes about 160"
    )
    assert heard.shown[0] == "my_job: the first serial run, job 2 of 8, about 140 s left of it"


def test_a_short_first_run_says_and_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(monkeypatch, 8)
    assert heard.work(8, 0.01) == 8
    assert heard.said == heard.shown == []


def test_a_first_run_of_which_the_end_is_not_known_is_shown_without_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard = Heard(monkeypatch, None)
    assert heard.work(3, 20.0) == 3
    assert heard.said == []
    assert heard.shown[-1] == "my_job: the first serial run, job 3"


def test_a_first_run_ends_when_it_has_spent_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard(monkeypatch, 80, budget=50.0)
    with pytest.raises(UserError) as caught:
        heard.work(80, 2.0)
    assert str(caught.value) == (
        "--seconds 50: in that time serial did 26 of 80 jobs of my_job, and no other model any;"
        " --jobs 6 would be few enough"
    )
