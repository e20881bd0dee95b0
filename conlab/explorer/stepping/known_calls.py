"""What the functions in C touch that a program calls: data.

One that is not here touches everything. Python code of a class (its ``__eq__``, its ``__hash__``)
that such a function calls is code of its own, and is seen when it is entered.
"""

import builtins
from collections import OrderedDict, defaultdict, deque
from types import SimpleNamespace

from conlab.explorer.stepping.opcodes import names

CONTAINERS = (list, dict, set, deque, bytearray)
SCALARS = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), range, slice)

# Methods of containers. One that is in neither group is not known.
READS_IT = names("get keys values items copy __len__ __contains__ __getitem__ __iter__")
READS_ITS_ELEMENTS = names("index count isdisjoint issubset issuperset")  # compares them as well
READS_IT_AND_OTHERS = names("union intersection difference symmetric_difference")
WRITES_IT = names(
    "append appendleft add insert pop popleft popitem clear reverse rotate setdefault",
    "__setitem__ __delitem__ move_to_end",
)
WRITES_IT_BY_ITS_ELEMENTS = names("remove discard sort")
WRITES_IT_READS_OTHERS = names(
    "extend extendleft update difference_update intersection_update symmetric_difference_update",
)

# Functions, each by itself: `len` may be another's name for something else.
TOUCHES_NOTHING = {
    getattr(builtins, name)
    for name in names("isinstance issubclass type id callable range object super slice chr ord")
}
READS_ITS_ARGUMENT = {len, iter}
READS_ALL = {  # whatever their arguments hold, elements included
    getattr(builtins, name)
    for name in names("repr str print format abs round divmod hash int float bool pow bytes")
}
ITERATES = {
    getattr(builtins, name)
    for name in names(
        "list tuple set frozenset dict sorted reversed sum min max any all enumerate zip",
    )
} | {deque, defaultdict, OrderedDict, SimpleNamespace}
