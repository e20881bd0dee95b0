"""A git repository with a reader's own workload in several revisions, made once for all tests."""

import hashlib
import importlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from conlab.bench.discovery import own_workload
from conlab.bench.settings import Settings
from conlab.versus.rule import missing_library
from tests.bench.made import SERIAL, settings

STEADY = """
    def jobs():
        return range(4)

    def work(job):
        return job * job
    """

# In the worker alone, time is counted by the jobs: what is measured is then the same every time.
CLOCKED = """
    import sys
    import time

    SECONDS = 0.01

    if sys.argv[0].endswith("worker.py"):
        passed = [0.0]
        time.perf_counter = lambda: passed[0]
    else:
        passed = [0.0]

    def jobs():
        return range(1)

    def work(job):
        passed[0] += SECONDS
        return job
    """

REVISIONS = {  # by tag, what the workload is there
    "clocked": CLOCKED,
    "longer": CLOCKED.replace("0.01", "0.015"),
    "other": STEADY.replace("job * job", "job + job"),
    "raises": STEADY.replace("return job * job", 'raise ValueError("no chance")'),
    "asks": STEADY.replace("jobs()", "jobs(texts)").replace("range(4)", "texts"),
    "wrong": "import no_such_module",
    "killed": """
        import os
        import signal

        def jobs():
            return range(4)

        def work(job):
            os.kill(os.getpid(), signal.SIGKILL)
        """,
    "hangs": """
        import os
        import pathlib
        import threading

        def jobs():
            return range(4)

        def work(job):
            if "HANGS_AT" in os.environ:
                pathlib.Path(os.environ["HANGS_AT"]).touch()
            threading.Event().wait()
        """,
    "waits": """
        import time

        def jobs():
            return range(4)

        def work(job):
            time.sleep(0.03)
            return job ** 2
        """,
    "computes": """
        import time

        def jobs():
            return range(4)

        def work(job):
            end = time.thread_time() + 0.03
            while time.thread_time() < end:
                pass
            return job ** 2
        """,
    "pinned": """
        import os

        def jobs():
            return range(4)

        def work(job):
            (core,) = os.sched_getaffinity(0)
            return core
        """,
    "steady": STEADY,  # the last: so it is what the tree holds
}


@dataclass(frozen=True)
class Made:
    """The repository's root and the workload's file in it."""

    root: Path
    file: Path

    def git(self, *arguments: str) -> str:
        """Run git there, for what it prints."""
        who = ("-c", "user.name=reader", "-c", "user.email=reader@example.org")
        return subprocess.run(
            ["git", *who, *arguments], cwd=self.root, capture_output=True, text=True, check=True
        ).stdout

    def state(self) -> tuple[str, ...]:
        """All of it that a comparison must leave as it was."""
        index = hashlib.sha256((self.root / ".git" / "index").read_bytes()).hexdigest()
        files = "\n".join(sorted(str(path) for path in self.root.rglob("*")))
        asked = (("status", "--porcelain"), ("worktree", "list"), ("stash", "list"), ("branch",))
        return index, files, *(self.git("--no-optional-locks", *command) for command in asked)

    def settings(self) -> Settings:
        """The settings of a run of the workload under serial."""
        return settings(workloads=(own_workload(self.file),), models=(SERIAL,))


@pytest.fixture(scope="session", autouse=True)
def library() -> None:
    """What a comparison calculates with has no wheel for some builds; so says `--versus` there."""
    if reason := missing_library():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("a reader's")
    made = Made(root, root / "jobs" / "square_numbers.py")
    made.git("init", "--quiet")
    made.file.parent.mkdir()
    (root / ".gitattributes").write_text("jobs/ export-ignore\n")
    (root / ".git" / "hooks").mkdir(exist_ok=True)
    hook = root / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\ntouch hook-was-run\n")
    hook.chmod(0o755)
    made.git("add", ".")
    made.git("commit", "--quiet", "--message", "nothing yet")
    made.git("tag", "nothing")
    for tag, source in REVISIONS.items():
        made.file.write_text(dedent(source))
        made.git("add", ".")
        made.git("commit", "--quiet", "--allow-empty", "--message", tag)
        made.git("tag", tag)
    return made


@pytest.fixture
def repository(_made: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """The repository; afterwards it is as it was, and so is what Python has imported."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    before, path, modules = _made.state(), list(sys.path), set(sys.modules)
    importlib.invalidate_caches()
    yield _made
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(_made.root) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
    assert _made.state() == before


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go; afterwards there are none."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []
