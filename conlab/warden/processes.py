"""What /proc says of a process tree: who is in it, and whether anything in it moves."""

import contextlib
import os
import signal
from collections.abc import Iterable

# Every file of /proc is read at each look, many times a second: by os.open, which costs the least.
PROC = "/proc"
LONGEST = 64 * 1024  # bytes; a status or a command line is shorter, or cut

# A thread in one of these states waits for something other than a core: S for an event, I in the
# kernel, Z and X for nothing any more, T and t for whoever stopped it. R may mean a thread that
# would run if the machine were less busy, and D one whose disk is slow: neither is stuck.
AT_REST = frozenset("SIZXTt")

Look = dict[tuple[int, int], tuple[str, str]]  # by process and thread: state, time on a core


def descendants(root: int) -> list[int]:
    """The living processes below ``root``, which is not one of them; parents before children."""
    children: dict[int, list[int]] = {}
    for pid in map(int, filter(str.isdigit, _entries(PROC))):
        fields = _fields_of_stat(f"{PROC}/{pid}")
        if fields and fields[0] != "Z":
            children.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    level = [root]
    while level:
        level = [child for parent in level for child in children.get(parent, [])]
        found.extend(level)
    return found


def look(pids: Iterable[int]) -> Look:
    """The state of every thread, and its time on a core and turns there so far.

    Two equal looks mean that nothing ran in between, not even for a nanosecond.
    """
    threads: Look = {}
    for pid in pids:
        for task in _entries(f"{PROC}/{pid}/task"):
            fields = _fields_of_stat(f"{PROC}/{pid}/task/{task}")
            turns = _text(f"{PROC}/{pid}/task/{task}/schedstat")
            if fields and turns:
                threads[pid, int(task)] = (fields[0], turns)
    return threads


def at_rest(threads: Look) -> bool:
    """Whether no thread runs or would run if it were given a core."""
    return all(state in AT_REST for state, _ in threads.values())


def seconds_on_core(threads: Look) -> float:
    """CPU seconds that the threads of a look have used since each began."""
    return sum(int(turns.split()[0]) for _, turns in threads.values()) / 1e9


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal, so that sending it does no harm."""
    for line in _text(f"{PROC}/{pid}/status").splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


def command_line(pid: int) -> str:
    """What the process was started as."""
    return _text(f"{PROC}/{pid}/cmdline").replace("\0", " ").strip()


def end(root: int) -> None:
    """Kill every process below ``root`` and wait for them, also while they keep on forking."""
    while tree := descendants(root):
        for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first: none forks meanwhile
            for pid in tree:
                _send(pid, number)
        reap()
    reap()


def reap() -> dict[int, int]:
    """The exit codes, negative for a signal, of the children that have ended."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def _send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself, which is what was wanted
        os.kill(pid, number)


def _fields_of_stat(folder: str) -> list[str]:
    """The fields after the command's name, which may itself hold spaces and brackets."""
    return _text(f"{folder}/stat").rpartition(")")[2].split()


def _entries(folder: str) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - for the same reason
    except OSError:
        return []


def _text(path: str) -> str:
    """The file's text; empty when the process has ended, which can happen at any moment."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return ""
    try:
        return os.read(file, LONGEST).decode(errors="replace")
    except OSError:
        return ""
    finally:
        os.close(file)
