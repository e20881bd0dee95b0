"""Objects whose attributes are looked up by code of the program's own, and what each thread has."""

import threading
from collections.abc import Callable


def together(*works: Callable[[], object]) -> None:
    """Do works at once, each in a thread of its own."""
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# -- nobody but the program calls its code ---------------------------------------------------------


class Watched:
    """Takes note of each attribute that it is asked for."""

    def __init__(self) -> None:
        self.lines: list[int] = []
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> object:
        object.__getattribute__(self, "asked").append(name)
        return object.__getattribute__(self, name)


def is_asked_by_the_program_alone() -> None:
    """Correct: two lookups, and two here."""
    watched = Watched()
    together(lambda: watched.lines.append(1), lambda: watched.lines.append(2))
    assert watched.asked == ["lines", "lines", "asked"]


class Remote:
    """Has every method, and takes note of which are looked up."""

    def __init__(self) -> None:
        self.looked_up: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., str]:
        self.looked_up.append(name)
        return lambda *_: name

    def __call__(self, name: str) -> str:
        return name


def is_called_by_the_program_alone() -> None:
    """Correct: a call looks nothing up in the object that is called."""
    remote = Remote()
    together(lambda: remote.ping(1), lambda: remote("ping"))
    assert remote.looked_up == ["ping"]


class Journal:
    """Makes its list when it is first asked for."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []

    @property
    def lines(self) -> list[int]:
        """Return a list, a new one each time."""
        lines: list[int] = []
        self.made.append(lines)
        return lines


def property_is_read_by_the_program_alone() -> None:
    """Correct: two lists, one for each line."""
    journal = Journal()
    together(lambda: journal.lines.append(1), lambda: journal.lines.append(2))
    assert sorted(journal.made) == [[1], [2]]


class Settings(dict):  # type: ignore[type-arg]
    """A dictionary whose keys are attributes as well."""

    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


def keys_that_are_attributes() -> None:
    """Broken: both read before either writes."""
    settings = Settings(users=0)

    def log_in() -> None:
        settings.users += 1

    together(log_in, log_in)
    assert settings.users == 2


def keys_that_are_attributes_under_a_lock() -> None:
    """Correct: one after the other."""
    settings, lock = Settings(users=0), threading.Lock()

    def log_in() -> None:
        with lock:
            settings.users += 1

    together(log_in, log_in)
    assert settings.users == 2


# -- what each thread has of its own ---------------------------------------------------------------


class Request(threading.local):
    """What a request has, of which each thread has one."""

    def __init__(self, tags: list[str] | None = None) -> None:
        self.tags = [] if tags is None else tags


def each_thread_has_its_tags() -> None:
    """Correct: each thread calls ``__init__`` for itself."""
    request = Request()

    def handle(tag: str) -> None:
        request.tags.append(tag)
        assert request.tags == [tag]

    together(lambda: handle("a"), lambda: handle("b"))


def all_threads_have_the_same_tags() -> None:
    """Broken: ``__init__`` is called for each thread, and given the same list."""
    request = Request([])

    def handle(tag: str) -> None:
        request.tags.append(tag)
        assert request.tags == [tag]
        request.tags.clear()

    together(lambda: handle("a"), lambda: handle("b"))
