"""The README promises what a fresh clone does: its commands, its options, its example."""

import argparse
import re
import types
from pathlib import Path

import pytest

from conlab.bench import settings
from conlab.versus import options as versus_options

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")


@pytest.mark.parametrize("command", ["pytest", "pytest --benchmark-only"])
def test_both_commands_stand_there_as_ci_runs_them(command: str) -> None:
    line = f"python3 -m conlab.install && .venv/bin/python -m {command}"
    assert README.splitlines().count(line) == 1


def test_every_option_is_listed_and_every_listed_option_exists() -> None:
    parser = argparse.ArgumentParser()
    group = parser.add_argument_group()
    group.addoption = group.add_argument  # type: ignore[attr-defined]  # as pytest calls it
    for part in (settings, versus_options):
        part.add_options(types.SimpleNamespace(getgroup=lambda *_: group))
    options = {option for action in parser._actions for option in action.option_strings}
    listed = set(re.findall(r"^\| `(--[a-z-]+)", README, re.MULTILINE))
    assert listed == options - {"-h", "--help", "--workload"}
    assert "--workload my_job.py" in README
    assert "conlab measure my_job.py" in README


def test_the_example_is_a_workload_of_about_ten_lines() -> None:
    (example,) = re.findall(r"```python\n# my_job.py\n(.*?)```", README, re.DOTALL)
    module: dict[str, object] = {}
    exec(example, module)
    jobs, work = module["jobs"], module["work"]
    assert callable(jobs)
    assert callable(work)
    results = [work(job) for job in jobs()]
    assert len(results) == 32
    assert len(set(results)) > 16  # some builds have two modules with the same tokens
    assert len(example.strip().splitlines()) <= 10


def test_no_placeholder_is_left() -> None:
    assert "@@" not in README
