"""Every rule of thumb: each of its verdicts is reached by figures that carry it, made by hand."""

from collections.abc import Iterable

import pytest

from conlab.bench import rules, verdicts
from conlab.bench.measured import Measured, Start
from conlab.bench.rules import FAILS, HOLDS, ONLY_IF, UNMEASURED, Finding
from tests.bench.made import group, measured


@pytest.fixture(autouse=True)
def gil(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build with the GIL; the tests of one without say so."""
    monkeypatch.setattr(rules, "gil_enabled", lambda: True)
    monkeypatch.setattr(rules, "free_threaded", lambda: False)
    monkeypatch.setattr(verdicts, "gil_enabled", lambda: True)


def finding(
    sentence: str,
    *workloads: Iterable[Measured],
    starts: dict[str, Start] | None = None,
    again: float = 1.0,
) -> Finding:
    """What a run of these workloads shows about the rule that begins like this."""
    groups = [group(*cells, again=again) for cells in workloads]
    (found,) = [
        finding
        for finding in rules.findings(groups, starts or {})
        if finding.rule.startswith(sentence)
    ]
    return found


def words(threads: float = 2.0, processes: float = 1.0, **more: float) -> list[Measured]:
    """count_words: seconds by label, serial's being 2; processes had two cores."""
    return [
        measured("serial", 2.0),
        measured("threads", threads, memory=5),
        measured("processes", processes, cores=1.9, memory=30),
        *(measured(label, seconds) for label, seconds in more.items()),
    ]


def images(threads: float = 1.0, processes: float = 1.0) -> list[Measured]:
    """resize_images: the same."""
    name = "resize_images"
    return [
        measured("serial", 2.0, name=name),
        measured("threads", threads, cores=1.9, name=name),
        measured("processes", processes, cores=1.9, name=name),
    ]


def downloads(waits: bool = True, **seconds: float) -> list[Measured]:
    """download_files: seconds by label; serial waits."""
    seconds = {"serial": 9.0} | seconds
    return [
        measured(label, time, cores=0.1 if waits else 1.0, name="download_files", memory=2)
        for label, time in seconds.items()
    ]


def photos(**seconds: float) -> list[Measured]:
    """fetch_and_resize: seconds by label."""
    return [measured(label, time, name="fetch_and_resize") for label, time in seconds.items()]


def tasks(**seconds: float) -> list[Measured]:
    """dispatch_tasks: seconds by label."""
    return [
        measured(label, time, name="dispatch_tasks", jobs=1000) for label, time in seconds.items()
    ]


def started(**seconds: float) -> dict[str, Start]:
    """The starts of pools, each varying by a tenth."""
    return {label: Start(time, 0.1, 0.0, 2, True) for label, time in seconds.items()}


def test_only_one_thread_runs() -> None:
    rule = "Only one thread"
    assert finding(rule, words()).verdict == HOLDS
    parallel = [measured("serial", 2.0), measured("threads", 1.0, cores=1.9)]
    assert finding(rule, parallel).verdict == FAILS
    assert "1.90 cores busy" in finding(rule, parallel).figures


def test_that_one_thread_runs_is_not_shown_where_nothing_had_two_cores() -> None:
    alone = [measured("serial", 2.0), measured("threads", 2.0), measured("processes", 2.0)]
    found = finding("Only one thread", alone)
    assert found.verdict == UNMEASURED
    assert "a second core that is free" in found.figures


def test_threads_suit_jobs_that_wait() -> None:
    rule = "Threads suit jobs that wait"
    assert finding(rule, downloads(threads=1.0)).verdict == HOLDS
    assert finding(rule, downloads(threads=6.0)).verdict == FAILS
    assert "9.0 times as fast" in finding(rule, downloads(threads=1.0)).figures


def test_threads_that_had_nothing_to_wait_for_show_nothing_of_waiting() -> None:
    found = finding("Threads suit jobs that wait", downloads(waits=False, threads=6.0))
    assert (found.verdict, found.figures) == (
        UNMEASURED,
        "it needs downloads that wait: a longer --latency",
    )


def test_threads_gain_nothing_where_jobs_compute() -> None:
    rule = "Threads gain nothing"
    assert finding(rule, words(2.0), images(2.0)).verdict == HOLDS
    assert finding(rule, words(2.0), images(1.0)).verdict == f"{ONLY_IF} the work keeps the GIL"
    assert finding(rule, words(1.0), images(1.0)).verdict == FAILS


def test_processes_suit_jobs_that_compute() -> None:
    rule = "Processes suit jobs that compute"
    assert finding(rule, words(2.0, 1.0)).verdict == HOLDS
    got_past = f"{ONLY_IF} there is a GIL to get past"
    assert finding(rule, words(1.0, 1.0)).verdict == got_past
    assert finding(rule, words(2.0, 2.0)).verdict == FAILS


def test_image_work_needs_processes() -> None:
    rule = "Image work needs processes"
    assert finding(rule, images(2.0, 1.0)).verdict == HOLDS
    assert finding(rule, images(1.0, 1.0)).verdict == FAILS


def test_an_event_loop_is_the_fastest_way_to_wait() -> None:
    rule = "An event loop is the fastest"
    both = downloads(threads=2.0, coroutines=1.0, coroutines_httpx=1.5)
    assert finding(rule, both).verdict == HOLDS
    lean = downloads(threads=2.0, coroutines=1.0, coroutines_httpx=3.0)
    assert finding(rule, lean).verdict == f"{ONLY_IF} the client is a lean one"
    assert finding(rule, downloads(threads=1.0, coroutines=1.0)).verdict == FAILS
    assert finding(rule, downloads(threads=2.0, coroutines=1.0)).verdict == HOLDS


def test_coroutines_need_fewer_resources() -> None:
    rule = "Coroutines need fewer"
    both = downloads(threads=2.0, coroutines=1.0, coroutines_httpx=1.5)
    assert finding(rule, both).verdict == HOLDS
    lean = downloads(threads=2.0, coroutines=1.0, coroutines_httpx=3.0)
    assert finding(rule, lean).verdict == f"{ONLY_IF} the client is a lean one"
    assert finding(rule, downloads(threads=1.0, coroutines=2.0)).verdict == FAILS


def test_coroutines_that_hold_more_memory_do_not_need_fewer_resources() -> None:
    cells = downloads(threads=2.0)
    cells.append(measured("coroutines", 1.0, cores=0.1, memory=9, name="download_files"))
    assert finding("Coroutines need fewer", cells).verdict == FAILS


def test_the_library_matters_less_than_the_model() -> None:
    rule = "Which library"
    less = downloads(threads=4.0, coroutines=1.0, coroutines_httpx=2.0)
    assert finding(rule, less).verdict == HOLDS
    more = downloads(threads=1.5, coroutines=1.0, coroutines_httpx=2.0)
    assert finding(rule, more).verdict == FAILS


def test_processes_cost_more_to_start() -> None:
    rule = "Processes cost more to start"
    assert finding(rule, starts=started(processes=0.1, threads=0.01)).verdict == HOLDS
    assert finding(rule, starts=started(processes=0.01, threads=0.01)).verdict == FAILS
    # Within what the starts themselves vary by, neither is slower.
    assert finding(rule, starts=started(processes=0.0115, threads=0.01)).verdict == FAILS


def test_interpreters_start_faster() -> None:
    rule = "Interpreters start faster"
    assert finding(rule, starts=started(processes=0.1, interpreters=0.01)).verdict == HOLDS
    assert finding(rule, starts=started(processes=0.01, interpreters=0.1)).verdict == FAILS


def test_processes_need_more_memory() -> None:
    rule = "Processes need more memory"
    assert finding(rule, words()).verdict == HOLDS
    lean = [measured("threads", 1.0, memory=5), measured("processes", 1.0, memory=5)]
    assert finding(rule, lean).verdict == FAILS


def test_a_job_sent_to_a_process_costs_more() -> None:
    rule = "A job sent to another process"
    found = finding(rule, tasks(threads=0.001, processes=0.1))
    assert (found.verdict, found.figures) == (HOLDS, "100 µs a job against 1.0 µs")
    assert finding(rule, tasks(threads=0.1, processes=0.01)).verdict == FAILS


def test_small_jobs_are_sent_in_chunks() -> None:
    rule = "Small jobs should be sent"
    assert finding(rule, tasks(processes=0.1, processes_by_64=0.01)).verdict == HOLDS
    assert finding(rule, tasks(processes=0.1, processes_by_64=0.09)).verdict == FAILS


def test_a_lock_costs_little() -> None:
    rule = "A lock makes"
    assert finding(rule, words(threads_one_dict=2.0)).verdict == HOLDS
    assert finding(rule, words(threads_one_dict=4.0)).verdict == FAILS


def test_jobs_that_do_both_want_both() -> None:
    rule = "Jobs that wait and compute"
    assert finding(rule, photos(hybrid=1.0, threads=2.0, serial=3.0)).verdict == HOLDS
    assert finding(rule, photos(hybrid=1.0, threads=1.0, serial=3.0)).verdict == FAILS
    alone = finding(rule, photos(hybrid=1.0))
    assert (alone.verdict, alone.figures) == (
        UNMEASURED,
        "it needs another model of fetch_and_resize",
    )


def test_without_a_gil_threads_compute_in_parallel(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = "Without a GIL"
    assert finding(rule, words(1.0)).verdict == UNMEASURED
    monkeypatch.setattr(rules, "free_threaded", lambda: True)
    assert finding(rule, words(1.0)).verdict == UNMEASURED  # an import switched it on
    monkeypatch.setattr(rules, "gil_enabled", lambda: False)
    assert finding(rule, words(1.0)).verdict == HOLDS
    assert finding(rule, words(2.0)).verdict == FAILS


# All of them

EVERYTHING = (
    words(threads_one_dict=4.0),
    images(),
    downloads(threads=2.0, coroutines=1.0, coroutines_httpx=3.0),
    photos(hybrid=1.0, threads=2.0),
    tasks(threads=0.001, processes=0.1, processes_by_64=0.01),
)
STARTS = started(processes=0.1, threads=0.01, interpreters=0.05)


def test_there_are_a_dozen_rules() -> None:
    assert len(rules.RULES) >= 12


def test_a_whole_run_leaves_no_rule_unmeasured_but_the_one_about_builds_without_a_gil() -> None:
    groups = [group(*cells) for cells in EVERYTHING]
    unmeasured = [f.rule for f in rules.findings(groups, STARTS) if f.verdict == UNMEASURED]
    assert unmeasured == ["Without a GIL, threads compute in parallel."]


def test_every_verdict_comes_with_figures() -> None:
    groups = [group(*cells) for cells in EVERYTHING]
    for found in rules.findings(groups, STARTS):
        if found.verdict != UNMEASURED:
            assert any(map(str.isdigit, found.figures)), found.rule


def test_an_empty_run_shows_nothing_about_any_rule() -> None:
    for found in rules.findings([], {}):
        assert found.verdict == UNMEASURED
        assert found.figures.startswith("it needs ")


@pytest.mark.parametrize("rule", rules.RULES)
def test_a_missing_cell_leaves_its_rules_unmeasured_and_breaks_none(rule: str) -> None:
    """Each cell is taken out of a whole run in turn: no rule says more for that."""
    groups = [group(*cells) for cells in EVERYTHING]
    (whole,) = [f for f in rules.findings(groups, STARTS) if f.rule == rule]
    for place, cells in enumerate(EVERYTHING):
        for missing in cells:
            left = [group(*c) for c in EVERYTHING[:place] + EVERYTHING[place + 1 :]]
            if rest := [cell for cell in cells if cell is not missing]:
                left.append(group(*rest))
            (found,) = [f for f in rules.findings(left, STARTS) if f.rule == rule]
            if found.figures != whole.figures:
                assert found.verdict == UNMEASURED or missing.cell.variant, missing.cell.id


def test_noise_settles_no_rule() -> None:
    """Serial's two timings lie 60% apart: what does not stand out of that is not shown."""
    found = finding("Processes suit jobs that compute", words(2.0, 1.8), again=1.6)
    assert found.verdict == UNMEASURED
    assert "a quieter machine (the noise of count_words is 60%)" in found.figures


def test_noise_hides_no_rule_that_stands_out_of_it() -> None:
    assert finding("A lock makes", words(threads_one_dict=9.0), again=1.6).verdict == FAILS
