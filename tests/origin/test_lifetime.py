"""An origin lives as long as its context, or its parent, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from conlab.errors import UserError
from conlab.origin import OriginError, Settings, process, serve
from tests.patience import patience

LIMIT = 30.0  # seconds after which what should have ended counts as never ending

PARENT = """
import os, sys, time
from conlab.origin import serve
with serve() as origin:
    child = os.fork() if "fork" in sys.argv else 0
    if child or "fork" not in sys.argv:
        print(origin.pid, child, *origin.urls, flush=True)
    time.sleep(120)
"""

# The origin imports Pillow where it makes its photos: on its loop, which this holds up.
PILLOW_THAT_NEVER_LOADS = """
import os, time
open(os.environ["LOADING"], "x").close()
time.sleep(600)
"""

PARENT_OF_A_BLOCKED_ORIGIN = """
import socket, sys, time
from urllib.parse import urlsplit
from conlab.origin import serve
with serve() as origin:
    address = urlsplit(origin.urls[0])
    line = socket.create_connection((address.hostname, address.port))
    line.sendall(b"GET /photos/0.jpg HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    print(origin.pid, flush=True)
    time.sleep(600)
"""

# In a process of its own, as pytest has a thread (of faulthandler), beside which none should fork.
CHILD_THAT_OUTLIVES_THE_CONTEXT = """
import os, signal, subprocess, time
from conlab.origin import serve

def refuse(process):
    raise AssertionError("the origin had to be killed")

subprocess.Popen.kill = refuse
child = 0
try:
    with serve() as origin:
        child = os.fork()
        if not child:
            time.sleep(120)
            os._exit(0)
finally:
    if child:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
"""


def is_gone(pid: int) -> bool:
    """Whether a process runs no more; one that its new parent has yet to reap does not run."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(pid: int) -> None:
    limit = time.monotonic() + patience(LIMIT)
    while not is_gone(pid):
        assert time.monotonic() < limit, f"process {pid} is there still"
        time.sleep(0.02)


def refuses(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=patience(5)).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.fixture
def parent(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A script that serves an origin, and the words that it prints."""
    command = [sys.executable, "-c", PARENT, *getattr(request, "param", [])]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as script:
        assert script.stdout is not None
        try:
            yield script, script.stdout.readline().split()
        finally:
            script.kill()


Parent = tuple[subprocess.Popen[str], list[str]]


def test_the_origin_is_gone_after_its_parent_was_killed(parent: Parent) -> None:
    script, (pid, _, *urls) = parent
    script.kill()
    script.wait(patience(LIMIT))
    wait_until_gone(int(pid))
    assert all(refuses(url) for url in urls)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
@pytest.mark.parametrize("parent", [["fork"]], indirect=True)
def test_the_origin_is_gone_though_a_forked_child_of_its_parent_lives_on(parent: Parent) -> None:
    script, (pid, child, *_) = parent
    try:
        script.kill()
        wait_until_gone(int(pid))
        assert not is_gone(int(child))
    finally:
        os.kill(int(child), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="there a parent's number outlives it")
def test_an_origin_whose_loop_is_held_up_is_gone_after_its_parent_was_killed(
    tmp_path: Path,
) -> None:
    (tmp_path / "PIL").mkdir()
    (tmp_path / "PIL" / "__init__.py").write_text(PILLOW_THAT_NEVER_LOADS)
    loading = tmp_path / "loading"
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "LOADING": str(loading)}
    command = [sys.executable, "-c", PARENT_OF_A_BLOCKED_ORIGIN]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, text=True, env=environment) as parent:
        assert parent.stdout is not None
        try:
            pid = int(parent.stdout.readline())
            limit = time.monotonic() + patience(LIMIT)
            while not loading.exists():
                assert time.monotonic() < limit, "the origin never came to its photos"
                time.sleep(0.02)
            assert not is_gone(pid)
        finally:
            parent.kill()
    wait_until_gone(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to interrupt")
def test_ctrl_c_is_for_the_parent_and_the_origin_ends_without_a_word(parent: Parent) -> None:
    script, (pid, *_) = parent
    os.killpg(script.pid, signal.SIGINT)
    _, errors = script.communicate(timeout=patience(LIMIT))
    assert is_gone(int(pid))
    assert errors.count("Traceback") == 1
    assert errors.endswith("KeyboardInterrupt\n")


def test_nothing_is_left_of_an_origin_after_its_context() -> None:
    here = psutil.Process()
    count = here.num_handles if sys.platform == "win32" else here.num_fds
    # Of what other tests left some may end meanwhile.
    files, threads, children = count(), set(threading.enumerate()), set(here.children())
    with serve(Settings(sites=3)) as origin:
        assert {httpx.get(url, trust_env=False).status_code for url in origin.urls} == {200}
        assert not is_gone(origin.pid)
        assert set(threading.enumerate()) <= threads  # a fork beside threads would be unsafe
        for connection in here.net_connections():
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip != "127.0.0.1"
    assert count() <= files
    assert set(threading.enumerate()) <= threads
    assert set(here.children()) <= children
    assert not psutil.pid_exists(origin.pid)
    assert all(refuses(url) for url in origin.urls)


def test_an_error_in_the_context_ends_the_origin_too() -> None:
    with pytest.raises(ZeroDivisionError), serve() as origin:
        raise ZeroDivisionError
    assert not psutil.pid_exists(origin.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_an_origin_ends_of_itself_while_a_forked_child_holds_its_line() -> None:
    command = [sys.executable, "-c", CHILD_THAT_OUTLIVES_THE_CONTEXT]
    script = subprocess.run(command, capture_output=True, text=True, timeout=patience(LIMIT))
    assert (script.returncode, script.stderr) == (0, "")


def test_two_origins_at_once_have_ports_and_contents_of_their_own(client: httpx.Client) -> None:
    with serve(Settings(seed=1)) as first, serve(Settings(seed=2)) as second:
        urls = [*first.urls, *second.urls, first.refusing_url, second.refusing_url]
        assert len(set(urls)) == 10
        target = "files/1?size=1000"
        assert client.get(first.urls[0] + target) != client.get(second.urls[0] + target)
        assert len(first.take_log().served) == len(second.take_log().served) == 1


def test_an_origin_that_was_killed_is_an_error_at_the_next_call() -> None:
    with serve() as origin:
        psutil.Process(origin.pid).kill()
        with pytest.raises(OriginError, match=r"hung up|out of reach"):
            origin.take_log()
    assert not psutil.pid_exists(origin.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_an_origin_that_hangs_is_an_error_within_the_time_limit_and_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limit = patience(0.5)  # its start answers within that, too
    monkeypatch.setattr(process, "ANSWER_LIMIT", limit)
    monkeypatch.setattr(process, "END_LIMIT", 0.5)
    with serve() as origin:
        os.kill(origin.pid, signal.SIGSTOP)
        with pytest.raises(OriginError, match=f"did not answer within {limit:g} s"):
            origin.take_log()
    assert not psutil.pid_exists(origin.pid)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /bin/false")
def test_an_origin_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(OriginError, match="did not start: it ended with status 1"), serve():
        pass


def test_a_stranger_that_calls_back_first_is_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, client: httpx.Client
) -> None:
    strangers = []
    tell = process._tell

    def tell_after_strangers(started: subprocess.Popen[bytes], asked: dict[str, Any]) -> None:
        for greeting in (b"", b"GET / HTTP/1.1\r\n\r\n", b'{"token": "x", "ports": []}\n'):
            stranger = socket.create_connection(
                ("127.0.0.1", asked["port"]), timeout=patience(LIMIT)
            )
            stranger.sendall(greeting)
            stranger.shutdown(socket.SHUT_WR)
            strangers.append(stranger)
        tell(started, asked)

    monkeypatch.setattr(process, "_tell", tell_after_strangers)
    with serve() as origin:
        assert client.get(origin.urls[0]).status_code == 200
    for stranger in strangers:
        with stranger:
            assert stranger.recv(1) == b""


def test_without_aiohttp_the_refusal_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match="served by aiohttp, which is not installed"), serve():
        pass
