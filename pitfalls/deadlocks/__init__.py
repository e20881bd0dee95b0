"""Waiting in a circle: a lock, a slot in a pool, a full pipe, an event loop."""

READING_ORDER = 3
