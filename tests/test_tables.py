from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from forecast_cli import store, tables, train
from forecast_cli.errors import RunRejectedError, SettingsError
from forecast_cli.fields import parse_digits
from forecast_cli.forecasting import Forecast, HeldOut
from forecast_cli.panel import Columns, Panel, TimeFormat, from_series
from forecast_cli.sources import settings_from
from forecast_cli.workflow import predict
from tests.conftest import AIRLINE, ROOT, Result, monthly
from tests.store.helpers import reseal

NAN = float("nan")
QUICK: dict[str, Any] = {"epochs": 1, "units": "3", "members": 1, "warm_start": "none"}
numbers = st.floats(-1e9, 1e9)


def panel_of(*series: Any) -> Panel:
    return from_series([np.asarray(values, float) for values in series])


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


def lines(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


# -- how many decimals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([112, 622, 458], 4),  # whole passengers: 458.7936
        ([1000, 9999], 3),
        ([1_000_000_000_000, 2_000_000_000_000], 3),
        ([1, 5, 0], 6),  # 1.234567 has seven digits
        ([12.5, 14.25, 99], 5),
        ([0.05, 20.1], 8),
        ([-3.25, 3.5], 6),
        ([1.5e-9, 2.25e-9], 15),
        ([1e-20, 2e-20], "full"),
        ([1e-20, 500], 4),  # beside 500 the other is as good as nothing
        ([1e300, 2e300], 3),
        ([0, 0], 3),
        ([NAN, 20.5, NAN], 5),
        ([NAN], 3),
    ],
)
def test_forecasts_have_three_more_decimals_than_the_data_and_seven_digits(
    values: list[float], decimals: Any
) -> None:
    assert tables.decimals(panel_of(values)) == decimals


def test_what_sums_of_decimal_numbers_leave_behind_are_no_decimals() -> None:
    assert tables.decimals(panel_of([0.1 + 0.2, 10.0])) == tables.decimals(panel_of([0.3, 10.0]))
    sums = np.cumsum(np.full(5000, 0.1))
    assert sums[-1] != 500
    assert (
        tables.decimals(panel_of(sums)) == tables.decimals(panel_of(np.arange(1, 5001) / 10)) == 7
    )


def test_what_float32_adds_to_a_number_is_no_decimals() -> None:
    values = [10.1, 12.34, 33.3]
    assert (
        tables.decimals(panel_of(np.array(values, np.float32)))
        == tables.decimals(panel_of(values))
        == 5
    )


def test_values_that_were_filled_in_do_not_count() -> None:
    panel = panel_of([10, 10 + 1 / 3, 11])
    assert tables.decimals(panel) == 14
    assert tables.decimals(replace(panel, filled=np.array([False, True, False]))) == 5


def test_the_series_with_the_most_decimals_decides_for_the_whole_file() -> None:
    assert tables.decimals(panel_of([1000, 2000], [10.25, 20.5])) == 5
    assert tables.decimals(panel_of([1e12, 2e12], [0.011, 0.025])) == 8
    assert tables.decimals(panel_of([1e-20], [500])) == "full"


@given(
    st.integers(0, 6),
    st.lists(st.integers(-(10**8), 10**8), min_size=1, max_size=50),
)
@example(6, [1])
@example(2, [10**8, 1])
def test_decimals_are_those_of_the_data_and_three_to_six(places: int, units: list[int]) -> None:
    values = [unit / 10**places for unit in units]
    needed = max(len(f"{value:.{places}f}".rstrip("0").partition(".")[2]) for value in values)
    # Halves beside millions may be what a float32 adds, and count as nothing.
    is_float32 = bool((np.array(values) == np.array(values, np.float32)).all())
    assume(not needed or not is_float32)
    decimals = tables.decimals(panel_of(values))
    assert isinstance(decimals, int)
    assert needed + 3 <= decimals <= needed + 6
    for value in values:
        digits = f"{abs(value):.{decimals}f}".replace(".", "").lstrip("0")
        assert value == 0 or len(digits) >= tables.SIGNIFICANT


@pytest.mark.parametrize("count", [3, 700, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_decimals_of_any_number_of_rows(count: int) -> None:
    assert tables.decimals(panel_of(np.arange(count) / 4 + 100)) in (4, 5)


# -- numbers as text -------------------------------------------------------------------------------------------------


@given(numbers, numbers, numbers, st.integers(0, 20))
@example(-0.00004, 0.00004, 0.00005, 4)
@example(0.5, 1.5, 2.5, 0)
def test_rounding_keeps_the_forecast_within_its_bounds(
    one: float, two: float, three: float, digits: int
) -> None:
    low, middle, high = sorted([one, two, three])
    texts = tables.rounded(np.array([low, middle, high]), digits)
    assert float(texts[0]) <= float(texts[1]) <= float(texts[2])
    assert all(len(text.partition(".")[2]) == digits for text in texts)
    assert all("e" not in text for text in texts)


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert tables.rounded(np.array([-0.00004, -0.0, 0.00004, -0.00006]), 4) == [
        "0.0000",
        "0.0000",
        "0.0000",
        "-0.0001",
    ]
    assert tables.rounded(np.array([-0.4, 0.6]), 0) == ["0", "1"]


def test_what_is_not_known_is_empty() -> None:
    for digits in (3, "full"):
        assert tables.rounded(np.array([NAN, 1.5]), digits)[0] == ""
    assert tables.plain(np.array([NAN]))[0] == ""


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(112.0)
@example(1e-300)
@example(1e22)
def test_all_digits_are_there_where_all_are_wanted(value: float) -> None:
    assert float(tables.rounded(np.array([value]), "full")[0]) == value
    text = tables.plain(np.array([value]))[0]
    assert float(text) == value
    assert "e" not in text


def test_values_of_the_data_are_written_as_they_were() -> None:
    values = np.array([112, 112.5, 0.1, 1e-9, 1e16, -3, 1 / 3])
    assert tables.plain(values) == [
        "112",
        "112.5",
        "0.1",
        "0.000000001",
        "10000000000000000",
        "-3",
        repr(1 / 3),
    ]


# -- the tables ------------------------------------------------------------------------------------------------------


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


def test_a_history_of_an_older_release_has_one_member() -> None:
    rows = tables.read_history(
        b"epoch,training_loss,validation_loss,learning_rate\n1,0.5,,0.1\n2,0.4,0.3,0.1\n"
    )
    assert list(rows.numbers["member"]) == [1, 1]
    assert np.isnan(rows.numbers["clipped"]).all()
    assert list(rows.numbers["training_loss"]) == [0.5, 0.4]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print(1)\n", "the columns are not those of this table"),
        ("day,forecast\n", "the columns are not those of this table"),
        ("day,forecast,hi-80,lo-80\n", "the columns are not those of this table"),
        ("day,forecast,lo-80,hi-80,more\n", "the columns are not those of this table"),
        (
            "day,forecast,lo-80,hi-80\n2026-01-01,1,1\n",
            "a row has more or fewer cells than the header",
        ),
        (
            "day,forecast,lo-80,hi-80\n2026-01-01,1,1,1,1\n",
            "a row has more or fewer cells than the header",
        ),
        ("day,forecast,lo-80,hi-80\n\n", "a row has more or fewer cells than the header"),
        ("day,forecast,lo-80,hi-80\n2026-01-01,,1,1\n", "a number of forecast is not finite"),
        ("day,forecast,lo-80,hi-80\n2026-01-01,inf,1,1\n", "a number of forecast is not finite"),
        ("day,forecast,lo-80,hi-80\n2026-01-01,1,x,1\n", "could not convert"),
        ("day,forecast,lo-80,hi-80\n" + "2026-01-01,1,1,1\n" * 3, "more steps than the horizon"),
        (
            "day,forecast,lo-80,hi-80\n" + "x" * 200_000 + ",1,1,1\n",
            "field larger than field limit",
        ),
    ],
)
def test_what_is_not_a_forecast_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tables.check_forecast(text.encode(), Columns("day", "y"), (80.0,), 2)


@pytest.mark.parametrize(
    ("row", "best", "why"),
    [
        ("-1,0.5,,0.1", 1, "a number of epoch is out of bounds"),
        (f"{2**40},0.5,,0.1", 1, "a number of epoch is out of bounds"),
        ("1.5,0.5,,0.1", 1, "invalid literal"),
        ("1,0.5,,0.1", 2, "the best epoch is not in the history"),
        ("1,0.5,,0.1", -1, "the best epoch is not in the history"),
    ],
)
def test_what_is_not_a_history_is_refused(row: str, best: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tables.check_history(
            f"epoch,training_loss,validation_loss,learning_rate\n{row}\n".encode(), best
        )


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


# -- from training to the files --------------------------------------------------------------------------------------


def test_forecasts_of_whole_passengers_have_four_decimals(airline_store: Path) -> None:
    run = store.load(airline_store)
    assert run.config.digits == run.digits == 4
    for name in ("forecast.csv", "predictions.csv"):
        header, *rows = lines(run.texts[name])
        first = header.index("forecast")
        assert all(len(cell.partition(".")[2]) == 4 for row in rows for cell in row[first:])
    actual = [row[2] for row in lines(run.texts["predictions.csv"])[1:]]
    assert actual == [line.split(",")[1] for line in AIRLINE.read_text().splitlines()[-12:]]


def test_the_decimals_of_the_training_hold_for_new_rows_too(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    months = 100 + 10 * np.sin(np.arange(60) / 12 * 2 * np.pi)
    run = train(write(monthly(months.round(1))), store_folder=tmp_path / "s", **QUICK).run
    assert run.digits == 5
    newer = write(monthly(np.append(months, 100.123456789).round(9)), "newer.csv")
    assert predict(newer, store_folder=tmp_path / "s").forecast.digits == 5


def test_digits_are_a_setting_of_train_and_predict(forecast: Callable[..., Result]) -> None:
    done = forecast(
        "train",
        AIRLINE,
        "--epochs",
        1,
        "--units",
        3,
        "--members",
        1,
        "--digits",
        1,
        "--store",
        "s",
        "--json",
    )
    assert done.code == 0
    assert (
        len(forecast("predict", "--store", "s").out.splitlines()[1].split(",")[1].partition(".")[2])
        == 1
    )
    whole = forecast("predict", "--store", "s", "--digits", 0).out.splitlines()[1].split(",")
    assert all(cell.isdigit() for cell in whole[1:])
    full = forecast("predict", "--store", "s", "--digits", "full").out.splitlines()[1].split(",")
    values = predict(store_folder="s").forecast.values
    assert full[1] == repr(float(values[0, 0]))
    assert forecast("runs", "show", "--store", "s").out.count("1 decimal") == 1
    refused = forecast("predict", "--store", "s", "--digits", "21")
    assert refused.code == 2
    assert refused.err == (
        "error: --digits: '21' is neither a number of decimals from 0 to 20 nor 'full'\n"
        "hint: write --digits 2, or --digits full\n"
    )


def test_digits_come_from_the_environment_and_from_python_too(
    forecast: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, airline_store: Path
) -> None:
    monkeypatch.setenv("FORECAST_DIGITS", "2")
    cells = forecast("predict", "--store", airline_store).out.splitlines()[1].split(",")
    assert all(len(cell.partition(".")[2]) == 2 for cell in cells[1:])
    assert predict(store_folder=airline_store, digits=2).forecast.digits == 2
    assert predict(store_folder=airline_store, digits="full").forecast.digits == "full"
    assert settings_from(digits=2).output.digits == 2


@pytest.mark.parametrize("text", ["", "-1", "2.5", "²", "all", "007", "1000000"])
def test_what_is_no_number_of_decimals_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="neither a number of decimals from 0 to 20 nor 'full'"):
        parse_digits(text)


@pytest.mark.parametrize("digits", ["auto", "2", "full"])
def test_every_format_has_the_same_names_and_numbers(
    forecast: Callable[..., Result], airline_store: Path, digits: str
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    words = ["predict", "--store", airline_store, "--levels", "50,99.123456", "--digits", digits]
    written = forecast(*words, "-o", "forecast.csv")
    assert written.code == 0
    assert forecast(*words).out == Path("forecast.csv").read_text()
    header, *rows = lines(Path("forecast.csv").read_bytes())
    assert header == ["Month", "forecast", "lo-50", "hi-50", "lo-99.123456", "hi-99.123456"]
    cells = [[float(cell) for cell in row[1:]] for row in rows]

    as_json = json.loads(forecast(*words, "--format", "json").out)
    assert [list(row) for row in as_json] == [header] * 12
    assert [list(row.values())[1:] for row in as_json] == cells

    document = json.loads(forecast(*words, "--json").out)["forecast"]
    assert [list(row) for row in document] == [["time", *header[1:]]] * 12
    assert [list(row.values())[1:] for row in document] == cells

    assert forecast(*words, "-o", "forecast.parquet").code == 0
    table = parquet.read_table("forecast.parquet")
    assert table.column_names == header
    assert [[row[name] for name in header[1:]] for row in table.to_pylist()] == cells


def test_scores_are_of_the_unrounded_numbers(tmp_path: Path) -> None:
    metrics = [
        train(
            AIRLINE, draw=False, store_folder=tmp_path / digits, digits=digits, **QUICK
        ).run.texts["metrics.json"]
        for digits in ("0", "full")
    ]
    assert metrics[0] == metrics[1]


def test_an_older_run_takes_the_decimals_from_its_last_rows() -> None:
    root = ROOT / "tests" / "golden" / "0.4.0" / "store"
    for name in store.names(root):
        run = store.load(root, name)
        assert run.config.digits is None
        assert run.digits == tables.decimals(run.tail) != "full"
        found = predict(root.parent / run.config.source, store_folder=root, run=name).forecast
        assert found.digits == run.digits


@pytest.mark.parametrize("digits", [-1, 21, 10**9, "all", True, 2.5])
def test_a_run_with_absurd_digits_is_rejected(store_copy: Path, digits: Any) -> None:
    def tamper(texts: dict[str, bytes]) -> None:
        content = json.loads(texts["config.json"]) | {"digits": digits}
        texts["config.json"] = json.dumps(content).encode()

    reseal(store_copy, tamper)
    with pytest.raises(RunRejectedError):
        store.load(store_copy)


def test_values_that_the_decimals_would_show_as_zero_are_a_warning(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    values = 0.003 + 0.0001 * random.normal(size=40)
    panel = from_series([values], columns=Columns("step", "y"))
    trained = train(panel, draw=False, store_folder=tmp_path, digits=2, **QUICK)
    text = "the values are too small to be written with 2 decimals; --digits full shows them"
    assert text in [note.text for note in trained.notes]
    again = predict(panel, store_folder=tmp_path)
    assert text in [note.text for note in again.notes]
    assert text not in [
        note.text for note in predict(panel, store_folder=tmp_path, digits="full").notes
    ]

    several = from_series([values, values * 1000, values], ids=["a", "b", "c"])
    assert tables.vanishing(several, 2) == ("a", "c")
    assert tables.vanishing(several, 3) == ()
    shutil.rmtree(tmp_path)
    trained = train(several, draw=False, store_folder=tmp_path, digits=2, **QUICK)
    text = "too small to be written with 2 decimals, --digits full shows them: 'a', 'c'"
    assert text in [note.text for note in trained.notes]
