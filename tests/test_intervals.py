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


def test_levels_that_few_residuals_cannot_tell_are_no_narrower_than_lower_ones() -> None:
    for windows in (1, 3, 20, 250):
        residuals = np.random.default_rng(2).normal(0, 1, (windows, 4))
        before = np.zeros(4)
        for level in (50.0, 80.0, 95.0, 99.0, 99.9, 99.999):
            low, high = intervals.bounds(residuals, level)
            assert (low < 0).all()
            assert (np.minimum(-low, high) >= before).all()
            before = np.minimum(-low, high)


def test_a_step_needs_a_residual_in_each_tail_of_a_level() -> None:
    assert [intervals.enough(level) for level in (80.0, 95.0, 99.0, 99.9)] == [200, 200, 200, 1999]


def test_symmetric_intervals_reach_as_far_up_as_down() -> None:
    residuals = np.random.default_rng(1).normal(0.3, 1, (999, 3))
    low, high = intervals.bounds(residuals, 80.0, symmetric=True)
    assert (low == -high).all()
    assert high.tolist() == np.sort(np.abs(residuals), axis=0)[799].tolist()


def test_errors_that_grow_with_the_noise_are_found_to_do_so() -> None:
    random = np.random.default_rng(1)
    noise = np.exp(random.normal(0, 1, 2000))
    for power in (0.0, 0.5, 1.0):
        residuals = random.normal(0, 1, (2000, 8)) * noise[:, None] ** power
        found, usual = intervals.noise_power(residuals, noise, 2000)
        assert found == pytest.approx(power, abs=0.05)
        assert usual == pytest.approx(1, abs=0.1)
    doubted, _ = intervals.noise_power(residuals, noise, 2)
    assert doubted < 0.25
    assert intervals.noise_power(residuals[:0], noise[:0], 0) == (0.0, 1.0)
    assert intervals.noise_power(residuals, np.ones(2000), 2000)[0] == 0.0


def test_noise_widens_tenfold_at_most() -> None:
    factors = intervals.noise_factors(np.array([0.0, 1.0, 2.0, 1e9]), 1.0, 2.0)
    assert factors.tolist() == [0.1, 0.5, 1.0, 10.0]
