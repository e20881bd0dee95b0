"""Eager task order: the task has ended before its maker could note that it began.

Symptom: After a switch to eager tasks, finished tasks stay in the table of those that run; or
a task does not find what its maker sets a line later.

Why: With asyncio.eager_task_factory, create_task() runs the task up to its first wait before it
returns. What stands after create_task() comes later than what the task does first; if it need not
wait, later than all that it does.

Fix: Do not rely on either order. What has to come first stands before create_task(), and what has
to come last in a callback, which is never called at once.

Detect: none known. A test of the result fails.

Source: https://github.com/Sendspin/aiosendspin/pull/267 and
https://github.com/python/cpython/issues/124309

Run: python eager_task_order.py broken|fixed; conlab study eager_task_order
"""

import asyncio
import sys

FAILURE = "leak"
SHOWS = "returned ['logo']"
EVIDENCE = "judged"
VERSIONS = {"<3.12": {"HARMLESS": True}}  # which has no eager tasks

CACHE = {"logo": "<svg>"}


def broken() -> list[str]:
    async def serve() -> list[str]:
        begin_tasks_at_once()
        loading: dict[str, asyncio.Task[str]] = {}

        async def load(name: str) -> str:
            picture = CACHE.get(name) or await download(name)
            loading.pop(name, None)
            return picture

        loading["logo"] = asyncio.create_task(load("logo"))
        await asyncio.wait(loading.values())
        return sorted(loading)

    return asyncio.run(serve())


def fixed() -> list[str]:
    async def serve() -> list[str]:
        begin_tasks_at_once()
        loading: dict[str, asyncio.Task[str]] = {}

        async def load(name: str) -> str:
            return CACHE.get(name) or await download(name)

        loading["logo"] = asyncio.create_task(load("logo"))
        loading["logo"].add_done_callback(lambda _: loading.pop("logo"))
        await asyncio.wait(loading.values())
        return sorted(loading)

    return asyncio.run(serve())


def holds(loading: list[str]) -> bool:
    """What was loaded is no longer loading."""
    return loading == []


def begin_tasks_at_once() -> None:
    """Have this loop begin each task where it is made; before Python 3.12 none can."""
    if sys.version_info >= (3, 12):
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)


async def download(name: str) -> str:
    """What is not in the cache comes a turn of the loop later."""
    await asyncio.sleep(0)
    return f"<img {name}>"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"Still loading {(loading := side())}:", "right" if holds(loading) else "wrong")
