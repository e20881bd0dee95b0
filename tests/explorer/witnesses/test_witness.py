"""A witness repeats exactly, in any process, and can be read in 80 columns."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conlab.errors import UserError
from conlab.explorer import Diverged, Returned, Witness, explore, replay
from tests.explorer.lost_update import lost_update
from tests.patience import patience

SOURCE = """\
import threading


class Account:
    def __init__(self):
        self.balance = 0
        self.names = {"b", "a", "c"}

    def deposit(self):
        before = self.balance
        for name in sorted(self.names):
            pass
        self.balance = before + 1


def broken():
    account = Account()
    threads = [threading.Thread(target=account.deposit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return account.balance


def holds(balance):
    return balance == 2
"""
EXPLORE = """\
import importlib.util, json, sys
from conlab.explorer import explore

spec = importlib.util.spec_from_file_location("account", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
answers = []
for reading in ("gil", "bytecode"):
    verdict = explore(module.broken, check=module.holds, reading=reading, bound=2)
    witness = verdict.witness
    verdict.witness.save(sys.argv[2])
    answers.append([verdict.schedules, verdict.failing, witness.choices, witness.sites])
print(json.dumps(answers))
"""


@pytest.fixture
def account(tmp_path: Path) -> Path:
    file = tmp_path / "account.py"
    file.write_text(SOURCE)
    return file


def in_process(*arguments: str | Path, seed: str = "0") -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=patience(60),
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(root), "COLUMNS": "80"},
        check=False,
    )


def test_counts_and_witness_are_the_same_in_processes_with_other_hash_seeds(
    account: Path, tmp_path: Path
) -> None:
    answers = set()
    for seed in ("0", "1", "77"):
        done = in_process("-c", EXPLORE, account, tmp_path / "witness.json", seed=seed)
        assert done.returncode == 0, done.stderr
        answers.add(done.stdout)
    assert len(answers) == 1
    assert all(failing for _, failing, _, _ in json.loads(answers.pop()))


def test_saved_witness_is_repeated_in_another_process(account: Path, tmp_path: Path) -> None:
    saved = tmp_path / "witness.json"
    target = f"{account}:broken"
    found = in_process("-m", "conlab.cli", "explore", target, "--save", saved)
    assert found.returncode == 1, found.stderr
    again = in_process("-m", "conlab.cli", "explore", target, "--replay", saved, seed="5")
    assert (again.returncode, again.stdout) == (1, "account.py:broken returned 1\n"), again.stderr


def test_saved_witness_does_not_pass_for_one_of_a_changed_program(
    account: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "witness.json"
    target = f"{account}:broken"
    assert in_process("-m", "conlab.cli", "explore", target, "--save", saved).returncode == 1
    account.write_text(SOURCE.replace("before = self.balance", "before = self.balance + 0"))
    again = in_process("-m", "conlab.cli", "explore", target, "--replay", saved)
    assert again.returncode == 2
    assert (
        "account.py:10 was 'before = self.balance' and is 'before = self.balance + 0' now"
        in again.stderr
    )
    assert "Followed as far as it goes, the program fails: it returned 1" in again.stderr
    assert "Traceback" not in again.stderr


def witness_of_lost_update() -> Witness:
    verdict = explore(lost_update, check=lambda count: count == 2, reading="bytecode")
    assert verdict.witness is not None
    return verdict.witness


def test_witness_prints_as_columns_of_at_most_80_characters_with_the_race_marked() -> None:
    lines = list(witness_of_lost_update().lines(80))
    assert max(map(len, lines)) <= 80
    racing = [line.split("*", 1)[1].replace("...", "").strip() for line in lines if " * " in line]
    assert sorted(racing) == [
        "count = old + 1  [count 0 → 1]",
        "count = old + 1  [count 1 → 1]",
        "old = count  [count 0]",
        "old = count  [count 0]",
    ]
    assert lines[-1] == "* races for count"


def test_witness_survives_saving_and_loading(tmp_path: Path) -> None:
    witness = witness_of_lost_update()
    witness.save(tmp_path / "witness.json")
    loaded = Witness.load(tmp_path / "witness.json")
    assert str(loaded) == str(witness)
    assert (loaded.choices, loaded.sites, loaded.steps) == (
        witness.choices,
        witness.sites,
        witness.steps,
    )
    assert str(replay(loaded, lost_update)) == str(Returned(1))


def test_replay_that_meets_other_choices_is_an_error() -> None:
    witness = witness_of_lost_update()

    def other() -> int:
        return lost_update() + lost_update()

    with pytest.raises(Diverged):
        replay(witness, other)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": 1}', '{"format": 99}'])
def test_file_without_a_witness_is_explained(tmp_path: Path, content: str) -> None:
    file = tmp_path / "witness.json"
    file.write_text(content)
    with pytest.raises(UserError, match=r"witness"):
        Witness.load(file)


def test_missing_witness_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read the witness .*none\.json: No such file"):
        Witness.load(tmp_path / "none.json")
