"""A page as HTML: the only place where texts become markup."""

from __future__ import annotations

from importlib import resources

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from forecast_cli.messages import escape
from forecast_cli.report.elements import Page

LONGEST_NAME = 80  # letters of a cell of a table
LONGEST_TEXT = 700  # letters of a paragraph


def render(page: Page) -> bytes:
    """The page as one HTML document, which needs no other file, no network and no script.

    Every text is escaped, characters that steer the direction of a line are written as codes, and
    what is too long is cut. Only the figures, which are drawn by us, are markup already.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.lstrip_blocks = True
    environment.filters |= {"name": name, "prose": prose, "described": described}
    template = environment.from_string(_template())
    return template.render(page=page).encode()


def _template() -> str:
    return resources.files("forecast_cli.report").joinpath("page.html").read_text("utf-8")


def name(text: str) -> str:
    """A text for the cell of a table or a heading, such as the name of a series."""
    return shortened(text, LONGEST_NAME)


def prose(text: str) -> str:
    """A text for a paragraph."""
    return shortened(text, LONGEST_TEXT)


def shortened(text: str, longest: int) -> str:
    """The text without what could steer a line, and its beginning alone where it is too long."""
    if len(text) <= longest:
        return escape(text)
    return f"{escape(text[:longest])}… ({len(text):,} characters)"


def described(svg: str, figure_name: str, title: str, description: str) -> Markup:
    """A figure of ours with its text alternatives, which are read aloud instead of its parts."""
    names = Markup('role="img" aria-labelledby="{0}-title {0}-description"').format(figure_name)
    texts = Markup('<title id="{0}-title">{1}</title><desc id="{0}-description">{2}</desc>')
    inner = texts.format(figure_name, prose(title), prose(description))

    tag, _, rest = svg.removeprefix("<svg").partition(">")
    return Markup("<svg {} {}>{}{}").format(names, Markup(tag.strip()), inner, Markup(rest))  # noqa: S704 -- drawn by us
