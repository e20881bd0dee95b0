"""Where in the source a bytecode comes from: the line, and the span of its expression."""

import ast
import dis
import linecache
from functools import lru_cache
from types import CodeType

Span = tuple[int | None, int | None, int | None, int | None]  # first and last line, start and end


def span_of(node: ast.AST) -> Span:
    """Return the span of a node of the syntax tree."""
    return (
        getattr(node, "lineno", None),
        getattr(node, "end_lineno", None),
        getattr(node, "col_offset", None),
        getattr(node, "end_col_offset", None),
    )


def span_in(positions: dis.Positions | None) -> Span:
    """Return the span that an instruction's positions tell, or one of four times None."""
    if positions is None or positions.lineno is None:
        return (None, None, None, None)
    return (
        positions.lineno,
        positions.end_lineno,
        positions.col_offset,
        positions.end_col_offset,
    )


def segment(file: str, span: Span) -> str:
    """Return the source text of a span."""
    first, last, start, end = span
    if first is None or last is None or start is None or end is None:
        return ""
    lines = [linecache.getline(file, number).encode() for number in range(first, last + 1)]
    if not lines:
        return ""
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode(errors="replace")


@lru_cache(maxsize=4096)
def lines_of(code: CodeType) -> dict[int, int]:
    """Return the source line of each bytecode that has one, by offset."""
    lines: dict[int, int] = {}
    for start, end, line in code.co_lines():
        if line is not None:
            lines.update(dict.fromkeys(range(start, end, 2), line))
    return lines


def line_at(code: CodeType, offset: int) -> int:
    """Return the line of a bytecode; where it has none, the one in which its function begins."""
    return lines_of(code).get(offset, code.co_firstlineno)
