"""A span of a source file: where the expression stands that a bytecode comes from."""

import ast
import dis
import linecache

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
