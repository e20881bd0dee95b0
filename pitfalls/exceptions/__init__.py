"""Failures that nobody sees: the work is missing and the program says it is done."""

READING_ORDER = 1
