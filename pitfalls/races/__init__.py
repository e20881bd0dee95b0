"""Read, then write: what was true at the read is no longer true at the write."""

READING_ORDER = 2
