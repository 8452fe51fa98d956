"""How old the newest row is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from forecast_cli.errors import SettingsError, StaleDataError
from forecast_cli.panel import Panel, TimeFormat, from_series
from forecast_cli.reading import read_csv
from forecast_cli.workflow.ages import age_of, data_age, newest_time, require_fresh
from tests.conftest import daily

DAY = 86_400.0


@pytest.fixture
def days(tmp_path: Path) -> Panel:
    """Thirty days, of which 2024-01-30 is the newest."""
    path = tmp_path / "data.csv"
    path.write_text(daily(np.arange(30.0)))
    return replace(read_csv(path), source="data.csv")


def test_the_age_is_counted_from_the_newest_row(days: Panel) -> None:
    assert data_age(days, datetime(2024, 2, 2, tzinfo=UTC)) == 3 * DAY
    assert data_age(days, datetime(2024, 1, 30, 6, tzinfo=UTC)) == DAY / 4


def test_a_row_of_the_future_has_the_age_0(days: Panel) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    assert data_age(days, now) == 0.0
    assert age_of(now + timedelta(days=1), now) == 0.0


def test_of_several_series_the_newest_row_counts(days: Panel) -> None:
    ends = days.first + days.lengths
    both = np.array([int(ends[0]) - 5, int(ends[0])])
    newest = newest_time(days.frequency, both, days.time_format)
    assert newest == datetime(2024, 1, 30, tzinfo=UTC)


def test_times_on_a_local_clock_are_of_their_zone(days: Panel) -> None:
    there = TimeFormat(pattern="%Y-%m-%d", timezone="America/New_York", wall=True)
    panel = replace(days, time_format=there)
    assert data_age(panel, datetime(2024, 1, 30, 5, tzinfo=UTC)) == 0.0
    assert data_age(panel, datetime(2024, 1, 30, 6, tzinfo=UTC)) == 3_600.0


def test_rows_without_times_have_no_age_and_cannot_be_too_old() -> None:
    steps = from_series([np.arange(9.0)])
    now = datetime(2024, 1, 1, tzinfo=UTC)
    assert data_age(steps, now) is None
    require_fresh(steps, None, None)
    with pytest.raises(SettingsError) as raised:
        require_fresh(steps, None, DAY)
    assert (raised.value.message, raised.value.hint) == (
        "--data-max-age needs rows with times, and these have none",
        "leave out --data-max-age",
    )


def test_data_beyond_the_limit_are_refused_with_both_ages(days: Panel) -> None:
    require_fresh(None, None, DAY)
    require_fresh(days, 99 * DAY, None)
    require_fresh(days, DAY, DAY)
    with pytest.raises(StaleDataError) as raised:
        require_fresh(days, 3 * DAY, 1.5 * DAY)
    assert (raised.value.message, raised.value.hint) == (
        "data.csv: the newest row is of 2024-01-30, 3 days ago: --data-max-age is 36 hours; "
        "nothing was written",
        "see why no newer rows came, or give a larger --data-max-age",
    )
