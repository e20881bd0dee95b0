"""The pytest plugin that the wheel installs: what a reader's own tests may use."""

from itertools import pairwise

import pytest

PATH_OPTIONS = ("--workload", "--images", "--texts", "--site", "--urls")


def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Explain what pytest makes of a path outside the clone: a folder of tests, with no conftest.

    Which folder is the root is settled before any conftest can say that an option takes a value.
    """
    here = early_config.invocation_params.dir
    if early_config.rootpath == here or not (here / "conlab" / "bench" / "plugin.py").is_file():
        return
    for option, value in pairwise(args):
        if option in PATH_OPTIONS:
            raise pytest.UsageError(
                f"{option} {value}: pytest takes what follows the blank for tests to run;"
                f" {option}={value} would be right"
            )
