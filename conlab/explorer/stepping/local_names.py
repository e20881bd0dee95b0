"""Looks at the local names of a frame that runs, and changes nothing by it.

Until 3.12 ``frame.f_locals`` is a copy that the frame keeps: what it names lives longer. And on
3.11 a trace function that has asked for it writes the copy back, over what another thread has bound
in between.
"""

import ctypes
import functools
import sys
from types import CellType, CodeType, FrameType
from typing import Any

UNBOUND: Any = type("Unbound", (), {"__repr__": lambda _: "unbound"})()
POINTER = ctypes.sizeof(ctypes.c_void_p)
# Where CPython 3.11 has them, in bytes: PyFrameObject.f_frame, _PyInterpreterFrame.localsplus.
INNER_FRAME, FIRST_LOCAL = 3 * POINTER, 9 * POINTER


def local_value(frame: FrameType, name: str) -> Any:
    """Return what a local name of this frame, or of one around it, is bound to; UNBOUND if none."""
    if sys.version_info >= (3, 13):
        return frame.f_locals.get(name, UNBOUND)
    if sys.version_info >= (3, 12):
        return _asked(frame, name)
    return _read(frame, name)


def _asked(frame: FrameType, name: str) -> Any:
    """Ask the function that CPython has for it from 3.12 on."""
    get: Any = ctypes.pythonapi.PyFrame_GetVarString
    get.restype, get.argtypes = ctypes.py_object, [ctypes.py_object, ctypes.c_char_p]
    try:
        return get(frame, name.encode())
    except NameError:
        return UNBOUND


def _read(frame: FrameType, name: str) -> Any:
    """Read the slot of the name where CPython 3.11 has it."""
    at = _slots(frame.f_code).get(name)
    if at is None:
        return UNBOUND
    inner = ctypes.c_void_p.from_address(id(frame) + INNER_FRAME).value
    assert inner is not None
    slot = inner + FIRST_LOCAL + at * POINTER
    if not ctypes.c_void_p.from_address(slot).value:
        return UNBOUND
    value: Any = ctypes.py_object.from_address(slot).value
    if (
        issubclass(type(value), CellType)
        and name in frame.f_code.co_cellvars + frame.f_code.co_freevars
    ):
        try:
            return value.cell_contents
        except ValueError:
            return UNBOUND
    return value


@functools.lru_cache(maxsize=4096)
def _slots(code: CodeType) -> dict[str, int]:
    """Number the slots of a code object's names: its own, those that it shares, those of others."""
    names = dict.fromkeys([*code.co_varnames, *code.co_cellvars, *code.co_freevars])
    return {name: at for at, name in enumerate(names)}
