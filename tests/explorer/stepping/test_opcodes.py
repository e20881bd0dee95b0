"""Every bytecode of the running build stands in a group: no new one is passed over in silence."""

import dis
import opcode
from collections.abc import Iterable

from conlab.explorer.stepping import opcodes

GROUPED = frozenset[str]().union(
    *(group for group in vars(opcodes).values() if isinstance(group, frozenset))
)


def of_this_build() -> set[str]:
    """The bytecodes that a compiler emits: not those that CPython specialises at run time."""
    specialised: Iterable[str] = (
        *getattr(opcode, "_specialized_opmap", ()),
        *getattr(opcode, "_specialized_instructions", ()),
    )
    names = {name for name in dis.opmap if not name.startswith("INSTRUMENTED_")}
    return names - set(specialised)


def test_every_bytecode_stands_in_a_group() -> None:
    assert len(of_this_build()) > 100
    assert of_this_build() - GROUPED == set(), "a new bytecode belongs into a group of opcodes.py"


def test_what_is_no_switch_point_stands_in_no_other_group() -> None:
    groups = {name: group for name, group in vars(opcodes).items() if isinstance(group, frozenset)}
    none = groups.pop("NO_POINTS") | groups.pop("NOT_YET_POINTS")
    assert none & frozenset[str]().union(*groups.values()) == set()
