"""What a bytecode touches of containers and iterators."""

import ast
import gc
from collections import defaultdict, deque
from collections.abc import Iterable
from inspect import CO_GENERATOR
from types import FrameType, FunctionType, GeneratorType
from typing import Any

from conlab.explorer.stepping.known_calls import CONTAINERS, SCALARS
from conlab.explorer.stepping.local_names import UNBOUND, local_value
from conlab.explorer.stepping.operands import UNKNOWN, Loaded, Operands, purely_in_python
from conlab.explorer.threads.reference import address_of
from conlab.explorer.threads.scheduler import Scheduler

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
ITERABLES: list[Iterable[Any]] = [
    [], {}, set(), deque(), (), "", b"", range(0), {}.keys(), {}.values(), {}.items()
]  # fmt: skip
OF_CONTAINERS = tuple({type(iter(each)) for each in ITERABLES})
CONTENT = "content"
FACTORY: Any = vars(defaultdict)["default_factory"]  # asked for so, it runs no `__getattr__`


class Containers:
    """Tells the scheduler of accesses to what containers hold, and to iterators."""

    def __init__(self, scheduler: Scheduler, operands: Operands) -> None:
        """``operands`` finds what expressions gave."""
        self._scheduler = scheduler
        self._operands = operands

    def content_of(
        self, node: ast.AST | None, frame: FrameType, loaded: Loaded, *, writes: bool
    ) -> None:
        """Take note that what an expression gave is looked into, or changed."""
        self.content(self._operands.value(node, frame, loaded), writes=writes)

    def content(self, value: Any, *, writes: bool) -> None:
        """Take note that this is looked into, or changed; what is UNKNOWN may be any container."""
        if issubclass(type(value), CONTAINERS):
            defaults = issubclass(type(value), defaultdict) and FACTORY.__get__(value) is not None
            self._scheduler.touch(CONTENT, value, writes=writes or defaults)
        elif value is UNKNOWN or not (
            issubclass(type(value), (*SCALARS, tuple, frozenset)) or purely_in_python(type(value))
        ):
            self._scheduler.touch(CONTENT, None, writes=writes)

    def all_content(self) -> None:
        """Take note that any container may be looked into."""
        self._scheduler.touch(CONTENT, None, writes=False)

    def are_scalars(
        self, nodes: Iterable[ast.AST | None], frame: FrameType, loaded: Loaded
    ) -> bool:
        """Whether expressions gave numbers, strings and the like, all of them."""
        return all(self.is_scalar(node, frame, loaded) for node in nodes)

    def is_scalar(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> bool:
        """Whether an expression gave a number, a string or the like."""
        match node:
            case ast.BinOp(left=left, right=right):
                return self.are_scalars([left, right], frame, loaded)
            case ast.Compare() | ast.JoinedStr():
                return True
            case ast.UnaryOp(operand=operand):
                return self.is_scalar(operand, frame, loaded)
        return issubclass(type(self._operands.value(node, frame, loaded)), SCALARS)

    def operation(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> None:
        """Take note of an operation in place, or between two operands."""
        if isinstance(node, ast.AugAssign):
            target = self._operands.value(node.target, frame, loaded)
            if not (
                issubclass(type(target), SCALARS) and self.is_scalar(node.value, frame, loaded)
            ):
                self.content(target, writes=True)
                self.all_content()
        elif not self.are_scalars(parts(node), frame, loaded):
            self.all_content()

    def iterates(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> None:
        """Take note that what an expression gives is iterated over."""
        match node:
            case ast.GeneratorExp() | ast.ListComp() | ast.SetComp() | ast.DictComp():
                return  # its own code, or a container that nobody else has
            case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.Constant():
                return
            case ast.Call(func=ast.Name() as function, args=arguments):
                called = self._operands.value(function, frame, loaded)
                if any(called is each for each in (range, sorted, list, tuple, set)):
                    return
                if any(called is each for each in (enumerate, zip, reversed)):
                    for each in arguments:
                        self.iterates(each, frame, loaded)
                    return
            case ast.Call(func=ast.Attribute(value=owner, attr="items" | "keys" | "values")):
                if issubclass(type(self._operands.value(owner, frame, loaded)), dict):
                    node = owner
        if isinstance(node, ast.Call) and _is_generator(
            self._operands.callee(node.func, frame, loaded)[0]
        ):
            return  # a new one, whose code is seen when it is entered
        value = self._operands.value(node, frame, loaded)
        if issubclass(type(value), (*SCALARS, tuple, frozenset)):
            return
        if issubclass(type(value), CONTAINERS):
            lasting = self._operands.lasting(node, frame)
            self._scheduler.touch(CONTENT, value if lasting else None, writes=False)
        else:
            self.some_iterator()

    def unpacks(self, node: ast.expr | None, frame: FrameType, loaded: Loaded) -> None:
        """Take note that what an expression gave, or anything, is taken apart at once."""
        if node is not None:
            self.iterates(node, frame, loaded)
        else:
            self.all_content()
            self._scheduler.touch("iterator", None, writes=True)

    def iterations(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> None:
        """Take note that a loop begins or turns."""
        iterator = local_value(frame, ".0")
        if iterator is not UNBOUND:
            several = isinstance(node, COMPREHENSIONS) and len(node.generators) > 1
            if several:
                self.some_iterator()
            elif issubclass(type(iterator), OF_CONTAINERS):
                for each in gc.get_referents(iterator):
                    self.content(each, writes=False)
            elif not issubclass(type(iterator), GeneratorType):
                self.some_iterator()
        elif isinstance(node, COMPREHENSIONS):
            for each in node.generators:
                self.iterates(each.iter, frame, loaded)
        else:
            match node:
                case ast.For(iter=iterated) | ast.YieldFrom(value=iterated):
                    node = iterated
            self.iterates(node, frame, loaded)

    def some_iterator(self) -> None:
        """Take note that an iterator goes on, of which it is not known over what."""
        self._scheduler.touch(CONTENT, None, writes=True)
        self._scheduler.touch("iterator", None, writes=True)

    def advances(self, generator: FrameType, *, begins: bool) -> None:
        """Take note that this generator goes on, which another thread may see."""
        known, by = self._scheduler.generators, (address_of(generator), generator.f_code)
        if begins:
            known[by] = object()
        self._scheduler.touch("iterator", known.get(by), writes=True)


def _is_generator(callee: Any) -> bool:
    code = getattr(callee, "__code__", None) if issubclass(type(callee), FunctionType) else None
    return code is not None and bool(code.co_flags & CO_GENERATOR)


def parts(node: ast.AST | None) -> list[ast.AST | None]:
    """Give the operands of an operation, or None for what is none that is known."""
    match node:
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.FormattedValue(value=value):
            return [value]
    return [None]
