"""What every test of a waiting workload runs under: each client, and retries that do not wait."""

import ssl
from typing import Any

import pytest

from tests.workloads.ways import Do, aiohttp, blocking, httpx_async
from workloads.http_client import retries


@pytest.fixture(params=[blocking, aiohttp], ids=lambda way: way.__name__)
def do(request: pytest.FixtureRequest) -> Do:
    way: Do = request.param
    return way


@pytest.fixture(params=[blocking, aiohttp, httpx_async], ids=lambda way: way.__name__)
def do_any(request: pytest.FixtureRequest) -> Do:
    way: Do = request.param
    return way


@pytest.fixture(autouse=True)
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """What delay_before_retry said each time; nothing is really waited for."""
    said: list[float | None] = []
    real = retries.delay_before_retry

    def at_once(*args: Any) -> float | None:
        said.append(real(*args))
        return None if said[-1] is None else 0.0

    monkeypatch.setattr(retries, "delay_before_retry", at_once)
    return said


@pytest.fixture(scope="session")
def no_certificates() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture(autouse=True)
def quick_clients(monkeypatch: pytest.MonkeyPatch, no_certificates: ssl.SSLContext) -> None:
    """Spare each httpx client the reading of all certificates: no test speaks TLS."""
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: no_certificates)
