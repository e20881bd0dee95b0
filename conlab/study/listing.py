"""Lists pitfalls: all in the order to learn them in, one family, or those that a symptom names."""

from collections.abc import Iterator, Sequence

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import Pitfall
from conlab.study.learning import course
from conlab.study.printing import paragraph
from conlab.study.symptoms import MOST


def all_of_them(family: str | None = None) -> Iterator[str]:
    """The families, and the pitfalls of each with what it builds on."""
    ordered = course()
    for name, sentence in pitfall.families().items():
        if family not in (None, name):
            continue
        yield f"# {name}"
        yield from paragraph(sentence)
        yield ""
        for each in ordered:
            if each.family == name:
                yield from _entry(each)
        yield ""
    yield from paragraph(
        "conlab study NAME tells one of them, and runs both of its sides; conlab study --next tells"
        " the next that you have not read. To mend one yourself: conlab study NAME --exercise >"
        " fix.py, edit fix.py, and conlab study NAME --check fix.py. conlab study --symptom WORD"
        " ... finds one by what you see."
    )


def for_symptom(words: str, found: Sequence[Pitfall], *, everything: bool) -> Iterator[str]:
    """What may show so: the best, or all that matches."""
    shown = found if everything else found[:MOST]
    yield f"# {words}"
    for each in shown:
        yield from paragraph(each.story["Symptom"], first=f"  {each}  ", rest=" " * 6)
    yield ""
    more = len(found) - len(shown)
    said = f"{more} more match: conlab study --symptom {words} --all. " if more else ""
    yield from paragraph(
        f"Best first. {said}conlab study NAME tells one of them, and runs both sides."
    )


def _entry(each: Pitfall) -> Iterator[str]:
    title = each.title.partition(": ")[2]
    builds_on = f" (builds on {', '.join(each.builds_on)})" if each.builds_on else ""
    yield from paragraph(f"{title}{builds_on}", first=f"  {each.name}  ", rest=" " * 6)
