"""The reader's own folder of HTML, served as a site."""

import os
from html import escape
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from conlab.origin.resources import Resource, held, stored


def folder_resource(folder: Path, path: str) -> Resource | None:
    """The file at a path, the index of a directory, or None.

    There is nothing from outside the folder, and nothing but regular files and directories.
    """
    found = _found(folder, path)
    if found is None:
        return None
    try:
        if not found.is_dir():
            return _file(found)
        index = _inside(folder, found / "index.html")
        return _file(index) if index and index.is_file() else _listing(folder, found)
    except OSError:  # a FIFO, a socket or a device; or what may not be read, or is gone meanwhile
        return None


def folder_redirect(folder: Path, path: str) -> str | None:
    """The path of a directory that was asked for without its final slash, or None."""
    if path.endswith("/"):
        return None
    found = _found(folder, path)
    # One slash in front: with two, the name of the directory would be that of a host.
    return f"/{path.lstrip('/')}/" if found is not None and found.is_dir() else None


def _found(folder: Path, path: str) -> Path | None:
    """What an address's path stands for. Any bytes may be a name, also those that are no UTF-8."""
    try:
        name = os.fsdecode(unquote_to_bytes(path))
    except UnicodeDecodeError:  # but on Windows they may not
        return None
    return _inside(folder, folder / name.lstrip("/"))


def _inside(folder: Path, path: Path) -> Path | None:
    """The path, links followed, if it is there and in the folder."""
    try:
        found = path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # absent, a NUL within, a loop of symbolic links
        return None
    return found if found.is_relative_to(folder.resolve()) else None


def _file(path: Path) -> Resource:
    return stored(path, guess_type(path.name)[0] or "application/octet-stream")


def _listing(folder: Path, directory: Path) -> Resource:
    """Links to what can be served; how much cannot be is said below them."""
    names, left_out = [], 0
    with os.scandir(directory) as entries:
        for entry in entries:
            if _is_served(folder, entry):
                names.append(entry.name + "/" * entry.is_dir())
            else:
                left_out += 1
    rows = "".join(
        f'<li><a href="{quote(os.fsencode(name))}">{_shown(name)}</a>' for name in sorted(names)
    )
    said = f"<p>Left out: {left_out} that are no files or folders of this site." * (left_out > 0)
    title = _shown(directory.name)
    body = f"<!doctype html><title>{title}</title><ul>{rows}</ul>{said}".encode()
    return held(body, f'"{len(names)}-{len(body)}"', "text/html; charset=utf-8")


def _is_served(folder: Path, entry: os.DirEntry[str]) -> bool:
    if entry.is_symlink():
        found = _inside(folder, Path(entry.path))
        return found is not None and (found.is_dir() or found.is_file())
    return entry.is_dir() or entry.is_file()


def _shown(name: str) -> str:
    """A name as HTML, whatever its bytes."""
    return escape(os.fsencode(name).decode("utf-8", "replace"))
