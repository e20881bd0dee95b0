"""Runs pytest over tests that are written down here, and reads what it says of them."""

import re

import pytest

NOTHING_ELSE = ("-p", "no:cacheprovider", "-p", "no:benchmark", "-p", "no:hypothesispytest", "-v")
ENOUGH = ("--explore-seconds", "60")  # on a busy machine, too
LIBRARY = '''
import threading


class Shelf:
    """Takes more than there is, if two come at once."""

    def __init__(self, number):
        self.number = number

    def take(self):
        if self.number > 0:
            self.number -= 1
            return True
        return False

    def put_back(self):
        self.number += 1


class Store:
    """Forgets a key while another looks."""

    def __init__(self):
        self.data = {}

    def put(self, key, value):
        self.data[key] = value

    def evict(self, key):
        if key in self.data:
            del self.data[key]


class LockedStore(Store):
    """Does one thing at a time."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def put(self, key, value):
        with self.lock:
            super().put(key, value)

    def get(self, key):
        with self.lock:
            return self.data.get(key)

    def evict(self, key):
        with self.lock:
            super().evict(key)


def two(function):
    threads = [threading.Thread(target=function) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
'''


def run(pytester: pytest.Pytester, tests: str, *arguments: str) -> pytest.RunResult:
    """Run tests in a project that has a library."""
    pytester.makepyprojecttoml("[tool.pytest]\n")
    pytester.makepyfile(library=LIBRARY, test_it=tests)
    return pytester.runpytest_subprocess(*NOTHING_ELSE, *ENOUGH, *arguments)


def ended(result: pytest.RunResult) -> dict[str, str]:
    """Say of each test how pytest says that it ended."""
    found = {}
    for line in result.outlines:
        match = re.match(r"test_it\.py::(\S+) ([A-Z]+)\b", line)
        if match:
            found[match[1]] = match[2].lower()
    return found


def said(result: pytest.RunResult) -> dict[str, str]:
    """Give of each test that was explored what is said of it at the end."""
    lines = result.outlines
    start = next((at for at, line in enumerate(lines) if line.strip("= ") == "explored"), None)
    if start is None:
        return {}
    found = {}
    for line in lines[start:]:
        match = re.match(r"test_it\.py::(\S+): (.*)", line)
        if match:
            found[match[1]] = match[2]
    return found


def differing(result: pytest.RunResult, test: str) -> int:
    """Give how many schedules of a test differ; all of them were run, and passed."""
    match = re.match(r"passes every schedule, (\d+) that differ \(any number", said(result)[test])
    assert match, said(result)[test]
    return int(match[1])
