"""Starts an origin in a process of its own, talks to it, and ends it."""

import contextlib
import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import conlab
from conlab.errors import UserError
from conlab.origin.files import LARGEST, file_sha256, file_target
from conlab.origin.log import Log, OriginError
from conlab.origin.settings import Settings

START_LIMIT = 60.0
ANSWER_LIMIT = 60.0
END_LIMIT = 5.0


class Origin:
    """A running origin. It takes one caller at a time; any of its calls may raise OriginError."""

    def __init__(self, settings: Settings, pid: int, line: "_Line", hello: dict[str, Any]) -> None:
        self.settings = settings
        self.pid = pid
        self.urls = tuple(f"http://127.0.0.1:{port}/" for port in hello["ports"])
        self.refusing_url = f"http://127.0.0.1:{hello['refusing port']}/"
        self._ask = line.ask

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


@contextlib.contextmanager
def serve(settings: Settings | None = None) -> Iterator[Origin]:
    """Run an origin as long as the context lasts; its process ends with it, or with its parent.

    Raises UserError where aiohttp is absent, OriginError where the process does not start.
    """
    if importlib.util.find_spec("aiohttp") is None:
        raise UserError(
            "the origin is served by aiohttp, which is not installed here: pip install aiohttp"
        )
    settings = settings or Settings()
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        process = _started()
        stack.callback(_end, process)
        token = secrets.token_hex()
        port = listener.getsockname()[1]
        _tell(process, {"settings": settings.to_json(), "port": port, "token": token})
        line, hello = _called_back(listener, process, token)
        stack.callback(line.hang_up)
        listener.close()
        yield Origin(settings, process.pid, line, hello)


class _Line:
    """The connection to the origin's process: a JSON line to ask, a JSON line to answer."""

    def __init__(self, connection: socket.socket, process: subprocess.Popen[bytes]) -> None:
        connection.settimeout(ANSWER_LIMIT)
        self._connection = connection
        self._received = connection.makefile("rb")
        self._process = process
        self._asked = 0

    def ask(self, command: str) -> Any:
        self._asked += 1
        try:
            self._connection.sendall(json.dumps([self._asked, command]).encode() + b"\n")
            reply = self.read()
            while reply["to"] != self._asked:  # one that Ctrl-C kept from being read
                reply = self.read()
        except TimeoutError:
            raise OriginError(f"the origin did not answer within {ANSWER_LIMIT:g} s") from None
        except OSError as error:
            raise OriginError(f"the origin's process is out of reach: {error}") from error
        if "mistake" in reply:
            raise UserError(reply["mistake"])
        return reply["value"]

    def read(self) -> dict[str, Any]:
        line = self._received.readline()
        if not line.endswith(b"\n"):
            raise OriginError(f"the origin's process hung up: {_state(self._process)}")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):  # it hung up first
            # Closing would not do: children that were forked meanwhile hold the connection too.
            self._connection.shutdown(socket.SHUT_RDWR)
        self._received.close()
        self._connection.close()


def _started() -> subprocess.Popen[bytes]:
    """The origin's process, in a group of its own: Ctrl-C is for the parent, which hangs up."""
    root = str(Path(conlab.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-P", "-m", "conlab.origin.server"]
    environment = os.environ | {"PYTHONPATH": path}
    pipe, null = subprocess.PIPE, subprocess.DEVNULL
    if sys.platform == "win32":
        apart = subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(
            command, stdin=pipe, stdout=null, env=environment, creationflags=apart
        )
    return subprocess.Popen(command, stdin=pipe, stdout=null, env=environment, process_group=0)


def _tell(process: subprocess.Popen[bytes], asked: dict[str, Any]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(json.dumps(asked).encode() + b"\n")


def _called_back(
    listener: socket.socket, process: subprocess.Popen[bytes], token: str
) -> tuple[_Line, dict[str, Any]]:
    """The line on which the process calls back, and its hello; strangers are hung up on."""
    listener.settimeout(0.1)
    limit = time.monotonic() + START_LIMIT
    while time.monotonic() < limit:
        try:
            line = _Line(listener.accept()[0], process)
        except TimeoutError:
            if process.poll() is None:
                continue
            raise OriginError(f"the origin did not start: {_state(process)}") from None
        with contextlib.suppress(OriginError, OSError, ValueError):
            hello = line.read()
            if secrets.compare_digest(str(hello.get("token")), token):
                return line, hello
        line.hang_up()
    raise OriginError(f"the origin did not start within {START_LIMIT:g} s")


def _state(process: subprocess.Popen[bytes]) -> str:
    try:
        return f"it ended with status {process.wait(1.0)}; the standard error may say why"
    except subprocess.TimeoutExpired:
        return "it is there still"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the process, which was hung up on; kill it if it does not end."""
    try:
        process.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for line in lines:
            file.write(json.dumps(line) + "\n")


def _check_count(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise UserError(f"{name} is {value!r}: it should be a whole number from 1 to {most:,}")
