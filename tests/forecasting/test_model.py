"""A model for another horizon, and for series that it does not know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import forecasting, store
from forecast_cli.errors import RunMismatchError
from forecast_cli.forecasting import Model
from forecast_cli.forecasting.model import scales_of
from forecast_cli.panel import from_series
from forecast_cli.scaling import SeriesScale


@pytest.fixture
def model(airline_store: Path) -> Model:
    return store.load(airline_store).model


def test_a_model_for_another_horizon_is_the_same_but_for_the_horizon(model: Model) -> None:
    longer = forecasting.extended(model, 15)
    base = model.plan.base
    if base is not None:  # it answers any number of steps at once
        base = replace(base, architecture=replace(base.architecture, outputs=15))
    assert longer.plan == replace(model.plan, horizon=15, base=base)
    assert longer.members is model.members


def test_past_covariates_cannot_be_known_beyond_the_horizon(model: Model) -> None:
    with_past = replace(model, covariates=(("price=high",), (), ()))
    assert forecasting.extended(with_past, 6).plan.horizon == 6
    with pytest.raises(RunMismatchError) as caught:
        forecasting.extended(with_past, 15)
    assert caught.value.message == (
        "the run was trained for 12 steps, and to be rolled forward it would have to know "
        "'price' beyond the last row"
    )
    assert caught.value.hint == "use --horizon 12 or less, or train with --horizon 15"
    assert (caught.value.option, caught.value.column) == ("horizon", "price")


def test_a_new_series_brings_its_own_scale_and_a_known_one_keeps_that_of_the_training(
    model: Model,
) -> None:
    known = replace(
        model,
        plan=replace(model.plan, normalization="minmax"),
        ids=("a", "b"),
        scale=SeriesScale(np.array([0.0, 10.0]), np.array([1.0, 20.0])),
    )
    panel = from_series([np.array([7.0, 9.0]), np.array([100.0, 300.0])], ids=["b", "new"])
    scale, positions = scales_of(panel, known)
    assert positions.tolist() == [1, 2]
    assert scale.zero.tolist() == [0, 10, 100]
    assert scale.one.tolist() == [1, 20, 300]
