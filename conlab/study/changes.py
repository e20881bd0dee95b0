"""What if: a mended file without its sleeps, or without what it catches, to see what mends it.

A sleep that mends makes the failure rare, and an exception that is caught hides it. Whether either
is what a file relies on is seen by running it without: each change keeps all other lines as they
are. The same is done to the fixed side first: where that needs it, so may a reader's.
"""

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType

from conlab.study.answer import own_statements

# Of each call, which argument is how long to wait at most, or until when something is put off.
LIMITS = {"join": 0, "wait": 0, "result": 0, "exception": 0, "acquire": 1, "wait_for": 1}
PUT_OFF = {"Timer": 0, "call_later": 0, "alarm": 0, "setitimer": 1}
NAMED = {"timeout": "None", "interval": "1_000_000", "delay": "1_000_000"}  # and by keyword
NO_LIMIT, NEVER = "None", "1_000_000"


@dataclass(frozen=True)
class Edit:
    """A text in the place of another: from line and column (bytes) up to line and column."""

    begin: tuple[int, int]
    end: tuple[int, int]
    text: str


def without_waiting(text: str, given: frozenset[str], kept: str, *, limits: bool = True) -> str:
    """The text without any wait for time to pass, but for those that the source ``kept`` has too.

    A sleep takes no time, and an awaited one is gone, but for one that takes none in a loop that
    looks for something. With ``limits`` none of time is ever reached.
    """
    known = Counter(ast.unparse(call) for call in _calls(ast.parse(kept)))
    edits = []
    for node in own_statements(text, given):
        awaited = {id(each.value): each for each in ast.walk(node) if isinstance(each, ast.Await)}
        polling = _within(node, ast.While)
        for call in _calls(node):
            said = ast.unparse(call)
            if known[said]:
                known[said] -= 1
            elif _name(call) == "sleep" and _is_no_time(call) and id(call) in polling:
                continue
            elif _name(call) == "sleep" and id(call) in awaited:
                edits.append(edit_of(awaited[id(call)], "None"))
            elif limits or _name(call) == "sleep":
                edits += _without_time(call)
    return edited(text, edits)


def sleeps(text: str, given: frozenset[str], kept: str) -> list[str]:
    """The calls of the text's own that sleep for a time, outside loops; not those kept as well."""
    known = Counter(ast.unparse(call) for call in _calls(ast.parse(kept)))
    found = []
    for node in own_statements(text, given):
        in_loops = _within(node, ast.While | ast.For | ast.AsyncFor)
        for call in _calls(node):
            said = ast.unparse(call)
            if known[said]:
                known[said] -= 1
            elif _name(call) == "sleep" and id(call) not in in_loops and not _is_no_time(call):
                found.append(said)
    return found


def _within(node: ast.AST, kind: type[ast.AST] | UnionType) -> set[int]:
    """The calls in loops of a kind, by their identities."""
    loops = [loop for loop in ast.walk(node) if isinstance(loop, kind)]
    return {id(call) for loop in loops for call in _calls(loop)}


def _is_no_time(sleep: ast.Call) -> bool:
    times = [*sleep.args, *(each.value for each in sleep.keywords)]
    return all(isinstance(each, ast.Constant) and not each.value for each in times)


def without_catching(text: str, given: frozenset[str], exception: str, kept: str) -> str:
    """The text in which each handler that would catch the exception raises it again.

    Left as they are: the handlers that the source ``kept`` has as well.
    """
    known = Counter(_heading(handler) for handler in _handlers(ast.parse(kept)))
    edits = []
    for node in own_statements(text, given):
        for handler in _handlers(node):
            if known[_heading(handler)]:
                known[_heading(handler)] -= 1
            elif _catches(handler.type, exception):
                first, last = handler.body[0], handler.body[-1]
                lines = (last.end_lineno or last.lineno) - first.lineno
                edits.append(Edit(_begin(first), _end(last), "raise" + "\n" * lines))
        edits += [
            Edit(_begin(call.args[0]), _end(call.args[-1]), "")
            for call in _calls(node)
            if _name(call) == "suppress" and call.args
        ]
    return edited(text, edits)


def _catches(caught: ast.expr | None, exception: str) -> bool:
    """Whether a handler of this would catch an exception of that name."""
    if caught is None:
        return True
    named = {part.id for part in ast.walk(caught) if isinstance(part, ast.Name)}
    named |= {part.attr for part in ast.walk(caught) if isinstance(part, ast.Attribute)}
    kind = getattr(builtins, exception, None)
    above = {each.__name__ for each in kind.__mro__[:-1]} if isinstance(kind, type) else set()
    return bool(named & {exception, "Exception", "BaseException", *above})


def edited(text: str, edits: list[Edit]) -> str:
    """The text with all the edits made; the last one first, as they move what follows.

    Of edits that lie in each other the outer one is made.
    """
    lines = [line.encode() for line in text.split("\n")]
    begun = None
    for edit in sorted(_outermost(edits), key=lambda each: each.begin, reverse=True):
        (first, begin), (last, end) = edit.begin, edit.end
        new = lines[first - 1][:begin] + edit.text.encode() + lines[last - 1][end:]
        lines[first - 1 : last] = new.split(b"\n")
        begun = edit
    return text if begun is None else b"\n".join(lines).decode()


def _outermost(edits: list[Edit]) -> list[Edit]:
    return [
        each
        for each in edits
        if not any(
            other is not each and other.begin <= each.begin and each.end <= other.end
            for other in edits
        )
    ]


def _without_time(call: ast.Call) -> Iterator[Edit]:
    """What has to be changed in a call so that it does not wait for time to pass."""
    name = _name(call)
    if name == "sleep":
        for argument in [*call.args[:1], *(each.value for each in call.keywords)]:
            yield edit_of(argument, "0")
        return
    for keyword in call.keywords:
        if keyword.arg in NAMED and not _is_nothing(keyword.value):
            yield edit_of(keyword.value, NAMED[keyword.arg])
    for places, instead in ((LIMITS, NO_LIMIT), (PUT_OFF, NEVER)):
        place = places.get(name, len(call.args))
        if place < len(call.args) and _is_a_time(call.args[place]):
            yield edit_of(call.args[place], instead)


def _is_a_time(node: ast.expr) -> bool:
    """Whether a bare argument is a number of seconds, and more than none."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return not isinstance(number, bool) and number > 0
        case ast.Name(id=name):
            return name.isupper()
    return isinstance(node, ast.BinOp)


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in (None, 0)


def _calls(node: ast.AST) -> list[ast.Call]:
    return [part for part in ast.walk(node) if isinstance(part, ast.Call)]


def _handlers(node: ast.AST) -> list[ast.ExceptHandler]:
    return [part for part in ast.walk(node) if isinstance(part, ast.ExceptHandler)]


def _heading(handler: ast.ExceptHandler) -> str:
    return ast.unparse(handler.type) if handler.type else ""


def _name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def edit_of(node: ast.expr, text: str) -> Edit:
    """The edit that puts a text in the place of an expression."""
    return Edit(_begin(node), _end(node), text)


def _begin(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
