"""What a program imports while it runs: imported outside of the explorer's control, and told of.

A module that is imported in an execution would keep the controlled locks that it makes then, and
its loading would be steps of that execution and of no other. So it is loaded as if it had been
imported before: its locks are real at first, and nothing of it is stepped.
"""

import importlib
import sys
from _thread import get_ident
from collections.abc import Callable
from typing import Any

from conlab.explorer.threads.primitives import untraced
from conlab.explorer.threads.scheduler import Scheduler

BOOTSTRAP: Any = importlib._bootstrap
Modules = list[tuple[str, str]]  # name and file of each


def replacement(
    scheduler: Scheduler, loaded: Callable[[Modules], None]
) -> tuple[Any, str, Callable[..., Any]]:
    """Give what takes the place of the function that finds and loads a module.

    ``loaded`` is called with what has come with it, before the program can use it.
    """
    original = BOOTSTRAP._find_and_load
    idents = scheduler.idents

    @untraced
    def load(name: str, *rest: Any) -> Any:
        before = set(sys.modules)
        ident = get_ident()
        idents.discard(ident)  # meanwhile everything is what it is outside
        try:
            with scheduler.aside():
                module = original(name, *rest)
                loaded(
                    [
                        (new, file)
                        for new in sys.modules.keys() - before
                        if isinstance(file := getattr(sys.modules[new], "__file__", None), str)
                    ]
                )
        finally:
            idents.add(ident)
        return module

    def find_and_load(name: str, *rest: Any) -> Any:
        if get_ident() in idents and not scheduler.over:
            return load(name, *rest)
        return original(name, *rest)

    return BOOTSTRAP, "_find_and_load", find_and_load
