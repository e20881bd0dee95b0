"""On what the threads of a program run: greenlets where they will do, and else real threads."""

from conlab.errors import UserError
from conlab.explorer.threads import greenlets
from conlab.explorer.threads.scheduler import Scheduler
from conlab.explorer.threads.thread_bound import locals_outside
from conlab.extras import how_to_install

# Executions on real threads, before greenlets are made: that takes longer than they do.
WORTH_IT = 30
ENGINES = ("threads", "greenlets")


def choose_engine(scheduler: Scheduler, name: str | None) -> None:
    """Have threads run on the engine of this name; None is greenlets where there are any.

    Raises UserError for one that there is not.
    """
    if name not in (None, *ENGINES):
        raise UserError(f"there is no engine {name!r}: say 'threads' or 'greenlets'")
    if name == "greenlets" and greenlets.FREE_THREADED:
        raise UserError("greenlets need a build of Python with a GIL: say engine='threads'")
    if name == "greenlets" and greenlets.library() is None:
        raise UserError(f"the engine greenlets needs greenlet: {how_to_install('fast')}")
    if name != "threads" and greenlets.library() is not None:
        after = 0 if name == "greenlets" else WORTH_IT
        scheduler.use_greenlets(locals_outside, after)
