"""What each bytecode touches that threads may share: for the search, which skips equal orders."""

import ast
from collections.abc import Callable
from inspect import CO_GENERATOR
from types import FrameType, FunctionType, ModuleType
from typing import Any

from conlab.explorer.stepping.calls import Calls
from conlab.explorer.stepping.containers import CONTENT, Containers, parts
from conlab.explorer.stepping.facts import Facts
from conlab.explorer.stepping.known_calls import CONTAINERS, SCALARS
from conlab.explorer.stepping.opcodes import GLOBAL_READS, TESTS, names
from conlab.explorer.stepping.operands import (
    UNKNOWN,
    Loaded,
    Operands,
    in_python,
    of_class,
    purely_in_python,
)
from conlab.explorer.stepping.points import Key, Point
from conlab.explorer.threads.scheduler import BY_NAME_ONLY, Scheduler

READS_SUBSCRIPT = names("BINARY_SUBSCR BINARY_SLICE")
WRITES_SUBSCRIPT = names("STORE_SUBSCR STORE_SLICE DELETE_SUBSCR")
READS_ATTRIBUTE = names("LOAD_ATTR LOAD_METHOD")
READS_DEEPLY = names(
    "COMPARE_OP FORMAT_VALUE FORMAT_SIMPLE FORMAT_WITH_SPEC CONVERT_VALUE MATCH_MAPPING",
    "MATCH_SEQUENCE MATCH_KEYS MATCH_CLASS GET_LEN",
)
SYNCHRONISES = ("threading", "queue", "concurrent.futures", "_queue", "_thread", "conlab")
ITERATES_ONCE = names("GET_ITER FOR_ITER GET_YIELD_FROM_ITER SEND")
UNPACKS = names("UNPACK_SEQUENCE UNPACK_EX")
ADDS_ALL = names("LIST_EXTEND SET_UPDATE DICT_UPDATE DICT_MERGE")


class Touches:
    """Tells the scheduler what the bytecode touches that the running thread is about to execute."""

    def __init__(
        self, scheduler: Scheduler, changes: Callable[[Key], bool], facts: Facts | None = None
    ) -> None:
        """``changes`` says whether a name may be rebound while several threads live."""
        self._scheduler = scheduler
        self._changes = changes
        self._facts = facts or Facts()
        # Whether the code may write attributes or globals without their names.
        self.reflects = self._facts.attributes_reflected or self._facts.globals_reflected
        self._operands = Operands(changes)
        self._containers = Containers(scheduler, self._operands)
        self._calls = Calls(scheduler, self._operands, self._containers)
        self.advances = self._containers.advances
        self.calls = self._calls.at
        self.returns = self._calls.returns

    def at(self, point: Point, frame: FrameType) -> None:
        """Take note of a bytecode that is no call."""
        if point.role == "read" and not self._changes(point.key):
            return
        loaded = self._scheduler.current.loaded
        node = self._operands.node(point)
        if frame.f_code.co_flags & CO_GENERATOR:
            self._containers.advances(frame, begins=False)
        if point.role in ("read", "write"):
            self._name(point, node, frame, loaded)
        elif point.opname in GLOBAL_READS:
            self._global(point.name, frame, writes=False)
            self._operands.remember(point, frame, loaded)
        elif point.opname in READS_SUBSCRIPT or (
            point.opname == "BINARY_OP" and isinstance(node, ast.Subscript)
        ):
            self._containers.content_of(getattr(node, "value", None), frame, loaded, writes=False)
            self._operands.remember(point, frame, loaded)
        elif point.opname in WRITES_SUBSCRIPT:
            self._containers.content_of(getattr(node, "value", None), frame, loaded, writes=True)
        elif point.opname == "CONTAINS_OP":
            container = node.comparators[-1] if isinstance(node, ast.Compare) else None
            self._containers.content_of(container, frame, loaded, writes=False)
            self._containers.all_content()
        elif point.opname in READS_ATTRIBUTE:
            self._attribute(point, node, frame, loaded)
        elif point.opname in TESTS:
            for each in _tested(node):
                self._containers.content_of(each, frame, loaded, writes=False)
        elif point.opname == "BINARY_OP":
            self._containers.operation(node, frame, loaded)
        elif point.opname in READS_DEEPLY:
            if not self._containers.are_scalars(parts(node), frame, loaded):
                self._containers.all_content()
        elif point.opname in UNPACKS:
            self._containers.unpacks(self._operands.unpacked(point, frame, loaded), frame, loaded)
        elif point.opname in ADDS_ALL:
            self._containers.unpacks(None, frame, loaded)
        elif point.opname in ITERATES_ONCE and not isinstance(node, ast.Await):
            self._containers.iterations(node, frame, loaded)
        elif point.role != "jump":
            self._scheduler.touch_everything(point.what)

    # -- names ------------------------------------------------------------------------------

    def _name(self, point: Point, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> None:
        kind, name = point.key
        writes = point.role == "write"
        touch = self._scheduler.touch
        if kind == "cell":
            touch(("cell", name), None, writes=writes)
        elif kind == "global":
            self._global(str(name), frame, writes=writes)
        else:
            owner = self._operands.value(getattr(node, "value", None), frame, loaded)
            if issubclass(type(owner), ModuleType):
                owner = vars(owner)
            elif owner is UNKNOWN or issubclass(type(owner), type):
                owner = None
            touch(("name", name), owner, writes=writes)
            self._reflected(writes=writes)
            if writes and (owner is None or not purely_in_python(type(owner))):
                self._scheduler.touch_part(CONTENT, owner, name)  # a namespace's: C reads it whole
        if not writes:
            self._operands.remember(point, frame, loaded)

    def _global(self, name: str, frame: FrameType, *, writes: bool) -> None:
        self._scheduler.touch(("name", name), frame.f_globals, writes=writes)
        if self._facts.globals_reflected or BY_NAME_ONLY in self._scheduler.disproved:
            self._scheduler.touch(CONTENT, frame.f_globals, writes=writes)

    def _reflected(self, *, writes: bool) -> None:
        """Take note that an attribute is the content of a dictionary as well, if one is had."""
        if self.reflects or BY_NAME_ONLY in self._scheduler.disproved:
            self._scheduler.touch(CONTENT, None, writes=writes)

    def _attribute(
        self, point: Point, node: ast.AST | None, frame: FrameType, loaded: Loaded
    ) -> None:
        """Take note of an attribute that no stepped file stores, or that one may store unnamed."""
        owner = self._operands.value(getattr(node, "value", None), frame, loaded)
        if issubclass(type(owner), SCALARS):
            return
        if issubclass(type(owner), CONTAINERS):
            self._containers.content(owner, writes=False)
        elif owner is UNKNOWN or _synchronises(owner):
            if owner is UNKNOWN or not _is_method(owner, point.name):
                self._scheduler.touch_everything(point.what)
        elif issubclass(type(owner), ModuleType | type):
            self._scheduler.touch(("name", point.name), None, writes=False)
            self._reflected(writes=False)
            self._operands.remember(point, frame, loaded)
        elif in_python(type(owner)):
            self._scheduler.touch(("name", point.name), owner, writes=False)
            self._reflected(writes=False)
            self._operands.remember(point, frame, loaded)
        else:
            self._scheduler.touch_everything(point.what)


def _tested(node: ast.AST | None) -> list[ast.AST | None]:
    """Give the expressions of which a jump may test one: it may stand for all that it decides."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test):
            return _tested(test)
        case ast.IfExp(test=test):
            return _tested(test)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _tested(operand)
        case ast.BoolOp(values=values):
            return [each for value in values for each in _tested(value)]
    return [node]


def _synchronises(owner: Any) -> bool:
    """Whether it is one of the locks, queues, threads and pools, whose own code is not stepped."""
    return any(base.__module__.startswith(SYNCHRONISES) for base in type(owner).__mro__)


def _is_method(owner: Any, name: str) -> bool:
    return isinstance(of_class(type(owner), name), FunctionType)
