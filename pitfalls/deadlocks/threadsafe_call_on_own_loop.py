"""Thread-safe call on one's own loop: the loop's thread waits for what only the loop can do.

Symptom: The server answers nobody any more, from the first request that takes this path; or one
TimeoutError after another, where somebody gave result() a time limit.

Why: run_coroutine_threadsafe() is for other threads. It hands the coroutine to the loop, and
result() blocks the thread that calls it. If that is the loop's own thread, the loop does not turn
any more, and the coroutine never begins.

Fix: Await it, so that the loop turns meanwhile: asyncio.wrap_future() makes of that future one to
be awaited. Code that is on the loop in any case awaits the coroutine itself.

Detect: ruff with all rules (RUF029); flake8-async (ASYNC124); pytest-timeout and faulthandler's
dump_traceback_later(), whose stacks show `return found.result()`; blockbuster ("BlockingError:
Blocking call to lock.acquire").

Source: https://github.com/crewAIInc/crewAI/issues/6742 and
https://github.com/empicano/aiomqtt/issues/174

Run: python threadsafe_call_on_own_loop.py broken|fixed; conlab study threadsafe_call_on_own_loop
"""

import asyncio
import faulthandler
import sys

FAILURE = "deadlock"
SHOWS = "hung"
EVIDENCE = "explored"
BUILDS_ON = ("blocking_call_in_coroutine",)
STUCK_AT = ("return found.result()",)


def broken() -> str:
    async def page() -> str:
        loop = asyncio.get_running_loop()
        found = asyncio.run_coroutine_threadsafe(look_up("plums"), loop)
        return found.result()

    return asyncio.run(page())


def fixed() -> str:
    async def page() -> str:
        loop = asyncio.get_running_loop()
        found = asyncio.run_coroutine_threadsafe(look_up("plums"), loop)
        return await asyncio.wrap_future(found)

    return asyncio.run(page())


def holds(price: str) -> bool:
    """The price has come."""
    return price == "plums: 3"


async def look_up(fruit: str) -> str:
    """The price of a fruit, after a turn of the loop."""
    await asyncio.sleep(0)
    return f"{fruit}: 3"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    if side is broken:
        print("This will hang; its stacks follow in a second.", flush=True)
        faulthandler.dump_traceback_later(1, exit=True)
    right = "right" if side is fixed else "right, this time: nothing forced the order"
    print(f"{(price := side())}:", right if holds(price) else "wrong")
