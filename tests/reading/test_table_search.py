"""Where a table begins: its delimiter, and files that are no tables."""

from __future__ import annotations

import pytest

from tests.reading.surrounded import SIZES, read, refused, rows, table, values


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
