"""Caches, singletons and what is made when it is first asked for."""
import array
import functools
import threading
import weakref
from collections import defaultdict


def run(*targets):
    threads = [threading.Thread(target=target) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Cache:
    def __init__(self, load):
        self.load, self.known, self.lock = load, {}, threading.Lock()

    def get(self, key):
        with self.lock:
            if key not in self.known:
                self.known[key] = self.load(key)
            return self.known[key]


class HopefulCache(Cache):
    def get(self, key):
        if key not in self.known:
            self.known[key] = self.load(key)
        return self.known[key]


def _loads(kind):
    loads = []
    cache = kind(lambda key: loads.append(key))
    run(*[lambda: cache.get("a")] * 2)
    return len(loads)


def cache_loads_once():
    assert _loads(Cache) == 1


def cache_without_lock_loads_once():
    assert _loads(HopefulCache) == 1


@functools.cache
def _answer(calls):
    calls.append(1)
    return 42


class Calls(list):
    __hash__ = object.__hash__


def functools_cache_calls_once():
    calls = Calls()
    run(*[lambda: _answer(calls)] * 2)
    assert len(calls) == 1


def functools_cache_gives_the_value():
    calls, values = Calls(), []
    run(*[lambda: values.append(_answer(calls))] * 2)
    assert values == [42, 42]


class Image:
    pass


def weak_cache_asks_twice():
    cache, held = weakref.WeakValueDictionary(), [Image()]
    cache["a"] = held[0]

    def look():
        if "a" in cache:
            cache["a"]

    run(look, held.clear)


def weak_cache_asks_once():
    cache, held = weakref.WeakValueDictionary(), [Image()]
    cache["a"] = held[0]

    def look():
        image = cache.get("a")
        assert image is None or isinstance(image, Image)

    run(look, held.clear)


class Settings:
    _only = None
    _lock = threading.Lock()

    @classmethod
    def get(cls):
        if cls._only is None:
            cls._only = cls()
        return cls._only

    @classmethod
    def get_locked(cls):
        if cls._only is None:
            with cls._lock:
                if cls._only is None:
                    cls._only = cls()
        return cls._only


def singleton():
    seen = []
    run(*[lambda: seen.append(Settings.get())] * 2)
    assert seen[0] is seen[1]


def singleton_checked_twice():
    seen = []
    run(*[lambda: seen.append(Settings.get_locked())] * 2)
    assert seen[0] is seen[1]


def groups_by_setdefault():
    groups = {}
    run(*[lambda: groups.setdefault("a", []).append(1)] * 2)
    assert groups == {"a": [1, 1]}


def groups_by_get():
    groups = {}

    def add():
        groups["a"] = [*groups.get("a", []), 1]

    run(add, add)
    assert groups == {"a": [1, 1]}


def groups_by_defaultdict_of_lambda():
    groups = defaultdict(lambda: [])
    run(*[lambda: groups["a"].append(1)] * 2)
    assert groups == {"a": [1, 1]}


def _same(value):
    return value


def copies_what_another_clears():
    values, copied = [1, 2], []
    run(lambda: copied.extend(map(_same, values)), values.clear)
    assert copied in ([], [1, 2])


def counts_in_an_array():
    counts = array.array("i", [0])

    def add():
        counts[0] += 1

    run(add, add)
    assert counts[0] == 2
