from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from forecast_cli import directives

NEW_YEAR = datetime(2024, 1, 1)
AFTERNOON = datetime(2024, 5, 3, 15, 7, 9, 120_000)


@pytest.mark.parametrize(
    ("pattern", "time", "text"),
    [
        ("%-d/%-m/%Y %-H:%M", AFTERNOON, "3/5/2024 15:07"),
        ("%-H", NEW_YEAR, "0"),
        ("%-I:%M %p", NEW_YEAR, "12:00 AM"),
        ("%S.%3f", AFTERNOON, "09.120"),
        ("%S.%1f", AFTERNOON, "09.1"),
        ("%S.%9f", AFTERNOON, "09.120000000"),
        ("%YQ%q", AFTERNOON, "2024Q2"),
        ("%G-W%V", datetime(2021, 1, 1), "2020-W53"),
        ("%Y-%m-%d %+H:%M", NEW_YEAR, "2023-12-31 24:00"),
        ("%Y-%m-%d %+H:%M", AFTERNOON, "2024-05-03 15:07"),
        ("%-d.%-m.%Y%|%+-H", NEW_YEAR, "31.12.2023 24"),
        ("%Y-%m-%d%|%H:%M%>-%+H:%M", datetime(2023, 12, 31, 23), "2023-12-31 23:00-24:00"),
        ("%Y-%m-%d%|%H:%M%>-%H:%M", datetime(2023, 12, 31, 23), "2023-12-31 23:00-00:00"),
        (
            "%d.%m. %H:%M%> - %d.%m. %H:%M",
            datetime(2023, 12, 31, 23),
            "31.12. 23:00 - 01.01. 00:00",
        ),
        ("%-Y-%m", datetime(4, 1, 1), "4-01"),
        ("%Y-%m", datetime(4, 1, 1), "0004-01"),
        ("100%% on %Y", NEW_YEAR, "100% on 2024"),
        ("100%% on %-d", NEW_YEAR, "100% on 1"),
    ],
)
def test_a_time_is_written_in_a_format(pattern: str, time: datetime, text: str) -> None:
    assert directives.write(time, pattern, span=timedelta(hours=1)) == text


def test_months_and_halves_of_a_day_have_the_words_that_are_named() -> None:
    months = ("janv.", "févr.", "mars", "avr.", "mai", *"abcdefg")
    halves = ("a.m.", "p.m.")
    text = directives.write(AFTERNOON, "%-d %b %I %p", months=months, halves=halves)
    assert text == "3 mai 03 p.m."


@pytest.mark.parametrize(
    ("pattern", "plain"),
    [
        ("%-d/%+-H:%M.%3f", "%d/%H:%M.%f"),
        ("%Y-%m-%d%|%H:%M%>-%H:%M", "%Y-%m-%d %H:%M%>-%H:%M"),
        ("%-Y-%m", "%-Y-%m"),
        ("%Y%% of %z", "%Y%% of %z"),
    ],
)
def test_a_format_is_read_without_flags(pattern: str, plain: str) -> None:
    assert directives.plain(pattern) == plain


def test_a_time_of_several_columns_is_split_as_it_was_joined() -> None:
    pattern = "%d %b %Y%|%H:%M%> - %H:%M"
    assert directives.split("03 May 2024 15:00 - 16:00", pattern) == [
        "03 May 2024",
        "15:00 - 16:00",
    ]


def test_every_language_has_twelve_months_and_no_word_means_two() -> None:
    for tables in (directives.FULL_MONTHS, directives.SHORT_MONTHS):
        numbers: dict[str, int] = {}
        for names in tables:
            assert len(names) == 12
            for number, name in enumerate(names, 1):
                assert numbers.setdefault(name.lower(), number) == number
