"""A worker process as its parent sees it: started, told what to do, ended with all it started."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import psutil

from conlab.scratch import HOME, scratch_folder
from conlab.versus.sides.side import Side, aimed

ANSWER_LIMIT = 120.0  # seconds that an order may take
END_LIMIT = 5.0  # seconds that a worker has to stop its pool
HELPER = "multiprocessing.resource_tracker"  # it tidies up behind the killed, then ends by itself
HELPER_LIMIT = 1.0  # seconds that this may take


class SideFailed(Exception):
    """A side did not do what was asked; the message is a sentence that names it."""


class CellAbsentThere(SideFailed):
    """A worker of the side's pool cannot import what the cell needs."""


class Worker:
    """A process of a side. Its calls raise SideFailed."""

    module = "conlab.versus.pairs.worker"
    folder: Path | None = None  # in which it is started; None is where this process is

    def __init__(self, side: Side, environment: dict[str, str]) -> None:
        self.side = side
        self.closing = ExitStack()
        home = self.closing.enter_context(scratch_folder())
        self.stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by kill()
        command = [str(side.python), *flags(side), "-P", "-m", self.module]
        apart: dict[str, Any] = {"process_group": 0}  # Ctrl-C is for the parent, which ends it
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                cwd=self.folder,
                env=aimed(side, os.environ) | {HOME: str(home)} | environment,
                **apart,
            )
        except OSError as error:
            self.stderr.close()
            self.closing.close()
            raise SideFailed(f"{side.name}: {side.python} cannot be started: {error}") from error
        self.replies: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        """Put the replies into the queue, and an empty one at the end."""
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.replies.put(line)
        self.replies.put(b"")

    def tell(self, do: str, **details: Any) -> None:
        """Give an order."""
        assert self.process.stdin is not None
        with suppress(OSError):  # it ended: its reply will say so
            self.process.stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")
            self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The reply to an order."""
        try:
            line = self.replies.get(timeout=ANSWER_LIMIT)
        except queue.Empty:
            stopped = [one.pid for one in (*self.tree(), self.process) if is_stopped(one.pid)]
            why = f": process {stopped[0]} is stopped" if stopped else "; fewer --jobs take less"
            raise SideFailed(
                f"{self.side.name}: no answer within {ANSWER_LIMIT:g} s{why}"
            ) from None
        if not line.endswith(b"\n"):
            raise SideFailed(f"{self.side.name}: {self.how_it_ended()}")
        reply: dict[str, Any] = json.loads(line)
        if "absent" in reply:
            raise CellAbsentThere(f"{self.side.name}: {reply['absent']}")
        if "mistake" in reply:
            raise SideFailed(f"{self.side.name}: {reply['mistake']}")
        return reply

    def ask(self, do: str, **details: Any) -> dict[str, Any]:
        """Give an order and wait for the reply."""
        self.tell(do, **details)
        return self.answer()

    def how_it_ended(self) -> str:
        """Why there are no more replies."""
        try:
            status = self.process.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            return "its worker process hung up"
        if status < 0:
            return f"its worker process was killed by {signal.Signals(-status).name}"
        self.stderr.seek(0)
        words = self.stderr.read().decode("utf-8", "replace").strip().splitlines() or ["nothing"]
        return f"its worker process ended with status {status}, and said last: {words[-1]}"

    def end(self) -> None:
        """Let it stop its pool and end, or kill it."""
        try:
            self.tell("end")
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(END_LIMIT)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it now, and all that it started."""
        tree = self.tree()
        for one in tree:
            if not is_helper(one):
                with suppress(psutil.Error):
                    one.kill()
        self.process.kill()
        self.process.wait()
        limit = time.monotonic() + HELPER_LIMIT
        while helpers := [one for one in tree if is_helper(one)]:
            if time.monotonic() > limit:
                for one in helpers:
                    with suppress(psutil.Error):
                        one.kill()
                break
            time.sleep(0.01)
        with suppress(OSError):
            assert self.process.stdin is not None
            self.process.stdin.close()
        self.stderr.close()
        self.closing.close()

    def tree(self) -> list[psutil.Process]:
        """The processes below it, and those of its group, which outlive it as orphans."""
        pids = set()
        with suppress(psutil.Error):
            below = psutil.Process(self.process.pid).children(recursive=True)
            pids = {one.pid for one in below}
        if sys.platform != "win32":
            for pid in psutil.pids():
                with suppress(OSError):
                    if os.getpgid(pid) == self.process.pid:
                        pids.add(pid)
        found = []
        for pid in pids - {self.process.pid}:
            with suppress(psutil.Error):
                found.append(psutil.Process(pid))
        return found


def is_stopped(pid: int) -> bool:
    """Say whether somebody has stopped that process, and nobody has continued it."""
    with suppress(psutil.Error):
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return False


def is_helper(process: psutil.Process) -> bool:
    """Say whether this is multiprocessing's tidier, and alive: the dead have no command."""
    try:
        return HELPER in " ".join(process.cmdline())
    except psutil.Error:
        return False


def flags(side: Side) -> list[str]:
    """The options that this Python was started with, such as -X gil=0, if the side runs on it."""
    if str(side.python) != sys.executable:
        return []
    given: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return given
