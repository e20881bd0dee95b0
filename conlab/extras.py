"""What a command needs beyond the standard library and pytest, and how to get it."""

from collections.abc import Iterator
from contextlib import contextmanager

from conlab.content import IN_CLONE
from conlab.errors import UserError


@contextmanager
def needing(command: str, extra: str) -> Iterator[None]:
    """Import what a command needs. Raises UserError that says how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "conlab").partition(".")[0] == "conlab":
            raise
        raise UserError(f"{command} needs {error.name}: {how_to_install(extra)}") from None


def how_to_install(extra: str) -> str:
    """The line that installs what is missing."""
    if IN_CLONE:
        return "python3 -m conlab.install in the clone installs it"
    return f"pip install 'concurrency-lab[{extra}]'"
