"""The peak memory of a process that downloads a number of files: does it grow with the number?

Run as ``python -m conlab.bench.peers.memory MODEL IN_FLIGHT MANIFEST FOLDER``; it prints the peak
in bytes and how many jobs gave a result.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import conlab
from conlab.bench import discovery
from conlab.bench.discovery import Cell
from conlab.bench.peers import PeerFailed, programs
from conlab.bench.running import opened

GOAL = 8 * 1024 * 1024  # bytes that the larger number of jobs may take more than the smaller


@dataclass(frozen=True, slots=True)
class Grown:
    """Peaks in bytes of two fresh processes that did ``few`` and ``many`` jobs."""

    cell: str
    few: int
    many: int
    few_peak: int
    many_peak: int

    @property
    def growth(self) -> int:
        """Bytes by which the peak rose."""
        return self.many_peak - self.few_peak


def peak_of_fresh_process(model: str, in_flight: int, manifest: Path, folder: Path) -> int:
    """Bytes that a new process held at most while it did all jobs of the manifest."""
    root = str(Path(conlab.__file__).parent.parent)
    arguments = [model, str(in_flight), str(manifest), str(folder)]
    said = programs.run(
        [sys.executable, "-m", "conlab.bench.peers.memory", *arguments],
        env=os.environ | {"PYTHONPATH": root},
    )
    peak, saved = map(int, said.split())
    with manifest.open(encoding="utf-8") as lines:
        expected = sum(1 for _ in lines)
    if saved != expected:
        raise PeerFailed(f"{model}: {saved} of {expected} files were saved")
    return peak


def peak_memory() -> int:
    """The most bytes that this process ever held in memory."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux its maximum is that of the parent at first, across fork and exec.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def main() -> None:
    """Do the jobs of a manifest in this process, as a cell of the matrix does them."""
    model_name, in_flight, manifest, folder = sys.argv[1:]
    workload = next(w for w in discovery.workloads() if w.name == "download_files")
    model = next(m for m in discovery.models() if m.name == model_name)
    settings: dict[str, Any] = {"in_flight": int(in_flight), "loop": "asyncio", "cluster": "local"}
    jobs = workload.hook("jobs")
    with opened(
        Cell(workload, model), lambda: jobs(Path(manifest), Path(folder)), settings
    ) as cell:
        result, tally = cell.counting()
    print(peak_memory(), len(result) - tally.failed)


if __name__ == "__main__":
    main()
