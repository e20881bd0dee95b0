"""Every pitfall file has the shape that its readers, the law and `conlab study` rely on."""

import ast
import difflib
import re
import sys
from itertools import chain

import pytest

from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import Pitfall

SCREENS = 110  # lines: two screens
ALIKE = 0.6  # the least likeness of the two sides, word by word, of 1
SLEEPS_ON_PURPOSE = "testing/sleep_as_synchronisation"

every_pitfall = pytest.mark.parametrize("pitfall", pitfall.collect(), ids=str)


def test_there_are_at_least_seventy_two() -> None:
    assert len(pitfall.collect()) >= 72


def test_no_two_have_the_same_name() -> None:
    names = [each.name for each in pitfall.collect()]
    assert len(names) == len(set(names))


@every_pitfall
def test_the_file_fits_on_two_screens(pitfall: Pitfall) -> None:
    assert len(pitfall.path.read_text().splitlines()) <= SCREENS


@every_pitfall
def test_the_file_imports_the_standard_library_alone(pitfall: Pitfall) -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(pitfall.path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else _names(node))
    }
    assert imported <= sys.stdlib_module_names


@every_pitfall
def test_the_file_hides_no_standard_module(pitfall: Pitfall) -> None:
    """Or running it as a script would put it before the module that its neighbours import."""
    assert pitfall.name not in sys.stdlib_module_names


@every_pitfall
def test_both_sides_use_the_same_constants_but_for_one_that_is_the_fix(pitfall: Pitfall) -> None:
    assert len(_constants(pitfall.broken) ^ _constants(pitfall.fixed)) <= 1


@every_pitfall
def test_the_two_sides_are_alike(pitfall: Pitfall) -> None:
    broken, fixed = (re.findall(r"\w+|\S", side) for side in (pitfall.broken, pitfall.fixed))
    assert difflib.SequenceMatcher(None, broken, fixed, autojunk=False).ratio() >= ALIKE


@every_pitfall
def test_the_sides_fit_in_eighty_columns_also_as_a_diff(pitfall: Pitfall) -> None:
    assert max(map(len, f"{pitfall.broken}\n{pitfall.fixed}".splitlines())) < 80


@every_pitfall
def test_no_sleep_stands_for_an_order(pitfall: Pitfall) -> None:
    """A sleep of no time is a turn of the event loop, and lasts no longer on a busy machine."""
    sleeps = [
        ast.unparse(node)
        for node in ast.walk(ast.parse(pitfall.path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] == "sleep"
        and ast.unparse(node) != "asyncio.sleep(0)"
    ]
    assert sleeps == (["time.sleep(LONG_ENOUGH)"] if str(pitfall) == SLEEPS_ON_PURPOSE else [])


def test_only_the_broken_side_of_the_one_about_sleeping_sleeps() -> None:
    about_sleeping = pitfall.find(SLEEPS_ON_PURPOSE)
    assert "sleep" in about_sleeping.broken
    assert "sleep" not in about_sleeping.fixed


@every_pitfall
def test_each_statement_that_it_names_is_in_the_file(pitfall: Pitfall) -> None:
    statements = {line.strip() for line in pitfall.path.read_text().splitlines()}
    named = chain(pitfall.stuck_at, pitfall.meet, pitfall.order, pitfall.at_rest)
    assert set(named) <= statements


@every_pitfall
def test_it_says_where_the_mistake_was_met(pitfall: Pitfall) -> None:
    assert "https://" in pitfall.story["Source"]


@every_pitfall
def test_it_declares_nothing_of_tools_for_that_is_measured(pitfall: Pitfall) -> None:
    """What finds it is said by `conlab detect`, and its story by `conlab readme --write`."""
    assert "DETECT" not in pitfall.path.read_text()


def _names(node: ast.Import) -> list[str]:
    return [alias.name for alias in node.names]


def _constants(source: str) -> set[str]:
    return {
        node.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and node.id.isupper()
    }
