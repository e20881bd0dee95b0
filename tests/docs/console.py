"""Reads a document that shows files and a terminal, and does what it shows.

A block of a language whose first line is a comment with a path, as ``# shop/stock.py``, is a file.
A block ``console`` is a terminal: lines that begin with ``$ `` are commands, the others what is
printed. A line ``...`` stands for any lines; what a machine decides, as executions a second, may be
another number.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.patience import patience

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.(?:py|toml|cfg|ini|ya?ml))\n")
OF_THE_MACHINE = (
    (re.compile(r"\d[\d,]*(?:\\)? a(?:\\)? second"), r"[\\d,]+\\ a\\ second"),
    (re.compile(r"in(?:\\)? \d+\\\.\d+s"), r"in\\ [\\d.]+s(?: \\([\\d:]+\\))?"),
    (re.compile(r"\\[+-]\d+\\\.\d%"), r"[+-][\\d.]+%"),
)


@dataclass(frozen=True)
class File:
    """A file that the document shows."""

    path: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the document shows, and what is printed."""

    line: str
    output: str


def read(document: str) -> Iterator[File | Command]:
    """Give the files and commands of a document, as they come."""
    for language, text in BLOCK.findall(document):
        if language == "console":
            yield from _commands(text)
        elif match := FILE.match(text):
            yield File(match[1], text)


def _commands(text: str) -> Iterator[Command]:
    for each in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, output = each.partition("\n")
        yield Command(line, output)


def do(step: File | Command, folder: Path, addopts: str = "-p no:cacheprovider") -> str:
    """Write the file, or run the command and return what it prints, in a folder.

    ``addopts`` are what each pytest gets besides.
    """
    if isinstance(step, File):
        path = folder / step.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text)
        return ""
    root = str(Path(__file__).parents[2])
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": root,
        "COLUMNS": "80",
        "LINES": "24",
        "PYTEST_ADDOPTS": addopts,
    }
    command = re.sub(r"^python3 ", f'"{sys.executable}" ', step.line)
    command = re.sub(r"^(conlab|pytest|pip) ", rf'"{sys.executable}" -m \1 ', command)
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=patience(300),
        check=False,
    )
    return done.stdout


def shows(step: Command, printed: str) -> bool:
    """Whether what the document shows is what was printed."""
    pattern = ""
    for line in step.output.splitlines():
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
            continue
        escaped = re.escape(line.rstrip())
        for machine, other in OF_THE_MACHINE:
            escaped = machine.sub(other, escaped)
        pattern += escaped + r"[ ]*\n"
    return re.fullmatch(pattern, printed.rstrip("\n") + "\n" if printed.strip() else "") is not None
