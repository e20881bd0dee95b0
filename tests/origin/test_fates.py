"""The fate of an attempt at a URL is drawn from the seed, and from nothing else."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from conlab.origin.fates import Fate, fate
from conlab.origin.settings import KINDS, Faults, Settings
from tests.patience import patience

EACH_AT_1_IN_20: dict[str, Any] = dict.fromkeys(KINDS, 0.05)
FAULTY = Settings(latency=0.01, jitter=0.02, faults=Faults(**EACH_AT_1_IN_20))
PRINT_FATES = """
from tests.origin.test_fates import fates
print(fates())
"""


def fates() -> list[Fate]:
    return [
        fate(FAULTY, site, f"/files/{number}?size=9", attempt)
        for site in range(2)
        for number in range(500)
        for attempt in (1, 2)
    ]


def test_a_fate_is_the_same_in_every_process_whatever_its_hash_seed() -> None:
    for hash_seed in ("0", "1"):
        elsewhere = subprocess.run(
            [sys.executable, "-c", PRINT_FATES],
            env=os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path.cwd())},
            capture_output=True,
            text=True,
            check=True,
            timeout=patience(60),
        )
        assert elsewhere.stdout.strip() == str(fates())


def test_every_kind_of_fault_comes_about_as_often_as_asked() -> None:
    drawn = Counter(due.fault for due in fates())
    assert set(drawn) == {None, *KINDS}
    # 2,000 draws at 1 in 20: five standard deviations to either side. The draws never change.
    assert all(50 < drawn[kind] < 150 for kind in KINDS)


def test_a_fault_at_the_first_attempt_may_be_gone_at_the_second() -> None:
    drawn = fates()
    pairs = list(zip(drawn[::2], drawn[1::2], strict=True))
    assert any(first.fault and not second.fault for first, second in pairs)


def test_site_target_attempt_and_seed_each_change_the_draw() -> None:
    draws = {
        fate(Settings(seed=seed, jitter=1.0), site, target, attempt).latency
        for seed in (0, 1)
        for site in (0, 1)
        for target in ("/a", "/b")
        for attempt in (1, 2)
    }
    assert len(draws) == 16


def test_latency_lies_between_the_latency_and_the_latency_with_all_jitter() -> None:
    latencies = [due.latency for due in fates()]
    assert min(latencies) >= 0.01
    assert max(latencies) <= 0.03
    assert max(latencies) - min(latencies) > 0.019


def test_without_jitter_or_faults_every_fate_is_the_plain_latency() -> None:
    assert fate(Settings(latency=0.05), 0, "/", 1) == Fate(0.05, None, 0.0)


def test_a_fault_of_probability_1_always_comes() -> None:
    for kind in KINDS:
        chances: dict[str, Any] = {kind: 1.0}
        always = Settings(faults=Faults(**chances))
        assert {fate(always, 0, f"/{n}", 1).fault for n in range(200)} == {kind}
