"""Crossing into another process: what is copied, and what is run again."""

READING_ORDER = 6
