"""How titles are wrapped, and what a figure becomes."""

from __future__ import annotations

from matplotlib import rcParams
from matplotlib.figure import Figure

from forecast_cli.plots import fonts, style
from tests.plots.helpers import picture


def test_a_title_goes_on_a_new_line_before_the_part_that_would_reach_beyond_the_edge() -> None:
    assert style.lines("Sales:", "12 steps ahead") == "Sales: 12 steps ahead"
    parts = ["A title of some words"] * 6
    lines = style.lines(*parts).split("\n")
    assert len(lines) > 1
    assert " ".join(lines) == " ".join(parts)
    widths = [fonts.width(line, style.LARGE) for line in lines]
    assert max(widths) <= style.WIDTH - 2 * style.MARGIN


def test_a_figure_becomes_100_pixels_an_inch() -> None:
    assert picture(style.png(Figure(figsize=(2, 1)))).shape[:2] == (100, 200)


def test_the_style_ends_with_the_block_that_asked_for_it() -> None:
    before = rcParams["axes.spines.top"]
    with style.applied(["DejaVu Sans"]):
        assert rcParams["axes.spines.top"] is False
    assert rcParams["axes.spines.top"] is before
