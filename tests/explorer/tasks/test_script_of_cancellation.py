"""The script of a cancellation at one turn of a wait shows on a real loop what comes of it."""

import subprocess
import sys
from pathlib import Path

from conlab.explorer import explore
from conlab.explorer.witnesses.script import write_script
from tests.explorer.running import module_of
from tests.patience import patience

SOURCE = '''\
"""A lock whose release skips cancelled waiters but leaves them in the queue (as anyio's did)."""
import asyncio
from collections import deque


class BrokenLock:
    def __init__(self):
        self.owner, self.waiters = None, deque()

    async def __aenter__(self):
        me = asyncio.current_task()
        if self.owner is None and not self.waiters:
            self.owner = me
            return
        item = me, asyncio.get_running_loop().create_future()
        self.waiters.append(item)
        try:
            await item[1]
        except asyncio.CancelledError:
            self.waiters.remove(item)
            if self.owner is me:
                self.release()
            raise
        self.waiters.remove(item)

    async def __aexit__(self, *_):
        self.release()

    def release(self):
        for task, future in self.waiters:
            if not future.cancelled():
                self.owner = task
                future.set_result(None)
                return
        self.owner = None


async def broken():
    lock = BrokenLock()

    async def holder():
        async with lock:
            await asyncio.sleep(1)

    async def waiter():
        async with lock:
            pass

    async def latecomer():
        await asyncio.sleep(1)
        async with lock:
            pass

    await asyncio.wait([asyncio.create_task(each()) for each in (holder, waiter, latecomer)])
'''


def test_a_cancellation_in_the_turn_of_a_release_is_forced_on_a_real_loop(tmp_path: Path) -> None:
    file = tmp_path / "cancelled_waiter.py"
    module = module_of(file, SOURCE)
    witness = explore(module.broken, cancellations=1, count_on=0).witness
    assert witness is not None
    assert [step.event for step in witness.steps if step.event == "cancellation"]
    assert str(witness.outcome) == (
        "deadlocks: Task-1 (broken) and Task-4 (latecomer) wait for ever"
    )
    script = tmp_path / "out.py"
    write_script(script, witness, module.broken)
    done = subprocess.run(
        [sys.executable, "-I", script],
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "It hangs." in done.stdout
    assert "Task-4 (latecomer):" in done.stdout
    assert "Task-3" not in done.stdout.partition("The explorer found")[0]
