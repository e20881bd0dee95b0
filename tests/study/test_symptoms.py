"""From what one sees to the pitfalls: the right ones come first."""

import pytest

from conlab.catalogue import pitfall
from conlab.study.symptoms import ranked

ALL = pitfall.collect()


@pytest.mark.parametrize("word", ["hang", "hangs", "stuck", "frozen", "deadlock"])
def test_who_says_that_it_hangs_is_told_of_those_that_hang(word: str) -> None:
    found = ranked(word, ALL)
    assert found[:3]
    assert all(
        each.failure in ("deadlock", "livelock", "stall") or each.shows == "hung"
        for each in found[:3]
    ), list(map(str, found))


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("RuntimeError: dictionary changed size during iteration", "iterate_while_mutating"),
        ("generator already executing", "shared_generator"),
        ("coroutine was never awaited", "forgotten_await"),
        ("my balance is too low under load", "lost_update"),
        ("too many open files", "unbounded_fan_out"),
        ("thousands of sockets in TIME_WAIT", "client_per_request"),
        ("BrokenProcessPool", "unpicklable_exception"),
        ("all workers have the same random numbers", "rng_duplicated_by_fork"),
        ("shutdown takes for ever", "swallowed_cancellation"),
        ("PoolTimeout", "cancel_leaks_resource"),
    ],
)
def test_words_of_one_s_own_and_messages_lead_to_the_pitfall(words: str, first: str) -> None:
    assert first in [each.name for each in ranked(words, ALL)][:2]


@pytest.mark.parametrize("pitfall", ALL, ids=str)
def test_each_is_found_by_its_own_symptom(pitfall: pitfall.Pitfall) -> None:
    assert pitfall in ranked(pitfall.story["Symptom"], ALL)[:2]


@pytest.mark.parametrize("words", ["", "the of and", "xyzzy", "\x1b[31m"])
def test_words_that_no_pitfall_has_find_none(words: str) -> None:
    assert ranked(words, ALL) == []
