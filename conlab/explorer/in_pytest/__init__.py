"""Explores ordinary tests of pytest: what the marks `explore` and `together` stand for.

Nothing here is imported by a test session in which no test asks for it. The plugin that the wheel
installs, `conlab/pytest_plugin.py`, registers `plugin.py` when the first test does.
"""
