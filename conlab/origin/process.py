"""Starts an origin in a process of its own, talks to it, and ends it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import conlab
from conlab.errors import UserError
from conlab.origin.files import LARGEST, file_sha256, file_target
from conlab.origin.log import Log, OriginError
from conlab.origin.settings import Settings

START_LIMIT = 60.0
ANSWER_LIMIT = 60.0
END_LIMIT = 5.0


class Origin:
    """A running origin. It takes one caller at a time; all of its calls may raise OriginError."""

    def __init__(
        self,
        settings: Settings,
        process: subprocess.Popen[bytes],
        line: socket.socket,
        replies: BinaryIO,
    ) -> None:
        self.settings = settings
        self.pid = process.pid
        self._process = process
        self._line = line
        self._replies = replies
        hello = self._exchange(settings.to_json())
        self.urls: tuple[str, ...] = tuple(f"http://127.0.0.1:{port}/" for port in hello["ports"])
        self.refusing_url = f"http://127.0.0.1:{hello['refusing port']}/"

    def reset(self) -> None:
        """Forget the attempts made so far, so that each URL is at its first again, and the log."""
        self._ask("reset")

    def take_log(self) -> Log:
        """The requests that ended since the last take or reset.

        Raises OriginError if there were more than the log holds, or if the origin's code failed.
        """
        return Log.from_json(self._ask("take log"))

    def cpu_seconds(self) -> float:
        """The CPU time that the origin's process has spent so far."""
        return float(self._ask("cpu seconds"))

    def write_manifest(self, path: Path, count: int, size: int) -> None:
        """Write one JSON line for each of ``count`` files of ``size`` bytes, spread over the sites.

        A line holds url, name (of the file to write), size in bytes, and sha256 in hex.
        """
        _check_count("count", count, 1_000_000)
        _check_count("size", size, LARGEST)
        _write_lines(path, (self._file_line(number, size) for number in range(count)))

    def write_photo_manifest(self, path: Path, count: int) -> None:
        """Write one JSON line, as ``write_manifest`` does, for each of ``count`` photos.

        There are a few distinct photos, which repeat. Raises UserError if they have to be made
        and Pillow is absent.
        """
        _check_count("count", count, 1_000_000)
        photos = self._ask("photos")
        _write_lines(path, (self._photo_line(number, photos) for number in range(count)))

    def _file_line(self, number: int, size: int) -> dict[str, Any]:
        return {
            "url": self._spread(number) + file_target(number, size)[1:],
            "name": f"{number:06}.bin",
            "size": size,
            "sha256": file_sha256(self.settings.seed, number, size),
        }

    def _photo_line(self, number: int, photos: list[tuple[str, int, str]]) -> dict[str, Any]:
        suffix, size, sha256 = photos[number % len(photos)]
        return {
            "url": f"{self._spread(number)}photos/{number}{suffix}",
            "name": f"{number:06}{suffix}",
            "size": size,
            "sha256": sha256,
        }

    def _spread(self, number: int) -> str:
        return self.urls[number % len(self.urls)]

    def _ask(self, command: str) -> Any:
        reply = self._exchange(command)
        if "mistake" in reply:
            raise UserError(reply["mistake"])
        return reply["value"]

    def _exchange(self, message: object) -> dict[str, Any]:
        try:
            self._line.sendall(json.dumps(message).encode() + b"\n")
            line = self._replies.readline()
        except TimeoutError:
            raise OriginError(f"the origin did not answer within {ANSWER_LIMIT:g} s") from None
        except (OSError, ValueError) as error:
            raise OriginError(f"the origin's process is out of reach: {error}") from error
        if not line.endswith(b"\n"):
            raise OriginError(f"the origin's process ended: {_ending(self._process)}")
        reply: dict[str, Any] = json.loads(line)
        return reply


@contextlib.contextmanager
def serve(settings: Settings | None = None) -> Iterator[Origin]:
    """Run an origin as long as the context lasts; its process ends with it, or with its parent."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "conlab.origin.server", str(listener.getsockname()[1])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": _path_to_conlab()},
        )
        stack.callback(_end, process)
        line = stack.enter_context(_accepted(listener, process))
        line.settimeout(ANSWER_LIMIT)
        listener.close()
        replies = stack.enter_context(line.makefile("rb"))
        yield Origin(settings or Settings(), process, line, replies)


def _accepted(listener: socket.socket, process: subprocess.Popen[bytes]) -> socket.socket:
    listener.settimeout(0.1)
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit:
        with contextlib.suppress(TimeoutError):
            return listener.accept()[0]
        if process.poll() is not None:
            raise OriginError(f"the origin's process did not start: {_ending(process)}")
    raise OriginError(f"the origin's process did not start within {START_LIMIT:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process, which was hung up on; kill it if it does not end."""
    try:
        process.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _ending(process: subprocess.Popen[bytes]) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return f"exit status {process.wait(END_LIMIT)}; see its messages on the standard error"
    return "it hung up, and is still there"


def _path_to_conlab() -> str:
    root = str(Path(conlab.__file__).parent.parent)
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")


def _check_count(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UserError(f"{name} is {value!r}: it should be a whole number from 1 to {most:,}")
