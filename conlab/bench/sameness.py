"""Says whether two results of the same job are the same, as plain ``==`` often cannot.

NaN is the same as NaN; arrays, frames and tensors compare by their own equality, whatever library
they are of, also inside of lists, dicts and dataclasses. No such library is imported here.
"""

import dataclasses
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

Same = Callable[[Any, Any], Any]


def same(one: Any, other: Any) -> bool:
    """Say whether both are the same. Raises what their ``==`` raises where nothing else tells."""
    with warnings.catch_warnings():  # numpy warns of what it compares element by element
        warnings.simplefilter("ignore")
        return _same(one, other)


def _same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if _is_array(one) and _is_array(other):
        return _same_arrays(one, other)
    trouble = None
    try:
        if bool(one == other):
            return True
    except Exception as error:  # as of the truth of an array
        trouble = error
    if type(one) is not type(other):
        return _both_nan(one, other)
    if isinstance(one, set | frozenset):
        return len(one) == len(other) and _without_nan(one) == _without_nan(other)
    if (parts := _parts(one)) is not None:
        found = _parts(other)
        return found is not None and _same_parts(parts, found)
    if trouble is None:
        return _both_nan(one, other)
    if "ambiguous" in str(trouble) and isinstance(getattr(one, "__dict__", None), dict):
        return _same_parts(vars(one), vars(other))
    raise trouble


def _is_array(value: Any) -> bool:
    """Arrays, frames and tensors: what has a shape, or an ``equals`` of its own."""
    if isinstance(value, type):
        return False
    return callable(getattr(value, "equals", None)) or (
        isinstance(getattr(value, "shape", None), tuple) and bool(value.shape)
    )


def _same_arrays(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if callable(getattr(one, "equals", None)):  # of pandas, polars, pyarrow and xarray
        return bool(one.equals(other))
    if one.shape != other.shape or getattr(one, "dtype", None) != getattr(other, "dtype", None):
        return False
    if getattr(getattr(one, "dtype", None), "hasobject", False):  # arrays in arrays, and NaN
        return _same_parts(list(one.flat), list(other.flat))
    equal = one == other
    if not hasattr(equal, "all"):  # a sparse matrix: it counts what differs
        return not getattr(one != other, "nnz", 1)
    if bool(equal.all()):
        return True
    nothing = (one != one) & (other != other)  # NaN is the one that is not itself
    return bool((equal | nothing).all())


def _parts(value: Any) -> Any:
    """What a container holds, a dataclass and the like included; None if it is none."""
    match value:
        case str() | bytes():
            return None
        case list() | tuple() | deque() | Mapping():
            return value
        case BaseException():
            return {"args": value.args, **vars(value)}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if value.__dataclass_params__.eq:  # type: ignore[attr-defined]  # typeshed has it not
            fields = dataclasses.fields(value)
            return {one.name: getattr(value, one.name) for one in fields if one.compare}
    elif hasattr(type(value), "__attrs_attrs__"):
        return {one.name: getattr(value, one.name) for one in type(value).__attrs_attrs__ if one.eq}
    return None


def _same_parts(one: Any, other: Any) -> bool:
    if len(one) != len(other):
        return False
    if isinstance(one, Mapping):
        return all(key in other and _same(one[key], other[key]) for key in one)
    return all(map(_same, one, other))


def _without_nan(values: Any) -> set[Any]:
    return {one for one in values if one == one}


def _both_nan(one: Any, other: Any) -> bool:
    try:
        return bool(one != one) and bool(other != other)  # NaN alone is not itself
    except Exception:
        return False


def without_equality(value: Any) -> str | None:
    """The name of a class whose objects are equal to nothing but themselves, if that is it."""
    match value:
        case list() | tuple() | deque():
            return next(filter(None, map(without_equality, value)), None)
        case Mapping():
            return next(filter(None, map(without_equality, value.values())), None)
    kind: Any = type(value)
    lacking = kind.__eq__ is object.__eq__ and _parts(value) is None
    return kind.__name__ if lacking and value is not None else None


def difference(result: Any, expected: Any, alike: Same = same, than: str = "serial gives") -> str:
    """Where two results differ first, in a few words; ``than`` comes before the expected one."""
    match result, expected:
        case (list(), list()) | (tuple(), tuple()):
            if len(result) != len(expected):
                return f"{len(result)} results, and {than} {len(expected)}"
            for number, (one, other) in enumerate(zip(result, expected, strict=True)):
                if not alike(one, other):
                    return f"in result {number}: {difference(one, other, than=than)}"
        case dict(), dict():
            for key in [*expected, *result]:
                if key not in result:
                    return f"{key!r} is missing"
                if key not in expected:
                    return f"{key!r} is there, and not in what {than.removesuffix(' gives')} gives"
                if not alike(result[key], expected[key]):
                    found = difference(result[key], expected[key], than=than)
                    return f"at {key!r}: {found}"
    return f"{result!r:.300}\nand {than} {expected!r:.300}"
