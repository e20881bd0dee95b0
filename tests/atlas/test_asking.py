"""A child that is asked may crash, hang or never begin: it costs one answer, and is said."""

import re
import sys
from pathlib import Path

import pytest

from conlab.atlas.asking import ask_each
from conlab.errors import UserError
from tests.patience import patience

COUNT = 5


def answers(act: str, seconds: float = 30) -> list[tuple[int, dict[str, object]]]:
    """What a child said that does something before its answer to each question, or instead."""
    child = f"""
import json, os, sys, threading
for number in range(int(sys.argv[1]), {COUNT}):
    print(json.dumps({{"begun": number}}), flush=True)
    {act}
    print(json.dumps({{"twice": 2 * number}}), flush=True)
"""
    return list(ask_each(sys.executable, ["-c", child], COUNT, patience(seconds)))


def test_each_question_is_answered_in_turn() -> None:
    assert answers("pass") == [(number, {"twice": 2 * number}) for number in range(COUNT)]


def test_a_crash_costs_one_answer() -> None:
    said = answers("if number in (0, 3, 4): os.abort()")
    assert [number for number, _ in said] == list(range(COUNT))
    assert [answer.get("ended") for _, answer in said] == ["crash", None, None, "crash", "crash"]


def test_a_child_that_says_nothing_is_ended_and_costs_one_answer() -> None:
    said = answers("if number == 1: threading.Event().wait()", seconds=1)
    assert [number for number, _ in said] == list(range(COUNT))
    assert said[1] == (1, {"ended": "hung"})


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        ("raise ValueError('no such row')", "cannot run the atlas: ValueError: no such row"),
        ("sys.exit(0)", "left 5 questions unanswered"),
    ],
)
def test_a_child_that_cannot_answer_is_said_in_one_sentence(act: str, sentence: str) -> None:
    with pytest.raises(UserError, match=re.escape(sentence)):
        answers(act)


def test_a_child_that_ends_before_its_first_answer_is_no_endless_loop() -> None:
    with pytest.raises(UserError, match="cannot run the atlas: crash"):
        list(ask_each(sys.executable, ["-c", "import os; os.abort()"], COUNT, patience(30)))


def test_what_is_no_program_is_said_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.write_text("")
    with pytest.raises(UserError, match="does not start"):
        list(ask_each(str(file), [], COUNT, patience(30)))
