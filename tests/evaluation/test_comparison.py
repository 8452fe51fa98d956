"""Whether the network is better than its best rival, and how certain that is."""

from __future__ import annotations

import numpy as np

from forecast_cli.evaluation import Backtest, compare_with_best, sentence

NAMES = {"naive": "naive", "drift": "drift"}


def backtest(error: float, *, origins: int = 40, scatter: float = 0.0) -> Backtest:
    """Forecasts of zeros from `origins` origins: the naive one is off by 2, drift by 3."""
    random = np.random.default_rng(1)
    zeros = np.zeros((origins, 2))
    return Backtest(
        series=np.zeros(origins, np.int64),
        origin=np.arange(origins),
        actual=zeros,
        forecasts={
            "network": zeros + error + random.normal(0, scatter, (origins, 1)),
            "naive": zeros + 2,
            "drift": zeros - 3,
        },
        bounds={},
        scales=np.array([4.0]),
    )


def test_the_rival_is_the_one_with_the_smallest_error() -> None:
    comparison = compare_with_best(backtest(1.5))
    assert comparison is not None
    assert (comparison.rival, comparison.metric, comparison.pairs) == ("naive", "mase", 40)
    assert (comparison.error, comparison.rival_error) == (1.5 / 4, 2 / 4)
    assert (comparison.won, comparison.gain) == (1, 0.25)


def test_a_difference_that_is_always_the_same_is_certain() -> None:
    comparison = compare_with_best(backtest(1.5))
    assert comparison is not None
    assert (comparison.low, comparison.high) == (-0.125, -0.125)
    assert comparison.is_certain


def test_a_difference_much_smaller_than_its_scatter_is_not_certain() -> None:
    comparison = compare_with_best(backtest(2.0, scatter=0.5))
    assert comparison is not None
    assert comparison.low is not None
    assert comparison.high is not None
    assert comparison.low < 0 < comparison.high
    assert not comparison.is_certain


def test_four_origins_say_nothing_about_certainty() -> None:
    comparison = compare_with_best(backtest(1.5, origins=4))
    assert comparison is not None
    assert comparison.low is None
    assert not comparison.is_certain
    assert "too few origins to say how certain that is" in sentence(comparison, NAMES)


def test_without_a_row_to_score_there_is_no_comparison() -> None:
    nothing = backtest(1.5)
    nothing.actual[:] = np.nan
    with np.errstate(invalid="ignore"):
        comparison = compare_with_best(nothing)
    assert comparison is None
    assert sentence(comparison, NAMES) == (
        "No row could be scored, so nothing says whether the network is worth it."
    )
