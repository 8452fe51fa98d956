"""What the networks answer to windows: combined over members, rolled forward, a few at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import store
from forecast_cli.forecasting import Model, prediction
from forecast_cli.planning import Plan


@pytest.fixture
def model(airline_store: Path) -> Model:
    return store.load(airline_store).model


@pytest.fixture
def plan(model: Model) -> Plan:
    return model.plan


def test_members_are_combined_as_the_plan_says(plan: Plan) -> None:
    outputs = np.array([1.0, 2.0, 9.0]).reshape(3, 1, 1, 1)
    assert prediction.combine(replace(plan, combine="median"), outputs).item() == 2
    assert prediction.combine(replace(plan, combine="mean"), outputs).item() == 4
    assert prediction.combine(replace(plan, boosting=True), outputs).item() == 12


def test_quantiles_are_put_in_order(plan: Plan) -> None:
    outputs = np.array([[[[3.0, 1.0, 2.0]]]])
    assert prediction.combine(plan, outputs).tolist() == [[[1, 2, 3]]]


def test_a_model_that_is_rolled_forward_goes_on_from_its_own_forecasts(model: Model) -> None:
    random = np.random.default_rng(1)
    past = random.uniform(4, 6, (2, model.plan.lookback))
    steps = model.plan.horizon
    once = prediction.predict(model, past).values
    longer = replace(model, plan=replace(model.plan, horizon=2 * steps))
    twice = prediction.predict(longer, past).values
    assert twice.shape == (2, 2 * steps, 1)
    assert twice[:, :steps].tolist() == once.tolist()

    moved = np.concatenate([past, once[:, :, 0]], axis=1)[:, steps:]
    assert twice[:, steps:].tolist() == prediction.predict(model, moved).values.tolist()


def test_windows_alone_and_among_others_have_the_same_forecast(model: Model) -> None:
    past = np.random.default_rng(1).uniform(4, 6, (5, model.plan.lookback))
    together = prediction.predict(model, past).values
    alone = prediction.predict(model, past[3:4]).values
    # Products of float32 are added in another order where there are more rows.
    np.testing.assert_allclose(alone[0], together[3], rtol=1e-6)


def test_larger_networks_read_fewer_windows_at_once(plan: Plan) -> None:
    wide = replace(plan, architecture=replace(plan.architecture, units=(4096,)))
    endless = replace(plan, architecture=replace(plan.architecture, units=(1 << 24,)))
    assert prediction.windows_at_once(wide) < prediction.windows_at_once(plan) <= prediction.MOST
    assert prediction.windows_at_once(endless) == prediction.FEWEST
