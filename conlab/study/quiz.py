"""Asks what goes wrong in a program: a broken side without its name, and four answers.

The three that are wrong could be taken for the right one: their programs are like it, they fail in
the same way and in others, and the words of the program are in the answers that are wrong as well.
"""

import functools
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conlab.catalogue.pitfall import Pitfall
from conlab.study.exercise import program_of
from conlab.study.gists import gist
from conlab.study.printing import paragraph
from conlab.study.symptoms import stems

CHOICES = 4
LIKE = 8  # of so many that are most like it, the wrong answers are drawn


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
        yield from program_of(self.pitfall.path).splitlines()
        yield ""
        for number, choice in enumerate(self.choices, 1):
            yield from paragraph(gist(choice), first=f"{number}  ", rest="   ")
        yield ""


def question(
    pitfalls: Sequence[Pitfall],
    all_pitfalls: Sequence[Pitfall],
    studied: Sequence[str],
    seed: int | None,
) -> Question:
    """Draw one of the pitfalls, and of all of them three to set beside it.

    With a seed the question is the same whatever was studied; without, it is of a pitfall that was
    not, if there is one.
    """
    drawn = random.Random(seed)
    new = [each for each in pitfalls if each.name not in studied] if seed is None else []
    asked = drawn.choice(new or list(pitfalls))
    choices = [asked, *_taken_for(asked, all_pitfalls, drawn)]
    drawn.shuffle(choices)
    return Question(asked, tuple(choices))


def _taken_for(asked: Pitfall, pitfalls: Sequence[Pitfall], drawn: random.Random) -> list[Pitfall]:
    """The wrong answers: one that the words speak for, one that fails so and one that does not."""
    words = _Words(pitfalls)
    program = words.of_program(asked)
    others = [each for each in pitfalls if each.name != asked.name]
    others.sort(key=lambda each: -words.likeness(program, words.of_program(each)))
    spoken_for = words.spoken_for(asked, program)
    rivals = [each for each in others if words.spoken_for(each, program) >= spoken_for]
    fails_so = [each for each in others if each.failure == asked.failure]
    does_not = [each for each in others if each.failure != asked.failure]
    chosen: list[Pitfall] = []
    for some in (rivals, fails_so, does_not, others):
        free = [each for each in some if each not in chosen]
        if free and len(chosen) < CHOICES - 1:
            chosen.append(drawn.choice(free[:LIKE]))
    return chosen


@functools.cache
def _words_of_program(path: Path) -> frozenset[str]:
    return frozenset(stems(program_of(path)))


class _Words:
    """The words of programs and of answers, and what each counts: the more, the fewer have it."""

    def __init__(self, pitfalls: Sequence[Pitfall]) -> None:
        self.programs = {each.name: _words_of_program(each.path) for each in pitfalls}
        self.answers = {each.name: frozenset(stems(gist(each))) for each in pitfalls}
        texts = [*self.programs.values(), *self.answers.values()]
        seen_in = Counter(word for text in texts for word in text)
        self.counts = {word: math.log(len(texts) / seen_in[word]) for word in seen_in}

    def of_program(self, pitfall: Pitfall) -> frozenset[str]:
        """The words of its broken side."""
        return self.programs[pitfall.name]

    def likeness(self, one: frozenset[str], other: frozenset[str]) -> float:
        """How much two programs have in common, of what either has."""
        return self._sum(one & other) / (self._sum(one | other) or 1.0)

    def spoken_for(self, choice: Pitfall, program: frozenset[str]) -> float:
        """How much of an answer is in the words of a program, whatever goes wrong in it."""
        return self._sum(self.answers[choice.name] & program)

    def _sum(self, words: frozenset[str]) -> float:
        return sum(self.counts[word] for word in sorted(words))
