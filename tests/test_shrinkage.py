from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from forecast_cli import evaluation, learning, planning, shrinkage
from forecast_cli.forecasting import Model, forecast
from forecast_cli.members import Execution
from forecast_cli.panel import Panel, from_series
from forecast_cli.sources import settings_from

WALK = np.random.default_rng(3).normal(0, 1, 1500).cumsum()
QUICK: dict[str, Any] = {
    "preset": "auto",
    "horizon": 6,
    "season": "1",
    "units": "4",
    "epochs": 1,
    "members": 1,
}


def learned(panel: Panel, **settings: Any) -> Model:
    plan = planning.make(panel, settings_from(**{**QUICK, **settings}))
    return learning.learn(panel, plan, Execution()).model


@pytest.fixture(scope="module")
def walk() -> Model:
    """A network of a random walk, of which nothing can be learned, at a rate that harms."""
    return learned(from_series([WALK]), learning_rate=0.5, epochs=3)


def test_a_network_that_loses_to_naive_moves_toward_it(walk: Model) -> None:
    plan = walk.plan
    assert 0 < plan.shrinkage <= 0.5
    assert plan.shrink_lag == 1
    assert "by repeating the last value" in plan.reasons["shrinkage"]


def test_the_forecast_and_its_bounds_move_by_the_same(walk: Model) -> None:
    panel = from_series([WALK])
    alone = replace(walk, plan=replace(walk.plan, shrinkage=0.0))
    before, after = (forecast(panel, model, (80.0,)) for model in (alone, walk))
    expected = before.values + walk.plan.shrinkage * (WALK[-1] - before.values)
    assert np.allclose(after.values, expected)
    for one, other in zip(before.bounds[80.0], after.bounds[80.0], strict=True):
        assert np.allclose(other - after.values, one - before.values)


def test_a_network_that_is_clearly_better_stays() -> None:
    wave = 10 + np.sin(np.arange(1500) / 3)
    assert learned(from_series([wave]), epochs=30, units="8").plan.shrinkage == 0


def test_nothing_of_the_test_part_is_looked_at(walk: Model) -> None:
    poisoned = WALK.copy()
    poisoned[-6:] = 1e6
    one = shrinkage.validate(from_series([WALK]), walk)
    other = shrinkage.validate(from_series([poisoned]), walk)
    assert one is not None
    assert other is not None
    assert (one.error, one.naive_error) == (other.error, other.naive_error)


def test_one_origin_of_one_series_is_too_few_to_conclude_from() -> None:
    panel = from_series([WALK[:60]])
    model = learned(panel, learning_rate=0.5, epochs=3, validation=6)
    assert model.plan.shrinkage == 0


def test_other_presets_are_left_as_they_are() -> None:
    panel = from_series([WALK[:300]])
    model = learned(panel, preset="seq2seq", learning_rate=0.5)
    assert model.plan.shrinkage == 0


def test_the_error_is_the_mean_over_series_in_units_of_their_scales() -> None:
    actual = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 5.0]])
    guess = np.array([[2.0, 2.0], [5.0, 0.0], [9.0, 9.0]])
    series, scales = np.array([0, 0, 1]), np.array([1.0, 4.0])
    expected = ((1 + 0 + 2) / 3 / 1 + 4 / 4) / 2
    assert evaluation.mean_mase(series, actual, guess, scales) == pytest.approx(expected)
