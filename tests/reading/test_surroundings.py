"""Lines around the table: found and named, or refused; and what would be misread is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from forecast_cli.errors import DataError
from forecast_cli.reading import read_future_values
from tests.reading.surrounded import SIZES, START, read, refused, rows, said, table, values

# -- comments --------------------------------------------------------------------------------------


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


# -- parts of a file -------------------------------------------------------------------------------


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


# -- the likely target -----------------------------------------------------------------------------


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


# -- known-future covariates and predictions -------------------------------------------------------


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
