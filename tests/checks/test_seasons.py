"""The strength of a season: laws, and its definition written out."""

from __future__ import annotations

import numpy as np
import pytest

from forecast_cli.checks.seasons import strength, strengths

T = np.arange(400)


def test_strength_is_one_for_a_season_alone_and_near_zero_for_noise() -> None:
    season = np.tile([1.0, 5.0, 2.0, 8.0, 3.0, 0.0, 4.0], 20)
    assert strength(season + 0.5 * np.arange(140), 7) == pytest.approx(1)
    noise = np.random.default_rng(1).normal(size=(200, 28))
    measured = [strength(row, 7) for row in noise]
    assert np.median([m for m in measured if m is not None]) < 0.15
    assert strength(np.full(100, 3.0), 7) is None
    assert strength(season[:20], 7) is None
    assert strength(np.full(100, np.nan), 7) is None


@pytest.mark.parametrize("season", [2, 7, 12, 24])
def test_strength_is_that_of_its_definition(season: int) -> None:
    """1 - var(remainder) / var(detrended), with a plain moving average and unbiased variances."""
    values = np.random.default_rng(season).normal(size=8 * season) + 3 * np.sin(
        2 * np.pi * np.arange(8 * season) / season
    )
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    trend = np.convolve(values, weights / season, "valid")
    half = len(weights) // 2
    detrended = values[half:-half] - trend
    remainder = detrended - np.array(
        [detrended[k % season :: season].mean() for k in range(len(detrended))]
    )
    unbiased = (remainder**2).sum() / (len(detrended) - season)
    assert strength(values, season) == pytest.approx(max(0.0, 1 - unbiased / detrended.var(ddof=1)))


def test_strength_does_not_change_with_scale_or_level() -> None:
    values = np.sin(T / 7 * 2 * np.pi) + np.random.default_rng(2).normal(size=400)
    assert strength(1e6 * values + 1e9, 7) == pytest.approx(strength(values, 7), rel=1e-6)


def test_a_long_season_is_measured_in_what_the_short_ones_leave() -> None:
    days = np.arange(24 * 7 * 8)
    daily, weekly = np.sin(2 * np.pi * days / 24), np.where(days // 24 % 7 >= 5, -1.0, 0.0)
    noise = np.random.default_rng(0).normal(0, 0.1, len(days))
    assert strengths(daily + noise, (24, 168)) == pytest.approx([0.98, 0], abs=0.02)
    assert strengths(weekly + noise, (24, 168)) == pytest.approx([0, 0.95], abs=0.02)
    assert min(s for s in strengths(daily + weekly + noise, (24, 168)) if s is not None) > 0.9
    assert strengths(daily[:48] + noise[:48], (24, 168)) == [None, None]
