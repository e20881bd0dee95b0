"""What each bytecode touches that threads may share: for the search, which skips equal orders."""

import ast
import contextlib
import gc
from collections import deque
from collections.abc import Callable, Iterable
from inspect import CO_GENERATOR
from types import (
    BuiltinMethodType,
    CodeType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
from typing import Any

from conlab.explorer.stepping.facts import Facts
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
from conlab.explorer.stepping.local_names import UNBOUND, local_value
from conlab.explorer.stepping.opcodes import GLOBAL_READS, TESTS, names
from conlab.explorer.stepping.operands import UNKNOWN, Loaded, Operands, in_python
from conlab.explorer.stepping.points import Key, Point
from conlab.explorer.threads.scheduler import Scheduler

READS_SUBSCRIPT = names("BINARY_SUBSCR BINARY_SLICE")
WRITES_SUBSCRIPT = names("STORE_SUBSCR STORE_SLICE DELETE_SUBSCR")
READS_ATTRIBUTE = names("LOAD_ATTR LOAD_METHOD")
READS_DEEPLY = names(
    "COMPARE_OP FORMAT_VALUE FORMAT_SIMPLE FORMAT_WITH_SPEC CONVERT_VALUE MATCH_MAPPING",
    "MATCH_SEQUENCE MATCH_KEYS MATCH_CLASS GET_LEN",
)
SYNCHRONISES = ("threading", "queue", "concurrent.futures", "_queue", "_thread", "conlab")
ITERATES_ONCE = names("GET_ITER FOR_ITER GET_YIELD_FROM_ITER SEND")
UNPACKS = names("UNPACK_SEQUENCE UNPACK_EX LIST_EXTEND SET_UPDATE DICT_UPDATE DICT_MERGE")
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
ITERABLES: list[Iterable[Any]] = [
    [], {}, set(), deque(), (), "", b"", range(0), {}.keys(), {}.values(), {}.items()
]  # fmt: skip
OF_CONTAINERS = tuple({type(iter(each)) for each in ITERABLES})
CONTENT = "content"


class Touches:
    """Tells the scheduler what the bytecode touches that the running thread is about to execute."""

    def __init__(
        self, scheduler: Scheduler, changes: Callable[[Key], bool], facts: Facts | None = None
    ) -> None:
        """``changes`` says whether a name may be rebound while several threads live."""
        self._scheduler = scheduler
        self._changes = changes
        self._facts = facts or Facts()
        self._operands = Operands(changes)

    def at(self, point: Point, frame: FrameType) -> None:
        """Take note of a bytecode that is no call."""
        if point.role == "read" and not self._changes(point.key):
            return
        loaded = self._scheduler.current.loaded
        node = self._operands.node(point)
        if frame.f_code.co_flags & CO_GENERATOR:
            self.advances(frame, begins=False)
        if point.role in ("read", "write"):
            self._name(point, node, frame, loaded)
        elif point.opname in GLOBAL_READS:
            self._global(point.name, frame, writes=False)
            self._operands.remember(point, frame, loaded)
        elif point.opname in READS_SUBSCRIPT or (
            point.opname == "BINARY_OP" and isinstance(node, ast.Subscript)
        ):
            self._content_of(getattr(node, "value", None), frame, loaded, writes=False)
            self._operands.remember(point, frame, loaded)
        elif point.opname in WRITES_SUBSCRIPT:
            self._content_of(getattr(node, "value", None), frame, loaded, writes=True)
        elif point.opname == "CONTAINS_OP":
            container = node.comparators[-1] if isinstance(node, ast.Compare) else None
            self._content_of(container, frame, loaded, writes=False)
            self._all_content()
        elif point.opname in READS_ATTRIBUTE:
            self._attribute(point, node, frame, loaded)
        elif point.opname in TESTS:
            for each in _tested(node):
                self._content_of(each, frame, loaded, writes=False)
        elif point.opname == "BINARY_OP":
            self._operation(node, frame, loaded)
        elif point.opname in READS_DEEPLY:
            if not self._scalars(_parts(node), frame, loaded):
                self._all_content()
        elif point.opname in UNPACKS:
            self._all_content()
            self._scheduler.touch("iterator", None, writes=True)
        elif point.opname in ITERATES_ONCE and not isinstance(node, ast.Await):
            self._iterations(node, frame, loaded)
        elif point.role != "jump":
            self._everything(point)

    def calls(self, point: Point, frame: FrameType, callee: Any = UNKNOWN) -> None:
        """Take note of a call of what may be a function in C; ``callee`` is it, where known."""
        loaded = self._scheduler.current.loaded
        node = self._operands.node(point)
        arguments: list[ast.expr] = []
        receiver: Any = UNKNOWN
        if isinstance(node, ast.Call):
            arguments = [*node.args, *(each.value for each in node.keywords)]
            if callee is UNKNOWN:
                callee, receiver = self._callee(node.func, frame, loaded)
        elif isinstance(node, COMPREHENSIONS):
            return  # the code of its own
        elif callee is UNKNOWN and node is not None:
            self._manages(point, node, frame, loaded)
            return
        if callee is UNKNOWN:
            self._everything(point)
        elif isinstance(callee, MethodDescriptorType):
            if receiver is UNKNOWN and isinstance(node, ast.Call):
                owner = node.func.value if isinstance(node.func, ast.Attribute) else None
                receiver = self._operands.value(owner, frame, loaded)
            self._method(point, callee.__objclass__, callee.__name__, receiver, arguments, frame)
        elif isinstance(callee, BuiltinMethodType | MethodWrapperType) and not isinstance(
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
            callee, _ = self._callee(node.func, caller, loaded)
            if isinstance(callee, FunctionType | MethodType) and callee.__code__ is code:
                self._operands.keep(call, value, caller, loaded)

    def advances(self, generator: FrameType, *, begins: bool) -> None:
        """Take note that this generator goes on, which another thread may see."""
        known, by = self._scheduler.generators, (id(generator), generator.f_code)
        if begins:
            known[by] = object()
        self._scheduler.touch("iterator", known.get(by), writes=True)

    def _manages(self, point: Point, node: ast.AST, frame: FrameType, loaded: Loaded) -> None:
        """Take note of what a ``with`` calls when it begins and when it ends."""
        managers = (
            [each.context_expr for each in node.items] if isinstance(node, ast.With) else [node]
        )
        for each in managers:
            if isinstance(each, ast.Call):
                kind, _ = self._callee(each.func, frame, loaded)
            else:
                manager = self._operands.value(each, frame, loaded)
                kind = UNKNOWN if manager is UNKNOWN else type(manager)
            if not _is_manager_in_python(kind):
                self._everything(point)

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
            if isinstance(owner, ModuleType):
                owner = vars(owner)
            elif owner is UNKNOWN or isinstance(owner, type):
                owner = None
            touch(("name", name), owner, writes=writes)
            self._reflected(writes=writes)
        if not writes:
            self._operands.remember(point, frame, loaded)

    def _global(self, name: str, frame: FrameType, *, writes: bool) -> None:
        self._scheduler.touch(("name", name), frame.f_globals, writes=writes)
        if self._facts.globals_reflected:
            self._scheduler.touch(CONTENT, frame.f_globals, writes=writes)

    def _reflected(self, *, writes: bool) -> None:
        """Take note that an attribute is the content of a dictionary as well, if one is had."""
        if self._facts.attributes_reflected or self._facts.globals_reflected:
            self._scheduler.touch(CONTENT, None, writes=writes)

    def _attribute(
        self, point: Point, node: ast.AST | None, frame: FrameType, loaded: Loaded
    ) -> None:
        """Take note of an attribute that no stepped file stores, or that one may store unnamed."""
        owner = self._operands.value(getattr(node, "value", None), frame, loaded)
        if isinstance(owner, SCALARS):
            return
        if isinstance(owner, CONTAINERS):
            self._content(owner, writes=False)
        elif owner is UNKNOWN or _synchronises(owner):
            if owner is UNKNOWN or not _is_method(owner, point.name):
                self._everything(point)
        elif isinstance(owner, ModuleType | type):
            self._scheduler.touch(("name", point.name), None, writes=False)
            self._reflected(writes=False)
            self._operands.remember(point, frame, loaded)
        elif in_python(type(owner)):
            self._scheduler.touch(("name", point.name), owner, writes=False)
            self._reflected(writes=False)
            self._operands.remember(point, frame, loaded)
        else:
            self._everything(point)

    # -- containers ---------------------------------------------------------------------------

    def _content_of(
        self, node: ast.AST | None, frame: FrameType, loaded: Loaded, *, writes: bool
    ) -> None:
        self._content(self._operands.value(node, frame, loaded), writes=writes)

    def _content(self, value: Any, *, writes: bool) -> None:
        if isinstance(value, CONTAINERS):
            defaults = getattr(value, "default_factory", None) is not None
            self._scheduler.touch(CONTENT, value, writes=writes or defaults)
        elif value is UNKNOWN or not (
            isinstance(value, (*SCALARS, tuple, frozenset)) or in_python(type(value))
        ):
            self._scheduler.touch(CONTENT, None, writes=writes)

    def _all_content(self) -> None:
        self._scheduler.touch(CONTENT, None, writes=False)

    def _scalars(self, nodes: Iterable[ast.AST | None], frame: FrameType, loaded: Loaded) -> bool:
        return all(self._scalar(node, frame, loaded) for node in nodes)

    def _scalar(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> bool:
        match node:
            case ast.BinOp(left=left, right=right):
                return self._scalars([left, right], frame, loaded)
            case ast.Compare() | ast.JoinedStr():
                return True
            case ast.UnaryOp(operand=operand):
                return self._scalar(operand, frame, loaded)
        return isinstance(self._operands.value(node, frame, loaded), SCALARS)

    def _operation(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> None:
        if isinstance(node, ast.AugAssign):
            target = self._operands.value(node.target, frame, loaded)
            if not (isinstance(target, SCALARS) and self._scalar(node.value, frame, loaded)):
                self._content(target, writes=True)
                self._all_content()
        elif not self._scalars(_parts(node), frame, loaded):
            self._all_content()

    def _iterates(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> None:
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
                        self._iterates(each, frame, loaded)
                    return
            case ast.Call(func=ast.Attribute(value=owner, attr="items" | "keys" | "values")):
                if isinstance(self._operands.value(owner, frame, loaded), dict):
                    node = owner
        if isinstance(node, ast.Call) and _is_generator(self._callee(node.func, frame, loaded)[0]):
            return  # a new one, whose code is seen when it is entered
        value = self._operands.value(node, frame, loaded)
        if isinstance(value, (*SCALARS, tuple, frozenset)):
            return
        if isinstance(value, CONTAINERS):
            lasting = self._operands.lasting(node, frame)
            self._scheduler.touch(CONTENT, value if lasting else None, writes=False)
        else:
            self._advances()

    def _iterations(self, node: ast.AST | None, frame: FrameType, loaded: Loaded) -> None:
        iterator = local_value(frame, ".0")
        if iterator is not UNBOUND:
            several = isinstance(node, COMPREHENSIONS) and len(node.generators) > 1
            if several:
                self._advances()
            elif isinstance(iterator, OF_CONTAINERS):
                for each in gc.get_referents(iterator):
                    self._content(each, writes=False)
            elif not isinstance(iterator, GeneratorType):
                self._advances()
        elif isinstance(node, COMPREHENSIONS):
            for each in node.generators:
                self._iterates(each.iter, frame, loaded)
        else:
            match node:
                case ast.For(iter=iterated) | ast.YieldFrom(value=iterated):
                    node = iterated
            self._iterates(node, frame, loaded)

    def _advances(self) -> None:
        """Take note that an iterator goes on, of which it is not known over what."""
        self._scheduler.touch(CONTENT, None, writes=True)
        self._scheduler.touch("iterator", None, writes=True)

    # -- calls ------------------------------------------------------------------------------

    def _callee(self, node: ast.expr, frame: FrameType, loaded: Loaded) -> tuple[Any, Any]:
        """Return what is called, and of what it is a method."""
        if isinstance(node, ast.Attribute):
            owner = self._operands.value(node.value, frame, loaded)
            if owner is UNKNOWN or isinstance(owner, ModuleType | type):
                return self._operands.value(node, frame, loaded), UNKNOWN
            own = getattr(owner, "__dict__", {})
            if node.attr in own:
                return own[node.attr], UNKNOWN
            for base in type(owner).__mro__:
                if node.attr in vars(base):
                    return vars(base)[node.attr], owner
            return UNKNOWN, owner
        return self._operands.value(node, frame, loaded), UNKNOWN

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
                self._all_content()
            return
        if issubclass(kind, tuple | frozenset):
            self._all_content()
            return
        writes = name in WRITES_IT | WRITES_IT_BY_ITS_ELEMENTS | WRITES_IT_READS_OTHERS
        reads = name in READS_IT | READS_ITS_ELEMENTS | READS_IT_AND_OTHERS
        if not issubclass(kind, CONTAINERS) or not (writes or reads):
            self._everything(point)
            return
        self._content(receiver, writes=writes)
        if name in WRITES_IT_BY_ITS_ELEMENTS | READS_ITS_ELEMENTS:
            self._all_content()
        if name in WRITES_IT_READS_OTHERS | READS_IT_AND_OTHERS:
            for each in arguments:
                self._iterates(each, frame, loaded)
            self._all_content()

    def _function(
        self, point: Point, callee: Any, arguments: list[ast.expr], frame: FrameType
    ) -> None:
        loaded = self._scheduler.current.loaded
        if isinstance(callee, FunctionType | MethodType | staticmethod | classmethod):
            return  # Python code, which is seen when it is entered
        known = CALLED.get(id(callee), "")
        if known == "nothing":
            return
        if known == "reads it":
            for each in arguments:
                self._content_of(each, frame, loaded, writes=False)
        elif known == "reads all":
            if not self._scalars(arguments, frame, loaded):
                self._all_content()
        elif known == "iterates":
            self._all_content()
            for each in arguments:
                if not isinstance(each, ast.Lambda) and not self._scalar(each, frame, loaded):
                    self._iterates(each, frame, loaded)
        elif callee is next:
            self._advances()
        elif not _makes_or_enters_python(callee):
            self._everything(point)

    def _everything(self, point: Point) -> None:
        self._scheduler.touch_everything(f"{point.opname} {point.name}".strip())


CALLED = {
    id(function): what
    for what, functions in {
        "nothing": TOUCHES_NOTHING,
        "reads it": READS_ITS_ARGUMENT,
        "reads all": READS_ALL,
        "iterates": ITERATES,
    }.items()
    for function in functions
}
HARMLESS_INITS = {object.__init__, BaseException.__init__, Exception.__init__, OSError.__init__}


def _is_generator(callee: Any) -> bool:
    code = getattr(callee, "__code__", None) if isinstance(callee, FunctionType) else None
    return code is not None and bool(code.co_flags & CO_GENERATOR)


def _synchronises(owner: Any) -> bool:
    """Whether it is one of the locks, queues, threads and pools, whose own code is not stepped."""
    return any(base.__module__.startswith(SYNCHRONISES) for base in type(owner).__mro__)


def _is_method(owner: Any, name: str) -> bool:
    found = [vars(base)[name] for base in type(owner).__mro__ if name in vars(base)]
    return bool(found) and isinstance(found[0], FunctionType)


def _makes_or_enters_python(callee: Any) -> bool:
    """Whether a call makes something new and no more, or enters Python code, which is seen then."""
    if isinstance(callee, type):
        initialise = next(
            vars(base)["__init__"] for base in callee.__mro__ if "__init__" in vars(base)
        )
        return isinstance(initialise, FunctionType) or initialise in HARMLESS_INITS
    for base in type(callee).__mro__:
        if "__call__" in vars(base):
            return isinstance(vars(base)["__call__"], FunctionType)
    return False


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


def _parts(node: ast.AST | None) -> list[ast.AST | None]:
    match node:
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.FormattedValue(value=value):
            return [value]
    return [None]


def _is_manager_in_python(kind: Any) -> bool:
    """Whether what is called to make a context manager says that Python code enters and leaves."""
    if isinstance(kind, FunctionType):
        return hasattr(kind, "__wrapped__") and kind.__code__.co_filename == contextlib.__file__
    if not isinstance(kind, type):
        return False
    for name in ("__enter__", "__exit__"):
        owners = [base for base in kind.__mro__ if name in vars(base)]
        if not owners or not isinstance(vars(owners[0])[name], FunctionType):
            return False
    return True
