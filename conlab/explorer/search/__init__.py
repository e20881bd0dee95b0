"""The order of schedules: a file a strategy, none of which knows what the choices are about.

What is executed asks a `Schedule` at each of its choices which option to take. So a strategy works
for threads, for tasks, and for the bare numbers of its tests.
"""
