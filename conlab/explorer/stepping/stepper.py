"""What both ways of meeting switch points share: whose code it is, and loops that only wait."""

import threading
from pathlib import Path
from types import CodeType

from conlab.explorer.stepping.points import Point
from conlab.explorer.stepping.readings import Reading
from conlab.explorer.threads.scheduler import MOST_TURNS, Scheduler

# Python code whose shared accesses all stand behind an operation that the explorer controls: a call
# to it needs no switch point of its own. `is_set` alone reads without a lock.
STANDARD = Path(threading.__file__).parent
INNER = tuple(
    str(path)
    for path in [
        STANDARD / "threading.py",
        STANDARD / "queue.py",
        STANDARD / "concurrent" / "futures",
        Path(__file__).parents[1],
    ]
)
UNLOCKED = frozenset(["is_set", "isSet"])
IDLE_TURNS = 2  # of a loop that does nothing but look, after which the others are let go first


class Stepper:
    """Knows which code is whose, and lets others go where a loop only waits."""

    def __init__(self, scheduler: Scheduler, reading: Reading) -> None:
        self._scheduler = scheduler
        self._reading = reading
        self._stepped = scheduler.stepped
        self._inner: dict[CodeType, bool] = {}

    def _is_inner(self, code: CodeType) -> bool:
        """Whether the code has switch points of its own wherever it shares anything."""
        known = self._inner.get(code)
        if known is None:
            known = code.co_filename in self._stepped or (
                code.co_filename.startswith(INNER) and code.co_name not in UNLOCKED
            )
            self._inner[code] = known
        return known

    def _turn(self, point: Point) -> None:
        """Let the others go first when a loop has turned often, or turned and only looked."""
        thread = self._scheduler.current
        if point.loop == "for":
            return
        if thread.loop is not point:
            thread.loop, thread.turns, thread.idle_turns = point, 0, 0
        thread.turns += 1
        if thread.worked or point.loop == "work":
            thread.idle_turns = 0
        else:
            thread.idle_turns += 1
        thread.worked = False
        if thread.idle_turns >= IDLE_TURNS or thread.turns >= MOST_TURNS:
            thread.turns = thread.idle_turns = 0
            self._scheduler.yield_turn(point)


class Unstepped:
    """Meets nothing: enough while there is one thread, whose tasks switch at an await only."""

    def enter(self) -> None:
        """Nothing to do for a thread."""

    def leave(self) -> None:
        """Nothing to do for a thread."""
