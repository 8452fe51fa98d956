"""The place of held-out rows in the season, with a name for each place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import numpy as np

from forecast_cli import calendar, evaluation
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.evaluation import Residuals
from forecast_cli.panel import Panel, offset_microseconds
from forecast_cli.plots import BySeason
from forecast_cli.store import Run

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MOST_PLACES = 400  # of a season; more would be no picture


def residuals_by_season(run: Run, residuals: Residuals) -> BySeason | None:
    """The mean residual at each place in the main season; None without a season."""
    season = run.config.plan.season
    if not 2 <= season <= MOST_PLACES or not len(residuals.values):
        return None

    ordinals = run.tail.first[residuals.series] + residuals.position
    title, names, places = _places(run.tail, ordinals, season)
    means, sizes = evaluation.means_by(places, residuals.values, len(names))
    return BySeason(title, names, means, sizes)


def _places(tail: Panel, ordinals: Ints, season: int) -> tuple[str, tuple[str, ...], Ints]:
    """What the places of a season are, their names, and the place of each row (R,), from 0."""
    frequency = tail.frequency
    if _is_dated(tail):
        if _is_year_of_months(frequency, season):
            months = _local(tail, ordinals).astype("datetime64[M]").astype(np.int64) % 12
            return "month", MONTHS[:: frequency.size], months // frequency.size

        if season == _days_of_week(frequency):
            since_monday = _local(tail, ordinals).astype("datetime64[D]").astype(np.int64) + 3
            return "day of the week", WEEKDAYS[:season], np.minimum(since_monday % 7, season - 1)

        if _is_day_of_clock_times(frequency, season):
            clock = _local(tail, ordinals).astype(np.int64) % calendar.DAY
            return "time of day", _clock_names(season), clock // frequency.size

    places: Ints = ordinals % season
    return "place in the season", tuple(str(place + 1) for place in range(season)), places


def _is_dated(tail: Panel) -> bool:
    return tail.time_format.pattern != "" and tail.frequency.kind != calendar.STEPS.kind


def _is_year_of_months(frequency: Frequency, season: int) -> bool:
    return frequency.kind == "months" and frequency.size * season == 12


def _days_of_week(frequency: Frequency) -> int | None:
    """How many rows a week has, where each is a day; None for other steps."""
    if frequency.kind == "business":
        return 5
    return 7 if frequency.size == calendar.DAY else None


def _is_day_of_clock_times(frequency: Frequency, season: int) -> bool:
    return frequency.kind == "fixed" and frequency.size * season == calendar.DAY


def _clock_names(season: int) -> tuple[str, ...]:
    minutes = [place * 24 * 60 // season for place in range(season)]
    return tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in minutes)


def _local(tail: Panel, ordinals: Ints) -> np.ndarray:
    """The times of steps as the clocks show them where the file was written, as datetime64[us]."""
    times = calendar.times_at(tail.frequency, ordinals)
    how = tail.time_format
    if how.wall:
        return times.view("datetime64[us]")
    if not how.timezone:
        return (times + offset_microseconds(how.offset)).view("datetime64[us]")

    zone = ZoneInfo(how.timezone)
    distinct, number = np.unique(times, return_inverse=True)
    offsets = np.array([_offset(int(time), zone) for time in distinct.tolist()], np.int64)
    return (times + offsets[number]).view("datetime64[us]")


def _offset(time: int, zone: tzinfo) -> int:
    """Microseconds that local time is ahead of UTC at a time in microseconds since 1970."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    offset = moment.astimezone(zone).utcoffset() or timedelta()
    return int(offset / timedelta(microseconds=1))
