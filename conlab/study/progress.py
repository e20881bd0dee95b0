"""What a reader has studied and mended, kept in the folder that the platform has for such state."""

import contextlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

FOLDER, FILE = "conlab", "study.json"
NO_HOME = "no home folder is known; set HOME or XDG_STATE_HOME"


@dataclass
class Progress:
    """The names of what was studied and mended; ``problem`` says why they may not be kept."""

    studied: list[str] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    problem: str = ""

    def take_note(self, *, studied: str = "", mended: str = "") -> None:
        """Remember one more, in the file as well if that can be."""
        if studied and studied not in self.studied:
            self.studied.append(studied)
        if mended and mended not in self.mended:
            self.mended.append(mended)
        self.problem = _write(self) or self.problem


def state_folder() -> Path | None:
    """The folder for the lab's state: XDG's, Apple's or Windows' convention; None if unknown."""
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return Path(local, FOLDER) if local else _in_home("AppData", "Local")
    if sys.platform == "darwin":
        return _in_home("Library", "Application Support")
    declared = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(declared):  # noqa: PTH117 - else it is to be ignored, says the specification
        return Path(declared, FOLDER)
    return _in_home(".local", "state")


def _in_home(*parts: str) -> Path | None:
    try:
        return Path.home().joinpath(*parts, FOLDER)
    except RuntimeError:  # no HOME, and the system does not know this user
        return None


def progress_so_far() -> Progress:
    """What is remembered; of a file that cannot be read, nothing, and why."""
    folder = state_folder()
    if folder is None:
        return Progress(problem=NO_HOME)
    file = folder / FILE
    try:
        kept = json.loads(file.read_text("utf-8"))
        return Progress(_names(kept["studied"]), _names(kept["mended"]))
    except FileNotFoundError:
        return Progress()
    except OSError as error:
        return Progress(problem=f"{file}: {error.strerror}")
    except (ValueError, TypeError, KeyError):
        return Progress(problem=f"{file} was damaged, and is begun anew")


def kept_in() -> str:
    """The file that remembers, as a person writes it: ~ is home."""
    file = (state_folder() or Path()) / FILE
    with contextlib.suppress(RuntimeError, ValueError):  # there is no home, or it is elsewhere
        file = Path("~") / file.relative_to(Path.home())
    return str(file)


def forget() -> str:
    """Remove the file that remembers; why it could not be removed."""
    folder = state_folder()
    if folder is None:
        return NO_HOME
    try:
        (folder / FILE).unlink(missing_ok=True)
    except NotADirectoryError:  # then nothing is remembered there
        return ""
    except OSError as error:
        return f"{folder / FILE}: {error.strerror}"
    return ""


def _names(kept: object) -> list[str]:
    if not isinstance(kept, list) or not all(isinstance(name, str) for name in kept):
        raise TypeError
    return kept


def _write(progress: Progress) -> str:
    """Write the file as a whole, or not at all; why it could not be written."""
    folder = state_folder()
    if folder is None:
        return NO_HOME
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=folder, prefix=FILE)
        new = Path(name)
        try:
            os.close(handle)
            with new.open("w", encoding="utf-8") as file:
                json.dump({"studied": progress.studied, "mended": progress.mended}, file, indent=1)
            new.replace(folder / FILE)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return ""
