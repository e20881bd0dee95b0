"""Runs one command, watches its whole process tree, and ends it: a process of its own.

Orphans of the tree become the warden's children (it is their subreaper), also those that left the
process group, so that none can be missed. It ends the tree when the command has ended, at the time
limit, and when the judge that started it is gone.
"""

import ctypes
import json
import linecache
import os
import selectors
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from conlab.warden import processes
from conlab.warden.stacks import Threads, stacks_of

TICK = 0.03  # seconds between two looks at the tree
CALM = 3  # equal looks in a row after which the tree is taken to be at rest
IDLE = 10  # looks in a row after which a tree that only polls is taken to be at rest
POLL = 0.001  # CPU seconds, all threads together, that polling takes from one look to the next
BETWEEN_LOOKS = 0.2  # seconds in which a stuck tree must use no core at all
START_UP = 60.0  # seconds for the command to say that it is ready
OUTCOMES = ("returned", "raised")  # what the judge's child says of its function
PR_SET_CHILD_SUBREAPER = 36


class Gate:
    """Who may run which statement: a meeting of some threads, an order, or after all the others."""

    def __init__(self, meet: dict[str, int], order: list[str], at_rest: list[str]) -> None:
        self.meet = meet
        self.order = order
        self.at_rest = at_rest
        self.waiting: list[tuple[str, socket.socket]] = []
        self.passed = 0  # how many statements of the order have ended
        self.open = False
        self.prevented = False  # the program would not let the order come about

    def hear(self, moment: str, statement: str, thread: socket.socket) -> None:
        """Take note of what a thread has reached, and let go whoever may now go on."""
        if moment == "after":
            if self.order[self.passed : self.passed + 1] == [statement]:
                self.passed += 1
            thread.close()
        else:
            self.waiting.append((statement, thread))
        self._let_go()

    def rest(self) -> None:
        """Open the gate for good: every thread waits or polls, so no other order can come about."""
        self.prevented = not any(statement in self.at_rest for statement, _ in self.waiting)
        self.open = True
        self._let_go()

    def __str__(self) -> str:
        if self.prevented:
            return "prevented"
        came = self.open or not (self.meet or self.at_rest)
        return "kept" if came and self.passed == len(self.order) else "never reached"

    def _let_go(self) -> None:
        still_waiting = []
        for statement, thread in self.waiting:
            if self._may_run(statement):
                thread.close()  # the end of the connection is the word to go on
            else:
                still_waiting.append((statement, thread))
        self.waiting = still_waiting

    def _may_run(self, statement: str) -> bool:
        if self.open:
            return True
        if statement in self.order:
            return self.order.index(statement) <= self.passed
        if statement in self.at_rest:
            return False
        if sum(statement == other for other, _ in self.waiting) >= self.meet[statement]:
            self.open = True
        return self.open


class Calm:
    """Whether the tree is at rest: no thread runs, would run, or has run since the last looks."""

    def __init__(self) -> None:
        self.last: processes.Look = {}
        self.looks = 0
        self.idle = 0  # looks at which all slept, and had at most looked whether to go on

    def look(self) -> bool:
        """Look at the tree once more; whether enough looks in a row found the same, at rest."""
        now = processes.look(processes.descendants(os.getpid()))
        rests = processes.at_rest(now)
        self.looks = self.looks + 1 if rests and now == self.last else 0
        self.idle = self.idle + 1 if rests and self._only_polled(now) else 0
        self.last = now
        return self.looks >= CALM

    @property
    def only_polls(self) -> bool:
        """Whether nothing happens but that some thread wakes up, looks, and sleeps on.

        So wait, with a limit, SQLite for a lock and many a loop around a sleep.
        """
        return self.idle >= IDLE

    def _only_polled(self, now: processes.Look) -> bool:
        used = processes.seconds_on_core(now) - processes.seconds_on_core(self.last)
        return now.keys() == self.last.keys() and used < POLL


def watch(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job's command to its end, or to the end of its time, and say what happened."""
    scratch = Path(job["scratch"])
    gate = Gate(job["meet"], job["order"], job["at_rest"])
    calm = Calm()
    messages: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as selector:
        door.bind(str(scratch / "warden"))
        door.listen(64)
        selector.register(door, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        command = _start(job["command"], scratch)
        deadline = time.monotonic() + (START_UP if job["says_ready"] else job["limit"])
        ask_again = 0.0
        while command.pid not in (ended := processes.reap()):
            for key, _ in selector.select(TICK):
                if key.fileobj is sys.stdin:
                    raise EOFError("the judge is gone")
                message = _hear(door, gate)
                calm.idle = 0  # whoever speaks does more than poll
                if message["says"] in OUTCOMES:
                    messages.append(message)
                elif message["says"] == "ready":
                    deadline = time.monotonic() + job["limit"]
            hang = None
            if (calm.look() or calm.only_polls) and gate.waiting:
                gate.rest()
            elif time.monotonic() > deadline:
                hang = _look_twice(scratch)
            elif calm.looks >= CALM and job["stuck_at"] and time.monotonic() > ask_again:
                hang = _look_twice(scratch)
                ask_again = time.monotonic() + 1
                hang = hang if _is_declared(hang, job) else None
            if hang:
                return {"end": "hung", "messages": messages, "gate": str(gate), **hang}
        command.returncode = ended[command.pid]
    return {
        "end": "exited" if command.returncode >= 0 else "killed",
        "status": command.returncode,
        "messages": messages,
        "gate": str(gate),
        "left": _left_behind(),
    }


def _start(command: list[str], scratch: Path) -> "subprocess.Popen[bytes]":
    """Start the command in a session of its own, with its output in files, which never fill up."""
    with (scratch / "stdout").open("wb") as stdout, (scratch / "stderr").open("wb") as stderr:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


def _hear(door: socket.socket, gate: Gate) -> dict[str, Any]:
    """Take one message; the gate answers its own when it will, the others are answered at once."""
    connection, _ = door.accept()
    with connection.makefile("rb") as lines:
        line = lines.readline()
    # What was killed while it spoke has said nothing.
    message: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {"says": "nothing"}
    if message["says"] in ("before", "after"):
        gate.hear(message["says"], message["statement"], connection)
    else:
        connection.close()
    return message


def _look_twice(scratch: Path) -> dict[str, Any]:
    """The stacks, whether they stayed the same, and the CPU seconds used between two looks."""
    tree = processes.descendants(os.getpid())
    first = stacks_of(tree, scratch)
    before = processes.look(tree)
    time.sleep(BETWEEN_LOOKS)
    after = processes.look(tree)
    second = stacks_of(processes.descendants(os.getpid()), scratch)
    return {
        "stacks": second,
        "steady": first == second,
        "seconds_on_core": processes.seconds_on_core(after) - processes.seconds_on_core(before),
    }


def _is_declared(hang: dict[str, Any], job: dict[str, Any]) -> bool:
    """Whether the tree is stuck for certain, and at exactly the statements that were named."""
    stuck = hang["steady"] and not hang["seconds_on_core"]
    return stuck and stuck_statements(hang["stacks"], job["file"]) == sorted(set(job["stuck_at"]))


def stuck_statements(stacks: Threads, file: str) -> list[str]:
    """The statements of ``file`` at which its threads stand, each once, in alphabetical order.

    A thread that is in none, such as the idle worker of a pool, does not count.
    """
    statements = set()
    for threads in stacks.values():
        for frames in threads:
            lines = [line for name, line, _ in frames if name == file]
            if lines:
                statements.add(linecache.getline(file, lines[0]).strip())
    return sorted(statements)


def _left_behind() -> list[str]:
    """The processes that outlive the command: those still there once nothing moves any more.

    A helper of multiprocessing ends by itself when its pipe to the command closes.
    """
    calm = Calm()
    until = time.monotonic() + BETWEEN_LOOKS * 10
    while tree := processes.descendants(os.getpid()):
        if calm.look() or time.monotonic() > until:
            return [processes.command_line(pid) for pid in tree]
        time.sleep(TICK)
        processes.reap()
    return []


def main() -> None:
    """Read the job from standard input, and write what happened to standard output."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    job = json.loads(sys.stdin.readline())
    try:
        report = watch(job)
    except EOFError as gone:
        report = {"end": str(gone)}
    finally:
        processes.end(os.getpid())
    json.dump(report, sys.stdout)
    sys.stdout.flush()
