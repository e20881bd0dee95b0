"""`conlab readme` writes the generated parts of docs/catalogue.md and leaves the rest."""

import pytest

from conlab.commands import readme
from conlab.errors import UserError


def test_stale_parts_are_replaced_and_the_rest_kept() -> None:
    text = "before\n"
    for name in readme.PARTS:
        text += f"{readme.BEGIN.format(name)}\nstale\n{readme.END.format(name)}\nafter {name}\n"
    updated = readme.updated(text)
    assert "stale" not in updated
    assert updated.startswith(f"before\n<!-- pitfalls:begin -->\n{readme.part('pitfalls')}\n<!-- ")
    assert updated.endswith("<!-- scoreboard:end -->\nafter scoreboard\n")
    assert readme.updated(updated) == updated


def test_a_catalogue_without_a_place_for_a_part_is_refused() -> None:
    with pytest.raises(UserError, match="pitfalls:begin"):
        readme.updated("# The catalogue\n")
