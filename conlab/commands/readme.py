"""Print the README's table of pitfalls, or write it into the README between its markers."""

import argparse
from collections.abc import Iterable

from conlab import content
from conlab.catalogue import pitfall
from conlab.catalogue.pitfall import Pitfall
from conlab.errors import UserError

README = content.ROOT / "README.md"
BEGIN = "<!-- pitfalls:begin -->"
END = "<!-- pitfalls:end -->"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may follow ``conlab readme``."""
    parser.add_argument("--write", action="store_true", help=f"write it into {README.name}")


def run(options: argparse.Namespace) -> int:
    """Print the table, or bring the README up to date."""
    content.clone()
    if options.write:
        README.write_text(updated(README.read_text()))
    else:
        print(table(pitfall.collect()))
    return 0


def updated(text: str) -> str:
    """The README's text with the table as it is now. Raises UserError if it has no place for it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UserError(f"{README} has no lines {BEGIN} and {END} to write the table between")
    return f"{before}{BEGIN}\n{table(pitfall.collect())}\n{END}{after}"


def table(pitfalls: Iterable[Pitfall]) -> str:
    """The pitfalls as a table in Markdown, a row each, in reading order."""
    rows = ["| pitfall | symptom | evidence | found by |", "|---|---|---|---|"]
    rows += [
        f"| [{each}](pitfalls/{each}.py) | {each.story['Symptom']} | {each.evidence} "
        f"| {', '.join(each.tools) or 'none known'} |"
        for each in pitfalls
    ]
    return "\n".join(rows)
