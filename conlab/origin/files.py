"""The files to download: any number of any size from a seed, made as they are read, never kept.

A file is a line that names it, then one seeded block of 1 MiB read round and round from a place
of the file's own: no two are alike, and to serve one costs the origin a copy, not a computation.
"""

import random
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256

from conlab.origin.resources import PIECE, Resource

BLOCK = 1024 * 1024
LARGEST = 2**40


def file_target(number: int, size: int) -> str:
    """The path and query of a file of ``size`` bytes."""
    return f"/files/{number}?size={size}"


def file_resource(seed: int, number: int, size: int) -> Resource:
    """The file ``number``, of ``size`` bytes."""

    def read(start: int, stop: int) -> Iterator[bytes]:
        head, block, offset = _parts(seed, number, size)
        at = start
        while at < stop:
            if at < len(head):
                piece = head[at : min(len(head), stop)]
            else:
                place = (at - len(head) + offset) % BLOCK
                piece = block[place : place + min(PIECE, stop - at)]
            yield piece
            at += len(piece)

    etag = f'"{seed}-{number}-{size}"'
    return Resource(size, etag, "application/octet-stream", read)


def file_sha256(seed: int, number: int, size: int) -> str:
    """The checksum of a file, in hex."""
    digest = sha256()
    for piece in file_resource(seed, number, size).read(0, size):
        digest.update(piece)
    return digest.hexdigest()


def _parts(seed: int, number: int, size: int) -> tuple[bytes, bytes, int]:
    head = f"file {number} of {size} bytes from seed {seed}\n".encode()
    return head, _block(seed), number * 7919 % BLOCK


@lru_cache(maxsize=4)
def _block(seed: int) -> bytes:
    return random.Random(f"files {seed}").randbytes(BLOCK)
