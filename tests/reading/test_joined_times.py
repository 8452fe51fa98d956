"""Times over several columns: what makes a time, what does not, and what is found unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast_cli.errors import ForecastError
from forecast_cli.panel import Columns, Panel, TimeFormat, format_times, times_of
from forecast_cli.reading import read_csv
from forecast_cli.tables import forecast_csv
from forecast_cli.workflow import predict, train
from tests.conftest import Result

START = datetime(2024, 1, 30)
HOUR = timedelta(hours=1)
HOURS = [START + timedelta(hours=at) for at in range(700)]


def read(text: str, **settings: Any) -> Panel:
    return read_csv("data.csv", content=text.encode(), **settings)


def refused(text: str, **settings: Any) -> str:
    with pytest.raises(ForecastError) as caught:
        read(text, **settings)
    return f"{caught.value.message} | {caught.value.hint}"


def table(names: str, rows: list[str]) -> str:
    return "".join(
        f"{row}\n" for row in [f"{names},y", *(f"{r},{at}" for at, r in enumerate(rows))]
    )


def next_times(panel: Panel) -> list[str]:
    length = int(panel.lengths[0])
    return format_times(panel, times_of(panel, 0, length, length + 2))


DATE_AND_HOUR = table("Date,Hour", [f"{time:%Y-%m-%d},{time.hour}" for time in HOURS])


def test_a_column_of_hours_beside_dates_that_repeat_is_found_and_said() -> None:
    panel = read(DATE_AND_HOUR)
    assert panel.columns.times == ("Date", "Hour")
    assert panel.reading.time == "Date,Hour"
    assert [note.text for note in panel.notes] == [
        "the time is in the columns 'Date' and 'Hour'; --time names others"
    ]
    assert next_times(panel) == ["2024-02-28 4", "2024-02-28 5"]


def test_a_column_of_hours_is_left_alone_where_the_dates_tell_the_rows_apart() -> None:
    days = table("Date,Hour", [f"2024-01-{day:02},{day % 24}" for day in range(1, 31)])
    assert read(days, target="y").columns.times == ()


def test_a_column_of_clocks_at_any_time_is_left_alone() -> None:
    sales = table(
        "Date,Time",
        [f"2024-01-{1 + at // 20:02},{at * 7 % 24:02}:{at * at % 60:02}" for at in range(400)],
    )
    assert refused(sales).startswith("data.csv:2 and 3: the time 2024-01-01 is there twice")


def test_days_that_are_summed_up_stay_days() -> None:
    panel = read(DATE_AND_HOUR, duplicates="sum", target="y")
    assert panel.columns.times == ()
    assert next_times(panel)[0] == "2024-02-29"


def test_a_format_of_days_is_that_of_days() -> None:
    found = refused(DATE_AND_HOUR, date_format="%Y-%m-%d", target="y")
    assert found.startswith("data.csv:2 and 3: the time 2024-01-30 is there twice (and 669 more)")
    assert read(DATE_AND_HOUR, date_format="%Y-%m-%d %H").columns.times == ("Date", "Hour")


def test_a_date_in_digits_is_named_with_its_clock() -> None:
    text = table("DATE,TIME", [f"{time:%Y%m%d},{time:%H%M%S}" for time in HOURS])
    assert refused(text, target="y") == (
        "data.csv: column 'DATE' may hold times: '20240130' | use --time DATE,TIME"
    )
    assert next_times(read(text, time="DATE,TIME")) == ["20240228 040000", "20240228 050000"]


def test_the_hour_of_each_series_is_found_by_its_id() -> None:
    rows = [f"{name},{time:%Y-%m-%d},{time.hour}" for name in "ab" for time in HOURS]
    panel = read(table("station,Date,Hour", rows), id="station")
    assert panel.columns.times == ("Date", "Hour")
    assert panel.lengths.tolist() == [700, 700]


def test_the_columns_of_a_date_are_named_together() -> None:
    text = table("Year,Month,Day", [f"{t.year},{t.month},{t.day}" for t in HOURS[::24]])
    assert refused(text, target="y") == (
        "data.csv: column 'Year' may hold times: '2024' | use --time Year,Month,Day"
    )
    assert next_times(read(text, time="Year,Month,Day")) == ["2024 2 29", "2024 3 1"]


def test_24_is_the_first_hour_of_the_next_day() -> None:
    text = table("Date,Hour", [f"2024-01-0{day},{hour}" for day in (1, 2) for hour in range(1, 25)])
    panel = read(text, time="Date,Hour")
    assert panel.values.tolist() == list(range(48))
    assert next_times(panel) == ["2024-01-03 1", "2024-01-03 2"]
    length = int(panel.lengths[0])
    assert format_times(panel, times_of(panel, 0, length - 1, length)) == ["2024-01-02 24"]


def test_local_hours_over_the_end_of_summer_time_are_read_in_their_zone() -> None:
    hours = [datetime(2024, 10, 26) + timedelta(hours=at) for at in range(72)]
    hours.insert(27, hours[26])
    text = table("Date,Hour", [f"{time:%d.%m.%Y},{time.hour}" for time in hours])
    panel = read(text, time="Date,Hour", timezone="Europe/Berlin")
    assert panel.values.tolist() == list(range(73))
    assert "--timezone Europe/Berlin" in refused(text, time="Date,Hour")


@pytest.mark.parametrize(
    ("text", "settings", "answer"),
    [
        (
            # An hour 25, as some count the hours of the day on which the clocks go back.
            DATE_AND_HOUR.replace("02-01,23,", "02-01,25,"),
            {"time": "Date,Hour"},
            "data.csv:73: column 'Date,Hour': '2024-02-01 25' is not a date that exists "
            "(%Y-%m-%d %H) | hour 25 is the hour that is there twice when the clocks go back: "
            "write the times of this day with their offset, e.g. 02:00+01:00, or use --bad-rows skip "
            "to leave it out",
        ),
        (
            table("Date,Hour", [f"0{at}/02/2024,{at}" for at in range(1, 9)]),
            {"time": "Date,Hour"},
            "data.csv: column 'Date,Hour': '01/02/2024 1' could be %d/%m/%Y %H or %m/%d/%Y %H, "
            "and so could every other row | use --date-format '%d/%m/%Y %H' or "
            "--date-format '%m/%d/%Y %H'",
        ),
        (
            # 730 could be 7:30 or 73:0.
            table("Date,Time", ["2024-01-01,600", "2024-01-01,730", "2024-01-01,1000"]),
            {"time": "Date,Time"},
            "data.csv: column 'Time': no known format reads '600' as a part of a time | "
            "say how the joined columns are written with --date-format, e.g. '%d/%m/%Y %H:%M'",
        ),
        (
            table("Date,Month", ["2024-01-01,1", "2024-01-02,1"]),
            {"time": "Date,Month"},
            "data.csv: --time Date,Month: these columns do not make a time | name them in the "
            "order year,month,day,hour,minute,second, as far as they go, or a date and then an hour",
        ),
        (
            table("Year,Day", ["2024,1", "2024,2"]),
            {"time": "Year,Day"},
            "data.csv: --time Year,Day: these columns do not make a time | name them in the "
            "order year,month,day,hour,minute,second, as far as they go, or a date and then an hour",
        ),
        (
            DATE_AND_HOUR.replace("02-01,23,", "02-01,,"),
            {"time": "Date,Hour"},
            "data.csv:73: column 'Date,Hour': the time is empty | give every row a time, or use --bad-rows skip",
        ),
    ],
)
def test_columns_that_are_no_time_are_refused(
    text: str, settings: dict[str, Any], answer: str
) -> None:
    found = refused(text, **settings)
    assert found.removeprefix("data.csv: ") == answer.removeprefix("data.csv: ")


def test_a_format_may_be_named_for_the_joined_columns() -> None:
    text = table("Date,Hour", [f"0{at}/02/2024,7" for at in range(1, 9)])
    panel = read(text, time="Date,Hour", date_format="%d/%m/%Y %H")
    assert panel.columns.times == ("Date", "Hour")
    assert next_times(panel) == ["09/02/2024 7", "10/02/2024 7"]


# -- whole runs --------------------------------------------------------------------------------


def test_the_forecast_has_the_columns_of_the_file(
    forecast: Callable[..., Result], write: Callable[..., Path]
) -> None:
    rows = [f"{(t - HOUR).day}.{(t - HOUR).month}.2024,{(t - HOUR).hour + 1}" for t in HOURS]
    text = table("Date,HE", rows)
    write(text)
    quick = ["--epochs", 1, "--units", 4, "--members", 1, "--horizon", 2]
    assert forecast("train", "data.csv", *quick).code == 0
    first = forecast("predict")
    assert first.code == 0
    assert [line.split(",")[:3] for line in first.out.splitlines()][:1] == [
        ["Date", "HE", "forecast"]
    ]
    assert [line.split(",")[:2] for line in first.out.splitlines()[1:]] == [
        ["28.2.2024", "4"],
        ["28.2.2024", "5"],
    ]

    write(text + "28.2.2024,4,7\n")
    again = forecast("predict", "--format", "json")
    assert [(row["Date"], row["HE"]) for row in json.loads(again.out)] == [
        ("28.2.2024", "5"),
        ("28.2.2024", "6"),
    ]
    assert forecast("plot").code == 0
    assert forecast("runs", "verify").code == 0


def test_a_run_that_wrote_joined_times_as_one_column_goes_on_to_do_so(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    """Before schema 6, runs had no names of several columns, and a format with hyphens."""
    rows = [f"{t.year},{t.month},{t.day},{t.hour}" for t in HOURS]
    path = write(table("year,month,day,hour", rows))
    trained = train(
        path,
        store_folder=tmp_path / "store",
        time="year,month,day,hour",
        epochs=1,
        units="4",
        horizon=2,
    )
    old = replace(
        trained.run,
        config=replace(
            trained.run.config,
            columns=Columns("time", "y"),
            time_format=TimeFormat("%Y-%m-%d %H:%M"),
            data=replace(trained.run.config.data, date_format=None),
        ),
    )
    found = forecast_csv(predict(path, run=old).forecast).decode().splitlines()
    assert found[0].split(",")[:2] == ["time", "forecast"]
    assert [line.split(",")[0] for line in found[1:]] == ["2024-02-28 04:00", "2024-02-28 05:00"]
