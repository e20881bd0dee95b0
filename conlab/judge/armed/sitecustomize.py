"""Arms a Python process of a judged tree: stacks on request, what it shares, the trace gate.

Python imports a module of this name by itself, in children started by any means, which is how the
judge sees into processes that it did not start. Then the reader's own sitecustomize has its turn.
"""

import contextlib
import faulthandler
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any


def answer_with_stacks() -> None:
    """Write the stacks of all threads to a file of this process whenever SIGUSR1 comes.

    faulthandler writes them in C, so that a process stuck anywhere still answers. The descriptor
    is a bare one: a file object would be warned about at exit under -X dev.
    """
    stacks = Path(os.environ["CONLAB_JUDGE"], f"{os.getpid()}.stacks")
    faulthandler.register(signal.SIGUSR1, os.open(stacks, os.O_CREAT | os.O_WRONLY | os.O_APPEND))


def take_note_of_segments() -> None:
    """Write down the name of each segment of shared memory that this process opens.

    Segments lie in a folder of the whole machine, and no name there tells whose they are.
    """
    try:
        opener: Any = importlib.import_module("_posixshmem")
    except ImportError:  # a build without shared memory
        return
    notes = Path(os.environ["CONLAB_JUDGE"], "segments")
    really_open = opener.shm_open

    def shm_open(path: str, *how: Any, **other: Any) -> Any:
        descriptor = really_open(path, *how, **other)
        with notes.open("a") as file:
            file.write(path.removeprefix("/") + "\n")
        return descriptor

    opener.shm_open = shm_open


if "CONLAB_JUDGE" in os.environ:
    answer_with_stacks()
    take_note_of_segments()
    os.register_at_fork(after_in_child=answer_with_stacks)
if "CONLAB_GATE" in os.environ:
    importlib.import_module("conlab_gate").close()  # the file beside this one

here = str(Path(__file__).parent)
sys.path[:] = [folder for folder in sys.path if folder != here]
ours = sys.modules.pop(__name__)
with contextlib.suppress(ModuleNotFoundError):
    importlib.import_module(__name__)  # another one, if there is one
sys.modules.setdefault(__name__, ours)
