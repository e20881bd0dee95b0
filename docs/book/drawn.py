"""Makes the stylesheet of a page of its own one for a part of a page: what is drawn in the book."""

import re

PART = ".drawn"
COLOURS = re.compile(r":root \{(.*?)\n?\s*\}\n", re.DOTALL)
DARK = re.compile(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}\s*\}", re.DOTALL)


def styles(page: str) -> str:
    """The styles for ``PART`` alone, with the colours of the book's theme, light or dark.

    A page of its own follows the reader's screen. In the book there is a switch as well, which the
    theme writes into the body: ``data-theme`` is ``light``, ``dark`` or ``auto``.
    """
    (dark,) = DARK.findall(page)
    rest = DARK.sub("", page)
    light = COLOURS.findall(rest)[0].replace("color-scheme: light dark;", "")
    rest = COLOURS.sub("", rest, count=1)
    book = "--paper: var(--color-background-primary); --ink: var(--color-foreground-primary);"
    return "\n".join(
        [
            f"{PART} {{{light} {book} }}",
            f'body[data-theme="dark"] {PART} {{{dark} {book} }}',
            "@media (prefers-color-scheme: dark) {",
            f'body:not([data-theme="light"]) {PART} {{{dark} {book} }}',
            "}",
            f"{PART} {{",  # nested rules: https://drafts.csswg.org/css-nesting/
            rest,
            "}",
            "",
        ]
    )
