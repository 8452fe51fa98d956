"""The good rows of a table, with the series of each, covariates as numbers or levels, and times
on one clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import Note, and_more, listed
from forecast_cli.panel import Floats, TimeFormat, offset_microseconds
from forecast_cli.reading import time_zones
from forecast_cli.reading.columns import LEVELS, Cells, TextColumn, too_many_levels
from forecast_cli.reading.date_parsing import EPOCHS
from forecast_cli.reading.parsing import missing_words
from forecast_cli.reading.records import Table
from forecast_cli.reading.roles import Levels, Roles
from forecast_cli.reading.rows import Rows
from forecast_cli.reading.time_zones import ZonedColumn
from forecast_cli.settings import DataSettings


def to_rows(  # noqa: PLR0913 -- everything that was read of a file
    table: Table,
    roles: Roles,
    cells: Cells,
    time_format: TimeFormat,
    settings: DataSettings,
    levels: Levels | None,
    notes: list[Note],
) -> tuple[Rows, TimeFormat]:
    """The rows of a table without the bad ones, oldest first where the newest come first.
    Raises DataError.

    levels: those of the text covariates of an earlier reading, to be kept.
    """
    kept = np.flatnonzero(~cells.bad)
    if settings.newest_first:
        kept = kept[::-1]

    order = _Order(kept, is_file_order=not cells.bad.any() and not settings.newest_first)
    # A place must not hold the text of the file.
    in_file = table.without_text()

    def place(row: int) -> str:
        return in_file.place(int(kept[row]))

    codes, ids = np.zeros(len(kept), np.int64), [""]
    if roles.id:
        codes, ids = _series(cells.texts[roles.id], order)

    covariates: dict[str, Floats] = {}
    for name in roles.covariates:
        if name not in roles.texts:
            covariates[name] = order.of(cells.numbers[name])

    levels_of: dict[str, tuple[str, ...]] = {}
    missing = missing_words(settings)
    for name in roles.texts:
        column = TextColumn(order.of(cells.texts[name].codes), cells.texts[name].distinct)
        known = None if levels is None else levels[name]
        levels_of[name] = _levels(name, column, known, missing, notes)
        covariates[name] = _as_levels(column, levels_of[name], missing)

    times = None
    if cells.times is not None:
        times = order.of(cells.times)
        if settings.timezone:
            _refuse_steps(time_format)
            zoned = ZonedColumn(",".join(roles.time), place, time_format)
            times, time_format = in_zone(times, codes, time_format, settings.timezone, zoned)

    targets = {name: order.of(cells.numbers[name]) for name in roles.targets}
    rows = Rows(place, times, codes, ids, targets, covariates, levels_of)
    return rows, time_format


@dataclass(frozen=True, eq=False)
class _Order:
    """The rows that are kept, in their order. is_file_order: they are all rows, which are then
    not copied.
    """

    kept: Ints
    is_file_order: bool

    def of(self, column: Any) -> Any:
        if self.is_file_order:
            return column
        return column[self.kept]


def _series(ids: TextColumn, order: _Order) -> tuple[Ints, list[str]]:
    """The series of each kept row, and their ids in order of appearance."""
    if order.is_file_order:
        return ids.codes, ids.distinct
    # Some ids may be gone, and the first rows are others.
    codes, distinct = pd.factorize(ids.codes[order.kept])
    return codes.astype(np.int64), [ids.distinct[at] for at in distinct]


# -- text covariates ---------------------------------------------------------------------------


def _levels(
    name: str,
    column: TextColumn,
    known: tuple[str, ...] | None,
    missing: frozenset[str],
    notes: list[Note],
) -> tuple[str, ...]:
    """The levels of a text covariate: the known ones, else all its texts.

    Raises DataError for none, or too many.
    """
    used = [column.distinct[at] for at in np.unique(column.codes)]
    texts = sorted(text for text in used if text not in missing)
    if known is None:
        if len(texts) > LEVELS:
            raise too_many_levels(name)
        if not texts:
            raise DataError(f"covariate {name!r} has no value", "leave it out", column=name)
        return tuple(texts)

    unknown = [text for text in texts if text not in known]
    if unknown:
        words = f"column {name!r} has values that were not there in training: {listed(unknown)}"
        notes.append(Note("unknown_levels", "warning", words))
    return known


def _as_levels(column: TextColumn, levels: tuple[str, ...], missing: frozenset[str]) -> Floats:
    """The level of each row: its number, -1 for one that was not there before, NaN for a
    missing value.
    """
    numbers = np.full(len(column.distinct), -1.0)
    for at, text in enumerate(column.distinct):
        if text in missing:
            numbers[at] = np.nan
        elif text in levels:
            numbers[at] = levels.index(text)
    return numbers[column.codes]


# -- time zones --------------------------------------------------------------------------------


def _refuse_steps(time_format: TimeFormat) -> None:
    if not time_format.pattern:
        raise SettingsError(
            "--timezone needs times, and these are the numbers of steps",
            "leave it out",
            option="timezone",
        )


def _check_marker(time: int, time_format: TimeFormat, zone: str, column: ZonedColumn) -> None:
    """Raise DataError if the abbreviation of a zone in the texts is that of another zone."""
    if not time_format.marker:
        return

    stamp = datetime.fromtimestamp(time / calendar.SECOND, ZoneInfo(zone))
    offset = (stamp.utcoffset() or timedelta()) // timedelta(microseconds=1)
    if offset != offset_microseconds(time_format.offset):
        raise DataError(
            f"column {column.name!r}: its last time is in {time_format.marker}, which is read as "
            f"{time_format.offset}, and {zone} has another offset then",
            "name the zone that the times are written in with --timezone, or write their offset "
            "in place of its name",
            option="timezone",
            column=column.name,
            value=time_format.marker,
        )


def in_zone(
    times: Ints, codes: Ints, time_format: TimeFormat, zone: str, column: ZonedColumn
) -> tuple[Ints, TimeFormat]:
    """Times of the named zone: in UTC, or on the local clock if they are days or longer, whose
    hours vary.
    """
    time_zones.zone(zone)
    is_early = times < calendar.EARLIEST + calendar.DAY
    is_late = times > calendar.LATEST - calendar.DAY
    beyond = np.flatnonzero(is_early | is_late)
    if len(beyond):
        row = int(beyond[0])
        cell, text = column.cell(row, times[row])
        raise DataError(
            f"{cell} is out of the range of time zones{and_more(len(beyond))}",
            "correct the times, or leave out --timezone",
            option="timezone",
            column=column.name,
            value=text,
        )

    _check_marker(int(times[-1]), time_format, zone, column)
    zoned = replace(time_format, timezone=zone)
    if time_format.pattern in EPOCHS:
        zoned = replace(zoned, pattern="%Y-%m-%d %H:%M:%S")
    wall = time_zones.to_wall(times, zone) if time_format.offset else times
    if (wall % calendar.DAY == wall[0] % calendar.DAY).all():
        return wall, replace(zoned, wall=True)

    if time_format.offset:
        return times, zoned
    return time_zones.to_utc(wall, codes, zone, column), zoned
