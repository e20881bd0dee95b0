"""Faults of somebody else's making, by the hundred: hostile answers, kills, a machine that is busy.

``python -m tests.torture`` tries what was not tried yet at this commit, and prints one table. No
test: it takes hours. What it found so far lies in ``.conlab/torture``; Ctrl-C loses one case.
"""
