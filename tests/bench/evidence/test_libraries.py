"""Which libraries reach outside is read from the names in the reader's own functions."""

from collections.abc import Callable
from pathlib import Path

from conlab.bench.discovery import own_workload, suite_workload
from conlab.bench.evidence.libraries import libraries

Write = Callable[[str, str], Path]


def found(own_file: Write, source: str) -> tuple[set[str], set[str]]:
    blocking, asynchronous = libraries(own_workload(own_file("two_halves.py", source)))
    return set(blocking), set(asynchronous)


def test_the_libraries_of_both_halves_are_told_apart(own_file: Write) -> None:
    assert found(
        own_file,
        """
        import contextlib, json, time, urllib.request
        import httpx
        def jobs(): return range(3)
        def work(n): return json.loads(urllib.request.urlopen(n).read())
        async def work_async(n, c): return (await c.get(n)).json()
        @contextlib.asynccontextmanager
        async def client_async():
            async with httpx.AsyncClient() as c: yield c
        """,
    ) == ({"urllib"}, {"httpx"})


def test_a_function_that_work_calls_and_a_class_that_it_makes_are_followed(own_file: Write) -> None:
    assert found(
        own_file,
        """
        from httpx import get
        class Api:
            def ask(self, n): return fetch(n)
        def fetch(n): return get(n)
        def jobs(): return range(3)
        def work(n): return Api().ask(n)
        """,
    ) == ({"httpx"}, set())


def test_a_library_that_is_imported_inside_a_function_is_found(own_file: Write) -> None:
    assert found(
        own_file,
        """
        def jobs(): return range(3)
        def work(n):
            import httpx
            return httpx.get(n)
        """,
    ) == ({"httpx"}, set())


def test_what_a_library_is_built_on_does_not_count_beside_it(own_file: Write) -> None:
    assert found(
        own_file,
        """
        import socket
        import httpx
        def jobs(): return range(3)
        def work(n): return httpx.get(n, timeout=socket.getdefaulttimeout())
        """,
    ) == ({"httpx"}, set())


def test_functions_that_call_each_other_have_an_end(own_file: Write) -> None:
    assert found(
        own_file,
        """
        import time
        def jobs(): return range(3)
        def work(n): return other(n)
        def other(n): return work(n - 1) if n else time.sleep(0)
        """,
    ) == (set(), set())


def test_the_suites_own_downloads_use_two_libraries() -> None:
    blocking, asynchronous = libraries(suite_workload("download_files"))
    assert "httpx" in blocking - asynchronous
    assert "aiohttp" in asynchronous - blocking
