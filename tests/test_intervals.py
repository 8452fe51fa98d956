from __future__ import annotations

import numpy as np
import pytest

from forecast_cli import intervals


@pytest.mark.parametrize("windows", [15, 60, 1000])
@pytest.mark.parametrize("level", [50.0, 80.0, 95.0])
def test_intervals_hold_what_they_promise_on_fresh_residuals(windows: int, level: float) -> None:
    random = np.random.default_rng(7)
    growth = np.linspace(1, 3, 12)
    covered = []
    for _ in range(40):
        low, high = intervals.bounds(random.normal(0, growth, (windows, 12)), level)
        fresh = random.normal(0, growth, (400, 12))
        covered.append(np.mean((fresh >= low) & (fresh <= high)))
    assert np.mean(covered) * 100 == pytest.approx(level, abs=3)


def test_few_residuals_widen_with_the_step_and_never_narrow() -> None:
    low, high = intervals.bounds(
        np.random.default_rng(1).normal(0, np.linspace(1, 4, 8), (20, 8)), 80.0
    )
    assert (np.diff(high) >= 0).all()
    assert (low == -high).all()
    assert high[-1] > 1.5 * high[0]


def test_without_residuals_the_bounds_are_missing_not_zero() -> None:
    low, high = intervals.bounds(np.empty((0, 3)), 80.0)
    assert np.isnan([low, high]).all()
