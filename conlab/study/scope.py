"""Which files the explorer can be expected to run: those that stay in one process and in Python."""

import ast

CONTROLLED = frozenset(
    (
        "asyncio", "collections", "concurrent", "contextlib", "contextvars", "copy", "dataclasses",
        "enum", "faulthandler", "functools", "gc", "heapq", "itertools", "logging", "math",
        "operator", "queue", "random", "sys", "threading", "time", "traceback", "types", "typing",
        "unittest", "warnings", "weakref",
    )
)  # fmt: skip
ELSEWHERE = frozenset(("ProcessPoolExecutor", "InterpreterPoolExecutor"))


def explorable(source: str) -> bool:
    """Whether a file imports only what the explorer controls, or what does nothing by itself."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                modules = {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=module, names=names):
                modules = {(module or "").partition(".")[0]}
                if ELSEWHERE & {alias.name for alias in names}:
                    return False
            case _:
                continue
        if not modules <= CONTROLLED:
            return False
    return True
