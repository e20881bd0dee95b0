"""Stopping work that is under way: it goes on, hides the request, or leaks."""

READING_ORDER = 5
