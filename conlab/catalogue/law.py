"""The law of the pitfalls: broken fails for its declared reason and no other, fixed never does.

A finding tells what one side did, in a sentence that may be quoted, and where that is against the
law. Nothing is tried twice: a broken side that fails only now and then is against the law too.
"""

import importlib.util
import linecache
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from conlab import explorer
from conlab.catalogue.meaning import in_words
from conlab.catalogue.pitfall import ORACLE, Pitfall, applies, this_build
from conlab.errors import UserError
from conlab.explorer import Deadlocked, Exploration, Witness, explore
from conlab.judge import Hung, Judgement, Raised, Returned, judge

Side = Literal["broken", "fixed"]

BOUND = 2  # preemptions up to which every schedule of a side is run
LIMIT = 20.0  # seconds for a judged side; only one that is against the law needs them
HARMLESS = f"on Python {this_build()} it does no harm"


@dataclass(frozen=True)
class Finding:
    """What one side of a pitfall did when it was run."""

    side: Side
    sentence: str
    exhibit: Witness | str  # what shows it: a schedule; or stacks, a traceback, nothing
    against_the_law: tuple[str, ...]  # one sentence for each point
    meaning: str = ""  # what the value that it returned stands for, in words


def examine(pitfall: Pitfall, side: Side) -> Finding:
    """Run one side of a pitfall here and now, by the kind of evidence that it declares."""
    finding = (_explored if pitfall.evidence == "explored" else _judged)(pitfall, side)
    if side == "broken" and pitfall.harmless and not finding.against_the_law:
        return replace(finding, sentence=f"{finding.sentence}; {HARMLESS}")
    return finding


def _judged(pitfall: Pitfall, side: Side) -> Finding:
    judgement = forced_by_declaration(pitfall, side)
    fails = side == "broken" and not pitfall.harmless
    objections = (_not_as_declared if fails else _not_sound)(pitfall, judgement)
    match judgement.outcome:
        case Hung(stacks=exhibit) | Raised(traceback=exhibit):
            pass
        case _:
            exhibit = judgement.stderr
    said = meaning(pitfall, judgement.outcome)
    return Finding(side, f"{side} {judgement}", exhibit, tuple(objections), said)


def forced_by_declaration(pitfall: Pitfall, side: Side) -> Judgement:
    """Run one side in a child, for real, in the order that the file declares."""
    return judge(
        pitfall.path,
        side,
        oracle=ORACLE,
        limit=LIMIT,
        stuck_at=pitfall.stuck_at,
        meet=pitfall.meet,
        order=pitfall.order,
        at_rest=pitfall.at_rest,
    )


def meaning(pitfall: Pitfall, outcome: Any) -> str:
    """What the value of a side stands for, in the words in which its file prints it; or nothing."""
    match outcome:
        case Returned(value=told):
            return in_words(pitfall.says, told, pitfall.names)
        case explorer.Returned():
            return in_words(pitfall.says, outcome.text(), pitfall.names)
    return ""


def witness_of(pitfall: Pitfall) -> tuple[Callable[[], Any], Callable[[Any], bool], Witness]:
    """The broken side of an explored pitfall, its oracle, and a schedule in which it fails."""
    if pitfall.harmless:
        raise UserError(f"{pitfall}: {HARMLESS}, so nothing there shows it")
    broken, oracle = load(pitfall, "broken"), load(pitfall, ORACLE)
    exploration = explore(
        broken,
        check=oracle,
        bound=BOUND,
        reading="bytecode" if pitfall.safe_by_accident or applies("free-threaded") else "gil",
        cancellations=pitfall.cancellations,
        count_on=1,
    )
    if exploration.witness is None:
        raise RuntimeError(f"{pitfall} is not broken: it {exploration}")
    return broken, oracle, exploration.witness


def _not_as_declared(pitfall: Pitfall, judgement: Judgement) -> list[str]:
    """Where a broken side's judgement differs from what its file declares."""
    objections = _outcome_differs(pitfall, judgement)
    if judgement.lost != pitfall.lost:
        objections.append(f"it lost {list(judgement.lost)}, declared is {list(pitfall.lost)}")
    if judgement.left != pitfall.left:
        objections.append(f"it left {list(judgement.left)}, declared is {list(pitfall.left)}")
    if judgement.gate not in ("kept", "none"):
        objections.append(f"the order that its file asks for was {judgement.gate}")
    return objections


def _outcome_differs(pitfall: Pitfall, judgement: Judgement) -> list[str]:
    match judgement.outcome:
        case Hung(after=None) as hang if pitfall.shows == "hung":
            return _not_the_declared_hang(pitfall, hang)
        case Returned(right=True):
            return [f"it is not broken: it {judgement.outcome}, which its oracle calls right"]
        case outcome if str(outcome) != pitfall.shows:
            return [f"it {outcome}, declared is {pitfall.shows!r}"]
    return []


def _not_the_declared_hang(pitfall: Pitfall, hang: Hung) -> list[str]:
    objections = []
    if set(hang.statements) != set(pitfall.stuck_at):
        objections.append(f"it stands at {list(hang.statements)}, not {list(pitfall.stuck_at)}")
    if pitfall.failure == "deadlock" and hang.seconds_on_core:
        objections.append(f"a deadlock uses no core, it used {hang.seconds_on_core:.3f} s: slow?")
    if pitfall.failure == "deadlock" and not hang.steady:
        objections.append("its stacks changed between two looks")
    if pitfall.failure == "livelock" and not hang.seconds_on_core:
        objections.append("a livelock keeps running, it used no core")
    return objections


def _not_sound(pitfall: Pitfall, judgement: Judgement) -> list[str]:
    """What is wrong with a fixed side's judgement."""
    objections = []
    match judgement.outcome:
        case Returned(right=True):
            pass
        case Returned():
            objections.append(f"its oracle calls it wrong that it {judgement.outcome}")
        case outcome:
            objections.append(f"it {outcome}")
    objections += [f"it lost {what}" for what in judgement.lost]
    objections += [f"it left {what} behind" for what in judgement.left]
    if judgement.gate == "never reached":
        objections.append(f"it never reached {[*pitfall.meet, *pitfall.order, *pitfall.at_rest]}")
    return objections


def _explored(pitfall: Pitfall, side: Side) -> Finding:
    explore_side = partial(
        explore,
        load(pitfall, side),
        check=load(pitfall, ORACLE),
        bound=BOUND,
        cancellations=pitfall.cancellations,
    )
    if side == "fixed" or pitfall.harmless:
        exploration = explore_side(reading="bytecode")
        return _found(pitfall, side, exploration, _not_survived(exploration))
    if applies("free-threaded"):  # where nothing keeps others out, so there is one reading
        exploration = explore_side(reading="bytecode")
        objections = _not_the_witness(pitfall, exploration)
        if pitfall.safe_by_accident:
            objections.append("it is said to be safe by accident, on a build without the GIL")
        return _found(pitfall, side, exploration, objections)
    if not pitfall.safe_by_accident:
        exploration = explore_side(reading="gil")
        return _found(pitfall, side, exploration, _not_the_witness(pitfall, exploration))
    exploration = explore_side(reading="bytecode")
    with_the_gil = exploration.under_gil or explore_side(reading="gil")
    objections = _not_the_witness(pitfall, exploration)
    objections += [f"it is not safe by accident: {why}" for why in _not_survived(with_the_gil)]
    found = _found(pitfall, side, exploration, objections)
    if exploration.safe_by_accident:  # which its sentence says
        return found
    return replace(found, sentence=f"{found.sentence}; safe by accident: it {with_the_gil}")


def _found(
    pitfall: Pitfall, side: Side, exploration: Exploration, objections: list[str]
) -> Finding:
    witness = exploration.witness
    said = f"{side} {exploration}"
    return Finding(side, said, witness or "", tuple(objections), _witnessed(pitfall, witness))


def _witnessed(pitfall: Pitfall, witness: Witness | None) -> str:
    return "" if witness is None else meaning(pitfall, witness.outcome)


def _not_survived(exploration: Exploration) -> list[str]:
    """Why an exploration is no proof that a side is sound up to the bound."""
    objections = [f"it {exploration}"] if exploration.failing else []
    if not exploration.exhausted:
        objections.append(f"not every schedule was run, only {exploration.schedules}")
    return objections


def _not_the_witness(pitfall: Pitfall, exploration: Exploration) -> list[str]:
    """Where the witness of a broken side differs from what its file declares."""
    if exploration.witness is None:
        return [f"it is not broken: it {exploration}"]
    objections = []
    match exploration.witness.outcome:
        case Deadlocked(waiting) if pitfall.shows == "hung":
            statements = {_statement(pitfall.path, each.where) for each in waiting}
            declared = pitfall.awaiting or pitfall.stuck_at
            if statements != set(declared):
                objections.append(f"it stands at {sorted(statements)}, not {declared}")
        case outcome if str(outcome) != pitfall.shows:
            objections.append(f"it {outcome}, declared is {pitfall.shows!r}")
    died = tuple(failure.last_line() for failure in exploration.witness.died)
    if died != pitfall.lost:
        objections.append(f"it lost {list(died)}, declared is {list(pitfall.lost)}")
    return objections


def _statement(path: Path, where: str) -> str:
    """The statement at a place that the explorer names as ``file.py:line``."""
    return linecache.getline(str(path), int(where.rpartition(":")[2])).strip()


def load(pitfall: Pitfall, function: str) -> Callable[..., Any]:
    """A function of the pitfall's file, which is run anew for it."""
    spec = importlib.util.spec_from_file_location(pitfall.name, pitfall.path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded: Callable[..., Any] = getattr(module, function)
    return loaded
