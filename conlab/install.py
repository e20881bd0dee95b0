"""Makes the clone's virtual environment: ``python3 -m conlab.install``, from the clone's root.

It needs nothing but Python with venv and pip. What the suite cannot do without is installed first;
then the libraries that only some cells need, or the comparison of two versions, if the package
index has wheels for this build of Python. Where it lacks one (yet), each is tried alone: the cells
of one that is not to be had are absent, and the rest runs. Run again, it installs what is missing.
"""

import argparse
import subprocess
import sys
import venv
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # it came with 3.11
    sys.exit(f"conlab.install: this is Python {sys.version.split()[0]}; 3.11 or newer is needed")

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
NEEDED = ["suite", "tests"]  # extras without which nothing runs here
OPTIONAL = {  # an extra whose libraries need not be there, and what is lost without one
    "cells": "the cells that need it will be absent",
    "fast": "the explorer will have no greenlets to run threads on",
    "history": "conlab history will not mark changes",
    "report": "no page can be made",
    "versus": "no model will be named a leader, and two versions cannot be compared",
}
WHEELS = ("--only-binary=:all:",)  # nothing is compiled for a library that need not be there


def main(arguments: list[str] | None = None) -> int:
    """Make the environment, or fill the running one; return the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m conlab.install", description=__doc__)
    parser.add_argument("--here", action="store_true", help="install into the running environment")
    parser.add_argument(
        "--with",
        dest="extras",
        action="append",
        default=[],
        metavar="EXTRA",
        help="install an extra of pyproject.toml besides: docs, lint, package or peers; may be"
        " repeated",
    )
    options = parser.parse_args(arguments)
    if not (ROOT / "pyproject.toml").is_file():
        return complain(f"this is for a clone of Concurrency Lab, and {ROOT} is none")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    if unknown := set(options.extras) - set(extras):
        parser.error(f"--with {unknown.pop()}: it should be one of {', '.join(sorted(extras))}")
    python = Path(sys.executable) if options.here else environment()
    if python is None:
        return 1
    chosen = [*NEEDED, *options.extras]
    needed = ["--editable", f"{ROOT}[{','.join(chosen)}]"]
    wanted = [requirement for name in chosen for requirement in extras[name]]
    if not complete(python, wanted) and not pip(python, *needed):
        return complain("the packages that the suite needs could not be installed")
    optional = {library: loss for extra, loss in OPTIONAL.items() for library in extras[extra]}
    if not pip(python, *WHEELS, *optional, quiet=True):  # one of them: which?
        for library, loss in optional.items():
            if not pip(python, *WHEELS, library, quiet=True):
                print(
                    f"{library!r} could not be had (no wheel for this Python, or no network):"
                    f" {loss}."
                )
    return 0


def complete(python: Path, requirements: list[str]) -> bool:
    """Say whether all is there already: without a network, pip could not even look."""
    script = "import importlib.metadata as m; m.version('concurrency-lab')"
    installed = subprocess.run([python, "-c", script], capture_output=True, check=False)
    return not installed.returncode and pip(
        python, "--no-index", "--dry-run", *requirements, quiet=True
    )


def environment() -> Path | None:
    """The Python of the clone's virtual environment, made if it is not there."""
    folder = "Scripts" if sys.platform == "win32" else "bin"
    python = ENVIRONMENT / folder / ("python.exe" if sys.platform == "win32" else "python")
    if works(python):
        return python
    print(f"Making a virtual environment of {sys.version.split()[0]} in {ENVIRONMENT}")
    try:
        venv.create(ENVIRONMENT, with_pip=True, clear=ENVIRONMENT.exists())
    except subprocess.CalledProcessError:
        complain("venv could not install pip; on Debian and Ubuntu: apt install python3-venv")
        return None
    except OSError as error:
        complain(f"the virtual environment could not be written: {error}")
        return None
    return python


def works(python: Path) -> bool:
    """Say whether that Python starts and has pip."""
    try:
        return not subprocess.run(
            [python, "-m", "pip", "--version"], capture_output=True, check=False
        ).returncode
    except OSError:
        return False


def pip(python: Path, *what: str, quiet: bool = False) -> bool:
    """Install; say whether that worked. ``quiet`` keeps pip's reasons to itself."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if sys.platform != "win32":
        command.append("--root-user-action=ignore")
    return not subprocess.run(
        [*command, *what], check=False, stderr=subprocess.DEVNULL if quiet else None
    ).returncode


def complain(sentence: str) -> int:
    """Say what is wrong; return the exit status for it."""
    print(f"conlab.install: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
