from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from forecast_cli.errors import DataError
from forecast_cli.reading import date_formats, date_parsing, read_csv
from forecast_cli.reading.date_parsing import NEVER


def read(cell: str, pattern: str) -> datetime | None:
    micro = int(date_parsing.parse([cell], pattern)[0])
    return None if micro == NEVER else datetime(1970, 1, 1) + timedelta(microseconds=micro)


@pytest.mark.parametrize(
    ("cell", "pattern", "time"),
    [
        ("2021Q3", "%YQ%q", datetime(2021, 7, 1)),
        ("2021 Q3", "%Y Q%q", datetime(2021, 7, 1)),
        ("Q3 2021", "Q%q %Y", datetime(2021, 7, 1)),
        ("q3-2021", "Q%q-%Y", datetime(2021, 7, 1)),
        ("2021-W05", "%G-W%V", datetime(2021, 2, 1)),
        ("2020W53", "%GW%V", datetime(2020, 12, 28)),
        ("2021-W05-7", "%G-W%V-%u", datetime(2021, 2, 7)),
        ("2021 Jan", "%Y %b", datetime(2021, 1, 1)),
        ("janv. 2021", "%b %Y", datetime(2021, 1, 1)),
        ("3 mars 2021", "%d %b %Y", datetime(2021, 3, 3)),
        ("15 août 2021", "%d %b %Y", datetime(2021, 8, 15)),
        ("1. Januar 2024", "%d. %B %Y", datetime(2024, 1, 1)),
        ("Dez 2021", "%b %Y", datetime(2021, 12, 1)),
        ("05-MÄR-2024", "%d-%b-%Y", datetime(2024, 3, 5)),
        ("2024-01-01T00:00+01", "%Y-%m-%dT%H:%M%z", datetime(2023, 12, 31, 23)),
        ("2024-10-27 02:00 CEST", "%Y-%m-%d %H:%M %Z", datetime(2024, 10, 27)),
        ("2024-10-27 02:00 CET", "%Y-%m-%d %H:%M %Z", datetime(2024, 10, 27, 1)),
        ("1/5/2024 12:30 a.m.", "%d/%m/%Y %I:%M %p", datetime(2024, 5, 1, 0, 30)),
        ("2024-01-01 23:00 - 24:00", "%Y-%m-%d %H:%M%> - %H:%M", datetime(2024, 1, 1, 23)),
        (
            "01.01.2024 24:00 - 02.01.2024 01:00",
            "%d.%m.%Y %H:%M%> - %d.%m.%Y %H:%M",
            datetime(2024, 1, 2),
        ),
        (
            "2024-01-01T00:00Z/2024-01-01T01:00Z",
            "%Y-%m-%dT%H:%MZ%>/%Y-%m-%dT%H:%MZ",
            datetime(2024, 1, 1),
        ),
    ],
)
def test_times_that_no_library_reads_are_read(cell: str, pattern: str, time: datetime) -> None:
    assert read(cell, pattern) == time
    assert pattern in date_formats.formats(cell) or pattern.count("Z") > 1


def test_a_run_that_did_not_know_a_format_goes_on_without_it() -> None:
    """Older releases took the rows of such files for steps."""
    text = "Woche,y\n" + "".join(f"2021-W{week},{week}\n" for week in range(10, 40))
    assert read_csv("data.csv", content=text.encode()).columns.time == "Woche"
    again = read_csv("data.csv", content=text.encode(), levels={}, target="y")
    assert again.columns.time == "step"


def test_a_quarter_beside_a_column_of_dates_is_a_name() -> None:
    text = "quarter,month,y\n" + "".join(
        f"{2021 + at // 12}Q{at % 12 // 3 + 1},{2021 + at // 12}-{at % 12 + 1:02}-01,{at}\n"
        for at in range(24)
    )
    assert read_csv("data.csv", content=text.encode()).columns.time == "month"


def test_an_abbreviation_of_another_zone_is_refused() -> None:
    """CST is -06:00 in Chicago and +08:00 in Shanghai."""
    text = "time,y\n" + "".join(f"2024-01-0{day} 12:00 CST,{day}\n" for day in range(1, 9))
    panel = read_csv("data.csv", content=text.encode(), timezone="America/Chicago")
    assert panel.values.tolist() == list(range(1, 9))
    with pytest.raises(DataError) as caught:
        read_csv("data.csv", content=text.encode(), timezone="Asia/Shanghai")
    assert caught.value.message == (
        "data.csv: column 'time': its last time is in CST, which is read as -06:00, "
        "and Asia/Shanghai has another offset then"
    )


@pytest.mark.parametrize(
    ("cell", "pattern"),
    [
        ("2021Q5", "%YQ%q"),
        ("2021Q0", "%YQ%q"),
        ("2021-W54", "%G-W%V"),
        ("2021-W53", "%G-W%V"),
        ("2021-W00", "%G-W%V"),
        ("31 févr 2021", "%d %b %Y"),
        ("3 jui 2021", "%d %b %Y"),
        ("3 mardi 2021", "%d %b %Y"),
        ("2024-10-27 02:00 XYZ", "%Y-%m-%d %H:%M %Z"),
        ("01.01.2024 01:00 - 01.01.2024 00:00", "%d.%m.%Y %H:%M%> - %d.%m.%Y %H:%M"),
        ("2024-01-01 23:00 - 25:00", "%Y-%m-%d %H:%M%> - %H:%M"),
        ("2024-01-01 730", "%Y-%m-%d %H%M"),
        ("2024111", "%Y%m%d"),
        ("1.5", "step"),
        ("007", "step"),
        ("-1", "step"),
        ("9999999999999999", "step"),
        ("١٢", "step"),
    ],
)
def test_a_near_miss_is_no_time(cell: str, pattern: str) -> None:
    assert read(cell, pattern) is None
    assert pattern not in date_formats.formats(cell)
