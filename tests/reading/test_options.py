"""The options of the reader: what each makes of files that are refused without it, and the covariates."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forecast_cli.errors import DataError, ForecastError, SettingsError
from forecast_cli.panel import Panel, format_times, times_of, values_of
from forecast_cli.reading import read_csv, read_future_values

Write = Callable[..., Path]
LONG = "unique_id,ds,y,promo,sky,region\n" + "".join(
    f"{s},2024-01-{d:02},{d if d < 9 else ''},{d % 2 if d != 4 else ''},{'sun' if d % 3 else 'rain'},{s}-land\n"
    for s in "ab"
    for d in range(1, 12)
)


def failure(kind: type[ForecastError], path: Path, **settings: Any) -> str:
    with pytest.raises(kind) as caught:
        read_csv(path, **settings)
    return f"{caught.value.message} | {caught.value.hint}".replace(str(path), path.name)


def notes(panel: Panel) -> list[tuple[str, str]]:
    return [(note.level, note.text.replace(panel.source, "data.csv")) for note in panel.notes]


# -- layouts ---------------------------------------------------------------------------------------------------------

table = st.lists(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=3, max_size=3),
    min_size=6,
    max_size=20,
).filter(lambda rows: all(sum(row[c] is not None for row in rows) >= 4 for c in range(3)))


@given(table)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_wide_and_long_of_the_same_data_are_the_same_series(
    tmp_path: Path, rows: list[list[float | None]]
) -> None:
    names, day = ("a", "b", "c"), [f"2024-01-{d:02}" for d in range(1, len(rows) + 1)]
    wide = "day,a,b,c\n" + "".join(
        ",".join([day[at], *("" if v is None else repr(v) for v in row)]) + "\n"
        for at, row in enumerate(rows)
    )
    long = "unique_id,ds,y\n" + "".join(
        f"{name},{day[at]},{'' if row[c] is None else repr(row[c])}\n"
        for c, name in enumerate(names)
        for at, row in enumerate(rows)
    )
    (tmp_path / "wide.csv").write_text(wide)
    (tmp_path / "long.csv").write_text(long)
    kept = [
        repr(value) for row in rows for value in row if value is not None
    ]  # -1 may be there three times
    one = read_csv(tmp_path / "wide.csv", target="all", gaps="drop", not_null=kept)
    other = read_csv(tmp_path / "long.csv", gaps="drop", not_null=kept)
    assert (one.ids, one.frequency, one.first.tolist()) == (
        other.ids,
        other.frequency,
        other.first.tolist(),
    )
    assert np.array_equal(one.offsets, other.offsets)
    assert np.array_equal(one.values, other.values, equal_nan=True)


def test_covariates_of_a_wide_file_belong_to_every_series(write: Write) -> None:
    text = "day,a,b,heat\n" + "".join(f"2024-01-{d:02},{d},{-d},{d * 10}\n" for d in range(1, 9))
    panel = read_csv(write(text), target=["a", "b"], past="heat")
    assert panel.past_names == ("heat",)
    assert panel.past[:, 0].tolist() == [d * 10 for d in range(1, 9)] * 2


# -- covariates ------------------------------------------------------------------------------------------------------


def test_covariates_land_in_the_panel_and_rows_without_a_target_are_ahead(write: Write) -> None:
    panel = read_csv(write(LONG), future=["promo", "sky"], static="region")
    assert panel.future_names == ("promo", "sky=rain", "sky=sun")
    assert panel.static_names == ("region=a-land", "region=b-land")
    assert panel.levels == {"sky": ("rain", "sun"), "region": ("a-land", "b-land")}
    assert panel.lengths.tolist() == [8, 8]
    assert panel.future[:4].tolist() == [[1, 0, 1], [0, 0, 1], [1, 1, 0], [1, 0, 1]]
    assert panel.static.tolist() == [[1, 0], [0, 1]]
    assert panel.ahead.tolist() == [[[1, 1, 0], [0, 0, 1], [1, 0, 1]]] * 2
    assert notes(panel) == [
        (
            "info",
            "the last 6 rows of 2 series have no value; their known-future covariates are used",
        ),
        ("info", "2 missing values of covariates were filled with the value before"),
    ]


def test_one_value_of_a_covariate_that_is_missing_is_told_in_the_singular(write: Write) -> None:
    text = "day,y,sun\n2024-01-01,1,5\n2024-01-02,2,\n2024-01-03,3,7\n2024-01-04,4,8\n"
    panel = read_csv(write(text), past="sun", target="y")
    assert notes(panel) == [
        ("info", "1 missing value of covariates was filled with the value before"),
    ]


def test_levels_that_were_not_there_in_training_are_said_and_all_zero(write: Write) -> None:
    known = {"sky": ("sun",), "region": ("a-land", "b-land")}
    panel = read_csv(write(LONG), future=["sky"], static="region", levels=known)
    assert panel.future_names == ("sky=sun",)
    assert panel.future[:3, 0].tolist() == [1, 1, 0]
    assert notes(panel)[1] == (
        "warning",
        "column 'sky' has values that were not there in training: 'rain'",
    )


def test_a_static_covariate_that_changes_is_refused(write: Write) -> None:
    assert failure(DataError, write(LONG), static="promo") == (
        "data.csv: series 'a': static 'promo' has 2 values | name it with --past promo or --future promo"
    )


def test_a_text_with_many_levels_is_refused(write: Write) -> None:
    text = "day,y,note\n" + "".join(
        f"{d},{n},x{n}\n" for n, d in enumerate(np.arange("2024-01", "2024-04", dtype="M8[D]"))
    )
    assert failure(DataError, write(text), target="y", past="note") == (
        "data.csv: text covariate 'note' has more than 50 different values | leave it out, or group its values"
    )


def test_future_values_come_from_a_file(write: Write) -> None:
    panel = read_csv(write(LONG), future=["promo", "sky"], static="region")
    text = "unique_id,ds,promo,sky\n" + "".join(
        f"{s},2024-01-{d:02},{d % 2},{'snow' if d == 10 else 'sun'}\n"
        for s in "abz"
        for d in (7, 9, 10, 12)
    )
    filled = read_future_values(write(text, "future.csv"), panel, panel.reading)
    assert np.array_equal(
        filled.ahead[1], np.array([[1, 0, 1], [0, 0, 0], [math.nan] * 3, [0, 0, 1]]), equal_nan=True
    )  # fmt: skip
    assert [note.text for note in filled.notes[-2:]] == [
        "column 'sky' has values that were not there in training: 'snow'",
        "future values of series that are not forecast were ignored: 'z'",
    ]


def test_future_values_off_the_grid_or_twice_are_refused(write: Write) -> None:
    text = "day,y,promo\n" + "".join(f"2024-01-{d:02},{d},{d % 2}\n" for d in range(1, 9))
    panel = read_csv(write(text), target="y", future="promo")
    path = write("day,promo\n2024-01-09,1\n2024-01-09,0\n", "future.csv")
    with pytest.raises(DataError, match=r"future\.csv:3: this time is there twice"):
        read_future_values(path, panel, panel.reading)
    path = write("day,other\n2024-01-09,1\n", "future.csv")
    with pytest.raises(DataError, match=r"no column 'promo'"):
        read_future_values(path, panel, panel.reading)
    weekly = "day,y,promo\n" + "".join(f"2024-01-{d:02},{d},1\n" for d in (1, 8, 15, 22))
    panel = read_csv(write(weekly), target="y", future="promo")
    path = write("day,promo\n2024-01-30,1\n", "future.csv")
    with pytest.raises(
        DataError, match=r"2024-01-30 is not on the grid of the other times \(weekly\)"
    ):
        read_future_values(path, panel, panel.reading)


# -- gaps, duplicates, bad rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gaps", "values"),
    [("interpolate", [1, 2, 3, 4]), ("ffill", [1, 1, 1, 4]), ("zero", [1, 0, 0, 4]), ("drop", [1, math.nan, math.nan, 4])],
)  # fmt: skip
def test_gaps_are_filled_as_told(write: Write, gaps: str, values: list[float]) -> None:
    panel = read_csv(
        write("day,y\n2024-01-01,1\n2024-01-04,4\n2024-01-05,5\n2024-01-06,6\n"), gaps=gaps
    )
    assert np.array_equal(panel.values, [*values, 5, 6], equal_nan=True)
    assert panel.reading.gaps == gaps


def test_gaps_are_refused_when_told(write: Write) -> None:
    assert failure(DataError, write("y\n1\nNA\n3\n"), gaps="error") == (
        "data.csv: a gap of 1 step begins at step 1; none is allowed "
        "| fill it in the file, start after it, or use --gaps interpolate, ffill, zero or drop"
    )


@pytest.mark.parametrize(("how", "value"), [("first", 2), ("last", 4), ("mean", 3), ("sum", 6)])
def test_duplicates_are_merged_as_told(write: Write, how: str, value: float) -> None:
    panel = read_csv(
        write("day,y\n2024-01-01,1\n2024-01-02,2\n2024-01-02,4\n2024-01-03,5\n"), duplicates=how
    )
    assert panel.values.tolist() == [1, value, 5]
    assert panel.notes[0].text.startswith("1 row repeats the time of another; ")


def test_bad_rows_are_left_out_and_counted(write: Write) -> None:
    text = (
        "day,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,x\nfoo,4\n2024-01-05,5\n2024-01-06,6,6\n2024-01-07,inf\n2024-01-08,8\n"
        + "".join(f"2024-01-{d:02},{d}\n" for d in range(9, 16))
    )
    panel = read_csv(write(text), bad_rows="skip")
    assert panel.values.tolist() == list(range(1, 16))
    assert notes(panel) == [
        (
            "degraded",
            "1 row with a different number of fields was left out: data.csv:7: 3 fields where the header has 2",
        ),
        ("degraded", "data.csv: 3 bad rows were left out: line 4, 5, 8"),
        ("info", "4 missing steps were interpolated"),
    ]


# -- numbers and times -----------------------------------------------------------------------------------------------

thousands = st.sampled_from([(".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'")])


@given(st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=15), thousands)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_whatever_the_marks_numbers_are_right_or_refused(
    tmp_path: Path, cents: list[int], marks: tuple[str, str]
) -> None:
    decimal, separator = marks

    def written(number: int) -> str:
        text = (
            f"{number / 1000:,.3f}".replace(",", "T").replace(".", decimal).replace("T", separator)
        )
        return f'"{text}"'

    path = tmp_path / "data.csv"
    path.write_text("y;n\n" + "".join(f"{written(c)};a\n" for c in cents))
    kept = [str(c / 1000) for c in cents]  # -1 may be there three times
    try:
        found = read_csv(path, target="y", not_null=kept).values.tolist()
    except DataError as error:
        if "could be" not in error.message:
            raise
        named: dict[str, Any] = {"decimal": decimal, "thousands": separator or None}
        found = read_csv(path, target="y", not_null=kept, **named).values.tolist()
    assert found == pytest.approx([c / 1000 for c in cents], rel=1e-12)


def test_a_decimal_mark_that_is_none_is_refused(write: Write) -> None:
    assert (
        failure(SettingsError, write("y\n1\n"), decimal=":")
        == "--decimal: ':' is not one of . and , | use --decimal ."
    )


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Sydney",
    "Asia/Kolkata",
    "America/St_Johns",
    "UTC",
]


@given(st.sampled_from(ZONES), st.dates(pd.Timestamp("2001-01-01").date(), pd.Timestamp("2030-01-01").date()),
       st.sampled_from(["h", "30min", "15min"]), st.booleans(), st.booleans())  # fmt: skip
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_no_local_hour_is_lost_or_counted_twice(
    tmp_path: Path, zone: str, start: object, freq: str, offset: bool, backwards: bool
) -> None:
    check_local_hours(tmp_path, zone, start, freq, offset=offset, backwards=backwards)


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("freq", ["h", "30min", "15min"])
def test_no_local_hour_of_a_year_is_lost_or_counted_twice(
    tmp_path: Path, zone: str, freq: str
) -> None:
    for month in range(1, 13):
        for offset, backwards in ((False, False), (True, False), (False, True)):
            start = f"2019-{month:02}-03"
            check_local_hours(tmp_path, zone, start, freq, offset=offset, backwards=backwards)


def check_local_hours(
    tmp_path: Path, zone: str, start: object, freq: str, *, offset: bool, backwards: bool
) -> None:
    stamps = pd.date_range(str(start), periods=24 * 30, freq=freq, tz="UTC").tz_convert(zone)
    pattern = "%Y-%m-%dT%H:%M:%S%z" if offset else "%Y-%m-%d %H:%M"
    texts = [stamp.strftime(pattern) for stamp in stamps]
    rows = [f"{text},{number}\n" for number, text in enumerate(texts)]
    path = tmp_path / "data.csv"
    path.write_text("time,y\n" + "".join(rows[::-1] if backwards else rows))
    try:
        panel = read_csv(path, timezone=zone)
    except DataError as error:  # the file begins or ends in the very hour
        if "does not say which one this is" not in error.message:
            raise
        return
    assert panel.values.tolist() == list(range(len(rows)))
    assert [
        text.replace("+00:00", "+0000") for text in format_times(panel, times_of(panel, 0))
    ] == texts


def test_a_time_may_be_spread_over_columns(write: Write) -> None:
    text = "year,month,day,hour,y\n" + "".join(f"2024,2,28,{h},{h}\n" for h in range(24))
    panel = read_csv(write(text), time="year,month,day,hour")
    assert (panel.columns.times, panel.reading.time) == (
        ("year", "month", "day", "hour"),
        "year,month,day,hour",
    )
    assert format_times(panel, times_of(panel, 0, 23, 25)) == [
        "2024 2 28 23",
        "2024 2 29 0",
    ]
    assert failure(
        DataError, write(text.replace(",28,7,", ",30,7,")), time="year,month,day,hour"
    ) == (
        "data.csv:9: column 'year,month,day,hour': '2024 2 30 7' is not a date that exists "
        "(%Y %m %d %H) | correct the row, or use --bad-rows skip"
    )


@pytest.mark.parametrize(
    ("freq", "answer"),
    [
        ("h", "data.csv: --freq h: no two rows are one step apart, the nearest are 24 | name the step that the times have"),
        ("W-MON", "data.csv: --freq W-MON: 2024-01-02 is not on the grid of the other times (weekly) | name the step that the times have"),
    ],
)  # fmt: skip
def test_a_step_that_the_times_contradict_is_refused(write: Write, freq: str, answer: str) -> None:
    assert failure(DataError, write("day,y\n2024-01-01,1\n2024-01-02,2\n"), freq=freq) == answer


def test_series_of_another_step_are_named(write: Write) -> None:
    rows = [f"a,2024-01-{d:02},1\n" for d in range(1, 20)] + [
        f"b,2024-01-{d:02},1\n" for d in (1, 8, 15, 22)
    ]
    assert "series 'b' has a row every 7 steps at most, but the file is daily" in failure(
        DataError, write("unique_id,ds,y\n" + "".join(rows))
    )


# -- files -----------------------------------------------------------------------------------------------------------


def test_gzip_is_read_up_to_a_size(tmp_path: Path) -> None:
    path = tmp_path / "data.csv.gz"
    text = b"y\n" + b"".join(b"%d\n" % n for n in range(100))
    path.write_bytes(gzip.compress(text))
    assert len(read_csv(path).values) == 100
    with pytest.raises(DataError, match=r"data\.csv\.gz: expands to more than 50 bytes"):
        read_csv(path, expanded=50)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"the gzip file is cut off"):
        read_csv(path)


def test_columns_without_a_role_are_not_read(write: Write) -> None:
    text = "day,y,note\n" + "".join(f"2024-01-{d:02},{d},{'ü' * d}\n" for d in range(1, 9))
    panel = read_csv(write(text), target="y")
    assert values_of(panel, 0).tolist() == list(range(1, 9))
    assert notes(panel) == [("info", "columns not used: 'note'")]


@pytest.mark.parametrize("encoding", ["punycode", "undefined"])
def test_a_codec_that_is_not_for_files_is_refused(write: Write, encoding: str) -> None:
    assert failure(SettingsError, write("day,y\n2024-01-01,1\n"), encoding=encoding) == (
        f"--encoding: the text cannot be read as {encoding!r} | use e.g. --encoding cp1252"
    )
