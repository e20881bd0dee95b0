"""The options of a comparison, each checked before anything starts."""

import random
from dataclasses import dataclass
from typing import Any

from conlab.errors import UserError
from conlab.versus.sides.naming import halves

ALPHA = 0.01
MATTERS = 0.05
BUDGET = 300.0  # seconds
NAMES = ("alpha", "matters", "budget", "fail_on_cannot_tell", "install")


@dataclass(frozen=True, slots=True)
class Options:
    """What is compared, and how surely. ``alpha`` and ``matters`` are shares, not per cent."""

    text: str
    alpha: float
    matters: float
    budget: float
    seed: int
    fail_on_cannot_tell: bool
    install: bool = False


def add_options(parser: Any) -> None:
    """Register the options with pytest; ``parser`` is its parser."""
    group = parser.getgroup("concurrency lab versus", "concurrency lab: did it get slower?")

    def option(name: str, metavar: str, meaning: str) -> None:
        group.addoption(f"--{name}", metavar=metavar, help=meaning, default=None)

    option(
        "versus",
        "SIDE",
        "compare the working tree with SIDE: a git revision, a Python (python3.14, or a path), or"
        " another version of a library ('httpx==0.27.*'); or two of them with each other, A..B",
    )
    option(
        "alpha",
        "P",
        "the probability, at most, that a run between identical sides raises any alarm"
        f" (default: {ALPHA:g})",
    )
    option(
        "matters",
        "SHARE",
        "the least change that matters, 5%% or 0.05 (default: 5%%); whether a change just as large"
        " as that is found is the toss of a coin, and one twice as large is found",
    )
    option("budget", "SECONDS", f"measure for no longer than this in all (default: {BUDGET:g})")
    group.addoption(
        "--fail-on-cannot-tell",
        action="store_true",
        help="fail for a cell of which the budget was too short to tell, as for a slower one",
    )

    group.addoption(
        "--install",
        action="store_true",
        help="install each revision, and the working tree beside it, into an environment of its"
        " own, as a project that must be built is anyway; made once, and kept",
    )


def read(config: Any) -> Options | None:
    """What the options of ``config`` mean; None without --versus. Raises UserError for nonsense."""
    option = config.getoption
    if option("versus") is None:
        for name in NAMES:
            if option(name):
                raise UserError(f"--{name.replace('_', '-')} is for a comparison: --versus SIDE")
        return None
    if not option("benchmark_only", False):
        raise UserError("--versus measures: it needs --benchmark-only beside it")
    for other in ("peers", "benchmark_autosave", "benchmark_save", "benchmark_compare"):
        if option(other, None):
            name = other.replace("_", "-")
            raise UserError(f"--{name} goes with one side, and --versus has two: leave one out")
    halves(option("versus"))
    seed = option("seed")
    if seed is not None and not seed.isdecimal():
        raise UserError(f"--seed {seed}: it should be a whole number, such as a run printed")
    return Options(
        text=option("versus"),
        alpha=share("alpha", option("alpha"), ALPHA),
        matters=share("matters", option("matters"), MATTERS),
        budget=seconds(option("budget")),
        seed=random.SystemRandom().randrange(2**32) if seed is None else int(seed),
        fail_on_cannot_tell=bool(option("fail_on_cannot_tell")),
        install=bool(option("install")),
    )


def share(name: str, text: str | None, default: float) -> float:
    """A number between 0 and 1, or as many per cent."""
    if text is None:
        return default
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise UserError(f"--{name} {text}: it should be more than 0 and less than 1, 0.05 or 5%")
    return value


def seconds(text: str | None) -> float:
    """Seconds from 1 to a day."""
    if text is None:
        return BUDGET
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1 <= value <= 86_400:
        raise UserError(f"--budget {text}: it should be seconds, a number from 1 to 86400")
    return value
