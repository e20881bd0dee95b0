"""Lists pitfalls: all in the order to learn them in, one family, or those that a symptom names."""

from collections.abc import Iterator, Sequence

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import Pitfall
from conlab.study.learning import course
from conlab.study.printing import paragraph


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
        "conlab study NAME tells one of them, and runs both of its sides. conlab study --next goes"
        " on from where you are; --exercise and --check let you mend one."
    )


def for_symptom(words: str, found: Sequence[Pitfall]) -> Iterator[str]:
    """What may show so."""
    yield f"# {words}"
    for each in found:
        yield from paragraph(each.story["Symptom"], first=f"  {each}  ", rest=" " * 6)
    yield ""
    yield from paragraph("Best first. conlab study NAME tells one of them, and runs both sides.")


def _entry(each: Pitfall) -> Iterator[str]:
    title = each.title.partition(": ")[2]
    builds_on = f" (builds on {', '.join(each.builds_on)})" if each.builds_on else ""
    yield from paragraph(f"{title}{builds_on}", first=f"  {each.name}  ", rest=" " * 6)
