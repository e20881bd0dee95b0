"""The Python and the machine on which something was run for a page, as its last part shows them."""

import datetime
import platform
from collections.abc import Iterator

from conlab.bench.settings import gil_enabled, python_build, usable_cores
from conlab.explorer import Witness


def here() -> Iterator[tuple[str, str]]:
    """Names and values of what a verdict that was found just now depends on."""
    yield "Python", python_build()
    yield "GIL", "on" if gil_enabled() else "off"
    yield "usable cores", str(usable_cores())
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    yield "run", datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def of_witness(witness: Witness) -> Iterator[tuple[str, str]]:
    """Names and values of what a saved witness says of where it was found."""
    yield "witness of", witness.program
    yield "found on Python", witness.python
    yield "reading", witness.reading
