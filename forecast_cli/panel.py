"""Panel: the one form of data after reading. Many series, one after the other in flat arrays, each on its full grid.

A series is a first ordinal of the frequency and a run of values; a hole that was not filled is NaN. One series is
a panel with one id. Covariates lie beside the values: `past` is known up to the last row, `future` beyond it (`ahead`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.messages import Note
from forecast_cli.settings import DataSettings

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TimeFormat:
    """How the file writes its times: a strftime pattern (empty: rows without a time) and the offset of its last row.

    timezone: the zone that the times are written in, where one was named; wall: they are counted on its local clock,
    as days and months are (their length in hours changes), not in UTC.
    """

    pattern: str = ""
    offset: str = ""
    timezone: str = ""
    wall: bool = False


@dataclass(frozen=True)
class Columns:
    """The names that the user's file has for things; `id` is empty for a single series."""

    time: str = ""
    target: str = "y"
    id: str = ""


@dataclass(frozen=True, eq=False)
class Panel:
    """S series, N values in all.

    ids: S names; offsets: (S + 1,) bounds in the flat arrays; first: (S,) ordinals of the first steps;
    values: (N,) in the units of the file; past: (N, P); future: (N, F); ahead: (S, A, F), the steps after the last row.
    static: (S, K). A text column is one-hot: one name `column=level` for each of its `levels`, NaN where it is missing.
    filled: (N,) which values were not in the file but filled in, or empty: such steps are never scored.
    weights: (N,) how much each row counts in training, or empty.
    written: how the numbers of a column are written in the file, e.g. `in $`, where they are not plain.
    source, fingerprint, reading: the path, the sha256 of its bytes, and the settings that read the same again.
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
    """A panel of arrays that are on the grid already, one array a series."""
    count = len(series)
    return Panel(
        ids=tuple(ids if ids is not None else [str(i) if count > 1 else "" for i in range(count)]),
        offsets=np.concatenate([[0], np.cumsum([len(s) for s in series])]).astype(np.int64),
        first=np.asarray(first if first is not None else [0] * count, np.int64),
        values=np.concatenate([np.asarray(s, np.float64) for s in series]),
        frequency=frequency,
        columns=columns or Columns(id="unique_id" if count > 1 else ""),
        time_format=time_format or TimeFormat(),
    )


def values_of(panel: Panel, index: int) -> Floats:
    """The values of one series, (n,); a view."""
    return panel.values[panel.offsets[index] : panel.offsets[index + 1]]


def times_of(panel: Panel, index: int, start: int = 0, stop: int | None = None) -> Ints:
    """Times of steps start..stop of one series; steps past the last row are the future index."""
    stop = int(panel.lengths[index]) if stop is None else stop
    return calendar.times_at(
        panel.frequency, panel.first[index] + np.arange(start, stop, dtype=np.int64)
    )


def head(panel: Panel, lengths: Ints) -> Panel:
    """The first `lengths` (S,) steps of each series. Known-future covariates after the cut become `ahead`."""
    lengths = np.asarray(lengths, np.int64)
    keep = _inside(panel.offsets, lengths)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ahead = panel.ahead
    if panel.future_names:
        dropped = int((panel.lengths - lengths).max(initial=0))
        steps = dropped + (panel.ahead.shape[1] if panel.ahead.size else 0)
        ahead = np.full((len(panel), steps, len(panel.future_names)), np.nan)
        for i in range(len(panel)):
            known = panel.future[panel.offsets[i] + lengths[i] : panel.offsets[i + 1]]
            rest = panel.ahead[i] if panel.ahead.size else np.empty((0, len(panel.future_names)))
            ahead[i, : len(known) + len(rest)] = np.concatenate([known, rest])
    return replace(
        panel,
        offsets=offsets,
        values=panel.values[keep],
        filled=panel.filled[keep] if len(panel.filled) else panel.filled,
        weights=panel.weights[keep] if len(panel.weights) else panel.weights,
        past=panel.past[keep] if panel.past_names else panel.past,
        future=panel.future[keep] if panel.future_names else panel.future,
        ahead=ahead,
    )


def select(panel: Panel, keep: Ints) -> Panel:
    """The series at positions `keep`, in that order."""
    rows = np.concatenate([np.arange(panel.offsets[i], panel.offsets[i + 1]) for i in keep])
    return replace(
        panel,
        ids=tuple(panel.ids[i] for i in keep),
        offsets=np.concatenate([[0], np.cumsum(panel.lengths[keep])]).astype(np.int64),
        first=panel.first[keep],
        values=panel.values[rows],
        past=panel.past[rows] if panel.past_names else panel.past,
        future=panel.future[rows] if panel.future_names else panel.future,
        ahead=panel.ahead[keep] if panel.ahead.size else panel.ahead,
        static=panel.static[keep] if panel.static_names else panel.static,
        filled=panel.filled[rows] if len(panel.filled) else panel.filled,
        weights=panel.weights[rows] if len(panel.weights) else panel.weights,
    )


def _inside(offsets: Ints, lengths: Ints) -> Ints:
    """Flat positions of the first `lengths` steps of each series."""
    starts = np.repeat(offsets[:-1], lengths)
    return starts + np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def format_times(panel: Panel, times: Ints) -> list[str]:
    """Times as the file writes them, in the named time zone or in the offset of its last row."""
    if not panel.time_format.pattern:
        return [str(int(t)) for t in times]
    if panel.time_format.timezone:
        return _format_in_zone(panel.time_format, np.asarray(times, np.int64))
    shift = offset_microseconds(panel.time_format.offset)
    pattern = panel.time_format.pattern.replace("%z", panel.time_format.offset)
    shifted = np.asarray(times, np.int64) + shift
    if len(shifted):
        calendar.check_range(int(shifted.min()), int(shifted.max()))
    return [_written(stamp, pattern) for stamp in shifted.view("datetime64[us]").astype(object)]


def _written(stamp: datetime, pattern: str) -> str:
    """A time in a strftime pattern, which may have %q for the quarter; years before 1000 with their zeros."""
    pattern = pattern.replace("%q", str((stamp.month + 2) // 3))
    if stamp.year < 1000:
        pattern = pattern.replace("%Y", f"{stamp.year:04}")
    return stamp.strftime(pattern)


def _format_in_zone(how: TimeFormat, times: Ints) -> list[str]:
    """Local times of a zone; each with its own offset, written as the file writes offsets."""
    zone, texts = ZoneInfo(how.timezone), []
    if len(times):
        calendar.check_range(int(times.min()) - calendar.DAY, int(times.max()) + calendar.DAY)
    for time in times.view("datetime64[us]").astype(object):
        local = time.replace(tzinfo=zone) if how.wall else time.replace(tzinfo=UTC).astimezone(zone)
        minutes = round(local.utcoffset().total_seconds() / 60)
        colon = "" if re.search(r"\d{4}$", how.offset) else ":"
        offset = (
            f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"
        )
        texts.append(_written(local.replace(tzinfo=None), how.pattern.replace("%z", offset)))
    return texts


def offset_microseconds(offset: str) -> int:
    """`+02:00` -> 7,200,000,000; `Z` and an empty text are 0."""
    if offset in ("", "Z", "z"):
        return 0
    digits = offset[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:4] or 0)
    return (-1 if offset[0] == "-" else 1) * minutes * calendar.MINUTE
