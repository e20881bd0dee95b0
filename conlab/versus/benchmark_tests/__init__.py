"""Tests of any project that use pytest-benchmark, compared as cells: nothing is to be rewritten."""
