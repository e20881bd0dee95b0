"""curl, which downloads files side by side: what download_files is compared with."""

import hashlib
import json
import shlex
from pathlib import Path

from conlab.bench.peers import Peer, PeerAbsent, Round, programs, timed

OLDEST = (7, 68)  # has --parallel and --parallel-immediate
CONFIG = "curl.config"


def candidates(manifest: Path, folder: Path, in_flight: int) -> list[Peer]:
    """curl over the files of ``manifest`` into ``folder``, with and without --parallel-immediate.

    Without, curl waits to see whether a connection may be shared before it opens another. A
    round's result is [(name, size, SHA-256)]. Raises PeerAbsent.
    """
    programs.found("curl", "curl")
    version = programs.version_of("curl", "--version")
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        raise PeerAbsent(f"curl {version} has no --parallel-immediate: install 7.68 or newer")
    entries = [json.loads(line) for line in manifest.read_text("utf-8").splitlines()]
    (folder / CONFIG).write_text(
        "".join(
            f'url = "{entry["url"]}"\noutput = {json.dumps(entry["name"])}\n' for entry in entries
        ),
        "utf-8",
    )
    names = [entry["name"] for entry in entries]

    def peer(more: list[str], tuning: str) -> Peer:
        command = ["curl", "--disable", "--silent", "--show-error", "--fail", "--parallel"]
        command += ["--parallel-max", str(in_flight), *more, "--config", CONFIG]

        def run() -> Round:
            seconds = timed(lambda: programs.run(command, folder=folder)).seconds
            return Round(seconds, [saved(folder / name) for name in names])

        tuning = f"HTTP/1.1 keep-alive; {tuning}; its process start counts"
        return Peer("curl", version, shlex.join(command), tuning, run)

    return [
        peer([], "faster than with --parallel-immediate"),
        peer(["--parallel-immediate"], "faster than without --parallel-immediate"),
    ]


def saved(path: Path) -> tuple[str, int, str]:
    """What is on disk; the file is taken away, so that no round finds the one before it."""
    content = path.read_bytes()
    path.unlink()
    return path.name, len(content), hashlib.sha256(content).hexdigest()
