"""Right and slow: concurrency that costs more than it gains."""

READING_ORDER = 7
