"""One thread for all tasks: what is never awaited, never kept, or never lets go."""

READING_ORDER = 4
