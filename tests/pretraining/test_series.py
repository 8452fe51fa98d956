"""Laws of the synthetic series that the base network has learned from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator, default_rng

from forecast_cli.panel import Floats
from pretraining import series
from pretraining.series import CYCLES, MOST_AHEAD, MOST_SEASONS, SEASON_SHARES, SEASONS, draw

MANY = 4_000  # series, of which a share is known to some percent
Part = Callable[[Generator, tuple[int, int], int], Floats]


def flat(values: Floats) -> Floats:
    return values.reshape(len(values), -1)


# -- batches -----------------------------------------------------------------------------------


@given(st.integers(0, 100_000))
@settings(max_examples=60)
def test_a_batch_is_finite_in_single_precision_and_of_the_stated_shape(seed: int) -> None:
    batch = draw(default_rng(seed), 16)
    count, total, season = batch.values.shape
    assert count == 16
    assert batch.values.dtype == np.float32
    assert season in SEASONS
    assert 2 <= batch.seasons <= MOST_SEASONS
    assert 1 <= batch.ahead <= MOST_AHEAD
    assert total - batch.ahead >= max(batch.seasons, batch.cycle)
    assert not np.isinf(batch.values).any()
    assert np.nanmax(np.abs(batch.values)) < 1e5


@given(st.integers(0, 100_000))
@settings(max_examples=60)
def test_gaps_are_in_the_history_alone_and_leave_two_seasons(seed: int) -> None:
    batch = draw(default_rng(seed), 32)
    history, future = np.split(batch.values, [batch.values.shape[1] - batch.ahead], axis=1)
    assert not np.isnan(future).any()
    known = (~np.isnan(flat(history))).sum(axis=1)
    assert (known >= 2 * history.shape[2]).all()


@given(st.integers(0, 100_000))
@settings(max_examples=20)
def test_equal_seeds_give_equal_bytes_and_others_do_not(seed: int) -> None:
    first, second, other = (draw(default_rng(each), 8) for each in (seed, seed, seed + 1))
    assert first.values.tobytes() == second.values.tobytes()
    assert (first.seasons, first.ahead, first.cycle) == (
        second.seasons,
        second.ahead,
        second.cycle,
    )
    assert first.values.tobytes() != other.values.tobytes()


def test_seasons_horizons_and_longer_seasons_come_in_their_shares() -> None:
    batches = [draw(default_rng((5, number)), 1) for number in range(1_500)]
    lengths = np.array([batch.values.shape[2] for batch in batches])
    for season, share in zip(SEASONS, SEASON_SHARES, strict=True):
        assert abs((lengths == season).mean() - share) < 0.04

    ahead = np.array([batch.ahead for batch in batches])
    assert abs((ahead == 1).mean() - 0.3) < 0.04
    assert abs((ahead == MOST_AHEAD).mean() - 0.08) < 0.02

    # Of days, three of four batches and a few more have a week, of which most are told.
    cycles = np.array([batch.cycle for batch in batches])
    of_days = cycles[lengths == 24]
    assert abs((of_days > 0).mean() - (0.75 + 0.25 * 0.1) * series.TOLD) < 0.05
    assert abs((of_days == 7).mean() - 0.75 * 2 / 3 * series.TOLD) < 0.05
    assert set(CYCLES[24]) <= set(of_days.tolist())


def test_most_series_have_no_gaps_and_a_quarter_begins_later() -> None:
    whole = np.zeros((MANY, 10, 12), np.float32)
    missing = np.isnan(flat(series.with_gaps(default_rng(1), whole)))
    assert 0.55 < (~missing.any(axis=1)).mean() < 0.7
    first = ~missing[:, 0]
    assert abs(first.mean() - 0.76) < 0.04
    assert np.array_equal(whole, np.zeros_like(whole)), "the argument is not written to"


def test_a_third_of_the_series_multiplies_and_a_few_are_counts() -> None:
    random = default_rng(1)
    shape = (MANY, 6, 12)
    added = np.full(shape, -1.0, np.float32)
    zeros = np.zeros((MANY, 72), np.float32)
    product = series.multiplied(random, added, zeros.reshape(shape), zeros.reshape(shape), zeros)
    is_product = (product == 1).all(axis=(1, 2))
    assert ((product == -1).all(axis=(1, 2)) | is_product).all()
    assert abs(is_product.mean() - 0.35) < 0.03

    normal = series.normal(random, shape)
    bent = series.bent(random, normal.copy())
    is_same = (bent == normal).all(axis=(1, 2))
    is_count = (bent == np.round(bent)).all(axis=(1, 2)) & (bent >= 0).all(axis=(1, 2))
    assert abs(is_same.mean() - 0.82) < 0.03
    assert abs(is_count.mean() - 0.08) < 0.02


# -- parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part", [series.walk, series.drift, series.bends, series.wandering], ids=lambda p: p.__name__
)
def test_parts_of_the_level_are_in_single_precision(part: Part) -> None:
    values = part(default_rng(1), (5, 48), 12)
    assert values.shape == (5, 48)
    assert values.dtype == np.float32
    assert np.isfinite(values).all()


@pytest.mark.parametrize("season", [4, 12, 24])
def test_a_walk_moves_by_one_deviation_in_a_season(season: int) -> None:
    walked = series.walk(default_rng(1), (MANY, 6 * season), season)
    moved = walked[:, season:] - walked[:, :-season]
    assert abs(moved.std() - 1) < 0.03
    assert abs(moved.mean()) < 0.05


@pytest.mark.parametrize("season", [4, 12, 24])
def test_the_slope_of_a_drift_moves_by_one_deviation_in_a_season(season: int) -> None:
    drifted = series.drift(default_rng(1), (MANY, 6 * season), season)
    slope = np.diff(drifted, axis=1) * season
    assert abs((slope[:, season:] - slope[:, :-season]).std() - 1) < 0.03


@pytest.mark.parametrize("memory", [0.0, 0.3, 0.6, 0.9])
def test_noise_remembers_as_much_as_is_stated_and_keeps_its_deviation(memory: float) -> None:
    random = default_rng(1)
    noise = series.normal(random, (300, 900))
    kept = series.autoregressive(noise, np.full((300, 1), memory, np.float32))[:, 100:]
    assert kept.dtype == np.float32
    assert abs(kept.std() - 1) < 0.03
    for lag in (1, 2):
        correlation = (kept[:, lag:] * kept[:, :-lag]).mean() / kept.var()
        assert abs(correlation - memory**lag) < 0.02


@given(st.sampled_from(SEASONS), st.integers(0, 1_000))
@settings(max_examples=30)
def test_one_season_has_mean_zero_and_deviation_one(season: int, seed: int) -> None:
    shapes = series.one_season(default_rng(seed), (50, 3, season))
    assert np.abs(shapes.mean(axis=1)).max() < 1e-4
    deviation = shapes.std(axis=1)
    assert (deviation < 1.0001).all()
    assert np.median(deviation) > 0.97


def test_a_wandering_level_is_smooth_and_of_deviation_one() -> None:
    wandered = series.wandering(default_rng(1), (MANY, 96), 12)
    assert abs(wandered.std() - 1) < 0.05
    assert np.diff(wandered, axis=1).std() < 0.2


def test_a_level_shifts_at_most_twice_and_in_a_quarter_of_the_series() -> None:
    shifted = series.shifts(default_rng(1), (MANY, 100))
    times = (np.diff(shifted, axis=1) != 0).sum(axis=1)
    assert times.max() == 2
    assert abs((times > 0).mean() - (1 - 0.8 * 0.94)) < 0.03


def test_a_bend_is_one_change_of_the_slope() -> None:
    bent = series.bends(default_rng(1), (200, 100), 12)
    turns = np.abs(np.diff(bent, n=2, axis=1)) > 1e-4
    assert turns.sum(axis=1).max() == 1


def test_what_is_switched_on_has_two_levels() -> None:
    phase = (np.arange(24, dtype=np.float32) / 24)[None]
    switched = series.switched(default_rng(1), 300, phase)
    assert {len(np.unique(row)) for row in switched} == {2}
    is_off = (switched == 0).mean(axis=1)
    assert (is_off > 0.25).all()
    assert (is_off < 0.85).all()


def test_seasons_are_strong_or_weak_but_never_negative() -> None:
    strength = series.amplitudes(default_rng(1), (500, 10, 12))
    assert strength.shape == (500, 10, 1)
    assert (strength > 0).all()
    assert abs((strength == 1).all(axis=(1, 2)).mean() - 0.5) < 0.06


@pytest.mark.parametrize("cycle", [4, 7])
def test_a_longer_season_comes_back(cycle: int) -> None:
    random, shape = default_rng(1), (200, 4 * cycle, 6)
    added = series.longer_season(random, shape, cycle)
    assert np.abs(added[:, cycle:] - added[:, :-cycle]).max() < 1e-3

    regular = np.repeat(series.one_season(random, shape)[:, None], 4 * cycle, axis=1)
    shaped = series.in_cycle(random, regular, cycle)
    assert np.abs(shaped[:, cycle:] - shaped[:, :-cycle]).max() < 1e-3
    differs = np.abs(shaped[:, 1:] - shaped[:, :-1]).max(axis=(1, 2)) > 0.01
    assert 0.5 < differs.mean() < 1
