"""Shared client session: two tasks ask over one connection, and the second gets in the first's way.

Symptom: "another operation is in progress", "concurrent operations are not permitted", or another
one's answer; only when two requests overlap.

Why: A session, and the connection below it, is one conversation: it remembers what was asked and
reads what comes next. A task that asks while another one waits for its answer breaks into that.

Fix: A session for each task, as a pool of connections gives them out.

Detect: python ("RuntimeError: readuntil() called while another coroutine is …"). A test of the
result fails.

Source: https://github.com/sqlalchemy/sqlalchemy/issues/10092 and
https://github.com/MagicStack/asyncpg/issues/863

Run: python shared_client_session.py broken|fixed; conlab study shared_client_session
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

FAILURE = "exception"
SHOWS = (
    "raised RuntimeError: "
    "readuntil() called while another coroutine is already waiting for incoming data"
)
EVIDENCE = "judged"

Session = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def broken() -> list[str]:
    async def ask_twice() -> list[str]:
        async with server() as connect:
            one = await connect()
            answers = await asyncio.gather(ask(one, "Ada"), ask(one, "Bob"))
            return list(answers)

    return asyncio.run(ask_twice())


def fixed() -> list[str]:
    async def ask_twice() -> list[str]:
        async with server() as connect:
            one, other = await connect(), await connect()
            answers = await asyncio.gather(ask(one, "Ada"), ask(other, "Bob"))
            return list(answers)

    return asyncio.run(ask_twice())


def holds(answers: list[str]) -> bool:
    """Each has the answer to its own question."""
    return answers == ["hello Ada", "hello Bob"]


async def ask(session: Session, name: str) -> str:
    """Send a line, and read the line that comes back."""
    reader, writer = session
    writer.write(f"{name}\n".encode())
    return (await reader.readline()).decode().strip()


class Greeter(asyncio.Protocol):
    """The server's side of a connection: a greeting for every line."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer."""
        for name in data.splitlines():
            self.transport.write(b"hello " + name + b"\n")


@asynccontextmanager
async def server() -> AsyncIterator[Callable[[], Awaitable[Session]]]:
    """A server, as the function that connects to it."""
    sessions: list[Session] = []

    async def connect() -> Session:
        sessions.append(await asyncio.open_connection(*listening.sockets[0].getsockname()))
        return sessions[-1]

    loop = asyncio.get_running_loop()
    async with await loop.create_server(Greeter, "127.0.0.1", 0) as listening:
        try:
            yield connect
        finally:
            for _, writer in sessions:
                writer.close()
                await writer.wait_closed()


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The answers are {(answers := side())}:", "right" if holds(answers) else "wrong")
