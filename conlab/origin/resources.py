"""What can be served: a body of known size that is read piece by piece, and what names it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Resource:
    """A body: ``read(start, stop)`` yields its bytes in pieces of at most ``PIECE`` bytes."""

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


def stored(path: Path, etag: str, content_type: str) -> Resource:
    """A body that stays on disk, and is open only while it is read."""

    def read(start: int, stop: int) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(start)
            while start < stop and (piece := file.read(min(PIECE, stop - start))):
                yield piece
                start += len(piece)

    return Resource(path.stat().st_size, etag, content_type, read)
