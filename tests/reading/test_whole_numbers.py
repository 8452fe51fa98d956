"""Whole numbers as times: years, steps, and what could be both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from forecast_cli.errors import ForecastError
from forecast_cli.panel import Panel, format_times, times_of
from forecast_cli.reading import read_csv


def read(numbers: Iterable[object], **settings: Any) -> Panel:
    text = "ds,y\n" + "".join(f"{number},{at}\n" for at, number in enumerate(numbers))
    return read_csv("data.csv", content=text.encode(), **{"time": "ds", "target": "y"} | settings)


def refused(numbers: Iterable[object], **settings: Any) -> str:
    with pytest.raises(ForecastError) as caught:
        read(numbers, **settings)
    return f"{caught.value.message} | {caught.value.hint}"


def following(panel: Panel) -> list[str]:
    length = int(panel.lengths[0])
    return format_times(panel, times_of(panel, 0, length, length + 2))


@pytest.mark.parametrize(
    ("numbers", "then"),
    [
        (range(1, 31), ["31", "32"]),
        (range(3), ["3", "4"]),
        (range(5, 700, 5), ["700", "705"]),
        (range(98, 104), ["104", "105"]),
        (range(999, 1003), ["1003", "1004"]),
        (range(202101, 202160), ["202160", "202161"]),  # there is no month 13, and no week 54
        (range(20240101, 20240140), ["20240140", "20240141"]),
        (range(44927, 44990), ["44990", "44991"]),
        (range(1990, 2000), ["2000", "2001"]),
    ],
)
def test_numbers_at_one_distance_are_steps(numbers: range, then: list[str]) -> None:
    assert following(read(numbers)) == then


def test_rows_may_be_in_any_order() -> None:
    panel = read([3, 1, 2, 4])
    assert panel.values.tolist() == [1, 2, 0, 3]
    assert following(panel) == ["5", "6"]


@pytest.mark.parametrize(
    ("numbers", "answer"),
    [
        (
            range(202101, 202113),
            "data.csv: column 'ds': '202101' and the others could be months (%Y%m) or weeks "
            "(%G%V), or the numbers of steps | use --date-format %Y%m or --date-format %G%V or "
            "--date-format step",
        ),
        (
            range(20240101, 20240131),
            "data.csv: column 'ds': '20240101' and the others could be days (%Y%m%d), or the "
            "numbers of steps | use --date-format %Y%m%d or --date-format step",
        ),
        (
            range(1704067200, 1704067240),
            "data.csv: column 'ds': '1704067200' and the others could be seconds since 1970 "
            "(epoch), or the numbers of steps | use --date-format epoch or --date-format step",
        ),
        (
            range(20211, 20215),
            "data.csv: column 'ds': '20211' and the others could be quarters (%Y%q), or the "
            "numbers of steps | use --date-format %Y%q or --date-format step",
        ),
        (
            [1, 2, 4, 5],
            "data.csv: the numbers of the steps are not all 1 apart: 4 follows 2 | add the rows "
            "that are missing, or remove the column, so that each row is a step",
        ),
        (
            [1, 2, 2, 3],
            "data.csv:3 and 4: the time 2 is there twice | keep one row for each time, or use "
            "--duplicates first, last, mean or sum",
        ),
        (
            [1, 2, "x", 4],
            "data.csv:4: column 'ds': 'x' is not a whole number like the others | correct the "
            "row, or use --bad-rows skip",
        ),
        (
            ["001", "002", "003"],
            "data.csv:2: column 'ds': no known date format reads '001' | "
            "say what it is with --date-format, e.g. %d/%m/%Y",
        ),
    ],
)
def test_numbers_that_could_be_something_else_are_refused(
    numbers: Iterable[object], answer: str
) -> None:
    assert refused(numbers) == answer


@pytest.mark.parametrize(
    ("pattern", "then"), [("%Y%m", ["202201", "202202"]), ("step", ["202113", "202114"])]
)
def test_each_reading_that_was_named_is_read(pattern: str, then: list[str]) -> None:
    panel = read(range(202101, 202113), date_format=pattern)
    assert panel.reading.date_format == [pattern]
    assert following(panel) == then


def test_steps_have_no_zone_and_no_frequency() -> None:
    assert refused(range(9), timezone="Europe/Berlin") == (
        "--timezone needs times, and these are the numbers of steps | leave it out"
    )
    assert refused(range(9), freq="D") == (
        "data.csv: --freq needs times, and these are the numbers of steps | leave it out"
    )


def test_series_whose_steps_lie_between_each_other_are_refused() -> None:
    text = "unique_id,ds,y\n" + "".join(
        f"{name},{at + first},1\n" for name, first in (("a", 1), ("b", 2)) for at in (0, 2, 4)
    )
    with pytest.raises(ForecastError) as caught:
        read_csv("data.csv", content=text.encode())
    assert caught.value.message == (
        "data.csv: the numbers of the steps are 2 apart, but 2 is not on the grid of 1"
    )
