"""`conlab explore --serial`: linearizability without an oracle."""

from pathlib import Path

import pytest

from conlab import cli

SHOP = """
import threading

class Till:
    def __init__(self, money=0):
        self.money = money
        self._lock = threading.Lock()

    def pay(self, amount):
        money = self.money
        self.money = money + amount

    def pay_locked(self, amount):
        with self._lock:
            self.pay(amount)
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "till_of_a_shop.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    return "till_of_a_shop.py"


def test_a_race_is_found_without_an_oracle(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["explore", "--serial", f"{shop}:Till(3)", "--operations", "pay(5)"]
    assert cli.obey(arguments) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Till(3) is not linearizable: [pay(5)] beside [pay(5)] fails in" in said
    assert "The serial orders of these calls give only: - {" in said
    assert "'money: 13'" in said
    assert "stepped: till_of_a_shop.py" in said


def test_what_is_linearizable_passes(shop: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = shop.removesuffix(".py")
    arguments = ["explore", "--serial", f"{module}:Till", "--operations", "pay_locked(1)"]
    assert cli.obey([*arguments, "--seconds", "0"]) == 0
    assert "the outcome of all 6 drivers equals that of a serial" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--serial", "FILE:Till"], "--serial MODULE:CLASS needs --operations"),
        (["--serial", "FILE:Till", "--operations", "pey"], "Till has no method 'pey': it has"),
        (["--serial", "FILE:Tell", "--operations", "pay"], "no class or function 'Tell'"),
        (["--serial", "FILE", "--operations", "pay"], "say module:Class"),
        (
            ["--serial", "FILE:Till", "--operations", "pay", "--step-only", "json"],
            "--step-only is not for the drivers that --serial makes",
        ),
        (["--serial", "no_such:Till", "--operations", "pay"], "there is no module 'no_such'"),
        (["--serial", "nosuch.py:Till", "--operations", "pay"], "there is no file nosuch.py"),
        (["--serial", "queue:Queue", "--operations", "put"], "is of the standard library"),
        (["--serial", "FILE:Till(1, 2, 3)", "--operations", "pay"], "raised TypeError"),
        (["--serial", "FILE:Till(x)", "--operations", "pay"], "is no class, nor a call of one"),
        ([], "say what to explore"),
    ],
)
def test_a_mistake_is_said_in_a_sentence(
    shop: str, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    given = [argument.replace("FILE", shop) for argument in arguments]
    assert cli.obey(["explore", *given]) == 2
    said = capsys.readouterr().err
    assert message in " ".join(said.split())
    assert "Traceback" not in said
