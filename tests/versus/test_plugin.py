"""What the comparison makes of pytest's own: an empty session, and paths beside options."""

from types import SimpleNamespace
from typing import Any

import pytest

from conlab.pytest_plugin import joined_options
from conlab.versus import plugin
from conlab.versus.comparison import Comparison
from conlab.versus.options import Options


def test_where_nothing_is_left_to_compare_a_sentence_says_so() -> None:
    asked = Options("main", 0.01, 0.05, 300.0, 1, fail_on_cannot_tell=False)
    stash = pytest.Stash()
    stash[plugin.COMPARISON] = Comparison(asked)
    option = SimpleNamespace(collectonly=False)
    session: Any = SimpleNamespace(
        items=[], testsfailed=0, config=SimpleNamespace(stash=stash, option=option)
    )
    with pytest.raises(pytest.UsageError, match="--versus main: there is no cell to compare"):
        plugin.pytest_runtestloop(session)
    option.collectonly = True
    assert plugin.pytest_runtestloop(session) is None


@pytest.mark.parametrize("option", ["--versus", "--workload", "--benchmark-storage"])
def test_the_value_of_an_option_is_no_path_to_tests(option: str) -> None:
    given = ["--benchmark-only", option, "/some/where", "-k", "threads"]
    joined = ["--benchmark-only", f"{option}=/some/where", "-k", "threads"]
    assert list(joined_options(given)) == joined
