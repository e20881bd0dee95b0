"""Unpacks a compressed body in steps: a few kB can become gigabytes, and nobody has to hold them.

One coding alone, gzip or deflate: the clients ask for none, and a stack of them is an attack.
"""

import zlib
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

from . import limits
from .answers import Head
from .errors import BrokenOffError, EncodingError

GZIP, ZLIB, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS  # as zlib tells them apart


class Unpacker:
    """Unpacks the body of ``url``, a chunk at a time."""

    def __init__(self, url: str, window_bits: int) -> None:
        self.url = url
        self.window_bits = window_bits
        self.zlib: zlib._Decompress | None = None

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """What ``chunk`` holds, at most ``CHUNK_SIZE`` bytes at once; nothing from its end on."""
        if self.zlib is None:
            bare = self.window_bits == ZLIB and chunk[0] & 0x0F != zlib.DEFLATED
            self.zlib = zlib.decompressobj(RAW if bare else self.window_bits)  # many send it bare
        try:
            while not self.zlib.eof:
                piece = self.zlib.decompress(chunk, limits.CHUNK_SIZE)
                chunk = self.zlib.unconsumed_tail
                if piece:
                    yield piece
                elif not chunk:  # and what it had taken in is out
                    return
        except zlib.error as error:
            raise EncodingError.at(self.url) from error

    def check_end(self) -> None:
        """Raise BrokenOffError if the body is over and what it held is not."""
        if self.zlib and not self.zlib.eof:
            raise BrokenOffError.at(self.url)


def unpacker(url: str, head: Head) -> Unpacker | None:
    """What the body needs, or None. Raises EncodingError for what is not unpacked here."""
    match head.headers.get("Content-Encoding", "").strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return Unpacker(url, GZIP)
        case "deflate":
            return Unpacker(url, ZLIB)
        case _:
            raise EncodingError.at(url)


def unpacked(unpacker: Unpacker | None, chunks: Iterable[bytes]) -> Iterable[bytes]:
    """The body in plain."""
    return chunks if unpacker is None else in_plain(unpacker, chunks)


def in_plain(unpacker: Unpacker, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of all chunks."""
    for chunk in chunks:
        yield from unpacker.pieces(chunk)
    unpacker.check_end()


def unpacked_async(unpacker: Unpacker | None, chunks: AsyncIterable[bytes]) -> AsyncIterable[bytes]:
    """The twin of ``unpacked``."""
    return chunks if unpacker is None else in_plain_async(unpacker, chunks)


async def in_plain_async(unpacker: Unpacker, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The twin of ``in_plain``."""
    async for chunk in chunks:
        for piece in unpacker.pieces(chunk):
            yield piece
    unpacker.check_end()
