"""The tree of a page, whatever the page: markup that would cost hours or gigabytes is cut.

A parser of HTML compares all attributes of a tag, for some tags looks at all elements that are
open, and opens each unclosed ``<b>`` and ``<i>`` anew in each paragraph: 20 kB of these become
1 GiB. What a page comes to only the parser can say. So a long one is parsed up to the end of its
first piece, of its second, and so on, until the whole is parsed or the tree is beyond a bound.
"""

from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_TAGS = 32_000  # in 1 MiB one every 32 bytes
MAX_ELEMENTS = 50_000  # 6 MB; more than there are tags only where some are opened anew
MAX_DEPTH = 256  # as for libxml2; what people write seldom has 100
MAX_ATTRIBUTES = 256  # of an element; what people write seldom has 30
MAX_TEMPLATES = 1_000  # each is a tree to be looked at on its own

# A piece: what can be added unseen is 0.1 s and 40 MB at the worst. Most pages have but one.
PIECE_SIZE = 32 * 1024  # characters
PIECE_TAGS = 1_000

ENDS_A_TAG = "'\">"  # wherever in it


def tree_of(markup: str) -> tuple[LexborHTMLParser, tuple[str, ...]]:
    """The tree of ``markup``, or of as much as is within the bounds; and what was cut."""
    whole = len(markup)
    if whole <= PIECE_SIZE and markup.count("<") <= PIECE_TAGS:
        return LexborHTMLParser(markup), ()
    markup = markup[: after_tags(MAX_TAGS, markup, 0, whole)]
    for end in ends_of_pieces(markup):
        if bound := passed(LexborHTMLParser(markup[:end] + ENDS_A_TAG)):
            return LexborHTMLParser(markup[:end]), (f"all after {bound}",)
    cut = (f"all after {MAX_TAGS} tags",) if len(markup) < whole else ()
    return LexborHTMLParser(markup), cut


def ends_of_pieces(markup: str) -> Iterator[int]:
    """Where each piece ends but the last."""
    end = 0
    while (end := after_tags(PIECE_TAGS, markup, end, end + PIECE_SIZE)) < len(markup):
        yield end


def after_tags(count: int, markup: str, start: int, end: int) -> int:
    """Where ``count`` tags from ``start`` on have begun, or ``end`` if that comes first."""
    if markup.count("<", start, end) < count:
        return end
    for _ in range(count):
        start = markup.index("<", start) + 1
    return start


def passed(tree: LexborHTMLParser) -> str | None:
    """The bound that ``tree`` is beyond.

    What is in a template is a tree of its own; a fourth as deep, so that all are not too deep.
    """
    trees: list[LexborHTMLParser | LexborNode] = [tree]
    depth = MAX_DEPTH
    elements = 0
    while trees:
        if len(trees) > MAX_TEMPLATES:
            return f"{MAX_TEMPLATES} templates"
        if not depth or any(part.css_first(" > ".join("*" * (depth + 1))) for part in trees):
            return f"a depth of {MAX_DEPTH} elements"
        for element in (element for part in trees for element in part.css("*")):
            elements += 1
            if elements > MAX_ELEMENTS:
                return f"{MAX_ELEMENTS} elements"
            if len(element.attributes) > MAX_ATTRIBUTES:
                return f"an element with {MAX_ATTRIBUTES} attributes"
        trees = [content for part in trees for content in part.template_fragments()]
        depth //= 4
    return None
