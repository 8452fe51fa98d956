"""Dates as columns: refused until told, and then the same series as the long file of the same data."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forecast_cli import read_csv
from forecast_cli.errors import DataError, ForecastError, SettingsError
from forecast_cli.panel import Panel, format_times, times_of, values_of
from forecast_cli.reading import read
from forecast_cli.settings import DataSettings
from tests.conftest import Result, daily

Write = Callable[..., Path]
REGIONS = [("", "Albania"), ("Hubei", "China"), ("Beijing", "China"), ("", '"Korea, South"')]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def american(count: int, start: str = "2020-01-22") -> list[str]:
    """Dates such as 1/22/20."""
    days = (np.datetime64(start, "D") + np.arange(count)).astype(object)
    return [f"{day.month}/{day.day}/{day.year % 100:02}" for day in days]


def cases(count: int = 40, regions: list[tuple[str, str]] = REGIONS) -> str:
    """Cases by day, as the published tables of the pandemic have them: 100 * row + day."""
    text = f"Province/State,Country/Region,Lat,Long,{','.join(american(count))}\n"
    for number, (province, country) in enumerate(regions):
        cells = ",".join(str(100 * number + day) for day in range(count))
        text += f"{province},{country},{number / 4},{-number},{cells}\n"
    return text


def by_month(years: range, names: list[str] = MONTHS) -> str:
    """A year a row: 100 * year + month, and their sum."""
    text = f"Year,{','.join(names)},Annual\n"
    for year in years:
        cells = [100 * year + month for month in range(1, len(names) + 1)]
        text += f"{year},{','.join(map(str, cells))},{sum(cells)}\n"
    return text


def refused(path: Path, kind: type[ForecastError] = DataError, **settings: Any) -> str:
    with pytest.raises(kind) as caught:
        read_csv(path, **settings)
    return f"{caught.value.message} | {caught.value.hint}".replace(str(path), path.name)


def notes(panel: Panel) -> list[str]:
    return [note.text for note in panel.notes]


def times(panel: Panel, index: int = 0) -> list[str]:
    return format_times(panel, times_of(panel, index))


# -- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"target": "all"}, {"target": "1/23/20"}, {"id": "Country/Region", "target": "1/23/20"}, {"time": "Lat"},
        {"target": "Long", "gaps": "zero", "bad_rows": "skip", "freq": "D"}, {"target": "1/23/20", "static": "Lat"},
    ],
)  # fmt: skip
def test_dates_as_columns_are_refused_whatever_the_options(
    write: Write, settings: dict[str, Any]
) -> None:
    assert refused(write(cases()), **settings) == (
        "data.csv: 40 of the 44 columns are dates, '1/22/20' to '3/1/20' "
        "| use --dates-as-columns Province/State,Country/Region to read each row as a series, "
        "or --dates-as-columns none if each column is a series"
    )


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (by_month(range(1990, 1993)),
         "data.csv: 12 of the 14 columns are months, 'Jan' to 'Dec' | use --dates-as-columns Year to read the months in order, "
         "or --dates-as-columns none if each column is a series"),
        ("station,YEAR,Q1,Q2,Q3,Q4\na,2019,1,2,3,4\nb,2019,1,2,3,4\n",
         "data.csv: 4 of the 6 columns are quarters, 'Q1' to 'Q4' | use --dates-as-columns station,YEAR to read the quarters "
         "in order, or --dates-as-columns none if each column is a series"),
        ("Country Name,Code,1960,1961\nAruba,x,1,2\nChad,y,3,4\n",
         "data.csv: 2 of the 4 columns are years, '1960' to '1961' | use --dates-as-columns 'Country Name' to read each row "
         "as a series, or --dates-as-columns none if each column is a series"),
        ("Month,1958,1959,1960\nJAN,340,360,417\nFEB,318,342,391\n",
         "data.csv: 3 of the 4 columns are years, '1958' to '1960' | use --dates-as-columns Month to read its years and "
         "months in order, or --dates-as-columns none if each column is a series"),
        ("region,Jan,Feb,Mar\nnorth,1,2,3\nsouth,4,5,6\n",
         "data.csv: 3 of the 4 columns are months, 'Jan' to 'Mar', and no column holds their year | write them with their "
         "year, e.g. 2024-01, or --dates-as-columns none if each column is a series"),
        ("Jan-19,Feb-19\n1,2\n",
         "data.csv: 2 of the 2 columns are dates, 'Jan-19' to 'Feb-19' | add a column that names each row, and use "
         "--dates-as-columns COLUMN, or --dates-as-columns none if each column is a series"),
        ("2024-01-01,2024-01-02,x\n2024-01-02,2024-01-03,y\n",
         "data.csv:1: no header: line 1 holds dates: '2024-01-01', '2024-01-02', 'x' | add a row of names, or use --no-header, which calls the columns 1, 2, ..."),
    ],
)  # fmt: skip
def test_the_refusal_names_the_columns_to_give(write: Write, text: str, answer: str) -> None:
    assert refused(write(text)) == answer
    assert refused(write(text), target="all") == answer


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("day,2019,2020\n2024-01-01,1,2\n2024-01-02,3,4\n2024-01-03,5,6\n", {"target": "all"}),
        ("day,April,May,June\n2024-01-01,1,2,3\n2024-01-02,4,5,6\n", {"target": "May"}),
        ("day," + ",".join(map(str, range(1, 13))) + "\n2024-01-01" + ",1" * 12 + "\n2024-01-02" + ",2" * 12 + "\n", {"target": "all"}),
        ("day,Q1,Q2,Q3,Q4\n2024-01-01,1,2,3,4\n2024-01-02,1,2,3,4\n", {"target": "Q1"}),
        ("day,a,b,c,2024-01,2024-02\n2024-01-01,1,2,3,4,5\n2024-01-02,1,2,3,4,5\n", {"target": "a"}),
        ("day,y,2024-01-01\n2024-01-01,1,2\n2024-01-02,3,4\n", {"target": "y"}),
        ("y,covid-19,Q-1\n1,2,3\n4,5,6\n", {"target": "y"}),
        ("1001,1002,name\n1,2,a\n3,4,b\n", {"target": "1001"}),
        ("y,Jan-18,Jan-19\n1,2,3\n4,5,6\n", {"target": "y"}),
    ],
)  # fmt: skip
def test_other_files_are_read_as_before(write: Write, text: str, settings: dict[str, Any]) -> None:
    panel = read_csv(write(text), **settings)
    assert panel.values.size >= 2
    assert panel.reading.dates_as_columns is None


def test_series_with_dates_for_names_are_read_when_told(write: Write) -> None:
    """Futures by the month of their delivery: the rows have dates, and so do the names."""
    text = "day,2024-03,2024-06\n" + "".join(f"2024-01-{d:02},{d},{-d}\n" for d in range(1, 9))
    assert refused(write(text), target="all").endswith(
        "or --dates-as-columns none if each column is a series"
    )
    panel = read_csv(write(text), target="all", dates_as_columns="none")
    assert panel.ids == ("2024-03", "2024-06")
    assert panel.reading.dates_as_columns == "none"


# -- a column for each date ------------------------------------------------------------------------------------------


def test_rows_become_series_and_columns_become_dates(write: Write) -> None:
    panel = read_csv(write(cases()), dates_as_columns="Province/State,Country/Region")
    assert panel.ids == ("Albania", "Hubei / China", "Beijing / China", "Korea, South")
    assert [values_of(panel, at).tolist() for at in range(4)] == [
        [100 * at + day for day in range(40)] for at in range(4)
    ]
    assert (times(panel)[0], times(panel)[-1]) == ("1/22/20", "3/1/20")
    assert (panel.columns.time, panel.columns.target, panel.columns.id) == (
        "date",
        "value",
        "unique_id",
    )
    assert notes(panel) == ["columns not used: 'Lat', 'Long'"]
    assert panel.reading.date_format == ["%m/%d/%y"]
    single = read_csv(
        write(cases(regions=[REGIONS[0], REGIONS[1]])), dates_as_columns="Country/Region"
    )
    assert (single.columns.id, single.ids) == ("Country/Region", ("Albania", "China"))


def test_an_id_that_repeats_names_the_rows_and_the_columns_to_join(write: Write) -> None:
    path = write(cases())
    assert refused(path, dates_as_columns="Country/Region") == (
        "data.csv:3 and 4: series 'China' is there twice | join columns until each row has a name of its own, e.g. "
        "--dates-as-columns Province/State,Country/Region"
    )
    assert refused(path, dates_as_columns="Province/State") == (
        "data.csv:2: column 'Province/State' is empty | give every row an id"
    )
    assert refused(write("id,2019,2020\na,1,2\na,3,4\na,5,6\n"), dates_as_columns="id") == (
        "data.csv:2 and 3: series 'a' is there twice (and 1 more) | keep one row for each"
    )
    assert refused(write("id,2019,2020\n,1,2\na,3,4\n"), dates_as_columns="id") == (
        "data.csv:2: column 'id' is empty | give every row an id"
    )


def test_an_id_that_repeats_after_the_first_rows_is_seen(write: Write) -> None:
    rows = [f"s{number},k{number % 7},{number},{number + 1}\n" for number in range(20_000)]
    rows[-1] = rows[0]
    path = write("id,kind,2019,2020\n" + "".join(rows))
    assert refused(path, dates_as_columns="id") == (
        "data.csv:2 and 20001: series 's0' is there twice | join columns until each row has a name of its own, e.g. "
        "--dates-as-columns kind,id"
    )


cells = st.lists(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=6, max_size=6),
    min_size=1,
    max_size=8,
).filter(lambda rows: all(sum(cell is not None for cell in row) >= 1 for row in rows))


@given(cells)
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_dates_as_columns_and_the_long_file_are_the_same_panel(
    tmp_path: Path, rows: list[list[float | None]]
) -> None:
    days = [f"2024-01-{day:02}" for day in (1, 2, 3, 5, 6, 9)]

    def written(value: float | None) -> str:
        return "" if value is None else repr(value)

    one = "id," + ",".join(days) + "\n"
    other = "unique_id,ds,y\n"
    for number, row in enumerate(rows):
        one += f"s{number},{','.join(map(written, row))}\n"
        other += "".join(
            f"s{number},{day},{written(cell)}\n" for day, cell in zip(days, row, strict=True)
        )
    (tmp_path / "one.csv").write_text(one)
    (tmp_path / "other.csv").write_text(other)

    transposed = read_csv(tmp_path / "one.csv", dates_as_columns="id", gaps="drop")
    long = read_csv(tmp_path / "other.csv", gaps="drop")
    assert (transposed.ids, transposed.frequency) == (long.ids, long.frequency)
    assert (transposed.first.tolist(), transposed.offsets.tolist()) == (
        long.first.tolist(),
        long.offsets.tolist(),
    )
    assert np.array_equal(transposed.values, long.values, equal_nan=True)
    assert notes(transposed) == notes(long)


@pytest.mark.parametrize(
    ("names", "kind", "first", "after"),
    [
        ([str(year) for year in range(1990, 2000)], 12, "1990", "2000"),
        ([f"{year} [YR{year}]" for year in range(1990, 2000)], 12, "1990", "2000"),
        ([f"X{year}" for year in range(1990, 2000)], 12, "1990", "2000"),
        ([f"{year}Q{q}" for year in (2018, 2019) for q in (1, 2, 3, 4)], 3, "2018Q1", "2020Q1"),
        ([f"Q{q} {year}" for year in (2018, 2019) for q in (1, 2, 3, 4)], 3, "Q1 2018", "Q1 2020"),
        ([f"2019-{month:02}" for month in range(1, 13)], 1, "2019-01", "2020-01"),
        ([f"{month}-19" for month in MONTHS], 1, "Jan-19", "Jan-20"),
        ([f"{month} 2019" for month in MONTHS], 1, "Jan 2019", "Jan 2020"),
    ],
)
def test_every_way_to_write_years_quarters_and_months(
    write: Write, names: list[str], kind: int, first: str, after: str
) -> None:
    panel = read_csv(write(f"id,{','.join(names)}\na{',1' * len(names)}\n"), dates_as_columns="id")
    assert (panel.frequency.kind, panel.frequency.size) == ("months", kind)
    assert panel.lengths.tolist() == [len(names)]
    assert format_times(panel, times_of(panel, 0, 0, 1)) == [first]
    assert format_times(panel, times_of(panel, 0, len(names), len(names) + 1)) == [after]
    again = read_csv(panel.source, panel.reading)
    assert (again.first.tolist(), again.values.tolist()) == (
        panel.first.tolist(),
        panel.values.tolist(),
    )


def test_dates_that_could_be_two_are_refused_until_told(write: Write) -> None:
    text = "id," + ",".join(f"0{day}/02/2024" for day in range(1, 9)) + "\na,1,2,3,4,5,6,7,8\n"
    assert refused(write(text), dates_as_columns="id") == (
        "data.csv: the name of column '01/02/2024' could be %d/%m/%Y or %m/%d/%Y, and so could every other date "
        "| use --date-format %d/%m/%Y or --date-format %m/%d/%Y"
    )
    panel = read_csv(write(text), dates_as_columns="id", date_format="%d/%m/%Y")
    assert (times(panel)[0], times(panel)[-1]) == ("01/02/2024", "08/02/2024")
    assert panel.frequency.kind == "fixed"


def test_dates_of_digits_alone_are_refused_until_told(write: Write) -> None:
    text = "id," + ",".join(f"202401{day:02}" for day in range(1, 9)) + "\na,1,2,3,4,5,6,7,8\n"
    assert refused(write(text)).startswith(
        "data.csv: 8 of the 9 columns are dates, '20240101' to '20240108'"
    )
    assert refused(write(text), dates_as_columns="id") == (
        "data.csv: the names of the columns may be dates: '20240101' | use --date-format %Y%m%d"
    )
    panel = read_csv(write(text), dates_as_columns="id", date_format="%Y%m%d")
    assert times(panel)[-1] == "20240108"


def test_dates_out_of_order_are_sorted_and_said(write: Write) -> None:
    panel = read_csv(write("id,2022,2020,2021\na,3,1,2\nb,6,4,5\n"), dates_as_columns="id")
    assert panel.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert notes(panel) == ["the dates of the columns were not in order; they were sorted"]


def test_gaps_between_dates_follow_the_rules_of_rows(write: Write) -> None:
    panel = read_csv(write("id,2018,2019,2021,2022\na,1,2,4,5\n"), dates_as_columns="id")
    assert panel.values.tolist() == [1, 2, 3, 4, 5]
    assert notes(panel) == ["1 missing step was interpolated"]
    text = "id,2001,2002,2009,2010\na,1,2,9,10\n"
    assert refused(write(text), dates_as_columns="id").startswith(
        "data.csv: series 'a': a gap of 6 steps begins at 2003; gaps of up to 1 (one season) are interpolated"
    )


def test_empty_cells_are_missing_and_those_at_the_ends_are_left_out(write: Write) -> None:
    days = [f"2024-01-{day:02}" for day in range(1, 9)]
    text = f"id,{','.join(days)}\na,,,1,2,NA,4,5,\nb,1,2,3,-,5,6,7,8\nc,,,,,,,,\n"
    panel = read_csv(write(text), dates_as_columns="id", null="-")
    assert panel.ids == ("a", "b")
    assert values_of(panel, 0).tolist() == [1, 2, 3, 4, 5]
    assert times(panel)[0] == "2024-01-03"
    assert values_of(panel, 1).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert notes(panel) == [
        "series without a single value were left out: 'c'",
        "the last row has no value and was left out",
        "2 missing steps were interpolated",
    ]


@pytest.mark.parametrize("count", [3, 700])
def test_a_bad_cell_is_named_by_line_and_column(write: Write, count: int) -> None:
    rows = [f"s{number},1,2,3\n" for number in range(count)]
    rows[-1] = f"s{count - 1},1,ERR,3\n"
    path = write("id,2020,2021,2022\n" + "".join(rows))
    assert refused(path, dates_as_columns="id") == (
        f"data.csv:{count + 1}: column '2021': 'ERR' is not a number | name missing values with --null "
        "(besides empty, NA, NaN and null), correct these cells, or use --bad-rows skip"
    )
    panel = read_csv(path, dates_as_columns="id", null="ERR")
    assert len(panel) == count
    skipped = read_csv(path, dates_as_columns="id", bad_rows="skip")
    assert len(skipped) == count - 1
    assert [note.level for note in skipped.notes] == ["degraded"]


@pytest.mark.parametrize("rows", [3, 40, pytest.param(2000, marks=pytest.mark.slow)])
def test_decimal_commas_are_read_over_all_columns(
    write: Write, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """More cells than are looked at in one pass over the file."""
    if rows < 2000:
        monkeypatch.setattr("forecast_cli.reading.parsing.AT_ONCE", 300 * rows)
    names = american(700)
    text = f"id;{';'.join(names)}\n" + "".join(
        f"s{number}" + "".join(f";{number},{day:03}" for day in range(700)) + "\n"
        for number in range(rows)
    )
    panel = read_csv(write(text), dates_as_columns="id", decimal=",")
    assert np.allclose(panel.values, (np.arange(rows)[:, None] + np.arange(700) / 1000).reshape(-1))


def test_names_that_are_nearly_dates_are_not_passed_over(write: Write) -> None:
    text = "id,2024-01-01,2024-01-02,2024-01-32,2024-01-04\na,1,2,3,4\n"
    assert refused(write(text), dates_as_columns="id") == (
        "data.csv: the name of column '2024-01-32' is not a date like the others ('2024-01-01') "
        "| correct it, or rename the column if it is no date"
    )
    text = "id,2024-01-01,2024-01-02,2024-01,2024-01-04\na,1,2,3,4\n"
    assert refused(write(text), dates_as_columns="id") == (
        "data.csv: the name of column '2024-01' is not a date like the others (%Y-%m-%d) "
        "| write all dates of the header in one format, or name the one of the columns to read with --date-format"
    )
    text = "id,2024-01-01,,2024-01-03,total\na,1,2,3,6\n"
    assert refused(write(text), dates_as_columns="id") == (
        "data.csv: column 3 stands among the dates and has no name | give it a date in the header, or remove it"
    )
    text = "id,1/2/24,01/02/24,1/3/24,1/13/24\na,1,2,3,6\n"
    assert refused(write(text), dates_as_columns="id") == (
        "data.csv: columns '1/2/24' and '01/02/24' are both 2024-01-02 "
        "| keep one column for each date, or use --duplicates first, last, mean or sum"
    )
    assert read_csv(write(text), dates_as_columns="id", duplicates="sum", freq="D").values[
        :2
    ].tolist() == [3, 3]
    assert refused(write("id,2020,2021,2020\na,1,2,3\n"), dates_as_columns="id") == (
        "data.csv:1: column '2020' is there twice | rename one of them"
    )


def test_the_empty_column_of_a_last_delimiter_is_nothing(write: Write) -> None:
    text = '"Country Name","Code","1960","1961","1962",\n"Aruba","ABW","","2","3",\n"Chad","TCD","4","5","6",\n'
    panel = read_csv(write(text), dates_as_columns="Country Name")
    assert panel.values.tolist() == [2, 3, 4, 5, 6]
    assert notes(panel) == ["columns not used: 'Code'"]
    rows = [f"s{number},1,2,\n" for number in range(20_000)]
    rows[-1] = "s,1,2,3\n"
    assert refused(write("id,2019,2020,\n" + "".join(rows)), dates_as_columns="id") == (
        "data.csv:20001: '3' stands in a column that has no name | give the column a date in the header, or remove it"
    )


def test_totals_among_the_dates_are_not_used_and_said(write: Write) -> None:
    text = "id,2019Q1,2019Q2,2019Q3,2019Q4,2019,2020Q1,Total\na,1,2,3,4,10,5,15\n"
    panel = read_csv(write(text), dates_as_columns="id")
    assert panel.values.tolist() == [1, 2, 3, 4, 5]
    assert notes(panel) == ["columns not used: '2019', 'Total'"]


def test_hours_with_offsets_and_in_zones(write: Write) -> None:
    hours = [f"2024-03-31T{hour:02}:00" for hour in (0, 1, 3, 4, 5)]
    path = write(f"id,{','.join(hours)}\na,0,1,2,3,4\nb,5,6,7,8,9\n")
    panel = read_csv(path, dates_as_columns="id", timezone="Europe/Berlin")
    assert panel.values.tolist() == list(range(10))
    assert times(panel, 1)[1:3] == ["2024-03-31T01:00", "2024-03-31T03:00"]
    offsets = [f"{hour}+0{1 if hour < '2024-03-31T02' else 2}:00" for hour in hours]
    panel = read_csv(write(f"id,{','.join(offsets)}\na,0,1,2,3,4\n"), dates_as_columns="id")
    assert panel.values.tolist() == list(range(5))
    assert times(panel)[-1] == "2024-03-31T05:00+02:00"
    months = read_csv(
        write(by_month(range(2000, 2003))), dates_as_columns="Year", timezone="Europe/Berlin"
    )
    assert times(months)[6] == "2000-07"


# -- a column for each month of a year -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [
        MONTHS, [name.upper() for name in MONTHS], [name.lower() for name in MONTHS],
        ["January", "February", "March", "April", "May", "June", "July", "August", "Sept.", "October", "November", "December"],
        [f"{month:02}" for month in range(1, 13)], [str(month) for month in range(1, 13)],
    ],
)  # fmt: skip
def test_months_are_read_in_order_into_one_series(write: Write, names: list[str]) -> None:
    path = write(by_month(range(1990, 1995), names))
    assert "--dates-as-columns Year to read the months in order" in refused(
        path, time="Year", target=names[0]
    )
    panel = read_csv(path, dates_as_columns="Year")
    assert panel.values.tolist() == [
        100 * year + month for year in range(1990, 1995) for month in range(1, 13)
    ]
    assert (panel.ids, panel.columns.id, panel.columns.time) == (("",), "", "date")
    assert (times(panel)[0], times(panel)[-1]) == ("1990-01", "1994-12")
    assert notes(panel) == ["columns not used: 'Annual'"]


def test_years_in_any_order_and_months_to_come(write: Write) -> None:
    lines = by_month(range(2000, 2003)).splitlines()
    lines[3] = "2002,1,2,3,4,NA,,,,,,,,"
    panel = read_csv(write("\n".join([lines[0], *lines[:0:-1]]) + "\n"), dates_as_columns="Year")
    assert panel.values[:12].tolist() == [200_000 + month for month in range(1, 13)]
    assert panel.values[24:].tolist() == [1, 2, 3, 4]
    assert times(panel)[-1] == "2002-04"
    assert notes(panel) == [
        "columns not used: 'Annual'",
        "the last 8 rows have no value and were left out",
    ]


def test_months_of_several_stations(write: Write) -> None:
    header = f"station,YEAR,{','.join(MONTHS)}\n"
    rows = [
        f"{s},{year}" + "".join(f",{year + month}" for month in range(12))
        for s in "ba"
        for year in (2001, 2000)
    ]
    path = write(header + "\n".join(rows) + "\n")
    panel = read_csv(path, dates_as_columns="station,YEAR")
    assert (panel.ids, panel.columns.id) == (("b", "a"), "station")
    assert values_of(panel, 1).tolist() == [
        year + month for year in (2000, 2001) for month in range(12)
    ]
    assert refused(path, dates_as_columns="YEAR") == (
        "data.csv:2 and 4: this year of the series is there twice (and 1 more) | join columns until each row has a name "
        "of its own, e.g. --dates-as-columns station,YEAR"
    )
    assert refused(path, dates_as_columns="station") == (
        "data.csv: column 'Jan' needs a year, and --dates-as-columns station names no column of years "
        "| name it, too: --dates-as-columns station,YEAR"
    )


def test_quarters_of_a_year(write: Write) -> None:
    panel = read_csv(
        write("year,q1,q2,q3,q4\n2019,1,2,3,4\n2020,5,6,7,8\n"), dates_as_columns="year"
    )
    assert panel.values.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert times(panel)[-1] == "2020Q4"


def test_years_as_columns_and_months_as_rows(write: Write) -> None:
    text = "Month,1958,1959,1960\n" + "".join(
        f"{m.upper()},{n},{n + 12},{n + 24}\n" for n, m in enumerate(MONTHS)
    )
    panel = read_csv(write(text), dates_as_columns="Month")
    assert panel.values.tolist() == list(range(36))
    assert (times(panel)[0], times(panel)[-1]) == ("1958-01", "1960-12")
    assert notes(panel) == []
    assert refused(write(text + "Total,1,2,3\n"), dates_as_columns="Month") == (
        "data.csv:14: column 'Month': 'Total' is not a month | correct the row, or remove it"
    )
    numbers = text
    for number, name in enumerate(MONTHS, 1):
        numbers = numbers.replace(name.upper(), str(number))
    assert read_csv(write(numbers), dates_as_columns="Month").values.tolist() == list(range(36))
    quarters = "period,2019,2020\nQ1,1,5\nQ2,2,6\nQ3,3,7\nQ4,4,8\n"
    panel = read_csv(write(quarters), dates_as_columns="period")
    assert (panel.values.tolist(), times(panel)[-1]) == ([1, 2, 3, 4, 5, 6, 7, 8], "2020Q4")


def test_what_is_no_year_is_named(write: Write) -> None:
    text = by_month(range(2000, 2003))
    assert refused(write(text.replace("\n2001,", "\n2001.5,")), dates_as_columns="Year") == (
        "data.csv:3: column 'Year': 2001.5 is not a year | give every row a year"
    )
    assert refused(write(text.replace("\n2001,", "\n,")), dates_as_columns="Year") == (
        "data.csv:3: column 'Year': no year | give every row a year"
    )
    mean = text + "mean" + ",1" * 13 + "\n"
    assert refused(write(mean), dates_as_columns="Year").startswith(
        "data.csv:5: column 'Year': 'mean' is not a number"
    )
    assert read_csv(
        write(mean), dates_as_columns="Year", bad_rows="skip", max_skipped=0.3
    ).lengths.tolist() == [36]
    assert refused(write("region,Jan,Feb,Mar\na,1,2,3\n"), dates_as_columns="region") == (
        "data.csv: column 'Jan' needs a year, and --dates-as-columns region names no column of years "
        "| write the months with their year, e.g. 2024-01"
    )


def test_whatever_the_bytes_the_answer_is_a_panel_or_an_error_of_ours(write: Write) -> None:
    """Letters of dates and marks of fields, put anywhere in three kinds of files."""
    files = [
        (cases(12), "Province/State,Country/Region"), (by_month(range(2000, 2004)), "Year"),
        ("Name,Code,1960,1961,1962,\nAruba,a,1,2,3,\nChad,b,4,5,6,\n", "Name"),
    ]  # fmt: skip
    random = np.random.default_rng(1)
    letters = b',\n"0123456789-/QJan. ;X\xff'
    for turn in range(60):
        text, word = files[turn % 3]
        data = bytearray(text.encode())
        for _ in range(random.integers(1, 5)):
            data[random.integers(len(data))] = letters[random.integers(len(letters))]
        choices: list[dict[str, Any]] = [
            {},
            {"dates_as_columns": word},
            {"dates_as_columns": word, "bad_rows": "skip"},
        ]
        for settings in choices:
            try:
                panel = read_csv(write(bytes(data)), **settings)
            except ForecastError:
                continue
            assert len(panel.values) >= 1


# -- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["time", "target", "id", "past", "future", "static", "weight"])
def test_a_column_that_is_a_date_is_nothing_else(write: Write, role: str) -> None:
    value: Any = ["Lat"] if role in ("target", "past", "future", "static") else "Lat"
    with pytest.raises(SettingsError) as caught:
        DataSettings(dates_as_columns="Country/Region", **{role: value})
    assert caught.value.message == (
        f"--dates-as-columns does not go with --{role}: all numbers are of one kind, and dates are their columns"
    )
    assert caught.value.hint == f"leave out --{role}; --dates-as-columns names the series"


def test_columns_that_cannot_name_the_rows_are_refused(write: Write) -> None:
    path = write(cases(3))
    assert refused(path, dates_as_columns="nation") == (
        "data.csv: no column 'nation' for --dates-as-columns | known: Province/State, Country/Region, Lat, Long"
    )
    assert refused(path, dates_as_columns="Lat,Longg") == (
        "data.csv: no column 'Longg' for --dates-as-columns | did you mean 'Long'?"
    )
    assert refused(path, dates_as_columns="1/22/20") == (
        "data.csv: --dates-as-columns: column '1/22/20' is one of the dates "
        "| name a column beside them: Province/State, Country/Region, Lat, Long"
    )
    assert refused(path, SettingsError, dates_as_columns="Lat,Lat") == (
        "--dates-as-columns names column 'Lat' twice | name it once"
    )
    assert refused(write(daily(np.arange(9))), dates_as_columns="day") == (
        "data.csv: no name of a column is a date, a year or a month, as --dates-as-columns needs it "
        "| leave it out for a file with its dates in rows, or name the format of the dates with --date-format"
    )
    comma = write('"Country, long",2019,2020\na,1,2\n')
    assert read_csv(comma, dates_as_columns="Country, long").columns.id == "Country, long"


# -- commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [[], ["--target", "all"], ["--target", "1/23/20"], ["--id", "Country/Region"]]
)
def test_train_and_check_say_it_alike(
    forecast: Callable[..., Result], write: Write, words: list[str]
) -> None:
    path = write(cases())
    for command in ("train", "check"):
        done = forecast(command, path, *words, "--json")
        assert done.code == 20
        document = json.loads(done.out)
        assert "40 of the 44 columns are dates" in document["error"]
        assert "--dates-as-columns Province/State,Country/Region" in document["hint"]
    assert (
        document["train"]
        == f"forecast train {path} --dates-as-columns Province/State,Country/Region"
    )


def test_the_line_that_check_proposes_trains(forecast: Callable[..., Result], write: Write) -> None:
    path = write(cases(60))
    line = forecast("check", path, "--target", "all", "--horizon", 3).out.splitlines()[-1].split()
    assert line[:3] == ["hint:", "forecast", "train"]
    assert forecast(*line[2:], "--epochs", 1, "--units", 4, "--members", 1, "--quiet").code == 0
    again = forecast("check", *line[3:])
    assert (
        "dates are columns, beside 'Province/State,Country/Region', not used: 'Lat', 'Long'"
        in again.out
    )


def test_predict_reads_new_columns_as_the_run_was_trained(
    forecast: Callable[..., Result], write: Write
) -> None:
    write(cases(60))
    words = ["--dates-as-columns", "Province/State,Country/Region"]
    assert (
        forecast(
            "train", "data.csv", *words, "--epochs", 1, "--units", 4, "--members", 1, "--horizon", 2
        ).code
        == 0
    )
    first = forecast("predict").out.splitlines()
    assert first[0] == "unique_id,date,forecast,lo-80,hi-80,lo-95,hi-95"
    assert [line.rsplit(",", 5)[0] for line in first[1:5]] == [
        "Albania,3/22/20", "Albania,3/23/20", "Hubei / China,3/22/20", "Hubei / China,3/23/20",
    ]  # fmt: skip
    write(cases(63))
    assert forecast("predict").out.splitlines()[1].startswith("Albania,3/25/20,")
    assert forecast("runs", "verify").code == 0
    newer = write("unique_id,ds,y\n" + "".join(f"a,{day},1\n" for day in american(40)), "long.csv")
    done = forecast("predict", newer)
    assert done.code == 20
    assert "no name of a column is a date" in done.err


def test_a_run_on_quarters_writes_quarters(forecast: Callable[..., Result], write: Write) -> None:
    names = [f"{year}Q{quarter}" for year in range(2000, 2015) for quarter in (1, 2, 3, 4)]
    write(f"id,{','.join(names)}\na,{','.join(str(10 + at % 4) for at in range(60))}\n")
    assert (
        forecast(
            "train",
            "data.csv",
            "--dates-as-columns",
            "id",
            "--epochs",
            1,
            "--units",
            4,
            "--members",
            1,
        ).code
        == 0
    )
    assert forecast("predict").out.splitlines()[1].startswith("a,2015Q1,")
    assert forecast("runs", "verify").code == 0
    assert forecast("plot", "-o", "plots").code == 0


def test_a_run_of_a_release_that_did_not_ask_can_go_on(
    forecast: Callable[..., Result], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        "day,2024-03,2024-06\n"
        + "".join(f"2024-01-{day:02},{day},{-day}\n" for day in range(1, 30))
    )
    with monkeypatch.context() as before:
        before.setattr("forecast_cli.reading.dated_layout.find_layout", lambda *_: None)
        assert (
            forecast(
                "train", "data.csv", "--target", "all", "--epochs", 1, "--units", 4, "--members", 1
            ).code
            == 0
        )
        expected = forecast("predict").out

    done = forecast("predict")
    assert done.code == 20
    assert "or --dates-as-columns none if each column is a series" in done.err
    assert forecast("predict", "--dates-as-columns", "none").out == expected


# -- Parquet, and large files ----------------------------------------------------------------------------------------


def test_parquet_obeys_the_same_rules(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as format_

    columns = {
        "region": ["a", "b"],
        "Lat": [1.5, 2.5],
        **{f"2024-01-0{day}": [day, None] for day in range(1, 5)},
    }
    columns["2024-01-05"] = [5.0, 6.0]
    path = tmp_path / "data.parquet"
    format_.write_table(pyarrow.table(columns), path)
    for settings in (DataSettings(), DataSettings(time="region", target=["2024-01-02"])):
        with pytest.raises(DataError, match="5 of the 7 columns are dates") as caught:
            read(path, settings)
        assert caught.value.proposal == "region"
    panel = read(path, DataSettings(dates_as_columns="region"))
    assert panel.ids == ("a", "b")
    assert panel.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert notes(panel) == ["columns not used: 'Lat'"]


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "columns"), [(20_000, 100), (100, 10_000), (100_000, 12)])
def test_many_rows_and_many_columns(write: Write, rows: int, columns: int) -> None:
    days = np.datetime64("1990-01-01") + np.arange(columns)
    values = np.arange(rows * columns).reshape(rows, columns) % 1009
    lines = [f"s{number},{','.join(map(str, row))}\n" for number, row in enumerate(values.tolist())]
    panel = read_csv(
        write(f"id,{','.join(map(str, days))}\n" + "".join(lines)), dates_as_columns="id"
    )
    assert len(panel) == rows
    assert np.array_equal(panel.values, values.reshape(-1))
