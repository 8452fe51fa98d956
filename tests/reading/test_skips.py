"""What `--bad-rows skip` may leave out: a few rows, and never the newest one without being told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli.errors import DataError, ForecastError
from forecast_cli.panel import format_times, times_of
from forecast_cli.reading import read_csv, read_future_values, skips
from tests.conftest import Result

DAYS = [date(2020, 1, 1) + timedelta(days=n) for n in range(900)]


def rows(count: int = 900, **changed: Any) -> list[str]:
    """A row a day; `r5="..."` puts other text in place of the fifth (from 0)."""
    lines = [f"{day},{at}" for at, day in enumerate(DAYS[:count])]
    for name, text in changed.items():
        lines[int(name[1:])] = text
    return lines


def text(lines: list[str], header: str = "day,y") -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def read(content: bytes, **settings: Any) -> Any:
    return read_csv("data.csv", content=content, bad_rows="skip", **settings)


def refused(content: bytes, **settings: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(content, **settings)
    assert (caught.value.exit_code, caught.value.option) == (20, "max_skipped")
    return f"{caught.value.message} | {caught.value.hint}"


def bad(count: int, cell: str, every: int = 7) -> list[str]:
    """900 rows of which `count` have another value."""
    lines = rows()
    for at in range(count):
        lines[every * at] = f"{DAYS[every * at]},{cell}"
    return lines


# -- how many --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "total", "allowed", "refuses"),
    [
        (9, 10, None, False),
        (9, 9, None, False),
        (10, 200, None, False),
        (10, 199, None, True),
        (11, 200, None, True),
        (45, 900, None, False),
        (46, 900, None, True),
        (50_000, 1_000_000, None, False),
        (50_001, 1_000_000, None, True),
        (1, 900, 0.0, True),
        (0, 900, 0.0, False),
        (180, 900, 0.2, False),
        (181, 900, 0.2, True),
        (900, 900, 1.0, False),
        (5, 20, 0.2, True),
        (4, 20, 0.2, False),
    ],
)
def test_a_twentieth_of_the_rows_may_be_left_out_or_what_was_said(
    count: int, total: int, allowed: float | None, refuses: bool
) -> None:
    assert skips.too_many(count, total, allowed) == refuses


def test_a_share_that_the_hint_names_is_enough() -> None:
    for total in (11, 37, 100, 900, 12_345):
        for count in range(10, total, max(total // 50, 1)):
            group = skips.Skipped(np.arange(count), "are bad", "it is bad")
            hint = skips.refuse_many([group], total).hint
            assert not skips.too_many(count, total, float(hint.rpartition(" ")[2]))


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (
            [f"{day}," if at < 600 else f"{day:%d.%m.%Y},1" for at, day in enumerate(DAYS)],
            "data.csv: 300 of 900 rows would be skipped; all of them have dates like '23.08.2021' "
            "| use --date-format %Y-%m-%d --date-format %d.%m.%Y, or allow it with --max-skipped 0.34",
        ),
        (
            bad(50, "ERR"),
            "data.csv: 50 of 900 rows would be skipped; all of them have cells like 'ERR' in column 'y' "
            "| use --null ERR if that is a missing value, or allow it with --max-skipped 0.06",
        ),
        (
            bad(50, "1.2.3"),
            "data.csv: 50 of 900 rows would be skipped; all of them have cells like '1.2.3' in column 'y' "
            "| correct these rows, or allow it with --max-skipped 0.06",
        ),
        (
            bad(100, "1,2"),
            "data.csv: 100 of 900 rows would be skipped; all of them have 3 fields where the header has 2 "
            "| correct these rows, or allow it with --max-skipped 0.12",
        ),
        (
            bad(60, "1e200"),
            "data.csv: 60 of 900 rows would be skipped; all of them have an infinite or huge 'y' "
            "| correct these rows, or allow it with --max-skipped 0.07",
        ),
        (
            bad(60, '5" pipe'),
            "data.csv: 60 of 900 rows would be skipped; all of them have a quote inside a field that is not quoted "
            "| correct these rows, or allow it with --max-skipped 0.07",
        ),
        (
            [f"{day},1" if at % 10 else ",1" for at, day in enumerate(DAYS)],
            "data.csv: 90 of 900 rows would be skipped; all of them have no time "
            "| correct these rows, or allow it with --max-skipped 0.1",
        ),
        (
            [f"{day},1,2" for day in DAYS],
            "data.csv: 900 of 900 rows would be skipped; all of them have 3 fields where the header has 2 "
            "| correct these rows, or allow it with --max-skipped 1",
        ),
    ],
    ids=[
        "second format",
        "word",
        "no number",
        "width",
        "huge",
        "quote",
        "the time is empty",
        "all of another width",
    ],
)
def test_too_many_rows_are_refused_by_what_they_share(lines: list[str], answer: str) -> None:
    assert refused(text(lines)) == answer


def test_rows_that_are_left_out_for_different_reasons_are_counted_together() -> None:
    lines = bad(16, "1,2", every=9)
    for at in range(16):
        lines[9 * at + 1] = f"{DAYS[9 * at + 1]},ERR"
        lines[9 * at + 2] = f"no day {at},4"
    lines[9 * 16] = f"{DAYS[9 * 16]},ERR"
    assert refused(text(lines)) == (
        "data.csv: 49 of 900 rows would be skipped; 17 of them have cells like 'ERR' in column 'y' "
        "| use --null ERR if that is a missing value, or allow it with --max-skipped 0.06"
    )
    panel = read(text(lines), max_skipped=0.06, gaps="interpolate")
    assert panel.values.tolist() == list(range(3, 900))
    assert [note.text for note in panel.notes if note.level == "degraded"] == [
        "16 rows with a different number of fields were left out: data.csv:2: 3 fields where the header has 2 (and 15 more)",
        "data.csv: 33 bad rows were left out: line 3, 4, 12 (and 30 more)",
    ]
    assert panel.reading.max_skipped == 0.06


def test_a_few_bad_rows_are_left_out_of_a_file_of_any_size() -> None:
    lines = bad(45, "ERR")
    assert read(text(lines)).values.tolist() == list(range(900))[1:]  # the first row is one of them
    few = rows(14, r2="x,1", r4="2020-01-05,x", r6="2020-01-07,1,1", r8="2020-02-30,1")
    assert len(read(text(few)).values) == 14


def test_a_date_over_columns_that_does_not_exist_is_a_reason() -> None:
    lines = [
        f"{day.year},{day.month},{day.day if at % 10 else 32},{at}" for at, day in enumerate(DAYS)
    ]
    assert refused(text(lines, "year,month,day,y"), time="year,month,day") == (
        "data.csv: 90 of 900 rows would be skipped; all of them have dates like '2020 1 32' "
        "| correct these rows, or allow it with --max-skipped 0.1"
    )


# -- the newest row --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "answer"),
    [
        (
            "2022-06-18,ERR",
            "column 'y': 'ERR' is not a number | use --null ERR if that is a missing value, or allow it with --max-skipped 0.05",
        ),
        (
            "18.06.2022,1",
            "column 'day': '18.06.2022' is not a date like the others (%Y-%m-%d) | use --date-format %Y-%m-%d --date-format %d.%m.%Y, or allow it with --max-skipped 0.05",
        ),
        (
            "2022-06-31,1",
            "column 'day': '2022-06-31' is not a date like the others (%Y-%m-%d) | correct the row, or allow it with --max-skipped 0.05",
        ),
        (
            ",1",
            "column 'day': the time is empty | correct the row, or allow it with --max-skipped 0.05",
        ),
        (
            "2022-06-18,1,1",
            "3 fields where the header has 2 | correct the row, or allow it with --max-skipped 0.05",
        ),
        (
            '2022-06-18,"1',
            "a quote is opened and never closed | correct the row, or allow it with --max-skipped 0.05",
        ),
        (
            "2022-06-18,1e200",
            "column 'y' is infinite or too large | correct the row, or allow it with --max-skipped 0.05",
        ),
    ],
)
def test_the_newest_row_is_never_left_out_unasked(last: str, answer: str) -> None:
    content = text(rows(r899=last))
    assert refused(content) == f"data.csv:901: the newest row would be skipped: {answer}"
    panel = read(content, max_skipped=0.05)
    assert panel.values.tolist() == list(range(899))
    assert "degraded" in {note.level for note in panel.notes}
    assert read(text(rows(r898=last))).lengths.tolist() == [900]


def test_the_newest_row_is_the_first_one_where_times_descend_or_newest_first_says_so() -> None:
    descending = rows()[::-1]
    first, last = [f"{DAYS[899]},x", *descending[1:]], [*descending[:-1], f"{DAYS[0]},x"]
    assert refused(text(first)).startswith(
        "data.csv:2: the newest row would be skipped: column 'y': 'x' is not a number"
    )
    assert read(text(last)).lengths.tolist() == [899]
    undated = [descending[0].replace("2022-06-18", "?"), *descending[1:]]
    assert refused(text(undated)).startswith(
        "data.csv:2: the newest row would be skipped: column 'day': '?'"
    )
    assert refused(text([f"{descending[0]},1", *descending[1:]])).startswith(
        "data.csv:2: the newest row"
    )
    assert read(text([*descending[:-1], f"{descending[-1]},1"])).lengths.tolist() == [899]

    steps = ["x", *map(str, range(50))]
    assert refused(text(steps, "y"), newest_first=True).startswith(
        "data.csv:2: the newest row would be skipped"
    )
    assert read(text(steps, "y")).lengths.tolist() == [50]
    assert refused(text(steps[::-1], "y")).startswith(
        "data.csv:52: the newest row would be skipped"
    )
    assert read(text(steps[::-1], "y"), newest_first=True).lengths.tolist() == [50]


def test_the_newest_row_of_unsorted_rows_is_the_one_of_the_latest_time() -> None:
    lines = rows(r899=f"{DAYS[899]},x")
    shuffled = [lines[at] for at in np.random.default_rng(1).permutation(900)]
    at = shuffled.index(lines[899])
    assert refused(text(shuffled)).startswith(f"data.csv:{at + 2}: the newest row would be skipped")


@pytest.mark.parametrize("by_turns", [False, True])
def test_the_newest_row_of_every_series_counts(by_turns: bool) -> None:
    def lines(broken: set[tuple[str, int]]) -> list[str]:
        cells = [(name, at) for name in "abcd" for at in range(100)]
        cells = sorted(cells, key=lambda cell: cell[1]) if by_turns else cells
        return [f"{name},{DAYS[at]},{'x' if (name, at) in broken else at}" for name, at in cells]

    header = "unique_id,ds,y"
    answer = refused(text(lines({("b", 99), ("c", 99)}), header))
    place = 399 if by_turns else 201
    assert answer == (
        f"data.csv:{place}: series 'b': the newest row would be skipped (and those of 1 more series): "
        "column 'y': 'x' is not a number | use --null x if that is a missing value, or allow it with --max-skipped 0.05"
    )
    panel = read(text(lines({("b", 98), ("c", 0)}), header))
    assert dict(zip(panel.ids, panel.lengths.tolist(), strict=True)) == {
        "a": 100,
        "b": 100,
        "c": 99,
        "d": 100,
    }
    assert read(text(lines({("b", 99)}), header), max_skipped=0.01).lengths.tolist() == [
        100,
        99,
        100,
        100,
    ]


def test_a_series_of_which_nothing_would_stay_is_not_left_out_unasked() -> None:
    lines = [
        f"{name},{DAYS[at]},{'x' if name == 'b' else at}"
        for name in "abc"
        for at in range(100 if name != "b" else 3)
    ]
    assert refused(text(lines, "unique_id,ds,y")).startswith(
        "data.csv:102: series 'b': the newest row would be skipped"
    )


def test_a_row_without_an_id_is_compared_with_the_whole_file() -> None:
    lines = [f"{name},{DAYS[at]},{at}" for name in "ab" for at in range(100)]
    middle = [*lines[:50], f",{DAYS[50]},50", *lines[51:]]
    assert read(text(middle, "unique_id,ds,y")).lengths.tolist() == [100, 100]
    newer = [*lines, f",{DAYS[100]},1"]
    assert refused(text(newer, "unique_id,ds,y")) == (
        "data.csv:202: the newest row would be skipped: column 'unique_id' is empty "
        "| correct the row, or allow it with --max-skipped 0.05"
    )


def test_a_last_line_that_is_cut_off_is_left_out_as_ever() -> None:
    content = text(rows())
    for cut in (b"2022-06-19", b'2022-06-19,"1'):
        panel = read(content + cut)
        assert panel.lengths.tolist() == [900]
        assert [note.text for note in panel.notes] == [
            "data.csv:902: the last line is cut off and was left out"
        ]
        with pytest.raises(
            DataError, match=r"^data\.csv:901: the newest row would be skipped: 3 fields"
        ):
            read(text(rows(r899=f"{DAYS[899]},1,1")) + cut)


def test_the_newest_rows_are_found_by_time_or_by_place() -> None:
    never = np.iinfo(np.int64).min
    times = np.array([1, 2, 3, never, 1, never, 3, 2])
    codes = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    good = np.array([True, True, False, False, True, False, False, True])
    assert skips.newest(np.flatnonzero(~good), good, times, codes, False).tolist() == [2, 3, 6]
    assert skips.newest(np.flatnonzero(~good), good, None, codes, False).tolist() == [2, 3]
    assert skips.newest(np.flatnonzero(~good), good, None, codes, True).tolist() == []


# -- years, quarters and months --------------------------------------------------------------------------------------

MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
PARTS = [
    *map(str, range(1990, 2020)),
    *(f"{year} Q{quarter}" for year in range(1990, 2020) for quarter in (1, 2, 3, 4)),
    *(f"{year} {month}" for year in range(1990, 2020) for month in MONTHS),
]
KEEP = "years, quarters and months are not one series: keep the rows of one step, e.g. those like '1990 JAN'"


def test_years_quarters_and_months_are_never_one_series() -> None:
    content = text([f"{part},{at}" for at, part in enumerate(PARTS)], "Title,index")
    said = f"data.csv: column 'Title' has rows of different steps: '1990', '1990 Q1', '1990 JAN' | {KEEP}"
    for settings in ({}, {"target": "index"}, {"bad_rows": "skip", "max_skipped": 1.0}):
        with pytest.raises(DataError) as caught:
            read_csv("data.csv", content=content, **settings)
        assert f"{caught.value.message} | {caught.value.hint}" == said


def test_rows_of_one_step_are_read_alone_if_so_many_may_be_left_out() -> None:
    content = text([f"{part},{at}" for at, part in enumerate(PARTS)], "Title,index")
    months = {"time": "Title", "date_format": "%Y %b"}
    assert refused(content, **months) == (
        "data.csv: 150 of 510 rows would be skipped; 120 of them have dates like '1990 Q1' "
        f"| {KEEP}, or allow it with --max-skipped 0.3"
    )
    panel = read(content, max_skipped=0.3, **months)
    assert panel.values.tolist() == list(range(150, 510))
    assert panel.frequency.size == 1


# -- predict ---------------------------------------------------------------------------------------------------------


def test_predict_takes_what_its_errors_name(
    forecast: Callable[..., Result], tmp_path: Path
) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(text(rows(100, r50="2020-02-20,x")))
    words = ("--bad-rows", "skip", "--epochs", 1, "--units", 4, "--members", 1, "--quiet")
    assert forecast("train", path, *words).code == 3

    path.write_bytes(text([*rows(100), *(f"{day:%d.%m.%Y},1" for day in DAYS[100:160])]))
    result = forecast("predict", path)
    assert result.code == 20
    assert result.err.splitlines() == [
        f"error: {path}: 60 of 160 rows would be skipped; all of them have dates like '10.04.2020'",
        "hint: use --date-format %Y-%m-%d --date-format %d.%m.%Y, or allow it with --max-skipped 0.38",
    ]
    both = forecast("predict", path, "--date-format", "%Y-%m-%d", "--date-format", "%d.%m.%Y")
    assert (both.code, both.out.splitlines()[1].split(",")[0]) == (0, "09.06.2020")
    less = forecast("predict", path, "--max-skipped", 0.38)
    assert (less.code, less.out.splitlines()[1].split(",")[0]) == (3, "2020-04-10")


def test_future_values_obey_the_same_limit(tmp_path: Path) -> None:
    lines = [f"{day},{at},{at % 5}" for at, day in enumerate(DAYS[:100])]
    panel = read(text(lines, "day,y,promo"), target="y", future="promo")
    path = tmp_path / "future.csv"
    path.write_bytes(
        text(
            [f"{day},{'x' if at == 9 else 1}" for at, day in enumerate(DAYS[100:110])], "day,promo"
        )
    )
    with pytest.raises(ForecastError, match=r"future\.csv:11: the newest row would be skipped"):
        read_future_values(path, panel, panel.reading)


# -- several formats -------------------------------------------------------------------------------------------------


def both(one: str, other: str, change: int = 450) -> bytes:
    return text(
        [f"{day.strftime(one if at < change else other)},{at}" for at, day in enumerate(DAYS)]
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("%Y-%m-%d", "%d.%m.%Y"),
        ("%d/%m/%Y", "%Y-%m-%d"),
        ("%Y-%m-%d", "%Y-%m-%d %H:%M"),
        ("%d %b %Y", "%b %d %Y"),
        ("%Y%m%d", "%Y-%m-%d"),
        ("%Y-%m-%dT%H:%M:%S", "%d/%m/%y"),
    ],
)
@pytest.mark.parametrize("change", [1, 450, 899])
def test_each_row_is_read_by_the_format_that_fits_it(one: str, other: str, change: int) -> None:
    panel = read_csv(
        "data.csv",
        content=both(one, other, change),
        time="day",
        target="y",
        date_format=[one, other],
    )
    assert panel.values.tolist() == list(range(900))
    assert panel.reading.date_format == [one, other]
    assert format_times(panel, times_of(panel, 0, 899, 901)) == [
        day.strftime(other) for day in (DAYS[899], DAYS[899] + timedelta(days=1))
    ]
    turned = read_csv(
        "data.csv",
        content=both(one, other, change),
        time="day",
        target="y",
        date_format=[other, one],
    )
    assert turned.values.tolist() == panel.values.tolist()
    assert turned.time_format == panel.time_format


def test_the_format_of_the_newest_row_is_that_of_the_output_wherever_it_stands() -> None:
    lines = both("%Y-%m-%d", "%d.%m.%Y").decode().splitlines()
    content = "\n".join([lines[0], *lines[:0:-1], ""]).encode()
    panel = read_csv("data.csv", content=content, date_format=["%Y-%m-%d", "%d.%m.%Y"])
    assert panel.time_format.pattern == "%d.%m.%Y"


def test_a_row_that_two_formats_read_differently_is_refused_naming_both() -> None:
    with pytest.raises(DataError) as caught:
        read_csv(
            "data.csv", content=both("%d/%m/%Y", "%m/%d/%Y"), date_format=["%d/%m/%Y", "%m/%d/%Y"]
        )
    assert f"{caught.value.message} | {caught.value.hint}" == (
        "data.csv:3: column 'day': '02/01/2020' could be %d/%m/%Y or %m/%d/%Y "
        "| bring these rows to one format, or name only one of the two with --date-format"
    )


def test_a_row_that_no_format_fits_is_named_with_all_of_them() -> None:
    content = both("%Y-%m-%d", "%d.%m.%Y").replace(b"2020-02-03", b"Feb 3, 2020".replace(b",", b""))
    with pytest.raises(DataError) as caught:
        read_csv("data.csv", content=content, date_format=["%Y-%m-%d", "%d.%m.%Y"])
    assert f"{caught.value.message} | {caught.value.hint}" == (
        "data.csv:35: column 'day': 'Feb 3 2020' is not a date like the others (%Y-%m-%d or %d.%m.%Y) "
        "| use --date-format %Y-%m-%d --date-format %d.%m.%Y --date-format '%b %d %Y'"
    )


def test_one_format_is_the_same_in_a_list_or_alone() -> None:
    content = both("%d.%m.%Y", "%d.%m.%Y")
    alone = read_csv("data.csv", content=content, date_format="%d.%m.%Y")
    for given in (["%d.%m.%Y"], ["%d.%m.%Y", "%d.%m.%Y"]):
        panel = read_csv("data.csv", content=content, date_format=given)
        assert panel.time_format == alone.time_format
        assert panel.values.tolist() == alone.values.tolist()
    assert alone.reading.date_format == ["%d.%m.%Y"]


def test_offsets_of_two_formats_come_back_as_in_the_last_row() -> None:
    lines = [f"2024-01-{d:02}T00:00+01:00,{d}" for d in range(1, 16)] + [
        f"{d}.01.2024 00:00 +01:00,{d}" for d in range(16, 31)
    ]
    panel = read_csv(
        "data.csv", content=text(lines), date_format=["%Y-%m-%dT%H:%M%z", "%d.%m.%Y %H:%M %z"]
    )
    assert format_times(panel, times_of(panel, 0, 29, 31)) == [
        "30.01.2024 00:00 +01:00",
        "31.01.2024 00:00 +01:00",
    ]


# -- a first row of units --------------------------------------------------------------------------------------------


def test_a_first_row_of_units_does_not_hide_the_times() -> None:
    lines = ["[UTC],[MW]", *rows(100)]
    with pytest.raises(DataError) as caught:
        read_csv("data.csv", content=text(lines, "Zeit,y"), target="y")
    assert f"{caught.value.message} | {caught.value.hint}" == (
        "data.csv:2: neither the header nor a row of data: '[UTC],[MW]' | use --skip-rows 0 to take "
        "line 1 as the header and leave out what is between it and the data"
    )
    panel = read(text(lines, "Zeit,y"))
    assert (panel.columns.time, panel.frequency.kind, panel.lengths.tolist()) == (
        "Zeit",
        "fixed",
        [100],
    )


def test_rows_that_could_be_read_in_two_ways_are_not_settled_by_skipping() -> None:
    """One bad row among dates that could all be day or month first."""
    lines = [f"{d:02}/{m:02}/2020,1" for m in range(1, 13) for d in range(1, 13)] + [
        "?,1",
        "01/01/2021,1",
    ]
    with pytest.raises(
        DataError, match="'01/01/2020' could be %d/%m/%Y or %m/%d/%Y, and so could every other row"
    ):
        read(text(lines), gaps="interpolate")
