"""Replays the rule over recorded pairs: in stretches that follow one another and do not overlap."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeVar

from conlab.versus.rule import Judgement, Rule, Verdict

T = TypeVar("T")

LAST = 45  # pairs: what a run has time for in each of six cells, 300 s at a bit over 1 s a pair


@dataclass(frozen=True)
class Trial:
    """One cell of a run as the rule would have judged it, on pairs ``begin`` to ``end``."""

    begin: int
    end: int
    judgement: Judgement

    @property
    def verdict(self) -> Verdict:
        """What was said at the end."""
        return self.judgement.verdict

    @property
    def alarm(self) -> bool:
        """Whether the cell is said to have changed."""
        return self.verdict in (Verdict.SLOWER, Verdict.FASTER)


@dataclass
class Stretches:
    """Cuts a stream of pairs into trials as they come: each ends when the rule lets it."""

    rule: Rule
    trials: list[Trial] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)  # of the trial that is under way

    def __post_init__(self) -> None:
        self.looks = list(takewhile(lambda look: look <= LAST, self.rule.looks()))
        if not self.looks:
            raise ValueError(f"{self.rule} looks first after more than {LAST} pairs")

    @property
    def open_pairs(self) -> int:
        """How many pairs the trial has that is under way."""
        return len(self.ratios)

    def add(self, log_ratio: float) -> Trial | None:
        """Take one more pair; give the trial if that ends it."""
        self.ratios.append(log_ratio)
        if len(self.ratios) not in self.looks:
            return None
        judgement = self.rule.judge(self.ratios)
        if judgement.verdict is Verdict.UNSURE and len(self.ratios) < self.looks[-1]:
            return None
        begin = self.trials[-1].end if self.trials else 0
        trial = Trial(begin, begin + len(self.ratios), judgement)
        self.trials.append(trial)
        self.ratios.clear()
        return trial


def trials(rule: Rule, log_ratios: Iterable[float]) -> list[Trial]:
    """The complete trials of a stream."""
    stretches = Stretches(rule)
    for log_ratio in log_ratios:
        stretches.add(log_ratio)
    return stretches.trials


def whole_runs(of_cells: Iterable[Sequence[T]], cells: int) -> Iterator[list[T]]:
    """Runs of that many cells: the first trial of every cell, then the second, and so on."""
    in_turn = [trial for at_once in zip(*of_cells, strict=False) for trial in at_once]
    for begin in range(0, len(in_turn) - cells + 1, cells):
        yield in_turn[begin : begin + cells]
