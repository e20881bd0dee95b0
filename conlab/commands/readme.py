"""Print the catalogue of pitfalls, or write it into docs/catalogue.md and into the stories.

Both come from the saved result of `conlab detect`: which tool finds what.
"""

import argparse

from conlab import content
from conlab.catalogue import pitfall
from conlab.detect import saved, words
from conlab.errors import UserError

CATALOGUE = content.ROOT / "docs" / "catalogue.md"
BEGIN = "<!-- {}:begin -->"
END = "<!-- {}:end -->"
PARTS = ("pitfalls", "scoreboard")  # what is between markers of these names


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow ``conlab readme``."""
    parser.add_argument(
        "--write", action="store_true", help="write it into docs/catalogue.md and the stories"
    )


def run(options: argparse.Namespace) -> int:
    """Print the table, or bring the catalogue and each story's Detect up to date."""
    content.clone()
    if not options.write:
        print(part("pitfalls"))
        return 0
    for changed in words.update_stories(saved.read(saved.IN_CLONE), pitfall.collect()):
        print(f"Detect is new in {changed.relative_to(content.ROOT)}")
    CATALOGUE.write_text(updated(CATALOGUE.read_text("utf-8")), "utf-8")
    return 0


def updated(text: str) -> str:
    """The text of the catalogue as it is now. Raises UserError if it has no place for a part."""
    for name in PARTS:
        begin, end = BEGIN.format(name), END.format(name)
        before, found, rest = text.partition(begin)
        _, ended, after = rest.partition(end)
        if not found or not ended:
            raise UserError(f"{CATALOGUE} has no lines {begin} and {end} to write between")
        text = f"{before}{begin}\n{part(name)}\n{end}{after}"
    return text


def part(name: str) -> str:
    """One generated part of the catalogue: the pitfalls, or the scoreboard of the tools."""
    board, pitfalls = saved.read(saved.IN_CLONE), pitfall.collect()
    if name == "pitfalls":
        return words.catalogue(board, pitfalls, pitfall.families())
    return words.scoreboard(board, pitfalls)
