"""What is found out before the first pair: results, files and strata; by workers made by hand."""

from typing import Any

import pytest

from conlab.versus.pairs import planning
from conlab.versus.pairs.planning import Plan, Sizing
from conlab.versus.pairs.strata import Stratum
from conlab.versus.pairs.worker_process import SideFailed
from conlab.versus.sides.side import Side

SIZING = Sizing(lasting=0.01, share=0.3, fewest=2, most=24)


class Made:
    """A worker of a side whose jobs take so many seconds each and give these results."""

    def __init__(self, name: str, seconds: list[float], results: list[Any] | None = None) -> None:
        self.side = Side(name)
        self.seconds = seconds
        self.results = results if results is not None else list(range(len(seconds)))
        self.asked: list[str] = []
        self.modules: list[tuple[str, str]] = []
        self.more = 0

    def ask(self, do: str, **order: Any) -> dict[str, Any]:
        """Answer as a worker would."""
        self.asked.append(do)
        return dict(getattr(self, do)(**order))

    def inventory(self, how: dict[str, Any]) -> dict[str, Any]:
        jobs = len(self.seconds) if how["most"] is None else min(how["most"], len(self.seconds))
        return {
            "jobs": jobs,
            "of": jobs + self.more,
            "seconds": self.seconds[:jobs],
            "digests": list(map(str, self.results[:jobs])),
            "whole": str(self.results[:jobs]),
            "modules": self.modules,
        }

    def size(self, how: dict[str, Any]) -> dict[str, Any]:
        numbers = how["numbers"]
        taken = sum(self.seconds) if numbers is None else self.seconds[numbers[0]]
        return {"size": 1, "runs": max(1, round(how["lasting"] / taken)), "seconds": taken}

    def describe(self, jobs: list[int]) -> dict[str, Any]:
        return {"jobs": [f"<{number}>" for number in jobs]}

    def show(self, jobs: list[int] | None) -> dict[str, Any]:
        chosen = self.results if jobs is None else [self.results[number] for number in jobs]
        return {"text": repr(chosen)}


def planned(
    *workers: Made, in_flight: int = 1, divisible: bool = True, most: int | None = None
) -> Plan:
    made: Any = workers
    return planning.plan("a-serial", made, [(), ()], most, in_flight, divisible, 60, SIZING)


def test_a_few_jobs_are_strata_of_their_own_with_their_share_of_the_time() -> None:
    plan = planned(Made("A", [0.01, 0.03]), Made("B", [0.01, 0.03]))
    assert [one.numbers for one in plan.strata] == [(0,), (1,)]
    assert [one.share for one in plan.strata] == pytest.approx([0.25, 0.75])
    assert plan.names == ("job 1, <0>", "job 2, <1>")
    assert (plan.jobs, plan.of, plan.measured(0), plan.measured(1)) == (2, 2, 0, 2)


def test_beside_the_strata_of_a_pool_they_are_measured_together_and_that_is_the_whole() -> None:
    plan = planned(Made("A", [0.01, 0.03]), Made("B", [0.01, 0.03]), in_flight=4)
    assert plan.together
    assert [one.numbers for one in plan.strata] == [(0,), (1,), (0, 1)]
    assert plan.weights == (0.0, 0.0, 1.0)
    assert plan.names[-1] == "all kinds beside each other"
    assert plan.measured(1) == 2


def test_what_is_not_to_be_divided_is_one_stratum_of_all_jobs() -> None:
    plan = planned(Made("A", [0.01] * 40), Made("B", [0.01] * 40), divisible=False, in_flight=4)
    assert [one.numbers for one in plan.strata] == [None]
    assert (plan.weights, plan.names, plan.measured(1)) == ((1.0,), ("all jobs",), 40)


def test_short_jobs_are_looked_at_again_and_few_ones_are_not() -> None:
    many, few = Made("B", [1e-4] * 40), Made("B", [1e-4] * 4)
    planned(Made("A", [1e-4] * 40), many)
    planned(Made("A", [1e-4] * 4), few)
    assert many.asked.count("inventory") == planning.LOOKS
    assert few.asked.count("inventory") == 1


def test_long_rounds_are_run_once_and_no_round_is_warmed_up_that_takes_long() -> None:
    plan = planned(Made("A", [0.01, 2.0]), Made("B", [0.01, 2.0]))
    assert [one.rounds for one in plan.strata] == [15, 1]
    assert plan.warm == (0,)
    assert planned(Made("A", [3.0, 2.0]), Made("B", [3.0, 2.0])).warm == (1,)
    assert plan.order()[:3] == [(0, 0), (1, 0), (0, 1)]


def test_the_pairs_of_many_strata_take_little_more_than_those_of_one() -> None:
    one, eight = (planned(Made("A", [0.01] * n), Made("B", [0.01] * n)) for n in (1, 8))
    assert one.strata[0].rounds == 24
    assert sum(stratum.rounds for stratum in eight.strata) <= 2.5 * one.strata[0].rounds


def test_a_changed_result_of_any_job_is_named() -> None:
    with pytest.raises(SideFailed) as raised:
        planned(Made("A", [1.0] * 12), Made("B", [1.0] * 12, [*range(11), 99]))
    assert str(raised.value) == (
        "a-serial: B gives other results than A for job 12 of 12: [99] in place of [11]"
    )


def test_sides_with_other_numbers_of_jobs_are_not_given_the_same_work() -> None:
    with pytest.raises(SideFailed, match="B has 2 jobs and A has 3: the two are not given the"):
        planned(Made("A", [1.0] * 3), Made("B", [1.0] * 2))


def test_jobs_that_there_was_no_time_for_are_counted() -> None:
    old = Made("A", [1.0] * 3)
    old.more = 97
    new = Made("B", [1.0] * 100)
    plan = planned(old, new)
    assert (plan.jobs, plan.of) == (3, 100)


def test_a_side_that_imports_what_is_not_its_own_is_refused(tmp_path: Any) -> None:
    old, new = Made("main", [1.0]), Made("working tree", [1.0])
    old.side = Side("main", tree=tmp_path, copy=tmp_path.with_name("copy"))
    old.modules = new.modules = [("shopkit", str(tmp_path / "shopkit.py"))]
    with pytest.raises(SideFailed, match=r"main imported shopkit from .*, which is the working"):
        planned(old, new)


def test_an_order_of_rounds_takes_the_strata_in_turns() -> None:
    made = tuple(Stratum((n,), 0.5, rounds=n + 1) for n in range(2))
    assert Plan(made, 2, 2, ("a", "b")).order() == [(0, 0), (1, 0), (1, 1)]
