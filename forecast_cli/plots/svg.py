"""A figure as SVG that stands inside of an HTML page.

Its colors are those of the page, so that it can be read on a light and on a dark one; its texts
are texts, in the fonts of the page. It names no address but the namespaces of the W3C.
"""

from __future__ import annotations

import io
import re

from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from forecast_cli.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE

# The custom property of the page that stands for each color of the figures.
VARIABLES = {
    "#000000": "--ink",
    "#b0b0b0": "--grid",  # matplotlib's own
    BLUE.lower(): "--blue",
    ORANGE.lower(): "--orange",
    GREEN.lower(): "--green",
    GREY.lower(): "--grey",
    PURPLE.lower(): "--purple",
}

# What matplotlib says about itself, and its style, which would hold for the whole page.
_ABOUT = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")  # matplotlib writes a > inside of texts and attributes as &gt;
_SIZE = re.compile(r'\s(?:width|height|version)="[^"]*"')
_REFERENCE = re.compile(r'(\bid="|url\(#|href="#)')
_FONT = re.compile(r"font-family:[^;\"]*;?\s*")
_COLOR = re.compile(r"#[0-9a-fA-F]{6}\b")


def svg(figure: Figure, name: str) -> bytes:
    """The figure as an `<svg>` element. name: in letters, one that no other figure of the page has."""
    data = io.BytesIO()
    FigureCanvasSVG(figure)
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))

    # With a salt that is always the same, so are the names of the parts of the figure.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(data, format="svg", transparent=True, metadata=nothing)

    text = data.getvalue().decode()
    text = _ABOUT.sub("", text[text.index("<svg") :])
    text = _SIZE.sub("", text, count=3)  # of the outermost element, which comes first
    return _TAG.sub(lambda tag: _tag_for_page(tag[0], name), text).strip().encode()


def _tag_for_page(tag: str, name: str) -> str:
    """A tag with the fonts and the colors of the page, and with names that it alone has."""
    tag = _REFERENCE.sub(lambda found: f"{found[1]}{name}-", tag)
    tag = _FONT.sub("", tag)
    return _COLOR.sub(lambda color: _color_for_page(color[0]), tag)


def _color_for_page(color: str) -> str:
    variable = VARIABLES.get(color.lower())
    return f"var({variable})" if variable else color
