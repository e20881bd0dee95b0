"""The tools that may find a mistake, run on one side of a pitfall: what each of them says of it."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from conlab.catalogue.pitfall import Pitfall
from conlab.errors import UserError
from conlab.judge import judge_command
from conlab.scratch import scratch_folder

Run = Callable[[Pitfall, str], str]  # of one side: what the tool says

LIMIT = 20.0  # seconds for a tool that runs the side
PTRACE_SCOPE = Path("/proc/sys/kernel/yama/ptrace_scope")
PYTEST_TIMEOUT = {"broken": 1, "fixed": 10}  # seconds; the broken side is known to need them all


def report(tool: str, pitfall: Pitfall, side: str) -> str:
    """What the tool says of one side. Raises UserError for a tool that is unknown or not there."""
    if tool not in TOOLS:
        raise UserError(f"{pitfall.path} names {tool!r} to detect it; known are {', '.join(TOOLS)}")
    return TOOLS[tool].run(pitfall, side)


def missing(tool: str) -> str:
    """Why the tool cannot run here; empty when it can."""
    detector = TOOLS.get(tool)
    if detector is None:
        return ""  # and who asks for its report is told which there are
    if detector.module and importlib.util.find_spec(detector.module) is None:
        return f"{detector.module} is not installed"
    return detector.refused()


@dataclass(frozen=True)
class Detector:
    """A tool: ``run`` gives what it says of one side of a pitfall.

    ``module`` must be installed for it, and ``refused`` says why this system does not let it run,
    or nothing.
    """

    run: Run
    module: str = ""
    refused: Callable[[], str] = str


def _ruff(pitfall: Pitfall, side: str) -> str:
    codes = pitfall.detect["ruff"]
    options = [
        "--isolated",
        "--preview",
        "--ignore-noqa",
        "--output-format=json",
        "--select",
        codes,
    ]
    found = json.loads(_output(sys.executable, "-m", "ruff", "check", *options, str(pitfall.path)))
    lines = _lines(pitfall, side)
    return "\n".join(f["code"] for f in found if f["location"]["row"] in lines)


def _mypy(pitfall: Pitfall, side: str) -> str:
    lines = _lines(pitfall, side)
    said = _all_that_mypy_says(pitfall.path, pitfall.detect["mypy"])
    found = re.findall(r":(\d+): (?:error|note): (.*)", said)
    return "\n".join(what for line, what in found if int(line) in lines)


@cache  # one run of mypy, which takes seconds, speaks of both sides
def _all_that_mypy_says(path: Path, code: str) -> str:
    """mypy reads a copy of the file that does not tell it to ignore the mistake."""
    with scratch_folder() as folder:
        copy = folder / path.name
        copy.write_text(re.sub(r"# type: ignore\[[\w-]+\]", "", path.read_text()))
        options = ["--strict", "--enable-error-code", code, "--cache-dir", os.devnull]
        return _output(sys.executable, "-m", "mypy", *options, str(copy))


def _script(*options: str, environment: Mapping[str, str] | None = None) -> Run:
    """Run the file as a reader would, with options of Python's or of its environment.

    What these report, they report before the side hangs; faulthandler, which has none, after.
    """
    settings = [f"{name}={value}" for name, value in (environment or {}).items()]

    def run(pitfall: Pitfall, side: str) -> str:
        command = ["env", *settings, sys.executable, *options, str(pitfall.path), side]
        return _contained(pitfall, *command, await_the_tool=not (options or settings))

    return run


def _pytest(*options: str, timeout: bool = False) -> Run:
    """Run a test that calls the side, and asserts nothing, in a pytest with these options."""

    def run(pitfall: Pitfall, side: str) -> str:
        with scratch_folder() as folder:
            test = folder / "test_side.py"
            test.write_text(
                f"import sys\nsys.path.insert(0, {str(pitfall.path.parent)!r})\n"
                f"from {pitfall.name} import {side}\n\ndef test_side():\n    {side}()\n"
            )
            limit = [f"--timeout={PYTEST_TIMEOUT[side]}", "--timeout-method=thread"] * timeout
            return _contained(
                pitfall,
                *("env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1"),
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--rootdir={folder}"),
                *(*options, *limit, str(test)),
            )

    return run


def _pstree(pitfall: Pitfall, side: str) -> str:
    """The task tree of the running side, once it stays the same, or nothing if the side ends."""
    folder = str(pitfall.path.parent)
    call = f"import sys; sys.path.insert(0, {folder!r}); import {pitfall.name} as p; p.{side}()"
    with subprocess.Popen([sys.executable, "-c", call]) as running:
        try:
            seen = tree = ""
            until = time.monotonic() + LIMIT
            while running.poll() is None and not (tree and tree == seen):
                if time.monotonic() > until:
                    return ""
                seen = tree
                tree = _output(sys.executable, "-m", "asyncio", "pstree", str(running.pid))
            return tree if running.poll() is None else ""
        finally:
            running.kill()


def _pstree_refused() -> str:
    if importlib.util.find_spec("asyncio.tools") is None:
        return "asyncio has pstree from Python 3.14 on"
    if os.geteuid() != 0 and PTRACE_SCOPE.exists() and PTRACE_SCOPE.read_text().strip() != "0":
        return "this system lets only root look into another process"
    return ""


def _contained(pitfall: Pitfall, *command: str, await_the_tool: bool = True) -> str:
    """What a command prints that runs a side, with the order that is declared.

    A side that hangs is ended by the tool, or else as soon as it stands where it is declared to.
    """
    judgement = judge_command(
        command,
        file=pitfall.path,
        limit=LIMIT,
        stuck_at=() if await_the_tool else pitfall.stuck_at,
        meet=pitfall.meet,
        order=pitfall.order,
        at_rest=pitfall.at_rest,
    )
    return judgement.stdout + judgement.stderr


def _output(*command: str) -> str:
    """What a command prints; the tools exit with 1 when they find something."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout


def _lines(pitfall: Pitfall, side: str) -> range:
    module = ast.parse(pitfall.path.read_text())
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name == side:
            return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    raise UserError(f"{pitfall.path} lacks a function {side}()")


TOOLS: Mapping[str, Detector] = {
    "ruff": Detector(_ruff, "ruff"),
    "mypy": Detector(_mypy, "mypy"),
    "python -X dev": Detector(_script("-X", "dev")),
    "asyncio debug": Detector(_script(environment={"PYTHONASYNCIODEBUG": "1"})),
    "faulthandler": Detector(_script()),
    "pytest -W error": Detector(_pytest("-W", "error"), "pytest"),
    "pytest-timeout": Detector(_pytest("-p", "pytest_timeout", timeout=True), "pytest_timeout"),
    "python -m asyncio pstree": Detector(_pstree, refused=_pstree_refused),
}
