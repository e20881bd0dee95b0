"""A witness written as a plain program shows what went wrong, on real threads and a real loop."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conlab.catalogue import law, pitfall
from conlab.errors import UserError
from conlab.explorer import Witness, explore, replay
from conlab.explorer.witnesses.script import write_script
from tests.explorer.running import module_of
from tests.patience import patience

EXPLORED = {
    each.name: each
    for each in pitfall.collect()
    if each.evidence == "explored" and not each.harmless
}
SHOWN, NOT_SHOWN, DOES_NOT_FIT = 1, 0, 2  # the status of a script

PROGRAMS = """\
import asyncio
import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor


class Cache:
    def __init__(self):
        self.values = {}
        self.loads = 0

    def get(self, key):
        if key not in self.values:
            self.loads += 1
            self.values[key] = key * 2
        return self.values[key]


def pooled():
    cache = Cache()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cache.get, [1, 1]))
    return cache.loads == 1


def queued():
    tasks, out = queue.Queue(), []

    def work():
        while tasks.get() is not None:
            length = len(out)
            out.append(length)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for item in (1, 2, None, None):
        tasks.put(item)
    for thread in threads:
        thread.join()
    return out == [0, 1]


def times_out():
    event, late = threading.Event(), []

    def wait():
        if not event.wait(3600):
            late.append(1)

    thread = threading.Thread(target=wait)
    thread.start()
    event.set()
    thread.join()
    return not late


def sleeps():
    count = [0]

    def add():
        old = count[0]
        time.sleep(3600)
        count[0] = old + 1

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count == [2]


def raises():
    box = []
    thread = threading.Thread(target=box.append, args=(1,))
    thread.start()
    box.pop()
    thread.join()
    return True


def spins():
    stop = []

    def look():
        while not stop:
            time.sleep(60)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return True


async def ordered():
    order = []

    async def come(name):
        await asyncio.sleep(3600)
        order.append(name)

    await asyncio.gather(come("a"), come("b"))
    return order == ["a", "b"]


async def hurries():
    ready = asyncio.Event()

    async def worker():
        for _ in range(3):
            await asyncio.sleep(0)
        ready.set()

    task = asyncio.create_task(worker())
    try:
        await asyncio.wait_for(ready.wait(), 3600)
        in_time = True
    except TimeoutError:
        in_time = False
    await task
    return in_time


async def leaks():
    free = asyncio.Queue()
    free.put_nowait("connection")

    async def use():
        connection = await free.get()
        await asyncio.sleep(1)
        free.put_nowait(connection)

    users = [asyncio.create_task(use()) for _ in range(2)]
    await asyncio.gather(*users, return_exceptions=True)
    return free.qsize() == 1


async def in_threads():
    order = []
    await asyncio.gather(*[asyncio.to_thread(order.append, n) for n in range(2)])
    return order == [0, 1]


def is_right(value):
    return value
"""
FUNCTIONS = re.findall(r"^(?:async )?def (\w+)\(\)", PROGRAMS, re.MULTILINE)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return module_of(tmp_path_factory.mktemp("programs") / "programs_to_force.py", PROGRAMS)


def witness_of(
    program: Callable[[], Any], check: Callable[[Any], bool] | None, **options: Any
) -> Witness:
    witness = explore(program, check=check, reading="bytecode", count_on=1, **options).witness
    assert witness is not None
    return witness


def ended(file: Path) -> tuple[int, str]:
    """Run a script as who gets a bug report does; return its status and what it says."""
    done = subprocess.run(
        [sys.executable, "-I", file],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=file.parent,
        timeout=patience(60),
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", EXPLORED)
def test_the_script_of_a_broken_side_shows_its_failure(name: str, tmp_path: Path) -> None:
    broken, holds = law.load(EXPLORED[name], "broken"), law.load(EXPLORED[name], "holds")
    witness = witness_of(broken, holds)
    write_script(tmp_path / "out.py", witness, broken, holds)
    status, said = ended(tmp_path / "out.py")
    assert status == SHOWN, said
    outcome = str(witness.outcome)
    assert f"The explorer found: {outcome}" in said or f"It {outcome}" in said, said
    if outcome.startswith("returned"):
        assert f"It {outcome}.\n" in said
    if outcome.startswith("deadlocks"):
        assert "It hangs." in said


@pytest.mark.parametrize("name", ["lazy_init", "check_then_act_on_container"])
def test_a_turn_may_end_after_the_call_of_a_class(name: str, tmp_path: Path) -> None:
    """Where CPython lets another in: the code of __init__() lies between the call and its end."""
    broken, holds, witness = law.witness_of(EXPLORED[name])
    write_script(tmp_path / "out.py", witness, broken, holds)
    status, said = ended(tmp_path / "out.py")
    assert status == SHOWN, said


@pytest.mark.parametrize("name", [each for each in FUNCTIONS if each not in ("spins", "raises")])
def test_the_script_of_a_program_shows_its_failure(
    name: str, programs: Any, tmp_path: Path
) -> None:
    program, cancellations = getattr(programs, name), int(name == "leaks")
    witness = witness_of(program, programs.is_right, cancellations=cancellations)
    assert str(witness.outcome) == "returned False"
    write_script(tmp_path / "out.py", witness, program, programs.is_right)
    status, said = ended(tmp_path / "out.py")
    assert status == SHOWN, said
    assert "It returned False." in said


def test_the_script_of_an_exception_prints_its_traceback(programs: Any, tmp_path: Path) -> None:
    witness = witness_of(programs.raises, programs.is_right)
    write_script(tmp_path / "out.py", witness, programs.raises, programs.is_right)
    status, said = ended(tmp_path / "out.py")
    assert status == SHOWN, said
    assert "box.pop()" in said
    assert "It raised IndexError: pop from empty list" in said


def test_the_script_of_a_livelock_ends_by_itself(programs: Any, tmp_path: Path) -> None:
    witness = witness_of(programs.spins, programs.is_right, limit=500)
    assert "has not ended" in str(witness.outcome)
    write_script(tmp_path / "out.py", witness, programs.spins, programs.is_right)
    status, said = ended(tmp_path / "out.py")
    assert status == SHOWN, said
    assert "rounds of the same turns it has not ended: a livelock" in said


def test_a_machine_that_stands_still_is_not_taken_for_a_program_that_hangs(
    programs: Any, tmp_path: Path
) -> None:
    """By a clock on which hours pass between any two looks, of which there are many."""
    witness = witness_of(programs.times_out, programs.is_right)
    write_script(tmp_path / "out.py", witness, programs.times_out, programs.is_right)
    text = (tmp_path / "out.py").read_text()
    clock = "REAL_MONOTONIC, REAL_SLEEP = {}, time.sleep"
    of_hours = clock.format("itertools.count(step=3600.0).__next__")
    for real, made in (
        (clock.format("time.monotonic"), of_hours),
        ("LOOK = 0.05", "LOOK = 0.001"),
    ):
        assert text.count(real) == 1
        text = text.replace(real, made)
    status, said = rewritten(tmp_path, text)
    assert (status, "It returned False." in said) == (SHOWN, True), said


@pytest.fixture(scope="module")
def queued(programs: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Witness, str]:
    """A witness, and the text of its script."""
    witness = witness_of(programs.queued, programs.is_right)
    file = tmp_path_factory.mktemp("queued") / "queued.py"
    write_script(file, witness, programs.queued, programs.is_right)
    return witness, file.read_text()


def rewritten(folder: Path, text: str) -> tuple[int, str]:
    (folder / "out.py").write_text(text)
    return ended(folder / "out.py")


def test_a_script_needs_nothing_of_conlab(queued: tuple[Witness, str]) -> None:
    nodes = list(ast.walk(ast.parse(queued[1])))
    imported = {
        name.name.partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import)
        for name in node.names
    } | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    assert imported <= sys.stdlib_module_names


def test_a_script_begins_with_the_witness_and_says_its_reading(
    queued: tuple[Witness, str],
) -> None:
    text = ast.get_docstring(ast.parse(queued[1]))
    assert text is not None
    assert text.startswith("programs_to_force.py:queued returned False, with ")
    assert f"found in the reading {queued[0].reading}" in " ".join(text.split())


def test_a_script_whose_program_was_mended_does_not_show_the_failure(
    programs: Any, tmp_path: Path
) -> None:
    """The schedule fits all the same where no turn ends in what was changed."""
    witness = witness_of(programs.hurries, programs.is_right)
    write_script(tmp_path / "out.py", witness, programs.hurries, programs.is_right)
    mended = (tmp_path / "out.py").read_text().replace("in_time = False", "in_time = True")
    status, said = rewritten(tmp_path, mended)
    assert (status, "It returned True" in said) == (NOT_SHOWN, True), said


def test_a_script_whose_program_was_changed_says_that_it_does_not_fit(
    queued: tuple[Witness, str], tmp_path: Path
) -> None:
    changed = queued[1].replace("length = len(out)", "length = len(out) + 0")
    status, said = rewritten(tmp_path, changed)
    assert status == DOES_NOT_FIT
    assert "is no longer what it was" in said
    assert "Make the script anew" in said


def test_a_script_of_another_version_says_so(queued: tuple[Witness, str], tmp_path: Path) -> None:
    other = re.sub(r"PYTHON = '.*'", "PYTHON = '3.9'", queued[1])
    status, said = rewritten(tmp_path, other)
    assert (status, "names bytecodes of CPython 3.9" in said) == (DOES_NOT_FIT, True)


def test_a_script_says_first_what_is_safe_by_accident(
    queued: tuple[Witness, str], programs: Any, tmp_path: Path
) -> None:
    file = tmp_path / "queued.py"
    write_script(file, queued[0], programs.queued, programs.is_right, "The GIL saves it.")
    assert file.read_text().startswith('"""The GIL saves it.\n')


def test_a_program_inside_a_function_is_refused(
    queued: tuple[Witness, str], tmp_path: Path
) -> None:
    def program() -> bool:
        return True

    with pytest.raises(UserError, match="no function of a module"):
        write_script(tmp_path / "out.py", queued[0], program)


def test_a_saved_witness_can_be_written_as_a_script(
    queued: tuple[Witness, str], programs: Any, tmp_path: Path
) -> None:
    queued[0].save(tmp_path / "witness.json")
    loaded = Witness.load(tmp_path / "witness.json")
    assert (loaded.turns, loaded.coming) == (queued[0].turns, queued[0].coming)
    write_script(tmp_path / "out.py", loaded, programs.queued, programs.is_right)
    assert ended(tmp_path / "out.py")[0] == SHOWN
    assert str(replay(loaded, programs.queued, check=programs.is_right)) == "returned False"
