"""What stands beside numbers is read where the whole column has it, and is never a reason to pass the column over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli.errors import DataError
from forecast_cli.reading import read_csv
from forecast_cli.reading.marks import Parts, beside_number, look_like_numbers, take_apart
from forecast_cli.reading.number_formats import tidy
from tests.conftest import Result

Write = Callable[..., Path]
Forecast = Callable[..., Result]
CORRECT = "name missing values with --null (besides empty, NA, NaN and null), correct these cells, or use --bad-rows skip"


def column(*cells: str, mark: str = ",", name: str = "y") -> str:
    quoted = [f'"{cell}"' if mark in cell else cell for cell in cells]
    return f"day{mark}{name}\n" + "".join(
        f"2024-01-{at:02}{mark}{cell}\n" for at, cell in enumerate(quoted, 1)
    )


def refused(path: Path, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_csv(path, **settings)
    assert caught.value.exit_code == 20
    return f"{caught.value.message} | {caught.value.hint}".replace(str(path), path.name)


@pytest.mark.parametrize(
    ("cell", "number", "currency", "unit"),
    [
        ("$273.36", "273.36", "$", ""),
        ("-$5", "-5", "$", ""),
        ("$-5", "-5", "$", ""),
        ("\u2212$5", "-5", "$", ""),
        ("($1,234.50)", "-1,234.50", "$", ""),
        ("$(5)", "-5", "$", ""),
        ("(5 €)", "-5", "€", ""),
        ("1.234,50 €", "1.234,50", "€", ""),
        ("£5", "5", "£", ""),
        ("¥500", "500", "¥", ""),
        ("₹1,00", "1,00", "₹", ""),
        ("R$ 5", "5", "R$", ""),
        ("12 USD", "12", "USD", ""),
        ("EUR12", "12", "EUR", ""),
        ("12.5%", "12.5", "", "%"),
        ("-0,5 %", "-0,5", "", "%"),
        ("1.46M", "1.46", "", "M"),
        ("980k", "980", "", "k"),
        ("$1.2B", "1.2", "$", "B"),
        ("1.2M €", "1.2", "€", "M"),
    ],
)
def test_a_cell_is_taken_apart(cell: str, number: str, currency: str, unit: str) -> None:
    assert take_apart(tidy(cell)) == Parts(number, currency, unit)


@pytest.mark.parametrize(
    "cell",
    ["5", "-5", "- 5", "", "$", "$-", "%", "(1,234.50)", "$5%", "$$5", "$1(2)3", "$5 USD", "12 ABC", "5 K", "5KM", "K5", "+-$5"],
)  # fmt: skip
def test_what_is_not_read_stays_whole(cell: str) -> None:
    assert take_apart(cell) == Parts(cell)


@pytest.mark.parametrize(
    ("cells", "values", "style"),
    [
        (
            ["$273.36", "$1,274.00", "", "$9"],
            [273.36, 1274, np.nan, 9],
            "in $, thousands separated by ','",
        ),
        (["$5", "5$", "NA", "-$5"], [5, 5, np.nan, -5], "in $"),
        (["($5.00)", "$2", "$3"], [-5, 2, 3], "in $"),
        (["12 USD", "13 USD"], [12, 13], "in USD"),
        (["12.5%", "-3 %", "0%"], [12.5, -3, 0], "in %"),
        (
            ["1.46M", "980K", "1.1B", "0"],
            [1.46e6, 980e3, 1.1e9, 0],
            "K as thousands, M as millions, B as billions",
        ),
        (["1.2K", "980", "0.5"], [1200, 980, 0.5], "K as thousands"),
        (["1.2k", "3m", "980"], [1200, 3e6, 980], "k as thousands, m as millions"),
        (["1.2M", "0", "3B"], [1.2e6, 0, 3e9], "M as millions, B as billions"),
        (["$1.2M", "$980K"], [1.2e6, 980e3], "in $, K as thousands, M as millions"),
        (["\u22125", "6", "7"], [-5, 6, 7], ""),
    ],
)
def test_a_column_written_alike_is_read(
    write: Write, cells: list[str], values: list[float], style: str
) -> None:
    panel = read_csv(write(column(*cells)), gaps="drop")
    assert np.array_equal(panel.values, values, equal_nan=True)
    assert panel.written == ({"y": style} if style else {})


def test_currencies_go_with_decimal_commas(write: Write) -> None:
    panel = read_csv(write(column("1.234,50 €", "2,00 €", "1.000.000,00 €", mark=";")))
    assert panel.values.tolist() == [1234.5, 2, 1e6]
    assert panel.written == {"y": "in €, decimal comma, thousands separated by '.'"}
    path = write(column("$1,234", "$2,345"))
    assert refused(path).startswith(
        "data.csv: '1,234' could be 1.234 or 1234, and so could every number like it"
    )
    assert read_csv(path, thousands=",").values.tolist() == [1234, 2345]


NOT_LIKE = "is not written like the others, e.g."


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (["$5", "$6", "7", "$8"], f"data.csv:4: column 'y': '7' {NOT_LIKE} '$5' | {CORRECT}"),
        (["$5", "$6", "€7", "$8"], f"data.csv:4: column 'y': '€7' {NOT_LIKE} '$5' | {CORRECT}"),
        (["$5", "USD 6", "$8"], f"data.csv:3: column 'y': 'USD 6' {NOT_LIKE} '$5' | {CORRECT}"),
        (["$5", "$6", "(7)", "$8"], "data.csv:4: column 'y': '(7)' is not a number | write negative numbers with a minus: parentheses mean one only beside a currency"),
        (["5%", "6%", "7"], f"data.csv:4: column 'y': '7' {NOT_LIKE} '5%' | {CORRECT}"),
        (["5", "6", "7%"], f"data.csv:4: column 'y': '7%' {NOT_LIKE} '5' | {CORRECT}"),
        (["1.5K", "1500", "2K"], f"data.csv:3: column 'y': '1500' {NOT_LIKE} '1.5K' | {CORRECT}"),
        (["1500", "1600", "2K"], f"data.csv:4: column 'y': '2K' {NOT_LIKE} '1500' | {CORRECT}"),
        (["1.5M", "980", "2M"], f"data.csv:3: column 'y': '980' {NOT_LIKE} '1.5M' | {CORRECT}"),
        (["5m"], "data.csv:2: column 'y': '5m' is not a number | write M for millions, or take 'm' out of the cells, or use another column; --bad-rows skip leaves out the rows"),
        (["5 K"], "data.csv:2: column 'y': '5 K' is not a number | take 'K' out of the cells, or use another column; --bad-rows skip leaves out the rows"),
        (["$5", "ERR", "$6"], f"data.csv:3: column 'y': 'ERR' is not a number | {CORRECT}"),
        (["273.36 kWh"], "data.csv:2: column 'y': '273.36 kWh' is not a number | take 'kWh' out of the cells, or use another column; --bad-rows skip leaves out the rows"),
        (["~12"], "data.csv:2: column 'y': '~12' is not a number | take '~' out of the cells, or use another column; --bad-rows skip leaves out the rows"),
        (["1", "12*", "2"], "data.csv:3: column 'y': '12*' is not a number | take '*' out of the cells, or use another column; --bad-rows skip leaves out the rows"),
        (["<0.5", "1", "2"], "data.csv:2: column 'y': '<0.5' is not a number | take '<' out of the cells, or use another column; --bad-rows skip leaves out the rows"),
        (["kr 5"], "data.csv:2: column 'y': 'kr 5' is not a number | take 'kr' out of the cells, or use another column; --bad-rows skip leaves out the rows"),
    ],
)  # fmt: skip
def test_a_column_that_is_not_written_alike_is_refused_naming_the_cell(
    write: Write, cells: list[str], answer: str
) -> None:
    assert refused(write(column(*cells))) == answer


def test_rows_that_are_not_written_alike_are_left_out_when_told(write: Write) -> None:
    panel = read_csv(write(column("$5", "$6", "€7", "8", "$9")), bad_rows="skip", gaps="drop")
    assert np.array_equal(panel.values, [5, 6, np.nan, np.nan, 9], equal_nan=True)
    assert [note.level for note in panel.notes] == ["degraded", "info"]


@pytest.mark.parametrize("count", [3, 700, pytest.param(100_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "pattern",
    ["${}", "{} €", "{}%", "{}M", "{} kWh", "~{}", "{}*", "<{}", "kr {}", "{} °C", "{} m3/s"],
)
def test_a_column_with_something_beside_its_numbers_is_a_candidate(
    write: Write, pattern: str, count: int
) -> None:
    days = np.datetime64("1800-01-01") + np.arange(count)
    rows = "".join(
        f"{day},{pattern.format(100 + n % 50 / 4)},{n % 7}\n" for n, day in enumerate(days)
    )
    path = write("day,Close,Volume\n" + rows)
    is_read = pattern in ("${}", "{} €", "{}%", "{}M")
    assert refused(path) == (
        "data.csv: 2 columns of numbers: 'Close', 'Volume' "
        f"| pick one with --target {'Close' if is_read else 'Volume'}, or take all with --target all"
    )
    assert read_csv(path, target="Volume").values[:3].tolist() == [0, 1, 2]
    if is_read:
        scale = 1e6 if pattern == "{}M" else 1
        assert read_csv(path, target="Close").values[:3].tolist() == [
            100 * scale,
            100.25 * scale,
            100.5 * scale,
        ]
        return
    for target in ("Close", "all"):
        cell = pattern.format("100.0")
        assert refused(path, target=target).startswith(
            f"data.csv:2: column 'Close': '{cell}' is not a number; "
        )
    assert refused(path, target="Volume", past="Close").startswith("data.csv:2: column 'Close': ")


@pytest.mark.parametrize(
    "cells",
    [
        ["A1", "A2", "A3"],
        ["SKU001", "SKU002", "SKU003"],
        ["12A", "13B", "14C", "15D", "16E", "17F", "18G", "19H", "20J", "21K", "22L"],
        ["2024-01-01", "2024-01-02"],
        ["5 Mar", "6 Mar", "7 Apr"],
        ["1st", "2nd", "3rd"],
        ["3 pm", "4 pm"],
        ["10-19", "20-29"],
        ["12:30", "12:45"],
        ["2024Q1", "2024Q2", "2024Q3", "2024Q4"],
        ["12 Main St", "14 Main St"],
        ["500 ml", "1 l"] * 10,
        ["red", "blue"],
        [],
    ],
)
def test_labels_dates_and_sizes_are_no_numbers(cells: list[str]) -> None:
    assert not look_like_numbers(cells)


def test_what_stands_beside_a_number() -> None:
    assert beside_number("273.36 kWh") == ("", "kWh")
    assert beside_number("~1.234,5") == ("~", "")
    assert beside_number("$3.99/lb") == ("$", "/lb")
    assert beside_number("12") is None
    assert beside_number("ABC 12") is None


def test_covariates_are_read_alike_and_old_runs_keep_their_texts(write: Write) -> None:
    rows = "".join(
        f"2024-01-{n:02},{n},${n % 5}.50,{'500 ml' if n % 2 else '1 l'}\n" for n in range(1, 29)
    )
    path = write("day,y,price,size\n" + rows)
    panel = read_csv(path, target="y", past=["price", "size"])
    assert panel.past_names == ("price", "size=1 l", "size=500 ml")
    assert panel.past[:3, 0].tolist() == [1.5, 2.5, 3.5]
    assert panel.written == {"price": "in $"}
    levels = {"price": ("$0.50", "$1.50", "$2.50", "$3.50", "$4.50")}
    assert read_csv(path, target="y", past="price", levels=levels).past_names[0] == "price=$0.50"


def test_null_means_numbers_with_something_beside_them_too(write: Write) -> None:
    path = write(column(*[f"${'-999.00' if n % 4 == 3 else n}" for n in range(1, 21)]))
    assert refused(path) == (
        "data.csv:4: column 'y': $-999.00 stands 5 times, and no other value is negative "
        "| use --null -999 if it stands for a missing value, --not-null -999 if it is a number like the others"
    )
    assert np.isnan(read_csv(path, null="-999", gaps="drop").values).sum() == 5
    assert (read_csv(path, not_null="-999").values == -999).sum() == 5
    assert np.isnan(read_csv(path, null="$-999.00", gaps="drop").values).sum() == 5


def test_parquet_texts_are_read_alike(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as format_

    from forecast_cli.reading import read
    from forecast_cli.settings import DataSettings

    path = tmp_path / "data.parquet"
    days = np.datetime64("2024-01-01", "us") + np.arange(5) * np.timedelta64(1, "D")
    format_.write_table(pyarrow.table({"day": days, "y": ["$1.5", "$2", None, "($3)", "$4"]}), path)
    panel = read(path, DataSettings(gaps="drop"))
    assert np.array_equal(panel.values, [1.5, 2, np.nan, -3, 4], equal_nan=True)


QUICK = ("--epochs", 1, "--units", 4, "--members", 1, "--from", "none")


def test_the_target_is_the_first_line_of_the_summary(forecast: Forecast, write: Write) -> None:
    rows = "".join(
        f"2024-{1 + n // 28:02}-{1 + n % 28:02},${n % 7 + 0.5},{n % 5},{n % 3}\n" for n in range(28)
    )
    path = write("day,Close,Volume,c\n" + rows)
    result = forecast("train", path, "--target", "Close", *QUICK)
    lines = result.said.splitlines()
    assert lines[:2] == ["Target: Close, in $", "columns not used: 'Volume', 'c'"]
    document = json.loads(forecast("train", path, "--target", "Close", *QUICK, "--json").out)
    assert document["target"] == "Close"
    assert (
        "\nTargets: Close, in $; Volume; c\n"
        in forecast("train", path, "--target", "all", *QUICK).err
    )
    document = json.loads(forecast("train", path, "--target", "all", *QUICK, "--json").out)
    assert document["target"] == ["Close", "Volume", "c"]
    assert "Target" not in forecast("train", path, "--target", "Close", *QUICK, "--quiet").err
    assert (
        "target 'Close' in $, not used: 'Volume', 'c'"
        in forecast("check", path, "--target", "Close").out
    )
