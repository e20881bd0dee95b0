"""What a bytecode accesses that threads may share: its name in the source, and if it writes."""

import ast
import textwrap
from dataclasses import dataclass
from functools import cache

from conlab.explorer.stepping.opcodes import names
from conlab.explorer.stepping.points import Point
from conlab.explorer.stepping.spans import Span, segment

READING_METHODS = names(  # any other method is taken to write
    "get keys values items copy index count",  # of mappings and sequences
    "isdisjoint issubset startswith endswith",  # of sets and strings
    "empty full qsize",  # of queues
    "is_set locked is_alive done cancelled",  # of events, locks, threads, futures
)
READING_FUNCTIONS = names(
    "len bool isinstance print repr str",
    "list tuple set frozenset dict sorted reversed",
    "iter enumerate zip map filter",
    "sum min max any all",
)
WRITING_SUBSCRIPTS = names("STORE_SUBSCR STORE_SLICE DELETE_SUBSCR")


@dataclass(frozen=True, slots=True)
class Access:
    """One access to something that threads may share: its name in the source, and how.

    ``value`` is what was read, or what was there and what was written; ``label`` names it for a
    person where more is known than ``what``, as in ``state["n"]``.
    """

    what: str
    writes: bool
    value: str = ""
    label: str = ""

    def __str__(self) -> str:
        """Say it in a few characters."""
        return f"{self.label or self.what} {self.value}".rstrip()


def access_of(point: Point) -> Access | None:
    """Name what a bytecode accesses as the source does."""
    if point.key and point.role in ("read", "write"):
        name = str(point.key[1])
        return None if name.startswith("__") else Access(name, point.role == "write")
    return _touch(point.code.co_filename, point.span, point.opname)


@cache
def _touch(file: str, span: Span, opname: str) -> Access | None:
    source = segment(file, span)
    try:
        node: ast.AST = ast.parse(textwrap.dedent(source)).body[0]
    except (SyntaxError, IndexError):
        return None
    node = node.value if isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) else node
    writes = opname in WRITING_SUBSCRIPTS
    match node:
        case ast.Subscript(value=value):
            return _named(value, writes=writes)
        case ast.Compare(comparators=[value], ops=[ast.In() | ast.NotIn()]):
            return _named(value, writes=False)
        case ast.Call(func=ast.Attribute(value=value, attr=name)):
            return _named(value, writes=name not in READING_METHODS)
        case ast.Call(func=ast.Name(id=name), args=[value]) if name in READING_FUNCTIONS:
            return _named(value, writes=False)
        case ast.Name() | ast.Attribute():
            return _named(node, writes=False)
    return None


def _named(node: ast.AST, *, writes: bool) -> Access | None:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return Access(name, writes)
    return None
