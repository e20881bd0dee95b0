"""Runs other programs: each found by name, ended when it takes too long, its complaints kept."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from conlab.bench.peers import PeerAbsent, PeerFailed

LIMIT = 100.0  # seconds that a round of a peer may take


def found(program: str, package: str) -> str:
    """The path of a program; raises PeerAbsent, which names the Debian package to install."""
    path = shutil.which(program)
    if path is None:
        raise PeerAbsent(f"{program} is not installed: apt-get install {package}")
    return path


def version_of(program: str, *arguments: str) -> str:
    """The first number with dots in it that the program says of itself."""
    said = run([program, *arguments])
    version = re.search(r"\d+(?:\.\d+)+", said)
    if version is None:
        raise PeerFailed(f"{program} {' '.join(arguments)} names no version: {said:.200}")
    return version[0]


def run(
    command: Sequence[str],
    stdin: str = "",
    env: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """The standard output of a command run in ``folder``.

    Raises PeerFailed, with what it said on its errors, unless it ends well and in time.
    """
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
            env=env,
            cwd=folder,
        )
    except subprocess.TimeoutExpired:
        raise PeerFailed(f"{command[0]} did not end within {LIMIT:g} s") from None
    if done.returncode != 0:
        raise PeerFailed(f"{command[0]} ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout
