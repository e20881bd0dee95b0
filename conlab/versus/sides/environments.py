"""Python environments for sides that run on another Python, or with another library.

They are made once and kept, in the clone in ``.conlab/environments``. Each is built under another
name and then renamed, so one that was only half made is never used.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from conlab.bench.layout import is_installable
from conlab.content import IN_CLONE
from conlab.errors import UserError
from conlab.scratch import LOCK, is_held, lock_in
from conlab.versus.sides.side import ROOT


def cache() -> Path:
    """Where they are kept: in the clone, else in the user's cache; a user may have no home."""
    if IN_CLONE:
        return ROOT / ".conlab" / "environments"
    home = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111
    return (home if home.is_absolute() else Path(tempfile.gettempdir())) / "conlab-environments"


CACHE = cache()
MOST_KEPT = 8
ABANDONED = 3600.0  # seconds after which one goes of which no lock says whether it is made still
LIMIT = 600.0  # seconds that pip or venv may take
UNFINISHED = "unfinished-"
VERSIONS = {  # for tools that ask git for a project's version, where there is no git
    "SETUPTOOLS_SCM_PRETEND_VERSION": "0.0.0",
    "PDM_BUILD_SCM_VERSION": "0.0.0",
    "POETRY_DYNAMIC_VERSIONING_BYPASS": "0.0.0",
    "UV_DYNAMIC_VERSIONING_BYPASS": "0.0.0",
}
NOT_MIRRORED = {"concurrency-lab", "pip", "setuptools", "wheel", "mypy", "ruff"}


def with_requirement(requirement: str, say: Callable[[str], None] = lambda _: None) -> Path:
    """The Python of an environment like the running one, but for the library that is asked for.

    It has the running one's libraries behind its own: so nothing else differs.
    """
    key = ("requirement", requirement, sys.executable, sys.version)

    def make(python: Path) -> None:
        say(f"Making an environment with {requirement}, once: this may take a minute")
        put_behind(python)
        said = pip(python, requirement)
        if said:
            raise UserError(f"{requirement}: pip could not install it, and said: {said}")

    return cached(key, Path(sys.executable), make)


def with_python(python: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """An environment of that Python with the libraries of the running one, at the same versions.

    A Python that has an environment of its own is taken as it is. A library of which no wheel can
    be had is left out: the cells that need it will say so.
    """
    version = ask(python, "import sys; print(sys.version)")
    prefixes = ask(python, "import sys; print(sys.prefix != sys.base_prefix)")
    numbers = tuple(map(int, version.split()[0].split(".")[:2]))
    if numbers < (3, 11):
        raise UserError(f"{python} is Python {version.split()[0]}; 3.11 or newer is needed")
    if prefixes == "True":
        if ask(python, "import importlib.util as u; print(bool(u.find_spec('psutil')))") != "True":
            raise UserError(
                f"{python} lacks psutil, which measures: {python} -m pip install psutil"
            )
        return python
    pins = sorted(
        f"{name}=={one.version}"
        for one in importlib.metadata.distributions()
        if (name := str(one.metadata["Name"])).lower() not in NOT_MIRRORED
    )
    key = ("python", str(python.resolve()), version, *pins)

    def make(made: Path) -> None:
        say(f"Making an environment of {python} with the same libraries, once: some minutes")
        if said := pip(made, "psutil"):  # first: without a network, no other can be had either
            raise UserError(f"{python}: pip could not install the libraries, and said: {said}")
        install_wheels(made, pins)

    return cached(key, python, make)


def with_project(root: Path, name: str, say: Callable[[str], None] = lambda _: None) -> Path:
    """The Python of an environment into which the project in that folder is installed.

    It has what the project asks for, and behind that the libraries of the running environment.
    """
    key = ("project", digest(root), sys.executable, sys.version)

    def make(python: Path) -> None:
        say(f"Installing {name} into an environment of its own, once: this may take minutes")
        put_behind(python)
        wanted = [str(root)] if is_installable(root) else []
        if (root / "requirements.txt").is_file():
            wanted += ["--requirement", str(root / "requirements.txt")]
        if said := (uv if shutil.which("uv") else pip)(python, *wanted):
            raise UserError(f"{name} could not be installed, and what installs it said: {said}")

    return cached(key, Path(sys.executable), make)


def digest(root: Path) -> str:
    """What tells the contents of a folder from others'."""
    found = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            found.update(f"{path.relative_to(root)} {path.stat().st_mode & 0o111}\0".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def put_behind(python: Path) -> None:
    """Put the libraries of the running environment behind those of another of the same Python."""
    behind = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    lines = [f"import site; site.addsitedir({path!r})" for path in behind]
    purelib = Path(ask(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    (purelib / "behind.pth").write_text("\n".join(lines) + "\n", "utf-8")


def install_wheels(python: Path, pins: Sequence[str]) -> None:
    """Install what has a wheel for that Python, if need be of another version, and no more.

    One that has none keeps all out that are asked for with it: so it is found by halving.
    """
    if not pip(python, "--only-binary=:all:", *pins):
        return
    if len(pins) == 1:
        pip(python, "--only-binary=:all:", pins[0].partition("==")[0])
        return
    for half in (pins[: len(pins) // 2], pins[len(pins) // 2 :]):
        install_wheels(python, half)


def cached(key: Iterable[str], base: Path, make: Callable[[Path], None]) -> Path:
    """The Python of the environment of that key; made with ``base`` if it is not there."""
    name = hashlib.sha256(json.dumps(list(key)).encode()).hexdigest()[:16]
    kept = CACHE / name
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        tidy()
        with (
            tempfile.TemporaryDirectory(
                prefix=UNFINISHED, dir=CACHE, ignore_cleanup_errors=True
            ) as folder,
            lock_in(Path(folder)),
        ):
            made = Path(folder) / "made"
            said = run([str(base), "-m", "venv", str(made)])
            if said:
                raise UserError(
                    f"{base} could not make a virtual environment, and said: {said}"
                    " (on Debian and Ubuntu: apt install python3-venv)"
                )
            make(python_in(made))
            with suppress(OSError):  # another run made the same one meanwhile
                made.rename(kept)
    os.utime(kept)
    return python_in(kept)


def tidy() -> None:
    """Remove what was abandoned, and the environments that have not been used for longest."""
    folders = sorted(CACHE.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    finished = [path for path in folders if not path.name.startswith(UNFINISHED)]
    abandoned = [path for path in folders if path not in finished and is_abandoned(path)]
    for path in [*finished[MOST_KEPT - 1 :], *abandoned]:
        shutil.rmtree(path, ignore_errors=True)


def is_abandoned(unfinished: Path) -> bool:
    """Say whether nobody makes that environment any more: nobody holds its lock."""
    if (unfinished / LOCK).exists():
        return not is_held(unfinished / LOCK)
    return unfinished.stat().st_mtime < time.time() - ABANDONED


def python_in(environment: Path) -> Path:
    """Where an environment has its Python."""
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def ask(python: Path, script: str) -> str:
    """What a script prints under that Python; raises UserError if it does not run."""
    try:
        ended = subprocess.run(
            [python, "-I", "-c", script], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(f"{python} is no Python that starts: {error}") from None
    if ended.returncode:
        said = ended.stderr.strip().splitlines() or ["nothing"]
        raise UserError(f"{python} is no Python that starts; it said: {said[0]}")
    return ended.stdout.strip()


def pip(python: Path, *what: str) -> str:
    """Install; return why not, or nothing if that worked."""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries=1", "--timeout=15"]
    return run([str(python), "-m", "pip", "install", *quiet, *what])


def uv(python: Path, *what: str) -> str:
    """Install by uv; return why not, or nothing if that worked."""
    return run(["uv", "pip", "install", "--quiet", "--python", str(python), *what])


def run(command: list[str]) -> str:
    """Run a command that may start others; return its last line if it failed, else nothing."""
    apart: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=os.environ | VERSIONS,
        **apart,
    ) as process:
        try:
            said, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            kill_group(process)
            return f"nothing within {LIMIT:g} s"
        except BaseException:  # Ctrl-C
            kill_group(process)
            raise
    if not process.returncode:
        return ""
    lines: list[str] = [line for line in said.splitlines() if line.strip()] or ["nothing"]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines)[-1].removeprefix("ERROR: ")


def kill_group(process: "subprocess.Popen[str]") -> None:
    """Kill a process with those that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
