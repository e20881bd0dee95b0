"""The peak of the memory: short ones count, and what was there before does not."""

import subprocess
import sys

import pytest

from conlab.versus.pairs.peak import LINUX
from tests.bench.made import ROOT

SCRIPT = """
from conlab.versus.pairs.peak import Peak
before = bytearray(60 * 2**20)
del before
peak = Peak()
small = peak.bytes()
held = bytearray(30 * 2**20)
del held
print(small // 2**20, peak.bytes() // 2**20)
"""


@pytest.mark.skipif(not LINUX, reason="elsewhere the mark cannot be set back")
def test_a_short_peak_is_seen_and_one_before_is_not() -> None:
    told = subprocess.check_output([sys.executable, "-c", SCRIPT], cwd=ROOT, text=True)
    small, large = map(int, told.split())
    assert small == 0
    assert 29 <= large <= 31
