"""Programs that write what they share by another way than its name: traps, in a file of theirs."""

import threading
from collections.abc import Callable


class _Box:
    value = 0


_count = 0


def _ended(*work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def an_attribute_written_by_its_dictionary() -> int:
    box = _Box()
    box.value = 0

    def directly() -> None:
        box.value += 1

    def by_its_dictionary() -> None:
        values = box.__dict__
        values["value"] = values["value"] + 1

    _ended(directly, by_its_dictionary)
    return box.value


def a_global_written_by_its_dictionary() -> int:
    global _count
    _count = 0
    names = globals()

    def directly() -> None:
        global _count
        _count += 1

    def by_its_dictionary() -> None:
        names["_count"] = names["_count"] + 1

    _ended(directly, by_its_dictionary)
    return _count


def an_attribute_written_by_its_name() -> int:
    box = _Box()
    box.value = 0

    def directly() -> None:
        box.value += 1

    def by_its_name() -> None:
        setattr(box, "value", getattr(box, "value") + 1)  # noqa: B009, B010

    _ended(directly, by_its_name)
    return box.value
