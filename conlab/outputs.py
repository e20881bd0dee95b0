"""Whether a file may be written where an option says so: found out before a run, not after it.

A name that is typed wrong may be that of somebody's work. So a file that is there already is
written over only if it looks like an earlier output of the same kind.
"""

import os
import re
from enum import Enum
from pathlib import Path

from conlab.errors import UserError

ENOUGH = 64 * 1024  # bytes from the beginning that tell what a file is


class Output(Enum):
    """A kind of output: what it is called, and how one is known by its beginning."""

    PAGE = "a page of HTML", rb"<!doctype html"
    FIGURES = "figures of a run as JSON", rb'\{ ?.*"(machine_info|concurrency_lab)":'
    WITNESS = "a witness as JSON", rb'\{ ?"format": .*"choices":'
    SCRIPT = "the script of a schedule", rb'""".* written by conlab '
    REPORT = "a report in Markdown", rb"### "

    @property
    def called(self) -> str:
        """What it is called."""
        return self.value[0]

    def is_one(self, beginning: bytes) -> bool:
        """Whether a file that begins so is one."""
        return re.match(self.value[1], b" ".join(beginning.lower().split())) is not None


def check_output(option: str, path: Path, kind: Output) -> None:
    """Raise UserError where no such output can be written, or where it would replace another file.

    What is no regular file, such as /dev/stdout, is written to as it is.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UserError(f"{option} {path}: there is no folder {folder}")
    if path.is_dir():
        raise UserError(f"{option} {path}: this is a folder; name a file in it")
    if not os.access(folder, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise UserError(f"{option} {path}: it may not be written here; name another file")
    if path.is_file() and (beginning := _beginning(path)) and not kind.is_one(beginning):
        raise UserError(
            f"{option} {path}: this file is there and is not {kind.called}, so it is left as it is;"
            " name another file, or remove it"
        )


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(ENOUGH)
    except OSError:
        return b"?"
