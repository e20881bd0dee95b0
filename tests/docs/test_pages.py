"""Each page of the book: its links lead somewhere, its outputs are run or dated, and more."""

import argparse
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from conlab.catalogue import pitfall
from conlab.cli import parser
from conlab.detect.tools import TOOLS
from docs.book import parsers
from tests.docs.console import Command, File, read

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"  # it shows a tree of folders, and no output
PAGES = [ROOT / "README.md", CONTRIBUTING, *sorted(DOCS.glob("*.md"))]
RUN = {  # the test that runs all files and terminals of a page
    "exploring.md": "test_exploring.py",
    "gate.md": "test_gate.py",
    "ci.md": "test_ci.py",
    "README.md": "../test_readme.py",
}
WRITTEN_BY_A_BUILD = {DOCS / "api.md", DOCS / "options.md"}  # their headings, in part
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\{?\w*\}?)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
DATE = re.compile(r"\b20\d\d-\d\d-\d\d\b")
OF_OTHERS = {  # of pytest and its plugins, pip, git, and what else a page types
    "--amend", "--benchmark-autosave", "--benchmark-compare", "--benchmark-compare-fail",
    "--benchmark-json", "--benchmark-only", "--collect-only", "--help", "--initial-branch",
    "--junitxml", "--message", "--pdb", "--quiet",
}  # fmt: skip
OF_OUR_MODULES = {"--here", "--only", "--record", "--times", "--with"}  # python -m ...


def ids(page: Path) -> str:
    return page.name


def prose(text: str) -> str:
    """The text without its blocks of code."""
    return BLOCK.sub("", text)


def slug(heading: str) -> str:
    """The anchor that GitHub and MyST give a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")


def options_of(made: argparse.ArgumentParser) -> Iterator[str]:
    """Every option of a parser and of its subcommands."""
    for action in made._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from options_of(subparser)


def known_options() -> set[str]:
    own = {
        option
        for made in (parser(), parsers.anywhere(), parsers.in_the_clone())
        for option in options_of(made)
    }
    longer = {f"--conlab-{option[2:]}" for option in own}
    of_tools = {option for tool in TOOLS for option in OPTION.findall(str(tool))}
    return own | longer | of_tools | OF_OTHERS | OF_OUR_MODULES


def broken_links(page: Path, text: str) -> list[str]:
    """The links of a page that lead to no file, or to no heading of it."""
    broken = []
    for link in LINK.findall(prose(text)):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        if not target.is_file():
            broken.append(link)
        elif anchor and target.suffix == ".md" and target not in WRITTEN_BY_A_BUILD:
            headings = HEADING.findall(prose(target.read_text("utf-8")))
            if anchor not in map(slug, headings):
                broken.append(link)
    return broken


def undated_outputs(text: str) -> list[str]:
    """The first lines of the outputs that no date stands before, in their own section."""
    masked = BLOCK.sub(lambda block: " " * len(block[0]), text)
    return [
        block[2].partition("\n")[0]
        for block in BLOCK.finditer(text)
        if block[1] in ("", "console", "text")
        and not DATE.search(masked[: block.start()].rpartition("\n#")[2])
    ]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_its_links_lead_to_files_and_headings(page: Path) -> None:
    assert broken_links(page, page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_its_options_exist(page: Path) -> None:
    mentioned = set(OPTION.findall(page.read_text("utf-8")))
    assert mentioned - known_options() == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page != CONTRIBUTING], ids=ids)
def test_its_outputs_are_run_or_say_when_they_were_recorded(page: Path) -> None:
    if page.name in RUN:
        test = Path(__file__).parent / RUN[page.name]
        assert page.name in test.read_text("utf-8")
    else:
        assert undated_outputs(page.read_text("utf-8")) == []
        assert not [each for each in read(page.read_text("utf-8")) if isinstance(each, Command)]


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == DOCS], ids=ids)
def test_its_first_words_answer_the_question_of_its_title(page: Path) -> None:
    title, _, rest = page.read_text("utf-8").partition("\n\n")
    assert title.startswith("# "), "a page opens with its title"
    assert len(rest.partition("\n\n")[0]) < 500, "the answer is a short paragraph"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_the_lab_is_installed_from_where_it_lies_with_extras_that_it_has(page: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for place, extras, at in installed(page.read_text("utf-8")):
        assert place.endswith("/the/clone") or at, f"no index has {place}"
        assert set(extras.split(",")) - {""} <= set(project["optional-dependencies"])


def installed(text: str) -> list[tuple[str, str, str]]:
    """Of each line that installs the lab: its name or path, its extras, and its address."""
    return re.findall(
        r"pip install '?((?:\S*/)?(?:concurrency-lab|clone))(?:\[([^\]]*)\])?( @ )?", text
    )


def test_a_pitfall_that_is_named_in_a_command_exists() -> None:
    names = {pair.name for pair in pitfall.collect()} | {"NAME", "the_mistake"}
    for page in PAGES:
        for name in re.findall(r"conlab study ([a-z]\w+|NAME)\b", page.read_text("utf-8")):
            assert name in names, f"{page.name}: conlab study {name}"


@pytest.mark.parametrize("page", [ROOT / "README.md", DOCS / "index.md"], ids=ids)
def test_a_file_that_is_to_be_typed_lies_in_a_clone_or_is_shown_or_said_to_be_the_reader_s(
    page: Path,
) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"conlab \w+ ([\w/]+\.py)", text))
    assert named
    shown = {step.path for step in read(text) if isinstance(step, File)}
    theirs = " ".join(re.findall(r"^.* are yours", text, re.MULTILINE))
    for file in named - shown:
        assert (ROOT / file).is_file() or f"`{file}`" in theirs, f"whose is {file}?"


def test_what_is_wrong_with_a_page_is_seen(tmp_path: Path) -> None:
    other = tmp_path / "other.md"
    other.write_text("# Other\n\n## It's `here`, too\n")
    page = tmp_path / "page.md"
    text = "[a](other.md) [b](other.md#its-here-too) [c](none.md) [d](other.md#gone) [e](#no)"
    page.write_text(text)
    assert broken_links(page, text) == ["none.md", "other.md#gone", "#no"]
    by_name = "`pip install concurrency-lab` `pip install 'concurrency-lab[suite] @ git+https://a`"
    assert installed(by_name) == [
        ("concurrency-lab", "", ""),
        ("concurrency-lab", "suite", " @ "),
    ]
    assert undated_outputs(
        "## A\n\n```\n1 s\n```\n\n## B\n\nOn 2026-11-30:\n\n```\n2 s\n```\n"
    ) == ["1 s"]
