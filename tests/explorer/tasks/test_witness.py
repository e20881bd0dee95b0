"""A witness of tasks repeats exactly, in any process, and is read as one column a task."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conlab.cli import obey
from conlab.explorer import Exploration, Witness, replay
from tests.patience import patience

SOURCE = """\
import asyncio


async def broken():
    pool, served = {"a", "b", "c"}, []

    async def serve(name):
        await asyncio.sleep(1)
        served.append(name)

    tasks = {asyncio.create_task(serve(name)) for name in sorted(pool)}
    while tasks:
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return served


async def threads():
    order = []
    await asyncio.gather(*[asyncio.to_thread(order.append, n) for n in range(2)])
    return order


def sides():
    return {"broken": broken, "threads": threads}


def holds(served):
    return served == sorted(served)
"""
EXPLORE = """\
import importlib.util, json, sys
from conlab.explorer import explore

spec = importlib.util.spec_from_file_location("served", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
answers = []
# Threads with a departure and a cancellation have thousands of schedules, which take seconds.
for name, bound, cancellations in (("threads", 0, 1), ("threads", 1, 0), ("broken", 2, 1)):
    verdict = explore(
        module.sides()[name],
        check=module.holds,
        bound=bound,
        count_on=None,
        cancellations=cancellations,
    )
    answers.append([verdict.schedules, verdict.failing])
    if witness := verdict.witness:
        witness.save(sys.argv[2])
        answers[-1] += [witness.choices, witness.sites]
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path]]:
    """What a fresh process of each hash seed says, and the witness that it saved."""
    folder = tmp_path_factory.mktemp("witness")
    file = folder / "served.py"
    file.write_text(SOURCE)
    children = {}
    for seed in ("0", "1", "4711"):
        saved = folder / f"{seed}.json"
        environment = os.environ | {
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }
        command = [sys.executable, "-c", EXPLORE, str(file), str(saved)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        children[seed] = child, saved
    return {
        seed: (child.communicate(timeout=patience(60))[0], saved)
        for seed, (child, saved) in children.items()
    }


def test_counts_and_witnesses_are_the_same_in_fresh_processes(
    explored: dict[str, tuple[str, Path]],
) -> None:
    answers = {said for said, _ in explored.values()}
    assert len(answers) == 1
    (cancelled, threads, broken) = json.loads(answers.pop())
    assert cancelled[0] > 1
    assert threads[1] > 0
    assert broken[1] > 0


def test_saved_witness_is_repeated_in_another_process(
    explored: dict[str, tuple[str, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    _, saved = explored["1"]
    target = f"{saved.with_name('served.py')}:broken"
    assert obey(["explore", target, "--replay", str(saved)]) == 1
    assert str(Witness.load(saved).outcome) in capsys.readouterr().out


def test_witness_prints_one_column_a_task_with_the_race_marked(
    explored: dict[str, tuple[str, Path]],
) -> None:
    witness = Witness.load(explored["0"][1])
    assert {step.thread for step in witness.steps if not step.event} == {
        "Task-1 (broken)",
        "Task-2 (serve)",
        "Task-3 (serve)",
        "Task-4 (serve)",
    }
    lines = list(witness.lines(120))
    assert max(map(len, lines)) <= 120
    assert "with 1 timer that comes before its turn:" in lines[0]
    assert lines[-1] == "* races for served"


def test_command_explores_async_functions_and_says_what_it_counts(
    explored: dict[str, tuple[str, Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    file = explored["0"][1].with_name("served.py")
    assert obey(["explore", f"{file}:broken", "--cancellations", "1"]) == 1
    assert "(up to 1 departure, reading " in " ".join(capsys.readouterr().out.split())


def test_fixture_explores_async_functions(explore: Callable[..., Exploration]) -> None:
    async def answer() -> int:
        return 42

    verdict = explore(answer, check=lambda value: value == 42)
    assert (verdict.failing, verdict.schedules, verdict.exhausted) == (0, 1, True)
    assert str(verdict) == (
        "passes every schedule, 1 in all (any number of departures, reading bytecode)"
    )


def test_witness_of_an_ordinary_function_that_runs_a_loop_is_repeated(
    explore: Callable[..., Exploration],
) -> None:
    def program() -> list[str]:
        async def pair() -> list[str]:
            order: list[str] = []

            async def come(name: str) -> None:
                await asyncio.sleep(1)
                order.append(name)

            await asyncio.gather(come("a"), come("b"))
            return order

        return asyncio.run(pair())

    witness = explore(program, check=["a", "b"].__eq__).witness
    assert witness is not None
    assert str(replay(witness, program)) == "returned ['b', 'a']"
