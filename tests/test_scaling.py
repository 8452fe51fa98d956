from __future__ import annotations

import typing
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli import covariates, forecasting, scaling
from forecast_cli.choices import Normalization, Spread, Squash
from forecast_cli.forecasting import Model
from forecast_cli.network import Architecture, tensor_shapes
from forecast_cli.panel import Panel, from_series
from forecast_cli.planning import Plan

SEEDS = st.integers(0, 10_000)
NORMALIZATIONS = typing.get_args(Normalization)


def make_plan(
    architecture: Architecture, normalization: Normalization, lag: int, horizon: int
) -> Plan:
    return Plan(
        preset="auto", horizon=horizon, seasons=(), normalization=normalization, lag=lag, validation=0, test=0,
        architecture=architecture, short="fallback", calendar=False, zero_head=False, loss="mse", epochs=1, epoch_batches=1, patience=0, batch_size=8,
        learning_rate=1e-3, warmup=0, averaging=0.0, clip_norm=0.0, target_clip=0.0, seed=1, threads=1, refit=False, levels=(80.0,),
    )  # fmt: skip


def random_model(seed: int, normalization: Normalization, panel: Panel) -> Model:
    """A network with random weights, of one step or of the whole horizon."""
    random = np.random.default_rng(seed)
    horizon = int(random.integers(1, 7))
    rolled = normalization == "minmax"
    shape = Architecture(
        12, 1, int(random.choice([1, 3, 4])), (5, 3), 0.2, 1 if rolled else horizon,
        decoder="recursive" if rolled else "direct",
    )  # fmt: skip
    weights = {name: random.normal(0, 0.4, size) for name, size in tensor_shapes(shape).items()}
    scale = scaling.fit(panel.values, panel.offsets, panel.lengths, normalization)
    plan = make_plan(
        shape,
        normalization,
        0 if normalization in scaling.PER_SERIES else int(random.integers(1, 13)),
        horizon,
    )
    none = covariates.fit(panel, False, panel.lengths)
    return Model(plan, (weights,), panel.ids, scale, random.normal(0, 1, (20, horizon, 1)), none)


FRAMES = st.builds(
    scaling.Frame,
    kind=st.sampled_from(NORMALIZATIONS),
    lag=st.integers(1, 12),
    level_steps=st.integers(0, 15),
    spread=st.sampled_from(typing.get_args(Spread)),
    squash=st.sampled_from(typing.get_args(Squash)),
)


@given(SEEDS, FRAMES)
def test_undo_of_apply_is_the_identity(seed: int, frame: scaling.Frame) -> None:
    kind = frame.kind
    random = np.random.default_rng(seed)
    past, future = random.lognormal(2, 1, (6, 12)), random.lognormal(2, 1, (6, 5))
    values = np.concatenate([past, future], axis=1)
    offsets = np.arange(7) * values.shape[1]
    ends = scaling.fit(values.ravel(), offsets, np.full(6, values.shape[1]), kind)
    series = np.arange(6)
    z_past = scaling.transform(past, kind, ends, series[:, None])
    z_future = scaling.transform(future, kind, ends, series[:, None])
    scale = scaling.window_scale(z_past, 5, frame)
    again = scaling.answers(scaling.targets(z_future, scale), scale)
    assert np.allclose(scaling.restore(again, kind, ends, series), future, rtol=1e-9)


@given(SEEDS, st.floats(1e-3, 1e3))
def test_scaling_positive_data_scales_the_forecast(seed: int, factor: float) -> None:
    """Logs: a > 0 times the data is a times the forecast and its intervals."""
    panel = from_series([np.random.default_rng(seed).lognormal(1, 0.5, 40)])
    model = random_model(seed, "log", panel)
    once = forecasting.forecast(panel, model, (80.0,))
    again = forecasting.forecast(from_series([panel.values * factor]), model, (80.0,))
    assert np.allclose(again.values, once.values * factor, rtol=1e-8)
    assert np.allclose(again.bounds[80.0], np.array(once.bounds[80.0]) * factor, rtol=1e-8)


@given(SEEDS, st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_scaling_and_shifting_data_scales_and_shifts_the_forecast(
    seed: int, factor: float, shift: float
) -> None:
    """Spread: a times the data plus b is a times the forecast plus b."""
    panel = from_series([np.random.default_rng(seed).normal(0, 1, 40)])
    model = random_model(seed, "spread", panel)
    once = forecasting.forecast(panel, model, ())
    again = forecasting.forecast(from_series([panel.values * factor + shift]), model, ())
    assert np.allclose(
        again.values, once.values * factor + shift, atol=1e-6 * (factor + abs(shift))
    )


@given(SEEDS, st.sampled_from(NORMALIZATIONS), st.floats(0.01, 1e6))
def test_a_constant_is_forecast_as_the_constant(
    seed: int, kind: Normalization, value: float
) -> None:
    panel = from_series([np.full(30, value)])
    result = forecasting.forecast(panel, random_model(seed, kind, panel), (80.0,))
    assert np.allclose(result.values, value, rtol=1e-12)


@given(SEEDS, st.sampled_from(NORMALIZATIONS))
def test_bounds_lie_around_the_forecast_and_wider_levels_hold_narrower_ones(
    seed: int, kind: Normalization
) -> None:
    panel = from_series([np.random.default_rng(seed).lognormal(1, 0.5, 40)])
    result = forecasting.forecast(panel, random_model(seed, kind, panel), (50.0, 80.0, 95.0))
    chain = [result.bounds[95.0][0], result.bounds[80.0][0], result.bounds[50.0][0], result.values]
    chain += [result.bounds[50.0][1], result.bounds[80.0][1], result.bounds[95.0][1]]
    assert all((a <= b + 1e-9).all() for a, b in pairwise(chain))


def test_the_scale_of_a_series_sees_only_its_training_part() -> None:
    scale = scaling.fit(
        np.array([1.0, 2.0, 99.0, 5.0, 6.0, -99.0]), np.array([0, 3, 6]), np.array([2, 2])
    )
    assert scale.zero.tolist() == [1, 5]
    assert scale.one.tolist() == [2, 6]


def test_zeros_have_a_logarithm_where_the_training_had_small_values_or_not() -> None:
    values = np.array([10.0, 12.0, 11.0, 0.0, 10.0, 11.0])
    scale = scaling.fit(values, np.array([0, 3, 6]), np.array([3, 3]), "shifted-log")
    assert scale.zero == pytest.approx([-0.01 * 11, -0.1 * 10.5])
    logs = scaling.transform(np.zeros(2), "shifted-log", scale, np.array([0, 1]))
    assert np.isfinite(logs).all()


def test_the_level_is_the_mean_of_the_newest_steps_and_the_spread_measured_from_it() -> None:
    past = np.array([[0.0, 0.0, 4.0, 8.0]])
    frame = scaling.Frame("spread", lag=1, level_steps=2, spread="absolute")
    scale = scaling.window_scale(past, 2, frame)
    assert scale.level.tolist() == [6]
    assert scale.spread == pytest.approx([(6 + 6 + 2 + 2) / 4 + 1e-3 * 3])
    root = scaling.window_scale(past, 2, scaling.Frame("log", 1, 2, "root"))
    assert root.spread == pytest.approx([2.0])


def test_squashed_targets_grow_like_logarithms() -> None:
    past = np.array([[-1.0, 1.0, -1.0, 1.0]])
    plain, squashed = (
        scaling.window_scale(past, 1, scaling.Frame("spread", 1, 2, "deviation", squash))
        for squash in typing.get_args(Squash)
    )
    wild = np.array([[1e6]])
    assert scaling.targets(wild, plain)[0, 0] > 9e5
    assert scaling.targets(wild, squashed)[0, 0] < 15


def test_the_reference_is_the_value_one_season_earlier() -> None:
    past = np.arange(8.0)[None]
    assert scaling.window_scale(past, 5, scaling.Frame("spread", 4)).reference.tolist() == [
        [4, 5, 6, 7, 4]
    ]
    assert scaling.window_scale(past, 3, scaling.Frame("spread", 1)).reference.tolist() == [
        [7, 7, 7]
    ]


def test_logs_of_values_that_are_not_positive_are_refused_with_the_place() -> None:
    from forecast_cli.errors import RunMismatchError

    panel = from_series([np.arange(1.0, 41.0), np.arange(1.0, 41.0)], ids=["a", "b"])
    model = random_model(1, "log", panel)
    panel.values[-2] = -3.5
    with pytest.raises(RunMismatchError, match=r"^series 'b': the value -3.5 at 38 is negative"):
        forecasting.forecast(panel, model, ())
