from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecast_cli.calendar import DAY, HOUR, WEEK, Frequency
from forecast_cli.evaluation import Residuals
from forecast_cli.panel import Columns, TimeFormat, from_series
from forecast_cli.plots import BySeason
from forecast_cli.report.seasons import residuals_by_season

ZONE = "Europe/Berlin"


def by_season(
    frequency: Frequency, first: int, season: int, how: TimeFormat, rows: int = 1
) -> BySeason | None:
    """Of residuals 1, 2, 3, ... from the first row on."""
    tail = from_series(
        [np.zeros(rows)], frequency, first=[first], columns=Columns("t"), time_format=how
    )
    config = SimpleNamespace(plan=SimpleNamespace(season=season))
    run: Any = SimpleNamespace(tail=tail, config=config)
    at = np.arange(rows)
    return residuals_by_season(
        run, Residuals(at * 0, at, at, np.arange(1.0, rows + 1), scaled=False)
    )


@pytest.mark.parametrize(
    ("frequency", "first", "season", "how", "title", "place"),
    [
        (Frequency("months"), 600, 12, TimeFormat("%Y-%m"), "month", "Jan"),
        (Frequency("months", 3, 0), 201, 4, TimeFormat("%Y-%m"), "month", "Apr"),
        (Frequency("fixed", DAY), 20_000, 7, TimeFormat("%Y-%m-%d"), "day of the week", "Fri"),
        (Frequency("business"), 0, 5, TimeFormat("%Y-%m-%d"), "day of the week", "Thu"),
        (Frequency("fixed", HOUR), 480_005, 24, TimeFormat("%H"), "time of day", "05:00"),
        (Frequency("fixed", HOUR), 480_005, 24, TimeFormat("%H", "+02:00"), "time of day", "07:00"),
        (Frequency("fixed", HOUR), 480_005, 24, TimeFormat("%H", "", ZONE), "time of day", "07:00"),
        (Frequency("fixed", HOUR // 2), 1, 48, TimeFormat("%H"), "time of day", "00:30"),
        (Frequency("fixed", WEEK), 53, 52, TimeFormat("%Y-%m-%d"), "place in the season", "2"),
        (Frequency("step"), 8, 7, TimeFormat(), "place in the season", "2"),
    ],
)
def test_places_have_the_names_that_the_clock_and_the_calendar_of_the_file_have(
    frequency: Frequency, first: int, season: int, how: TimeFormat, title: str, place: str
) -> None:
    found = by_season(frequency, first, season, how)
    assert found is not None
    assert found.title == title
    assert len(found.names) == season
    assert [found.names[index] for index in np.flatnonzero(found.means == 1.0)] == [place]
    assert np.isnan(found.means).sum() == season - 1


def test_rows_at_the_same_place_are_averaged() -> None:
    found = by_season(Frequency("step"), 0, 2, TimeFormat(), rows=4)
    assert found is not None
    assert found.means.tolist() == [2.0, 3.0]


@pytest.mark.parametrize("season", [1, 10_000])
def test_without_a_season_that_can_be_drawn_there_is_nothing(season: int) -> None:
    assert by_season(Frequency("step"), 0, season, TimeFormat()) is None
