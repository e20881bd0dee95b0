"""Study the classic mistakes: read one, mend it, have your fix checked, be asked about others.

A pitfall is one mistake with its story and two sides, broken and fixed; related ones are a family.
Without anything behind it, this lists them all.
"""

import argparse
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
from conlab.study.progress import forget, kept_in, progress_so_far
from conlab.study.remembering import note, studied_so_far
from conlab.study.running import run_side
from conlab.study.story import against_the_law, tell
from conlab.study.symptoms import ranked

NO_FIX = NOTHING_FOUND = WRONG = 1
NO_VERDICT = 2
TRIES = 3  # answers that are no number of a choice
A_FEW = 3  # pitfalls of a family that are named as examples

LOOP = """\
how to learn, with one that conlab study lists, here lost_update:
  conlab study                                  pick one; or --symptom, --next
  conlab study lost_update                      read it, and see both sides run
  conlab study lost_update --exercise > fix.py  get its broken side as a file
  (edit fix.py: its first lines say what must hold, and what is to be mended)
  conlab study lost_update --check fix.py       is it a fix? if not, why not?
  conlab study --quiz                           find the mistake in another
  conlab study --next                           read the next that you have not"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow ``conlab study``."""
    parser.usage = (
        "%(prog)s [NAME | FAMILY] [--report FILE.html]\n"
        "       %(prog)s NAME (--run SIDE | --exercise | --check FILE)\n"
        "       %(prog)s [FAMILY] --quiz [--seed N]\n"
        "       %(prog)s --symptom WORD ... [--all]\n"
        "       %(prog)s (--next | --start-over)"
    )
    parser.epilog = LOOP
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a pitfall, such as lost_update, or the path of its file: tell its story, and run both"
        " of its sides; or a family, such as races: list it",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--exercise",
        action="store_true",
        help="print the broken side of NAME as a file to mend: NAME --exercise > fix.py",
    )
    mode.add_argument(
        "--check",
        metavar="FILE",
        help="judge FILE, in which you have mended NAME: is it right in every order, does it still"
        " do its work, is it a fix? Exit status 0 if so, 1 if not, 2 if it cannot be told",
    )
    mode.add_argument(
        "--run",
        dest="side",
        choices=["broken", "fixed"],
        metavar="SIDE",
        help="run one SIDE of NAME, broken or fixed, for real, in the order in which the broken one"
        " fails each time",
    )
    mode.add_argument(
        "--quiz",
        action="store_true",
        help="see a program, and choose what goes wrong in it; of those that you have not studied,"
        " while there are any",
    )
    mode.add_argument(
        "--symptom",
        metavar="WORD",
        nargs="+",
        help="list the pitfalls that show so, best first: --symptom hang, or words of your own, or"
        " an error message",
    )
    mode.add_argument(
        "--next",
        action="store_true",
        help="tell the next one that you have not studied, in the order to learn them in; what you"
        " have read by its NAME counts",
    )
    mode.add_argument(
        "--start-over", action="store_true", help="forget what you have studied and mended"
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="with --quiz: ask the question of that number, whatever you have studied",
    )
    parser.add_argument(
        "--all", action="store_true", help="with --symptom: also those that match less"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.html",
        help="with NAME: write a page as well, with the story, the sides beside each other, the"
        " schedule drawn",
    )


def run(options: argparse.Namespace) -> int:
    """Print, and return 1 for what was found wrong."""
    _refuse_what_does_not_go_together(options)
    if options.start_over:
        return _start_over()
    if options.symptom is not None:
        return _look_up(options)
    if options.quiz:
        return _quiz(options)
    if options.next:
        return _next()
    if options.name is None:
        show(listing.all_of_them())
        return 0
    family = pitfall.family_named(options.name)
    if family is not None:
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
    note(studied=studied.name)
    show(["", *studied_so_far(studied)])
    return against_the_law(findings)


def _refuse_what_does_not_go_together(options: argparse.Namespace) -> None:
    """Raise UserError, in a sentence that says what to type instead."""
    if options.seed is not None and not options.quiz:
        raise UserError("--seed is for --quiz: leave it out, or ask for a quiz")
    if options.all and options.symptom is None:
        raise UserError("--all is for --symptom: leave it out, or say what you see")
    for option, given in (
        ("--symptom", options.symptom is not None),
        ("--next", options.next),
        ("--start-over", options.start_over),
    ):
        if given and options.name is not None:
            raise UserError(f"{option} is about all pitfalls: leave out {options.name!r}")
    others = (
        *(options.side, options.exercise, options.check, options.symptom),
        *(options.quiz, options.next, options.start_over),
    )
    if options.report is not None and (options.name is None or any(others)):
        raise UserError("--report FILE.html needs the NAME of a pitfall beside it, and no more")
    of_one = _of_one_pitfall(options)
    if of_one and options.name is None:
        raise UserError(f"{of_one.split()[0]} needs a pitfall: conlab study NAME {of_one}")
    if of_one and (family := pitfall.family_named(options.name)) is not None:
        members = [each.name for each in course() if each.family == family]
        some = ", ".join(members[:A_FEW])
        raise UserError(
            f"{family} is a family of {len(members)} pitfalls, and {of_one.split()[0]} is for one"
            f" of them: {some}, ... Type for instance: conlab study {members[0]} {of_one}"
        )
    if options.report is not None:
        pages.check(options.report)


def _of_one_pitfall(options: argparse.Namespace) -> str:
    """What was asked of a single pitfall, as it was typed; empty if nothing was."""
    if options.exercise:
        return "--exercise"
    for option, value in (
        ("--run", options.side),
        ("--check", options.check),
        ("--report", options.report),
    ):
        if value is not None:
            return f"{option} {terminal.plain(str(value))}"
    return ""


def _look_up(options: argparse.Namespace) -> int:
    words = " ".join(options.symptom)
    found = ranked(words, pitfall.collect())
    if not found:
        print(
            f"No pitfall tells of {terminal.plain(words)!r}. Say what you see in other words, such"
            " as hang, slow, lost, leak or an exception's name; conlab study lists them all."
        )
        return NOTHING_FOUND
    show(listing.for_symptom(words, found, everything=options.all))
    return 0


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
    note(mended=studied.name)
    return 0


def _verdict(verdict: Verdict, studied: pitfall.Pitfall, file: Path) -> list[str]:
    """What was seen, what shows it, what the terms in it mean; and last, the verdict."""
    lines = [f"# {file.name}, checked as a fix of {studied}"]
    for sentence in verdict.seen:
        lines += paragraph(_sentence(sentence))
    for shown in (verdict.exhibit, exhibited(verdict.text)):
        lines += ["", *shown] if shown else []
    said: list[str] = []
    for objection in verdict.objections:
        said += paragraph(_sentence(objection), first="NOT A FIX: ", rest="  ")
    if verdict.undecided:
        said += paragraph(_sentence(verdict.undecided), first="NO VERDICT: ", rest="  ")
    elif not verdict.objections:
        said += paragraph(
            "A FIX: it holds, and does its work."
            + "".join(f" {_sentence(each)}" for each in verdict.unsure)
            + f" How the lab has mended it: conlab study {studied.name}"
        )
    explained = list(terms.explained("\n".join([*lines, *said]), terminal.text_width()))
    return [*lines, "", *explained, *([""] if explained else []), *said]


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
    pitfalls = course()
    of_family = [each for each in pitfalls if family in (None, each.family)]
    question = quiz.question(of_family, pitfalls, progress_so_far().studied, options.seed)
    show(question.lines())
    chosen = _choice(len(question.choices))
    if chosen is None:
        print(f"No answer. It is {question.answer}: conlab study {question.pitfall.name}")
        return WRONG
    right = chosen == question.answer
    answered = "Right." if right else f"No: it is {question.answer}."
    print(answered, end="\n\n")
    told = against_the_law(tell(question.pitfall))
    note(studied=question.pitfall.name)
    show(["", *paragraph(f"{answered} {question.pitfall.title}", first="Your answer: ", rest="  ")])
    show(studied_so_far(question.pitfall))
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


def _next() -> int:
    remembered = progress_so_far()
    ordered = course()
    new = [each for each in ordered if each.name not in remembered.studied]
    if not new:
        mended = sum(each.name in remembered.mended for each in ordered)
        show(
            paragraph(
                f"You have studied all {len(ordered)} pitfalls, and mended {mended} of them. To"
                " begin anew: conlab study --start-over, which forgets what is kept in"
                f" {terminal.plain(kept_in())}"
            )
        )
        return 0
    studied = new[0]
    print(f"{len(ordered) - len(new) + 1} of {len(ordered)}", end="\n\n", flush=True)
    status = against_the_law(tell(studied))
    note(studied=studied.name)
    show(["", *studied_so_far(studied)])
    return status


def _start_over() -> int:
    remembered = progress_so_far()
    if problem := forget():
        raise UserError(f"what you have studied cannot be forgotten: {problem}")
    print(
        f"Forgotten: {len(remembered.studied)} studied, {len(remembered.mended)} mended."
        " conlab study --next begins with the first."
    )
    return 0
