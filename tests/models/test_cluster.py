"""The cluster's pool where it does not come to stand: one sentence, and no more at the exit."""

import atexit
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import Any, NoReturn

import pytest

from workloads.models import cluster

distributed = pytest.importorskip("distributed")


@pytest.fixture
def unregistered(monkeypatch: pytest.MonkeyPatch) -> list[Callable[..., Any]]:
    """What is no longer done at the exit; nothing is really left undone, or unsaid."""
    taken: list[Callable[..., Any]] = []
    monkeypatch.setattr(atexit, "unregister", taken.append)
    monkeypatch.setattr(cluster, "unsaid", lambda *_: None)
    return taken


def failing(error: BaseException) -> Callable[..., NoReturn]:
    def start(**_: Any) -> NoReturn:
        raise error

    return start


def test_a_worker_that_dies_while_the_cluster_starts_is_said_in_a_sentence(
    unregistered: list[Callable[..., Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "LocalCluster", failing(RuntimeError("Nanny failed")))
    with pytest.raises(BrokenExecutor, match=r"^a worker process died while the cluster started$"):
        cluster.started(1, 1)
    assert unregistered == [distributed.deploy.spec.close_clusters]


def test_ctrl_c_while_the_cluster_starts_leaves_nothing_to_be_closed_at_the_exit(
    unregistered: list[Callable[..., Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "LocalCluster", failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        cluster.started(1, 1)
    assert unregistered == [distributed.deploy.spec.close_clusters]
