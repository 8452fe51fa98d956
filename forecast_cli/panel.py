"""Panel: the one form of data after reading.

A panel holds many series, one after the other in flat arrays, each on its full grid. A series
is the ordinal of its first step and its values; a value that is missing and was not filled is
NaN. A single series is a panel with one id. Covariates lie beside the values: those in `past`
are known up to the last row, those in `future` for the steps after it, too (`ahead`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast_cli import calendar, directives
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.messages import Note
from forecast_cli.settings import DataSettings

Floats = NDArray[np.float64]

_EPOCHS = {"epoch": calendar.SECOND, "epoch-ms": 1000}  # formats that are no pattern


@dataclass(frozen=True)
class TimeFormat:
    """How the file writes its times.

    pattern: of strftime, or with directives of our own; empty for rows that are steps.
    offset: the offset from UTC of the last row, as the file writes it.
    timezone: the zone in which the times are written, where one was named.
    wall: whether times are counted on the local clock of that zone, as days and months must be
    (their length in hours changes), and not in UTC.
    marker: the abbreviation of the zone of the last row, for `%Z`.
    months, halves: the words for `%b` and `%B`, and for `%p`; empty for those of strftime.
    span: of intervals, their length in microseconds.
    """

    pattern: str = ""
    offset: str = ""
    timezone: str = ""
    wall: bool = False
    marker: str = ""
    months: tuple[str, ...] = ()
    halves: tuple[str, ...] = ()
    span: int = 0


@dataclass(frozen=True)
class Columns:
    """The names that the user's file has for things; `id` is empty for a single series.

    times: those of the columns that the time is spread over, if it is; `time` stands for all.
    """

    time: str = ""
    target: str = "y"
    id: str = ""
    times: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Panel:
    """S series with N values in all.

    ids: the names of the S series. offsets: (S + 1,) where each series begins and ends in the
    flat arrays. first: (S,) ordinals of the first steps. values: (N,) in the units of the file.
    past: (N, P) covariates that are known up to the last row. future: (N, F) covariates that
    are known in advance; ahead: (S, A, F), the same for the A steps after the last row. static:
    (S, K) covariates of each series. A text column is one-hot: one name `column=level` for each
    of its `levels`, NaN where the text is missing. filled: (N,) whether a value was not in the
    file but filled in, or empty; such steps are never scored. weights: (N,) how much each row
    counts in training, or empty. written: how the numbers of a column are written in the file,
    e.g. `in $`, where not plainly. source, fingerprint, reading: the path, the sha256 of its
    bytes, and the settings that read the same panel again.
    """

    ids: tuple[str, ...]
    offsets: Ints
    first: Ints
    values: Floats
    frequency: Frequency
    columns: Columns = Columns()
    time_format: TimeFormat = TimeFormat()
    past_names: tuple[str, ...] = ()
    future_names: tuple[str, ...] = ()
    static_names: tuple[str, ...] = ()
    past: Floats = field(default_factory=lambda: np.empty((0, 0)))
    future: Floats = field(default_factory=lambda: np.empty((0, 0)))
    ahead: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))
    static: Floats = field(default_factory=lambda: np.empty((0, 0)))
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    filled: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, bool))
    weights: Floats = field(default_factory=lambda: np.empty(0))
    notes: tuple[Note, ...] = ()
    written: dict[str, str] = field(default_factory=dict)
    source: str = ""
    fingerprint: str = ""
    reading: DataSettings = field(default_factory=DataSettings)

    @property
    def lengths(self) -> Ints:
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.ids)


def from_series(
    series: list[Floats],
    frequency: Frequency = calendar.STEPS,
    *,
    ids: list[str] | None = None,
    first: list[int] | None = None,
    columns: Columns | None = None,
    time_format: TimeFormat | None = None,
) -> Panel:
    """A panel of arrays that are on the grid already, one array for each series."""
    count = len(series)
    if ids is None:
        ids = [""] if count == 1 else [str(number) for number in range(count)]
    if first is None:
        first = [0] * count
    if columns is None:
        columns = Columns(id="" if count == 1 else "unique_id")

    return Panel(
        ids=tuple(ids),
        offsets=_offsets(np.array([len(values) for values in series])),
        first=np.asarray(first, np.int64),
        values=np.concatenate([np.asarray(values, np.float64) for values in series]),
        frequency=frequency,
        columns=columns,
        time_format=time_format or TimeFormat(),
    )


def values_of(panel: Panel, index: int) -> Floats:
    """The values of one series, (n,), as a view."""
    return panel.values[panel.offsets[index] : panel.offsets[index + 1]]


def times_of(panel: Panel, index: int, start: int = 0, stop: int | None = None) -> Ints:
    """Times of the steps `start` to `stop` of one series, which may go beyond its last row."""
    if stop is None:
        stop = int(panel.lengths[index])
    steps = np.arange(start, stop, dtype=np.int64)
    return calendar.times_at(panel.frequency, panel.first[index] + steps)


# -- parts of a panel --------------------------------------------------------------------------


def head(panel: Panel, lengths: Ints) -> Panel:
    """The first `lengths` (S,) steps of each series.

    What is known in advance stays known: covariates of the rows that are cut off go to `ahead`.
    """
    lengths = np.asarray(lengths, np.int64)
    rows = _first_rows(panel.offsets, lengths)
    return replace(
        panel,
        offsets=_offsets(lengths),
        ahead=_ahead_of_cut(panel, lengths) if panel.future_names else panel.ahead,
        **_rows_of(panel, rows),
    )


def tail(panel: Panel, lengths: Ints) -> Panel:
    """The last `lengths` (S,) steps of each series."""
    lengths = np.asarray(lengths, np.int64)
    dropped = panel.lengths - lengths
    rows = _first_rows(panel.offsets + np.append(dropped, 0), lengths)
    return replace(
        panel,
        offsets=_offsets(lengths),
        first=panel.first + dropped,
        **_rows_of(panel, rows),
    )


def select(panel: Panel, keep: Ints) -> Panel:
    """The series at positions `keep`, in that order."""
    bounds = zip(panel.offsets[keep], panel.offsets[keep + 1], strict=True)
    rows = np.concatenate([np.arange(start, stop) for start, stop in bounds])
    return replace(
        panel,
        ids=tuple(panel.ids[index] for index in keep),
        offsets=_offsets(panel.lengths[keep]),
        first=panel.first[keep],
        ahead=panel.ahead[keep] if panel.ahead.size else panel.ahead,
        static=panel.static[keep] if panel.static_names else panel.static,
        **_rows_of(panel, rows),
    )


def _rows_of(panel: Panel, rows: Ints) -> dict[str, Any]:
    """The flat arrays of a panel at these positions. Those that are empty stay so."""
    fields: dict[str, Any] = {"values": panel.values[rows]}

    # An array that is empty stands for none, and is not indexed.
    if len(panel.filled):
        fields["filled"] = panel.filled[rows]
    if len(panel.weights):
        fields["weights"] = panel.weights[rows]
    if panel.past_names:
        fields["past"] = panel.past[rows]
    if panel.future_names:
        fields["future"] = panel.future[rows]
    return fields


def _offsets(lengths: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _first_rows(offsets: Ints, lengths: Ints) -> Ints:
    """Flat positions of the first `lengths` (S,) steps of each series."""
    starts = np.repeat(offsets[:-1], lengths)
    skipped = np.repeat(np.cumsum(lengths) - lengths, lengths)
    return starts + np.arange(int(lengths.sum())) - skipped


def _ahead_of_cut(panel: Panel, lengths: Ints) -> Floats:
    """Known-future covariates after the first `lengths` (S,) steps of each series: (S, A, F)."""
    width = len(panel.future_names)
    cut_off = int((panel.lengths - lengths).max(initial=0))
    known_before = panel.ahead if panel.ahead.size else np.empty((len(panel), 0, width))

    ahead = np.full((len(panel), cut_off + known_before.shape[1], width), np.nan)
    for index, length in enumerate(lengths.tolist()):
        start, stop = panel.offsets[index] + length, panel.offsets[index + 1]
        known = np.concatenate([panel.future[start:stop], known_before[index]])
        ahead[index, : len(known)] = known

    return ahead


# -- times as text -----------------------------------------------------------------------------


def format_times(panel: Panel, times: Ints) -> list[str]:
    """Times (N,) as the file writes them.

    They are in the named time zone, or in the offset of the last row of the file.

    Raises DataError for times outside of the years 1 to 9999.
    """
    return write_times(panel.time_format, times)


def write_times(time_format: TimeFormat, times: Ints) -> list[str]:
    """As `format_times`, before there is a panel."""
    times = np.asarray(times, np.int64)
    if not time_format.pattern:
        return [str(time) for time in times.tolist()]
    if time_format.pattern in _EPOCHS:
        return [str(time) for time in (times // _EPOCHS[time_format.pattern]).tolist()]
    if time_format.timezone:
        return _format_in_zone(time_format, times)

    local = times + offset_microseconds(time_format.offset)
    if len(local):
        calendar.check_range(int(local.min()), int(local.max()))
    pattern = time_format.pattern.replace("%z", time_format.offset)
    pattern = pattern.replace("%Z", time_format.marker)
    write = _writer(time_format)
    _check_span(time_format, local)
    return [write(stamp, pattern) for stamp in local.view("datetime64[us]").astype(object)]


def offset_microseconds(offset: str) -> int:
    """`+02:00` -> 7,200,000,000; `Z` and an empty text are 0."""
    if offset in ("", "Z", "z"):
        return 0
    digits = offset[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:4] or 0)
    sign = -1 if offset[0] == "-" else 1
    return sign * minutes * calendar.MINUTE


def _check_span(time_format: TimeFormat, local: Ints) -> None:
    """Raise DataError where an interval, or the day before an hour 24, is out of range."""
    if len(local):
        before = calendar.DAY if "%+" in time_format.pattern else 0
        low, high = int(local.min()) - before, int(local.max()) + time_format.span
        calendar.check_range(low, high)


def _writer(time_format: TimeFormat) -> Callable[[datetime, str], str]:
    """What writes a time in a pattern, with the words of a format."""
    return functools.partial(
        directives.write,
        months=time_format.months,
        halves=time_format.halves,
        span=timedelta(microseconds=time_format.span),
    )


def _format_in_zone(time_format: TimeFormat, times: Ints) -> list[str]:
    """Local times of a zone, each with its own offset."""
    if len(times):
        day = np.array([-calendar.DAY, calendar.DAY])
        _check_span(time_format, np.array([times.min(), times.max()]) + day)

    zone = ZoneInfo(time_format.timezone)
    write = _writer(time_format)
    texts = []
    for time in times.view("datetime64[us]").astype(object):
        if time_format.wall:
            local = time.replace(tzinfo=zone)
        else:
            local = time.replace(tzinfo=UTC).astimezone(zone)
        pattern = time_format.pattern.replace("%z", _write_offset(local, time_format.offset))
        name = directives.zone_name(local.tzname() or "", time_format.marker)
        pattern = pattern.replace("%Z", name)
        texts.append(write(local.replace(tzinfo=None), pattern))
    return texts


def _write_offset(local: datetime, like: str) -> str:
    """The offset of a local time as another one is written: `+01:00`, `+0100` or `+01`."""
    offset = local.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    hours, minutes = divmod(abs(minutes), 60)
    if re.fullmatch(r"[+-]\d\d", like) and not minutes:
        return f"{sign}{hours:02}"
    colon = "" if re.search(r"\d{4}$", like) else ":"
    return f"{sign}{hours:02}{colon}{minutes:02}"
