"""What the tests of the commands share."""

from tests.bench.conftest import own_file

__all__ = ["own_file"]
