"""Puts what is modelled where the program looks for it, and takes it away again."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from conlab.explorer.programs import importing
from conlab.explorer.tasks import modelling as modelling_of_tasks
from conlab.explorer.tasks.foreign_loops import Uvloop
from conlab.explorer.tasks.known_tasks import KnownTasks
from conlab.explorer.threads import clocks, executors, thread_bound, thread_pools
from conlab.explorer.threads import modelling as modelling_of_threads
from conlab.explorer.threads.ambient_state import AmbientState
from conlab.explorer.threads.scheduler import Scheduler
from conlab.explorer.witnesses.deadlocks import deadlock_of


@contextmanager
def modelled(scheduler: Scheduler, program: Any, tasks: KnownTasks) -> Iterator[AmbientState]:
    """Let the program's threads and tasks use what is modelled for as long as the context lasts.

    Yields the state outside the program, to be set back before each execution.
    """
    with ExitStack() as stack:
        replaced, kept = {}, {}
        submitting = executors.Submitting(scheduler)
        for target, name, replacement in itertools.chain(
            thread_bound.replacements(scheduler),
            modelling_of_threads.replacements(scheduler),
            thread_pools.replacements(scheduler),
            executors.replacements(scheduler, submitting),
            modelling_of_tasks.replacements(scheduler, tasks),
        ):
            original = getattr(target, name, None)
            if target is time or (target, name) == (threading, "current_thread"):
                kept[original] = replacement
            if callable(replacement) and not isinstance(target, type) and original is not None:
                replaced[original] = replacement
            stack.enter_context(mock.patch.object(target, name, replacement, create=True))

        uvloop = Uvloop(scheduler, tasks.running)
        stack.callback(uvloop.restore)
        stack.enter_context(clocks.virtual_dates(scheduler))
        stack.enter_context(clocks.replaced_where_kept(kept, program))

        forget_pools = thread_pools.forgetting()
        stack.callback(forget_pools)
        hooks = threading.excepthook, threading.__excepthook__

        def begin() -> None:
            modelling_of_threads.begin()
            submitting.reset()
            forget_pools()
            threading.excepthook, threading.__excepthook__ = hooks
            modelling_of_tasks.begin()
            tasks.begin()
            uvloop.look()

        scheduler.at_begin = begin
        scheduler.before_exit = submitting
        scheduler.at_exit = modelling_of_threads.exit_program
        scheduler.at_end = tasks.at_end
        scheduler.who_runs = tasks.running
        scheduler.who_is = tasks.on
        scheduler.deadlock = lambda: deadlock_of(scheduler)
        ambient_state = AmbientState(scheduler, replaced)
        scheduler.is_permanent = ambient_state.knows
        stack.callback(ambient_state.restore)
        ambient_state.find(program)

        def loaded(modules: importing.Modules) -> None:
            taken = [each for each in modules if scheduler.takes(*each)]
            scheduler.imported.extend(taken)
            ambient_state.adopt(name for name, _ in taken)
            for name, _ in modules:
                ambient_state.keep_in_its_package(name)
            uvloop.look()

        stack.enter_context(mock.patch.object(*importing.replacement(scheduler, loaded)))
        yield ambient_state
