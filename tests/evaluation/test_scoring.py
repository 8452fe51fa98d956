"""Scores on the held-out rows, and the sentence that says whether the network is worth it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import store
from forecast_cli.evaluation import metrics, scoring
from forecast_cli.forecasting import HeldOut
from forecast_cli.panel import Floats, Panel, from_series
from forecast_cli.planning import Plan
from forecast_cli.training import Fitted


@pytest.fixture
def plan(airline_store: Path) -> Plan:
    """Two held-out rows of monthly data, whose season is 2 steps long."""
    trained = store.load(airline_store).config.plan
    return replace(trained, validation=0, test=2, seasons=(2,))


def panel_of(*ends: list[float]) -> Panel:
    """Series that start with 1, 5, 2, 7, which the seasonal naive forecast misses by 1.5."""
    return from_series([np.array([1.0, 5.0, 2.0, 7.0, *end]) for end in ends])


def held_out(panel: Panel, forecast: Floats) -> HeldOut:
    """Forecasts of the last two rows of each series, one after the other."""
    count = len(panel)
    actual = np.concatenate([panel.values[end - 2 : end] for end in panel.offsets[1:]])
    return HeldOut(
        series=np.repeat(np.arange(count), 2),
        texts=["5", "6"] * count,
        cutoffs=["4", "4"] * count,
        actual=actual,
        forecast=forecast,
        seasonal_naive=np.tile([2.0, 7.0], count),
        naive=np.tile([7.0, 7.0], count),
        bounds={},
        members=np.empty((0, 2 * count)),
    )


def score(panel: Panel, plan: Plan, rows: HeldOut | None, **more: bool) -> dict[str, Any]:
    fitted = Fitted(folds=({},), history=(), best_epoch=3, steps=40)
    return scoring.score_training(panel, plan, [fitted], rows, 1, **more)


def test_scores_of_one_series_by_hand(plan: Plan) -> None:
    panel = panel_of([3.0, 9.0])
    test = score(panel, plan, held_out(panel, np.array([3.0, 8.0])))["test"]
    assert test["network"]["mae"] == 0.5
    assert test["network"]["rmse"] == pytest.approx(np.sqrt(0.5))
    assert test["network"]["smape"] == pytest.approx(100 / 17)
    assert test["network"]["mase"] == pytest.approx(0.5 / 1.5)
    assert test["seasonal_naive"]["mae"] == 1.5
    assert test["naive"]["mae"] == 3
    assert test["skill"] == pytest.approx({"seasonal_naive": 2 / 3, "naive": 5 / 6})
    assert (test["rows"], test["series"], test["season"]) == (2, 1, 2)


def test_each_series_counts_the_same_however_large_its_values_are(plan: Plan) -> None:
    panel = panel_of([3.0, 9.0], [3.0, 9.0])
    forecast = np.array([3.0, 8.0, 103.0, 109.0])
    test = score(panel, plan, held_out(panel, forecast))["test"]
    assert test["network"]["mae"] == pytest.approx((0.5 + 100) / 2)
    assert test["series"] == 2


def test_a_row_without_a_value_is_not_scored(plan: Plan) -> None:
    panel = panel_of([np.nan, 9.0])
    test = score(panel, plan, held_out(panel, np.array([1e9, 8.0])))["test"]
    assert test["network"]["mae"] == 1


@pytest.mark.parametrize(
    ("forecast", "verdict"),
    [
        (
            [3.0, 8.0],
            "On the 2 held-out rows the network's error is 67% below that of the seasonal naive "
            "forecast: it is worth it.",
        ),
        (
            [4.0, 7.0],
            "On the 2 held-out rows the network is no better than the seasonal naive forecast: "
            "it is not worth it.",
        ),
        (
            [6.0, 9.0],
            "On the 2 held-out rows the network is no better than the seasonal naive forecast: "
            "it is not worth it.",
        ),
        (
            [6.0, 6.0],
            "On the 2 held-out rows the network's error is 100% above that of the seasonal naive "
            "forecast: it is not worth it.",
        ),
    ],
)
def test_the_verdict_compares_with_the_best_naive_forecast(
    forecast: list[float], verdict: str, plan: Plan
) -> None:
    panel = panel_of([3.0, 9.0])
    assert score(panel, plan, held_out(panel, np.array(forecast)))["verdict"] == verdict


def test_nothing_is_claimed_where_a_naive_forecast_is_perfect(plan: Plan) -> None:
    panel = panel_of([2.0, 7.0])
    verdict = score(panel, plan, held_out(panel, np.array([2.0, 7.0])))["verdict"]
    assert verdict == (
        "On the 2 held-out rows the seasonal naive forecast is perfect: a network is not worth it."
    )


def test_nothing_is_claimed_without_a_row_to_score(plan: Plan) -> None:
    panel = panel_of([np.nan, np.nan])
    unscored = score(panel, plan, held_out(panel, np.zeros(2)))
    assert unscored["test"] is None
    assert unscored["verdict"] == (
        "No held-out row could be scored, so nothing says whether the network is worth it."
    )
    nothing_held_out = score(panel, replace(plan, test=0), None)
    assert nothing_held_out["verdict"] == (
        "Nothing was held out, so nothing says whether the network is worth it."
    )


def test_nothing_is_claimed_by_weights_that_have_seen_the_rows(plan: Plan) -> None:
    panel = panel_of([3.0, 9.0])
    rows = held_out(panel, np.array([3.0, 8.0]))
    assert score(panel, plan, rows, saw_held_out_rows=True)["verdict"] == (
        "The run that this one began with was trained on the held-out rows, "
        "so they do not say whether the network is worth it."
    )


def test_a_metric_of_the_table_is_scored_by_itself(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def largest(actual: Floats, forecast: Floats, scale: float) -> float:
        return float(np.nanmax(np.abs(actual - forecast)))

    monkeypatch.setitem(metrics.METRICS, "largest", metrics.Metric("largest", largest))
    panel = panel_of([3.0, 9.0])
    content = score(panel, plan, held_out(panel, np.array([3.0, 8.0])))
    assert content["test"]["network"]["largest"] == 1

    recorded = store.metrics_from(content).test
    assert recorded is not None
    assert recorded.network.value_of("largest") == 1
    assert recorded.as_dict() == content["test"]


def test_the_coverage_of_held_out_values_is_counted(plan: Plan) -> None:
    panel = panel_of([3.0, 9.0], [np.nan, 9.0])
    rows = held_out(panel, np.array([3.0, 8.0, 3.0, 8.0]))
    low, high = np.array([2.0, 7.0, 2.0, 7.0]), np.array([4.0, 8.5, 4.0, 9.0])
    nothing = np.full(4, np.nan)
    rows = replace(rows, bounds={80.0: (low, high), 95.0: (nothing, nothing)})
    found = score(panel, plan, rows)["intervals"]
    assert found["kind"] == "conformal"
    # Widths 2 and 1.5 + 10 * 0.5 of one series, 2 of the other, over their scale of 1.5.
    msis = (np.mean([2.0, 6.5]) + 2.0) / 2 / 1.5
    assert found["coverage"] == [
        {"level": 80.0, "values": 3, "held": 2, "msis": pytest.approx(msis)}
    ]
    assert score(panel, plan, None)["intervals"]["coverage"] is None
