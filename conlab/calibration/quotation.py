"""What was found about comparisons on this machine, in sentences below the verdicts of one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conlab.calibration.evaluation import SUMMARY
from conlab.calibration.rates import Rate, rate
from conlab.calibration.recording import this_machine
from conlab.versus.plugin import COMPARISON
from conlab.versus.rule import Verdict


@pytest.hookimpl(trylast=True)  # after the verdicts
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say below the verdicts what they are worth here, if that was counted."""
    comparison = config.stash.get(COMPARISON, None)
    if comparison and comparison.tests and (found := quoted()):
        terminalreporter.write_line(found)


def quoted(path: Path = SUMMARY) -> str | None:
    """What was found on this machine, in sentences for a summary; None if nothing was."""
    try:
        saved = json.loads(path.read_text("utf-8"))
        if saved["machine"] != this_machine():
            return None
        rule = saved["rule"]
        title = (
            f"Calibrated here, at alpha {rule['alpha']:g} over {rule['cells']} cells and with"
            f" {rule['matters']:.0%} as what matters:"
        )
        return "\n".join([title, *(f"  {sentence(load)}" for load in saved["loads"])])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, OSError):
        return f"{path} cannot be read; `conlab calibrate --seconds 0` writes it anew"


def sentence(load: Mapping[str, Any]) -> str:
    """What was found under one load."""
    tenth = [stream for stream in load["streams"] if stream["slowdown"] == 0.1]
    alarms = Rate(**load["runs"]["this rule"])
    by_mean = Rate(**load["runs"]["mean:5%, one process after another"])
    found = [Rate(**stream["verdicts"][Verdict.SLOWER]) for stream in tenth]
    hits, of = sum(each.hits for each in found), sum(each.of for each in found)
    return (
        f"{load['load']}, {load['first'][:10]} to {load['last'][:10]}:"
        f" an alarm in {alarms} runs over unchanged code, by mean:5% in {by_mean};"
        f" slower by a tenth was found in {pooled(hits, of)}"
    )


def pooled(hits: int, of: int) -> str:
    """Hits of several streams as one rate."""
    return str(rate([True] * hits + [False] * (of - hits)))
