"""Which frames of a stack are the lab's own: they tell a reader nothing of the program."""

import os

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - no imports
CONTENT = os.path.join(LAB, "content")  # noqa: PTH118 - where a wheel has the pitfalls

Frame = tuple[str, int, str]  # file, line, function


def is_of_the_lab(file: str) -> bool:
    """Whether a file is one of the lab's, and none of the programs that it carries along."""
    return _is_in(LAB, file) and not _is_in(CONTENT, file)


def of_the_program(stack: list[Frame]) -> list[Frame]:
    """A stack, innermost first, without the lab's frames, nor the -c by which these began."""
    kept = [frame for frame in stack if not is_of_the_lab(frame[0])]
    begun_by_the_lab = len(stack) > 1 and is_of_the_lab(stack[-2][0])
    return kept[:-1] if begun_by_the_lab and stack[-1][0] == "<string>" else kept


def _is_in(folder: str, file: str) -> bool:
    return file.startswith(folder + os.sep)
