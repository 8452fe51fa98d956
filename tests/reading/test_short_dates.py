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


@pytest.mark.parametrize(
    ("cells", "then"),
    [
        ([f"{y}-{m:02}" for y in (1, 2, 3) for m in range(1, 13)], ["4-01", "4-02"]),
        ([f"{y}-{m}" for y in (1, 2, 3) for m in range(1, 13)], ["4-1", "4-2"]),
        ([f"{m:02}-{y}" for y in (19, 20, 21) for m in range(1, 13)], ["01-22", "02-22"]),
        ([f"{y}-{m:02}" for y in (19, 20, 21) for m in range(1, 13)], ["22-01", "22-02"]),
        ([f"{m:02}/{y}" for y in (19, 20, 21) for m in range(1, 13)], ["01/22", "02/22"]),
        ([f"{name}-{y}" for y in (19, 20, 21) for name in NAMES], ["Jan-22", "Feb-22"]),
        ([f"{name.upper()} {y}" for y in (19, 20) for name in NAMES], ["JAN 21", "FEB 21"]),
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
