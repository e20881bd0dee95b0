"""What a mended file must still do is what both given sides do, and no more."""

from collections import Counter
from typing import Any

import pytest

from conlab.study.trial import Noted
from conlab.study.work import missing_concurrency, missing_work


def noted(**what: Any) -> Noted:
    """A run in which two threads did one thing each, but for what is said."""
    usual = {
        "calls": Counter(),
        "values": Counter(),
        "active": 2,
        "codes": frozenset(),
        "jobs": 0,
        "width": 2,
        "programs": Counter(),
        "processes": 1,
    }
    both = {**usual, **what}
    return Noted(**{"own_width": both["width"], **both})


def calls(values: int = 0, **counts: int) -> dict[str, Counter[str]]:
    return {"calls": Counter(counts), "values": Counter(dict.fromkeys(counts, values))}


@pytest.mark.parametrize(
    ("mended", "said"),
    [
        (calls(get=20), []),
        (calls(get=25), []),
        (calls(get=19), ["called get() 19 times, and the fixed side calls it 20 times"]),
        (calls(), ["never called get()"]),
    ],
)
def test_so_many_calls_as_the_side_that_makes_fewer(
    mended: dict[str, Any], said: list[str]
) -> None:
    sides = noted(**calls(get=20)), noted(**calls(get=40))
    sentences = list(missing_work(noted(**mended), *sides, exact=True))
    assert len(sentences) == len(said)
    assert all(each in sentence for each, sentence in zip(said, sentences, strict=True))


def test_so_many_values_in_however_many_calls() -> None:
    sides = noted(**calls(submit=2000, values=2000)), noted(**calls(submit=4, values=2000))
    assert not list(missing_work(noted(**calls(submit=1, values=2000)), *sides, exact=True))
    (said,) = missing_work(noted(**calls(submit=4, values=4)), *sides, exact=True)
    assert "it gave submit() 4 values, and each side of the pair gives it 2000 at least" in said


def test_what_threads_decide_has_to_be_done_at_all() -> None:
    sides = noted(**calls(letter=3)), noted(**calls(letter=3))
    assert not list(missing_work(noted(**calls(letter=1)), *sides, exact=False))
    assert list(missing_work(noted(), *sides, exact=False))


def test_what_only_the_broken_side_does_need_not_be_done() -> None:
    assert not list(missing_work(noted(), noted(**calls(retry=3)), noted(), exact=True))


def test_a_program_that_both_run_has_to_be_run() -> None:
    both = (
        noted(programs=Counter({"convert": 1, "own": 1})),
        noted(programs=Counter({"convert": 1})),
    )
    (said,) = missing_work(noted(), *both, exact=True)
    assert said == "it does not run this program any more: convert"


@pytest.mark.parametrize(
    ("mended", "said"),
    [
        ({}, ""),
        ({"active": 10, "width": 10}, ""),
        ({"active": 1, "jobs": 2}, ""),  # one worker of a pool may do both
        ({"active": 1}, "1 thread, task or process beside the main one did any of its work"),
        ({"active": 0, "jobs": 2}, "no threads, tasks or processes beside the main one"),
        ({"width": 1}, "one after the other"),
    ],
)
def test_two_at_once_where_both_sides_have_more(mended: dict[str, Any], said: str) -> None:
    sides = noted(active=1000, width=1000), noted(active=10, width=1000)
    assert said in " | ".join(missing_concurrency(noted(**mended), *sides))
    assert bool(list(missing_concurrency(noted(**mended), *sides))) == bool(said)


def test_one_where_a_side_has_one_and_none_where_it_has_none() -> None:
    one, none = noted(active=1, width=1), noted(active=0, width=0)
    assert not list(missing_concurrency(one, one, noted()))
    assert not list(missing_concurrency(none, none, noted()))


def test_processes_of_programs_that_are_seen_from_outside_only() -> None:
    sides = noted(active=0, width=0, processes=4), noted(active=0, width=0, processes=5)
    alone = noted(active=0, width=0, processes=2)
    assert "started 1 Python process, and both" in "".join(missing_concurrency(alone, *sides))


MEANWHILE = {"active": 1, "width": 1, "beside": frozenset({"letter"})}


@pytest.mark.parametrize(
    ("mended", "is_refused"),
    [
        (MEANWHILE | {"beside": frozenset(), "together": False}, True),
        (MEANWHILE | {"beside": frozenset(), "together": True}, False),
        (MEANWHILE, False),
    ],
)
def test_one_thread_is_not_waited_for_at_once_where_both_sides_work_beside_it(
    mended: dict[str, Any], is_refused: bool
) -> None:
    both = noted(**MEANWHILE)
    said = list(missing_concurrency(noted(**mended), both, both))
    assert bool(said) == is_refused
    assert all("calls letter() meanwhile: the concurrency is gone" in each for each in said)


def test_one_thread_may_be_waited_for_at_once_where_a_side_does() -> None:
    at_once = noted(**MEANWHILE | {"beside": frozenset(), "together": False})
    assert not list(missing_concurrency(at_once, noted(**MEANWHILE), at_once))


def test_what_the_fixed_side_does_less_often_is_done_less_often() -> None:
    sides = noted(**calls(query=5)), noted(**calls(query=1))
    (said,) = missing_work(noted(**calls(query=5)), *sides, exact=True, steady=True)
    assert said == (
        "it called query() 5 times, as the broken side does, and the fixed side calls it once"
    )
    assert not list(missing_work(noted(**calls(query=2)), *sides, exact=True, steady=True))
    assert not list(missing_work(noted(**calls(query=5)), *sides, exact=True))


def test_what_is_handed_its_work_counts_as_called_and_is_not_asked_for() -> None:
    drives = noted(drivers=Counter(mail=1))
    assert not list(
        missing_work(drives, noted(**calls(mail=1)), noted(**calls(mail=1)), exact=True)
    )
    assert not list(missing_work(noted(), drives, drives, exact=True))


def test_what_a_library_starts_is_not_asked_for() -> None:
    helped = noted(width=3, own_width=1)
    assert not list(missing_concurrency(noted(width=1), helped, helped))
