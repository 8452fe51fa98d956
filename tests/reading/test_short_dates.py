"""Months with short years: read where the order of the rows shows what they are."""

from __future__ import annotations

import pytest

from forecast_cli.errors import DataError
from forecast_cli.panel import Panel, format_times, times_of
from forecast_cli.reading import read_csv

NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def content(cells: list[str]) -> bytes:
    return ("Month,y\n" + "".join(f"{cell},{at}\n" for at, cell in enumerate(cells))).encode()


def following(panel: Panel) -> list[str]:
    length = int(panel.lengths[0])
    return format_times(panel, times_of(panel, 0, length, length + 2))


def months(form: str, first: int, last: int) -> list[str]:
    """All months of some years, as `{year}-{month:02}` or with their `{name}`."""
    return [
        form.format(year=year, month=month, name=name)
        for year in range(first, last + 1)
        for month, name in enumerate(NAMES, 1)
    ]


@pytest.mark.parametrize(
    ("cells", "then"),
    [
        (months("{year}-{month:02}", 1, 3), ["4-01", "4-02"]),
        (months("{year}-{month}", 1, 3), ["4-1", "4-2"]),
        (months("{month:02}-{year}", 19, 21), ["01-22", "02-22"]),
        (months("{year}-{month:02}", 19, 21), ["22-01", "22-02"]),
        (months("{month:02}/{year}", 19, 21), ["01/22", "02/22"]),
        (months("{name}-{year}", 19, 21), ["Jan-22", "Feb-22"]),
        ([cell.upper() for cell in months("{name} {year}", 19, 20)], ["JAN 21", "FEB 21"]),
        ([f"Jan-{y}" for y in range(72, 100)], ["Jan-00", "Jan-01"]),
    ],
)
def test_months_that_follow_one_another_are_read(cells: list[str], then: list[str]) -> None:
    panel = read_csv("data.csv", content=content(cells))
    assert panel.values.tolist() == list(range(len(cells)))
    assert following(panel) == then


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (
            ["1-01", "1-02", "1-03"],
            "data.csv: column 'Month': '1-01' could be %-Y-%m or %m-%y or %m-%d without a year, "
            "and so could every other row | use --date-format %-Y-%m or --date-format %m-%y, or "
            "write the times with all digits of their year",
        ),
        (
            [f"Jan-{day:02}" for day in range(1, 32)],
            "data.csv: column 'Month': 'Jan-01' could be %b-%y or %b-%d without a year, and so "
            "could every other row | use --date-format %b-%y, or write the times with all digits "
            "of their year",
        ),
        (
            [f"Jan-{day:02}" for day in range(1, 32)] + [f"Feb-{day:02}" for day in range(1, 29)],
            "data.csv: column 'Month': 'Jan-01' could be %b-%y or %b-%d without a year, and so "
            "could every other row | use --date-format %b-%y, or write the times with all digits "
            "of their year",
        ),
        (
            ["3-2", "1-0", "2-2", "4-1"],
            "data.csv:2: column 'Month': no known date format reads '3-2' | say what it is with "
            "--date-format, e.g. %d/%m/%Y",
        ),
    ],
)
def test_what_could_be_days_or_something_else_is_refused(cells: list[str], answer: str) -> None:
    with pytest.raises(DataError) as caught:
        read_csv("data.csv", content=content(cells))
    assert f"{caught.value.message} | {caught.value.hint}" == answer


def test_scores_in_a_column_that_is_not_named_as_a_time_are_no_times() -> None:
    text = "date,score,y\n" + "".join(f"2024-01-{d:02},1-{d:02},{d}\n" for d in range(1, 13))
    assert read_csv("data.csv", content=text.encode()).columns.time == "date"
