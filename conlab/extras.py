"""What a command needs beyond the standard library and pytest, and how to get it."""

import importlib.metadata
import json
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from conlab.content import IN_CLONE, ROOT
from conlab.errors import UserError

NAME = "concurrency-lab"


@contextmanager
def needing(command: str, extra: str) -> Iterator[None]:
    """Import what a command needs. Raises UserError that says how to install what is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "conlab").partition(".")[0] == "conlab":
            raise
        raise UserError(f"{command} needs {error.name}: {how_to_install(extra)}") from None


def how_to_install(extra: str) -> str:
    """The line that installs what is missing, from where this conlab itself has come.

    Its name alone is said only if it was by its name that it was installed, from a package index.
    """
    came = _came_from()
    folder = _local(came)
    if IN_CLONE and (folder != ROOT or Path(sys.prefix) == ROOT / ".venv"):
        return "python3 -m conlab.install in the clone installs it"
    if folder is not None and not folder.exists():
        return (
            f"pip install {_quoted(f'./path/to/the/clone[{extra}]')}, with the path of a clone of"
            f" Concurrency Lab: {folder}, from which it was installed, is no longer there"
        )
    if folder is not None:
        editable = "-e " if came.get("dir_info", {}).get("editable") else ""
        return f"pip install {editable}{_quoted(f'{folder}[{extra}]')}"
    address = str(came.get("url", ""))
    if control := came.get("vcs_info"):
        address = f"{control['vcs']}+{address}@{control['commit_id']}"
    if part := came.get("subdirectory"):
        address += f"#subdirectory={part}"
    return f"pip install {_quoted(f'{NAME}[{extra}]' + (f' @ {address}' if address else ''))}"


def _came_from() -> dict[str, Any]:
    """What pip has kept of the place that it installed conlab from; nothing of an index.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    try:
        kept = importlib.metadata.distribution(NAME).read_text("direct_url.json")
        return dict(json.loads(kept or "{}"))
    except (importlib.metadata.PackageNotFoundError, OSError, ValueError, TypeError):
        return {}


def _local(came: dict[str, Any]) -> Path | None:
    """The folder, or the wheel, on this machine that it was; None if it was none."""
    address = urlsplit(str(came.get("url", "")))
    if address.scheme != "file" or "vcs_info" in came:
        return None
    return Path(url2pathname(address.path))


def _quoted(text: str) -> str:
    """The text as one word of a shell: brackets mean something to some of them."""
    return f'"{text}"' if sys.platform == "win32" else shlex.quote(text)
