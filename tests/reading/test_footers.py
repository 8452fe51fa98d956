"""Lines after the data."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reading.surrounded import SIZES, read, refused, table, values

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
