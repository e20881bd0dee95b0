"""The templates and the static files of the page, and jinja2, which escapes all that is put in."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from conlab.report import words


@cache
def environment() -> Environment:
    """Jinja2 with everything escaped, and no name that is not there."""
    made = Environment(
        loader=PackageLoader("conlab.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in (
        "figures",
        "seconds",
        "size",
        "times",
        "share",
        "change",
        "plural",
        "breakable",
        "marked_up",
    ):
        made.filters[name] = getattr(words, name)
    return made


def template(name: str) -> Template:
    """A template of conlab/report/templates."""
    return environment().get_template(name)


@cache
def static(name: str) -> str:
    """A file of conlab/report/static."""
    return (files("conlab.report") / "static" / name).read_text("utf-8")


def styles() -> str:
    """The stylesheet, for a page of one's own with a drawn schedule in it."""
    return static("page.css")


def script() -> str:
    """The script that steps through drawn schedules and charts."""
    return static("page.js")
