"""The book as Sphinx builds it: `tox -e docs`, or `python -m sphinx -W docs build/book`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import conlab

project = "Concurrency Lab"
author = "the authors of Concurrency Lab"
project_copyright = "the authors of Concurrency Lab; MIT licence"
release = version = conlab.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinxarg.ext",
    "docs.book.extension",
]
exclude_patterns = ["book"]
default_role = "code"  # docstrings have their names between single backticks

smartquotes_action = "qe"  # quotes and dots; "--seed" is no dash
myst_heading_anchors = 3  # links to headings, as they work on GitHub; each is checked
autodoc_member_order = "bysource"
autodoc_typehints = "description"
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

html_theme = "furo"
html_title = f"Concurrency Lab {version}"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}
