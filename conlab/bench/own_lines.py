"""Of an error's traceback, the reader's own lines: nothing of the lab and of libraries."""

import re
import traceback
from pathlib import Path

from conlab import content
from conlab.errors import UserError
from conlab.explorer.programs.project import Project, project_of
from conlab.terminal import plain

FRAME = re.compile(r'^  File "(?P<file>.+)", line (?P<line>\d+), in (?P<name>.+)$', re.MULTILINE)
BEGINS = "Traceback (most recent call last):"
OF_A_GROUP = re.compile(r"^ +\| ", re.MULTILINE)  # stands before each line of its traceback
MOST_LINES = 4  # of a recursion there may be a thousand
MODELS = content.ROOT / "workloads" / "models"


class JobRaised(UserError):
    """What a reader's own code raised: a sentence, and below it the lines that led there."""

    def __init__(self, sentence: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(sentence)
        self.lines = lines

    def __str__(self) -> str:
        """The sentence, and each line indented below it."""
        return "\n".join([super().__str__(), *(f"  {plain(line)}" for line in self.lines)])


def said(error: BaseException) -> str:
    """The type and the message of an error, as Python's own last line has them."""
    return f"{type(error).__name__}: {error}".removesuffix(": ")


def of_error(error: BaseException, file: str) -> tuple[str, ...]:
    """The lines of the project of ``file`` through which an error came, the innermost last."""
    return of_text("".join(traceback.format_tb(error.__traceback__)), file)


def of_text(text: str, file: str) -> tuple[str, ...]:
    """The same of a traceback as text; of several, those of the last."""
    if not file:
        return ()
    project = project_of(file)
    last = OF_A_GROUP.sub("", text).rpartition(BEGINS)[2]
    found = [
        shown(frame, project, file)
        for frame in FRAME.finditer(last)
        if belongs(frame["file"], project)
    ]
    return tuple(found[-MOST_LINES:])


def shown(frame: "re.Match[str]", project: Project, file: str) -> str:
    """One line as ``job.py:3, in work(): raise ValueError(n)``."""
    path = Path(frame["file"])
    folder = Path(file).resolve().parent
    below = folder if path.resolve().is_relative_to(folder) else project.root
    name = path.resolve().relative_to(below) if below.is_dir() else path.name
    where = frame["name"] if frame["name"].startswith("<") else f"{frame['name']}()"
    try:
        code = path.read_text("utf-8", "replace").splitlines()[int(frame["line"]) - 1].strip()
    except (OSError, IndexError):
        code = ""
    return f"{name}:{frame['line']}, in {where}" + (f": {code}" if code else "")


def belongs(file: str, project: Project) -> bool:
    """Say whether the file is the reader's; in a clone, the lab's own lie below its root, too."""
    return project.holds(file) and not Path(file).resolve().is_relative_to(MODELS)


def where(error: BaseException, file: str) -> str:
    """The innermost such line without its code, such as ``job.py:3, in work()``; or empty."""
    lines = of_error(error, file)
    return lines[-1].partition(": ")[0] if lines else ""
