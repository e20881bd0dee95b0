"""The scheduler of threads: its primitives, what is modelled, and what is set back in between."""
