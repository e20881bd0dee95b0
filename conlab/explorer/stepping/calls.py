"""What a call touches: of functions in C, which no stepping sees inside."""

import ast
import contextlib
import dis
import functools
from types import (
    BuiltinMethodType,
    CodeType,
    FrameType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any

from conlab.explorer.stepping.containers import COMPREHENSIONS, Containers
from conlab.explorer.stepping.known_calls import (
    CONTAINERS,
    ITERATES,
    READS_ALL,
    READS_IT,
    READS_IT_AND_OTHERS,
    READS_ITS_ARGUMENT,
    READS_ITS_ELEMENTS,
    SCALARS,
    TOUCHES_NOTHING,
    WRITES_IT,
    WRITES_IT_BY_ITS_ELEMENTS,
    WRITES_IT_READS_OTHERS,
)
from conlab.explorer.stepping.operands import UNKNOWN, Loaded, Operands
from conlab.explorer.stepping.points import Point
from conlab.explorer.stepping.spans import Span, span_in
from conlab.explorer.threads.reference import address_of
from conlab.explorer.threads.scheduler import Scheduler

CALLED = {
    address_of(function): what
    for what, functions in {
        "nothing": TOUCHES_NOTHING,
        "reads it": READS_ITS_ARGUMENT,
        "reads all": READS_ALL,
        "iterates": ITERATES,
    }.items()
    for function in functions
}


class Calls:
    """Tells the scheduler what a call touches; Python code that it enters is seen by itself."""

    def __init__(self, scheduler: Scheduler, operands: Operands, containers: Containers) -> None:
        """``operands`` finds what is called, and with what."""
        self._scheduler = scheduler
        self._operands = operands
        self._containers = containers

    def at(self, point: Point, frame: FrameType, callee: Any = UNKNOWN) -> None:
        """Take note of a call of what may be a function in C; ``callee`` is it, where known."""
        loaded = self._scheduler.current.loaded
        node = self._operands.node(point)
        arguments: list[ast.expr] = []
        receiver: Any = UNKNOWN
        if isinstance(node, ast.Call):
            arguments = [*node.args, *(each.value for each in node.keywords)]
            if callee is UNKNOWN:
                callee, receiver = self._operands.callee(node.func, frame, loaded)
        elif issubclass(type(node), COMPREHENSIONS):
            return  # the code of its own
        elif callee is UNKNOWN and node is not None:
            self._manages(point, node, frame, loaded)
            return
        while issubclass(type(callee), functools.partial):
            callee = callee.func
        if callee is UNKNOWN:
            self._scheduler.touch_everything(point.what)
        elif issubclass(type(callee), MethodDescriptorType):
            if receiver is UNKNOWN and isinstance(node, ast.Call):
                owner = node.func.value if isinstance(node.func, ast.Attribute) else None
                receiver = self._operands.value(owner, frame, loaded)
            self._method(point, callee.__objclass__, callee.__name__, receiver, arguments, frame)
        elif issubclass(type(callee), BuiltinMethodType | MethodWrapperType) and not isinstance(
            callee.__self__, ModuleType | type(None)
        ):
            kind = type(callee.__self__)
            self._method(point, kind, callee.__name__, callee.__self__, arguments, frame)
        else:
            self._function(point, callee, arguments, frame)

    def returns(self, call: Point, value: Any, code: CodeType, caller: FrameType) -> None:
        """Take note of what a call is about to give, if the function called is of this code."""
        node = self._operands.node(call)
        if isinstance(node, ast.Call):
            loaded = self._scheduler.current.loaded
            callee, _ = self._operands.callee(node.func, caller, loaded)
            if issubclass(type(callee), FunctionType | MethodType) and callee.__code__ is code:
                self._operands.keep(call, value, caller, loaded)

    def _manages(self, point: Point, node: ast.AST, frame: FrameType, loaded: Loaded) -> None:
        """Take note of what a ``with`` calls when it begins and when it ends."""
        managers = [node]
        if isinstance(node, ast.With):
            managers = [each.context_expr for each in node.items]
            if point.opname == "BEFORE_WITH" and len(managers) > 1:
                managers = [managers[_entries(point.code, point.span).index(point.offset)]]
        for each in managers:
            if isinstance(each, ast.Call):
                kind, _ = self._operands.callee(each.func, frame, loaded)
            else:
                manager = self._operands.value(each, frame, loaded)
                kind = UNKNOWN if manager is UNKNOWN else type(manager)
            if not _is_manager_in_python(kind):
                self._scheduler.touch_everything(point.what)

    def _method(
        self,
        point: Point,
        kind: type,
        name: str,
        receiver: Any,
        arguments: list[ast.expr],
        frame: FrameType,
    ) -> None:
        loaded = self._scheduler.current.loaded
        if issubclass(kind, SCALARS):
            if name in ("join", "format", "format_map", "translate", "maketrans"):
                self._containers.all_content()
            return
        if issubclass(kind, tuple | frozenset):
            self._containers.all_content()
            return
        writes = name in WRITES_IT | WRITES_IT_BY_ITS_ELEMENTS | WRITES_IT_READS_OTHERS
        reads = name in READS_IT | READS_ITS_ELEMENTS | READS_IT_AND_OTHERS
        if not issubclass(kind, CONTAINERS) or not (writes or reads):
            self._scheduler.touch_everything(point.what)
            return
        self._containers.content(receiver, writes=writes)
        if name in WRITES_IT_BY_ITS_ELEMENTS | READS_ITS_ELEMENTS:
            self._containers.all_content()
        if name in WRITES_IT_READS_OTHERS | READS_IT_AND_OTHERS:
            for each in arguments:
                self._containers.iterates(each, frame, loaded)
            self._containers.all_content()

    def _function(
        self, point: Point, callee: Any, arguments: list[ast.expr], frame: FrameType
    ) -> None:
        loaded = self._scheduler.current.loaded
        if issubclass(type(callee), FunctionType | MethodType | staticmethod | classmethod):
            return  # Python code, which is seen when it is entered
        known = CALLED.get(address_of(callee), "")
        if known == "nothing":
            return
        if known == "reads it":
            for each in arguments:
                self._containers.content_of(each, frame, loaded, writes=False)
        elif known == "reads all":
            if not self._containers.are_scalars(arguments, frame, loaded):
                self._containers.all_content()
        elif known == "iterates":
            self._containers.all_content()
            for each in arguments:
                if not isinstance(each, ast.Lambda) and not self._containers.is_scalar(
                    each, frame, loaded
                ):
                    self._containers.iterates(each, frame, loaded)
        elif callee is next:
            self._containers.some_iterator()
        elif not _makes_or_enters_python(callee):
            self._scheduler.touch_everything(point.what)


def _makes_or_enters_python(callee: Any) -> bool:
    """Whether a call makes something new and no more, or enters Python code, which is seen then."""
    if issubclass(type(callee), type):
        initialise = next(
            vars(base)["__init__"] for base in callee.__mro__ if "__init__" in vars(base)
        )
        of_error = issubclass(callee, BaseException) and isinstance(
            initialise, WrapperDescriptorType
        )
        return (
            of_error or issubclass(type(initialise), FunctionType) or initialise is object.__init__
        )
    for base in type(callee).__mro__:
        if "__call__" in vars(base):
            return isinstance(vars(base)["__call__"], FunctionType)
    return False


@functools.cache
def _entries(code: CodeType, span: Span) -> list[int]:
    """Give the offsets at which one ``with`` enters its managers, in their order."""
    entries = (each for each in dis.get_instructions(code) if each.opname == "BEFORE_WITH")
    return [each.offset for each in entries if span_in(each.positions) == span]


def _is_manager_in_python(kind: Any) -> bool:
    """Whether what is called to make a context manager says that Python code enters and leaves."""
    if issubclass(type(kind), FunctionType):
        return hasattr(kind, "__wrapped__") and kind.__code__.co_filename == contextlib.__file__
    if not issubclass(type(kind), type):
        return False
    for name in ("__enter__", "__exit__"):
        owners = [base for base in kind.__mro__ if name in vars(base)]
        if not owners or not isinstance(vars(owners[0])[name], FunctionType):
            return False
    return True
