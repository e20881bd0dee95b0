"""On what the threads of a program run: real threads, or greenlets where they will do."""

from conlab.errors import UserError
from conlab.explorer.threads import greenlets
from conlab.explorer.threads.scheduler import Scheduler
from conlab.explorer.threads.thread_bound import locals_outside
from conlab.extras import how_to_install

ENGINES = ("threads", "greenlets")


def choose_engine(scheduler: Scheduler, name: str) -> None:
    """Have threads run on the engine of this name. Raises UserError for one that there is not."""
    if name not in ENGINES:
        raise UserError(f"there is no engine {name!r}: say 'threads' or 'greenlets'")
    if name == "threads":
        return
    if greenlets.FREE_THREADED:
        raise UserError("greenlets need a build of Python with a GIL: say engine='threads'")
    if greenlets.library() is None:
        raise UserError(f"the engine greenlets needs greenlet: {how_to_install('fast')}")
    scheduler.use_greenlets(locals_outside)
