"""Reads the files that a page is made of, and says what each of them is."""

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conlab.errors import UserError

LARGEST = 64 * 2**20  # bytes of a file
KNOWN = (
    "a run (pytest --benchmark-json, conlab measure --json), a comparison (--versus with"
    " --benchmark-json), a history (conlab history --json), a witness (conlab explore --save) or a"
    " scoreboard (conlab detect --json)"
)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's name, what it is, and what is in it."""

    name: str
    kind: str  # "run", "comparison", "history", "witness" or "scoreboard"
    data: Any


def read(path: Path) -> Document:
    """The document in a file; raises UserError where it cannot be read, is damaged, or is none."""
    try:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):
            raise UserError(f"{path}: it should be a JSON file, and it is no regular file")
        if seen.st_size > LARGEST:
            raise UserError(f"{path}: it is larger than {LARGEST // 2**20} MiB")
        data = json.loads(path.read_text("utf-8"), parse_constant=lambda _: None)
    except OSError as error:
        raise UserError(f"{path}: it cannot be read: {error.strerror}") from None
    except RecursionError:
        raise UserError(f"{path}: it is damaged: nested too deeply") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: it is damaged: no text in UTF-8") from None
    except ValueError as error:
        raise UserError(f"{path}: it is no JSON, or cut off: {str(error)[:120]}") from None
    kind = kind_of(data)
    if not kind:
        raise UserError(f"{path}: a page shows {KNOWN}, and it is none of these")
    return Document(str(path), kind, data)


def kind_of(data: Any) -> str:
    """What the data of a file are, or nothing."""
    if not isinstance(data, dict):
        return ""
    ours = data.get("concurrency_lab")
    if isinstance(ours, dict) and isinstance(ours.get("comparison"), dict):
        return "comparison"
    if isinstance(data.get("benchmarks"), list):
        return "run"
    if isinstance(data.get("histories"), list):
        return "history"
    if {"format", "kind", "program", "steps"} <= set(data):
        return "witness"
    if isinstance(data.get("scoreboard"), dict | list) or {"tools", "pairs"} <= set(data):
        return "scoreboard"
    return ""
