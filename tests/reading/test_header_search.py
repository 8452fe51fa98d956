"""Lines above the table: which of them is the header."""

from __future__ import annotations

from datetime import timedelta

import pytest

from forecast_cli.errors import SettingsError
from tests.reading.surrounded import SIZES, START, read, refused, rows, said, table, values

ABOVE = {
    "title": ("Sales of all shops\n", "line 1", "Sales of all shops"),
    "title and empty line": ("Sales, by day\n\n", "lines 1 to 2", "Sales, by day"),
    "title and empty cells": ("Sales,\n,\n", "lines 1 to 2", "Sales,"),
    "comments": ("# exported\n# a, b\n# c: 5\n", "lines 1 to 3", "# exported"),
    "address": (
        "https://example.org/data?a=1,2\n\n",
        "lines 1 to 2",
        "https://example.org/data?a=1,2",
    ),
    "names and numbers": (
        "Station,Berlin\nLatitude,52.5\nHeight,34\n",
        "lines 1 to 3",
        "Station,Berlin",
    ),
    "dates": ("From,1800-01-13\nTo,1900-01-01\n\n", "lines 1 to 3", "From,1800-01-13"),
    "two parts": ("Sales\n\nof all shops\n\n", "lines 1 to 4", "Sales"),
    "empty line first": ("\nSales\n", "lines 1 to 2", "Sales"),
    "many": ("".join(f"remark {at}\n" for at in range(300)), "lines 1 to 300", "remark 0"),
    "another delimiter": ("Sales; by day\n", "line 1", "Sales; by day"),
    "an odd quote": ('5" pipes\n', "line 1", '5" pipes'),
    "letters": ("a" * 90 + "\n", "line 1", "a" * 40 + "..."),
}


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(("text", "lines", "shown"), ABOVE.values(), ids=ABOVE.keys())
def test_lines_above_the_header_are_left_out_and_named(
    count: int, text: str, lines: str, shown: str
) -> None:
    panel = read(text + table(count))
    assert panel.values.tolist() == values(count)
    assert panel.columns.time == "day"
    were = "was" if lines.startswith("line ") else "were"
    assert said(panel) == [
        ("info", f"data.csv: {lines} before the header {were} left out: {shown!r}")
    ]


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_the_delimiter_is_that_of_the_rows_and_not_of_the_title(count: int, mark: str) -> None:
    panel = read("Sales, by day\n" + table(count, mark, ","))
    assert panel.values.tolist() == values(count)


@pytest.mark.parametrize("count", SIZES)
def test_a_single_column_has_comments_above_it(count: int) -> None:
    lines = "".join(f"{value}\n" for value in values(count))
    panel = read("# exported\n# twice\ny\n" + lines)
    assert panel.values.tolist() == values(count)


@pytest.mark.parametrize("count", [3, 700])
def test_errors_below_lines_that_were_left_out_have_the_numbers_of_the_file(count: int) -> None:
    broken = table(count).replace(f",{values(3)[2]}\n", ",ERR\n", 1)
    assert refused("Sales\n\n" + broken).startswith("data.csv:6: column 'y': 'ERR' is not a number")
    odd = table(count).replace(f",{values(3)[1]}\n", ",1,2\n", 1)
    assert refused("Sales\n\n" + odd).startswith("data.csv:5: 3 fields where the header has 2")


@pytest.mark.parametrize("count", [3, 700])
def test_two_lines_that_could_be_the_header_are_both_named(count: int) -> None:
    text = "Sales, by day\n" + table(count)
    assert refused(text) == (
        "data.csv: lines 1 and 2 could both be the header "
        "| use --skip-rows 0 for line 1 or --skip-rows 1 for line 2"
    )
    assert read(text, skip_rows=1).values.tolist() == values(count)
    assert read(text, skip_rows=1).columns.target == "y"
    assert read(text, skip_rows=0).columns.target == "by day"


@pytest.mark.parametrize("count", [3, 700])
def test_three_lines_that_could_be_the_header_are_all_named(count: int) -> None:
    text = "Sales, by day\nZeit,Wert\n" + table(count)
    assert refused(text) == (
        "data.csv: each of the lines 1 and 2 and 3 could be the header "
        "| use --skip-rows 0 for line 1 or --skip-rows 1 for line 2 or --skip-rows 2 for line 3"
    )


@pytest.mark.parametrize("count", SIZES)
def test_units_below_the_header_are_left_out_when_the_header_is_named(count: int) -> None:
    text = "Energy\nday,y\n[UTC],[MW]\n" + rows(count)
    assert refused(text) == (
        "data.csv:3: neither the header nor a row of data: '[UTC],[MW]' | use --skip-rows 1 to take "
        "line 2 as the header and leave out what is between it and the data"
    )
    panel = read(text, skip_rows=1)
    assert panel.values.tolist() == values(count)
    assert said(panel) == [
        ("info", "data.csv: line 1 at the beginning was left out"),
        (
            "info",
            "data.csv: line 3 between the header and the data was left out: '[UTC],[MW]'",
        ),
    ]


@pytest.mark.parametrize("count", [3, 700])
@pytest.mark.parametrize(
    "line", ["ERR,5.5", "1800-01-12,ERR", "1800-02-30,5.5", "1800-01-12,5.5,6"]
)
def test_a_bad_first_row_is_not_taken_for_a_title(count: int, line: str) -> None:
    """Neither with a usual header nor below a title, nor where the header is named."""
    text = f"day,y\n{line}\n{rows(count)}"
    assert refused(text).startswith("data.csv:2: ")
    assert refused(text, skip_rows=0).startswith("data.csv:2: ")
    refused("Sales\n" + text)


@pytest.mark.parametrize("count", [3, 700])
def test_a_row_of_bad_cells_among_the_rows_is_not_taken_for_a_header(count: int) -> None:
    lines = table(count).splitlines(keepends=True)
    text = "".join([*lines[:3], "ERR,ERR\n", *lines[3:]])
    assert refused(text).startswith("data.csv:4: column 'y': 'ERR' is not a number")


@pytest.mark.parametrize("count", [3, 700])
def test_a_row_above_the_header_is_never_left_out(count: int) -> None:
    text = "1800-01-12,5.5\n" + table(count)
    assert refused(text).startswith("data.csv:1: no header: line 1 holds numbers")
    below_title = refused("Sales\n\n1800-01-12,5.5\n" + table(count))
    assert below_title.startswith("data.csv:3: no header above the data")


@pytest.mark.parametrize("count", [3, 700])
def test_of_two_tables_neither_is_chosen(count: int) -> None:
    other = "month,a,b\n1800-01-01,5,6\n1800-02-01,6,7\n"
    assert refused(other + "\n" + table(count)) == (
        "data.csv:5: a second table seems to begin here "
        "| use --skip-rows 4 to read it, or remove it to read the first one"
    )
    assert read(other + "\n" + table(count), skip_rows=4).values.tolist() == values(count)

    below = table(count) + "\n" + other
    assert refused(below) == (
        f"data.csv:{count + 3}: a second table seems to begin here "
        f"| use --footer 3 to read the first table, or --skip-rows {count + 2} to read what is here"
    )
    assert read(below, footer=3).values.tolist() == values(count)
    second = read(below, skip_rows=count + 2, target="b", freq="MS")
    assert second.values.tolist() == [6, 7]


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
def test_a_file_without_a_header_is_read_when_told(count: int, mark: str) -> None:
    panel = read(rows(count, mark), header=False)
    assert panel.values.tolist() == values(count)
    assert (panel.columns.time, panel.columns.target) == ("1", "2")
    assert panel.reading.header is False
    below_title = read("Sales\n\n" + rows(count, mark), header=False)
    assert below_title.values.tolist() == values(count)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1,2\n3,4\n5,6\n", "'1', '2'"),
        ("2024-01-01,A,5\n2024-01-02,B,6\n2024-01-03,C,7\n", "'2024-01-01', 'A', '5'"),
        ("A,5\nB,6\nA,7\n", "'A', '5'"),
        ("x,-5.5\ny,6.5\nz,7\n", "'x', '-5.5'"),
        ("2021Q3,5\n2021Q4,6\n2022Q1,7\n", "'2021Q3', '5'"),
        ("2024-01-01 0.5\n2024-01-02 0.6\n2024-01-03 0.7\n", "'2024-01-01 0.5'"),
    ],
)
def test_a_row_in_the_place_of_the_header_is_refused(text: str, shown: str) -> None:
    answer = refused(text)
    assert answer.startswith("data.csv:1: no header: line 1 holds ")
    assert shown in answer
    assert answer.endswith(
        "add a row of names, or use --no-header, which calls the columns 1, 2, ..."
    )


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("ds,0.1,0.5,0.9\n2024-01-01,1,2,3\n2024-01-02,2,3,4\n2024-01-03,3,4,5\n", "0.5"),
        (",0,1\n2024-01-01,1,2\n2024-01-02,2,3\n2024-01-03,3,4\n", "1"),
        ("name,2019\nb,5\nc,6\nd,7\n", "2019"),
    ],
)
def test_numbers_may_be_names(text: str, target: str) -> None:
    assert len(read(text, target=target).values) == 3


def test_no_header_does_not_go_with_dates_as_columns() -> None:
    with pytest.raises(SettingsError, match="--dates-as-columns does not go with --no-header"):
        read(rows(3), header=False, dates_as_columns="1")


def test_twelve_columns_without_a_header_are_no_months() -> None:
    cells = ",".join(str(at) for at in range(11))
    text = "".join(f"{START + timedelta(days=at)},{cells}\n" for at in range(5))
    assert read(text, header=False, target="12").values.tolist() == [10.0] * 5
