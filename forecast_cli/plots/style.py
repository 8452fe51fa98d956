"""How all pictures look: colors, text sizes, legends, and how a figure becomes PNG.

The colors are those of Okabe & Ito, which color-blind people can tell apart; lines differ in
style and marker too. The color maps (viridis, and blue to red through white) differ in
lightness as well.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from forecast_cli.plots import fonts

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#555555"
PURPLE = "#CC79A7"

WIDTH = 8.0  # inches; 800 pixels
HEIGHT = 4.5  # inches, of a picture with one pair of axes
MARGIN = 0.3  # inches, left and right of a title
# Points. Texts other than titles and those with little room have 10.
LARGE = 12.0
SMALL = 9.0
SMALLER = 8.5


@contextlib.contextmanager
def applied(families: Sequence[str], *, powers: bool = True) -> Iterator[None]:
    """Inside, figures are made and saved in this style, with these font families.

    powers: write large and small ticks as powers of ten, for which matplotlib parses every tick as
    a formula; that takes as long as all the rest of a figure.
    """
    settings: Any = {
        "font.family": list(families),
        "font.size": 10,
        "figure.titlesize": LARGE,
        "axes.titlesize": LARGE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        # A tick shows its whole number, not a small one to be added to a sum in the corner.
        "axes.formatter.useoffset": False,
        "axes.formatter.use_mathtext": powers,
    }
    with warnings.catch_warnings(), rc_context(settings):
        # A few ticks more or less than wanted are not worth a warning in a mail from cron.
        warnings.filterwarnings("ignore", message="AutoDateLocator was unable")
        yield


def png(figure: Figure) -> bytes:
    """The figure as PNG, 100 pixels an inch."""
    data = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(data, format="png", dpi=100)
    return data.getvalue()


def title(figure: Figure, *parts: str) -> None:
    """A title above everything, from the left edge on."""
    figure.suptitle(lines(*parts), x=0.02, ha="left")


def lines(*parts: str) -> str:
    """The parts of a title in one text, wrapped at the width of a picture."""
    text = ""
    for part in parts:
        longer = f"{text} {part}" if text else part
        last = longer.rpartition("\n")[2]
        text = longer if fonts.width(last, LARGE) <= WIDTH - 2 * MARGIN else f"{text}\n{part}"
    return text


def legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str], columns: int = 6) -> None:
    """A legend below everything, where it covers no data."""
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=SMALLER,
        columnspacing=1.2,
    )
