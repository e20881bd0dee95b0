"""A manifest says what to fetch: a JSON object a line, with an address and the name of a file.

Somebody else may have written it. A line that cannot be read makes it no manifest at all; a name
that no file of the folder can have, or that an earlier line has, costs its own job alone.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

LONGEST_NAME = 250  # bytes: common file systems take 255, and a file that is not whole has .part


@dataclass(frozen=True, slots=True)
class Entry:
    """A line; what is not known of the file beforehand is None.

    ``target`` lies in the folder. Where the line's name cannot be had, ``flaw`` says why in a
    sentence: the job should fail with it, and write nothing.
    """

    url: str
    target: Path
    size: int | None  # bytes
    sha256: str | None  # in hexadecimal
    flaw: str | None = None


class ManifestError(ValueError):
    """The file is no manifest; the message names the line and says what is wrong with it."""


def entries(manifest: Path, folder: Path, suffix: str | None = None) -> Iterator[Entry]:
    """The lines of ``manifest``, read as they are asked for.

    A line holds url and name, and may hold size and sha256, or null for these. The target has the
    line's name, with ``suffix`` in place of its own. Raises ManifestError.
    """
    seen: set[int] = set()  # hashes: of the names themselves there may be too many to hold
    with manifest.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            fields = parsed(line, f"{manifest.name}: line {number}")
            url, size, sha256 = fields["url"], fields.get("size"), fields.get("sha256")
            try:
                name = file_name(fields["name"], suffix)
                key = hash(os.path.normcase(name))
                if key in seen:
                    raise ValueError("an earlier line has it")
                seen.add(key)
            except ValueError as reason:
                flaw = f"{url}: the name {fields['name'][:80]!a} cannot be had: {reason}"
                yield Entry(url, folder / f"line {number}", size, sha256, flaw)
            else:
                yield Entry(url, folder / name, size, sha256)


def parsed(line: bytes, place: str) -> dict[str, Any]:
    """The object on a line; raises ManifestError, which begins with the place, for any other."""
    try:
        fields: Any = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ManifestError(f"{place} is no JSON in UTF-8") from None
    match fields:
        case {"url": str(), "name": str(), **rest}:
            size, sha256 = rest.get("size"), rest.get("sha256")
        case _:
            raise ManifestError(f"{place} should be an object with url and name, both of them text")
    if not (size is None or type(size) is int) or not isinstance(sha256, str | None):
        raise ManifestError(f"{place}: size should be whole or null, and sha256 text or null")
    return dict(fields)


def file_name(name: str, suffix: str | None) -> str:
    """The name of the file to write. Raises ValueError, which says why, where there can be none.

    The same names are refused on every system, so that a manifest means the same on all.
    """
    if name in ("", ".", "..") or PureWindowsPath(name).name != name:  # it knows both slashes
        raise ValueError("it is not that of a file in the folder")
    if any(is_control(letter) for letter in name):
        raise ValueError("it holds what is no letter")
    if name.lower().endswith(".part"):
        raise ValueError("files that are not whole yet are called so")
    if suffix is not None:
        name = PurePosixPath(name).with_suffix(suffix).name
    if len(name.encode()) > LONGEST_NAME:
        raise ValueError(f"it is longer than {LONGEST_NAME} bytes")
    return name


def is_control(letter: str) -> bool:
    """Say whether this steers a terminal (ASCII and C1), or is half of a character in UTF-16."""
    return letter < " " or "\x7f" <= letter <= "\x9f" or "\ud800" <= letter <= "\udfff"
