from __future__ import annotations

import itertools

import numpy as np
import pytest

from forecast_cli.evaluation import Autocorrelation
from forecast_cli.plots import BySeason, residuals, style
from forecast_cli.plots.fonts import DEFAULT

FOUND = Autocorrelation(np.arange(1, 5), np.array([0.5, -0.2, 0.1, 0.0]), np.full(4, 0.3))


def by_season(names: tuple[str, ...]) -> BySeason:
    values = np.linspace(-1, 1, len(names))
    return BySeason("time of day", names, values, np.abs(values))


def test_each_lag_and_the_limits_of_chance_are_drawn() -> None:
    (axes,) = residuals.figure(FOUND, None, "error").axes
    lines = [np.asarray(line.get_ydata()).tolist() for line in axes.lines]
    assert FOUND.values.tolist() in lines
    assert FOUND.limits.tolist() in lines
    assert (-FOUND.limits).tolist() in lines
    assert axes.get_xlabel() == "rows apart"


def test_each_place_in_the_season_has_its_mean_and_its_size() -> None:
    drawn = by_season(("a", "b", "c"))
    _, axes = residuals.figure(FOUND, drawn, "error, in units of y").axes
    heights = [bar.get_height() for bars in axes.containers for bar in bars]
    assert heights == [*drawn.sizes, *drawn.means]
    assert axes.get_ylabel() == "error, in units of y"
    assert axes.get_title(loc="left") == "Mean error by time of day"


@pytest.mark.parametrize("count", [24, 168])
def test_the_names_of_the_places_never_touch_each_other(count: int) -> None:
    names = tuple(f"{place:02}:00" for place in range(count))
    with style.applied([DEFAULT]):
        figure = residuals.figure(FOUND, by_season(names), "error")
        figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[1].get_xticklabels()]
    assert len(boxes) >= 2
    for left, right in itertools.pairwise(boxes):
        assert left.x1 < right.x0


def test_a_place_without_a_value_has_no_bar() -> None:
    values = np.array([1.0, np.nan])
    figure = residuals.figure(FOUND, BySeason("month", ("Jan", "Feb"), values, values), "error")
    heights = [bar.get_height() for bar in figure.axes[1].containers[0]]
    assert heights == [1.0, 0.0]
