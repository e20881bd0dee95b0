"""Runs one function of a file in this process, and tells the warden what became of it."""

import contextlib
import gc
import importlib
import json
import logging
import os
import socket
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conlab.warden import frames


def main() -> None:
    """Run ``FUNCTION`` of ``FILE``, as a script run from that file's folder would."""
    file, function, oracle = sys.argv[1:4]
    sys.path.insert(0, str(Path(file).parent))
    # Bytecode tells its source by second and size: a file that was changed within the second
    # would be taken for the one before. Its children keep none either.
    sys.dont_write_bytecode, os.environ["PYTHONDONTWRITEBYTECODE"] = True, "1"
    module = importlib.import_module(Path(file).stem)
    lost: list[str] = []
    before = _held()
    with _collecting(lost):
        _tell({"says": "ready"})
        try:
            value = getattr(module, function)()
        except BaseException as error:  # whatever it raises is what happened
            if isinstance(error, SystemExit):
                raise
            outcome: dict[str, Any] = {
                "says": "raised",
                "type": type(error).__name__,
                "message": str(error),
                "traceback": _told(error),
            }
        else:
            right = getattr(module, oracle)(value) if oracle else None
            outcome = {"says": "returned", "value": repr(value), "right": right}
            del value
        gc.collect()  # an exception never looked at is reported when its holder goes
        left = sorted(_held() - before)  # garbage is not left: whoever held that is gone
    _tell({**outcome, "lost": lost, "left": left})


def _told(error: BaseException) -> str:
    """The traceback, without the frames of the lab."""
    told = traceback.TracebackException.from_exception(error)
    told.stack[:] = [frame for frame in told.stack if not frames.is_of_the_lab(frame.filename)]
    return "".join(told.format())


@contextlib.contextmanager
def _collecting(lost: list[str]) -> Iterator[None]:
    """Collect what Python says of exceptions, tasks and coroutines that nobody will ever see."""

    def thread_died(died: threading.ExceptHookArgs) -> None:
        lost.append(f"{died.exc_type.__name__}: {died.exc_value} (ended a thread)")
        threading.__excepthook__(died)

    def not_raised(ignored: "sys.UnraisableHookArgs") -> None:
        lost.append(f"{ignored.exc_type.__name__}: {ignored.exc_value} (could not be raised)")
        sys.__unraisablehook__(ignored)

    def warned(message: Warning | str, category: type[Warning], *place: Any) -> None:
        first_line = str(message).partition("\n")[0]
        if first_line.endswith("was never awaited"):
            lost.append(first_line)
        show(message, category, *place)

    class FromAsyncio(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            """asyncio logs tasks destroyed while pending and exceptions never retrieved."""
            heading = record.getMessage().partition("\n")[0]
            error = record.exc_info and record.exc_info[1]
            lost.append(f"{heading}: {error!r}" if error else heading)

    show = warnings.showwarning
    from_asyncio = FromAsyncio(logging.ERROR)
    logging.getLogger("asyncio").addHandler(from_asyncio)
    threading.excepthook = thread_died
    sys.unraisablehook = not_raised
    warnings.showwarning = warned  # type: ignore[assignment]
    try:
        yield
    finally:
        warnings.showwarning = show
        sys.unraisablehook = sys.__unraisablehook__
        threading.excepthook = threading.__excepthook__
        logging.getLogger("asyncio").removeHandler(from_asyncio)


def _held() -> set[str]:
    """What a function may leave behind: threads, descriptors, segments of shared memory."""
    threads = {f"thread {thread.name}" for thread in threading.enumerate()}
    return threads | _descriptors() | _segments()


def _segments() -> set[str]:
    """The segments of shared memory that a process of this tree has opened and that are there."""
    notes = Path(os.environ["CONLAB_JUDGE"], "segments")
    opened = notes.read_text().splitlines() if notes.exists() else []
    return {f"shared memory {name}" for name in opened if Path("/dev/shm", name).exists()}


def _descriptors() -> set[str]:
    """The open descriptors by what they lead to, without those that multiprocessing keeps open."""
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    server = sys.modules.get("multiprocessing.forkserver")
    kept = {
        tracker and tracker._resource_tracker._fd,
        server and server._forkserver._forkserver_alive_fd,
    }
    descriptors = set()
    for entry in Path("/proc/self/fd").iterdir():
        if int(entry.name) not in kept:
            with contextlib.suppress(FileNotFoundError):  # the one that read the folder
                descriptors.add(f"descriptor {entry.readlink()}")
    return {name for name in descriptors if "/pym-" not in name}  # its heap for shared values


def _tell(message: dict[str, Any]) -> None:
    with socket.socket(socket.AF_UNIX) as warden:
        warden.connect(str(Path(os.environ["CONLAB_JUDGE"], "warden")))
        warden.sendall(json.dumps(message).encode() + b"\n")
        warden.recv(1)
