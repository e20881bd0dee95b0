"""HTTP as the workloads need it: clients, time limits, retries, and errors that can be compared.

Three clients do the same: httpx blocking (for threads and processes), aiohttp (for coroutines), and
httpx on the event loop, to compare. Each has its ``get``, so that the twins in a workload differ in
``async`` and ``await`` alone. What an answer means is decided beside them, once: a difference of
clients would look like a difference of models.
"""

from .answers import REDIRECTS, USER_AGENT, Answer
from .client_aiohttp import client_async, get_async
from .clients_httpx import client, client_async_httpx, get, get_async_httpx
from .errors import (
    AddressError,
    BrokenOffError,
    EncodingError,
    RedirectError,
    RequestError,
    SilenceError,
    StatusError,
    TotalTimeError,
    TransientError,
    UnavailableError,
    UnreachableError,
)
from .retries import with_retries, with_retries_async

__all__ = [
    "REDIRECTS",
    "USER_AGENT",
    "AddressError",
    "Answer",
    "BrokenOffError",
    "EncodingError",
    "RedirectError",
    "RequestError",
    "SilenceError",
    "StatusError",
    "TotalTimeError",
    "TransientError",
    "UnavailableError",
    "UnreachableError",
    "client",
    "client_async",
    "client_async_httpx",
    "get",
    "get_async",
    "get_async_httpx",
    "with_retries",
    "with_retries_async",
]
