"""Study the pitfalls: list, look up by symptom, tell, run, mend, and learn one after another.

NAME alone tells a pitfall and runs both of its sides. To mend one: conlab study NAME --exercise >
my_fix.py, edit my_fix.py, conlab study NAME --check my_fix.py.
"""

import argparse
import sys
from pathlib import Path

from conlab import terminal, terms
from conlab.catalogue import pitfall
from conlab.commands import report as pages
from conlab.errors import UserError
from conlab.study import listing, quiz
from conlab.study.checking import Verdict, check
from conlab.study.exercise import exercise_of
from conlab.study.learning import course
from conlab.study.printing import exhibited, paragraph, show
from conlab.study.progress import FILE, Progress, progress_so_far, state_folder
from conlab.study.running import run_side
from conlab.study.story import against_the_law, tell
from conlab.study.symptoms import ranked

NO_FIX = NOTHING_FOUND = WRONG = 1
NO_VERDICT = 2
TRIES = 3  # answers that are no number of a choice


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow ``conlab study``."""
    parser.usage = (
        "%(prog)s [NAME] [--report FILE.html]\n"
        "       %(prog)s NAME (--run SIDE | --exercise | --check FILE)\n"
        "       %(prog)s [FAMILY] --quiz [--seed N]\n"
        "       %(prog)s (--symptom WORD ... | --next)"
    )
    parser.add_argument(
        "name",
        nargs="?",
        help="a pitfall, such as lost_update, or a family, such as races; left out, all are listed",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--run",
        dest="side",
        choices=["broken", "fixed"],
        metavar="SIDE",
        help="run one SIDE of NAME, broken or fixed, for real, in the order in which the broken one"
        " fails each time",
    )
    mode.add_argument(
        "--exercise", action="store_true", help="print the broken side of NAME as a file to mend"
    )
    mode.add_argument(
        "--check",
        metavar="FILE",
        help="judge FILE, in which you have mended NAME: is it right under every schedule, does it"
        " still do its work, is it a fix?",
    )
    mode.add_argument(
        "--symptom",
        metavar="WORD",
        nargs="+",
        help="list the pitfalls that show so, best first: --symptom hang, or words of your own, or"
        " an error message",
    )
    mode.add_argument(
        "--quiz", action="store_true", help="see a program, and choose what goes wrong in it"
    )
    mode.add_argument(
        "--next",
        action="store_true",
        help="tell the next one that you have not studied; which ones you have is remembered",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="write a page as well: the story, the sides beside each other, the schedule drawn",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="with --quiz: draw as N did before")


def run(options: argparse.Namespace) -> int:
    """Print, and return 1 for what was found wrong."""
    if options.seed is not None and not options.quiz:
        raise UserError("--seed is for --quiz: leave it out, or ask for a quiz")
    if options.report is not None:
        told = options.name and not (options.side or options.exercise or options.check)
        if not told or pitfall.family_named(options.name) is not None:
            raise UserError("--report FILE.html needs the NAME of a pitfall beside it, and no more")
        pages.check(options.report)
    if options.symptom is not None:
        return _look_up(options)
    if options.quiz:
        return _quiz(options)
    if options.next:
        return _next(options)
    if options.name is None:
        for option, value in (("--run", options.side), ("--check", options.check)):
            if value is not None:
                raise UserError(f"{option} needs a pitfall: conlab study NAME {option} {value}")
        if options.exercise:
            raise UserError("--exercise needs a pitfall: conlab study NAME --exercise")
        show(listing.all_of_them())
        return 0
    family = pitfall.family_named(options.name)
    if family is not None and not (options.side or options.exercise or options.check):
        show(listing.all_of_them(family))
        return 0
    studied = pitfall.find(options.name)
    if options.exercise:
        print(exercise_of(studied), end="")
        return 0
    if options.side is not None:
        return run_side(studied, options.side)
    if options.check is not None:
        return _check(studied, Path(options.check))
    findings = tell(studied)
    if options.report is not None:
        pages.of_pair(options.report, studied, findings)
    return against_the_law(findings)


def _look_up(options: argparse.Namespace) -> int:
    _insist_on_no_name(options, "--symptom")
    words = " ".join(options.symptom)
    found = ranked(words, pitfall.collect())
    if not found:
        print(
            f"No pitfall tells of {terminal.plain(words)!r}. Say what you see in other words, such"
            " as hang, slow, lost, leak or an exception's name; conlab study lists them all."
        )
        return NOTHING_FOUND
    show(listing.for_symptom(words, found))
    return 0


def _insist_on_no_name(options: argparse.Namespace, option: str) -> None:
    if options.name is not None:
        raise UserError(f"{option} looks among all pitfalls: leave out {options.name!r}")


def _check(studied: pitfall.Pitfall, file: Path) -> int:
    line = terminal.LiveLine()
    try:
        verdict = check(file, studied, terminal.width(), line.show)
    finally:
        line.clear()
    show(_verdict(verdict, studied, file))
    if verdict.undecided:
        return NO_VERDICT
    if verdict.objections:
        return NO_FIX
    remembered = progress_so_far()
    remembered.take_note(mended=studied.name)
    _say_what_is_not_remembered(remembered)
    return 0


def _verdict(verdict: Verdict, studied: pitfall.Pitfall, file: Path) -> list[str]:
    lines = [f"# {file.name}, checked as a fix of {studied}"]
    for sentence in verdict.seen:
        lines += paragraph(_sentence(sentence))
    for shown in (verdict.exhibit, exhibited(verdict.text)):
        lines += ["", *shown] if shown else []
    lines.append("")
    for objection in verdict.objections:
        lines += paragraph(_sentence(objection), first="NOT A FIX: ", rest="  ")
    if verdict.undecided:
        lines += paragraph(_sentence(verdict.undecided), first="NO VERDICT: ", rest="  ")
    elif not verdict.objections:
        lines += paragraph(
            "A FIX: it holds, and does its work."
            + "".join(f" {_sentence(each)}" for each in verdict.unsure)
            + f" How the lab has mended it: conlab study {studied.name}"
        )
    explained = list(terms.explained("\n".join(lines), terminal.text_width()))
    return [*lines, "", *explained] if explained else lines


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _quiz(options: argparse.Namespace) -> int:
    family = None
    if options.name is not None:
        family = pitfall.family_named(options.name)
        if family is None:
            raise UserError(
                f"--quiz draws from all pitfalls or from a family, and {options.name!r} is none:"
                f" {', '.join(pitfall.families())}"
            )
    asked = [each for each in course() if family in (None, each.family)]
    question = quiz.question(asked, progress_so_far().studied, options.seed)
    show(question.lines())
    chosen = _choice(len(question.choices))
    if chosen is None:
        print(f"No answer. It is {question.answer}: conlab study {question.pitfall.name}")
        return WRONG
    right = chosen == question.answer
    print("Right." if right else f"No: it is {question.answer}.", end="\n\n")
    told = against_the_law(tell(question.pitfall))
    return told or (0 if right else WRONG)


def _choice(count: int) -> int | None:
    """The number that is typed; None if there is none in so many tries."""
    for _ in range(TRIES):
        try:
            typed = input(f"1 to {count}: ").strip()
        except EOFError:
            print()
            return None
        if typed.isdecimal() and 1 <= int(typed) <= count:
            return int(typed)
        print(f"{terminal.plain(typed)!r} is none of the numbers from 1 to {count}.")
    return None


def _next(options: argparse.Namespace) -> int:
    _insist_on_no_name(options, "--next")
    remembered = progress_so_far()
    ordered = course()
    new = [each for each in ordered if each.name not in remembered.studied]
    if not new:
        mended = sum(each.name in remembered.mended for each in ordered)
        print(
            f"You have studied all {len(ordered)} pitfalls, and mended {mended} of them. To begin"
            " anew, remove the file that remembers it:"
        )
        print(remembered_in())
        return 0
    studied = new[0]
    print(f"{len(ordered) - len(new) + 1} of {len(ordered)}", end="\n\n", flush=True)
    status = against_the_law(tell(studied))
    remembered.take_note(studied=studied.name)
    _say_what_is_not_remembered(remembered)
    show(
        paragraph(
            f"Then: conlab study {studied.name} --exercise > my_fix.py, mend it, and conlab study"
            f" {studied.name} --check my_fix.py; conlab study --next goes on."
        )
    )
    return status


def remembered_in() -> str:
    """The file that remembers what was studied."""
    return terminal.plain(str((state_folder() or Path()) / FILE))


def _say_what_is_not_remembered(remembered: Progress) -> None:
    if remembered.problem:
        said = f"conlab: what you have studied may not be remembered: {remembered.problem}"
        print(terminal.plain(said), file=sys.stderr)
