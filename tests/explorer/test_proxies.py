"""Looking at a program runs none of its code: a proxy stands for nothing outside its context."""

import threading
from pathlib import Path

import pytest

from conlab.explorer import explore
from conlab.explorer.proxies import namespace_of, stands_for_another
from tests.explorer.running import module_of

PROGRAM = '''
import threading
from time import monotonic


class Unbound:
    """As Flask's, Django's and celery's proxies where there is nothing to stand for."""

    def nothing(self, *arguments):
        raise RuntimeError("working outside of a context")

    __class__ = property(nothing)
    __dict__ = property(nothing)
    __getattr__ = __bool__ = __len__ = __iter__ = __call__ = __repr__ = nothing
    __eq__ = __hash__ = __getitem__ = __contains__ = nothing


current = Unbound()
kept = [current, monotonic]
by_name = {"current": current, "clock": monotonic}


class Shop:
    current = current

    def __init__(self):
        self.current = current
        self.sold = 0


def sells(lock=None):
    shop = Shop()

    def sell():
        here = current
        if lock:
            lock.acquire()
        shop.current = here
        sold = shop.sold
        shop.sold = sold + 1
        if lock:
            lock.release()

    threads = [threading.Thread(target=sell) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return shop.sold


def unlocked():
    return sells()


def locked():
    return sells(threading.Lock())
'''


def both(sold: int) -> bool:
    return sold == 2


@pytest.mark.parametrize(("function", "right"), [("unlocked", False), ("locked", True)])
def test_a_program_that_holds_an_unbound_proxy_is_explored(
    function: str, right: bool, tmp_path: Path
) -> None:
    shop = module_of(tmp_path / "shop.py", PROGRAM)
    found = explore(getattr(shop, function), check=both, bound=1)
    assert found.schedules > 1
    assert bool(found.failing) != right


def test_what_says_itself_of_what_class_it_is_stands_for_another() -> None:
    class Proxy:
        __class__ = property(lambda _: int)  # type: ignore[assignment]

    assert isinstance(Proxy(), int)
    assert stands_for_another(Proxy())
    assert not stands_for_another(threading.Thread())


def test_the_attributes_of_an_object_are_had_without_its_code() -> None:
    class Secretive:
        def __getattribute__(self, name: str) -> object:
            raise RuntimeError(name)

    thing = Secretive()
    object.__setattr__(thing, "own", 2)
    assert namespace_of(thing) == {"own": 2}
    assert namespace_of(1) is None
