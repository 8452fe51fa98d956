from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli.errors import SettingsError
from forecast_cli.reading import date_formats, date_parsing, time_readings

FORMATS = (
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m", "%Y", "%Y%m%d", "%Y/%m/%d %H", "%d/%m/%Y", "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M:%S", "%m-%Y", "on %d of %m, %Y",
)  # fmt: skip
WITH_HOURS = [pattern for pattern in FORMATS if "%H" in pattern] + [
    "%Y%m%d%H%M",
    "%d/%m/%y %H:%M",
    "%d %b %Y %H:%M",
    "%Y-%m-%d %H:%M:%S.%f",
    "%H:%M on %B %d, %Y",
    "%Y %j %H",
]
TIMES = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))
DAY = timedelta(days=1)


def stamps(cells: list[str], pattern: str) -> date_parsing.Stamps:
    layout = date_parsing.layout(pattern)
    assert layout is not None
    return np.array([cell.encode() for cell in cells], f"S{layout.width}")


def read(cell: str, pattern: str) -> int:
    """Microseconds, or NEVER."""
    return int(date_parsing.parse([cell], pattern)[0])


def micro(time: datetime) -> int:
    return (time - datetime(1970, 1, 1)) // timedelta(microseconds=1)


# -- from bytes ------------------------------------------------------------------------------------------------------


@given(st.sampled_from(FORMATS), st.lists(TIMES, min_size=1, max_size=5))
def test_times_are_read_from_their_bytes_as_from_their_texts(
    pattern: str, times: list[datetime]
) -> None:
    cells = [time.strftime(pattern) for time in times]
    found = date_parsing.parse_stamps(stamps(cells, pattern), pattern)
    assert (found != date_parsing.NEVER).all()
    assert found.tolist() == date_parsing.parse(cells, pattern).tolist()


@given(st.sampled_from(FORMATS), TIMES, st.data())
def test_a_changed_byte_is_read_alike_or_left_to_the_texts(
    pattern: str, time: datetime, data: st.DataObject
) -> None:
    cell = time.strftime(pattern)
    at = data.draw(st.integers(0, len(cell) - 1))
    cell = cell[:at] + data.draw(st.sampled_from("0123456789 -/.:TZ+é")) + cell[at + 1 :]
    found = date_parsing.parse_stamps(stamps([cell], pattern), pattern).tolist()
    assert found in ([date_parsing.NEVER], [read(cell, pattern)])


@pytest.mark.parametrize(
    "cell",
    [
        "0000-01-01",
        "2024-02-30",
        "2024-13-01",
        "2024-00-01",
        "2024-01-00",
        "2024-1-01",
        "2024-01-1",
        "2024-01-011",
        " 2024-01-0",
    ],
)
def test_bytes_that_are_no_date_are_not_read(cell: str) -> None:
    found = date_parsing.parse_stamps(
        stamps(["2024-01-01", cell, "2024-01-02"], "%Y-%m-%d"), "%Y-%m-%d"
    )
    assert found.tolist() == [
        micro(datetime(2024, 1, 1)),
        date_parsing.NEVER,
        micro(datetime(2024, 1, 2)),
    ]


def test_the_bytes_of_a_shorter_format_may_have_room_behind_them() -> None:
    both = np.array([b"2024-01-01", b"2024-01-01 07:30"], "S17")
    assert date_parsing.parse_stamps(both, "%Y-%m-%d").tolist() == [
        micro(datetime(2024, 1, 1)),
        date_parsing.NEVER,
    ]
    assert date_parsing.parse_stamps(both, "%Y-%m-%d %H:%M").tolist() == [
        date_parsing.NEVER,
        micro(datetime(2024, 1, 1, 7, 30)),
    ]


def test_the_bytes_themselves_stay_as_they_are() -> None:
    for count in (1, 3):
        given_stamps = stamps(["2024-01-01"] * count, "%Y-%m-%d")
        date_parsing.parse_stamps(given_stamps, "%Y-%m-%d")
        assert given_stamps.tolist() == [b"2024-01-01"] * count


def test_every_day_and_every_second_is_read_from_its_bytes() -> None:
    days = np.arange("0001-01-01", "10000-01-01", dtype="datetime64[D]")
    found = date_parsing.parse_stamps(days.astype("S11"), "%Y-%m-%d")
    assert np.array_equal(found, days.astype("datetime64[us]").astype(np.int64))
    seconds = np.arange("2023-12-31T00:00:00", "2024-01-01T00:00:00", dtype="datetime64[s]")
    found = date_parsing.parse_stamps(seconds.astype("S20"), "%Y-%m-%dT%H:%M:%S")
    assert np.array_equal(found, seconds.astype("datetime64[us]").astype(np.int64))


@pytest.mark.parametrize(
    "pattern", ["%y-%m-%d", "%d %b %Y", "%Y-%m-%dT%H:%M%z", "%d", "%Y-%d", "%Y-%Y", "epoch", "%Y%%"]
)
def test_other_formats_are_left_to_the_texts(pattern: str) -> None:
    assert date_parsing.layout(pattern) is None


# -- from texts ------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from([p for p in (*FORMATS, *WITH_HOURS) if not p.endswith("%f")]), TIMES, st.data()
)
def test_what_is_read_from_a_text_is_what_python_reads(
    pattern: str, time: datetime, data: st.DataObject
) -> None:
    """Python's own parser is the oracle for whatever text; only it takes second 60 and 61, and never hour 24."""
    cell = time.strftime(pattern)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(cell)))
        cell = (
            cell[:at] + data.draw(st.sampled_from(["", *"0123456789 -/.:TZ+QW"])) + cell[at + 1 :]
        )
    found = read(cell, pattern)
    if found == date_parsing.NEVER:
        return
    try:
        expected = datetime.strptime(cell, pattern)
    except ValueError:
        expected = datetime.strptime(
            cell.replace("24", "00", 1) if cell.count("24") == 1 else midnight(cell), pattern
        )
        expected += DAY
    assert found == micro(expected)


def midnight(cell: str) -> str:
    """A text with several 24s, of which the one before the minutes is the hour."""
    head, mark, tail = cell.rpartition("24")
    return f"{head}00{tail}" if mark else cell


@pytest.mark.parametrize("pattern", WITH_HOURS)
def test_hour_24_is_hour_0_of_the_next_day_in_every_format(pattern: str) -> None:
    day = datetime(2019, 12, 31)
    cell = (day.replace(hour=23) + timedelta(hours=0)).strftime(pattern.replace("%H", "24"))
    assert read(cell, pattern) == micro(day + DAY)
    if date_parsing.layout(pattern) is not None:
        assert date_parsing.parse_stamps(stamps([cell], pattern), pattern).tolist() == [
            micro(day + DAY)
        ]


@pytest.mark.parametrize(
    ("cell", "pattern", "utc"),
    [
        ("2024-02-28T24:00Z", "%Y-%m-%dT%H:%M%z", datetime(2024, 2, 29)),
        ("2024-02-28T24:00:00+02:00", "%Y-%m-%dT%H:%M:%S%z", datetime(2024, 2, 28, 22)),
        ("31.12.2023 24:00 -0500", "%d.%m.%Y %H:%M %z", datetime(2024, 1, 1, 5)),
    ],
)
def test_hour_24_has_an_offset_like_any_other(cell: str, pattern: str, utc: datetime) -> None:
    assert read(cell, pattern) == micro(utc)


@pytest.mark.parametrize(
    ("cell", "pattern"),
    [
        ("2024-01-01 24:01", "%Y-%m-%d %H:%M"),
        ("2024-01-01 24:00:01", "%Y-%m-%d %H:%M:%S"),
        ("2024-01-01 24:00:00.5", "%Y-%m-%d %H:%M:%S.%f"),
        ("2024-01-01 25:00", "%Y-%m-%d %H:%M"),
        ("2024-02-30 24:00", "%Y-%m-%d %H:%M"),
        ("9999-12-31 24:00", "%Y-%m-%d %H:%M"),
        ("2024-01-01 24:00 AM", "%Y-%m-%d %I:%M %p"),
        ("2024-01-01 23:59:60", "%Y-%m-%d %H:%M:%S"),
        ("01/01/2024 00:00:61", "%d/%m/%Y %H:%M:%S"),
        ("0000-01-01", "%Y-%m-%d"),
        ("-001-01-01", "%Y-%m-%d"),
        ("0001-01-01T00:00+01:00", "%Y-%m-%dT%H:%M%z"),
        ("9999-12-31T23:59-01:00", "%Y-%m-%dT%H:%M%z"),
        ("now", "%Y-%m-%d"),
        ("today", "%d/%m/%Y"),
        ("1e300", "epoch"),
        ("-1e18", "epoch-ms"),
        ("99999999999999999999999", "epoch"),
        ("inf", "epoch"),
        ("-99999999999", "epoch"),  # the year -1199
        ("253402300800", "epoch"),  # the year 10000
    ],
)
def test_texts_that_are_no_time_are_never_read(cell: str, pattern: str) -> None:
    good = (
        "1"
        if pattern in date_parsing.EPOCHS
        else datetime(2020, 5, 5).strftime(pattern.replace("%z", "Z"))
    )
    found = date_parsing.parse([good, cell, good], pattern)
    assert found[0] == found[2] != date_parsing.NEVER
    assert found[1] == date_parsing.NEVER
    layout = date_parsing.layout(pattern)
    if layout is not None and len(cell) < layout.width:
        assert date_parsing.parse_stamps(stamps([good, cell], pattern), pattern).tolist() == [
            found[0],
            date_parsing.NEVER,
        ]


def test_epochs_are_read_over_all_the_years_that_can_be_written() -> None:
    found = date_parsing.parse(["-62135596800", "0", "253402300799"], "epoch")
    assert found.tolist() == [
        micro(datetime(1, 1, 1)),
        0,
        micro(datetime(9999, 12, 31, 23, 59, 59)),
    ]
    assert date_parsing.parse(["1704067200123"], "epoch-ms").tolist() == [
        micro(datetime(2024, 1, 1, 0, 0, 0, 123_000))
    ]


def test_a_format_that_is_none_is_named() -> None:
    for pattern in ("%Q", "%Y-%Y", "%Y %"):
        with pytest.raises(SettingsError, match=f"--date-format '{pattern}': "):
            date_parsing.parse(["2024-01-01"], pattern)


@given(
    st.text("%%%%YmdHMSfzZbBpIyjUWGVuwaAcxXDsn -/:.+()[]?\\é", max_size=12),
    st.text("2024-01/%: :ZJan", max_size=12),
)
def test_whatever_the_format_it_reads_or_is_refused(pattern: str, cell: str) -> None:
    try:
        found = date_parsing.parse([cell, "2024-01-01", "2024-01-01 24:60"], pattern)
    except SettingsError:
        return
    assert len(found) == 3


@pytest.mark.parametrize(
    "cell", ["2024-01-31 24:00", "31.01.2024 24:00:00", "2024-01-31T24:00Z", "01/31/2024 24:00"]
)
def test_a_date_with_hour_24_is_recognized(cell: str) -> None:
    assert date_formats.formats(cell) == date_formats.formats(cell.replace("24:00", "23:00"))
    assert date_formats.formats(cell)
    assert not date_formats.formats(cell.replace("24:00", "24:01"))


# -- over several columns --------------------------------------------------------------------------------------------


UNITS = ("%Y", "%m", "%d", "%H", "%M", "%S")


def joined(*numbers: float) -> int:
    return read(" ".join(map(str, numbers)), " ".join(UNITS[: len(numbers)]))


def test_a_date_over_columns_is_read_as_far_as_they_go() -> None:
    assert joined(2024) == micro(datetime(2024, 1, 1))
    assert joined(2024, 2) == micro(datetime(2024, 2, 1))
    assert joined(2024, 2, 29, 23, 59, 58) == micro(datetime(2024, 2, 29, 23, 59, 58))
    assert joined(2023, 12, 31, 24) == joined(2023, 12, 31, 24, 0, 0) == micro(datetime(2024, 1, 1))


@pytest.mark.parametrize(
    "numbers",
    [
        (0,),
        (10_000,),
        (1e300,),
        (float("nan"),),
        (float("inf"),),
        (float("-inf"),),
        (2024.5,),
        (2024, 0),
        (2024, 13),
        (2023, 2, 29),
        (2024, 1, 0),
        (2024, 1, 1, 25),
        (2024, 1, 1, -1),
        (2024, 1, 1, 24, 1),
        (2024, 1, 1, 24, 0, 1),
        (2024, 1, 1, 0, 60),
        (2024, 1, 1, 0, 0, 60),
        (9999, 12, 31, 24),
    ],
)
def test_numbers_that_are_no_date_are_never_one(numbers: tuple[float, ...]) -> None:
    assert joined(*numbers) == date_parsing.NEVER


# -- rows that are written in another way ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "answer"),
    [
        (
            ["2024-01-01", "05.01.2024"],
            "use --date-format %Y-%m-%d --date-format %d.%m.%Y or --date-format %Y-%m-%d --date-format %m.%d.%Y",
        ),
        (["2024-01-01", "15.01.2024"], "use --date-format %Y-%m-%d --date-format %d.%m.%Y"),
        (
            ["2024-01-01", "Jan 15, 2024", "2024-01-01 07:30"],
            "use --date-format %Y-%m-%d --date-format '%b %d, %Y' --date-format '%Y-%m-%d %H:%M'",
        ),
        (["2024-01-01", "total"], ""),
        (
            ["2024-01-01", "total", "15.01.2024"],
            "use --date-format %Y-%m-%d --date-format %d.%m.%Y",
        ),
        (
            ["2024-01", "2024", "2024-Q1"],
            "months, years and quarters are not one series: keep the rows of one step, e.g. those like '2024-Q1'",
        ),
    ],
)
def test_the_formats_that_read_the_other_rows_are_named(cells: list[str], answer: str) -> None:
    pattern = next(iter(date_formats.formats(cells[0])))
    assert time_readings.remedy([(pattern,)], cells) == answer


def test_formats_that_read_a_row_differently_are_not_named_together() -> None:
    """Days and months in both orders: some rows could be either."""
    assert time_readings.remedy([("%d/%m/%Y",)], ["13/01/2024", "01/13/2024", "01/02/2024"]) == ""
    both = "use --date-format %d/%m/%Y --date-format %m/%d/%Y"
    assert time_readings.remedy([("%d/%m/%Y",)], ["13/01/2024", "01/13/2024", "02/02/2024"]) == both


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("1999", "years"),
        ("2020 Q1", "quarters"),
        ("2020-Q4", "quarters"),
        ("Q2 2020", "quarters"),
        ("2020 JAN", "months"),
        ("2020-12", "months"),
        ("2020M01", "months"),
        ("Feb-2020", "months"),
        ("2020 December", "months"),
        ("2020-13", ""),
        ("2020-01-01", ""),
        ("2020 Q5", ""),
        ("20200101", ""),
        ("sold 2020", ""),
        ("", ""),
    ],
)
def test_years_quarters_and_months_are_told_apart(text: str, step: str) -> None:
    assert "".join(date_formats.steps([text])) == step


@pytest.mark.parametrize(
    ("patterns", "answer"),
    [
        (
            ["%Y", "%Y %b"],
            "--date-format %Y and --date-format '%Y %b': years and shorter steps are not one series | keep the rows of one step",
        ),
        (
            ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M%z"],
            "--date-format %Y-%m-%dT%H:%M%z and --date-format %Y-%m-%dT%H:%M: times with an offset and times without one are not on one clock | write all times with their offset, or all without",
        ),
    ],
)
def test_formats_that_cannot_be_one_series_are_refused(patterns: list[str], answer: str) -> None:
    with pytest.raises(SettingsError) as caught:
        date_formats.check_together(patterns)
    assert f"{caught.value.message} | {caught.value.hint}" == answer
    for pattern in patterns:
        date_formats.check_together([pattern])


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        (
            "%Y-W%V",
            "--date-format '%Y-W%V': %V is a week of the ISO year %G, not of %Y | "
            "use --date-format '%G-W%V'",
        ),
        (
            "%Y-W%V-%u",
            "--date-format '%Y-W%V-%u': %V is a week of the ISO year %G, not of %Y | "
            "use --date-format '%G-W%V-%u'",
        ),
        (
            "FY%y W%V",
            "--date-format 'FY%y W%V': %V is a week of the ISO year %G, not of %y | "
            "write the years with four digits, and use --date-format 'FY%G W%V'",
        ),
        (
            "%G-W%V%>%Y-W%V",
            "--date-format '%G-W%V%>%Y-W%V': %V is a week of the ISO year %G, not of %Y | "
            "use --date-format '%G-W%V%>%G-W%V'",
        ),
        (
            "W%V",
            "--date-format 'W%V': %V is a week of the ISO year %G, which is missing | "
            "write the year with each week, and use a format like --date-format '%G-W%V'",
        ),
    ],
)
def test_weeks_without_their_year_are_refused(pattern: str, answer: str) -> None:
    with pytest.raises(SettingsError) as caught:
        date_parsing.parse(["2021-W05"], pattern)
    error = caught.value
    assert (f"{error.message} | {error.hint}", error.option) == (answer, "date_format")
