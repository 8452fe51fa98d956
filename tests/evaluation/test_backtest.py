"""Scores of a backtest: by hand, and as a well-kept library computes them."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest
import utilsforecast.losses as theirs

from forecast_cli.evaluation import (
    NETWORK,
    Backtest,
    By,
    interval_scores_by,
    interval_summary,
    mase_scale,
    metrics,
    scores_by,
    summary,
)

NAN = float("nan")
SERIES, ORIGINS, STEPS, SEASON, LEVEL = 4, 3, 5, 3, 80


def a_backtest(actual: object, forecast: object, **more: object) -> Backtest:
    """Of one series unless told otherwise, an origin a row."""
    values = np.asarray(actual, float)
    count = len(values)
    fields = {
        "series": np.zeros(count, np.int64),
        "origin": np.arange(count),
        "actual": values,
        "forecasts": {NETWORK: np.asarray(forecast, float)},
        "bounds": {},
        "scales": np.ones(1),
        **more,
    }
    return Backtest(**fields)  # type: ignore[arg-type]


def random_backtest() -> tuple[Backtest, pd.DataFrame, pd.DataFrame]:
    """The same forecasts for us and for them, and the rows before the first origin."""
    random = np.random.default_rng(8)
    history = random.normal(50, 9, (SERIES, 20))
    shape = (SERIES * ORIGINS, STEPS)
    actual, forecast = random.normal(50, 9, shape), random.normal(50, 9, shape)
    low = forecast - random.uniform(0, 9, shape)
    high = forecast + random.uniform(0, 9, shape)
    series = np.repeat(np.arange(SERIES), ORIGINS)
    ours = Backtest(
        series=series,
        origin=np.tile(np.arange(ORIGINS), SERIES),
        actual=actual,
        forecasts={NETWORK: forecast},
        bounds={float(LEVEL): (low, high)},
        scales=np.array([mase_scale(values, SEASON) for values in history]),
    )
    table = pd.DataFrame(
        {
            "unique_id": np.repeat(series, STEPS),
            "y": actual.ravel(),
            "m": forecast.ravel(),
            f"m-lo-{LEVEL}": low.ravel(),
            f"m-hi-{LEVEL}": high.ravel(),
        }
    )
    before = pd.DataFrame({"unique_id": np.repeat(np.arange(SERIES), 20), "y": history.ravel()})
    return ours, table, before


def test_scores_agree_with_utilsforecast() -> None:
    ours, table, before = random_backtest()
    scores = scores_by(ours, NETWORK, "series")
    assert scores["mae"] == pytest.approx(
        theirs.mae(table, ["m"])["m"].to_numpy(), rel=1e-9, abs=1e-9
    )
    assert scores["rmse"] == pytest.approx(
        theirs.rmse(table, ["m"])["m"].to_numpy(), rel=1e-9, abs=1e-9
    )
    # Theirs is |y - f| / (|y| + |f|), and ours 200 times as much.
    symmetric = 200 * theirs.smape(table, ["m"])["m"].to_numpy()
    assert scores["smape"] == pytest.approx(symmetric, rel=1e-9, abs=1e-9)
    scaled = theirs.mase(table, ["m"], SEASON, before)["m"].to_numpy()
    assert scores["mase"] == pytest.approx(scaled, rel=1e-9, abs=1e-9)
    assert summary(ours)[NETWORK]["mase"] == pytest.approx(scaled.mean(), rel=1e-9, abs=1e-9)


def test_scores_of_intervals_agree_with_utilsforecast() -> None:
    ours, table, before = random_backtest()
    scores = interval_scores_by(ours, LEVEL, "series")
    inside = theirs.coverage(table, ["m"], LEVEL)["m"].to_numpy()
    assert scores["coverage"] == pytest.approx(inside, rel=1e-9, abs=1e-9)
    winkler = theirs.winkler_score(table, ["m"], LEVEL)["m"].to_numpy()
    scale = theirs.mase(table.assign(m=table["y"] + 1), ["m"], SEASON, before)["m"].to_numpy()
    assert scores["msis"] == pytest.approx(winkler * scale, rel=1e-9, abs=1e-9)
    tail = (100 - LEVEL) / 200
    sides = [
        theirs.quantile_loss(table, {"m": f"m-{side}-{LEVEL}"}, q)["m"].to_numpy()
        for side, q in (("lo", tail), ("hi", 1 - tail))
    ]
    assert scores["pinball"] == pytest.approx((sides[0] + sides[1]) / 2, rel=1e-9, abs=1e-9)
    assert interval_summary(ours)[LEVEL]["coverage"] == pytest.approx(
        inside.mean(), rel=1e-9, abs=1e-9
    )


def test_scores_of_arrays_are_those_of_the_plain_functions() -> None:
    ours, _, _ = random_backtest()
    ours.actual[2, 3] = ours.actual[7, 0] = NAN
    by_series = scores_by(ours, NETWORK, "series")
    intervals = interval_scores_by(ours, LEVEL, "series")
    low, high = ours.bounds[LEVEL]
    for index in range(SERIES):
        rows = ours.series == index
        actual, forecast = ours.actual[rows], ours.forecasts[NETWORK][rows]
        scale = float(ours.scales[index])
        for name, metric in metrics.METRICS.items():
            assert by_series[name][index] == pytest.approx(metric.function(actual, forecast, scale))
        coverage = metrics.coverage(actual, low[rows], high[rows])
        assert intervals["coverage"][index] == pytest.approx(coverage)
        msis = metrics.msis(actual, low[rows], high[rows], LEVEL, scale)
        assert intervals["msis"][index] == pytest.approx(msis)


def test_scores_by_origin_and_by_step_by_hand() -> None:
    actual = [[1.0, 2.0], [3.0, NAN], [5.0, 5.0]]
    forecast = [[2.0, 4.0], [3.0, 9.0], [1.0, 2.0]]
    ours = a_backtest(
        actual,
        forecast,
        series=np.array([0, 0, 1]),
        origin=np.array([0, 1, 1]),
        scales=np.array([2.0, 0.0]),
    )
    by_origin = scores_by(ours, NETWORK, "origin")
    assert by_origin["mae"].tolist() == [1.5, (0 + 3.5) / 2]
    assert by_origin["mase"].tolist() == [0.75, 0.0]  # the second series has no scale
    by_step = scores_by(ours, NETWORK, "step")
    assert by_step["mae"].tolist() == [(0.5 + 4) / 2, (2 + 3) / 2]
    assert by_step["rmse"] == pytest.approx([(np.sqrt(0.5) + 4) / 2, (2 + 3) / 2])
    assert scores_by(ours, NETWORK, "series")["mae"] == pytest.approx([1, 3.5])


def test_what_cannot_be_scored_is_nan_and_left_out_of_the_means() -> None:
    ours = a_backtest(
        [[NAN, NAN], [1.0, 1.0]],
        [[2.0, 2.0], [3.0, 3.0]],
        series=np.array([0, 1]),
        origin=np.array([0, 1]),
        scales=np.array([1.0, NAN, 1.0]),
    )
    scores = scores_by(ours, NETWORK, "series")
    assert np.isnan(scores["mae"]).tolist() == [True, False, True]
    assert np.isnan(scores["mase"]).all()
    assert summary(ours)[NETWORK]["mae"] == 2
    assert np.isnan(summary(ours)[NETWORK]["mase"])
    assert np.isnan(scores_by(ours, NETWORK, "origin")["mae"]).tolist() == [True, False]


def test_steps_whose_bounds_are_not_known_are_left_out() -> None:
    low, high = np.array([[0.0, NAN, 0.0]]), np.array([[2.0, NAN, 2.0]])
    ours = a_backtest([[1.0, 1.0, 4.0]], np.ones((1, 3)), bounds={80.0: (low, high)})
    scores = {name: values[0] for name, values in interval_scores_by(ours, 80.0, "series").items()}
    assert scores["coverage"] == 0.5
    assert scores["msis"] == pytest.approx(2 + 10 * 2 / 2)  # alpha is 0.2
    assert scores["pinball"] == pytest.approx((0.1 + 0.1 + 0.1 * 4 + 0.9 * 2) / 4)


@pytest.mark.parametrize("by", ["series", "origin", "step"])
def test_many_origins_and_many_series_are_scored_without_a_loop(by: By) -> None:
    random = np.random.default_rng(0)
    for series, origins in ((20_000, 5), (1, 20_000)):
        count = series * origins
        ours = Backtest(
            series=np.repeat(np.arange(series), origins),
            origin=np.tile(np.arange(origins), series),
            actual=random.normal(size=(count, 6)),
            forecasts={NETWORK: random.normal(size=(count, 6))},
            bounds={80.0: (np.full((count, 6), -1.0), np.ones((count, 6)))},
            scales=np.ones(series),
        )
        started = time.process_time()
        scores_by(ours, NETWORK, by)
        interval_scores_by(ours, 80.0, by)
        assert time.process_time() - started < 20  # a loop over series takes a minute
