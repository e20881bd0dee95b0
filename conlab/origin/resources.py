"""What can be served: a body of known size that is read piece by piece, and what names it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from conlab.origin.regular_files import opened

PIECE = 64 * 1024


class Gone(Exception):
    """The file behind a body is there no more, or is another, or has become shorter."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A body: ``read(start, stop)`` yields its bytes in pieces of at most ``PIECE`` bytes.

    It raises Gone, before its first piece or after some, where the bytes cannot be had.
    """

    size: int
    etag: str
    content_type: str
    read: Callable[[int, int], Iterator[bytes]]


def held(body: bytes, etag: str, content_type: str) -> Resource:
    """A body that is in memory already."""

    def read(start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, PIECE):
            yield body[at : min(at + PIECE, stop)]

    return Resource(len(body), etag, content_type, read)


def stored(path: Path, content_type: str, etag: str | None = None) -> Resource:
    """A body that stays on disk, and is open only while it is read.

    Without an ``etag`` it has one of its time and size. Raises OSError for what is no regular
    file, or may not be read.
    """
    with opened(path) as file:
        status = os.fstat(file.fileno())

    def read(start: int, stop: int) -> Iterator[bytes]:
        try:
            with opened(path) as file:
                if not os.path.samestat(os.fstat(file.fileno()), status):
                    raise Gone(f"{path.name} is another file by now")
                file.seek(start)
                while start < stop:
                    if not (piece := file.read(min(PIECE, stop - start))):
                        raise Gone(f"{path.name} ends at byte {start:,} by now")
                    yield piece
                    start += len(piece)
        except OSError as error:
            raise Gone(f"{path.name}: {error}") from error

    of_file = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    return Resource(status.st_size, etag or of_file, content_type, read)
