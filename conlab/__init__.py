"""Concurrency Lab: measures concurrency models, shows pitfalls, tells whether code got slower."""

__version__ = "0.2.0"
