"""What a process of a side can say and do of itself: its libraries, the core that it runs on."""

from contextlib import suppress

import psutil


def libraries() -> dict[str, str]:
    """The versions of the libraries that are installed here, by name."""
    import importlib.metadata  # not for each pair

    return {
        str(one.metadata["Name"]): one.version
        for one in reversed(list(importlib.metadata.distributions()))  # the first found counts
    }


def stay_on(core: int) -> None:
    """Let this thread run on that core only, where the system has a way to say so."""
    with suppress(AttributeError, OSError):
        psutil.Process().cpu_affinity([core])
