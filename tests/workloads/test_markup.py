"""markup: of what a parser could not bear, as much is read as it can, and the rest is said."""

import pytest

pytest.importorskip("selectolax", reason="no wheel of selectolax for this Python")

from workloads.markup import (
    MAX_ATTRIBUTES,
    MAX_ELEMENTS,
    MAX_TAGS,
    PIECE_SIZE,
    PIECE_TAGS,
    tree_of,
)

MIB = 1024 * 1024

TAGS = (f"all after {MAX_TAGS} tags",)
DEPTH = ("all after a depth of 256 elements",)
ELEMENTS = (f"all after {MAX_ELEMENTS} elements",)
ATTRIBUTES = (f"all after an element with {MAX_ATTRIBUTES} attributes",)


def filled(start: str, unit: str) -> str:
    """As many units after the start as a page may have."""
    return start + unit * ((MIB - len(start)) // len(unit))


def formatting(count: int) -> str:
    """Elements that each paragraph has again, as no two are alike."""
    return "".join(f"<b a={n}>" for n in range(count))


def attributes(count: int, value: str = "") -> str:
    """Attributes of different names."""
    return " ".join(f"a{n}{value}" for n in range(count))


# What would take seconds or hours to parse, or gigabytes, or as long to measure.
HOSTILE = {
    "nested": (filled("", "<div>"), DEPTH),
    "nested lists": (filled("", "<ul><li>"), DEPTH),
    "nested options": (filled("<select>", "<option><div>"), DEPTH),
    "nested in a template": (filled("<template>", "<div>"), DEPTH),
    "nested templates": (filled("", "<template><object>"), DEPTH),
    "closed again in each piece": (filled("", "<div>" * 490 + "</div>" * 490), DEPTH),
    "formatting in each paragraph": (filled("<p>" + formatting(200), "<p>x"), ELEMENTS),
    "formatting in a template": (filled("<template><p>" + formatting(50), "<p>x"), ELEMENTS),
    "more formatting": (filled("<p>" + formatting(500), "<p>x"), DEPTH),
    "attributes": (filled("<b " + attributes(100_000), " x"), ATTRIBUTES),
    "attributes with angles": ("<b " + attributes(60_000, '="<b>"'), ATTRIBUTES),
    "attributes of html": ("".join(f"<html a{n}>" for n in range(60_000)), ATTRIBUTES),
    "templates": (filled("", "<template></template>"), ("all after 1000 templates",)),
    "end tags at a depth": (filled("<div>" * 250, "</p>"), TAGS),
    "list items at a depth": (filled("<div>" * 200 + "<ul>", "<li>"), TAGS),
}


@pytest.mark.parametrize(("markup", "cut"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_page_of_any_kind_is_cut_where_a_parser_could_not_go_on(
    markup: str, cut: tuple[str, ...]
) -> None:
    tree, said = tree_of(f"<title>x</title><a href=/>{markup}<i id=last>")
    assert said == cut
    title = tree.css_first("title")
    assert title is not None
    assert title.text() == "x"
    assert tree.css_first("a[href]")
    assert not tree.css_first("#last")
    assert len(tree.css("*")) < MAX_ELEMENTS + PIECE_TAGS**2 / 2


ROW = '<li class="item"><b class="name">Cod</b> <a href="/{}">x</a></li>'

HONEST = {
    "short": "<ul>" + ROW * 10,
    "of many pieces": ("<ul>" + ROW * 3_000)[: 6 * PIECE_SIZE],
    "unclosed": "<ul>" + "<li>x<p>y<br>" * (MAX_TAGS // 4),
    "a long text": "x " * (MIB // 2),
    "a long script": "<script>" + "if (i<n && a>b) go(i, '</p>');" * 10_000 + "</script>",
    "a long comment": "<!--" + "x <b " * 20_000 + "-->",
    "a long attribute": f"<img src='{'x' * 500_000}'>",
    "deep": "<div>" * 200 + "<p>x" * 2_000,
    "templates": "<template><p>x</p></template>" * 900,
}


@pytest.mark.parametrize("markup", HONEST.values(), ids=HONEST.keys())
def test_a_page_as_people_write_it_is_read_to_its_end(markup: str) -> None:
    from selectolax.lexbor import LexborHTMLParser

    markup += "<i id=last>"
    tree, cut = tree_of(markup)
    assert cut == ()
    assert tree.css_first("#last")
    assert tree.html == LexborHTMLParser(markup).html


def test_a_page_is_read_up_to_the_piece_that_went_too_far() -> None:
    rows = [f"<i id=n{n}></i>" for n in range(4 * PIECE_TAGS)]
    rows[3_000] += "<div>" * 2_000
    tree, cut = tree_of("".join(rows))
    assert cut == DEPTH
    assert tree.css_first("#n2999")
    assert not tree.css_first("#n3001")
