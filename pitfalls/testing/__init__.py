"""Tests that are green because they look too early, or do not look at all."""

READING_ORDER = 8
