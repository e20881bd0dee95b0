"""What a mended file relies on is taken out of it, and every other line is left where it was."""

import pytest

from conlab.study.changes import sleeps, without_catching, without_waiting
from conlab.study.steps import in_steps, told

NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("line", "without"),
    [
        ("time.sleep(1)", "time.sleep(0)"),
        ("sleep(SECONDS)", "sleep(0)"),
        ("await asyncio.sleep(0)", "None"),
        ("thread.join(1)", "thread.join(None)"),
        ("done.wait(timeout=2)", "done.wait(timeout=None)"),
        ("lock.acquire(True, 0.5)", "lock.acquire(True, None)"),
        ("asyncio.wait_for(x, PATIENCE)", "asyncio.wait_for(x, None)"),
        ("Timer(3, stop).start()", "Timer(1_000_000, stop).start()"),
        ("job.result(timeout=0)", "job.result(timeout=0)"),
        ("', '.join(names)", "', '.join(names)"),
        ("wait(futures)", "wait(futures)"),
        ("carts.get(2)", "carts.get(2)"),
    ],
)
def test_waits_for_time_to_pass_are_taken_out_and_no_others(line: str, without: str) -> None:
    text = f"async def mended():\n    {line}\n    return 1\n"
    assert without_waiting(text, NONE, kept="") == text.replace(line, without)


def test_a_wait_that_a_given_side_has_as_well_is_kept() -> None:
    text = "def mended():\n    time.sleep(1)\n    time.sleep(1)\n"
    kept = without_waiting(text, NONE, kept="time.sleep(1)")
    assert kept == "def mended():\n    time.sleep(1)\n    time.sleep(0)\n"
    assert sleeps(text, NONE, kept="time.sleep(1)") == ["time.sleep(1)"]


def test_what_is_given_is_left_alone() -> None:
    text = "def beat():\n    time.sleep(1)\n"
    assert without_waiting(text, frozenset(["beat"]), kept="") == text
    assert sleeps(text, frozenset(["beat"]), kept="") == []


def test_a_sleep_in_a_loop_may_be_to_let_others_go_first() -> None:
    text = "def mended():\n    while True:\n        time.sleep(0.01)\n"
    assert sleeps(text, NONE, kept="") == []


HANDLERS = """\
def mended():
    try:
        work()
    except {caught}:
        log("é")
        again()
    return 1
"""


@pytest.mark.parametrize(
    ("caught", "is_taken_out"),
    [
        ("RuntimeError", True),
        ("(KeyError, RuntimeError) as error", True),
        ("Exception", True),
        ("builtins.RuntimeError", True),
        ("KeyError", False),
        ("OSError", False),
    ],
)
def test_what_would_catch_the_exception_raises_it_again(caught: str, is_taken_out: bool) -> None:
    text = HANDLERS.format(caught=caught)
    changed = without_catching(text, NONE, "RuntimeError", kept="")
    raising = text.replace('log("é")\n        again()', "raise\n")
    assert changed == (raising if is_taken_out else text)
    assert without_catching(text, NONE, "RuntimeError", kept=text) == text


def test_what_suppresses_the_exception_suppresses_none() -> None:
    text = "def mended():\n    with suppress(RuntimeError):\n        work()\n"
    assert "suppress()" in without_catching(text, NONE, "RuntimeError", kept="")


def test_a_read_and_a_write_become_two_steps_that_can_be_held() -> None:
    text = "def book(seats):\n    seats.value -= 1\n\ndef mended():\n    book(SEATS)\n"
    changed, steps = in_steps(text, NONE, frozenset(["book"]))
    assert [told(step) for step in steps] == ["_value = seats.value - 1", "seats.value = _value"]
    assert all(f"    {step}\n" in changed for step in steps)
