"""What is new in the data since the last time, what was revised, and what is gone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.errors import RunMismatchError
from forecast_cli.messages import listed, plural
from forecast_cli.panel import Floats, Panel, format_times, times_of, values_of
from forecast_cli.store import PastForecast, Run

ROUNDING = 1e-9  # of a value: a smaller difference is no revision

# What makes a run of the same job: a bare `forecast train DATA` would write into another store.
TRAIN_ALIKE = "`forecast train` with the options of this command that it has"


@dataclass(frozen=True)
class Changes:
    """How many rows are new, and how many old values are others than they were."""

    new: int
    revised: int


@dataclass(frozen=True, eq=False)
class _Seen:
    """Rows that were there before: `ends` (S,) are the ordinals after the last row of each series.

    values: (N,) the last ones up to the end, NaN where there was none; offsets: (S + 1,).
    may_be_filled: values that the reader filled in are among them.
    """

    what: str
    ids: tuple[str, ...]
    ends: Ints
    values: Floats
    offsets: Ints
    may_be_filled: bool


def changes_since(panel: Panel, run: Run, track: tuple[PastForecast, ...]) -> Changes:
    """Compare the data with what the last refresh saw, or the training where it was later.

    Raises RunMismatchError where series or rows are gone.
    """
    is_ours = bool(track) and track[-1].record.run == run.name
    newest = _of_track(track[-1]) if is_ours else _of_run(run)
    position = {name: index for index, name in enumerate(panel.ids)}
    _require_series(panel, newest, position)
    _require_ends(panel, newest, position)

    known = np.array([position[name] for name in newest.ids], np.int64)
    ends = panel.first + panel.lengths
    new = int(panel.lengths.sum() - panel.lengths[known].sum())
    new += int((ends[known] - newest.ends).sum())
    return Changes(new, _revised(panel, newest, position))


def _of_track(past: PastForecast) -> _Seen:
    record = past.record
    when = f"{record.created[:4]}-{record.created[4:6]}-{record.created[6:8]}"
    return _Seen(
        what=f"at the refresh of {when}",
        ids=tuple(record.ids),
        ends=past.ends,
        values=past.truth,
        offsets=past.offsets,
        may_be_filled=False,
    )


def _of_run(run: Run) -> _Seen:
    tail = run.tail
    return _Seen(
        what=f"when the run {run.name} was trained",
        ids=tail.ids,
        ends=tail.first + tail.lengths,
        values=tail.values,
        offsets=tail.offsets,
        may_be_filled=True,
    )


def _require_series(panel: Panel, seen: _Seen, position: dict[str, int]) -> None:
    gone = [name for name in seen.ids if name not in position]
    if not gone:
        return

    were, are = ("was", "is") if len(gone) == 1 else ("were", "are")
    raise _lost(
        panel,
        f"{plural(len(gone), 'series', 'series')} that {were} there {seen.what} "
        f"{are} gone: {listed(gone)}",
    )


def _require_ends(panel: Panel, seen: _Seen, position: dict[str, int]) -> None:
    ends = panel.first + panel.lengths
    index = np.array([position[name] for name in seen.ids], np.int64)
    shorter = np.flatnonzero(ends[index] < seen.ends)
    if not len(shorter):
        return

    worst = int(shorter[np.argmax((seen.ends - ends[index])[shorter])])
    series = int(index[worst])
    missing = int(seen.ends[worst] - ends[series])
    length = int(panel.lengths[series])
    now, before = (
        format_times(panel, times_of(panel, series, at, at + 1))[0]
        for at in (length - 1, length - 1 + missing)
    )
    name = f"the series {seen.ids[worst]!r}" if seen.ids[worst] else "the data"
    more = f"; {len(shorter):,} series end earlier" if len(shorter) > 1 else ""
    raise _lost(panel, f"{name} ended at {before} {seen.what}, and ends at {now} now{more}")


def _revised(panel: Panel, seen: _Seen, position: dict[str, int]) -> int:
    """How many values are others than they were. Raises RunMismatchError for rows that are gone."""
    count = 0
    for row, name in enumerate(seen.ids):
        before = seen.values[seen.offsets[row] : seen.offsets[row + 1]]
        now, filled, start = _same_steps(panel, position[name], int(seen.ends[row]), len(before))
        before = before[len(before) - len(now) :]
        had = ~np.isnan(before)
        differs = had & ~(np.abs(now - before) <= ROUNDING * np.maximum(np.abs(before), 1e-300))
        gone = differs & (np.isnan(now) | filled)
        if gone.any() and not seen.may_be_filled:
            _raise_gone(panel, seen, position[name], start, gone)
        count += int((differs & ~gone).sum())
    return count


def _same_steps(panel: Panel, series: int, end: int, length: int) -> tuple[Floats, Floats, int]:
    """The values of the `length` steps before the ordinal `end`, whether each was filled in, and
    the first of these steps in the series; fewer where the series begins later."""
    stop = end - int(panel.first[series])
    start = max(stop - length, 0)
    now = values_of(panel, series)[start:stop]
    filled = np.zeros(len(now), bool)
    if len(panel.filled):
        at = int(panel.offsets[series])
        filled = panel.filled[at + start : at + stop]
    return now, filled, start


def _raise_gone(panel: Panel, seen: _Seen, series: int, start: int, gone: Floats) -> None:
    at = start + int(np.flatnonzero(gone)[0])
    time = format_times(panel, times_of(panel, series, at, at + 1))[0]
    name = f" of the series {panel.ids[series]!r}" if panel.ids[series] else ""
    count = int(gone.sum())
    now = "has none now" if count == 1 else "have none now"
    raise _lost(
        panel,
        f"{plural(count, 'row')}{name} that had a value {seen.what} {now}: the first is {time}",
    )


def _lost(panel: Panel, text: str) -> RunMismatchError:
    return RunMismatchError(
        f"{panel.source} has lost rows: {text}",
        f"bring the rows back, or train on the file as it is: {TRAIN_ALIKE}",
        path=panel.source,
    )
