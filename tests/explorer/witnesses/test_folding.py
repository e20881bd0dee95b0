"""What repeats is folded, and nothing of a sequence is lost by it."""

import random

from conlab.explorer.witnesses.folding import Part, fold


def unfolded(text: str, parts: list[Part]) -> str:
    return "".join(text[part.start : part.start + part.length] * part.times for part in parts)


def test_a_repetition_is_told_once() -> None:
    assert fold("xabababy") == [Part(0, 1), Part(1, 2, 3), Part(7, 1)]


def test_two_alike_are_no_repetition() -> None:
    assert fold("abab") == [Part(0, 4)]


def test_a_repetition_at_the_end_may_break_off_in_the_middle() -> None:
    parts = fold("xy" + "abc" * 200 + "ab")
    assert any(part.length == 3 and part.times >= 199 for part in parts)
    assert unfolded("xy" + "abc" * 200 + "ab", parts) == "xy" + "abc" * 200 + "ab"


def test_nothing_is_lost() -> None:
    chance = random.Random(1)
    for _ in range(300):
        text = "".join(chance.choice("ab") for _ in range(chance.randrange(30)))
        assert unfolded(text, fold(text)) == text
