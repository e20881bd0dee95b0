"""The judge names what became of a function: each test makes one thing happen and sees its name."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conlab.errors import UserError
from conlab.judge import (
    RUN_SIDE,
    Exited,
    Hung,
    Judgement,
    Killed,
    Raised,
    Returned,
    _in_words,
    judge,
    judge_command,
)
from tests.patience import patience

FAILING_FUTURE = """
async def main():
    failing = asyncio.get_running_loop().create_future()
    failing.set_exception(ValueError('unseen'))
asyncio.run(main())
"""

ROOT = Path(__file__).parents[2]  # where its Python may be

SEGMENT = f"psm_conlab_{os.getpid()}"  # another suite on this machine has another

UNTRACKED_SEGMENT = f"""
from multiprocessing import resource_tracker, shared_memory
segment = shared_memory.SharedMemory('{SEGMENT}', create=True, size=9)
resource_tracker.unregister('/{SEGMENT}', 'shared_memory')
segment.close()
"""

UNTRACKED_SEGMENT_OF_A_CHILD = f"""
from multiprocessing import get_context
def share():{UNTRACKED_SEGMENT.replace(chr(10), chr(10) + "    ")}
child = get_context('fork').Process(target=share)
child.start()
child.join()
"""

Judge = Callable[..., Judgement]


@pytest.fixture
def judged(tmp_path: Path) -> Judge:
    """Judge a function with this body, in a file of its own."""

    def run(body: str, **options: object) -> Judgement:
        file = tmp_path / "judged.py"
        lines = [f"    {line}" for line in body.splitlines()]
        imports = "import asyncio, os, signal, subprocess, sys, threading, time, warnings\n"
        file.write_text(
            f"{imports}\ndef side():\n"
            + "\n".join(lines)
            + "\n\ndef holds(value):\n    return value == 1\n"
        )
        return judge(file, "side", oracle="holds", **options)  # type: ignore[arg-type]

    return run


def test_a_value_is_returned_and_the_oracle_asked(judged: Judge) -> None:
    assert judged("return 1").outcome == Returned("1", right=True)
    assert judged("return [2]").outcome == Returned("[2]", right=False)


def test_a_file_that_was_changed_within_the_second_is_read_anew(
    judged: Judge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytecode, had it been kept, would be told from this one by second and size alone."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setattr("conlab.judge.judge_command", at_a_second(judge_command))
    for number in "12":
        assert judged(f"return {number}").outcome == Returned(number, right=number == "1")
    assert not [*tmp_path.rglob("*.pyc")]


def at_a_second(judging: Judge) -> Judge:
    """Judge a file as if it had been written at a certain second."""

    def judging_then(*command: object, file: Path, **options: object) -> Judgement:
        os.utime(file, (1_700_000_000, 1_700_000_000))
        return judging(*command, file=file, **options)

    return judging_then


def test_an_exception_is_named_with_its_message(judged: Judge) -> None:
    outcome = judged("raise ValueError('no such seat')").outcome
    assert outcome == Raised("ValueError", "no such seat", traceback="")
    assert isinstance(outcome, Raised)
    assert "judged.py" in outcome.traceback


def test_a_signal_that_kills_is_named(judged: Judge) -> None:
    assert judged("os.kill(os.getpid(), signal.SIGKILL)").outcome == Killed(signal.SIGKILL)


@pytest.mark.parametrize("leave", ["os._exit(3)", "sys.exit(3)"])
def test_an_exit_is_named_with_its_status(judged: Judge, leave: str) -> None:
    assert judged(leave).outcome == Exited(3)


def test_a_hang_at_the_declared_statement_is_found_long_before_the_limit(judged: Judge) -> None:
    body = "lock = threading.Lock()\nlock.acquire()\nlock.acquire()"
    judgement = judged(body, limit=100, stuck_at=["lock.acquire()"])
    match judgement.outcome:
        case Hung(statements=("lock.acquire()",), steady=True, seconds_on_core=0, stacks=stacks):
            assert "in side" in stacks
        case other:
            pytest.fail(str(other))


@pytest.mark.parametrize("python", ["/usr/bin/python3", "/home/some one/.venv/bin/python"])
def test_the_process_of_a_side_is_called_by_the_side(python: str) -> None:
    process = f"process 7: {python} -c {RUN_SIDE} /tmp/a b/pair.py broken holds"
    assert _in_words({process: []}) == "process 7: broken() of pair.py"


def test_a_hang_shows_the_stacks_of_every_process_of_the_tree(judged: Judge) -> None:
    body = "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=-1)\nchild.wait()"
    match judged(body, limit=60, stuck_at=["child.wait()"]).outcome:
        case Hung(stacks=stacks):
            assert stacks.count("process ") == 2
            assert "in side" in stacks
            assert stacks.count('File "<string>", line 1, in <module>') == 1  # the child's own
            assert "conlab" not in stacks.replace(str(ROOT), "")
            assert ": side() of judged.py" in stacks
        case other:
            pytest.fail(str(other))


def test_a_traceback_is_that_of_the_program(judged: Judge) -> None:
    match judged("return int('three')").outcome:
        case Raised(traceback=text):
            assert text.startswith("Traceback (most recent call last):\n")
            assert text.count("  File ") == 1
            assert "judged.py" in text
        case other:
            pytest.fail(str(other))


def test_a_hang_elsewhere_waits_for_the_limit(judged: Judge) -> None:
    outcome = judged(
        "threading.Event().wait()", limit=patience(0.25), stuck_at=["lock.acquire()"]
    ).outcome
    assert isinstance(outcome, Hung)
    assert outcome.statements == ("threading.Event().wait()",)


def test_a_busy_side_is_told_from_a_stuck_one_by_the_time_it_uses(judged: Judge) -> None:
    outcome = judged(
        "while True: pass", limit=patience(0.25), stuck_at=["while True: pass"]
    ).outcome
    assert isinstance(outcome, Hung)
    assert outcome.seconds_on_core > 0
    assert str(outcome).endswith("(still running)")


def test_an_exit_that_does_not_come_is_a_hang_after_the_return(judged: Judge) -> None:
    body = "threading.Thread(target=threading.Event().wait).start()\nreturn 1"
    outcome = judged(body, limit=patience(0.25)).outcome
    assert isinstance(outcome, Hung)
    assert outcome.after == Returned("1", right=True)


@pytest.mark.parametrize(
    ("body", "lost"),
    [
        (
            "thread = threading.Thread(target=[].pop)\nthread.start()\nthread.join()",
            "IndexError: pop from empty list (ended a thread)",
        ),
        ("asyncio.sleep(0)", "coroutine 'sleep' was never awaited"),
        (
            FAILING_FUTURE,
            "Future exception was never retrieved: ValueError('unseen')",
        ),
        (
            "class Noisy:\n    def __del__(self): raise OSError('in del')\nNoisy()",
            "OSError: in del (could not be raised)",
        ),
    ],
    ids=["a thread that died", "a coroutine", "a future", "an unraisable"],
)
def test_what_nobody_will_ever_see_is_lost(judged: Judge, body: str, lost: str) -> None:
    assert judged(body).lost == (lost,)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (
            "threading.Thread(target=threading.Event().wait, daemon=True, name='T').start()",
            "thread T",
        ),
        ("os.open('/dev/zero', os.O_RDONLY)", "descriptor /dev/zero"),
        ("subprocess.Popen(['sleep', '987'])", "process sleep 987"),
        ("subprocess.Popen(['sleep', '987'], start_new_session=True)", "process sleep 987"),
        (UNTRACKED_SEGMENT, f"shared memory {SEGMENT}"),
        (UNTRACKED_SEGMENT_OF_A_CHILD, f"shared memory {SEGMENT}"),
    ],
    ids=[
        "a thread",
        "a descriptor",
        "a process",
        "a process of another group",
        "shared memory",
        "shared memory of a child",
    ],
)
def test_what_is_still_there_is_left_behind(judged: Judge, body: str, left: str) -> None:
    try:
        assert judged(body).left == (left,)
    finally:
        Path("/dev/shm", SEGMENT).unlink(missing_ok=True)


def test_what_another_program_shares_meanwhile_is_not_left_behind(judged: Judge) -> None:
    other = Path("/dev/shm", f"{SEGMENT}_of_another_program")
    try:
        assert judged(f"open({str(other)!r}, 'x').close()").left == ()
    finally:
        other.unlink()


def test_nothing_is_lost_or_left_where_nothing_was(judged: Judge) -> None:
    judgement = judged("return 1")
    assert (judgement.lost, judgement.left) == ((), ())


def test_what_was_printed_is_kept_up_to_a_limit(judged: Judge) -> None:
    judgement = judged("print('.' * 1_000_000)\nprint('end')")
    assert judgement.stdout.endswith(".\nend\n")
    assert len(judgement.stdout) == 64 * 1024


def test_a_file_that_is_not_there_is_said_in_one_sentence() -> None:
    with pytest.raises(UserError, match=r"there is no file 'nowhere.py' to judge"):
        judge("nowhere.py", "side")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder with a short name: a Unix socket's path has an end, and pytest's own are long."""
    with tempfile.TemporaryDirectory(prefix="judge-") as made:
        yield Path(made)


def test_the_scratch_folder_is_gone_afterwards(
    judged: Judge, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    assert judged("return os.environ['CONLAB_JUDGE']").outcome.value.startswith(f"'{scratch}")  # type: ignore[union-attr]
    assert list(scratch.iterdir()) == []
