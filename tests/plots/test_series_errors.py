from __future__ import annotations

import numpy as np
from matplotlib.patches import StepPatch

from forecast_cli.evaluation import NETWORK, Backtest
from forecast_cli.plots import series_errors


def a_backtest(count: int) -> Backtest:
    random = np.random.default_rng(1)
    actual = random.normal(50, 9, (count, 6))
    return Backtest(
        series=np.arange(count),
        origin=np.zeros(count, np.int64),
        actual=actual,
        forecasts={NETWORK: actual + 1, "naive": actual + 3},
        bounds={},
        scales=np.ones(count),
    )


def _count(stairs: StepPatch) -> int:
    """How many series are in the stairs."""
    counts, *_ = stairs.get_data()
    return int(np.sum(counts))


def test_every_series_is_counted_once_for_each_method() -> None:
    axes = series_errors.figure(a_backtest(50), "mase").axes[0]
    stairs = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
    assert {_count(patch) for patch in stairs} == {50}
    labels = [patch.get_label() for patch in stairs]
    assert "this network" in labels
    assert "naive" in labels
    assert axes.get_xlabel() == "MASE of a series"


def test_a_few_series_with_large_errors_do_not_flatten_the_others() -> None:
    result = a_backtest(1_000)
    result.forecasts["naive"][0] += 1e9
    axes = series_errors.figure(result, "mase").axes[0]
    assert axes.get_xlim()[1] < 10


def test_series_without_an_error_are_left_out_and_perfect_ones_drawn() -> None:
    result = a_backtest(30)
    result.forecasts["naive"][:] = result.actual
    result.forecasts[NETWORK][:] = result.actual
    result.actual[:3] = np.nan
    stairs = series_errors.figure(result, "mae").axes[0].patches[0]
    assert isinstance(stairs, StepPatch)
    assert _count(stairs) == 27
