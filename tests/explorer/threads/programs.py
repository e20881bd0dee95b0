"""Programs with known answers, for the explorer: a safe one passes every schedule, a racy one not.

They are written as people write: names imported directly, locks at module level, several ways of
sharing. Nothing here knows of conlab.
"""

# mypy: ignore-errors
# ruff: noqa

import collections
import contextlib
import contextvars
import functools
import heapq
import itertools
import logging
import queue
import random
import threading
import time
from collections import Counter as Cnt, defaultdict, deque
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, field
from threading import Barrier, Condition, Event, Lock, RLock, Semaphore, Thread, Timer
from time import sleep

PROGRAMS = []


def prog(expected, check=None):
    def remember(program):
        PROGRAMS.append((program, check, expected))
        return program

    return remember


def run(*fs):
    ts = [Thread(target=f) for f in fs]
    for t in ts:
        t.start()
    for t in ts:
        t.join()


@prog("racy", lambda r: r == 2)
def attr_lost():
    class C:
        pass

    c = C()
    c.n = 0

    def get():
        return c.n

    def w():
        v = get()
        c.n = v + 1

    run(w, w)
    return c.n


@prog("safe", lambda r: r == 2)
def attr_locked():
    class C:
        def __init__(self):
            self.n = 0
            self.lock = Lock()

        def inc(self):
            with self.lock:
                self.n += 1

    c = C()
    run(c.inc, c.inc)
    return c.n


@prog("racy", lambda r: r == 1)
def lazy():
    made = []
    inst = None

    def get():
        nonlocal inst
        if inst is None:
            made.append(1)
            inst = object()
        return inst

    run(get, get)
    return len(made)


@prog("safe", lambda r: r == 1)
def lazy_locked():
    made = []
    inst = None
    lock = Lock()

    def get():
        nonlocal inst
        if inst is None:
            with lock:
                if inst is None:
                    made.append(1)
                    inst = object()
        return inst

    run(get, get)
    return len(made)


@prog("racy")
def pop_race():
    q = deque([1])
    errs = []

    def w():
        if q:
            q.pop()

    run(w, w)


@prog("racy")
def del_race():
    d = {1: 1}

    def w():
        if 1 in d:
            del d[1]

    run(w, w)


@prog("safe", lambda r: r == [1])
def pop_default():
    d = {1: 1}
    got = []

    def w():
        v = d.pop(1, None)
        if v:
            got.append(v)

    run(w, w)
    return got


@prog("safe", lambda r: sorted(r) == [0, 1, 2, 3])
def queue_pc():
    q = queue.Queue(maxsize=1)
    out = []

    def p():
        for i in range(4):
            q.put(i)
        q.put(None)

    def c():
        while (x := q.get()) is not None:
            out.append(x)

    run(p, c)
    return out


@prog("racy")
def queue_empty_race():
    q = queue.Queue()
    q.put(1)

    def c():
        if not q.empty():
            q.get_nowait()

    run(c, c)


@prog("racy")
def queue_empty_deadlock():
    q = queue.Queue()
    q.put(1)

    def c():
        if not q.empty():
            q.get()

    run(c, c)


@prog("safe", lambda r: r == [1, 4])
def pool_map():
    with ThreadPoolExecutor(2) as e:
        return list(e.map(lambda x: x * x, [1, 2]))


@prog("racy", lambda r: r == 2)
def pool_race():
    tot = 0

    def f(x):
        nonlocal tot
        t = tot
        sleep(0)
        tot = t + x

    with ThreadPoolExecutor(2) as e:
        list(e.map(f, [1, 1]))
    return tot


@prog("racy")
def pool_self():
    with ThreadPoolExecutor(1) as e:

        def outer():
            return e.submit(lambda: 1).result()

        return e.submit(outer).result()


@prog("safe", lambda r: r == 3)
def pool_ascompleted():
    with ThreadPoolExecutor(2) as e:
        fs = [e.submit(lambda v=v: v) for v in (1, 2)]
        return sum(f.result() for f in as_completed(fs))


@prog("racy")
def cond_if():
    c = Condition()
    items = []

    def cons():
        with c:
            if not items:
                c.wait()
            items.pop()

    def prod():
        with c:
            items.append(1)
            c.notify_all()

    run2 = [Thread(target=cons, daemon=True), Thread(target=cons, daemon=True), Thread(target=prod)]
    for t in run2:
        t.start()
    run2[2].join()
    with c:
        items.append(2)
        c.notify_all()
    for t in run2:
        t.join()


@prog("safe", lambda r: r == [])
def cond_while():
    c = Condition()
    items = []

    def cons():
        with c:
            while not items:
                c.wait()
            items.pop()

    def prod():
        with c:
            items.append(1)
            items.append(2)
            c.notify_all()

    run(cons, cons, prod)
    return items


@prog("racy")
def lost_wakeup():
    c = Condition()

    def w():
        with c:
            c.wait()

    def n():
        with c:
            c.notify()

    run(w, n)


@prog("safe")
def event_ok():
    e = Event()
    v = []

    def a():
        v.append(1)
        e.set()

    def b():
        e.wait()
        assert v

    run(a, b)


@prog("racy", lambda r: r[0] == 1)
def event_order():
    v = [0]
    out = []
    e = Event()

    def a():
        e.set()
        v[0] = 1

    def b():
        e.wait()
        out.append(v[0])

    run(a, b)
    return out


@prog("racy")
def gen_shared():
    def g():
        n = 0
        while True:
            yield n
            n += 1

    it = g()

    def w():
        next(it)

    run(w, w)


@prog("safe", lambda r: sorted(r) == [0, 1])
def count_shared():
    it = itertools.count()
    out = []

    def w():
        out.append(next(it))

    run(w, w)
    return out


@prog("racy", lambda r: r == 2)
def prop_race():
    class C:
        _v = 0

        @property
        def v(self):
            return self._v

        @v.setter
        def v(self, x):
            self._v = x

    c = C()

    def w():
        c.v += 1

    run(w, w)
    return c.v


@prog("racy", lambda r: r == 2)
def getattr_race():
    class C:
        def __init__(self):
            self.__dict__["d"] = {"n": 0}

        def __getattr__(self, k):
            return self.d[k]

        def __setattr__(self, k, v):
            self.d[k] = v

    c = C()

    def w():
        c.n = c.n + 1

    run(w, w)
    return c.n


@prog("safe", lambda r: r == 2)
def ctxmgr():
    lock = Lock()
    n = 0

    @contextlib.contextmanager
    def guard():
        lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def w():
        nonlocal n
        with guard():
            n += 1

    run(w, w)
    return n


@prog("racy", lambda r: r == 2)
def ctxmgr_bad():
    lock = Lock()
    n = 0

    @contextlib.contextmanager
    def guard():
        lock.acquire()
        lock.release()
        yield

    def w():
        nonlocal n
        with guard():
            n += 1

    run(w, w)
    return n


@prog("safe", lambda r: r == 42)
def handoff():
    box = None
    ready = False

    def p():
        nonlocal box, ready
        box = 42
        ready = True

    out = []

    def c():
        while not ready:
            sleep(0.01)
        out.append(box)

    run(p, c)
    return out[0]


@prog("racy", lambda r: r == 42)
def handoff_bad():
    box = None
    ready = False

    def p():
        nonlocal box, ready
        ready = True
        box = 42

    out = []

    def c():
        while not ready:
            sleep(0.01)
        out.append(box)

    run(p, c)
    return out[0]


@prog("safe", lambda r: r == 42)
def handoff_spin():
    box = None
    ready = False

    def p():
        nonlocal box, ready
        box = 42
        ready = True

    out = []

    def c():
        while not ready:
            pass
        out.append(box)

    run(p, c)
    return out[0]


@prog("racy")
def timeout_race():
    q = queue.Queue()

    def p():
        q.put(1)

    t = Thread(target=p)
    t.start()
    q.get(timeout=1)
    t.join()


@prog("safe", lambda r: r in ("got", "timeout"))
def timeout_handled():
    q = queue.Queue()
    t = Thread(target=lambda: q.put(1))
    t.start()
    try:
        q.get(timeout=1)
        r = "got"
    except queue.Empty:
        r = "timeout"
    t.join()
    return r


@prog("safe", lambda r: r == 1)
def daemon_ok():
    q = queue.Queue()

    def d():
        while True:
            q.get()
            q.task_done()

    t = Thread(target=d, daemon=True)
    t.start()
    q.put(1)
    q.join()
    return 1


@prog("racy")
def raises():
    def w():
        raise ValueError("x")

    run(w)


@prog("safe", lambda r: r == ["ValueError"])
def raises_collected():
    errs = []

    def w():
        try:
            raise ValueError
        except Exception as e:
            errs.append(type(e).__name__)

    run(w)
    return errs


@prog("safe", lambda r: r == 2)
def sem():
    s = Semaphore(1)
    n = 0

    def w():
        nonlocal n
        with s:
            n += 1

    run(w, w)
    return n


@prog("racy", lambda r: r == 3)
def sem2():
    s = Semaphore(2)
    n = 0

    def w():
        nonlocal n
        with s:
            n += 1

    run(w, w, w)
    return n


@prog("safe", lambda r: r == [1, 1])
def barrier():
    b = Barrier(2)
    n = []
    out = []

    def w():
        n.append(1)
        b.wait()
        out.append(len(n) // 2)

    run(w, w)
    return out


@prog("racy", lambda r: r)
def sleep_sync():
    done = False

    def w():
        nonlocal done
        sleep(0.1)
        done = True

    t = Thread(target=w)
    t.start()
    sleep(0.5)
    r = done
    t.join()
    return r


@prog("racy")
def nonreentrant():
    l = Lock()

    def g():
        with l:
            pass

    def f():
        with l:
            g()

    run(f)


@prog("safe")
def reentrant():
    l = RLock()

    def g():
        with l:
            pass

    def f():
        with l:
            g()

    run(f, f)


@prog("racy", lambda r: r == [0, 1, 2])
def iter_mut():
    l = {0: 0, 1: 1}
    out = []

    def r():
        for k in l:
            out.append(k)

    def w():
        l[2] = 2

    run(r, w)
    return out


@prog("racy", lambda r: r == 2)
def trylock_race():
    l = Lock()
    n = 0

    def w():
        nonlocal n
        if l.acquire(blocking=False):
            try:
                n += 1
            finally:
                l.release()

    run(w, w)
    return n


@prog("safe", lambda r: r == 2)
def dataclass_lock():
    @dataclass
    class A:
        n: int = 0
        lock: Lock = field(default_factory=Lock)

        def inc(self):
            with self.lock:
                self.n += 1

    a = A()
    run(a.inc, a.inc)
    return a.n


@prog("racy", lambda r: r == 2)
def thread_subclass():
    class T(Thread):
        total = 0

        def run(self):
            v = T.total
            T.total = v + 1

    ts = [T(), T()]
    for t in ts:
        t.start()
    for t in ts:
        t.join()
    return T.total


@prog("safe", lambda r: r == ["a", "b"])
def tls():
    l = threading.local()
    out = []

    def w(x):
        l.v = x
        sleep(0)
        out.append(l.v)

    run(lambda: w("a"), lambda: w("b"))
    return sorted(out)


@prog("safe", lambda r: r == 1)
def timer():
    hit = []
    t = Timer(5, lambda: hit.append(1))
    t.start()
    t.join()
    return len(hit)


glock = Lock()
gn = 0


@prog("safe", lambda r: r == 2)
def module_lock():
    global gn
    gn = 0

    def w():
        global gn
        with glock:
            gn += 1

    run(w, w)
    return gn


gcount = 0


@prog("safe", lambda r: r == 2)
def module_state():
    def w():
        global gcount
        with glock:
            gcount += 1

    run(w, w)
    return gcount


glist = []


@prog("safe", lambda r: r == 2)
def module_list():
    def w():
        glist.append(1)

    run(w, w)
    return len(glist)


gq = queue.Queue()


@prog("safe", lambda r: r == 3)
def module_queue():
    def w():
        gq.put(1)

    def c():
        return gq.get() + gq.get()

    out = []
    run(w, w, lambda: out.append(c()))
    return out[0] + 1


reg = defaultdict(list)


@prog("racy", lambda r: r == 1)
def setdefault_race():
    d = {}
    made = []

    def w():
        if "k" not in d:
            made.append(1)
            d["k"] = 1

    run(w, w)
    return len(made)


@prog("racy", lambda r: r == 2)
def globals_dict():
    d = {"n": 0}

    def w():
        d["n"] += 1

    run(w, w)
    return d["n"]


@prog("racy", lambda r: r == 2)
def nested_fn():
    s = [0]

    def outer():
        def inner():
            v = s[0]

            def set_(x):
                s[0] = x

            set_(v + 1)

        inner()

    run(outer, outer)
    return s[0]


@prog("racy", lambda r: sum(r) == 10)
def transfer():
    acc = [5, 5]
    seen = []

    def t():
        acc[0] -= 1
        acc[1] += 1

    def audit():
        seen.append(list(acc))

    run(t, audit)
    return seen[0]


@prog("racy")
def lock_order3():
    a, b, c = Lock(), Lock(), Lock()

    def f(x, y):
        with x:
            with y:
                pass

    run(lambda: f(a, b), lambda: f(b, c), lambda: f(c, a))


@prog("safe")
def lock_order3_ok():
    a, b, c = Lock(), Lock(), Lock()

    def f(x, y):
        with x:
            with y:
                pass

    run(lambda: f(a, b), lambda: f(b, c), lambda: f(a, c))


@prog("safe", lambda r: r == 6)
def wait_futs():
    with ThreadPoolExecutor(2) as e:
        fs = [e.submit(pow, x, 1) for x in (1, 2, 3)]
        d, _ = wait(fs)
        return sum(f.result() for f in d)


@prog("racy", lambda r: r == 2)
def setattr_race():
    class C:
        n = 0

    c = C()

    def w():
        setattr(c, "n", getattr(c, "n") + 1)

    run(w, w)
    return c.n


@prog("racy", lambda r: r == 2)
def counter_race():
    c = Cnt()

    def w():
        c["x"] += 1

    run(w, w)
    return c["x"]


@prog("safe")
def logging_prog():
    import logging

    log = logging.getLogger("x")
    log.addHandler(logging.NullHandler())

    def w():
        log.warning("hi %s", 3)

    run(w, w)


@prog("safe", lambda r: r is True)
def isalive():
    t = Thread(target=lambda: None)
    t.start()
    t.join()
    return not t.is_alive()


@prog("racy", lambda r: r is True)
def isalive_bad():
    t = Thread(target=lambda: None)
    t.start()
    r = t.is_alive()
    t.join()
    return r


@prog("safe", lambda r: r == 2)
def rw_cond_for():
    c = Condition()
    n = 0

    def w():
        nonlocal n
        with c:
            n += 1
            c.notify()

    def r():
        with c:
            c.wait_for(lambda: n == 2)

    run(w, w, r)
    return n


# Every face of shared access, each with a bug planted in it.


@prog("racy", lambda left: left == 1)
def face_in():
    items = [1, 2]

    def w():
        if 1 in items and 2 in items:
            items.pop()

    run(w, w)
    return len(items)


@prog("racy", lambda left: left >= 0)
def face_truthiness():
    items = [1]
    n = [1]

    def w():
        if items:
            n[0] -= 1
            items.clear()

    run(w, w)
    return n[0]


@prog("racy")
def face_len():
    items = [1]

    def w():
        if len(items) > 0:
            items.pop()

    run(w, w)


@prog("racy", lambda n: n == 2)
def face_comparison():
    items = []
    n = 0

    def w():
        nonlocal n
        if items == []:
            n += 1
        items.append(1)

    run(w, w)
    return n + (len(items) == 2)


@prog("racy", lambda pair: pair[0] == pair[1])
def face_unpacking():
    pair = [0, 0]
    seen = []

    def write():
        pair[0] = 1
        pair[1] = 1

    def read():
        a, b = pair
        seen.append((a, b))

    run(write, read)
    return seen[0]


@prog("racy")
def face_iteration():
    items = {1: 1, 2: 2}

    def read():
        for key in items:
            items[key]

    def write():
        items.pop(1)

    run(read, write)


@prog("racy", lambda n: n == 2)
def face_slice():
    items = [0]

    def w():
        items[:] = [items[0] + 1]

    run(w, w)
    return items[0]


@prog("racy", lambda n: n == 2)
def face_with_statement():
    n = 0

    class Add:
        def __enter__(self):
            self.v = n

        def __exit__(self, *e):
            nonlocal n
            n = self.v + 1

    def w():
        with Add():
            pass

    run(w, w)
    return n


@prog("racy", lambda text: text in ("ab", "ba"))
def face_format():
    text = [""]

    def w(c):
        text[0] = f"{text[0]}{c}"

    run(lambda: w("a"), lambda: w("b"))
    return text[0]


@prog("racy", lambda n: n == 2)
def face_instance_dict():
    class C:
        pass

    c = C()
    c.n = 0

    def w():
        c.__dict__["n"] += 1

    run(w, w)
    return c.n


@prog("racy", lambda n: n == 2)
def face_match():
    d = {"n": 0}

    def w():
        match d:
            case {"n": n}:
                d["n"] = n + 1

    run(w, w)
    return d["n"]


# What people write with them.


@prog("safe")
def peterson():
    flag = [False, False]
    turn = 0
    inside = []

    def p(me):
        nonlocal turn
        flag[me] = True
        turn = 1 - me
        while flag[1 - me] and turn == 1 - me:
            pass
        inside.append(me)
        assert inside == [me]
        inside.remove(me)
        flag[me] = False

    run(lambda: p(0), lambda: p(1))


@prog("racy")
def peterson_bad():
    flag = [False, False]
    inside = []

    def p(me):
        while flag[1 - me]:
            pass
        flag[me] = True
        inside.append(me)
        assert inside == [me]
        inside.remove(me)
        flag[me] = False

    run(lambda: p(0), lambda: p(1))


@prog("racy")
def philosophers():
    f = [threading.Lock() for _ in range(3)]

    def p(i):
        with f[i]:
            with f[(i + 1) % 3]:
                pass

    run(*[functools.partial(p, i) for i in range(3)])


@prog("safe")
def philosophers_ok():
    f = [threading.Lock() for _ in range(3)]

    def p(i):
        a, b = sorted((i, (i + 1) % 3))
        with f[a]:
            with f[b]:
                pass

    run(*[functools.partial(p, i) for i in range(3)])


class Bounded:
    def __init__(self, n):
        self.n = n
        self.items = collections.deque()
        self.c = threading.Condition()

    def put(self, x):
        with self.c:
            while len(self.items) >= self.n:
                self.c.wait()
            self.items.append(x)
            self.c.notify_all()

    def get(self):
        with self.c:
            while not self.items:
                self.c.wait()
            x = self.items.popleft()
            self.c.notify_all()
            return x


@prog("safe", lambda r: r == [1, 2])
def bounded():
    b = Bounded(1)
    out = []
    run(lambda: (b.put(1), b.put(2)), lambda: out.extend([b.get(), b.get()]))
    return out


class BadBounded(Bounded):
    def get(self):
        with self.c:
            if not self.items:
                self.c.wait()
            x = self.items.popleft()
            self.c.notify()
            return x


@prog("racy")
def bounded_bad():
    b = BadBounded(1)
    run(b.get, b.get, lambda: (b.put(1), b.put(2)))


@prog("safe", lambda r: r == (1, 2))
def priority():
    q = queue.PriorityQueue()
    run(lambda: q.put(2), lambda: q.put(1))
    return q.get(), q.get()


@prog("safe", lambda r: r == 2)
def callbacks():
    n = []
    with ThreadPoolExecutor(2) as e:
        for _ in range(2):
            e.submit(int).add_done_callback(lambda f: n.append(1))
    return len(n)


@prog("racy", lambda r: r == 2)
def callbacks_bad():
    n = 0

    def cb(f):
        nonlocal n
        v = n
        n = v + 1

    with ThreadPoolExecutor(2) as e:
        for _ in range(2):
            e.submit(int).add_done_callback(cb)
    return n


@prog("safe", lambda r: r == "ValueError")
def fut_exc():
    with ThreadPoolExecutor(1) as e:
        f = e.submit(int, "x")
        try:
            f.result()
        except ValueError as x:
            return type(x).__name__


@prog("racy", lambda r: r == "done")
def fut_timeout():
    with ThreadPoolExecutor(1) as e:
        f = e.submit(lambda: "done")
        try:
            return f.result(timeout=1)
        except TimeoutError:
            return "timeout"


@prog("safe", lambda r: r in ("a", "b"))
def event_timeout():
    e = threading.Event()
    t = threading.Thread(target=e.set)
    t.start()
    r = "a" if e.wait(0.5) else "b"
    t.join()
    return r


@prog("safe", lambda r: r == 3)
def poll_event():
    e = threading.Event()
    n = [0]

    def w():
        while not e.is_set():
            time.sleep(0.1)
        n[0] = 3

    t = threading.Thread(target=w)
    t.start()
    e.set()
    t.join()
    return n[0]


@prog("safe")
def daemon_forever():
    stop = False

    def d():
        while True:
            time.sleep(1)

    threading.Thread(target=d, daemon=True).start()


@prog("safe", lambda r: r <= 1)
def timer_cancel():
    n = []
    t = threading.Timer(1, lambda: n.append(1))
    t.start()
    t.cancel()
    t.join()
    return len(n)


@prog("racy", lambda r: r == 0)
def timer_cancel_bad():
    n = []
    t = threading.Timer(1, lambda: n.append(1))
    t.start()
    t.cancel()
    t.join()
    return len(n)


class RW:
    def __init__(self):
        self.r = 0
        self.m = threading.Lock()
        self.w = threading.Lock()
        self.v = [0, 0]

    def read(self):
        with self.m:
            self.r += 1
            if self.r == 1:
                self.w.acquire()
        v = list(self.v)
        with self.m:
            self.r -= 1
            if self.r == 0:
                self.w.release()
        assert v[0] == v[1]

    def write(self):
        with self.w:
            self.v[0] += 1
            self.v[1] += 1


@prog("safe")
def rwlock():
    x = RW()
    run(x.read, x.write, x.read)


@prog("racy", lambda r: r == 1)
def once_bad():
    made = []

    @functools.lru_cache
    def make():
        made.append(1)
        return object()

    run(make, make)
    return len(made)


@prog("safe")
def log_handlers():
    class H(logging.Handler):
        def __init__(self):
            super().__init__()
            self.out = []

        def emit(self, r):
            self.out.append(self.format(r))

    h = H()
    lg = logging.Logger("x")
    lg.addHandler(h)

    class O:
        def __str__(self):
            return "o"

    run(lambda: lg.warning("%s", O()), lambda: lg.warning("%s", O()))
    assert len(h.out) == 2


@prog("racy", lambda r: r == 30)
def bank():
    class A:
        def __init__(self, b):
            self.balance = b

        def withdraw(self, n):
            if self.balance >= n:
                time.sleep(0.01)
                self.balance -= n
                return True
            return False

    a = A(30)
    got = []
    run(lambda: got.append(a.withdraw(20)), lambda: got.append(a.withdraw(20)))
    return a.balance + 20 * sum(got) if a.balance >= 0 else "neg"


@prog("safe", lambda r: r == 0)
def sem_timeout():
    s = threading.Semaphore(1)
    n = 0

    def w():
        nonlocal n
        if s.acquire(timeout=0.1):
            n += 1
            n -= 1
            s.release()

    run(w, w)
    return n


@prog("safe", lambda r: r == 2)
def class_lock():
    class C:
        lock = threading.Lock()
        n = 0

        @classmethod
        def inc(cls):
            with cls.lock:
                cls.n += 1

    run(C.inc, C.inc)
    return C.n


@prog("safe", lambda r: r == [0, 1, 2])
def seeded():
    rnd = random.Random(1)
    out = []
    l = threading.Lock()

    def w():
        with l:
            out.append(rnd.random())

    run(w, w, w)
    return [0, 1, 2] if len(set(out)) == 3 else out


@prog("safe", lambda r: r == {"a": 1, "b": 1})
def dict_items():
    d = {}
    run(lambda: d.update(a=1), lambda: d.update(b=1))
    return d


@prog("racy")
def iter_list_keys():
    d = {"a": 1}

    def r():
        for k, v in d.items():
            pass

    def w():
        d["b"] = 2
        d["c"] = 2

    run(r, w)


@prog("safe")
def stop_flag():
    class W(threading.Thread):
        def __init__(self):
            super().__init__()
            self.stop = threading.Event()
            self.n = 0

        def run(self):
            while not self.stop.wait(0.1):
                self.n += 1

    w = W()
    w.start()
    w.stop.set()
    w.join()


@prog("racy", lambda r: r == 2)
def gen_counter():
    def counter():
        n = 0
        while True:
            n += 1
            yield n

    c = counter()
    out = []

    def w():
        out.append(next(c))

    try:
        run(w, w)
    finally:
        pass
    return len(out)


@prog("safe", lambda r: r == 2)
def cv_local():
    v = contextvars.ContextVar("v", default=0)
    out = []

    def w():
        v.set(1)
        out.append(v.get())

    run(w, w)
    return sum(out)


@prog("racy", lambda r: r == 1)
def dcl_bad():
    class S:
        inst = None
        made = 0

        @staticmethod
        def get():
            if S.inst is None:
                with S.l:
                    S.made += 1
                    S.inst = S()
            return S.inst

        l = threading.Lock()

    run(S.get, S.get)
    return S.made


@prog("racy")
def notify_without_lock():
    c = threading.Condition()
    ready = False

    def w():
        nonlocal ready
        with c:
            while not ready:
                c.wait()

    def n():
        nonlocal ready
        ready = True
        with c:
            pass

    run(w, n)


@prog("safe")
def nested_threads():
    out = []

    def inner():
        out.append(1)

    def outer():
        t = threading.Thread(target=inner)
        t.start()
        t.join()

    run(outer, outer)
    assert len(out) == 2


@prog("safe", lambda r: r == [1, 2, 3])
def heap():
    h = []
    l = threading.Lock()

    def w(x):
        with l:
            heapq.heappush(h, x)

    run(lambda: w(3), lambda: w(1), lambda: w(2))
    return [heapq.heappop(h) for _ in range(3)]


@prog("safe", lambda r: r == 2)
def no_shutdown():
    e = ThreadPoolExecutor(1)
    return e.submit(lambda: 2).result()


@prog("racy", lambda r: r == ["start", "end"])
def order_violation():
    log = []
    t = threading.Thread(target=lambda: log.append("end"))
    t.start()
    log.append("start")
    t.join()
    return log


@prog("racy")
def init_publish():
    class W:
        def __init__(self):
            self.t = threading.Thread(target=self.go)
            self.t.start()
            self.value = 3

        def go(self):
            self.value

    W().t.join()
