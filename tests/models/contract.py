"""What the tests of the models' contract share: how to open a model's pool and name its work."""

from contextlib import AbstractContextManager
from typing import Any

from conlab.bench.discovery import Model
from tests.models import jobs

IN_FLIGHT = 4
WORKERS = 2

SETTINGS = {
    "in_flight": IN_FLIGHT,
    "workers": WORKERS,
    "start_method": "forkserver",
    "loop": "asyncio",
    "cluster": "local",
}


def opened(model: Model, client: Any = None, **settings: Any) -> AbstractContextManager[Any]:
    """The model's pool with the settings that it asks for."""
    chosen = SETTINGS | settings
    pool: AbstractContextManager[Any] = model.module.pool(
        client, **{name: chosen[name] for name in model.settings()}
    )
    return pool


def work(model: Model, name: str) -> Any:
    """The job of that name as the model runs it."""
    functions = model.functions()
    return jobs.WORK[name][functions[0] if len(functions) == 1 else "hybrid"]


def at_once(model: Model) -> int:
    """How many jobs the pool may have under way at once."""
    names = model.settings()
    if "in_flight" in names:
        return IN_FLIGHT
    return WORKERS if "workers" in names else 1
