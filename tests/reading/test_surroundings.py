"""Lines around the table: found and named, or refused; and what would be misread is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast_cli.errors import DataError, ForecastError, SettingsError
from forecast_cli.panel import Panel
from forecast_cli.reading import read_csv, read_future_values

SIZES = [3, 700, pytest.param(100_000, marks=pytest.mark.slow)]
START = date(1800, 1, 13)


def values(count: int) -> list[float]:
    return [(at * 7) % 1000 + 0.5 for at in range(count)]


def rows(count: int, mark: str = ",", decimal: str = ".") -> str:
    """A row a day."""
    days = (START + timedelta(days=at) for at in range(count))
    cells = (str(value).replace(".", decimal) for value in values(count))
    return "".join(f"{day}{mark}{cell}\n" for day, cell in zip(days, cells, strict=True))


def table(count: int, mark: str = ",", decimal: str = ".") -> str:
    return f"day{mark}y\n{rows(count, mark, decimal)}"


def read(text: str, **settings: Any) -> Panel:
    return read_csv("data.csv", content=text.encode(), **settings)


def said(panel: Panel) -> list[tuple[str, str]]:
    return [(note.level, note.text) for note in panel.notes]


def refused(text: str | bytes, **settings: Any) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ForecastError) as caught:
        read_csv("data.csv", content=content, **settings)
    assert caught.value.exit_code in (2, 20)
    return f"{caught.value.message} | {caught.value.hint}"


# -- before the header -------------------------------------------------------------------------------------------------

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


# -- after the data ----------------------------------------------------------------------------------------------------

BELOW = {
    "source": ("Source: Office of Statistics\n", [0]),
    "source after an empty line": ("\nSource: Office of Statistics\n", [1]),
    "without a newline": ("\nSource: Office of Statistics", [1]),
    "only line without a newline": ("Source: Office of Statistics", [0]),
    "several": ('"Source: Office, of all"\n\nNotes: see, there, 5\nLast updated: 1900-05-01\n', [0, 2, 3]),
    "total": ("Total,34567\n", [0]),
    "total without a newline": ("Total,34567", [0]),
    "mean and total": ("Mean,5.5\nTotal,34567\n", [0, 1]),
    "empty rows": (",\n,\n,\n", [0, 1, 2]),
    "a note in the first cell": ("Provisional figures,\n", [0]),
    "comment": ("# end of the file\n", [0]),
    "line and copyright": ("-----\n(c) Office of Statistics\n", [0, 1]),
    "address": ("https://example.org/data\n", [0]),
}  # fmt: skip


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(("text", "at"), BELOW.values(), ids=BELOW.keys())
def test_lines_after_the_data_are_left_out_and_named(count: int, text: str, at: list[int]) -> None:
    panel = read(table(count) + text)
    assert panel.values.tolist() == values(count)
    (note,) = panel.notes
    assert (note.kind, note.level) == ("lines_left_out", "info")
    assert note.fields["lines"] == [count + 2 + number for number in at]
    assert note.text.startswith(f"data.csv: line{'s' if len(at) > 1 else ''} {count + 2 + at[0]}")


@pytest.mark.parametrize("count", SIZES)
def test_lines_on_both_sides_are_left_out(count: int) -> None:
    text = f"Sales\n\n{table(count, ';', ',')}\nSource: us, all\n;\nTotal;5\n"
    panel = read(text)
    assert panel.values.tolist() == values(count)
    lines = f"{count + 5} to {count + 7}"
    assert [note.text for note in panel.notes] == [
        "data.csv: lines 1 to 2 before the header were left out: 'Sales'",
        f"data.csv: lines {lines} after the data were left out: 'Source: us, all'",
    ]


NEAR = {
    "a short row": ("1900-01-01\n", "1 field where the header has 2"),
    "a long row": ("1900-01-01,5,6\n", "3 fields where the header has 2"),
    "a bad value": ("2073-07-29,ERR\n", "column 'y': 'ERR' is not a number"),
    "a bad time": ("ERR,5\n", "column 'day': 'ERR' is not a date"),
    "a word as time": ("x,\n", "column 'day': 'x' is not a date"),
    "a date that does not exist": ("1900-02-30,5\n", "is not a date that exists"),
    "a date in another format": ("31.12.1900,5\n", "is not a date like the others"),
    "no time": (",5\n", "column 'day': "),
    "one word": ("Eurostat\n", "1 field where the header has 2"),
    "an error": ("Error: sensor offline\n", "1 field where the header has 2"),
    "nothing measured": ("No data, sensor broken, see log\n", "3 fields where the header has 2"),
    "the same line twice": ("sensor is gone\nsensor is gone\n", "1 field where the header has 2"),
    "a word beside a number": ("Last,5\n", "column 'day': 'Last' is not a date"),
    "a sentence in two fields": (
        "Provisional figures, revised\n",
        "not a row of data: 'Provisional figures, revised'",
    ),
    "a row after a note": ("Note: see there\n1900-01-01\n", "1 field where the header has 2"),
    "a number": ("5\n", "1 field where the header has 2"),
}


@pytest.mark.parametrize("count", [3, 700])
@pytest.mark.parametrize(("text", "problem"), NEAR.values(), ids=NEAR.keys())
def test_a_last_line_that_may_be_a_row_is_never_a_footer(
    count: int, text: str, problem: str
) -> None:
    assert f"data.csv:{count + 2}: " in refused(table(count) + text)
    assert problem in refused(table(count) + text)


@pytest.mark.parametrize("count", [3, 700])
@pytest.mark.parametrize("cut", ["1", "19", "1900-01", "1900-01-01", '"19', "x"])
def test_a_last_line_that_was_cut_off_is_still_degraded(count: int, cut: str) -> None:
    panel = read(table(count) + cut)
    assert panel.values.tolist() == values(count)
    assert [note.level for note in panel.notes] == ["degraded"]


def test_a_text_that_may_be_an_id_is_no_footer() -> None:
    text = "shop,y\n" + "".join(f"Shop number {at % 3},{at}\n" for at in range(9))
    assert "data.csv:11: 1 field where the header has 2" in refused(text + "Shop number 2\n")
    cut = read(text + "Shop number", target="y")
    assert [note.level for note in cut.notes if note.kind == "last_line_cut"] == ["degraded"]


def test_an_id_that_begins_like_a_total_is_no_footer() -> None:
    text = "shop,day,y\n" + "".join(f"a,2024-01-{day},{day}\n" for day in range(10, 20))
    assert "column 'day': " in refused(text + "Total Wine,,5\n", id="shop")
    assert len(read(text + "Total,,5\n", id="shop").values) == 10
    assert len(read(text + "Grand total,,5\n", id="shop").values) == 10


@pytest.mark.parametrize("count", [3, 700])
def test_a_footer_is_no_row_in_the_format_that_was_named_either(count: int) -> None:
    text = table(count).replace("-", "")
    told: dict[str, Any] = {"time": "day", "date_format": "%Y%m%d"}
    assert read(text + "Total,5\n", **told).values.tolist() == values(count)
    assert "would leave out a row of data" in refused(text, footer=1, **told)


def test_a_month_that_was_cut_off_is_no_footer() -> None:
    months = "".join(f"Jan {year},{year}.5\n" for year in range(1990, 2000))
    panel = read("month,y\n" + months + "Jan 20", freq="YS")
    assert [note.level for note in panel.notes] == ["degraded"]
    text = "month,y\n" + months + "Jan of next year\n"
    assert "1 field where the header has 2" in refused(text)


@pytest.mark.parametrize("count", SIZES)
def test_lines_are_left_out_as_told(count: int) -> None:
    text = f"a,b\nc,d\n{table(count)}Eurostat\n\n\nand others\n\n"
    panel = read(text, skip_rows=2, footer=2)
    assert panel.values.tolist() == values(count)
    assert [note.text for note in panel.notes] == [
        "data.csv: lines 1 to 2 at the beginning were left out",
        f"data.csv: lines {count + 4}, {count + 7} after the data were left out: 'Eurostat'",
    ]


@pytest.mark.parametrize("count", [3, 700])
def test_a_footer_that_is_gone_costs_no_row(count: int) -> None:
    """A job whose file was cut, or has lost its footer, must not lose its newest rows."""
    assert refused(table(count), footer=1).startswith(
        f"data.csv:{count + 1}: --footer 1 would leave out a row of data: "
    )
    assert refused(table(count) + "Source: us\n", footer=2).endswith(
        "| use a smaller --footer, or --footer 0 if nothing comes after the data"
    )


def test_too_many_lines_to_skip_are_refused() -> None:
    assert refused(table(3), skip_rows=4) == (
        "data.csv: all lines are left out | give --skip-rows another value, or none"
    )
    assert refused("a\nb\n", footer=2) == (
        "data.csv: all lines are left out | give --footer another value, or none"
    )
    assert "--comment" in refused("#a\n#b", comment="#")
    assert refused(table(3), skip_rows=10**9) == refused(table(3), skip_rows=4)
    assert "no header: line 2 holds numbers" in refused(table(3), skip_rows=1)


# -- comments ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", SIZES)
def test_comments_between_the_rows_are_left_out_when_told(count: int) -> None:
    lines = table(count).splitlines(keepends=True)
    text = "# top\n" + "".join([*lines[:2], '# 5" pipes, moved\n', *lines[2:]]) + "# end\n"
    panel = read(text, comment="#")
    assert panel.values.tolist() == values(count)
    assert said(panel) == [
        (
            "info",
            f"data.csv: lines 1, 4, {count + 4} with '#' at the beginning were left out",
        )
    ]
    assert refused(text).startswith("data.csv:4: ")


def test_many_comments_are_counted_and_all_in_the_fields() -> None:
    text = "y\n" + "".join(f"{at}.5\n# {at}\n" for at in range(30))
    panel = read(text, comment="#")
    assert panel.values.tolist() == [at + 0.5 for at in range(30)]
    assert panel.notes[0].fields["lines"] == list(range(3, 63, 2))
    assert panel.notes[0].text == (
        "data.csv: 30 lines (3, 5, 7, 9, 11, 13, 15, 17, 19, 21 and 20 more) with '#' at the "
        "beginning were left out"
    )


def test_a_line_of_a_quoted_field_is_no_comment() -> None:
    text = 'day,note,y\n2024-01-01,"a\n# b",1.5\n# c\n2024-01-02,d,2.5\n2024-01-03,e,x\n'
    assert refused(text, comment="#", target="y").startswith("data.csv:6: column 'y': 'x'")


def test_an_empty_line_is_still_refused_beside_comments() -> None:
    assert "data.csv:4: an empty line in a file of one column" in refused(
        "y\n1\n# a\n\n2\n3\n", comment="#"
    )


# -- no header ---------------------------------------------------------------------------------------------------------


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


# -- delimiters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", SIZES)
def test_fields_with_spaces_between_them_are_read(count: int) -> None:
    lines = rows(count, "   ").replace("\n", "  \n  ")
    panel = read("  day    y \n  " + lines)
    assert panel.values.tolist() == values(count)
    marked = read("# from the station\n# day  y\n" + rows(count, "  \t"))
    assert marked.values.tolist() == values(count)
    assert (marked.columns.time, marked.columns.target) == ("day", "y")


def test_quoted_fields_keep_their_spaces() -> None:
    text = 'day name y\n2024-01-01 "a  b" 1\n2024-01-02 "c d" 2\n2024-01-02 "a  b" 3\n'
    assert read(text, where="name=a  b").values.tolist() == [1, 3]


def test_a_missing_field_between_spaces_is_refused() -> None:
    text = "day a y\n2024-01-01 1 2\n2024-01-02   3\n2024-01-03 4 5\n"
    assert refused(text, target="y").startswith("data.csv:3: 2 fields where the header has 3")


@pytest.mark.parametrize("count", [3, 700])
def test_a_number_with_spaces_is_not_two_columns_unless_told(count: int) -> None:
    lines = "".join(f"{at % 9 + 1} {at % 800 + 100}\n" for at in range(count))
    assert refused("a b\n" + lines) == (
        "data.csv:2: '1 100' could be one number or 2 columns "
        "| use --delimiter space for columns, or --thousands ' ' for one number"
    )
    assert read("a b\n" + lines, thousands=" ").values[0] == 1100
    assert read("a b\n" + lines, delimiter=" ", target="b").values[0] == 100
    assert read("y\n" + lines).values[0] == 1100


@pytest.mark.parametrize("count", [3, 700])
def test_a_quote_before_another_delimiter_is_not_called_open(count: int) -> None:
    cells = [line.replace(",", '";"') for line in rows(count).splitlines()]
    quoted = '"day";"y, MW"\n' + "".join(f'"{line}"\n' for line in cells)
    assert read(quoted).values.tolist() == values(count)
    lines = table(count).splitlines(keepends=True)
    lines[2] = '"1800-01-14";"7.5"\n'
    assert refused("".join(lines)) == (
        "data.csv:3: a quoted field ends before ';', and the delimiter is ',' "
        "| use --delimiter ';' if that separates the fields, or quote whole fields and double the "
        "quotes in them, or use --bad-rows skip"
    )


# -- files that are no tables ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"\xef\xbb\xbf \n<!-- a --><?xml version='1.0'?>\n<HTML><Title>\nSign&nbsp;in &amp; go</title>",
            "data.csv: this is an HTML page ('Sign in & go'), not a CSV file",
        ),
        (b"<table><tr><td>1\xe9</td>", "data.csv: this is an HTML page, not a CSV file"),
        (b"%PDF-1.4\n%\xe2\xe3", "data.csv: a PDF document is not read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "data.csv: an Excel workbook is not read"),
    ],
)
def test_pages_and_documents_are_called_what_they_are(content: bytes, message: str) -> None:
    assert refused(content).partition(" | ")[0] == message


@pytest.mark.parametrize("text", ["<!--" * 50_000, "<!---->" * 30_000, "<?xml " * 30_000])
def test_a_beginning_of_many_comments_hangs_nothing(text: str) -> None:
    refused(text + "\n1\n2\n")


def test_a_header_with_an_angle_bracket_is_no_page() -> None:
    assert read("<y>\n1\n2\n3\n").columns.target == "<y>"


# -- parts of a file ---------------------------------------------------------------------------------------------------


def long(count: int, *, by_turns: bool) -> str:
    """Three stations; that of each row, a number, a day and a value, which is 1,000 apart."""
    lines = [
        f"{station},{number},{START + timedelta(days=at)},{value + 1000 * number}\n"
        for number, station in enumerate(["Aal", "Be=rg", "007"])
        for at, value in enumerate(values(count))
    ]
    if by_turns:
        lines.sort(key=lambda line: line.split(",")[2])
    return "station,number,day,y\n" + "".join(lines)


@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize("by_turns", [False, True])
def test_a_part_of_a_long_file_is_read_alone(count: int, by_turns: bool) -> None:
    text = long(count, by_turns=by_turns)
    for condition, number in (("station=Aal", 0), ("station=Be=rg", 1), ("station = 007", 2)):
        panel = read(text, where=condition, target="y")
        assert panel.values.tolist() == [value + 1000 * number for value in values(count)]
        assert panel.reading.where == [condition]
        assert panel.notes[0].text == (
            f"{count:,} rows of {3 * count:,} in which station is {condition.partition('=')[2].strip()!r}"
        )

    panel = read(text, where=["number=1", "station=Be=rg"])
    assert panel.values.tolist() == [value + 1000 for value in values(count)]


def test_lines_of_a_part_keep_their_numbers() -> None:
    text = long(3, by_turns=True).replace(",2007.5\n", ",ERR\n")
    assert read(text, where="station=Aal", target="y").values.tolist() == values(3)
    assert "data.csv:7: column 'y': 'ERR' is not a number" in refused(
        text, where="station=007", target="y"
    )


@pytest.mark.parametrize(
    ("where", "answer"),
    [
        (["station"], "--where: 'station' is not of the form COLUMN=TEXT | write e.g. --where 'shop=Berlin'"),
        (["statoin=Aal"], "data.csv: no column 'statoin' for --where | did you mean 'station'?"),
        (["station=Ael"], "data.csv: no row has 'Ael' in column 'station' | did you mean 'Aal'?"),
        (["station=7"], "data.csv: no row has '7' in column 'station' | there are 'Aal', 'Be=rg', '007'"),
        (["station=aal "], "data.csv: no row has 'aal' in column 'station' | did you mean 'Aal'?"),
        (
            ["station=Aal", "station=007"],
            "--where names column 'station' twice, and a row has one text in it | name it once; to read several series, use --id",
        ),
        (
            ["station=Aal", "number=1"],
            "data.csv: no row in which station is 'Aal' and number is '1' | leave out one of the conditions",
        ),
    ],
)  # fmt: skip
def test_conditions_that_no_row_meets_are_refused(where: list[str], answer: str) -> None:
    assert refused(long(3, by_turns=False), where=where) == answer


@pytest.mark.parametrize("count", [3, 700])
@pytest.mark.parametrize("by_turns", [False, True])
def test_a_column_that_tells_rows_apart_is_named_with_what_helps(
    count: int, by_turns: bool
) -> None:
    text = long(count, by_turns=by_turns).replace(",number,", ",height,")
    answer = refused(text, target="y")
    assert answer.endswith(
        "| keep one row for each time, or use --duplicates first, last, mean or sum; column "
        "'station' tells these rows apart: --id station forecasts each of its series, --where "
        "station=Aal takes one of them, --duplicates sum adds them up"
    )
    assert len(read(text, target="y", id="station")) == 3
    assert read(text, target="y", where="station=Aal").values.tolist() == values(count)
    added = read(text, target="y", duplicates="sum").values.tolist()
    assert added == [3 * value + 3000 for value in values(count)]


def test_two_columns_that_tell_rows_apart_together_are_named() -> None:
    text = "shop,product,day,y\n" + "".join(
        f"{shop},{product},2024-01-0{day},{day}\n"
        for shop in ("a", "b c")
        for product in ("x", "z")
        for day in range(1, 6)
    )
    assert refused(text).endswith(
        "columns 'shop', 'product' together tell these rows apart: --where shop=a --where product=x "
        "takes one of them, --duplicates sum adds them up"
    )
    assert refused(text, id="shop").endswith(
        "column 'product' tells these rows apart: --where product=x takes one of them, --duplicates "
        "sum adds them up"
    )
    assert len(read(text, id="shop", where="product=x")) == 2


def test_a_column_that_is_different_in_every_row_names_no_series() -> None:
    text = "row,day,y\n" + "".join(f"r{at},2024-01-0{at % 4 + 1},{at}\n" for at in range(8))
    assert refused(text).endswith(
        "| keep one row for each time, or use --duplicates first, last, mean or sum"
    )


# -- the likely target -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "likely"),
    [
        ("code,Load (MW),flag", "'Load (MW)'"),
        ("index,a,b", "a"),
        ("a,totalSales,year", "totalSales"),
        ("temperature,y,z", "y"),
        ("constant,a,b", "a"),
    ],
)
def test_the_hint_names_a_column_that_is_named_like_a_quantity_and_varies(
    names: str, likely: str
) -> None:
    first = {"index": list(range(12)), "constant": [5] * 12}.get(
        names.partition(",")[0], [at * 3 % 7 for at in range(12)]
    )
    cells = [(first[at], at * 5 % 11, at * 2 % 9) for at in range(12)]
    lines = "".join(f"2024-01-{at + 1:02},{a},{b},{c}\n" for at, (a, b, c) in enumerate(cells))
    assert refused(f"day,{names}\n{lines}").endswith(
        f"| pick one with --target {likely}, or take all with --target all"
    )


# -- known-future covariates and predictions ---------------------------------------------------------------------------


def test_lines_around_one_file_are_not_left_out_of_another(write: Callable[..., Path]) -> None:
    text = "a,b,c\n" + "day,y,promo\n" + "".join(f"2024-01-{d:02},{d},1\n" for d in range(1, 9))
    panel = read(text + "Eurostat\n", target="y", future="promo", skip_rows=1, footer=1)
    path = write("day,promo\n2024-01-09,1\n2024-01-10,0\n", "future.csv")
    assert read_future_values(path, panel, panel.reading).ahead.tolist() == [[[1], [0]]]


def test_future_values_of_a_part_may_be_of_all_parts_or_of_that_one(
    write: Callable[..., Path],
) -> None:
    text = "shop,day,y,promo\n" + "".join(
        f"{shop},2024-01-{d:02},{d},1\n" for shop in "ab" for d in range(1, 9)
    )
    panel = read(text, target="y", future="promo", where="shop=b")
    for header, lines in (
        ("shop,day,promo", "a,2024-01-09,1\nb,2024-01-09,0\n"),
        ("day,promo", "2024-01-09,0\n"),
    ):
        path = write(f"{header}\n{lines}", "future.csv")
        assert read_future_values(path, panel, panel.reading).ahead.tolist() == [[[0]]]


def test_bad_rows_are_counted_below_lines_that_were_left_out() -> None:
    text = "Sales\n\n" + table(700).replace(",7.5\n", ",ERR\n", 1) + "Source: us\n"
    panel = read(text, bad_rows="skip", gaps="interpolate")
    assert ("degraded", "data.csv: 1 bad row was left out: line 5") in said(panel)


def test_errors_are_data_errors_with_the_setting_that_helps() -> None:
    for text, option in (
        ("Sales, by day\n" + table(3), "skip_rows"),
        (rows(3), "header"),
        ("Sales\n" + rows(3), "header"),
        ("a b\n1 234\n5 678\n", "delimiter"),
    ):
        with pytest.raises(DataError) as caught:
            read(text)
        assert caught.value.option == option
