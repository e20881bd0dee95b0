"""Witnesses: how a failing schedule is written down, told to a person, and written as a script."""
