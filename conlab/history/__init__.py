"""What the saved runs say over commits: ratios, read from pytest-benchmark's files."""
