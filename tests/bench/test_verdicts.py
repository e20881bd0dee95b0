"""The verdict in words says what the figures carry and nothing else, on figures made by hand."""

from dataclasses import replace

import pytest

from conlab.bench import verdicts
from conlab.bench.floors import Floor
from conlab.bench.report import Group
from conlab.bench.tables import workload_table
from conlab.bench.verdicts import kind_of, verdict
from conlab.bench.words import join
from tests.bench.made import crowded, group, measured

QUICK = Floor()


@pytest.fixture(autouse=True)
def gil(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build with the GIL; the tests of one without say so."""
    monkeypatch.setattr(verdicts, "gil_enabled", lambda: True)


def said(made: Group) -> str:
    return " ".join(verdict(made))


# Who leads


def test_a_leader_is_named_with_its_lead_and_the_noise() -> None:
    made = group(measured("serial", 4.0), measured("threads", 2.0), measured("processes", 1.0))
    assert verdict(made)[0] == (
        "Leader: processes, 4.0 times serial. It leads threads by 100%;"
        " the noise of this run is 2%."
    )


def test_leaders_within_the_noise_are_named_together_with_which_costs_least() -> None:
    made = group(
        measured("serial", 4.0),
        measured("threads", 1.0, cores=0.9, memory=3),
        measured("coroutines", 1.01, cores=0.4, memory=9),
    )
    assert verdict(made)[0] == (
        "Leaders: threads and coroutines, 4.0 times serial, no further apart than the noise"
        " (the noise of this run is 2%). Of these, least CPU: coroutines (404.0 ms);"
        " least memory: threads (+3 MiB)."
    )


def test_leaders_that_serial_is_among_are_not_called_faster_than_it() -> None:
    made = group(measured("serial", 1.01), measured("threads", 1.0))
    assert verdict(made)[0].startswith("Leaders: threads and serial, no further apart")


def test_serial_in_the_lead_is_not_compared_with_itself() -> None:
    made = group(measured("serial", 1.0), measured("threads", 2.0))
    assert verdict(made)[0].startswith("Leader: serial. It leads threads by 100%;")


def test_no_lead_is_claimed_where_the_noise_is_not_known() -> None:
    made = group(measured("serial", 2.0), measured("threads", 1.0), again=None)
    assert verdict(made)[0] == (
        "Cannot tell which of threads and serial leads: each was visited once, and what visits"
        " differ by is not known."
    )


def test_where_others_may_have_made_the_difference_no_leader_is_named() -> None:
    made = group(
        measured("serial", 1.4, contention=crowded(1.0)),
        measured("threads", 1.0, contention=crowded(1.0)),
        measured("processes", 9.0, contention=crowded(1.0)),
    )
    assert verdict(made)[0] == (
        "Cannot tell which of threads and serial leads: other programs had the cores, which may be"
        " all that sets them apart."
    )
    assert verdict(made)[2].startswith("Run it again when those programs have ended")


def test_a_lead_that_others_cannot_have_made_is_named_beside_them_too() -> None:
    made = group(
        measured("serial", 9.0, contention=crowded(1.0)),
        measured("threads", 1.0, contention=crowded(1.0)),
    )
    assert verdict(made)[0].startswith("Leader: threads, 9.0 times serial.")


def test_where_noise_hides_who_leads_none_is_named() -> None:
    made = group(measured("serial", 1.2), measured("threads", 1.0), again=1.6)
    assert verdict(made)[0] == (
        "Cannot tell which of threads and serial leads: this run can tell no lead of less than 60%."
    )


def test_a_cell_that_is_alone_leads_nothing() -> None:
    assert verdict(group(measured("serial", 2.0)))[0] == (
        "serial is alone: there is nothing to compare it with."
    )


def test_without_serial_only_the_leader_is_named() -> None:
    made = group(measured("threads", 1.0), measured("processes", 2.0))
    assert verdict(made)[1:] == ["Serial was not measured, so nothing more can be said."]
    assert "times serial" not in said(made)


def locked(**rows: float) -> Group:
    """Jobs under a lock: threads have ten in flight and gain nothing, processes gain as given."""
    threads = measured("threads", 1.0, cores=0.01, in_flight=10.0, floor=None)
    cells = [
        measured("serial", 1.0, cores=0.01, floor=None),
        replace(threads, settings={"in_flight": 32}),
    ]
    for label, seconds in rows.items():
        one = measured(label, seconds, cores=0.02, in_flight=2.0, floor=None)
        cells.append(replace(one, settings={"workers": 2}))
    return group(*cells)


def test_no_leader_is_named_where_what_is_faster_may_be_a_limit_that_is_broken() -> None:
    first, second, *rest = verdict(locked(processes=0.5))
    assert first.startswith("Threads had 10.0 jobs in flight and gain nothing over serial")
    assert second == (
        "No leader is named. Fastest: processes, 2.0 times serial; what is faster here may be a"
        " limit that is broken."
    )
    assert rest == ["Serial was waiting 99% of its time, 100.0 ms a job."]


def test_no_cell_is_green_where_no_leader_is_named() -> None:
    styles = [row.style for row in workload_table(locked(processes=0.5)).rows]
    assert styles == ["", "", ""]


def test_what_the_figures_say_of_the_jobs_comes_before_the_leader() -> None:
    made = group(measured("serial", 1.0, cores=1.9), measured("threads", 0.5, cores=1.9))
    first, second, *_ = verdict(made)
    assert first.startswith("Already parallel inside")
    assert second.startswith("Leader: threads")


# What serial was doing


def kind(serial_cores: float, *, ready: float = 0.0, threads: float | None = None) -> str:
    """The kind of a workload, of which processes had two cores."""
    cells = [measured("serial", 2.0, cores=serial_cores, ready=ready)]
    if threads is not None:
        cells.append(measured("threads", 1.0, cores=threads))
    return kind_of(group(*cells, measured("processes", 1.0, cores=1.9)))


def test_serial_that_uses_no_cpu_waits() -> None:
    assert kind(0.1, threads=0.9) == "waiting"


def test_serial_that_uses_some_cpu_does_both() -> None:
    assert kind(0.5, threads=0.9) == "mixed"


def test_serial_that_had_no_core_while_others_had_it_does_not_wait() -> None:
    assert kind(0.5, ready=0.5, threads=0.9) == "computing with the GIL"


def test_serial_that_waited_and_then_had_no_core_waits_all_the_same() -> None:
    assert kind(0.05, ready=0.6, threads=0.9) == "waiting"


def test_threads_that_keep_one_core_busy_where_processes_keep_two_hold_the_gil() -> None:
    assert kind(1.0, threads=1.0) == "computing with the GIL"


def test_threads_that_keep_two_cores_busy_are_outside_the_gil() -> None:
    assert kind(1.0, threads=1.9) == "computing outside the GIL"


def test_nothing_is_said_of_the_gil_without_threads() -> None:
    assert kind(1.0) == "computing"


def test_nothing_is_said_of_the_gil_where_nothing_had_two_cores() -> None:
    cells = [measured("serial", 1.0), measured("threads", 1.0), measured("processes", 1.0)]
    assert kind_of(group(*cells)) == "computing"


def test_nothing_is_said_of_the_gil_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "gil_enabled", lambda: False)
    made = group(measured("serial", 2.0), measured("threads", 1.0, cores=1.9))
    assert kind_of(made) == "computing"
    assert "GIL" not in said(made)


def test_the_kind_is_not_known_without_serial() -> None:
    assert kind_of(group(measured("threads", 1.0))) == "unknown"


def test_time_in_the_queue_for_a_core_is_said_and_is_neither_waiting_nor_computing() -> None:
    made = group(measured("serial", 2.0, cores=0.3, ready=0.68))
    assert verdict(made)[1] == (
        "Serial was computing 94% of the time left to it (for 68% it stood ready, and others had"
        " the cores), 200.0 ms a job."
    )


@pytest.mark.parametrize(
    ("serial", "threads", "sentence"),
    [
        (0.1, 0.9, "Serial was waiting 90% of its time, 200.0 ms a job."),
        (
            0.5,
            0.9,
            "Serial was waiting 50% of its time and computing the rest, 200.0 ms a job.",
        ),
        (
            1.0,
            1.0,
            (
                "Serial was computing with the GIL, 200.0 ms a job: it waited 0% of its time,"
                " and threads kept 1.00 cores busy."
            ),
        ),
        (
            0.95,
            1.9,
            (
                "Serial was computing outside the GIL, 200.0 ms a job: it waited 5% of its time,"
                " and threads kept 1.90 cores busy."
            ),
        ),
        (0.95, None, "Serial was computing 95% of its time, 200.0 ms a job."),
    ],
    ids=["waiting", "mixed", "with the GIL", "outside the GIL", "no threads"],
)
def test_what_serial_did_is_said_with_the_figures(
    serial: float, threads: float | None, sentence: str
) -> None:
    cells = [measured("serial", 2.0, cores=serial), measured("processes", 1.0, cores=1.9)]
    if threads is not None:
        cells.append(measured("threads", 1.5, cores=threads))
    assert verdict(group(*cells))[1] == sentence


# What would change the answer


def change(made: Group) -> str:
    return verdict(made)[2]


def test_jobs_that_do_nothing_gain_from_no_pool() -> None:
    made = group(
        measured("serial", 1.0, name="dispatch_tasks", floor=None),
        measured("threads", 2.0, name="dispatch_tasks", floor=None),
    )
    assert change(made).startswith("Jobs that do nothing gain from no pool")


def test_where_serial_leads_more_or_longer_jobs_would_change_that() -> None:
    made = group(measured("serial", 1.0), measured("threads", 1.5))
    assert change(made).startswith("No model is faster than serial by more than the noise")


def test_noise_that_hides_the_differences_is_said_instead_of_an_answer() -> None:
    made = group(measured("serial", 1.2), measured("threads", 1.0), again=1.6)
    assert change(made).startswith("So much noise hides what the models differ by")


def test_noise_that_a_lead_stands_out_of_hides_nothing() -> None:
    made = group(measured("serial", 9.0), measured("processes", 1.0, cores=1.9), again=1.6)
    assert "noise hides" not in change(made)


def test_an_origin_that_was_the_limit_leaves_nothing_to_say() -> None:
    made = group(
        measured("serial", 2.0, cores=0.1),
        measured("threads", 1.0, origin=0.9, floor=Floor(0.9)),
    )
    assert change(made) == (
        "The origin was the limit: this run cannot tell what the models could do."
    )


def test_a_leader_near_the_floor_of_waiting_needs_shorter_waits() -> None:
    floor = Floor(waiting=0.9)
    made = group(
        measured("serial", 9.0, cores=0.05, floor=floor),
        measured("threads", 1.0, cores=0.3, floor=floor),
    )
    assert change(made) == (
        "The leader is at 90% of what is possible: beyond it, only shorter waits or more jobs in"
        " flight would help."
    )


def test_a_leader_near_the_work_law_needs_more_cores() -> None:
    made = group(measured("serial", 1.9), measured("processes", 1.0, cores=1.9), cores=2)
    assert change(made) == (
        "The leader is at 95% of what is possible: beyond it, only more cores or less computing"
        " would help."
    )


def test_a_leader_far_from_the_floor_of_waiting_could_save_cpu() -> None:
    floor = Floor(waiting=0.5)
    made = group(
        measured("serial", 9.0, cores=0.1, floor=floor),
        measured("threads", 1.0, cores=0.9, floor=floor),
    )
    assert change(made) == (
        "The leader is at 50% of what is possible, with 0.90 of 2 cores busy: CPU spent on each"
        " job (90.0 ms) is what is left to save; longer waits would hide it."
    )


def test_where_no_floor_is_known_none_is_named() -> None:
    made = group(
        measured("serial", 9.0, cores=0.1, floor=None),
        measured("threads", 1.0, cores=0.9, in_flight=8.5, floor=None),
    )
    assert change(made) == (
        "No floor is known, for how long its jobs have to wait is not known: the leader had 8.5"
        " in flight and kept 0.90 of 2 cores busy."
    )
    assert "possible" not in said(made)


def test_work_that_holds_the_gil_needs_processes_or_interpreters() -> None:
    made = group(
        measured("serial", 2.0),
        measured("threads", 2.0),
        measured("processes", 1.5, cores=1.9),
        cores=4,
    )
    assert change(made).startswith("Threads took turns at the GIL: processes or interpreters")


def test_processes_that_gain_nothing_are_not_said_to_get_past_the_gil() -> None:
    made = group(
        measured("threads", 1.8),
        measured("serial", 2.0),
        replace(measured("processes", 2.1, cores=1.7), settings={"workers": 2}),
        cores=4,
    )
    assert change(made).startswith("Threads took turns at the GIL. Other processes have each its")


def test_work_outside_the_gil_needs_more_cores() -> None:
    made = group(
        measured("serial", 2.0),
        measured("threads", 1.5, cores=3.6),
        cores=4,
    )
    assert change(made) == (
        "The leader keeps 3.60 of 4 cores busy and is at 33% of what is possible: more cores would"
        " change the answer first."
    )


def test_no_more_cores_are_asked_for_where_some_had_nothing_to_do() -> None:
    made = group(
        measured("serial", 2.0),
        measured("threads", 1.5, cores=1.9),
        cores=4,
    )
    assert change(made) == (
        "The leader kept 1.90 of 4 cores busy and is at 33% of what is possible: something else"
        " than computing held it up, the disk or other programs on this machine."
    )


def test_names_are_listed_as_a_sentence_lists_them() -> None:
    assert join(["a"]) == "a"
    assert join(["a", "b", "c"]) == "a, b and c"
