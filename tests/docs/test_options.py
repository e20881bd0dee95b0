"""docs/options.md is made from parsers, and they know every option that the lab gives to pytest."""

import argparse
import pkgutil
import re
from pathlib import Path

import pytest

from conlab import commands
from conlab.versus import declaring
from docs.book import parsers

PAGE = (Path(__file__).parents[2] / "docs" / "options.md").read_text("utf-8")
OURS = ("concurrency lab", "concurrency lab versus", "explore", "versus")  # groups, as pytest has


def names(made: argparse.ArgumentParser) -> set[str]:
    return {name for action in made._actions for name in action.option_strings}


def test_every_option_that_pytest_has_of_the_lab_is_in_the_reference(
    pytestconfig: pytest.Config,
) -> None:
    groups = [group for group in pytestconfig._parser._groups if group.name in OURS]
    there = {name for group in groups for option in group.options for name in option.names()}
    documented = names(parsers.anywhere()) | names(parsers.in_the_clone())
    assert len(there) > 20
    assert {name for name in there if not name.startswith("--conlab-")} <= documented
    for name in there & {declaring.longer(each) for each in documented}:
        assert f"--{name.removeprefix('--conlab-')}" in documented


def test_the_page_is_made_from_each_parser() -> None:
    made_from = re.findall(r"^:module: (\S+)\n:func: (\S+)$", PAGE, re.MULTILINE)
    assert made_from == [
        ("conlab.cli", "parser"),
        ("docs.book.parsers", "anywhere"),
        ("docs.book.parsers", "in_the_clone"),
    ]
    assert parsers.anywhere().prog == "pytest"


def test_it_begins_with_all_commands_that_there_are() -> None:
    (listed,) = re.findall(r"^- \[conlab\]\(#conlab\): (.*?)^- ", PAGE, re.MULTILINE | re.DOTALL)
    names = re.findall(r"[a-z]+", listed.replace("in a clone also", ""))
    assert sorted(names) == [module.name for module in pkgutil.iter_modules(commands.__path__)]


def test_what_only_looks_like_an_address_is_no_link() -> None:
    publish = pytest.importorskip("docutils.core", reason="the extra docs is not installed here")
    pytest.importorskip("sphinx", reason="the extra docs is not installed here")
    from docs.book import extension

    said = "FILE:FUNCTION calls a function, tcp://host:port is https://a.test/b or a mail:x"
    document = publish.publish_doctree(said)
    extension.unlink_what_is_none(None, document)
    assert document.astext() == said
    links = [each["refuri"] for each in document.findall() if each.tagname == "reference"]
    assert links == ["https://a.test/b"]
