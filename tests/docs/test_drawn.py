"""The styles of a drawn schedule: for it alone in the book, with the theme's light and dark."""

import re

import pytest

from conlab.report import rendering
from docs.book import drawn

PAGE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --c0: #111;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #000; --c0: #eee;
  }
}
body { margin: 0; }
.step.now { color: var(--c0); }
@media print { .stepper { display: none; } }
"""


@pytest.mark.parametrize("page", [PAGE, rendering.styles()], ids=["made up", "the lab's"])
def test_nothing_of_them_is_for_the_rest_of_the_book(page: str) -> None:
    depth, outside = 0, ""
    for part in re.split(r"([{}])", drawn.styles(page)):
        depth += {"{": 1, "}": -1}.get(part, 0)
        if depth == 0 and part not in "{}":
            outside += part
    selectors = [each.strip() for each in outside.splitlines() if each.strip()]
    assert depth == 0
    assert all(drawn.PART in each or each.startswith("@media") for each in selectors), selectors


def test_the_switch_of_the_theme_goes_before_the_screen() -> None:
    styles = drawn.styles(PAGE)
    light, by_switch, by_screen = styles.split("--c0: ")[1:4]
    assert light.startswith("#111")
    assert by_switch.startswith("#eee")
    assert by_screen.startswith("#eee")
    assert 'body[data-theme="dark"] .drawn' in styles
    assert 'body:not([data-theme="light"]) .drawn' in styles
