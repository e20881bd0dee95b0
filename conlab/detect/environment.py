"""The environment of the tools: its own, so that no tool's requirements meet those of the lab.

It lies in the clone in ``.conlab/detectors`` (else in the user's cache), one for each build of
Python, and has for each tool what `tools.py` says. A tool that cannot be had is left out.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from conlab.catalogue.pitfall import this_build
from conlab.detect.tools import TOOLS, Tool
from conlab.errors import UserError
from conlab.versus.sides import environments

FOLDER = environments.CACHE.parent / "detectors"


def python() -> Path:
    """The Python of the tools' environment, be it there or not."""
    return environments.python_in(FOLDER / this_build())


def install(say: Callable[[str], None]) -> dict[str, str]:
    """Make the environment and install each tool; return, by tool, why one could not be had."""
    place = python()
    if not place.exists():
        say(f"Making an environment in {place.parents[1]}")
        place.parents[1].parent.mkdir(parents=True, exist_ok=True)
        if said := environments.run([sys.executable, "-m", "venv", str(place.parents[1])]):
            raise UserError(f"the environment of the tools could not be made: {said}")
    wanted = {tool.name: requirements(tool) for tool in TOOLS if requirements(tool)}
    say(f"Installing {', '.join(wanted)}")
    failed = {}
    every = sorted({each for needed in wanted.values() for each in needed})
    if environments.pip(place, "--upgrade", *every):  # one that has none keeps all others out
        for name, needed in wanted.items():
            if said := environments.pip(place, "--upgrade", *needed):
                failed[name] = said
    if "pyright" not in failed:
        say("Having pyright fetch its own part from the npm registry")
        if said := _warm_pyright(place):
            failed["pyright"] = said
    return failed


def requirements(tool: Tool) -> tuple[str, ...]:
    """What is to be installed for a tool; nothing for one that comes with Python or with conlab."""
    return tool.requirements or ((tool.package,) if tool.package else ())


def versions() -> dict[str, str]:
    """The version of each tool that can be run here, by its name."""
    import conlab  # not at the top: the version of what is installed is asked when it is needed

    there = _installed()
    found = {}
    for tool in TOOLS:
        if tool.ours:
            found[tool.name] = conlab.__version__
        elif not there:
            continue
        elif not tool.package:
            if all(_plain(each) in there for each in tool.requirements):
                found[tool.name] = f"Python {sys.version.split()[0]}"
        elif _plain(tool.package) in there:
            found[tool.name] = there[_plain(tool.package)]
    return found


def absent() -> dict[str, str]:
    """Why each tool that is not there is not."""
    there = versions()
    return {
        tool.name: "not installed: `conlab detect --install`"
        for tool in TOOLS
        if tool.name not in there
    }


def _installed() -> Mapping[str, str]:
    script = (
        "import json; from importlib.metadata import distributions as d;"
        "print(json.dumps({x.metadata['Name'].lower().replace('_', '-'): x.version for x in d()}))"
    )
    try:
        done = subprocess.run(
            [python(), "-I", "-c", script], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _plain(requirement: str) -> str:
    return requirement.partition("[")[0].lower().replace("_", "-")


def _warm_pyright(place: Path) -> str:
    cache = place.parents[1] / "pyright"
    settings = {"PYRIGHT_PYTHON_CACHE_DIR": str(cache), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        return environments.run([str(place), "-m", "pyright", "--version"])
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
