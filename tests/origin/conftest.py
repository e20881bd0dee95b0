"""What the tests of the origin share: an origin without latency or faults, and a client."""

from collections.abc import Iterator

import httpx
import pytest

pytest.importorskip("aiohttp", reason="the origin is served by aiohttp, which is not installed")

from conlab.origin import Origin, Settings, serve
from tests.patience import patience


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with serve(Settings(sites=2, pages=60, seed=7)) as served:
        yield served


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=patience(20), trust_env=False) as opened:
        yield opened
