"""Did each side import its own files? A revision that runs the reader's tree compares nothing."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from conlab.versus.sides.aimed.conlab_side import Tree, is_below
from conlab.versus.sides.side import ROOT, Side

Modules = Mapping[str, str]  # the file of each module, by its name


def not_its_own(
    sides: Sequence[Side], modules: Sequence[Modules], packages: Sequence[Iterable[str]]
) -> str | None:
    """What to tell the reader if a side that is a revision imported what is not that revision's.

    ``packages`` are, for each side, those that are installed from the reader's repository.
    """
    for number, side in enumerate(sides):
        if side.tree is None or side.copy is None:
            continue
        tree = Tree(str(side.tree), str(side.copy), [str(ROOT / "conlab")])
        others = modules[1 - number]
        for name, file in sorted(modules[number].items()):
            if may_be_shared(side, name, file):
                continue
            if tree.holds(file):
                return sentence(side, name, file, "the working tree's own file")
            installed = name.partition(".")[0] in packages[number]
            if installed and others.get(name) == file and not is_below(file, str(side.copy)):
                return sentence(side, name, file, "installed once for both sides")
    return None


def may_be_shared(side: Side, name: str, file: str) -> bool:
    """Whether a module is the lab's, of the side's own environment, or one that both may share."""
    own = [side.made, *side.shared]
    real = os.path.realpath(file)
    return name.partition(".")[0] == "conlab" or any(
        is_below(real, os.path.realpath(one)) for one in own if one
    )


def sentence(side: Side, name: str, file: str, what: str) -> str:
    """What was seen, and what to do."""
    return (
        f"{side.name} imported {name} from {Path(file)}, which is {what}, so a change in it cannot"
        " be seen: --install gives each revision an environment of its own; or have it imported"
        " by a path relative to the file that needs it"
    )
