"""The errors of a model on rows that it was not trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import forecasting, read_csv, store, windows
from forecast_cli.calendar import Ints
from forecast_cli.forecasting import Model, measuring
from forecast_cli.panel import Panel, from_series
from tests.conftest import AIRLINE


@pytest.fixture
def model(airline_store: Path) -> Model:
    """A model of which no errors are known yet."""
    trained = store.load(airline_store).model
    return replace(trained, residuals=trained.residuals[:0], further=trained.further[:0, :0])


def airline() -> Panel:
    return read_csv(AIRLINE)


def between(panel: Panel, low: int, high: int) -> tuple[Ints, Ints]:
    count = len(panel)
    return np.full(count, low, np.int64), np.full(count, high, np.int64)


def test_errors_are_of_the_rows_that_were_named_alone(model: Model) -> None:
    panel = airline()
    low, high = between(panel, 100, 130)
    measured = forecasting.measured(panel, model, low, high)
    changed = panel.values.copy()
    changed[130:] *= 5
    again = forecasting.measured(replace(panel, values=changed), model, low, high)
    assert np.array_equal(measured.residuals, again.residuals)
    assert measured.plan == again.plan
    assert len(measured.residuals) == 30 - model.plan.horizon + 1


def test_without_a_window_nothing_is_measured(model: Model) -> None:
    panel = airline()
    measured = forecasting.measured(panel, model, *between(panel, 132, 132))
    assert measured.residuals.shape == (0, model.plan.horizon, 1)
    assert measured.plan.noise_power == 0


def test_few_horizons_make_symmetric_intervals_and_many_do_not(model: Model) -> None:
    panel = airline()
    plan = replace(model.plan, horizon=2, architecture=model.plan.architecture)
    short = forecasting.extended(replace(model, plan=plan), 2)
    for low, is_symmetric in ((120, False), (130, True)):
        measured = forecasting.measured(panel, short, *between(panel, low, 144))
        assert measured.plan.symmetric == is_symmetric


def test_of_many_series_the_newest_origins_count(model: Model) -> None:
    random = np.random.default_rng(1)
    panel = from_series([100 + random.normal(0, 5, 60) for _ in range(120)])
    measured = forecasting.measured(panel, model, *between(panel, 30, 60))
    per_series = len(measured.residuals) / 120
    assert per_series == measuring.NEWEST * model.plan.horizon + 1


def test_a_model_is_rolled_forward_as_far_as_rows_allow(model: Model) -> None:
    panel, horizon = airline(), model.plan.horizon
    for low, steps in ((144 - 3 * horizon - 9, 2), (144 - 2 * horizon - 9, 1), (130, 0)):
        measured = forecasting.measured_further(panel, model, *between(panel, low, 144))
        assert measured.further.shape[1] == steps * horizon
        assert (len(measured.further) > 0) == (steps > 0)


def test_intervals_beyond_the_horizon_are_never_narrower(model: Model) -> None:
    panel, horizon = airline(), model.plan.horizon
    low, high = between(panel, 144 - 2 * horizon - 9, 144)
    measured = forecasting.measured(panel, model, low, high)
    measured = forecasting.measured_further(panel, measured, low, high)
    longer = forecasting.extended(measured, 3 * horizon)
    newest = windows.of_origins(
        np.zeros(1, np.int64), panel.offsets[1:], model.plan.lookback, 3 * horizon
    )
    found = forecasting.forecast_windows(panel, longer, newest, (80.0,))
    low_bound, high_bound = found.bounds[80.0]
    width = np.log(high_bound / low_bound)[0]
    assert (width[horizon : 2 * horizon] >= width[horizon - 1] - 0.05).all()
    assert np.isnan(width[2 * horizon :]).all()
