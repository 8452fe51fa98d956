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

WIDTH = 8.0  # inches; 800 pixels
HEIGHT = 4.5  # inches, of a picture with one pair of axes
MARGIN = 0.3  # inches, left and right of a title
LARGE, SMALL, SMALLER = (
    12.0,
    9.0,
    8.5,
)  # points: of titles, of what has little room; other texts have 10


@contextlib.contextmanager
def applied(families: Sequence[str]) -> Iterator[None]:
    """Figures that are made and saved inside look like this, with letters from these font
    families, in this order.
    """
    settings: Any = {
        "font.family": list(families),
        "font.size": 10,
        "figure.titlesize": LARGE,
        "axes.titlesize": LARGE,
        "axes.spines.top": False,
        "axes.spines.right": False,
        # A large number stands beside its tick as a whole, not as a small one to be added to a sum in the corner.
        "axes.formatter.useoffset": False,
        "axes.formatter.use_mathtext": True,
    }
    with warnings.catch_warnings(), rc_context(settings):
        # A few ticks more or less than asked for are no news for a cron mail.
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
    """The parts of a title, one after the other, with a new line before one that would reach
    beyond the edge.
    """
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


def plural(count: int, word: str) -> str:
    """`1 step`, `1,200 steps`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
