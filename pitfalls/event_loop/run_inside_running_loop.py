"""Run inside a running loop: a convenient wrapper starts a loop, and its caller is in one already.

Symptom: "RuntimeError: asyncio.run() cannot be called from a running event loop", in a notebook or
in a web server; the same lines work as a script.

Why: A thread runs one event loop at a time. A library's function for those who have no loop starts
one with asyncio.run(); a coroutine, and each cell of a notebook, is run by a loop that is there.

Fix: Await the coroutine itself. Where only a plain function can be called, call it in another
thread: await asyncio.to_thread(ask, question).

Detect: ruff with all rules (RUF029); flake8-async (ASYNC124); python ("RuntimeError: asyncio.run()
cannot be called from a running …"); python -X dev, asyncio debug and -W error ("RuntimeWarning:
coroutine 'ask_async' was never awaited"). A test of the result fails.

Source: https://github.com/ollama/ollama-python/issues/35 and
https://github.com/crewAIInc/crewAI/issues/6978

Run: python run_inside_running_loop.py broken|fixed; conlab study run_inside_running_loop
"""

import asyncio
import sys

FAILURE = "exception"
SHOWS = "raised RuntimeError: asyncio.run() cannot be called from a running event loop"
EVIDENCE = "judged"
BUILDS_ON = ("forgotten_await",)
LOST = ("coroutine 'ask_async' was never awaited",)


def broken() -> str:
    async def cell_of_a_notebook() -> str:
        return ask("six times seven")

    return asyncio.run(cell_of_a_notebook())


def fixed() -> str:
    async def cell_of_a_notebook() -> str:
        return await ask_async("six times seven")

    return asyncio.run(cell_of_a_notebook())


def holds(answer: str) -> bool:
    """The question has been answered."""
    return answer == "six times seven is 42"


def ask(question: str) -> str:
    """Ask the service, for those who have no event loop."""
    return asyncio.run(ask_async(question))


async def ask_async(question: str) -> str:
    """Ask the service, which answers after a turn of the loop."""
    await asyncio.sleep(0)
    return f"{question} is 42"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The service says {(answer := side())!r}:", "right" if holds(answer) else "wrong")
