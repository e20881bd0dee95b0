"""Start method assumed: the child is taken to know what the parent set, as it did under fork.

Symptom: A worker computes with the defaults, not with what the command line said; or "Can't pickle
local object". It worked on Linux, and fails on macOS, on Windows, and on Linux from Python 3.14 on.

Why: fork copies the parent's memory as it is. Under spawn and forkserver, one of which is now the
default everywhere, a child imports the modules anew. Each global is there what the lines of its
module make of it, and the child gets nothing else but what is sent to it.

Fix: Send what the child needs, as an argument or by the pool's initializer.

Detect: none known. A test of the result fails.

Source: https://github.com/python/cpython/issues/126831 and
https://github.com/ungoogled-software/ungoogled-chromium/pull/3866

Run: python start_method_assumption.py broken|fixed; conlab study start_method_assumption
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

FAILURE = "wrong result"
SHOWS = "returned '12 EUR'"
EVIDENCE = "judged"
BUILDS_ON = ("missing_main_guard",)

SPAWN = multiprocessing.get_context("spawn")

settings = {"currency": "EUR"}


def broken() -> str:
    configure("CHF")
    with ProcessPoolExecutor(1, SPAWN) as pool:
        return pool.submit(price, 12).result()


def fixed() -> str:
    configure("CHF")
    with ProcessPoolExecutor(1, SPAWN, configure, ("CHF",)) as pool:
        return pool.submit(price, 12).result()


def holds(text: str) -> bool:
    """The price is in the currency that was set."""
    return text == "12 CHF"


def configure(currency: str) -> None:
    """Set the currency of this process, as the command line asks for it."""
    settings["currency"] = currency


def price(amount: int) -> str:
    """The amount in the currency that is set."""
    return f"{amount} {settings['currency']}"


if __name__ == "__main__":
    side = {"broken": broken, "fixed": fixed}.get(sys.argv[-1]) or sys.exit(__doc__)
    print(f"The price in CHF: {(text := side())}:", "right" if holds(text) else "wrong")
