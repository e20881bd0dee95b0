"""What only the processes' model promises."""

import sys

import psutil
import pytest

from tests.models import jobs
from workloads.models import processes


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to lose")
def test_an_idle_worker_ends_when_told_although_no_signal_ends_its_wait() -> None:
    """Its pool joins it, without a limit, when another worker was killed."""
    with processes.pool(None, workers=2, start_method="forkserver") as run:
        (pid,) = run(jobs.tell_idle_worker_to_end, [0])
        jobs.wait_until(lambda: not psutil.pid_exists(pid))
        assert list(run(jobs.square, range(3))) == [0, 1, 4]
