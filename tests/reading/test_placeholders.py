"""Numbers that stand for a missing value are refused, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli.errors import DataError, SettingsError
from forecast_cli.reading import read, read_csv, read_future_values
from forecast_cli.reading.placeholders import find, is_code
from forecast_cli.settings import DataSettings
from forecast_cli.sources import settings_from
from tests.conftest import SAMPLES, Result, daily

Write = Callable[..., Path]
Forecast = Callable[..., Result]
ROWS = (30, 700, 100_000)
HINT = "use --null -999 if it stands for a missing value, --not-null -999 if it is a number like the others"


def generator() -> np.random.Generator:
    return np.random.default_rng(7)


def nines(count: int, offset: int = 4) -> np.ndarray:
    """One row in nine."""
    chosen: np.ndarray = np.arange(count) % 9 == offset
    return chosen


def columns(count: int) -> dict[str, np.ndarray]:
    """Columns of many kinds, none of which holds a placeholder."""
    random = generator()
    steps = np.arange(count)
    noise = random.normal(0, 2, count).round(2)
    rare = random.random(count) < 0.04
    return {
        "measurements": 100 + noise,
        "temperatures": random.normal(8, 9, count).round(1),
        "counts": random.poisson(4, count),
        "ratings": random.integers(1, 6, count),
        "flags": random.integers(0, 2, count),
        "directions": np.where(random.random(count) < 0.5, -1, 1),
        "true and false as -1 and 0": np.where(random.random(count) < 0.5, -1, 0),
        "a constant": np.full(count, 7),
        "two levels": np.where(steps < count // 2, 10, 5000),
        "a level held for some time": np.where((steps > 9) & (steps < 20), 400, 100 + noise),
        "the peak of every season": np.where(steps % 10 == 8, 500, 100 + noise),
        "demand that is mostly zero": np.where(rare, random.integers(1, 4, count) * 6, 0),
        "one usual order among single pieces": np.where(
            random.random(count) < 0.1, 24, random.poisson(1, count)
        ),
        "days without sales": np.where(steps % 7 == 6, 0, 1000 + noise),
        "a capped humidity": np.minimum(random.normal(90, 9, count).round(), 100),
        "prices": np.repeat(random.choice([9.99, 12.49, 19.99, 29.99], count // 5 + 1), 5)[:count],
        "profit and loss": random.normal(0, 50, count).round(),
    }


@pytest.mark.parametrize("count", ROWS)
@pytest.mark.parametrize("name", columns(30))
def test_ordinary_columns_hold_no_placeholder(name: str, count: int) -> None:
    assert find(np.asarray(columns(count)[name], np.float64)) == []


@pytest.mark.parametrize("count", ROWS)
@pytest.mark.parametrize("value", [-999, -200, -1, 9999, -9999, 99999])
@pytest.mark.parametrize(
    "name", ["measurements", "counts", "ratings", "flags", "days without sales"]
)
def test_one_row_in_nine_is_found_whatever_the_column(name: str, value: float, count: int) -> None:
    values = np.where(nines(count), value, columns(count)[name]).astype(np.float64)
    found = find(values)
    assert [(one.value, one.count, one.row) for one in found] == [(value, nines(count).sum(), 4)]


@pytest.mark.parametrize("count", ROWS)
@pytest.mark.parametrize("value", [-999, -200, 9999])
def test_a_value_far_from_negative_ones_is_found(value: float, count: int) -> None:
    values = np.where(nines(count), value, columns(count)["temperatures"])
    assert [one.value for one in find(values)] == [value]


@pytest.mark.parametrize("count", ROWS)
@pytest.mark.parametrize("pair", [(-999, -998), (-999, 999), (9999, 9998), (-1, -999), (999, 9999)])
def test_two_placeholders_do_not_hide_each_other(pair: tuple[float, float], count: int) -> None:
    values = np.where(nines(count), pair[0], 100.5 + np.arange(count) % 13)
    values[nines(count, 5)] = pair[1]
    assert {one.value for one in find(values)} == set(pair)


def test_two_values_are_none_and_zero_is_never_one() -> None:
    values = 100.5 + np.arange(50.0)
    values[[3, 30]] = -999
    assert find(values) == []
    values[40] = -999
    assert [one.count for one in find(values)] == [3]
    values[values == -999] = 0
    assert find(values) == []


def test_a_rare_code_does_not_hide_a_frequent_one() -> None:
    values = columns(700)["temperatures"].copy()
    values[nines(700)], values[0] = -999, -998
    assert [one.value for one in find(values)] == [-999]
    values[values == -999] = -998.5
    assert [one.value for one in find(values)] == [-998.5]


def test_the_greatest_of_negative_values_is_no_more_odd_than_of_positive_ones() -> None:
    values = generator().normal(-90, 3, 700).round()
    values[[3, 50, 51, 400]] = -20
    assert find(values) == []
    values[[3, 50, 51, 400]] = -200
    assert [one.value for one in find(values)] == [-200]


def test_one_value_beyond_a_placeholder_does_not_hide_it() -> None:
    values = columns(700)["counts"].astype(np.float64)
    values[nines(700)], values[0] = 9999, 123_456
    assert [one.value for one in find(values)] == [9999]


def test_a_lone_negative_fraction_is_a_measurement() -> None:
    values = np.abs(columns(700)["temperatures"])
    values[nines(700)] = -0.5
    assert find(values) == []
    values[nines(700)] = -1
    assert [one.reason for one in find(values)] == ["no other value is negative"]


def test_a_positive_value_that_looks_like_no_code_must_stand_often_and_anywhere() -> None:
    """What recurs at equal distances is a season; what others outnumber is one of the usual sizes."""
    values = 100 + generator().normal(0, 2, 700)
    spread = values.copy()
    spread[generator().choice(700, 9)] = 500
    assert [one.value for one in find(spread)] == [500]
    seasonal = values.copy()
    seasonal[::70] = 500
    assert find(seasonal) == []
    counts = columns(700)["counts"].astype(np.float64)
    counts[generator().choice(700, 9)] = 48
    assert find(counts) == []
    counts[counts == 48] = 48_000  # so far away that no order is
    assert [one.value for one in find(counts)] == [48_000]


def test_a_price_floor_is_found_for_not_null_to_keep() -> None:
    prices = generator().normal(50, 60, 700).round(2)
    prices[[5, 90, 91, 400]] = -500
    assert [(one.value, one.count, one.row) for one in find(prices)] == [(-500, 4, 5)]


def test_missing_values_are_no_values() -> None:
    values = np.full(60, np.nan)
    assert find(values) == []
    values[:20] = np.arange(20.0) + 1
    assert find(values) == []
    values[[30, 31, 59]] = -1
    assert [(one.value, one.count, one.row) for one in find(values)] == [(-1, 3, 30)]


@pytest.mark.parametrize("count", [3, 400, 20_000])
def test_a_panel_is_one_column_but_a_large_series_is_no_mistake(count: int) -> None:
    size = 12
    series = np.repeat(np.arange(count), size)
    values = generator().normal(10, 1, count * size).round(2)
    values[series == 1] = 999  # a constant
    values[series == 2] = generator().choice([500.0, 9999.0], size)  # of two levels
    assert find(values, series) == []
    values[[1, 5, 7]] = -999
    assert [(one.value, one.count) for one in find(values, series)] == [(-999, 3)]
    values[[1, 5, 7]] = 9999  # now in a series of its own, too
    assert [one.value for one in find(values, series)] == [9999]


def test_the_peaks_of_seasons_are_told_in_each_series() -> None:
    day = np.arange(730)
    values = np.concatenate([100 + generator().normal(0, 2, 730) for _ in range(3)])
    peaks = np.concatenate([day % 90 == shift for shift in (3, 17, 40)])
    values[peaks] = 500
    series = np.repeat([0, 1, 2], 730)
    assert find(values, series) == []
    order = generator().permutation(len(series))  # as rows of one day stand together
    order = order[np.argsort(np.tile(day, 3)[order], kind="stable")]
    assert find(values[order], series[order]) == []
    assert [one.value for one in find(generator().permutation(values), series)] == [500]


@pytest.mark.parametrize(
    "value", [99, 999, 998, 9999, -99.9, 99.99, -999.25, 888, 7777, 255, 32767, -9999]
)
def test_codes(value: float) -> None:
    assert is_code(value)


@pytest.mark.parametrize("value", [0, 1, -1, 9, 9.99, 0.99, 19.99, 77, 100, 1999, 500, 256, 88.8])
def test_no_codes(value: float) -> None:
    assert not is_code(value)


def test_no_column_of_the_samples_holds_one() -> None:
    for name in ("airline.csv", "hourly.csv", "panel.csv"):
        panel = read_csv(SAMPLES / name, future=["promo"] if name == "panel.csv" else None)
        assert find(panel.values, np.repeat(np.arange(len(panel)), panel.lengths)) == []


# -- in files --------------------------------------------------------------------------------------------------------


def refused(path: Path | str, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_csv(path, **settings)
    assert (caught.value.exit_code, caught.value.option) == (20, "not_null")
    return f"{caught.value.message} | {caught.value.hint}".replace(str(path), "data.csv")


def file_of(count: int, *words: str) -> str:
    """Days with a placeholder in one row of nine, written in several ways in turn."""
    cells = [str(cell) for cell in range(1, count + 1)]
    for number, at in enumerate(range(4, count, 9)):
        cells[at] = words[number % len(words)]
    return daily(np.array(cells), start="1800-01-01")


@pytest.mark.parametrize("count", [30, 700, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_placeholder_is_refused_with_its_count_and_the_options(write: Write, count: int) -> None:
    times = len(range(4, count, 9))
    path = write(file_of(count, "-999"))
    assert (
        refused(path)
        == f"data.csv:6: column 'y': -999 stands {times:,} times, and no other value is negative | {HINT}"
    )
    panel = read_csv(path, null="-999", gaps="drop")
    assert np.flatnonzero(np.isnan(panel.values)).tolist() == list(range(4, count, 9))
    assert panel.reading.null == ["-999"]
    panel = read_csv(path, not_null="-999")
    assert np.flatnonzero(panel.values == -999).tolist() == list(range(4, count, 9))
    assert panel.reading.not_null == ["-999"]
    assert [note.text for note in panel.notes] == [
        f"kept as numbers: -999 ({times:,} times in column 'y')"
    ]


@pytest.mark.parametrize("word", ["-999", "-999.0", "-999.00", "-9.99e2"])
@pytest.mark.parametrize("mark", ["", '"1,234"'])
def test_null_means_a_number_however_it_is_written(write: Write, word: str, mark: str) -> None:
    """The mark has the numbers read as texts, where they are not read at once."""
    text = file_of(60, "-999", "-999.0", "-999.00").replace(
        ",30\n", f",{mark}\n" if mark else ",30\n"
    )
    panel = read_csv(write(text), null=word, gaps="drop", thousands="," if mark else None)
    assert np.flatnonzero(np.isnan(panel.values)).tolist() == list(range(4, 60, 9))


def test_a_placeholder_is_named_as_it_is_written(write: Write) -> None:
    message = "data.csv:6: column 'y': -999.00 stands 6 times, and no other value is negative"
    hint = HINT.replace("-999", "-999.00")
    assert refused(write(file_of(50, "-999.00", "-999"))) == f"{message} | {hint}"
    text = file_of(50, "-999,0").replace("day,y", "day;y").replace(",", ";", 1)
    text = "\n".join(line.replace(",", ";", 1) for line in text.splitlines()) + "\n"
    assert refused(write(text.replace(";7\n", ";7,5\n"))) == (
        f"data.csv:6: column 'y': -999,0 stands 6 times, and no other value is negative | {HINT}"
    )


def test_several_columns_and_values_are_refused_at_once(write: Write) -> None:
    rows = [
        f"{'-999' if n % 9 == 4 else n},{'9999' if n % 9 == 5 else n / 10},{n % 5}"
        for n in range(1, 61)
    ]
    path = write("a,b,c\n" + "\n".join(rows) + "\n")
    answer = (
        "data.csv:5: column 'a': -999 stands 7 times, and no other value is negative; "
        "data.csv:6: column 'b': 9999 stands 7 times, and 98 % of the others are from 0.1 to 6 "
        "| use --null -999 --null 9999 if they stand for missing values, "
        "--not-null -999 --not-null 9999 if they are numbers like the others"
    )
    assert refused(path, target="all") == answer
    assert refused(path, target="c", past=["a", "b"]) == answer
    assert refused(path, target="c", past="a", future="b") == answer
    assert refused(path, target="a", past="b", null="-999").endswith(
        "| use --null -999 --null 9999 if it stands for a missing value, --not-null 9999 if it is a number like the others"
    )
    assert read_csv(path, target="c").values.max() == 4  # columns without a role do not matter


def test_parquet_obeys_the_same_rules(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as format_

    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(60)]
    path = tmp_path / "data.parquet"
    for kind in (np.float64, np.float32, np.int64):
        values = np.where(nines(60), -999, np.arange(60) + 1).astype(kind)
        format_.write_table(pyarrow.table({"day": days, "y": values}), path)
        with pytest.raises(DataError) as caught:
            read(path, DataSettings())
        assert caught.value.message == (
            f"{path}:6: column 'y': -999 stands 7 times, and no other value is negative"
        )
        assert caught.value.hint == HINT
        panel = read(path, DataSettings(null=["-999.0"], gaps="drop"))
        assert np.isnan(panel.values).sum() == 7
        assert (read(path, DataSettings(not_null=["-999"])).values == -999).sum() == 7


def test_future_values_are_judged_with_those_of_the_past(write: Write) -> None:
    def rows(start: int, heat: list[int], cells: str) -> str:
        return "".join(
            f"{date(2024, 1, 1) + timedelta(days=n)},{cells}{t}\n"
            for n, t in enumerate(heat, start)
        )

    cold = [5, 3, -1, 0, -2, 1, 4] * 8
    panel = read_csv(write("day,y,heat\n" + rows(0, cold, "1,")), target="y", future="heat")
    ahead = write("day,heat\n" + rows(56, [-1, 3, -1, 4, -1, 2], ""), "ahead.csv")
    assert read_future_values(ahead, panel, panel.reading).ahead[0, :, 0].tolist() == [
        -1,
        3,
        -1,
        4,
        -1,
        2,
    ]
    ahead = write("day,heat\n" + rows(56, [-999, 3, -999, 4, -999, 2], ""), "ahead.csv")
    with pytest.raises(DataError) as caught:
        read_future_values(ahead, panel, panel.reading)
    assert caught.value.message == (
        f"{ahead}:2: column 'heat': -999 stands 3 times, and 98 % of the others are from -2 to 5"
    )


def test_settings_take_numbers_and_no_words() -> None:
    assert settings_from(not_null=-999).data.not_null == ["-999"]
    assert settings_from(null=[-999, "x"]).data.null == ["-999", "x"]
    with pytest.raises(SettingsError) as caught:
        DataSettings(not_null=["many"])
    assert (caught.value.message, caught.value.hint) == (
        "--not-null: 'many' is not a number",
        "write --not-null -999",
    )
    with pytest.raises(SettingsError) as caught:
        DataSettings(null=["-999"], not_null=["-999.0"])
    assert (caught.value.message, caught.value.hint) == (
        "--not-null: '-999.0' is also named by --null",
        "name each value with one of the two options",
    )


# -- commands --------------------------------------------------------------------------------------------------------


def test_check_shows_it_as_a_finding_and_the_line_to_type(forecast: Forecast, write: Write) -> None:
    path = write(file_of(60, "-999"))
    message = f"{path}:6: column 'y': -999 stands 7 times, and no other value is negative"
    shown = forecast("check", path)
    assert shown.code == 20
    assert f"error: {message}" in shown.out
    document = json.loads(forecast("check", path, "--json").out)
    assert document["findings"][-1] == {
        "name": "reading",
        "text": message,
        "level": "error",
        "details": {"hint": HINT},
    }
    kept = forecast("check", path, "--not-null", "-999")
    assert kept.code == 0
    assert "kept as numbers: -999 (7 times in column 'y')" in kept.out
    assert kept.out.splitlines()[-1] == f"forecast train {path} --not-null=-999"


def test_rows_that_came_later_are_refused_until_an_option_settles_them(
    forecast: Forecast, write: Write
) -> None:
    path = write(file_of(60, "0"))
    assert forecast("train", path, "--epochs", 1, "--units", 4, "--members", 1, "--quiet").code == 0
    before = forecast("predict").out
    write(file_of(60, "-999"))
    message = f"{path}:6: column 'y': -999 stands 7 times, and no other value is negative"
    assert forecast("predict") == Result(20, "", f"error: {message}\nhint: {HINT}\n")
    done = forecast("predict", "--null", "-999")
    assert (done.code, done.out.count("\n")) == (0, before.count("\n"))
    # As numbers they are negative, and the run has learned logarithms.
    kept = forecast("predict", "--not-null", "-999")
    assert (kept.code, kept.out) == (13, "")
    assert "the value -999.0 at" in kept.err


def test_what_is_kept_is_recorded_in_the_run(forecast: Forecast, write: Write) -> None:
    path = write(file_of(60, "-999"))
    assert forecast("train", path).code == 20
    assert not Path("forecast_runs").exists()
    trained = forecast(
        "train", path, "--not-null", "-999", "--epochs", 1, "--units", 4, "--members", 1
    )
    assert (trained.code, "kept as numbers: -999 (7 times in column 'y')\n" in trained.err) == (
        0,
        True,
    )
    assert forecast("predict").code == 0
    config = next(Path("forecast_runs", "runs").glob("*/config.json"))
    assert json.loads(config.read_text())["data"]["not_null"] == ["-999"]
