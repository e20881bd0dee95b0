"""Default executor starvation: other calls have all of its threads, and no name is looked up.

Symptom: "DNS timeouts" under load, though every name server answers at once.

Why: asyncio looks names up in the loop's default executor, a pool of 5 to 32 threads, and so does
to_thread(). When calls that last have them all, the look-up waits in the queue behind, and every
new connection with it.

Fix: An executor of one's own for calls that may last.

Detect: pytest-timeout by its thread method and faulthandler's dump_traceback_later(), whose stacks
show `return asyncio.run(serve())`.

Source: https://github.com/python/cpython/issues/112169 and
https://github.com/home-assistant/architecture/issues/171

Run: python default_executor_starvation.py broken|fixed; conlab study default_executor_starvation
"""

import asyncio
import faulthandler
import sys
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "judged"
STUCK_AT = ("return asyncio.run(serve())", "return inbox.get()")

LISTENERS = 33  # one more than the default executor ever has threads


def broken() -> str:
    async def serve() -> str:
        inbox: SimpleQueue[str] = SimpleQueue()
        call = asyncio.get_running_loop().run_in_executor
        listening = [call(None, listen, inbox) for _ in range(LISTENERS)]
        address = await look_up("127.0.0.1")
        await dismiss(inbox, listening)
        return address

    return asyncio.run(serve())


def fixed() -> str:
    async def serve() -> str:
        inbox: SimpleQueue[str] = SimpleQueue()
        call = asyncio.get_running_loop().run_in_executor
        with ThreadPoolExecutor(LISTENERS) as own:
            listening = [call(own, listen, inbox) for _ in range(LISTENERS)]
            address = await look_up("127.0.0.1")
            await dismiss(inbox, listening)
        return address

    return asyncio.run(serve())


def holds(address: str) -> bool:
    """The name was looked up."""
    return address == "127.0.0.1"


def listen(inbox: "SimpleQueue[str]") -> str:
    """Wait for the next message, which may be long in coming."""
    return inbox.get()


async def look_up(name: str) -> str:
    """The address of that name, as any client asks for it that opens a connection."""
    loop = asyncio.get_running_loop()
    [(*_, address), *_] = await loop.getaddrinfo(name, 80)
    return str(address[0])


async def dismiss(inbox: "SimpleQueue[str]", listening: "list[asyncio.Future[str]]") -> None:
    """Give every listener its last message, and wait until all have it."""
    for _ in listening:
        inbox.put("goodbye")
    await asyncio.gather(*listening)


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    print(f"The address is {(address := side())}:", "right" if holds(address) else "wrong")
