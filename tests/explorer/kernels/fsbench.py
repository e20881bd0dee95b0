"""File system: each thread has an inode, and looks for a free block; there is a thread too many.

From benchmarks/concurrent-software-benchmarks/fsbench_bad.c and fsbench_ok.c of
mc-imperial/sctbench. The last thread of the broken side has no lock for its inode, under any
schedule; in C it takes what lies behind the array.
"""

import threading
from functools import partial

from tests.explorer.running import run_all

BLOCKS = 26
INODES = 32


def broken() -> None:
    allocate(BLOCKS + 1)


def correct() -> None:
    allocate(BLOCKS)


def allocate(threads: int) -> None:
    """Give each thread's inode a block of its own."""
    inode_locks = [threading.Lock() for _ in range(BLOCKS)]
    block_locks = [threading.Lock() for _ in range(BLOCKS)]
    busy = [False] * BLOCKS
    inodes = [0] * INODES

    def work(inode: int) -> None:
        with inode_locks[inode]:
            if inodes[inode] == 0:
                block = inode * 2 % BLOCKS
                for _ in range(BLOCKS // 2):
                    with block_locks[block]:
                        if not busy[block]:
                            busy[block] = True
                            inodes[inode] = block + 1
                            break
                    block = (block + 1) % BLOCKS

    run_all(*[partial(work, thread % INODES) for thread in range(threads)])
