"""The rows that `--bad-rows skip` leaves out of a table: whether it may, and why each of them
cannot be read.
"""

from __future__ import annotations

import re
import shlex

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError
from forecast_cli.messages import Note, and_more
from forecast_cli.reading import skips
from forecast_cli.reading.columns import LARGEST, Cells, distinct_times, times_at
from forecast_cli.reading.date_formats import form
from forecast_cli.reading.date_parsing import NEVER
from forecast_cli.reading.parsing import MISSING, missing_words, texts_at
from forecast_cli.reading.records import Table
from forecast_cli.reading.roles import Roles
from forecast_cli.reading.skips import Skipped
from forecast_cli.reading.time_readings import remedy
from forecast_cli.settings import DataSettings

SHOWN = 3  # lines in a note


def leave_out_bad_rows(
    table: Table, roles: Roles, settings: DataSettings, cells: Cells, notes: list[Note]
) -> None:
    """Note how many rows are left out.

    Raises DataError for too many of them, and for the newest one.
    """
    bad = np.flatnonzero(cells.bad)
    if len(bad) or table.skipped:
        _check_skipped(table, roles, settings, cells, bad)

    if len(bad):
        were = "row was" if len(bad) == 1 else "rows were"
        lines = ", ".join(str(table.line(int(row))) for row in bad[:SHOWN])
        more = and_more(len(bad), SHOWN)
        words = f"{table.source.name}: {len(bad):,} bad {were} left out: line {lines}{more}"
        notes.append(Note("rows_skipped", "degraded", words, {"rows": len(bad)}))


def no_row(table: Table, settings: DataSettings) -> DataError:
    """The error for a file that has no row, or none that is not left out."""
    total = sum(len(group.lines) for group in table.skipped)
    if total and skips.too_many(total, total, settings.max_skipped):
        return skips.refuse_many(list(table.skipped), total)
    return DataError("there is a header but no row", "give a file with data")


def _check_skipped(
    table: Table, roles: Roles, settings: DataSettings, cells: Cells, rows: Ints
) -> None:
    """Raise DataError where more would be left out than may be: too many rows, or the newest
    one.
    """
    outside = sum(len(group.lines) for group in table.skipped)
    count, total = len(rows) + outside, table.rows + outside
    is_too_many = skips.too_many(count, total, settings.max_skipped)
    if cells.bad.all() and not is_too_many:
        raise DataError("no row can be read", "correct the file")

    if is_too_many:
        groups = [*table.skipped, *_reasons(table, roles, settings, cells, rows)]
        raise skips.refuse_many(groups, total)

    if settings.max_skipped is None and not roles.rows_are_series:
        _check_newest(table, roles, settings, cells, count, total)
        _check_newest_outside(table, roles, settings, cells, count, total)


def _check_newest(
    table: Table, roles: Roles, settings: DataSettings, cells: Cells, count: int, total: int
) -> None:
    """Raise DataError where the newest row of the file, or of a series, would be left out."""
    codes, ids = _series(table, roles, cells)
    is_nameless = np.array([not label for label in ids]) & bool(roles.id)
    newest = _newest(cells, codes, is_nameless, newest_first=settings.newest_first)
    if not len(newest):
        return

    row = int(newest[0])
    label = ids[int(codes[row])]
    of_series = f"series {label!r}: " if label else ""
    reason = _reasons(table, roles, settings, cells, newest[:1])[0]
    series = len(np.unique(codes[newest]))
    place = f"{table.place(row)}: {of_series}"
    raise skips.refuse_newest(reason, place, series, count, total)


def _check_newest_outside(
    table: Table, roles: Roles, settings: DataSettings, cells: Cells, count: int, total: int
) -> None:
    """The same for rows of another width or with broken quotes, which are not in the table."""
    codes, _ = _series(table, roles, cells)
    good = np.flatnonzero(~cells.bad)
    first, last = table.line(int(good[0])), table.line(int(good[-1]))
    is_backwards = skips.is_backwards(~cells.bad, cells.times, codes, settings.newest_first)
    for group in table.skipped:
        beyond = group.lines[group.lines > last]
        if is_backwards:
            beyond = group.lines[group.lines < first]
        if len(beyond):
            place = f"{table.source.name}:{int(beyond[0])}: "
            raise skips.refuse_newest(group, place, 1, count, total)


def _series(table: Table, roles: Roles, cells: Cells) -> tuple[Ints, list[str]]:
    """The number of the series of each row, and the ids of those."""
    if roles.id:
        codes, ids = cells.texts[roles.id]
        return codes, ids
    return np.zeros(table.rows, np.int64), [""]


def _newest(
    cells: Cells, codes: Ints, is_nameless: NDArray[np.bool_], *, newest_first: bool
) -> Ints:
    """The bad rows that are the newest of their series; those without an id, of the file.

    is_nameless: which codes have no id.
    """
    bad = np.flatnonzero(cells.bad)
    unknown = is_nameless[codes[bad]]
    good, one_series = ~cells.bad, np.zeros_like(codes)
    of_series = skips.newest(bad[~unknown], good, cells.times, codes, newest_first)
    of_file = skips.newest(bad[unknown], good, cells.times, one_series, newest_first)
    return np.sort(np.concatenate([of_series, of_file]))


# -- why rows cannot be read -------------------------------------------------------------------


def _reasons(
    table: Table, roles: Roles, settings: DataSettings, cells: Cells, rows: Ints
) -> list[Skipped]:
    """Why these rows (n,) are left out: groups of rows that share a reason, which is the first
    that a row has.
    """
    groups: list[Skipped] = []
    if cells.times is not None:
        is_undated = cells.times[rows] == NEVER
        groups += _undated(table, roles, cells, rows[is_undated])
        rows = rows[~is_undated]

    if roles.id:
        codes, ids = cells.texts[roles.id]
        is_nameless = np.array([not label for label in ids])[codes[rows]]
        lines = _lines(table, rows[is_nameless])
        groups.append(Skipped(lines, "have no id", f"column {roles.id!r} is empty"))
        rows = rows[~is_nameless]

    for name, values in cells.numbers.items():
        is_huge = np.abs(values[rows]) > LARGEST
        lines = _lines(table, rows[is_huge])
        first = f"column {name!r} is infinite or too large"
        groups.append(Skipped(lines, f"have an infinite or huge {name!r}", first))
        rows = rows[~is_huge]

    missing = missing_words(settings)
    for name, values in cells.numbers.items():
        texts = texts_at(table, name, rows)
        is_text = np.array([text not in missing for text in texts], bool) & np.isnan(values[rows])
        wrong = [texts[at] for at in np.flatnonzero(is_text)]
        groups += _not_numbers(table, name, rows[is_text], wrong)
        rows = rows[~is_text]

    groups.append(Skipped(_lines(table, rows), "cannot be read", "it cannot be read"))
    return [group for group in groups if len(group.lines)]


def _undated(table: Table, roles: Roles, cells: Cells, rows: Ints) -> list[Skipped]:
    """Rows whose dates are not read, by how those are written."""
    if not len(rows):
        return []

    assert cells.reading is not None  # noqa: S101
    name, pattern = ",".join(roles.time), cells.reading.pattern
    distinct = [text for text in distinct_times(table, roles.time) if text not in MISSING]
    what_helps = remedy([cells.reading.patterns], distinct)
    groups = []
    for text, lines in _alike(table, rows, times_at(table, roles.time, rows)).items():
        if text in MISSING:
            groups.append(Skipped(lines, "have no time", f"column {name!r}: the time is empty"))
            continue
        first = f"column {name!r}: {text!r} is not a date like the others ({pattern})"
        groups.append(Skipped(lines, f"have dates like {text!r}", first, what_helps))
    return groups


def _not_numbers(table: Table, name: str, rows: Ints, texts: list[str]) -> list[Skipped]:
    """Rows with texts in a column of numbers, by how those are written."""
    groups = []
    for text, lines in _alike(table, rows, texts).items():
        is_word = not re.search(r"\d", text)
        what_helps = f"use --null {shlex.quote(text)} if that is a missing value" if is_word else ""
        first = f"column {name!r}: {text!r} is not a number"
        groups.append(
            Skipped(lines, f"have cells like {text!r} in column {name!r}", first, what_helps)
        )
    return groups


def _alike(table: Table, rows: Ints, texts: list[str]) -> dict[str, Ints]:
    """The lines of rows whose texts are written alike, by the first of those texts."""
    positions_of: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        positions_of.setdefault(form(text), []).append(at)
    alike = {}
    for positions in positions_of.values():
        alike[texts[positions[0]]] = _lines(table, rows[positions])
    return alike


def _lines(table: Table, rows: Ints) -> Ints:
    return np.array([table.line(int(row)) for row in rows], np.int64)
