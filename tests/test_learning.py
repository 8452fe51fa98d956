"""From a panel and a plan to a trained model: folds, residuals, and a training on all rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import learning, store, windows
from forecast_cli.members import Execution
from forecast_cli.panel import Panel, from_series
from forecast_cli.planning import Plan
from forecast_cli.training import TrainingData
from forecast_cli.windows import Windows


@pytest.fixture
def plan(airline_store: Path) -> Plan:
    """Two epochs of a small network, with 12 validation and 12 test rows."""
    plan = store.load(airline_store).config.plan
    return replace(plan, epochs=2, validation=12, test=12)


def seasonal(count: int, seed: int = 1) -> Panel:
    """One series with a season of 12 steps."""
    random = np.random.default_rng(seed)
    values = 100 + 20 * np.sin(np.arange(count) / 12 * 2 * np.pi) + random.normal(0, 2, count)
    return from_series([values])


def folds_of(panel: Panel, plan: Plan) -> list[tuple[Windows, Windows | None]]:
    folds = learning.folds_of(panel, plan, TrainingData(panel.values, plan))
    return [(fold.training, fold.validation) for fold in folds]


def test_no_fold_trains_on_rows_that_it_is_validated_on_and_none_sees_the_test_part(
    plan: Plan,
) -> None:
    panel = seasonal(180)
    folds = folds_of(panel, replace(plan, patience=5))
    assert 1 < len(folds) <= learning.MOST_FOLDS
    for training, validation in folds:
        assert validation is not None
        end_of_training = (training.origins + training.horizon).max()
        assert end_of_training <= validation.origins.min()
        assert (validation.origins + validation.horizon).max() <= 180 - plan.test


def test_no_window_of_a_short_series_reaches_into_the_next_one(plan: Plan) -> None:
    long, short = seasonal(180).values, seasonal(30).values
    panel = from_series([short, long, short])
    for training, validation in folds_of(panel, replace(plan, validation=40)):
        for chosen in (training, validation):
            assert chosen is not None
            ends = chosen.origins + chosen.horizon
            assert (ends <= panel.offsets[1:][chosen.series]).all()


def test_without_validation_rows_there_is_one_fold_that_nothing_stops(plan: Plan) -> None:
    ((training, validation),) = folds_of(seasonal(180), replace(plan, validation=0))
    assert validation is None
    assert (training.origins + training.horizon).max() == 180 - plan.test


def test_the_textbook_recipe_validates_on_the_last_twentieth_of_its_windows(plan: Plan) -> None:
    panel = seasonal(180)
    ((training, validation),) = folds_of(panel, replace(plan, preset="classic"))
    assert validation is not None
    assert len(validation) == (len(training) + len(validation)) // 20
    assert validation.origins.min() > training.origins.max()


def test_windows_whose_past_is_constant_are_not_trained_on_unless_all_are(plan: Plan) -> None:
    values = np.array([1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 3.0])
    panel = from_series([values])
    every = windows.between(panel, 3, 1, np.zeros(1, np.int64), panel.lengths)
    assert every.origins.tolist() == [3, 4, 5, 6]
    assert learning.changing(TrainingData(values, plan), every).origins.tolist() == [5, 6]
    assert learning.changing(TrainingData(np.ones(7), plan), every).origins.tolist() == [3, 4, 5, 6]


def test_what_was_learned_does_not_depend_on_later_rows(plan: Plan) -> None:
    panel = seasonal(150)
    changed = panel.values.copy()
    changed[-plan.test :] += 1000
    one = learning.learn(panel, plan, Execution())
    other = learning.learn(replace(panel, values=changed), plan, Execution())
    for name, weights in one.model.members[0].items():
        assert np.array_equal(weights, other.model.members[0][name]), name
    assert not np.array_equal(one.model.residuals, other.model.residuals)


def test_a_training_on_all_rows_keeps_the_residuals_of_rows_that_were_not_seen(plan: Plan) -> None:
    panel = seasonal(150)
    learned = learning.learn(panel, plan, Execution())
    model = learning.refit(panel, learned, Execution())
    assert np.array_equal(model.residuals, learned.model.residuals)
    changed = [
        not np.array_equal(model.members[0][name], weights)
        for name, weights in learned.model.members[0].items()
    ]
    assert any(changed)
