"""The origin's process: one event loop, several sites, and a line to the parent.

``conlab.origin.process`` starts it, with a first line on its standard input that says what to
serve and where to connect; it ends when that connection does, or when its parent is gone. For
the latter a thread looks, which ends the process whatever its loop does meanwhile.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import socket
import string
import struct
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, quote

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from conlab.errors import UserError
from conlab.origin.fates import Fate, fate
from conlab.origin.files import LARGEST, file_resource
from conlab.origin.folder import folder_redirect, folder_resource
from conlab.origin.log import Logbook, Served
from conlab.origin.pages import (
    ENDLESS,
    ENDLESS_BURST,
    ENDLESS_PERIOD,
    endless_pieces,
    page_resource,
    redirect_target,
)
from conlab.origin.photos import Photo, load_photos
from conlab.origin.resources import PIECE, Gone, Resource
from conlab.origin.settings import Settings

BACKLOG = 1024
AT_ONCE = 256 * 1024  # bodies up to this many bytes leave in one write
PACED_PIECE_SECONDS = 0.01
PARENT_WATCH_PERIOD = 0.25
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds
ROUND = "/-/round"  # redirects to itself
NEVER_FAULTY = ("/robots.txt", ROUND)


class Sites:
    """Answers the requests to all sites, and keeps the log of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.logbook = Logbook(settings.sites)
        self._photos: list[Photo] = []

    def photos(self) -> list[Photo]:
        """The distinct photos, made or read when they are first asked for."""
        if not self._photos:
            self._photos = load_photos(self.settings)
        return self._photos

    async def answer(self, site: int, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request: let its latency pass, then do what its fate says."""
        # A client may send any bytes for an address; below, it is percent-encoded.
        target = quote(
            request.raw_path, safe=string.punctuation, encoding="utf-8", errors="surrogateescape"
        )
        entry = self.logbook.open(site, target)
        try:
            due = fate(self.settings, site, entry.target, entry.attempt)
            entry.latency = due.latency
            await _sleep_until(entry.started + due.latency)
            entry.slept = time.perf_counter() - entry.started
            return await self._respond(request, due, entry)
        except UserError as mistake:
            return await _send_text(request, entry, 503, str(mistake))
        except ConnectionResetError:  # the client had enough, and that is its right
            return web.Response()
        finally:
            self.logbook.close(entry)

    async def _respond(
        self, request: web.BaseRequest, due: Fate, entry: Served
    ) -> web.StreamResponse:
        path, _, query = entry.target.partition("?")
        entry.fault = None if path in NEVER_FAULTY else due.fault
        match entry.fault:
            case "dropped":
                _reset(request)
                return web.Response()
            case "too_many":
                wait = {"Retry-After": str(self.settings.faults.retry_after)}
                return await _send_text(request, entry, 429, "too many requests", wait)
            case "server_error":
                return await _send_text(request, entry, 500, "internal server error")
            case "redirect_loop":
                return await _send_text(request, entry, 302, "", {"Location": ROUND})
        if request.method not in ("GET", "HEAD"):
            allowed = {"Allow": "GET, HEAD"}
            return await _send_text(request, entry, 405, "GET and HEAD only", allowed)
        if location := self._redirect(path):
            return await _send_text(request, entry, 301, "", {"Location": location})
        if path == ENDLESS and self.settings.html is None:
            return await _send_endless(request, entry)
        with contextlib.suppress(Gone):
            if resource := self._find(entry.site, path, query):
                return await self._send(request, resource, due.place, entry)
        entry.fault = None
        return await _send_text(request, entry, 404, f"nothing at {path}")

    def _redirect(self, path: str) -> str | None:
        if path == ROUND:
            return ROUND
        if self.settings.html is not None:
            return folder_redirect(self.settings.html, path)
        return redirect_target(self.settings, path)

    def _find(self, site: int, path: str, query: str) -> Resource | None:
        match path.split("/"):
            case ["", "files", number] if number.isdecimal():
                sizes = parse_qs(query).get("size", ["65536"])
                if not sizes[0].isdecimal() or (size := int(sizes[0][:20])) > LARGEST:
                    return None
                return file_resource(self.settings.seed, int(number[:20]), size)
            case ["", "photos", name] if (number := name.partition(".")[0]).isdecimal():
                photos = self.photos()
                return photos[int(number[:20]) % len(photos)].resource
        if self.settings.html is not None:
            return folder_resource(self.settings.html, path)
        return page_resource(self.settings, site, path, query)

    async def _send(
        self, request: web.BaseRequest, resource: Resource, place: float, entry: Served
    ) -> web.StreamResponse:
        """Send a body, or the range of it that was asked for, with the fault of the entry.

        Raises Gone where not a byte of the body can be had.
        """
        headers = {
            "Content-Type": resource.content_type,
            "ETag": resource.etag,
            "Accept-Ranges": "bytes",
        }
        if _matches(request.headers.get("If-None-Match"), resource.etag):
            return await _send_empty(request, entry, 304, headers)
        start, stop, entry.status = _asked_range(request, resource)
        if entry.status == 416:
            headers["Content-Range"] = f"bytes */{resource.size}"
            return await _send_empty(request, entry, 416, headers)
        if entry.status == 206:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{resource.size}"
        size = stop - start
        if request.method == "HEAD":
            headers["Content-Length"] = str(size)
            return await _send_empty(request, entry, entry.status, headers)

        rate = self.settings.bandwidth
        broken_at: int | None = None  # the byte at which the body breaks off, or is wrong
        match entry.fault:
            case "reset" | "truncated":
                stop = start + int(place * size)
            case "slow" if self.settings.faults.slow_seconds > 0:
                slow = max(1.0, size / self.settings.faults.slow_seconds)
                rate = slow if rate is None else min(rate, slow)
            case "corrupt" if entry.target.startswith(("/files/", "/photos/")):
                broken_at = start + int(place * size)
            case _:
                entry.fault = None
        pieces = resource.read(start, stop)
        if broken_at is not None:
            pieces = _corrupted(pieces, broken_at - start)

        response: web.StreamResponse
        if rate is None and size <= AT_ONCE and entry.fault in (None, "corrupt"):
            body = b"".join(pieces)
            response = web.Response(status=entry.status, headers=headers, body=body)
            await response.prepare(request)
            await response.write_eof()
            entry.size = size
            return response
        pieces = chain([next(pieces, b"")], pieces)  # if it is gone, that is known before the head
        response = web.StreamResponse(status=entry.status, headers=headers)
        response.content_length = size
        await response.prepare(request)
        began = time.perf_counter()
        whole = False
        with contextlib.suppress(Gone):
            for piece in _paced(pieces, rate):
                if rate is not None:
                    await _sleep_until(began + (entry.size + len(piece)) / rate)
                await response.write(piece)
                entry.size += len(piece)
            whole = entry.fault != "truncated"
        if entry.fault == "reset":
            _reset(request)
        elif whole:
            await response.write_eof()
        elif request.transport is not None:
            request.transport.close()
        return response


async def _sleep_until(moment: float) -> None:
    """Wait for a moment of ``time.perf_counter``, and never return before it."""
    while (left := moment - time.perf_counter()) > 0:  # noqa: ASYNC110 - a moment has no event
        await asyncio.sleep(left)


def _reset(request: web.BaseRequest) -> None:
    """Break the connection off so that the client's side is told of a reset, not of an end."""
    if (transport := request.transport) is not None:
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE
        )
        transport.abort()


async def _send_text(
    request: web.BaseRequest,
    entry: Served,
    status: int,
    text: str,
    headers: dict[str, str] | None = None,
) -> web.StreamResponse:
    entry.status = status
    entry.size = 0 if request.method == "HEAD" else len(text)
    response = web.Response(status=status, text=text, headers=headers)
    await response.prepare(request)
    await response.write_eof()
    return response


async def _send_empty(
    request: web.BaseRequest, entry: Served, status: int, headers: dict[str, str]
) -> web.StreamResponse:
    entry.status = status
    response = web.Response(status=status, headers=headers)
    await response.prepare(request)
    await response.write_eof()
    return response


async def _send_endless(request: web.BaseRequest, entry: Served) -> web.StreamResponse:
    """Send a page until the client has had enough of it."""
    entry.status = 200
    response = web.StreamResponse(headers={"Content-Type": "text/html; charset=utf-8"})
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    for piece in endless_pieces():
        await response.write(piece)
        entry.size += len(piece)
        await asyncio.sleep(0 if entry.size < ENDLESS_BURST else ENDLESS_PERIOD)
    return response


def _matches(if_none_match: str | None, etag: str) -> bool:
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def _asked_range(request: web.BaseRequest, resource: Resource) -> tuple[int, int, int]:
    """First byte, byte after the last, and status: 200 whole, 206 a part, 416 outside (RFC 9110).

    What is not one range of bytes, or is of another version (If-Range), is taken as unasked.
    """
    whole = (0, resource.size, 200)
    if_range = request.headers.get("If-Range")
    if "Range" not in request.headers or if_range not in (None, resource.etag):
        return whole
    try:
        asked = request.http_range
    except ValueError:
        return whole
    if (asked.start is not None and asked.start >= resource.size) or resource.size == 0:
        return (0, 0, 416)
    start, stop, _ = asked.indices(resource.size)
    return (start, stop, 206) if start < stop else (0, 0, 416)


def _corrupted(pieces: Iterator[bytes], place: int) -> Iterator[bytes]:
    """The pieces with all bits of one byte turned over."""
    for piece in pieces:
        if 0 <= place < len(piece):
            piece = piece[:place] + bytes([piece[place] ^ 0xFF]) + piece[place + 1 :]
        place -= len(piece)
        yield piece


def _paced(pieces: Iterator[bytes], rate: float | None) -> Iterator[bytes]:
    """The pieces, cut small enough for a flow of ``rate`` bytes a second to be even."""
    if rate is None:
        yield from pieces
        return
    most = max(1, min(PIECE, int(rate * PACED_PIECE_SECONDS)))
    for piece in pieces:
        for at in range(0, len(piece), most):
            yield piece[at : at + most]


async def _obey(sites: Sites, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Do what the parent asks, one JSON line each, until it hangs up."""
    with contextlib.suppress(ConnectionError):
        while line := await reader.readline():
            number, command = json.loads(line)
            try:
                reply = {"to": number, "value": _done(sites, command)}
            except UserError as mistake:
                reply = {"to": number, "mistake": str(mistake)}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()


def _done(sites: Sites, command: str) -> Any:
    match command:
        case "reset":
            return sites.logbook.reset()
        case "take log":
            return sites.logbook.take()
        case "cpu seconds":
            return time.process_time()
        case "photos":
            return [(p.suffix, p.resource.size, p.sha256) for p in sites.photos()]
    raise ValueError(f"unknown command {command!r}")


def _end_with(parent: int) -> None:
    """End the process when the parent is gone: the line to it may live on in children of its own.

    A thread looks, as the loop may be held up. On Windows a parent's number outlives it.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_WATCH_PERIOD)
        os._exit(0)

    threading.Thread(target=watch, name="until the parent is gone", daemon=True).start()


class Complaints(logging.Handler):
    """Enters what aiohttp and asyncio log as errors: a handler that raised, a lost exception.

    Not what a client got wrong in HTTP, of which it is told.
    """

    def __init__(self, logbook: Logbook) -> None:
        super().__init__(logging.ERROR)
        self.logbook = logbook

    def emit(self, record: logging.LogRecord) -> None:
        """Enter one."""
        if not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)):
            self.logbook.fail(self.format(record))


async def run(settings: Settings, control_port: int, token: str) -> None:
    """Serve until the parent, which listens on ``control_port``, hangs up."""
    sites = Sites(settings)
    logging.basicConfig(handlers=[Complaints(sites.logbook)])
    loop = asyncio.get_running_loop()
    ports = []
    for site in range(settings.sites):
        answer = partial(sites.answer, site)
        protocol = web.Server(answer, access_log=None, handler_cancellation=True)
        server = await loop.create_server(protocol, "127.0.0.1", 0, backlog=BACKLOG)
        ports.append(server.sockets[0].getsockname()[1])
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))  # and never listens: the kernel refuses every connection
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", control_port)
        except ConnectionError:
            return  # the parent gave up in the meantime
        hello = {"token": token, "ports": ports, "refusing port": refusing.getsockname()[1]}
        writer.write(json.dumps(hello).encode() + b"\n")
        # What is there now stays; what a request leaves behind, reference counting frees.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        await _obey(sites, reader, writer)


def main() -> None:
    """Run as a child process, as the first line of the standard input says."""
    _end_with(os.getppid())
    if line := sys.stdin.readline():  # or the parent was gone before it could say
        asked = json.loads(line)
        asyncio.run(run(Settings.from_json(asked["settings"]), asked["port"], asked["token"]))


if __name__ == "__main__":
    main()
