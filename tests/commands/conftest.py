"""What the tests of the commands share."""

import sys
from collections.abc import Iterator

import pytest

from tests.bench.conftest import own_file

__all__ = ["own_file"]


@pytest.fixture(autouse=True)
def what_a_command_imported_is_forgotten(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Or a module of a test's folder would be that of the next program with a file of its name."""
    before, made = set(sys.modules), str(tmp_path_factory.getbasetemp())
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(made):
            del sys.modules[name]
