"""The extension of Sphinx: writes the pairs' pages, and has links of the clone lead on in the book.

``catalogue_evidence`` (conf.py, or -D on the command line): whether both sides of each pair are run
for its page. Without, the book is built in seconds, and what was proved is left out.
"""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.display import progress_message

from conlab import content
from conlab.catalogue import pitfall
from conlab.report import rendering
from docs.book import catalogue, drawn, evidence

FILES = content.ROOT / "build" / "drawn"  # made for Sphinx to copy
TABLE = "catalogue"  # the page to which the pages of the families belong
OF_THE_CLONE = {"contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
TO_A_PAIR = re.compile(r"\]\((?:\.\./)*pitfalls/(\w+/\w+)\.py\)")
TO_A_DOCUMENT = re.compile(r"\]\(docs/")
KINDS_OF_TABLE = {"the mistake": "mistakes", "pitfall": "matrix"}  # by the first heading: a class
OF_A_LINK = ("", "http", "https", "mailto")  # the schemes of what a reader can follow


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx when to call what."""
    app.add_config_value("catalogue_evidence", True, "env", (bool, str))
    app.connect("config-inited", add_drawing)
    app.connect("builder-inited", write_catalogue)
    app.connect("source-read", read_source)
    app.connect("autodoc-process-docstring", mark_examples)
    app.connect("doctree-read", unlink_what_is_none)
    app.connect("doctree-read", mark_tables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def add_drawing(app: Sphinx, config: Any) -> None:
    """Have what a drawn schedule needs in the book: its styles, for it alone, and its script."""
    FILES.mkdir(parents=True, exist_ok=True)
    (FILES / "drawn.css").write_text(drawn.styles(rendering.styles()), "utf-8")
    (FILES / "drawn.js").write_text(rendering.script(), "utf-8")
    config.html_static_path.append(str(FILES))
    app.add_css_file("drawn.css")
    app.add_js_file("drawn.js", loading_method="defer")


def write_catalogue(app: Sphinx) -> None:
    """Write the pages of the catalogue that have changed, and take away those of no pair."""
    pairs = pitfall.collect()
    found: dict[str, evidence.Evidence] = {}
    if app.config.catalogue_evidence not in (False, "0"):
        with progress_message(f"running both sides of {len(pairs)} pairs"):
            gathered = list(evidence.gathered(pairs))
            found = {str(pair): one for pair, one in zip(pairs, gathered, strict=True)}
    root = Path(app.srcdir)
    made = catalogue.pages(pairs, pitfall.families(), found)
    for name, text in made.items():
        path = root / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    for path in (root / catalogue.FOLDER).rglob("*.md"):
        if path.relative_to(root).as_posix() not in made:
            path.unlink()


def read_source(app: Sphinx, name: str, source: list[str]) -> None:
    """Have a page say what it says in the clone, with links that lead on in the book."""
    text = source[0]
    if name in OF_THE_CLONE:
        original = content.ROOT / OF_THE_CLONE[name]
        app.env.note_dependency(str(original))
        text = TO_A_DOCUMENT.sub("](", original.read_text("utf-8"))
        for other, file in OF_THE_CLONE.items():
            text = text.replace(f"]({file})", f"]({other}.md)")
    text = text.replace("](../CONTRIBUTING.md", "](contributing.md")
    text = text.replace("](../CHANGELOG.md", "](changelog.md")
    text = TO_A_PAIR.sub(rf"]({catalogue.FOLDER}/\1.md)", text)
    if name == TABLE:
        text = f"{text}\n\n{catalogue.contents(pitfall.families())}\n"
    source[0] = text


def unlink_what_is_none(_app: object, document: nodes.document) -> None:
    """Have what only looks like an address be text: ``FILE:FUNCTION`` or ``tcp://host:port``."""
    for link in list(document.findall(nodes.reference)):
        if urlsplit(link.get("refuri", "")).scheme not in OF_A_LINK:
            link.replace_self(link.children)


def mark_tables(_app: object, document: nodes.document) -> None:
    """Give the tables that book.css lays out in their own way a class each."""
    for table in document.findall(nodes.table):
        first = next(iter(table.findall(nodes.entry)), None)
        if first is not None and (kind := KINDS_OF_TABLE.get(first.astext())):
            table["classes"].append(kind)


def mark_examples(*event: Any) -> None:
    """Have what is indented in a docstring be code, as it reads in the source."""
    lines: list[str] = event[-1]
    marked: list[str] = []
    for at, line in enumerate(lines):
        begins = line.startswith("    ") and at and not lines[at - 1].strip()
        if begins and not any(each.startswith("    ") for each in marked[-2:]):
            marked += [".. code-block:: python", ""]
        marked.append(line)
    lines[:] = marked
