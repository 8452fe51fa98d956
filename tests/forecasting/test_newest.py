"""Whether the network can read the newest window of a series, and what is said where it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import forecasting, store
from forecast_cli.errors import TooLittleDataError
from forecast_cli.forecasting import newest
from forecast_cli.panel import Panel, from_series
from forecast_cli.planning import Plan


@pytest.fixture
def plan(airline_store: Path) -> Plan:
    """A network that looks back on 5 steps."""
    plan = store.load(airline_store).config.plan
    return replace(plan, architecture=replace(plan.architecture, lookback=5, segment=1))


def panel_with_hole_at(step: int) -> Panel:
    """A series of ten steps with a hole, and one of three steps."""
    values = np.arange(10.0)
    values[step] = np.nan
    return from_series([values, np.arange(3.0)], ids=["long", "short"])


def test_a_series_has_a_full_window_if_it_is_long_enough_and_has_no_hole_in_it(plan: Plan) -> None:
    assert forecasting.has_full_window(panel_with_hole_at(4), plan).tolist() == [True, False]
    assert forecasting.has_full_window(panel_with_hole_at(5), plan).tolist() == [False, False]


def test_the_error_names_the_first_step_without_a_value_and_what_helps(plan: Plan) -> None:
    panel = panel_with_hole_at(7)
    forecasting.require_full_window(panel_with_hole_at(4), plan)
    with pytest.raises(TooLittleDataError) as caught:
        forecasting.require_full_window(panel, plan)
    assert caught.value.message == (
        "series 'long': 1 of the newest 5 steps, on which the network looks back, has no value, "
        "the first at 7"
    )
    assert caught.value.hint == (
        "fill the gaps with --gaps interpolate, ffill or zero, or train with --lookback 2 or less"
    )
    assert caught.value.option == "gaps"


def test_the_error_for_short_series_names_the_first_of_them(plan: Plan) -> None:
    panel = panel_with_hole_at(4)
    error = forecasting.unreadable(panel, plan, forecasting.has_full_window(panel, plan))
    assert error.message == ("series 'short' is shorter than the lookback of 5 (1 such series)")
    assert error.hint == "give more rows, a smaller --lookback, or --short fallback or drop"


def test_holes_are_filled_season_by_season() -> None:
    nan = np.nan
    values = np.array([nan, 2, nan, 4, 5, nan, 7, nan, 9])
    assert newest.without_holes(values, 3).tolist() == [2, 2, 2, 4, 5, 5, 7, 5, 9]
    whole = np.arange(5.0)
    assert newest.without_holes(whole, 3) is whole
