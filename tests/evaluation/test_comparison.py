"""The network beside its best rival: shares, the bootstrap, and the sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from forecast_cli.evaluation import NETWORK, Backtest, Comparison, compare, compare_with_best
from forecast_cli.evaluation import sentence as sentence_of

NAMES = {"naive": "naive", "drift": "drift"}


def a_backtest(errors: Any, rivals: Any, series: Any = None, **more: Any) -> Backtest:
    """Forecasts of one step whose absolute errors are these, of one series unless told otherwise."""
    network, naive = np.asarray(errors, float)[:, None], np.asarray(rivals, float)[:, None]
    index = np.zeros(len(network), np.int64) if series is None else np.asarray(series)
    _, first = np.unique(index, return_index=True)
    fields = {
        "series": index,
        "origin": np.arange(len(index)) - first[index],
        "actual": np.zeros_like(network),
        "forecasts": {NETWORK: network, "naive": naive},
        "bounds": {},
        "scales": np.ones(int(index.max()) + 1),
        **more,
    }
    return Backtest(**fields)


def test_shares_of_pairs_series_and_origins_by_hand() -> None:
    ours = a_backtest([1, 1, 4, 4], [2, 2, 3, 9], series=[0, 0, 1, 1])
    found = compare(ours, "naive", "mae")
    assert (found.pairs, found.won) == (4, 0.75)
    assert found.series_won == 1.0  # 1 against 2, and 4 against 6
    assert found.origins_won == 0.5  # 2.5 against 2.5, and 2.5 against 5.5
    assert (found.error, found.rival_error, found.difference) == (2.5, 4.0, -1.5)
    assert found.gain == pytest.approx(0.375)
    assert (found.low, found.high) == (None, None)  # two series are too few


def test_the_best_rival_is_the_one_with_the_smallest_error_and_mase_counts_where_there_is_one() -> (
    None
):
    ours = a_backtest([1, 1], [2, 2], scales=np.array([4.0]))
    ours.forecasts["drift"] = np.full((2, 1), 1.5)
    found = compare_with_best(ours)
    assert found is not None
    assert (found.rival, found.metric, found.error, found.rival_error) == (
        "drift",
        "mase",
        0.25,
        0.375,
    )
    without_scale = compare_with_best(replace(ours, scales=np.zeros(1)))
    assert without_scale is not None
    assert (without_scale.metric, without_scale.error) == ("mae", 1.0)


def test_nothing_known_is_no_comparison() -> None:
    ours = a_backtest([1, 1], [2, 2])
    ours.actual[:] = np.nan
    assert compare_with_best(ours) is None


def test_equal_differences_leave_the_bootstrap_no_choice() -> None:
    found = compare(a_backtest(np.ones(8), np.full(8, 3)), "naive", "mae")
    assert (found.low, found.high) == (-2, -2)
    assert found.is_certain


def test_the_bootstrap_interval_is_that_of_the_mean_and_the_same_each_time() -> None:
    random = np.random.default_rng(5)
    rivals = random.uniform(0, 2, 400)
    ours = a_backtest(np.ones(400), rivals, series=np.arange(400))
    found = compare(ours, "naive", "mae")
    assert found.low is not None
    assert found.high is not None
    usual = 1.96 * rivals.std() / np.sqrt(400)
    assert found.high - found.difference == pytest.approx(usual, rel=0.1)
    assert found.difference - found.low == pytest.approx(usual, rel=0.1)
    assert not found.is_certain
    assert compare(ours, "naive", "mae") == found


def test_series_are_drawn_whole_so_that_more_origins_of_them_add_no_certainty() -> None:
    by_series = np.array([0.0, 1, 2, 3, 4, 5])
    once = compare(a_backtest(by_series, np.full(6, 3), np.arange(6)), "naive", "mae")
    often = np.repeat(by_series, 50)
    many = compare(a_backtest(often, np.full(300, 3), np.repeat(np.arange(6), 50)), "naive", "mae")
    assert (many.low, many.high) == pytest.approx((once.low, once.high))


def test_origins_of_one_series_that_overlap_are_drawn_in_blocks() -> None:
    errors = np.repeat(np.random.default_rng(1).uniform(0, 2, 20), 5)
    ours = a_backtest(errors, np.ones(100))
    alone, blocks = (compare(each, "naive", "mae") for each in (ours, replace(ours, overlap=5)))
    assert alone.low is not None
    assert blocks.low is not None
    assert alone.difference - alone.low < 0.6 * (blocks.difference - blocks.low)
    few = compare(replace(ours, overlap=25), "naive", "mae")  # four blocks
    assert (few.low, few.high) == (None, None)


# -- in words ----------------------------------------------------------------------------------


def a_comparison(**more: Any) -> Comparison:
    fields: dict[str, Any] = {
        "rival": "naive", "metric": "mase", "pairs": 40, "won": 0.7, "series_won": 0.8,
        "origins_won": 1.0, "error": 0.8, "rival_error": 1.0, "difference": -0.2, "low": -0.3,
        "high": -0.1,
    }  # fmt: skip
    return Comparison(**{**fields, **more})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {},
            "The network's error is 20% below that of the naive forecast, the best of the others; "
            "it is smaller in 70% of 40 forecasts; the difference is larger than chance would explain.",
        ),
        (
            {"difference": 0.1, "low": -0.1, "high": 0.3},
            "The network's error is 10% above that of the naive forecast, the best of the others; "
            "it is smaller in 70% of 40 forecasts; the difference may be chance.",
        ),
        (
            {"difference": 0.001, "low": None, "high": None, "pairs": 1, "won": 0.0},
            "The network's error is level with the naive forecast, the best of the others; "
            "it is smaller in 0% of the one forecast; these are too few to say how certain that is.",
        ),
        ({"rival_error": 0.0}, "The naive forecast is perfect: a network is not worth it."),
    ],
)
def test_the_sentence(changes: dict[str, Any], text: str) -> None:
    assert sentence_of(a_comparison(**changes), NAMES) == text


def test_the_sentence_where_nothing_could_be_scored() -> None:
    assert sentence_of(None, NAMES) == (
        "No row could be scored, so nothing says whether the network is worth it."
    )
