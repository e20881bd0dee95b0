"""The idioms of which people ask whether another thread can get in between."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Idiom:
    """Something that several threads do to shared state, again and again.

    ``state`` makes the shared names, ``act`` is what each thread does; in it ``me`` is the thread's
    number. ``times`` is how often the act was done by all threads together: when nobody got in,
    ``count`` is equal to it and ``wrong`` is false, and no act raised an exception. ``turn`` is the
    number of an act of that thread. With ``against`` the first thread does that instead.
    """

    name: str
    state: str
    act: str
    count: str = "times"
    wrong: str = "False"
    against: str = ""


COUNT = "x"
BOX = "class Box: pass\nbox = Box()\nbox.n = 0"
PROPERTY = """
class Box:
    _n = 0
    @property
    def n(self): return self._n
    @n.setter
    def n(self, value): self._n = value
box = Box()
"""
EQUAL = "class Same:\n    def __eq__(self, other): return True\none = Same()\nx = 0"
WITH = "class Nothing:\n    def __enter__(self): pass\n    def __exit__(self, *e): pass\nx = 0"
ADDS = "x = 0\ndef one(): return 1"

IDIOMS = (
    Idiom("x += 1", "x = 0", "x += 1", COUNT),
    Idiom("t = x; x = t + 1", "x = 0", "t = x; x = t + 1", COUNT),
    Idiom("box.n += 1", BOX, "box.n += 1", "box.n"),
    Idiom("box.n += 1, n a property", PROPERTY, "box.n += 1", "box.n"),
    Idiom("d['k'] += 1", "d = {'k': 0}", "d['k'] += 1", "d['k']"),
    Idiom(
        "d['k'] += 1, d a defaultdict",
        "from collections import defaultdict\nd = defaultdict(int)",
        "d['k'] += 1",
        "d['k']",
    ),
    Idiom("d[k] = d.get(k, 0) + 1", "d = {}", "d['k'] = d.get('k', 0) + 1", "d['k']"),
    Idiom("lst[0] += 1", "lst = [0]", "lst[0] += 1", "lst[0]"),
    Idiom("x = x + one()", ADDS, "x = x + one()", COUNT),
    Idiom("x = one() + x", ADDS, "x = one() + x", COUNT),
    Idiom("x = x + int(1)", "x = 0", "x = x + int(1)", COUNT),
    Idiom("x = x + abs(-1)", "x = 0", "x = x + abs(-1)", COUNT),
    Idiom("x = x + len('a')", "x = 0", "x = x + len('a')", COUNT),
    Idiom("x = x + isinstance(x, int)", "x = 0", "x = x + isinstance(x, int)", COUNT),
    Idiom("t = x; type(t); x = t + 1", "x = 0", "t = x; type(t); x = t + 1", COUNT),
    Idiom(
        "t = x; lst.append(t); x = t + 1",
        "x = 0\nlst = []",
        "t = x; lst.append(t); x = t + 1",
        COUNT,
    ),
    Idiom("t = x; one == 1; x = t + 1", EQUAL, "t = x; one == 1; x = t + 1", COUNT),
    Idiom(
        "t = x; with nothing: pass; x = t + 1",
        WITH,
        "t = x\nwith Nothing(): pass\nx = t + 1",
        COUNT,
    ),
    Idiom(
        "t = x; raise, except; x = t + 1",
        "x = 0",
        "t = x\ntry: raise ValueError\nexcept ValueError: pass\nx = t + 1",
        COUNT,
    ),
    Idiom(
        "t = x; for _ in 1, 2: pass; x = t + 1",
        "x = 0",
        "t = x\nfor _ in 1, 2: pass\nx = t + 1",
        COUNT,
    ),
    Idiom(
        "t = x; next(own generator); x = t + 1",
        "x = 0\ndef ones():\n    while True: yield 1",
        "t = x\nfor one in ones(): break\nx = t + one",
        COUNT,
    ),
    Idiom(
        "t = x; resume a generator; x = t + 1",
        "x = 0\ndef ones():\n    yield 1\n    yield 1\nfresh = [None] * 9\n"
        "def prepare(me):\n    fresh[me] = ones()\n    next(fresh[me])",
        "prepare(me)\ng = fresh[me]\nt = x\nfor one in g: break\nx = t + one",
        COUNT,
    ),
    Idiom("x = get() + 1", "x = 0\ndef get(): return x", "x = get() + 1", COUNT),
    Idiom(
        "x = Box().n + 1",
        "x = 0\nclass Box:\n    def __init__(self): self.n = x",
        "x = Box().n + 1",
        COUNT,
    ),
    Idiom(
        "x = get() + 1, get an object",
        "x = 0\nclass Get:\n    def __call__(self): return x\nget = Get()",
        "x = get() + 1",
        COUNT,
    ),
    Idiom(
        "t = x; q.append(t); x = t + 1, a deque",
        "from collections import deque\nx = 0\nq = deque(maxlen=3)",
        "t = x; q.append(t); x = t + 1",
        COUNT,
    ),
    Idiom(
        "with lock: t = x; x = t + 1 outside",
        "import threading\nlock = threading.Lock()\nx = 0",
        "with lock: t = x\nx = t + 1",
        COUNT,
    ),
    Idiom("x, y = y, x", "x, y = 0, 1", "x, y = y, x", wrong="sorted((x, y)) != [0, 1]"),
    Idiom("flag = not flag", "flag = False", "flag = not flag", wrong="flag != bool(times % 2)"),
    Idiom("s += 'a'", "s = ''", "s += 'a'", "len(s)"),
    Idiom("lst += [1]", "lst = []", "lst += [1]", "len(lst)"),
    Idiom("lst.append(1)", "lst = []", "lst.append(1)", "len(lst)"),
    Idiom("if lst: lst.pop()", "lst = []", "if lst: lst.pop()\nelse: lst.append(1)"),
    Idiom(
        "if q: q.pop(), q a deque",
        "from collections import deque\nq = deque()",
        "if q: q.pop()\nelse: q.append(1)",
    ),
    Idiom("if len(lst): lst.pop()", "lst = []", "if len(lst): lst.pop()\nelse: lst.append(1)"),
    Idiom("if k in d: del d[k]", "d = {}", "if 'k' in d: del d['k']\nelse: d['k'] = 1"),
    Idiom("d.pop(k, None)", "d = {}", "d.pop('k', None); d['k'] = 1"),
    Idiom(
        "if k not in d: d[k] = make()",
        "d = {}\ndef make():\n    if 'k' in d: raise RuntimeError\n    return 1",
        "if 'k' not in d: d['k'] = make()\nelse: d.pop('k', None)",
    ),
    Idiom(
        "d.setdefault(k, []).append(1)",
        "d = {}",
        "d.setdefault('k', []).append(1)",
        "len(d['k'])",
    ),
    Idiom(
        "if flag is None: flag = me",
        "flag = None",
        "if flag is None:\n    flag = me\n    if flag != me: raise RuntimeError\n    flag = None",
    ),
    Idiom("for k in d: pass", "d = {}", "d[me] = 1\nfor k in d: pass\nd.pop(me)"),
    Idiom("list(d)", "d = {}", "d[me] = 1; list(d); d.pop(me)"),
    Idiom("sorted(d)", "d = {}", "d[me] = 1; sorted(d); d.pop(me)"),
    Idiom("d.copy()", "d = {}", "d[me] = 1; d.copy(); d.pop(me)"),
    Idiom(
        "a, b = lst; lst[:] = me, me",
        "lst = [0, 0]",
        "lst[:] = me, me\na, b = lst\nif a != b: raise RuntimeError",
    ),
    Idiom("lst.sort()", "lst = [3, 1, 2]", "lst.sort()\nif not lst: raise RuntimeError"),
    Idiom(
        "seen.append(next(counter))",
        "import itertools\ncounter = itertools.count()\nseen = []",
        "seen.append(next(counter))",
        "len(set(seen))",
    ),
    Idiom(
        "next(shared generator)",
        "def numbers():\n    n = 0\n    while True:\n        n = n + abs(1)\n        yield n\n"
        "shared = numbers()",
        "next(shared)",
    ),
    Idiom(
        "if n not in s: s.add(n)",
        "s = set()\nadded = []",
        "if 1 not in s:\n    s.add(1)\n    added.append(1)\n"
        "    if len(added) > 1: raise RuntimeError\n    added.pop()\n    s.discard(1)",
    ),
    Idiom(
        "with lock: x = x + one()",
        "import threading\nlock = threading.Lock()\nx = 0\ndef one(): return 1",
        "with lock: x = x + one()",
        COUNT,
    ),
)
