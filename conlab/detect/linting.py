"""Asks the tools that read code and run nothing: one process for all pitfalls and both sides.

They read copies without the comments that suppress the mistake. What they say about style, names,
documentation or types that are unknown is left out: it is no word on the mistake.
"""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conlab.catalogue.pitfall import Pitfall
from conlab.detect.cells import Cell
from conlab.detect.places import places, unsuppressed
from conlab.errors import UserError
from conlab.scratch import scratch_folder

LIMIT = 600.0  # seconds for one linter on all files


@dataclass(frozen=True)
class Said:
    """What a linter said: of which file, at which line, under which code."""

    file: str
    line: int
    code: str


Parse = Callable[[str], Iterator[Said]]


@dataclass(frozen=True)
class Lint:
    """How a linter is asked: ``python -m`` and these words, in the folder of the files."""

    command: tuple[str, ...]
    parse: Parse
    about_style: str = r"(?!)"  # codes that are about style; by default none
    files: Mapping[str, str] = field(default_factory=dict)  # its configuration, by name

    def __str__(self) -> str:
        """What the reader would type."""
        return " ".join(
            [*self.command, *(f"({name}: {text})" for name, text in self.files.items())]
        )


def lint(python: Path, how: Lint, pitfalls: Sequence[Pitfall]) -> dict[str, Cell]:
    """What the linter says of each pitfall. Raises UserError if it does not run."""
    with scratch_folder() as folder:
        for name, text in how.files.items():
            (folder / name).write_text(text, "utf-8")
        for pitfall in pitfalls:
            copy = folder / pitfall.path.name
            copy.write_text(unsuppressed(pitfall.path.read_text("utf-8")), "utf-8")
        files = sorted(pitfall.path.name for pitfall in pitfalls)
        said = _parsed(how, _output(python, [*how.command, *files], folder))
    by_file: dict[str, list[Said]] = {name: [] for name in files}
    for each in said:
        by_file.setdefault(Path(each.file).name, []).append(each)
    return {str(each): weighed(each, by_file[each.path.name], how) for each in pitfalls}


def weighed(pitfall: Pitfall, said: Sequence[Said], how: Lint) -> Cell:
    """What of a linter's words counts: by code, more often of the broken side than of the fixed."""
    counted = [each for each in said if not re.match(how.about_style, each.code)]
    broken, fixed = places(pitfall, "broken"), places(pitfall, "fixed")
    of_fixed = Counter(each.code for each in counted if each.line in fixed.own)
    of_broken = Counter(each.code for each in counted if each.line in broken.mistake)
    alarms = {each.code for each in counted if each.line in fixed.mistake}
    return Cell(tuple(sorted(of_broken - of_fixed)), tuple(sorted(alarms)))


def _parsed(how: Lint, output: str) -> list[Said]:
    try:
        return list(how.parse(output))
    except (ValueError, KeyError, TypeError) as error:
        first = (output.strip().splitlines() or ["nothing"])[0]
        raise UserError(
            f"{how.command[0]} printed what nobody expects ({error!r}): {first[:200]}"
        ) from None


def _output(python: Path, command: Sequence[str], folder: Path) -> str:
    """What the linter prints; it exits with something else than 0 when it finds something."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    cache = python.parent.parent / "pyright"  # where `conlab detect --install` let it be put
    environment |= {"PYRIGHT_PYTHON_CACHE_DIR": str(cache), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    try:
        done = subprocess.run(
            [python, "-m", *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"{command[0]} did not run: {error}") from None
    if done.returncode and not done.stdout.strip():
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise UserError(f"{command[0]} did not run: {last[:300]}")
    return done.stdout


def ruff(output: str) -> Iterator[Said]:
    """--output-format=json: a list of findings."""
    for each in json.loads(output):
        yield Said(each["filename"], each["location"]["row"], each["code"] or "syntax")


def flake8(output: str) -> Iterator[Said]:
    """--format=%(path)s:%(row)d:%(code)s: a line each."""
    for line in output.splitlines():
        path, row, code = line.rsplit(":", 2)
        yield Said(path, int(row), code)


def pylint(output: str) -> Iterator[Said]:
    """--output-format=json2: an object with a list of messages."""
    for each in json.loads(output)["messages"]:
        yield Said(each["path"], each["line"], each["messageId"])


def mypy(output: str) -> Iterator[Said]:
    """--output=json: an object a line; notes explain the error before them."""
    for line in output.splitlines():
        each = json.loads(line)
        if each["severity"] == "error":
            yield Said(each["file"], each["line"], each["code"] or "error")


def pyright(output: str) -> Iterator[Said]:
    """--outputjson: an object with a list of diagnostics, whose lines count from 0."""
    for each in json.loads(output)["generalDiagnostics"]:
        line = each["range"]["start"]["line"] + 1
        yield Said(each["file"], line, each.get("rule", each["severity"]))


def bandit(output: str) -> Iterator[Said]:
    """-f json: an object with a list of results."""
    for each in json.loads(output)["results"]:
        yield Said(each["filename"], each["line_number"], each["test_id"])
