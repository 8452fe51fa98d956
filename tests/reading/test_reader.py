from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli.errors import DataError, ForecastError, SettingsError
from forecast_cli.panel import format_times, times_of, values_of
from forecast_cli.reading import read_csv
from tests.conftest import AIRLINE, SAMPLES

Write = Callable[..., Path]
DAYS = "".join(f"2024-01-{d:02},{d}\n" for d in range(1, 21))


def refused(path: Path, **settings: Any) -> str:
    """The error of a file that is refused with exit 20: `message | hint`."""
    with pytest.raises(DataError) as caught:
        read_csv(path, **settings)
    assert caught.value.exit_code == 20
    return f"{caught.value.message} | {caught.value.hint}".replace(str(path), path.name)


def test_the_airline_sample_is_one_monthly_series() -> None:
    panel = read_csv(AIRLINE)
    assert panel.ids == ("",)
    assert panel.lengths.tolist() == [144]
    assert (panel.columns.time, panel.columns.target, panel.columns.id) == (
        "Month",
        "Passengers",
        "",
    )
    assert panel.values[[0, -1]].tolist() == [112, 432]
    assert format_times(panel, times_of(panel, 0, 143, 145)) == ["1960-12", "1961-01"]
    assert panel.notes == ()


def test_the_panel_sample_needs_no_options() -> None:
    panel = read_csv(SAMPLES / "panel.csv")
    assert len(panel) == 8
    assert panel.columns.id == "unique_id"
    assert [note.text for note in panel.notes] == [
        "columns not used: 'promo'",
        "32 missing steps were interpolated",
    ]
    assert not np.isnan(panel.values).any()


def test_a_missing_file_is_named_with_its_neighbour(write: Write) -> None:
    path = write("a,b\n", "sales.csv")
    assert refused(path.with_name("sale.csv")).endswith("no such file | did you mean 'sales.csv'?")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "data.csv: the file is empty | give a CSV file with a header and rows"),
        ("\n \n", "data.csv: the file is empty | give a CSV file with a header and rows"),
        ("day,y\n", "data.csv: there is a header but no row | give a file with data"),
        ("day,name\n2024-01-01,a\n2024-01-02,b\n", "data.csv: no column of numbers to forecast | name it with --target COLUMN"),
        (
            "day,a,b\n2024-01-01,1,2\n",
            "data.csv: 2 columns of numbers: 'a', 'b' | pick one with --target a, or take all with --target all",
        ),
        (
            "when,y\n" + "".join(f"Sunday {d:02} January 2023,{d}\n" for d in range(1, 9)),
            "data.csv: column 'when': no known date format reads 'Sunday 01 January 2023' | say what it is with --time when "
            "--date-format, e.g. %d/%m/%Y; if it is no time, use --time none, and rows are steps",
        ),
        (
            "timestamp,cpu\n" + "".join(f"{1735689600000 + 60000 * n},{n}\n" for n in range(9)),
            "data.csv: column 'timestamp' may hold times: '1735689600000' | use --time timestamp --date-format epoch-ms",
        ),
        (
            "day,y\n" + DAYS.replace(",7\n", ",ERR\n"),
            "data.csv:8: column 'y': 'ERR' is not a number | name missing values with --null (besides empty, NA, NaN and null), correct these cells, or use --bad-rows skip",
        ),
        ("day,y\n" + DAYS.replace(",7\n", ",inf\n"), "data.csv:8: column 'y' is infinite or overflows | correct these cells, or leave them empty"),
        ("day,y\n" + DAYS.replace(",7\n", ",1e999\n"), "data.csv:8: column 'y' is infinite or overflows | correct these cells, or leave them empty"),
        ("day,y\n" + DAYS.replace(",7\n", ",1e200\n"), "data.csv:8: column 'y': 1e+200 is too large | scale the column"),
        (
            "day,y\n" + DAYS + "2024-01-05,9\n",
            "data.csv:6 and 22: the time 2024-01-05 is there twice | keep one row for each time, or use --duplicates first, last, mean or sum",
        ),
        (
            "day,y\n" + DAYS.replace("2024-01-09,9\n", "2024-01-09,9,9\n"),
            "data.csv:10: 3 fields where the header has 2 | quote fields that contain the delimiter, correct the row, or use --bad-rows skip",
        ),
        (
            "day,y\n2024-01-01,1,5\n" + DAYS,
            "data.csv:2: 3 fields where the header has 2 | quote fields that contain the delimiter, correct the row, or use --bad-rows skip",
        ),
        ("day,y\n2024-01-01\n" + DAYS, "data.csv:2: 1 field where the header has 2 | quote fields that contain the delimiter, correct the row, or use --bad-rows skip"),
        ('day,y\n2024-01-01,"1\n' + DAYS, "data.csv:2: a quote is opened and never closed | quote whole fields and double the quotes in them, or use --bad-rows skip"),
        ("y,y\n1,2\n", "data.csv:1: column 'y' is there twice | rename one of them"),
        (
            "day,y\n" + "".join(f"0{d}/02/2024,{d}\n" for d in range(1, 9)),
            "data.csv: column 'day': '01/02/2024' could be %d/%m/%Y or %m/%d/%Y, and so could every other row "
            "| use --date-format %d/%m/%Y or --date-format %m/%d/%Y",
        ),
        (
            "day,y\n" + DAYS.replace("2024-01-09", "09/01/2024"),
            "data.csv:10: column 'day': '09/01/2024' is not a date like the others (%Y-%m-%d) "
            "| use --date-format %Y-%m-%d --date-format %d/%m/%Y or --date-format %Y-%m-%d --date-format %m/%d/%Y",
        ),
        ("day,y\n" + DAYS.replace("2024-01-09", ""), "data.csv:10: column 'day': the time is empty | give every row a time, or use --bad-rows skip"),
        (
            "day,y\n" + DAYS.replace("2024-01-09", "2024-01-09 07:30").replace("2024-01-1", "2024-03-1"),
            "data.csv:10: column 'day': '2024-01-09 07:30' is not a date like the others (%Y-%m-%d) "
            "| use --date-format %Y-%m-%d --date-format '%Y-%m-%d %H:%M'",
        ),
        (b"day,y\n2024-01-01,1\n2024-01-02,\xff\n", "data.csv:3: the text is not UTF-8; the row would read '2024-01-02,ÿ' in cp1252 | use --encoding cp1252, gb18030 or shift_jis: the one in which the row reads right"),
        ('day,a;"b\n2024-01-01,1;1\n', "data.csv:1: the header can be split at ',' or ';' | use --delimiter ',' or --delimiter ';'"),
        (b"day,y\n2024-01-01,\0\n", "data.csv:2: a NUL byte; this is not a text file | give a CSV file"),
    ],
)  # fmt: skip
def test_bad_files_are_refused_in_full_words(write: Write, text: str | bytes, answer: str) -> None:
    assert refused(write(text)) == answer


def test_many_bad_cells_are_counted(write: Write) -> None:
    text = "day,y\n" + "".join(f"2024-01-{d:02},{'x' if d % 4 == 0 else d}\n" for d in range(1, 29))
    answer = refused(write(text))
    assert answer.count("is not a number") == 3
    assert "(and 4 more)" in answer


def test_unknown_columns_come_with_the_nearest_one(write: Write) -> None:
    path = write("day,sales\n" + DAYS)
    assert (
        refused(path, target="sale")
        == "data.csv: no column 'sale' for --target | did you mean 'sales'?"
    )
    assert refused(path, time="zeit") == "data.csv: no column 'zeit' for --time | known: day, sales"


def test_repeated_times_of_a_long_file_name_the_id_option(write: Write) -> None:
    text = "shop,day,y\n" + "".join(f"{s},2024-01-{d:02},{d}\n" for s in "ab" for d in range(1, 5))
    assert refused(write(text)).endswith(
        "or use --duplicates first, last, mean or sum; column 'shop' tells these rows apart: "
        "--id shop forecasts each of its series, --where shop=a takes one of them, "
        "--duplicates sum adds them up"
    )
    assert read_csv(write(text), id="shop").ids == ("a", "b")


def test_unsorted_rows_are_sorted_and_said(write: Write) -> None:
    rows = DAYS.splitlines(keepends=True)
    panel = read_csv(write("day,y\n" + "".join(rows[::-1])))
    assert panel.values.tolist() == list(range(1, 21))
    assert [note.text for note in panel.notes] == [
        "the rows were not in order of time; they were sorted"
    ]


def test_text_ids_stay_text(write: Write) -> None:
    names = ["007", "NA", "None", "null", "1e5"]
    text = "unique_id,ds,y\n" + "".join(
        f"{n},2024-01-{d:02},{d}\n" for n in names for d in range(1, 5)
    )
    assert list(read_csv(write(text)).ids) == names


def test_short_gaps_are_interpolated_and_long_ones_refused(write: Write) -> None:
    panel = read_csv(write("day,y\n" + DAYS.replace("2024-01-06,6\n", "").replace(",9\n", ",NA\n")))
    assert panel.values.tolist() == list(range(1, 21))
    assert [note.text for note in panel.notes] == ["2 missing steps were interpolated"]
    rows = DAYS.splitlines(keepends=True)
    answer = refused(write("day,y\n" + "".join(rows[:6] + rows[14:])))
    assert answer.startswith(
        "data.csv: a gap of 8 steps begins at 2024-01-07; gaps of up to 7 (one season)"
    )


def test_empty_values_at_the_end_are_left_out_and_said(write: Write) -> None:
    panel = read_csv(write("day,y\n" + DAYS + "2024-01-21,\n2024-01-22,NaN\n"))
    assert panel.lengths.tolist() == [20]
    assert [note.text for note in panel.notes] == [
        "the last 2 rows have no value and were left out"
    ]


def test_a_last_line_without_newline_is_used_or_left_out(write: Write) -> None:
    whole = read_csv(write("day,y\n" + DAYS.rstrip("\n")))
    assert whole.lengths.tolist() == [20]
    assert [note.level for note in whole.notes] == ["warning"]
    cut = read_csv(write("day,y\n" + DAYS + "2024-01"))
    assert cut.lengths.tolist() == [20]
    assert [note.level for note in cut.notes] == ["degraded"]


def test_a_file_without_dates_is_steps(write: Write) -> None:
    panel = read_csv(write("y\n" + "\n".join(map(str, range(30))) + "\n"))
    assert panel.columns.time == "step"
    assert format_times(panel, times_of(panel, 0, 29, 31)) == ["29", "30"]


def test_wide_files_become_several_series(write: Write) -> None:
    text = "day,a,b\n" + "".join(f"2024-01-{d:02},{d},{-d}\n" for d in range(1, 21))
    panel = read_csv(write(text), target="all")
    assert panel.ids == ("a", "b")
    assert values_of(panel, 1).tolist() == [-d for d in range(1, 21)]
    assert panel.columns.id == "unique_id"


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_other_delimiters_are_seen(write: Write, mark: str) -> None:
    assert read_csv(write(("day,y\n" + DAYS).replace(",", mark))).lengths.tolist() == [20]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_files_with_a_byte_order_mark_are_read(write: Write, codec: str) -> None:
    text = ("日期,销量\n" + DAYS).encode(codec)
    assert read_csv(write(text)).columns.target == "销量"


def test_windows_and_old_mac_line_ends_are_read(write: Write) -> None:
    for end in ("\r\n", "\r"):
        assert read_csv(write(("day,y\n" + DAYS).replace("\n", end))).lengths.tolist() == [20]


def test_a_day_above_twelve_settles_the_order(write: Write) -> None:
    text = "day,y\n" + "".join(f"{d:02}/02/2024,{d}\n" for d in range(1, 21))
    panel = read_csv(write(text))
    assert format_times(panel, times_of(panel, 0, 19, 21)) == ["20/02/2024", "21/02/2024"]


def test_integer_dates_are_refused_until_named(write: Write) -> None:
    path = write("day,y\n" + DAYS.replace("-", ""))
    assert "--date-format %Y%m%d" in refused(path, time="day")
    panel = read_csv(path, time="day", date_format="%Y%m%d")
    assert format_times(panel, times_of(panel, 0, 19, 21)) == ["20240120", "20240121"]


def test_offsets_become_utc_and_come_back(write: Write) -> None:
    rows = [f"2024-03-31T0{h}:00:00+01:00,1\n" for h in (0, 1)] + [
        f"2024-03-31T0{h}:00:00+02:00,2\n" for h in range(3, 9)
    ]
    panel = read_csv(write("time,y\n" + "".join(rows)))
    assert panel.lengths.tolist() == [8]
    assert format_times(panel, times_of(panel, 0, 7, 9)) == [
        "2024-03-31T08:00:00+02:00",
        "2024-03-31T09:00:00+02:00",
    ]


def test_quoted_fields_may_hold_delimiters_and_newlines(write: Write) -> None:
    text = 'day,note,y\n2024-01-01,"a, b",1\n2024-01-02,"two\nlines",2\n2024-01-03,"a ""quote""",3\n2024-01-04,d,bad\n'
    assert "data.csv:6: column 'y': 'bad' is not a number" in refused(write(text), target="y")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(("day,y\n" + DAYS).encode())))
    assert read_csv("-").source == "-"


def test_numbers_are_read_to_the_last_bit(write: Write) -> None:
    values = [0.1 + 0.2, 1 / 3, 2**0.5, 1e-7 / 3]
    panel = read_csv(write("y\n" + "".join(f"{v!r}\n" for v in values)))
    assert panel.values.tolist() == values


def test_one_column_cannot_be_two_things() -> None:
    with pytest.raises(SettingsError, match="cannot be two things at once"):
        read_csv(AIRLINE, time="Month", target="Month")


def test_no_row_is_lost_for_any_chunk_of_bytes(write: Write) -> None:
    """Whatever the bytes, the reader answers with a panel or with an error of ours."""
    base = ("day,y\n" + DAYS).encode()
    random = np.random.default_rng(1)
    for _ in range(80):
        data = bytearray(base)
        for _ in range(random.integers(1, 4)):
            data[random.integers(len(data))] = random.integers(256)
        try:
            panel = read_csv(write(bytes(data)))
        except ForecastError:
            continue
        assert len(panel.values) >= 1


def test_an_index_without_a_name_is_a_time_column(write: Write) -> None:
    """What a data frame with dates as its index writes."""
    panel = read_csv(write("," + "y\n" + DAYS))
    assert (panel.columns.time, panel.frequency.kind) == ("column 1", "fixed")


def test_two_digit_years_that_could_come_first_are_refused(write: Write) -> None:
    text = "day,y\n" + "".join(f"24-01-{d:02},{d}\n" for d in range(1, 29))
    assert "could be %d-%m-%y or %y-%m-%d" in refused(write(text))


def test_a_file_that_is_mostly_gaps_is_refused_until_told(write: Write) -> None:
    rows = [f"2024-01-{d:02} {h:02}:00,{h}\n" for d in range(1, 8) for h in range(9, 18)]
    path = write("time,y\n" + "".join(rows))
    assert refused(path) == (
        "data.csv: 90 of 153 steps are missing, more than a third "
        "| bring the rows to one step first; or use --max-filled 0.6 to have so many filled, or --gaps zero or drop"
    )
    assert read_csv(path, max_filled=0.6).lengths.tolist() == [153]


def test_filled_steps_are_marked(write: Write) -> None:
    panel = read_csv(write("day,y\n" + DAYS.replace("2024-01-06,6\n", "")))
    assert np.flatnonzero(panel.filled).tolist() == [5]


def test_texts_that_repeat_in_a_file_without_times_are_said(write: Write) -> None:
    panel = read_csv(write("store,y\n" + "".join(f"{s},{i}\n" for s in "AB" for i in range(20))))
    assert [n.text for n in panel.notes if n.level == "warning"] == [
        "the texts of column 'store' repeat; if they name series, use --id store"
    ]


def test_a_column_of_years_is_not_passed_over(write: Write) -> None:
    path = write("year,y\n" + "".join(f"{year},{year - 1950}\n" for year in range(2019, 1989, -1)))
    assert (
        refused(path, target="y")
        == "data.csv: column 'year' may hold times: '2019' | use --time year"
    )
    panel = read_csv(path, time="year")
    assert (panel.values[-1], panel.frequency.kind, panel.frequency.size) == (69, "months", 12)


@pytest.mark.parametrize(
    "ids", [("007",), ("7", "007"), ("1e5", "100000"), ("1", "1.0"), ("True", "true")]
)
def test_ids_that_look_alike_as_numbers_stay_apart(write: Write, ids: tuple[str, ...]) -> None:
    long = write(
        "unique_id,ds,y\n"
        + "".join(f"{name},2024-01-{d:02},{d}\n" for name in ids for d in range(1, 21))
    )
    assert read_csv(long).ids == ids
    turns = write(
        "unique_id,ds,y\n"
        + "".join(f"{name},2024-01-{d:02},{d}\n" for d in range(1, 21) for name in ids)
    )
    assert read_csv(turns).ids == ids


def test_an_id_that_is_longer_than_all_before_is_read_whole(write: Write) -> None:
    ids = ("a", "ä" * 40)
    path = write(
        "unique_id,ds,y\n"
        + "".join(f"{name},2024-01-{d:02},{d}\n" for name in ids for d in range(1, 21))
    )
    assert read_csv(path).ids == ids


def test_dates_of_digits_alone_keep_their_zeros(write: Write) -> None:
    path = write("day,y\n" + "".join(f"{d:02}01{y},{d}\n" for y in (2023,) for d in range(1, 21)))
    panel = read_csv(path, time="day", date_format="%d%m%Y")
    assert format_times(panel, times_of(panel, 0, 0, 1)) == ["01012023"]


def test_the_size_of_a_chunk_changes_nothing(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        f"{name},{d:02}/{m:02}/2024,{d}\n"
        for name in ("a", "b", "c" * 30)
        for m in (1, 2)
        for d in range(1, 29)
    ]
    odd = [*rows[:100], rows[100].replace("/2024", "/2024 ?"), *rows[101:]]
    good, bad = write("id,day,y\n" + "".join(rows), "good.csv"), write("id,day,y\n" + "".join(odd))
    settings: dict[str, Any] = {"id": "id", "gaps": "interpolate"}
    whole = read_csv(good, **settings)
    for size in (1, 7, 30):
        monkeypatch.setattr("forecast_cli.reading.parsing.SMALL_CHUNK", size)
        monkeypatch.setattr("forecast_cli.reading.parsing.CHUNK", 2 * size)
        panel = read_csv(good, **settings)
        assert panel.ids == whole.ids
        assert panel.values.tolist() == whole.values.tolist()
        answer = refused(bad, **settings)
        assert answer.startswith(
            "data.csv:102: column 'day': '17/02/2024 ?' is not a date like the others (%d/%m/%Y)"
        )


def test_rows_are_steps_if_time_none_says_so(write: Any) -> None:
    rows = "".join(f"ORD-2024-{n:05},{n}\n" for n in range(9))
    panel = read_csv(write("order,y\n" + rows), time="none")
    assert panel.values.tolist() == list(range(9))


def test_texts_with_a_year_that_repeat_are_no_times(write: Any) -> None:
    rows = "".join(f"model 2015,{n}\n" for n in range(9))
    assert len(read_csv(write("car,y\n" + rows)).values) == 9


def test_texts_of_four_numbers_with_dots_are_no_times(write: Any) -> None:
    rows = "".join(f"10.68.32.{n},{n}\n" for n in range(9))
    assert len(read_csv(write("client,y\n" + rows)).values) == 9
