"""The reader's own folder of HTML, served as a site."""

from html import escape
from mimetypes import guess_type
from pathlib import Path
from urllib.parse import quote, unquote

from conlab.origin.resources import Resource, held, stored


def folder_resource(folder: Path, path: str) -> Resource | None:
    """The file at a path, the index of a directory, or None; nothing from outside the folder."""
    found = _inside(folder, path)
    if found is None:
        return None
    if found.is_dir():
        index = found / "index.html"
        return _file(index) if index.is_file() else _listing(found)
    return _file(found)


def folder_redirect(folder: Path, path: str) -> str | None:
    """The path of a directory that was asked for without its final slash, or None."""
    found = _inside(folder, path)
    return f"{path}/" if found is not None and found.is_dir() and path[-1] != "/" else None


def _inside(folder: Path, path: str) -> Path | None:
    try:
        found = (folder / unquote(path).lstrip("/")).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):  # absent, a NUL within, a loop of symbolic links
        return None
    return found if found.is_relative_to(folder.resolve()) else None


def _file(path: Path) -> Resource:
    status = path.stat()
    etag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    return stored(path, etag, guess_type(path.name)[0] or "application/octet-stream")


def _listing(directory: Path) -> Resource:
    names = sorted(child.name + "/" * child.is_dir() for child in directory.iterdir())
    rows = "".join(f'<li><a href="{quote(name)}">{escape(name)}</a>' for name in names)
    body = f"<!doctype html><title>{escape(directory.name)}</title><ul>{rows}</ul>".encode()
    return held(body, f'"{len(names)}-{len(body)}"', "text/html; charset=utf-8")
