"""What leaves out a part of a result is left out itself, and nothing else is changed."""

import pytest

from conlab.study.cuts import without_cuts

NOTHING = frozenset[str]()


def returning(value: str, before: str = "pass") -> str:
    return f"def mended():\n    found = work()\n    {before}\n    return {value}\n"


@pytest.mark.parametrize(
    ("part", "whole"),
    [
        ("found[:1]", "found"),
        ("sorted(found)[:1]", "sorted(found)"),
        ("[found[0]]", "found"),
        ("min(len(found), 1)", "len(found)"),
        ("max(0, len(found))", "len(found)"),
        ("sorted(set(found))", "sorted(found)"),
        ("list(dict.fromkeys(found))", "list(found)"),
        ("[*{*found}]", "[*found]"),
        ("sorted(set(found))[:1]", "sorted(found)"),
    ],
)
def test_a_part_that_is_returned_is_the_whole(part: str, whole: str) -> None:
    text, cut = without_cuts(returning(part), NOTHING, kept="")
    assert text == returning(whole)
    assert cut in part


@pytest.mark.parametrize(
    "value", ["found", "found[0]", "min(found)", "min(a, b)", "found['key']", "len(found)"]
)
def test_what_returns_all_stays_as_it_is(value: str) -> None:
    assert without_cuts(returning(value), NOTHING, kept="") == (returning(value), "")


def test_what_is_returned_under_a_name_is_looked_at() -> None:
    text, cut = without_cuts(returning("one", before="one = found[:1]"), NOTHING, kept="")
    assert text == returning("one", before="one = found")
    assert cut == "found[:1]"


def test_what_a_function_gives_that_is_returned_is_looked_at() -> None:
    text = "def mended():\n    def main():\n        return x[:1]\n    return run(main())\n"
    assert "return x\n" in without_cuts(text, NOTHING, kept="")[0]


def test_what_is_not_returned_stays_as_it_is() -> None:
    text = (
        "def mended():\n    def work(batch):\n        send(batch[:10])\n    return at_once(work)\n"
    )
    assert without_cuts(text, NOTHING, kept="") == (text, "")


def test_what_a_side_leaves_out_in_the_same_words_may_be_left_out() -> None:
    text = returning("found[:1]")
    assert without_cuts(text, NOTHING, kept="shown = found[:1]") == (text, "")


def test_what_is_given_stays_as_it_is() -> None:
    text = "def given(x):\n    return x[:1]\n\ndef mended():\n    return given(1)\n"
    assert without_cuts(text, frozenset({"given"}), kept="") == (text, "")
