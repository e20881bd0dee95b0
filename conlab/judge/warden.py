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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conlab.judge import processes
from conlab.judge.stacks import Threads, stacks_of

TICK = 0.03  # seconds between two looks at the tree
CALM = 3  # equal looks in a row after which the tree is taken to be at rest
BETWEEN_LOOKS = 0.2  # seconds in which a stuck tree must use no core at all
START_UP = 60.0  # seconds for the command to say that it is ready
PR_SET_CHILD_SUBREAPER = 36


@dataclass
class Gate:
    """Who may run which statement: a meeting of some threads, an order, or after all the others."""

    meet: dict[str, int]
    order: list[str]
    at_rest: list[str]
    waiting: list[tuple[str, socket.socket]] = field(default_factory=list)
    passed: int = 0  # how many statements of the order have ended
    open: bool = False
    prevented: bool = False  # the program would not let the order come about

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
        """Open the gate for good: every thread waits, so no other order can come about."""
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


def watch(job: dict[str, Any]) -> dict[str, Any]:
    """Run the job's command to its end, or to the end of its time, and say what happened."""
    scratch = Path(job["scratch"])
    gate = Gate(job["meet"], job["order"], job["at_rest"])
    messages: list[dict[str, Any]] = []
    with (
        socket.socket(socket.AF_UNIX) as door,
        selectors.DefaultSelector() as selector,
        (scratch / "stdout").open("wb") as stdout,
        (scratch / "stderr").open("wb") as stderr,
    ):
        door.bind(str(scratch / "warden"))
        door.listen(64)
        selector.register(door, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        command = subprocess.Popen(
            job["command"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        limit = START_UP if job["says_ready"] else job["limit"]
        deadline = time.monotonic() + limit
        last: dict[tuple[int, int], tuple[str, str]] = {}
        calm = 0
        ask_again = 0.0
        while True:
            for key, _ in selector.select(TICK):
                if key.fileobj is sys.stdin:
                    raise EOFError("the judge is gone")
                message, thread = _receive(door)
                if "gate" in message:
                    gate.hear(message["gate"], message["statement"], thread)
                    continue
                thread.close()
                messages.append(message)
                if message["says"] == "ready":
                    deadline = time.monotonic() + job["limit"]
            ended = processes.reap()
            if command.pid in ended:
                command.returncode = ended[command.pid]
                break
            tree = processes.descendants(os.getpid())
            now = processes.look(tree)
            calm = calm + 1 if now == last and processes.at_rest(now) else 0
            last = now
            if calm >= CALM and gate.waiting:
                gate.rest()
            elif calm >= CALM and job["stuck_at"] and time.monotonic() > ask_again:
                hang = _look_twice(scratch)
                if hang["steady"] and not hang["seconds_on_core"] and _is_declared(hang, job):
                    return {"end": "hung", "messages": messages, "gate": str(gate), **hang}
                ask_again = time.monotonic() + 1
            if time.monotonic() > deadline:
                hang = _look_twice(scratch)
                return {"end": "hung", "messages": messages, "gate": str(gate), **hang}
    return {
        "end": "exited" if command.returncode >= 0 else "killed",
        "status": command.returncode,
        "messages": messages,
        "gate": str(gate),
        "left": _left_behind(),
    }


def _receive(door: socket.socket) -> tuple[dict[str, Any], socket.socket]:
    """One message, which is one line, and the connection it came by."""
    connection, _ = door.accept()
    line = b""
    while not line.endswith(b"\n"):
        part = connection.recv(1 << 16)
        if not part:
            return {"says": "nothing"}, connection  # killed while it was speaking
        line += part
    message: dict[str, Any] = json.loads(line)
    return message, connection


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
    return stuck_statements(hang["stacks"], job["file"]) == sorted(set(job["stuck_at"]))


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
    last: dict[tuple[int, int], tuple[str, str]] = {}
    until = time.monotonic() + BETWEEN_LOOKS * 10
    while tree := processes.descendants(os.getpid()):
        now = processes.look(tree)
        if time.monotonic() > until or (now == last and processes.at_rest(now)):
            return [processes.command_line(pid) for pid in tree]
        last = now
        time.sleep(BETWEEN_LOOKS)
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
