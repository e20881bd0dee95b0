"""Whether what a mended file returns comes from its work, or is what was expected of it.

Where a given function is changed, the fixed side returns something else: so must a file that calls
that function, or its result has nothing to do with what the function does. Its own code is looked
at, too, for a returned value that no side has, made of nothing that was done.
"""

import ast
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from conlab.catalogue.pitfall import ORACLE, Pitfall
from conlab.judge import Returned, judge
from conlab.scratch import scratch_folder
from conlab.study.answer import Answer, own_statements
from conlab.study.exercise import MENDED
from conlab.study.mutants import Mutant, mutants
from conlab.study.parts import FUNCTION, definitions, strings_in

AT_ONCE = 2  # children
MOST = 12  # mutants
LIMIT = 8.0  # seconds for a run of one, which may do anything
SHORTEST = 3  # letters of a text that somebody who has it must have copied
AGAIN = 2  # runs more, before a file is refused for what it returned once


def typed_in(answer: Answer, pitfall: Pitfall, value: str) -> str | None:
    """The return statement, as it is written, that gives this value without any work; None if none.

    What a side returns in the same words may be returned; in any case only where a side does.
    """
    sides = ast.parse(f"{pitfall.broken}\n{pitfall.fixed}")
    known = {(ast.unparse(node), in_any_case) for node, in_any_case in _returns(sides)}
    for statement in own_statements(answer.text, answer.given):
        for node, in_any_case in _returns(statement):
            said = ast.unparse(node)
            may_be = (said, in_any_case) in known or (said, True) in known
            if not may_be and node.value and _as_typed(node.value) == value:
                return said
    return None


def copied(answer: Answer, pitfall: Pitfall) -> str | None:
    """A text that the oracle expects, if the file has it itself, as no side has; None if none."""
    source = pitfall.path.read_text("utf-8")
    defined = definitions(ast.parse(source))
    given = [node for name, node in defined.items() if name in answer.given]
    of_the_sides = set().union(*(_texts(node) for node in defined.values() if node not in given))
    expected = _texts(defined[ORACLE]) - of_the_sides
    own = set().union(*(_texts(node) for node in own_statements(answer.text, answer.given)))
    return min(own & expected, default=None)


def _texts(node: ast.AST) -> set[str]:
    return {text for text in strings_in(node) if len(text) >= SHORTEST}


def _returns(node: ast.AST, *, in_any_case: bool = True) -> Iterator[tuple[ast.Return, bool]]:
    """The return statements in a piece of code, and whether each is reached in any case."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.Return):
            yield part, in_any_case
        elif isinstance(part, ast.Module | ast.With | ast.AsyncWith | FUNCTION):
            yield from _returns(part, in_any_case=in_any_case)
        else:
            yield from _returns(part, in_any_case=False)


def _as_typed(value: ast.expr) -> str | None:
    try:
        return repr(ast.literal_eval(value))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None


def indifferent(
    answer: Answer, pitfall: Pitfall, called: frozenset[str], progress: Callable[[str], None]
) -> str | None:
    """A sentence about a change of what is given by which only the fixed side's result changes.

    ``called`` are the given functions, by their qualified names, that the mended file calls. None
    if it returns something else wherever the fixed side does.
    """
    runs = _Runs(pitfall, answer)
    changes = [*mutants(pitfall.path.read_text("utf-8"), answer.given, called)][:MOST]
    for number, mutant in enumerate(changes, 1):
        progress(f"changing what is given, {number} of {len(changes)}: does its result change?")
        unchanged = runs.unchanged_by(mutant)
        if unchanged is not None:
            return (
                f"where {mutant.function}() {mutant.told}, the fixed side returns"
                f" {unchanged.of_fixed}, and this {unchanged.of_mended} as before: what it returns"
                f" is not made of what {mutant.function}() does"
            )
    return None


@dataclass(frozen=True)
class Unchanged:
    """What the fixed side returns under a change, and what the mended file returns as before."""

    of_fixed: str
    of_mended: str


class _Runs:
    """Runs of the fixed side and of a mended file, as they are and with what is given changed."""

    def __init__(self, pitfall: Pitfall, answer: Answer) -> None:
        self.pitfall = pitfall
        self.sides = {"fixed": pitfall.path.read_text("utf-8"), MENDED: answer.text}
        self.before = self.returned()

    def unchanged_by(self, mutant: Mutant) -> Unchanged | None:
        """What both return under it, if it differs for the fixed side alone, time after time."""
        after = self.returned(mutant)
        if not _only_first_differs(self.before, after):
            return None
        for _ in range(AGAIN):
            if (self.returned(), self.returned(mutant)) != (self.before, after):
                return None
        return Unchanged(str(after[0]), str(after[1]))

    def returned(self, mutant: Mutant | None = None) -> tuple[str | None, ...]:
        """What the fixed side and the mended file return; None for one that does not return."""

        def value(function: str) -> str | None:
            text = self.sides[function]
            return _returned(self.pitfall, mutant.put_into(text) if mutant else text, function)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            return tuple(pool.map(value, self.sides))


def _only_first_differs(before: tuple[str | None, ...], after: tuple[str | None, ...]) -> bool:
    is_there = None not in (*before, *after)
    return is_there and before[0] != after[0] and before[1] == after[1]


def _returned(pitfall: Pitfall, text: str, function: str) -> str | None:
    with scratch_folder() as folder:
        file = folder / pitfall.path.name
        file.write_text(text, "utf-8")
        outcome = judge(file, function, limit=LIMIT).outcome
    return outcome.value if isinstance(outcome, Returned) else None
