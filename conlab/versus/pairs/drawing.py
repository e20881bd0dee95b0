"""What is drawn at random for a pair: who begins, and what both processes have in common."""

import random
from dataclasses import dataclass
from typing import Self

import psutil

PADDING = 4096  # bytes: the size of the environment moves the stack, and with it the speed


@dataclass(frozen=True, slots=True)
class Draw:
    """What is drawn at random for a pair, the same again from the same seed.

    ``first`` is the side that begins. Both processes get the same hash seed and, where one thread
    does all the work, the same core, others in each pair: what these make faster or slower is no
    difference between the sides.
    """

    first: int
    core: int
    hash_seed: int
    paddings: tuple[int, int]

    @classmethod
    def of(cls, seed: int, cell: str, number: int) -> Self:
        """The draw for that pair of the cell, in whatever order the cells are measured."""
        chance = random.Random(f"{seed} {cell} {number}")
        return cls(
            chance.randrange(2),
            chance.choice(core_numbers()),
            chance.randrange(1, 2**32),
            (chance.randrange(PADDING), chance.randrange(PADDING)),
        )

    def environment(self, side: int) -> dict[str, str]:
        """What the process of that side finds in its environment."""
        padding = "x" * self.paddings[side]
        return {"PYTHONHASHSEED": str(self.hash_seed), "CONLAB_PADDING": padding}


def order(first: int, number: int) -> tuple[int, int]:
    """The sides in the order of that round: the other way round each time, for drift to cancel."""
    return (first, 1 - first) if number % 2 == 0 else (1 - first, first)


def core_numbers() -> list[int]:
    """The numbers of the cores that this process may use, as far as the system tells."""
    try:
        return psutil.Process().cpu_affinity() or [0]
    except AttributeError:  # macOS has none
        return [0]
