"""Folders for what a run writes for itself; those of killed runs are removed by the next one.

A run that lives holds a lock on a file in its folder, and the system lets go of it when the last of
its processes is gone. A process id would not tell: another container counts its own.
"""

import contextlib
import multiprocessing.util
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

try:
    import fcntl

    LOCKS = True
except ImportError:  # on Windows: a killed run's folder stays
    LOCKS = False

PREFIX = "conlab-"
LOCK = ".conlab-lock"  # no name that anybody else gives to a file
HOME = "CONLAB_SCRATCH"  # the variable
AFTER_ITS_OWN = -200  # multiprocessing removes its folder at exit with a priority of -100
LONGEST_PATH = 70  # characters: the path of a socket below it, 32 longer, may have 103

held: dict[Path, int] = {}  # the folders, and the process that made each


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder in the system's temporary one, removed at the end."""
    sweep(tempfile.gettempdir())
    made, owner = Path(tempfile.mkdtemp(prefix=PREFIX)), os.getpid()
    held[made] = owner
    try:
        with lock_in(made):
            yield made
    finally:
        if owner == os.getpid():  # in a forked child, this runs when the child drops what it got
            shutil.rmtree(made, ignore_errors=True)
            del held[made]


@cache
def hold_helpers_files(within: str | None = None) -> str:
    """Have what multiprocessing and Dask write beside this process lie in a folder of ours.

    They use the system's temporary folder, where nobody would remove it after a kill. ``within``,
    or a variable of the environment, names the folder of a process that ends this one by a kill.
    """
    home = within or os.environ.get(HOME)
    if home is None:
        until_exit = contextlib.ExitStack()
        home = str(until_exit.enter_context(scratch_folder()))
        multiprocessing.util.Finalize(None, until_exit.close, exitpriority=AFTER_ITS_OWN)
    os.environ.setdefault("DASK_TEMPORARY_DIRECTORY", home)
    if len(home) <= LONGEST_PATH:
        before, tempfile.tempdir = tempfile.tempdir, home
        try:
            multiprocessing.util.get_temp_dir()  # made at the first call, and kept
        finally:
            tempfile.tempdir = before
    return home


@contextlib.contextmanager
def lock_in(made: Path) -> Iterator[None]:
    """Hold the lock; the file has its name only when it is held, so that no sweep comes between."""
    if not LOCKS:
        yield
        return
    new = made / f"{LOCK}-new"
    with new.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        new.rename(made / LOCK)
        yield


@cache  # once a process is enough: a judge makes hundreds of folders
def sweep(temporary: str) -> None:
    """Remove the folders whose runs are gone."""
    if not LOCKS:
        return
    for lock in Path(temporary).glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), lock.open("r+") as file:  # held, another user's, gone
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def is_held(lock: Path) -> bool:
    """Say whether the run that made the lock lives, or may live: nobody can tell on Windows."""
    if not LOCKS:
        return True
    try:
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def remove_held() -> None:
    """Remove this process's folders now: it ends without unwinding."""
    for made, owner in tuple(held.items()):
        if owner == os.getpid():
            shutil.rmtree(made, ignore_errors=True)
