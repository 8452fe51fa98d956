"""Tables as they are written, and read back."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from forecast_cli import tables
from forecast_cli.errors import SettingsError
from forecast_cli.forecasting import Forecast, HeldOut
from forecast_cli.panel import Columns, TimeFormat, from_series

NAN = float("nan")
numbers = st.floats(-1e9, 1e9)


def a_forecast(values: Any, low: Any, high: Any, level: float = 80.0, **more: Any) -> Forecast:
    """One series, a step a value."""
    steps = len(values)
    arrays = [np.array([row], float) for row in (values, low, high)]
    days = tuple(f"2026-01-{day + 1:02}" for day in range(steps))
    columns = more.pop("columns", Columns("day", "sales", "shop"))
    bounds = {level: (arrays[1], arrays[2])}
    times = np.zeros((1, steps), np.int64)
    return Forecast(
        ("a",), times, (days,), arrays[0], bounds, columns, TimeFormat("%Y-%m-%d"), **more
    )


def held_out_rows() -> HeldOut:
    values = np.array([1.0, 2.0, 3.0])
    return HeldOut(
        series=np.array([0, 0, 1]),
        texts=["t1", "t2", "t1"],
        cutoffs=["t0", "t0", "t0"],
        actual=np.array([1.0, NAN, 3.25]),
        forecast=values + 0.123456,
        seasonal_naive=values,
        naive=values,
        bounds={80.0: (values, values + 1)},
        members=np.empty((0, 3)),
    )


def test_a_forecast_is_written_by_step_with_the_names_of_the_file() -> None:
    result = a_forecast([1.23456, 2], [1, NAN], [1.5, NAN], level=99.123456, digits=3)
    assert tables.forecast_csv(result).decode() == (
        "shop,day,forecast,lo-99.123456,hi-99.123456\na,2026-01-01,1.235,1.000,1.500\na,2026-01-02,2.000,,\n"
    )
    single = replace(result, ids=("",), columns=Columns("day", "sales"))
    assert tables.forecast_csv(single).splitlines()[0] == b"day,forecast,lo-99.123456,hi-99.123456"


def test_a_forecast_can_be_read_back() -> None:
    result = a_forecast([1.5, -2], [1, NAN], [2, NAN], digits=2)
    rows = tables.read_forecast(tables.forecast_csv(result), result.columns, (80.0,))
    assert rows.texts == {"id": ["a", "a"], "time": ["2026-01-01", "2026-01-02"]}
    assert list(rows.numbers) == ["forecast", "lo-80", "hi-80"]
    assert list(rows.numbers["forecast"]) == [1.5, -2]
    assert np.isnan(rows.numbers["hi-80"]).tolist() == [False, True]
    assert {name: list(found) for name, found in rows.by_series().items()} == {"a": [0, 1]}


def test_predictions_keep_the_actual_values_as_they_were() -> None:
    panel = from_series(
        [np.arange(3.0)] * 2, ids=["a, b", "c"], columns=Columns("day", "y", "shop")
    )
    data = tables.predictions_csv(panel, held_out_rows(), 4)
    assert data.decode() == (
        "shop,day,cutoff,actual,forecast,seasonal_naive,lo-80,hi-80\n"
        '"a, b",t1,t0,1,1.1235,1.0000,1.0000,2.0000\n'
        '"a, b",t2,t0,,2.1235,2.0000,2.0000,3.0000\n'
        "c,t1,t0,3.25,3.1235,3.0000,3.0000,4.0000\n"
    )
    rows = tables.read_predictions(data, panel.columns, (80.0,))
    assert rows.texts["cutoff"] == ["t0"] * 3
    assert {name: list(found) for name, found in rows.by_series().items()} == {
        "a, b": [0, 1],
        "c": [2],
    }
    assert np.isnan(rows.numbers["actual"]).tolist() == [False, True, False]
    nothing = tables.read_predictions(b"", panel.columns, (80.0,))
    assert nothing.by_series() == {}
    assert len(nothing.numbers["forecast"]) == 0


def test_losses_keep_all_their_digits() -> None:
    epochs = [
        SimpleNamespace(
            epoch=1, training_loss=1 / 3, validation_loss=NAN, learning_rate=0.001, clipped=0.0
        )
    ]
    fitted: Any = (SimpleNamespace(history=epochs), SimpleNamespace(history=epochs))
    data = tables.history_csv(fitted)
    assert data.decode() == (
        "epoch,training_loss,validation_loss,learning_rate,clipped,member\n"
        "1,0.3333333333333333,,0.001,0.0,1\n"
        "1,0.3333333333333333,,0.001,0.0,2\n"
    )
    assert list(tables.read_history(data).numbers["member"]) == [1, 2]


def test_two_columns_of_one_name_are_told_apart_in_csv_and_refused_where_names_are_keys() -> None:
    result = a_forecast([1.5], [1], [2], columns=Columns("forecast", "y"), digits=1)
    data = tables.forecast_csv(result)
    assert data == b"forecast,forecast,lo-80,hi-80\n2026-01-01,1.5,1.0,2.0\n"
    rows = tables.read_forecast(data, result.columns, (80.0,))
    assert (rows.texts["time"], list(rows.numbers["forecast"])) == (["2026-01-01"], [1.5])
    assert list(tables.forecast_columns(result, headings=False)) == [
        "time",
        "forecast",
        "lo-80",
        "hi-80",
    ]
    with pytest.raises(SettingsError) as refused:
        tables.forecast_columns(result)
    assert refused.value.message == "two columns of the forecast would be called 'forecast'"
    assert (
        refused.value.hint == "write it as CSV, or rename that column of the data and train again"
    )


@pytest.mark.parametrize(
    ("series", "steps"), [(1, 3), (400, 14), pytest.param(20_000, 14, marks=pytest.mark.slow)]
)
def test_forecasts_of_any_number_of_series(series: int, steps: int) -> None:
    random = np.random.default_rng(1)
    values = random.normal(0, 1, (series, steps))
    ids = tuple(f"{number:03},x" for number in range(series))
    texts = tuple(tuple(map(str, range(steps))) for _ in ids)
    bounds = {80.0: (values - 1, values + 1)}
    times = np.zeros((series, steps), np.int64)
    result = Forecast(
        ids, times, texts, values, bounds, Columns("step", "y", "id"), TimeFormat(), digits=6
    )
    rows = tables.read_forecast(tables.forecast_csv(result), result.columns, (80.0,))
    assert rows.texts["id"] == [name for name in ids for _ in range(steps)]
    assert rows.texts["time"] == [text for row in texts for text in row]
    assert np.abs(rows.numbers["forecast"] - values.reshape(-1)).max() <= 0.5e-6
    assert (rows.numbers["lo-80"] <= rows.numbers["forecast"]).all()
    assert (rows.numbers["forecast"] <= rows.numbers["hi-80"]).all()
