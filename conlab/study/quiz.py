"""Asks what goes wrong in a program: a broken side without its name, and four answers."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conlab.catalogue.pitfall import Pitfall
from conlab.study.exercise import program_of

CHOICES = 4


@dataclass(frozen=True)
class Question:
    """A program, what may be wrong with it, and which of these is."""

    pitfall: Pitfall
    choices: tuple[Pitfall, ...]

    @property
    def answer(self) -> int:
        """The number of the right choice, from 1 on."""
        return self.choices.index(self.pitfall) + 1

    def lines(self) -> Iterator[str]:
        """The program and the choices."""
        yield "# What goes wrong here?"
        yield ""
        yield from program_of(self.pitfall).splitlines()
        yield ""
        for number, choice in enumerate(self.choices, 1):
            yield f"{number}  {name_of(choice)} ({choice.failure})"
        yield ""


def question(pitfalls: Sequence[Pitfall], studied: Sequence[str], seed: int | None) -> Question:
    """Draw a pitfall, if there is one of those that were not studied yet, and three to beside it.

    The others are those that could be taken for it: of its family, or that fail in the same way.
    """
    drawn = random.Random(seed)
    new = [each for each in pitfalls if each.name not in studied]
    asked = drawn.choice(new or list(pitfalls))
    others = [each for each in pitfalls if each.name != asked.name]
    drawn.shuffle(others)
    others.sort(key=lambda each: -(each.family == asked.family) - (each.failure == asked.failure))
    choices = [asked, *others[: CHOICES - 1]]
    drawn.shuffle(choices)
    return Question(asked, tuple(choices))


def name_of(pitfall: Pitfall) -> str:
    """The mistake's name, as its title has it."""
    return pitfall.title.partition(":")[0].rstrip(".")
