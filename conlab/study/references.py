"""What the two given sides of a pitfall do, to hold a mended file against: found out once."""

import functools
from pathlib import Path

from conlab.catalogue import pitfall
from conlab.scratch import scratch_folder
from conlab.study.parts import parts_of
from conlab.study.scope import explorable
from conlab.study.trial import Noted, explore, run


@functools.cache
def noted_of(path: Path, side: str, *, forced: bool) -> Noted:
    """What a side does when it is run, in the order that its file declares if that is forced."""
    given = parts_of(path.read_text("utf-8")).given
    with scratch_folder() as folder:
        return run(path, side, pitfall.read(path), folder, given, forced=forced).noted


@functools.cache
def can_be_explored(path: Path) -> bool:
    """Whether the explorer, too, can tell that the fixed side is right: under every schedule."""
    if not explorable(path.read_text("utf-8")):
        return False
    with scratch_folder() as folder:
        explored = explore(path, "fixed", pitfall.read(path), folder, 80)
    return explored.exhausted and not explored.failing and not explored.alone
