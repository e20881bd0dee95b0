"""The trace gate forces an order from outside, in every schedule, and gives way where it cannot."""

from pathlib import Path

import pytest

from conlab.judge import Judgement, Returned, judge

COUNT = """
import threading
import time
from multiprocessing import get_context

def add(total, lock):
    seen = total["value"]
    total["value"] = seen + 1

def add_locked(total, lock):
    with lock:
        seen = total["value"]
        total["value"] = seen + 1

def run(work):
    total, lock = {"value": 0}, threading.Lock()
    threads = [threading.Thread(target=work, args=(total, lock)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return total["value"]

def racy():
    return run(add)

def locked():
    return run(add_locked)

def letters():
    written = []
    def a():
        written.append("a")
    def b():
        written.append("b")
    threads = [threading.Thread(target=work) for work in (a, b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "".join(written)

def b_polls_for_a():
    written = []
    def a():
        written.append("a")
    def b():
        while not written:
            time.sleep(0.02)
        written.append("b")
    threads = [threading.Thread(target=work) for work in (a, b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "".join(written)

def b_works_for_a_while():
    written = []
    def a():
        written.append("a")
    def b():
        sum(range(20_000_000))
        written.append("b")
    threads = [threading.Thread(target=work) for work in (a, b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return "".join(written)

def first_a_then_nothing():
    log = []
    idle = threading.Event()
    def wait():
        idle.wait()
        log.append("woken")
    thread = threading.Thread(target=wait)
    thread.start()
    log.append("set")
    idle.set()
    thread.join()
    return log
"""

WRITE = 'total["value"] = seen + 1'
A, B = 'written.append("a")', 'written.append("b")'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "gated.py"
    written.write_text(COUNT)
    return written


def value(judgement: Judgement) -> str:
    assert isinstance(judgement.outcome, Returned), judgement
    return judgement.outcome.value


def test_threads_that_meet_before_the_write_lose_an_update(file: Path) -> None:
    judgement = judge(file, "racy", meet={WRITE: 2})
    assert (value(judgement), judgement.gate) == ("1", "kept")


def test_a_lock_does_not_let_them_meet_and_the_gate_says_so(file: Path) -> None:
    judgement = judge(file, "locked", meet={WRITE: 2})
    assert (value(judgement), judgement.gate) == ("2", "prevented")


@pytest.mark.parametrize(("order", "written"), [((A, B), "'ab'"), ((B, A), "'ba'")])
def test_statements_run_in_the_order_that_is_asked_for(
    file: Path, order: tuple[str, str], written: str
) -> None:
    judgement = judge(file, "letters", order=order)
    assert (value(judgement), judgement.gate) == (written, "kept")


def test_the_gate_gives_way_to_a_thread_that_polls_for_what_it_holds_back(file: Path) -> None:
    judgement = judge(file, "b_polls_for_a", order=[B, A])
    assert (value(judgement), judgement.gate) == ("'ab'", "prevented")


def test_the_gate_waits_for_a_thread_that_works(file: Path) -> None:
    judgement = judge(file, "b_works_for_a_while", order=[B, A])
    assert (value(judgement), judgement.gate) == ("'ba'", "kept")


def test_a_statement_at_rest_waits_until_every_other_thread_sleeps(file: Path) -> None:
    judgement = judge(file, "first_a_then_nothing", at_rest=["idle.set()"])
    assert (value(judgement), judgement.gate) == ("['set', 'woken']", "kept")


def test_a_gate_that_nobody_comes_to_says_so(file: Path) -> None:
    judgement = judge(file, "letters", order=["no such statement"])
    assert judgement.gate == "never reached"


def test_without_a_gate_there_is_none(file: Path) -> None:
    assert judge(file, "letters").gate == "none"
