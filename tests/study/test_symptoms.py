"""From what one sees to the pitfalls: the right ones come first."""

import pytest

from conlab.catalogue import pitfall
from conlab.study.listing import for_symptom
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


FEW = 8  # what is shown at once


@pytest.mark.parametrize(
    ("words", "among", "names"),
    [
        ("hang", FEW, "lock_order popen_wait_with_pipe executor_self_starvation"),
        ("program is stuck", FEW, "lock_order"),
        ("freeze", 3, "lock_order thread_lock_across_await"),
        ("deadlock", FEW, "lock_order executor_self_starvation fork_with_threads"),
        ("queue.join() never returns", 3, "queue_join_dead_worker"),
        ("subprocess hangs with a lot of output", 1, "popen_wait_with_pipe"),
        ("slow", 4, "client_per_request tiny_chunks blas_oversubscription"),
        ("slower with more workers", 3, "blas_oversubscription tiny_chunks"),
        ("memory grows", 3, "no_backpressure executor_map_is_eager unbounded_fan_out"),
        ("out of memory", 4, "no_backpressure unbounded_fan_out"),
        ("flaky test", 1, "sleep_as_synchronisation"),
        ("flaky on CI", 1, "sleep_as_synchronisation"),
        ("test fails only sometimes", 3, "sleep_as_synchronisation"),
        ("test passes and should fail", 2, "async_test_not_run thread_exception_passes_test"),
        (
            "differ from run to run",
            FEW,
            "lost_update sleep_as_synchronisation",
        ),
        ("sometimes wrong", 4, "lost_update non_atomic_shared_value"),
        ("lost data", 4, "lost_update"),
        ("counter too low", 3, "non_atomic_shared_value lost_update"),
        ("done twice", 5, "shared_iterator_without_helpers check_then_act_across_await"),
        ("never awaited", 1, "forgotten_await"),
        ("too many open files", 2, "unbounded_fan_out"),
        ("works on Linux not macOS", 2, "start_method_assumption missing_main_guard"),
        ("fails on Windows", 4, "start_method_assumption missing_main_guard"),
        ("Ctrl-C does not work", 1, "ctrl_c_with_pool"),
        ("KeyboardInterrupt", 2, "ctrl_c_with_pool"),
        ("zombie process", 3, "ctrl_c_with_pool"),
        ("CPU 100%", 1, "trylock_livelock"),
        ("exception disappears", 4, "future_never_checked exception_swallowed_in_worker_loop"),
        ("errors are swallowed", 5, "exception_swallowed_in_worker_loop future_never_checked"),
        ("database is locked", 1, "sqlite_deferred_upgrade"),
        ("server does not respond", FEW, "threadsafe_call_on_own_loop retry_storm"),
        ("event loop is blocked", 4, "blocking_call_in_coroutine thread_lock_across_await"),
        ("connection pool exhausted", 2, "cancel_leaks_resource"),
        ("shutdown hangs", FEW, "swallowed_cancellation"),
        ("timeout has no effect", 3, "swallowed_cancellation timeout_does_not_stop_work"),
        ("can't pickle", 2, "start_method_assumption unpicklable_exception"),
        ("log lines missing at exit", 1, "daemon_thread_at_exit"),
        ("wrong user's data", 2, "thread_local_in_tasks"),
        ("background task stops", 1, "dangling_task"),
        ("DNS timeout", 1, "default_executor_starvation"),
        ("votes are missing", FEW, "lost_update non_atomic_shared_value"),
        ("money missing", FEW, "lost_update"),
        ("program does not exit", FEW, "queue_join_dead_worker join_before_drain"),
        ("no error shown", FEW, "exception_swallowed_in_worker_loop future_never_checked"),
        ("no traceback", FEW, "future_never_checked"),
        ("API rate limit exceeded", FEW, "retry_storm"),
        ("requests time out", FEW, "default_executor_starvation"),
        ("latency is high", FEW, "no_backpressure tiny_chunks"),
    ],
)
def test_what_people_type_leads_to_what_it_may_be(words: str, among: int, names: str) -> None:
    found = [each.name for each in ranked(words, ALL)[:among]]
    assert set(names.split()) <= set(found), found


def test_of_two_words_for_one_thing_the_very_word_counts_more() -> None:
    hang = [each.name for each in ranked("hang", ALL)]
    freeze = [each.name for each in ranked("freeze", ALL)]
    assert hang.index("popen_wait_with_pipe") < hang.index("thread_lock_across_await")
    assert freeze.index("thread_lock_across_await") < freeze.index("popen_wait_with_pipe")


def test_more_than_are_shown_are_counted_and_told_how_to_see() -> None:
    found = ranked("hang", ALL)
    few = " ".join(" ".join(for_symptom("hang", found, everything=False)).split())
    whole = " ".join(" ".join(for_symptom("hang", found, everything=True)).split())
    assert f"{len(found) - FEW} more match: conlab study --symptom hang --all." in few
    assert "more match" not in whole
    assert [f"{each}" in few for each in found] == [True] * FEW + [False] * (len(found) - FEW)
    assert all(f"{each}" in whole for each in found)


@pytest.mark.parametrize("pitfall", ALL, ids=str)
def test_each_is_found_by_its_own_symptom(pitfall: pitfall.Pitfall) -> None:
    assert pitfall in ranked(pitfall.story["Symptom"], ALL)[:2]


@pytest.mark.parametrize("words", ["", "the of and", "xyzzy", "\x1b[31m"])
def test_words_that_no_pitfall_has_find_none(words: str) -> None:
    assert ranked(words, ALL) == []
