"""docs/choose.md shows a job that is one, and the options of a run under their names."""

import re
from pathlib import Path

from docs.book import parsers

PAGE = (Path(__file__).parents[2] / "docs" / "choose.md").read_text("utf-8")


def test_the_example_is_a_workload_of_about_ten_lines() -> None:
    (example,) = re.findall(r"```python\n# my_job.py\n(.*?)```", PAGE, re.DOTALL)
    module: dict[str, object] = {}
    exec(example, module)
    jobs, work = module["jobs"], module["work"]
    assert callable(jobs)
    assert callable(work)
    results = [work(job) for job in jobs()]
    assert len(results) == 32
    assert len(set(results)) > 16  # some builds have two modules with the same tokens
    assert len(example.strip().splitlines()) <= 10
    assert "conlab measure my_job.py" in PAGE
    assert "--workload my_job.py" in PAGE


def test_every_option_in_its_table_is_one_of_a_run() -> None:
    known = {name for action in parsers.in_the_clone()._actions for name in action.option_strings}
    listed = set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE))
    assert len(listed) >= 20
    assert listed <= known
