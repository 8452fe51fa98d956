"""Laws of networks that read whole seasons, which hold for any weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_cli.network import Architecture, Seasons, forward, inference, tensor_shapes
from forecast_cli.network.modules import Seasonal, weights_of
from forecast_cli.network.seasons import (
    POINTS,
    frame,
    known_seasons,
    to_points,
    to_steps,
    without_outliers,
)
from forecast_cli.panel import Floats
from tests.network.strategies import random_weights

NAN = float("nan")
QUANTILES = (0.1, 0.5, 0.9)
READ, AHEAD = 4, 3
STEPS = (1, 3, 12, 48, 8_760)  # of a season
BATCH = 5


def reading_seasons(steps: int, cycle: int = 0) -> Architecture:
    """A small network of some weights, the last season ahead of which is not whole."""
    return Architecture(
        lookback=max(READ, cycle + 2) * steps,
        inputs=1,
        segment=1,
        units=(6, 5),
        dropout=0.1,
        outputs=AHEAD * steps - (steps > 2),
        quantiles=QUANTILES,
        by_season=Seasons(steps, READ, cycle),
    )


def windows_of(shape: Architecture, seed: int = 1) -> Floats:
    """(B, lookback, 1) a season and noise on some level, in units of a spread."""
    random = np.random.default_rng(seed)
    steps = shape.season_steps
    time = np.arange(shape.lookback)
    size, level = random.uniform(0.2, 2, (2, BATCH, 1))
    values = level + size * np.sin(2 * np.pi * time / steps + size) + 0.1 * level * time / steps
    windows: Floats = (values + random.normal(0, 0.3, values.shape))[:, :, None]
    return windows


def with_gaps(x: Floats, shape: Architecture, seed: int = 1) -> Floats:
    """A fifth is missing, but something is known of each window's first season that is read."""
    random = np.random.default_rng(seed)
    holed = np.where(random.random(x.shape) < 0.2, NAN, x)
    first = -READ * shape.season_steps
    holed[:, first] = x[:, first]
    return holed


# -- seasons and points ------------------------------------------------------------------------


@given(st.integers(1, POINTS), st.integers(0, 1_000))
def test_steps_of_a_short_season_come_back_from_its_points(steps: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(2, 3, steps))
    assert np.abs(to_steps(to_points(values), steps) - values).max() < 1e-12


@given(st.integers(POINTS, 10_000), st.integers(0, 1_000))
def test_points_come_back_from_the_steps_of_a_long_season(steps: int, seed: int) -> None:
    points = np.random.default_rng(seed).normal(size=(2, 3, POINTS))
    assert np.abs(to_points(to_steps(points, steps)) - points).max() < 1e-11


@pytest.mark.parametrize("steps", [1, 3, 12, 24, 25, 48, 168, 8_760])
def test_a_straight_season_stays_straight_in_points(steps: int) -> None:
    """The points stand for equal parts of the season, from its first step to its last."""
    middle = (np.arange(steps) + 0.5) / steps
    points = to_points(middle[None])[0]
    assert (np.diff(points) >= 0).all()
    assert np.abs(points - (np.arange(POINTS) + 0.5) / POINTS).max() <= 0.5 / min(steps, POINTS)


def test_a_point_is_the_mean_of_its_steps_that_are_known() -> None:
    values = np.arange(48.0)
    values[[0, 4, 5]] = NAN
    points = to_points(values)
    assert points[:4].tolist()[:2] == [1.0, 2.5]
    assert np.isnan(points[2])
    assert points[3] == 6.5


@pytest.mark.parametrize(
    ("known", "most", "count"),
    [
        ([0, 0, 0, 0], 4, 2),
        ([0, 0, 0, 1], 4, 2),
        ([0, 1, 0, 1], 4, 3),
        ([1, 0, 0, 0], 4, 4),
        ([1, 1, 1, 1], 3, 3),
        ([1], 1, 1),
    ],
)
def test_seasons_count_from_the_first_of_which_something_is_known(
    known: list[int], most: int, count: int
) -> None:
    history = np.full((1, len(known), 3), NAN)
    history[0, np.array(known) > 0, 1] = 7.0
    assert known_seasons(history, most).tolist() == [count]


# -- forecasts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cycle", [0, 3])
@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize(
    ("factor", "level"), [(1.0, 1e9), (1e9, 0.0), (1e-9, 0.0), (1e-9, 1.0), (1e9, -1e9)]
)
def test_a_forecast_moves_and_stretches_with_its_window(
    steps: int, cycle: int, factor: float, level: float
) -> None:
    shape = reading_seasons(steps, cycle)
    weights, x = random_weights(shape), windows_of(shape)
    expected = factor * forward(shape, weights, x) + level
    moved = forward(shape, weights, factor * x + level)
    smallest = 1e-13 * abs(level) + 1e-9 * factor  # what the rounding of the window leaves
    assert np.abs(moved - expected).max() < 100 * smallest


@pytest.mark.parametrize("cycle", [0, 3])
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("steps", STEPS)
def test_numpy_and_torch_agree_on_seasons(steps: int, gaps: bool, cycle: int) -> None:
    shape = reading_seasons(steps, cycle)
    torch.manual_seed(steps)
    network = Seasonal(shape, zero_head=False).eval()
    weights = weights_of(network)
    assert {name: values.shape for name, values in weights.items()} == tensor_shapes(shape)

    x = windows_of(shape)
    x = with_gaps(x, shape) if gaps else x
    with torch.no_grad():
        answered = network(torch.from_numpy(x.astype(np.float32))).numpy()
    assert answered.shape == (BATCH, shape.outputs, len(QUANTILES))
    assert np.abs(forward(shape, weights, x) - np.sort(answered, axis=2)).max() < 1e-4


@given(st.sampled_from([1, 3, 12, 30]), st.sampled_from([0, 3]), st.integers(0, 10_000))
@settings(max_examples=40)
def test_a_window_is_forecast_alone_as_in_any_batch(steps: int, cycle: int, seed: int) -> None:
    """Also where the others know less of their past than it does."""
    shape, random = reading_seasons(steps, cycle), np.random.default_rng(seed)
    weights, x = random_weights(shape), windows_of(shape, seed)
    for row in range(BATCH):
        x[row, : random.integers(0, shape.lookback - 2 * steps + 1)] = NAN
    together = forward(shape, weights, x)
    for row in range(BATCH):
        alone = forward(shape, weights, x[row : row + 1])
        assert np.abs(alone[0] - together[row]).max() < 1e-10


def test_many_windows_are_forecast_as_few_to_single_precision() -> None:
    shape = reading_seasons(12)
    weights, x = random_weights(shape), windows_of(shape)
    many = np.concatenate([x] * (inference.FEW_WINDOWS // BATCH + 1))
    assert len(many) > inference.FEW_WINDOWS
    difference = forward(shape, weights, many)[-BATCH:] - forward(shape, weights, x)
    assert 0 < np.abs(difference).max() < 1e-3


@given(
    st.sampled_from([1, 3, 7, 30]),
    st.sampled_from([0, 2, 5]),
    st.floats(0, 1),
    st.integers(0, 10_000),
)
@settings(max_examples=80)
def test_whatever_is_missing_the_forecast_is_finite(
    steps: int, cycle: int, share: float, seed: int
) -> None:
    shape, random = reading_seasons(steps, cycle), np.random.default_rng(seed)
    x = windows_of(shape, seed)
    x[random.random(x.shape) < share] = NAN
    x[0] = NAN
    assert np.isfinite(forward(shape, random_weights(shape), x)).all()


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -7.3, 1e9, 1e-9])
@pytest.mark.parametrize("steps", STEPS)
def test_a_constant_stays_constant(steps: int, value: float) -> None:
    shape = reading_seasons(steps, cycle=3)
    x = np.full((2, shape.lookback, 1), value)
    x[1, ::3] = NAN
    forecast = forward(shape, random_weights(shape), x)
    assert np.abs(forecast - value).max() <= 1e-12 * abs(value)


@pytest.mark.parametrize("steps", STEPS)
def test_quantiles_never_cross(steps: int) -> None:
    shape = reading_seasons(steps, cycle=3)
    weights = random_weights(shape, seed=3)
    assert (np.diff(forward(shape, weights, windows_of(shape)), axis=2) >= 0).all()


def one_series(count: int = 120, seed: int = 1) -> Floats:
    random = np.random.default_rng(seed)
    values = 50 + 10 * np.sin(2 * np.pi * np.arange(count) / 7) + random.normal(0, 1, count)
    return values[None]


@pytest.mark.parametrize("size", [500.0, -500.0, 1e6, 1e12])
def test_a_single_outlier_is_not_read_unless_it_is_among_the_newest_steps(size: float) -> None:
    past = one_series()
    past[0, 40] = size
    cleaned = without_outliers(past, 7)
    assert np.flatnonzero(np.isnan(cleaned)).tolist() == [40]
    assert past[0, 40] == size

    past = one_series()
    past[0, -3] = size
    assert np.array_equal(without_outliers(past, 7), past)


def test_what_is_no_single_outlier_stays() -> None:
    every = [one_series(seed=seed)[0] for seed in range(5)]
    every[1][::30] = 500  # comes back
    every[2][-30:] += 1_000  # a new level
    every[3] = np.where(np.arange(120) % 40 == 5, 9.0, 0.0)  # counts
    every[4][40] = 90  # far, but not far outside
    past = np.array(every)
    assert np.array_equal(without_outliers(past, 7), past)


@given(st.integers(0, 10_000), st.sampled_from([(1e9, 3.0), (1e-6, 0.0), (-2.0, 5.0)]))
@settings(max_examples=30)
def test_outliers_are_the_same_on_any_scale_and_in_any_batch(
    seed: int, scale: tuple[float, float]
) -> None:
    random, (factor, level) = np.random.default_rng(seed), scale
    past = random.standard_t(1.5, (6, 200))
    past[random.random(past.shape) < 0.1] = NAN
    missing = np.isnan(without_outliers(past, 7))
    assert np.array_equal(np.isnan(without_outliers(factor * past + level, 7)), missing)
    assert np.array_equal(np.isnan(without_outliers(past[2:3], 7)), missing[2:3])


def test_no_step_before_the_cycle_and_the_seasons_that_are_read_counts() -> None:
    """Of 8 seasons, 4 are read, and the newest longer season of 3 lies among them."""
    history = np.random.default_rng(1).normal(size=(2, 8, 12))
    other = history.copy()
    other[:, :4] += 100
    for first, second in zip(parts(frame(history, 4, 2)), parts(frame(other, 4, 2)), strict=True):
        assert np.array_equal(first, second)


def test_the_season_a_cycle_ago_is_what_the_network_is_told() -> None:
    history = np.random.default_rng(1).normal(size=(1, 9, POINTS))
    framed = frame(history, 4, 5, cycle=3)
    told = np.sinh(framed.inputs[0, :, 2 * POINTS : 3 * POINTS]) * framed.spread[0]
    told += framed.level[0]
    # The outputs are about seasons 6 to 8, which are read, and about 9 to 13, which lie ahead.
    expected = [3, 4, 5, 6, 7, 8, 6, 7]
    assert np.abs(told - history[0, expected]).max() < 1e-12


def parts(framed: Any) -> list[Floats]:
    return [getattr(framed, name) for name in framed.__dataclass_fields__]
