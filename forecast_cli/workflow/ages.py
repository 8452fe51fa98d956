"""How old the newest row is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from forecast_cli import calendar
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.errors import SettingsError, StaleDataError
from forecast_cli.messages import in_largest_unit
from forecast_cli.panel import Panel, TimeFormat, format_times

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def data_age(panel: Panel, now: datetime) -> float | None:
    """Seconds since the time of the newest row of all series, at least 0; None without times.

    Times without a zone count as UTC.
    """
    newest = newest_time(panel.frequency, panel.first + panel.lengths, panel.time_format)
    return None if newest is None else age_of(newest, now)


def newest_time(frequency: Frequency, ends: Ints, time_format: TimeFormat) -> datetime | None:
    """The time of the newest row of all series; None without times.

    ends: (S,) the ordinal of the step after the last row of each series. Times without a zone count
    as UTC.
    """
    if not time_format.pattern:
        return None
    newest = calendar.times_at(frequency, ends - 1).max()
    time = _EPOCH + timedelta(microseconds=int(newest))
    if time_format.wall and time_format.timezone:
        time = time.replace(tzinfo=ZoneInfo(time_format.timezone))
    return time


def age_of(time: datetime, now: datetime) -> float:
    """Seconds since a time; 0 for one in the future."""
    return max((now - time).total_seconds(), 0.0)


def require_fresh(panel: Panel | None, age: float | None, limit: float | None) -> None:
    """Raise StaleDataError where the newest row is older than is allowed.

    Raises SettingsError where the rows have no times.
    """
    if limit is None or panel is None:
        return
    if age is None:
        raise no_times()
    if age > limit:
        newest = calendar.times_at(panel.frequency, panel.first + panel.lengths - 1).max()
        text = format_times(panel, newest[None])[0]
        raise StaleDataError(
            f"{panel.source}: the newest row is of {text}, {in_largest_unit(age)} ago: --data-max-age is "
            f"{in_largest_unit(limit)}; nothing was written",
            "see why no newer rows came, or give a larger --data-max-age",
            option="data_max_age",
            path=panel.source,
        )


def no_times() -> SettingsError:
    """The error for an age that is limited where the rows have no times."""
    return SettingsError(
        "--data-max-age needs rows with times, and these have none",
        "leave out --data-max-age",
        option="data_max_age",
    )
