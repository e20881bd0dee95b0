"""Connection shared across fork: two workers send over the connection that their parent opened.

Symptom: "decryption failed or bad record mac", or a server that hangs up; never with one worker.

Why: fork() copies the client's own state, and leaves the socket in common. The workers number their
messages alike, so that the server sees one connection which says all twice.

Fix: Connect in the worker, after the fork: for instance in the initializer of a pool.

Detect: none known. A test of the result fails.

Source: https://github.com/celery/celery/issues/1564

Run: python connection_shared_across_fork.py broken|fixed;
conlab study connection_shared_across_fork
"""

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.queues import SimpleQueue
from socket import socket
from socketserver import BaseRequestHandler, ThreadingTCPServer

FAILURE = "wrong result"
SHOWS = "returned ['accepted', 'bad number']"
EVIDENCE = "judged"
BUILDS_ON = ("rng_duplicated_by_fork",)

FORK = multiprocessing.get_context("fork")


def broken() -> list[str]:
    with server() as address, Client(address) as client:

        def work(answers: "SimpleQueue[str]") -> None:
            answers.put(client.ask())

        return answers_to_two(work)


def fixed() -> list[str]:
    with server() as address:

        def work(answers: "SimpleQueue[str]") -> None:
            with Client(address) as client:
                answers.put(client.ask())

        return answers_to_two(work)


def holds(answers: list[str]) -> bool:
    """Both workers were served."""
    return answers == ["accepted", "accepted"]


class Client(socket):
    """A connection that numbers its messages, as TLS does."""

    sent = 0

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__()
        self.connect(address)

    def ask(self) -> str:
        """Send one message, and wait for the answer."""
        self.sent += 1
        self.sendall(bytes([self.sent]))
        return "accepted" if self.recv(1) == b"+" else "bad number"


def answers_to_two(work: Callable[["SimpleQueue[str]"], None]) -> list[str]:
    """Do the work in two processes at once; the answers that they got."""
    answers = FORK.SimpleQueue()
    workers = [FORK.Process(target=work, args=(answers,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sorted(answers.get() for _ in workers)


class NumbersExpected(BaseRequestHandler):
    """What the server does with a connection: it takes the messages that have the next number."""

    def handle(self) -> None:
        """Answer until the other end hangs up."""
        for number, message in enumerate(iter(partial(self.request.recv, 1), b""), 1):
            self.request.sendall(b"+" if message[0] == number else b"-")


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """A server in a process of its own; its address."""
    with ThreadingTCPServer(("127.0.0.1", 0), NumbersExpected) as listener:
        process = FORK.Process(target=listener.serve_forever, daemon=True)
        process.start()
        try:
            yield listener.socket.getsockname()
        finally:
            process.kill()
            process.join()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Two workers: {(answers := side())}:", "right" if holds(answers) else "wrong")
