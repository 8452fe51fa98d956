"""What a setting is: values that are written as text, and bounds."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli import fields
from forecast_cli.errors import SettingsError
from forecast_cli.fields import (
    DELIMITER,
    DIGITS,
    DURATION,
    LEVELS,
    SEASONS,
    UNITS,
    TextForm,
    choices_of,
    parse_duration,
    plain_type,
    split_date_formats,
)

COUNTS = st.integers(1, 4096)


@given(st.lists(COUNTS, min_size=1, max_size=16).map(tuple))
def test_units_survive_being_written_and_parsed(units: tuple[int, ...]) -> None:
    assert UNITS.parse(UNITS.write(units), "units") == units


@given(st.sets(st.integers(2, 100_000)).map(lambda lengths: tuple(sorted(lengths))))
def test_seasons_survive_being_written_and_parsed(seasons: tuple[int, ...]) -> None:
    assert SEASONS.parse(SEASONS.write(seasons), "season") == seasons


@given(st.sets(st.floats(0.001, 99.999)).map(lambda levels: tuple(sorted(levels))))
def test_levels_survive_being_written_and_parsed(levels: tuple[float, ...]) -> None:
    assert LEVELS.parse(LEVELS.write(levels), "levels") == levels


@pytest.mark.parametrize(
    ("form", "text", "value"),
    [
        (UNITS, "50, 100", (50, 100)),
        (UNITS, "auto", None),
        (SEASONS, "168,24,24", (24, 168)),
        (SEASONS, "1", ()),
        (SEASONS, "auto", None),
        (LEVELS, "95,80", (80.0, 95.0)),
        (LEVELS, " ", ()),
        (DIGITS, "0", 0),
        (DIGITS, "20", 20),
        (DIGITS, "full", "full"),
        (DIGITS, "auto", None),
        (DELIMITER, "tab", "\t"),
        (DELIMITER, r"\t", "\t"),
        (DELIMITER, ";", ";"),
    ],
)
def test_a_text_stands_for_one_value(form: TextForm, text: str, value: object) -> None:
    assert form.parse(text, "name") == value


@pytest.mark.parametrize(
    ("form", "text", "message", "hint"),
    [
        (UNITS, "a", "--units: 'a' is not a list of whole numbers", "write --units 50,100"),
        (UNITS, "", "--units: '' is not a list of whole numbers", "write --units 50,100"),
        (UNITS, "0", "--units: '0' must be between 1 and 4096", "write --units 50,100"),
        (UNITS, "4097", "--units: '4097' must be between 1 and 4096", "write --units 50,100"),
        (UNITS, ",".join(["9"] * 17), "--units: 17 layers, at most 16", "write --units 50,100"),
        (SEASONS, "٣", "--season: '٣' is not a list of whole numbers", "write --season 24,168"),
        (
            LEVELS,
            "100",
            "--levels: '100' is not a list of percentages between 0 and 100",
            "write --levels 80,95",
        ),
        (
            LEVELS,
            "nan",
            "--levels: 'nan' is not a list of percentages between 0 and 100",
            "write --levels 80,95",
        ),
        (
            DIGITS,
            "21",
            "--digits: '21' is neither a number of decimals from 0 to 20 nor 'full'",
            "write --digits 2, or --digits full",
        ),
        (
            DELIMITER,
            ";;",
            "--delimiter: ';;' is not one character",
            "use e.g. --delimiter ';', tab or space",
        ),
        (
            DELIMITER,
            '"',
            "--delimiter: '\"' is not one character",
            "use e.g. --delimiter ';', tab or space",
        ),
    ],
)
def test_a_text_without_a_value_is_refused_by_its_option(
    form: TextForm, text: str, message: str, hint: str
) -> None:
    name = message.partition(":")[0].removeprefix("--")
    with pytest.raises(SettingsError) as caught:
        form.parse(text, name)
    assert (caught.value.message, caught.value.hint) == (message, hint)
    assert caught.value.option == name


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("30s", 30),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86_400),
        (" 1.5 m ", 90),
    ],
)
def test_durations_are_seconds_unless_they_say_otherwise(text: str, seconds: float) -> None:
    assert parse_duration(text, "lock_wait") == seconds
    assert DURATION.parse(DURATION.write(float(seconds)), "lock_wait") == seconds


@pytest.mark.parametrize("text", ["", "m", "-1", "10 minutes", "1e3", "1m30s", "٣", "inf", "nan"])
def test_a_text_that_is_not_a_duration_is_named(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_duration(text, "lock_wait")
    assert caught.value.message == f"--lock-wait: {text!r} is not a duration"
    assert caught.value.hint == "write --lock-wait 30s, 10m or 2h"


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("%d/%m/%Y", ["%d/%m/%Y"]),
        ("%b %d, %Y", ["%b %d, %Y"]),  # one format, as it always was
        ("%A, %d %B %Y, %H:%M", ["%A, %d %B %Y, %H:%M"]),
        ("%Y-%m-%d,%d.%m.%Y", ["%Y-%m-%d", "%d.%m.%Y"]),
        ("%Y-%m-%d, epoch", ["%Y-%m-%d", "epoch"]),
        ('"%b %d, %Y",%Y-%m-%d', ["%b %d, %Y", "%Y-%m-%d"]),
    ],
)
def test_formats_of_dates_may_have_commas_in_them(text: str, formats: list[str]) -> None:
    assert split_date_formats(text) == formats


def test_a_type_is_plain_without_none_and_choices_are_words() -> None:
    words = Literal["a", "b"]
    assert (choices_of(words), choices_of(words | None), choices_of(int | None)) == (
        ("a", "b"),
        ("a", "b"),
        (),
    )
    assert [plain_type(kind) for kind in (int | None, words | None, list[str] | None, bool)] == [
        int,
        str,
        list[str],
        bool,
    ]
    assert fields.option_name("batch_size") == "--batch-size"


@pytest.mark.parametrize(
    ("text", "number"),
    [("-999", -999.0), ("1e3", 1000.0), ("inf", None), ("nan", None), ("x", None)],
)
def test_a_finite_number_is_read_and_nothing_else(text: str, number: float | None) -> None:
    assert fields.finite_number(text) == number
