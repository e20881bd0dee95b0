"""Judges a reader's mended file: does it hold, does it still do its work, and is it a fix?

It *holds* when no schedule of its threads or tasks fails (explored), or when it is right in the
order that makes the broken side fail, and wherever one of its steps is held until all others rest
(judged). It *does its work* when it does what both given sides do: `work.py`. It is *no fix* when
it is right only for what it waits, catches or leaves out: it is run once more without: `changes.py`
and `cuts.py`; nor when what it returns does not come from that work: `result.py`.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from conlab.catalogue.law import HARMLESS
from conlab.catalogue.pitfall import Pitfall
from conlab.errors import UserError
from conlab.judge import Hung, Judgement, Raised, Returned
from conlab.scratch import scratch_folder
from conlab.study.answer import Answer, read
from conlab.study.changes import sleeps, without_catching, without_waiting
from conlab.study.cuts import without_cuts
from conlab.study.exercise import MENDED
from conlab.study.references import can_be_explored, noted_of
from conlab.study.result import copied, indifferent, typed_in
from conlab.study.steps import in_steps, told
from conlab.study.trial import Explored, Run, explore, run
from conlab.study.work import done, missing_concurrency, missing_work

AT_ONCE = 2  # children
MOST_STEPS = 24  # that are held, one run each
WHAT_IF = 10.0  # seconds for a run without what it may rely on, which may hang then
ENOUGH = 1  # preemptions that must have been searched in full where a search has no end
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Verdict:
    """What came of checking a file."""

    seen: tuple[str, ...]  # what it did, a sentence each
    objections: tuple[str, ...]  # why it is no fix; none if it is one
    exhibit: tuple[str, ...] = ()  # printed lines that show it: a schedule
    text: str = ""  # or stacks, a traceback
    unsure: tuple[str, ...] = ()  # what was not proved, of a file to which nothing is objected
    undecided: str = ""  # why it cannot be told whether it is a fix


@dataclass(frozen=True)
class Found:
    """What one of the checks found against a file; nothing if there is nothing."""

    objections: tuple[str, ...] = ()
    exhibit: tuple[str, ...] = ()
    text: str = ""
    undecided: str = ""


NOTHING = Found()


def check(path: Path, pitfall: Pitfall, width: int, progress: Progress = print) -> Verdict:
    """Check a mended file. Raises UserError, in a sentence, for one that cannot be run at all."""
    answer = read(path, pitfall)
    if pitfall.harmless:
        raise UserError(f"{pitfall}: {HARMLESS}, so there is nothing to mend: use another Python")
    with scratch_folder() as folder:
        return _Check(answer, pitfall, folder, width, progress).verdict()


class _Check:
    """The checks of one file, each in a child."""

    def __init__(
        self, answer: Answer, pitfall: Pitfall, folder: Path, width: int, progress: Progress
    ) -> None:
        self.answer = answer
        self.pitfall = pitfall
        self.folder = folder
        self.width = width
        self.progress = progress
        self.seen: list[str] = []
        self.unsure: list[str] = []
        self.is_explored = pitfall.evidence == "explored"
        self.was_explored = False
        self.decides = bool(pitfall.meet or pitfall.order or pitfall.at_rest)  # an order
        self.codes: frozenset[str] = frozenset()  # what its threads, tasks and processes run
        self.called: frozenset[str] = frozenset()  # the given functions that it calls
        self.refused = ""  # why the explorer cannot run it
        self.value = ""  # what it returned, as repr gives it
        if answer.put_back:
            names = ", ".join(answer.put_back)
            verb = "is" if len(answer.put_back) == 1 else "are"
            self.seen.append(f"{names} {verb} given, and was run as the exercise has it")

    def verdict(self) -> Verdict:
        """Check one thing after the other, and stop at the first that is wrong."""
        checks = (
            self.explored,
            self.ran,
            self.without_time,
            self.without_handlers,
            self.without_cuts,
            self.held,
            self.made_of_the_work,
        )
        for found in checks:
            it = found()
            if it.objections:
                return Verdict(tuple(self.seen), it.objections, it.exhibit, it.text)
            if it.undecided:
                return Verdict(tuple(self.seen), (), undecided=it.undecided)
        return Verdict(tuple(self.seen), (), unsure=tuple(self.unsure))

    def explored(self) -> Found:
        """Under every schedule; of a judged pair, where the explorer can run its fixed side."""
        self.progress("exploring every schedule")
        if not self.is_explored and not can_be_explored(self.pitfall.path):
            return NOTHING
        explored = self._explore(self.answer.text, "mended")
        no_verdict = explored.refused or explored.broke
        came_to_an_end = explored.exhausted or (explored.failing and not no_verdict)
        if not self.is_explored and not came_to_an_end:
            return NOTHING
        if explored.broke:
            return Found((explored.broke,))
        if explored.refused:
            self.refused = explored.refused
            return self.asleep()
        self.seen.append(f"it {explored.sentence}")
        self.was_explored = True
        if explored.failing:
            return Found(("it fails, in the schedule above for one",), explored.witness)
        if not explored.exhausted and explored.complete < ENOUGH:
            return Found(("not enough of its schedules could be run to tell: make it smaller",))
        if not explored.exhausted:
            self.unsure.append(f"every schedule was run up to {explored.complete} preemptions only")
        if explored.alone:
            return Found(("it starts no thread and no event loop: the concurrency is gone",))
        return NOTHING

    def ran(self) -> Found:
        """In the declared order, with note taken of what it does; and both sides beside it."""
        self.progress("running it, and both sides")
        forced = not self.is_explored
        file = self.answer.written_to(self._new("ran"))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            own = pool.submit(
                run, file, MENDED, self.pitfall, self.folder, self.answer.given, forced=forced
            )
            broken, fixed = [
                pool.submit(noted_of, self.pitfall.path, side, forced=forced)
                for side in ("broken", "fixed")
            ]
        judgement, noted = own.result().judgement, own.result().noted
        self.codes, self.called = noted.codes, frozenset(noted.calls)
        if isinstance(judgement.outcome, Returned):
            self.value = judgement.outcome.value
        order = "in the forced order, " if forced and self.decides else ""
        self.seen.append(f"run here, {order}it {judgement}")
        if wrong := tuple(_wrong(judgement)):
            return Found(wrong, text=_text_of(judgement))
        steady = forced or "asyncio" in self.answer.text  # whose tasks begin in one order
        exact = forced and self.pitfall.family != "exceptions"  # after which others may not begin
        objections = [
            *missing_work(noted, broken.result(), fixed.result(), exact=exact, steady=steady),
            *missing_concurrency(noted, broken.result(), fixed.result()),
        ]
        if not objections and (work := done(noted)):
            self.seen.append(work)
        return Found(tuple(objections), undecided=self.refused)

    def without_time(self) -> Found:
        """Without what it sleeps, and with no limit of time that is ever reached."""
        asleep = self.asleep()
        if asleep.objections:
            return asleep
        text = without_waiting(
            self.answer.text,
            self.answer.given,
            kept=self.pitfall.fixed,
            limits=not self.is_explored,
        )
        return self._what_if(text, "timeless", "it waits for time to pass: without that, it")

    def asleep(self) -> Found:
        """As it is written: whether it sleeps for a time."""
        given = f"{self.pitfall.broken}\n{self.pitfall.fixed}"
        if slept := sleeps(self.answer.text, self.answer.given, kept=given):
            why = "a fix waits for what must have happened, and not for time to pass"
            return Found((f"it sleeps, by {slept[0]}: {why}",))
        return NOTHING

    def without_handlers(self) -> Found:
        """Without the handlers that catch the exception by which the mistake shows."""
        text = self.answer.text
        names = exceptions_shown(self.pitfall)
        if re.search(r"\bexcept\b.*\bAssertionError\b", text):  # no program is made of these
            names.append("AssertionError")
        for name in names:
            text = without_catching(text, self.answer.given, name, kept=self.pitfall.fixed)
        caught = " or ".join(names)
        return self._what_if(
            text, "uncaught", f"it catches {caught}, by which the mistake shows: without that, it"
        )

    def _what_if(self, text: str, name: str, reproach: str) -> Found:
        if text == self.answer.text:
            return NOTHING
        self.progress("running it once more, to see what it relies on")
        if self.is_explored:
            explored = self._explore(text, name)
            if explored.failing and not explored.refused:
                return Found((f"{reproach} {explored.sentence or explored.broke}",))
            return NOTHING
        judgement = self._run(text, name, limit=WHAT_IF).judgement
        match judgement.outcome:
            case Returned(right=True):
                return NOTHING
            case Raised(type="TypeError"):  # a call was changed that waits for nothing
                return NOTHING
            case Hung(seconds_on_core=busy) if busy:  # it is only slow
                return NOTHING
        return Found((f"{reproach} {judgement.outcome}",))

    def held(self) -> Found:
        """With each of its steps held until all others rest, where an order decides."""
        pitfall = self.pitfall
        if self.is_explored or self.was_explored or not self.decides:
            return NOTHING
        text = without_waiting(self.answer.text, self.answer.given, kept=pitfall.fixed)
        text, steps = in_steps(text, self.answer.given, self.codes)
        for number, step in enumerate(steps[:MOST_STEPS]):
            self.progress(f"holding a step until all others rest, {number + 1} of {len(steps)}")
            judgement = self._run(text, f"held{number}", at_rest=(step,)).judgement
            if wrong := list(_wrong(judgement)):
                where = f"held at `{told(step)}` until all others rest"
                objections = tuple(f"{where}, {sentence}" for sentence in wrong)
                return Found(objections, text=_text_of(judgement))
        if steps:
            where = f"held at each of its {len(steps)} steps until all others rest"
            self.seen.append(f"{where}, it is right")
        return NOTHING

    def without_cuts(self) -> Found:
        """With all that it returns, where it returns a part."""
        both = f"{self.pitfall.broken}\n{self.pitfall.fixed}"
        text, cut = without_cuts(self.answer.text, self.answer.given, kept=both)
        reproach = f"it returns a part of what came out, by `{cut}`: with the whole, it"
        return self._what_if(text, "uncut", reproach)

    def made_of_the_work(self) -> Found:
        """What it returns, under changes of what is given; and as it is written."""
        if said := typed_in(self.answer, self.pitfall, self.value):
            why = "what mended() returns has to come from its work"
            return Found((f"its result is typed in, by `{said}`: {why}",))
        if text := copied(self.answer, self.pitfall):
            why = "which the oracle expects and no side of the pair has: it has to come of the work"
            return Found((f"it has {text!r} typed in, {why}",))
        told = indifferent(self.answer, self.pitfall, self.called, self.progress)
        if told:
            return Found((told,))
        return NOTHING

    def _explore(self, text: str, name: str) -> Explored:
        file = self.answer.written_to(self._new(name), text)
        return explore(file, MENDED, self.pitfall, self.folder / name, self.width)

    def _run(
        self, text: str, name: str, at_rest: tuple[str, ...] = (), limit: float | None = None
    ) -> Run:
        file = self.answer.written_to(self._new(name), text)
        given = self.answer.given
        return run(
            file,
            MENDED,
            self.pitfall,
            file.parent,
            given,
            forced=not at_rest,
            at_rest=at_rest,
            limit=limit,
        )

    def _new(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder


def _wrong(judgement: Judgement) -> Iterator[str]:
    """What is wrong with a run, whatever its shape."""
    match judgement.outcome:
        case Returned(right=True):
            pass
        case Returned(value=value):
            yield f"it returned {value}, which is wrong"
        case outcome:
            yield f"it {outcome}"
    yield from (f"it lost {what}" for what in judgement.lost)
    yield from (f"it left {what} behind" for what in judgement.left)


def _text_of(judgement: Judgement) -> str:
    match judgement.outcome:
        case Hung(stacks=text) | Raised(traceback=text):
            return text
    return judgement.stderr


def exceptions_shown(pitfall: Pitfall) -> list[str]:
    """The exceptions by which a mistake shows, unless to catch them is how it is mended."""
    if re.search(r"\b(except|catch\w*|try|handle\w*)\b", pitfall.story["Fix"]):
        return []
    shown = [pitfall.shows.removeprefix("raised ")] if pitfall.shows.startswith("raised ") else []
    names = [re.match(r"(\w+)(: |$)", text) for text in [*shown, *pitfall.lost]]
    return list(dict.fromkeys(match[1] for match in names if match and _is_exception(match[1])))


def _is_exception(name: str) -> bool:
    return name[:1].isupper() and name.endswith(
        ("Error", "Exception", "Group", "Exit", "Interrupt")
    )
