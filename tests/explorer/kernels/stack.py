"""Stack: a flag that is set with the first push and never taken back is read as "not empty".

From benchmarks/concurrent-software-benchmarks/stack_bad.c and stack_ok.c of mc-imperial/sctbench.
The broken side fails where pops overtake pushes.
"""

import threading
from types import SimpleNamespace

from tests.explorer.running import run_all

SIZE = 10


class Stack:
    """Last in, first out, SIZE elements at most; says whether it could."""

    def __init__(self) -> None:
        self.elements = [0] * SIZE
        self.top = 0

    def push(self, element: int) -> bool:
        if self.top == SIZE:
            return False
        self.elements[self.top] = element
        self.top += 1
        return True

    def pop(self) -> bool:
        if self.top == 0:
            return False
        self.top -= 1
        return True


def broken() -> None:
    mutex = threading.Lock()
    stack = Stack()
    shared = SimpleNamespace(filled=False)

    def push() -> None:
        for element in range(SIZE):
            with mutex:
                assert stack.push(element)
                shared.filled = True

    def pop() -> None:
        for _ in range(SIZE):
            with mutex:
                if shared.filled:
                    assert stack.pop()

    run_all(push, pop)


def correct() -> None:
    mutex = threading.Lock()
    stack = Stack()

    def push() -> None:
        for element in range(SIZE):
            with mutex:
                assert stack.push(element)

    def pop() -> None:
        for _ in range(SIZE):
            with mutex:
                if stack.top > 0:
                    assert stack.pop()

    run_all(push, pop)
