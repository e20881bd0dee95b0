"""Asks every Python process of a tree for the stacks of all its threads, and reads the answers."""

import os
import re
import signal
import time
from pathlib import Path

from conlab.warden import processes
from conlab.warden.frames import Frame

FRAME = re.compile(r'  File "(?P<file>.*)", line (?P<line>\d+) in (?P<function>.*)')
PATIENCE = 2.0  # seconds for a process to answer; one that is stopped or not Python never does

Threads = dict[str, list[list[Frame]]]  # by process: the stacks of its threads, innermost first


def stacks_of(tree: list[int], scratch: Path) -> Threads:
    """The stacks of the processes that answer; the others are there by name, without stacks."""
    armed = [pid for pid in tree if processes.handles(pid, signal.SIGUSR1)]
    answers = {pid: scratch / f"{pid}.stacks" for pid in armed}
    answers = {pid: answer for pid, answer in answers.items() if answer.exists()}
    already = {pid: answer.stat().st_size for pid, answer in answers.items()}
    for pid in answers:
        os.kill(pid, signal.SIGUSR1)
    _wait_for_all(answers, already)
    named: Threads = {}
    for pid in tree:
        text = answers[pid].read_bytes()[already[pid] :] if pid in answers else b""
        named[f"process {pid}: {processes.command_line(pid)}"] = _read(text.decode())
    return named


def _wait_for_all(answers: dict[int, Path], already: dict[int, int]) -> None:
    """Return when every file has grown and none grows any more."""
    until = time.monotonic() + PATIENCE
    sizes: dict[int, int] = {}
    while time.monotonic() < until:
        seen, sizes = sizes, {pid: answer.stat().st_size for pid, answer in answers.items()}
        if sizes == seen and all(sizes[pid] > already[pid] for pid in answers):
            return
        time.sleep(0.01)


def _read(text: str) -> list[list[Frame]]:
    threads: list[list[Frame]] = []
    for line in text.splitlines():
        if frame := FRAME.fullmatch(line):
            threads[-1].append((frame["file"], int(frame["line"]), frame["function"]))
        elif line.endswith("(most recent call first):"):
            threads.append([])
    return [frames for frames in threads if frames]
