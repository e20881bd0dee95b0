"""Which functions a C function calls back, and goes on with what they gave.

Between the call of the one and the end of the other, the C function has read something and has
still to write something: a dictionary has missed a key, and stores what its factory makes. So
another thread may come there, although the function that is called back touches nothing.
"""

import dis
from collections.abc import Callable, Collection
from functools import partial
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from conlab.explorer.stepping.by_code import ByCode
from conlab.explorer.stepping.opcodes import CALLS, CALLS_BACK

# The methods by which an object does itself what is asked of it: nothing in C goes on after them.
DOES_IT_ITSELF = frozenset(
    ["__getitem__", "__setitem__", "__delitem__", "__contains__", "__missing__", "__next__"]
)


class Callbacks:
    """Tells from where a function is entered by what its caller is about to do."""

    def __init__(self, stepped: Collection[str]) -> None:
        """``stepped`` are the files whose code can be the caller."""
        self._stepped = stepped
        self._operations: ByCode[dict[int, bool]] = ByCode()

    def enters(self, code: CodeType, caller: FrameType | None, calls_c: Callable[[], bool]) -> bool:
        """Whether it is C that enters the code, out of what the caller does.

        ``calls_c`` is asked where that is a call, and says whether of a function in C.
        """
        if caller is None or caller.f_code.co_filename not in self._stepped:
            return False
        if code.co_name in DOES_IT_ITSELF:
            return False
        is_call = self._calling(caller.f_code).get(caller.f_lasti)
        return False if is_call is None else not is_call or calls_c()

    def _calling(self, code: CodeType) -> dict[int, bool]:
        """Return, by offset, what may enter a function by way of C, and whether that is a call."""
        known = self._operations.get(code)
        if known is None:
            known = self._operations[code] = {
                each.offset: each.opname in CALLS
                for each in dis.get_instructions(code)
                if each.opname in CALLS_BACK
                or (each.opname in CALLS and each.opname != "BEFORE_WITH")
                or (each.opname == "BINARY_OP" and each.argrepr == "[]")
            }
        return known


def is_in_c(callee: Any) -> bool:
    """Whether what is called is a function in C, and no class: these only make what they call."""
    while issubclass(type(callee), partial):
        callee = callee.func
    if issubclass(type(callee), MethodType):
        callee = callee.__func__
    if issubclass(type(callee), FunctionType | type):
        return False
    return not isinstance(getattr(type(callee), "__call__", None), FunctionType)  # noqa: B004
