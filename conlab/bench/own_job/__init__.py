"""Measures a reader's own job alone, in any folder: a quiet pytest run of one benchmark file."""
