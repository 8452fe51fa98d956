"""Known-future covariates past the last row, from a file of their own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import Note, listed, nearest
from forecast_cli.panel import Floats, Panel
from forecast_cli.reading.columns import Cells, read_cells, time_format_of
from forecast_cli.reading.grid import stack_ahead
from forecast_cli.reading.parsing import read_sample
from forecast_cli.reading.parts import take_part
from forecast_cli.reading.placeholder_check import check_placeholders, numbers_in_rows
from forecast_cli.reading.records import Table, read_table
from forecast_cli.reading.roles import Roles, named_time
from forecast_cli.reading.rows import Rows, of_series
from forecast_cli.reading.series_rows import to_rows
from forecast_cli.reading.skipped_rows import leave_out_bad_rows, no_row
from forecast_cli.reading.source import load
from forecast_cli.settings import DataSettings

MOST_STEPS = 1_000_000  # after the last row


def read_future_values(path: str | os.PathLike[str], panel: Panel, settings: DataSettings) -> Panel:
    """The panel with `ahead` filled from a CSV of its known-future covariates.

    settings: those that the panel was read with. Rows inside the past are ignored, steps that
    are not in the file are NaN. Raises SettingsError if the panel has no such covariates,
    DataError for what cannot be read and for times off the grid.
    """
    wanted = settings.future
    if not wanted:
        raise SettingsError(
            "there are no known-future covariates to read",
            "name them with --future when training",
            option="future",
        )

    notes: list[Note] = []
    # The lines around the table are those of the other file.
    settings = replace(settings, skip_rows=None, footer=None)
    source = load(os.fspath(path), settings.encoding)
    try:
        table = read_table(source, settings, notes)
        table = take_part(table, _conditions_on(table, settings), notes)
        roles = _roles(table, panel, settings, wanted)
        if not table.rows:
            raise no_row(table, settings)
        sample = read_sample(table)
        cells = read_cells(table, sample, roles, settings)
        leave_out_bad_rows(table, roles, settings, cells, notes)

        series, earlier = _with_history(panel, cells, roles)
        numbers = numbers_in_rows(table, cells, [])
        check_placeholders(numbers, settings, notes, series, earlier)
        time_format = time_format_of(table, sample, roles, cells)
        rows, _ = to_rows(table, roles, cells, time_format, settings, panel.levels, notes)
        ahead = _ahead(rows, panel, wanted, notes)
    except DataError as error:
        error.name_file(source.name)
        raise
    return replace(panel, ahead=ahead, notes=(*panel.notes, *notes))


def _conditions_on(table: Table, settings: DataSettings) -> list[str]:
    """Those of `--where` whose columns the file has."""
    where = settings.where or []
    return [each for each in where if any(each.startswith(f"{name}=") for name in table.names)]


def _roles(table: Table, panel: Panel, settings: DataSettings, wanted: list[str]) -> Roles:
    """The roles of the columns: those of the file that the panel was read from."""
    time = named_time(settings, table.names)
    identity = settings.id or ""
    for name in (*time, identity, *wanted):
        if name and name not in table.names:
            raise DataError(f"no column {name!r}", nearest(name, list(table.names)), column=name)
    texts = tuple(name for name in wanted if name in panel.levels)
    return Roles(time, (), identity, tuple(wanted), texts)


def _with_history(panel: Panel, cells: Cells, roles: Roles) -> tuple[Ints, dict[str, Floats]]:
    """The series of the rows of a panel and then of a file, and the known-future covariates of
    the panel.
    """
    of_panel = np.repeat(np.arange(len(panel)), panel.lengths)
    of_file = np.zeros(len(cells.bad), np.int64)
    if roles.id:
        codes, ids = cells.texts[roles.id]
        number_of = {label: number for number, label in enumerate(panel.ids)}
        numbers = [number_of.get(label, len(panel)) for label in ids]
        of_file = np.array(numbers, np.int64)[codes]

    earlier = {name: panel.future[:, panel.future_names.index(name)] for name in cells.numbers}
    return np.concatenate([of_panel, of_file]), earlier


def _ahead(rows: Rows, panel: Panel, wanted: Sequence[str], notes: list[Note]) -> Floats:
    """Values at the steps after the last row of each series, (S, A, F)."""
    has_ids = bool(panel.reading.id) or len(rows.ids) > 1
    number_of = {label: number for number, label in enumerate(rows.ids)}
    others = [label for label in rows.ids if label not in set(panel.ids)]
    if has_ids and others:
        words = f"future values of series that are not forecast were ignored: {listed(others)}"
        notes.append(Note("series_ignored", "info", words))

    positions: Ints | None = None
    if rows.times is not None:
        positions = calendar.ordinals(panel.frequency, rows.times)

    lines: list[list[Floats]] = []
    for index, label in enumerate(panel.ids):
        own = np.arange(len(rows.codes))
        if has_ids:
            own = np.flatnonzero(rows.codes == number_of.get(label, -1))
        steps = np.arange(len(own))
        if positions is not None:
            steps = positions[own] - int(panel.first[index]) - int(panel.lengths[index])
        is_ahead = steps >= 0
        own, steps = own[is_ahead], steps[is_ahead]
        _check_ahead(rows, own, steps, label)
        lines.append([_line(rows.covariates[name][own], steps) for name in wanted])
    return stack_ahead(lines, wanted, panel.levels)


def _check_ahead(rows: Rows, own: Ints, steps: Ints, label: str) -> None:
    """Raise DataError for a step that is there twice, or too far after the last row. own: the
    rows of one series.
    """
    order = np.argsort(steps, kind="stable")
    repeated = np.flatnonzero(np.diff(steps[order]) == 0)
    if len(repeated):
        second = int(own[order[repeated[0] + 1]])
        raise DataError(
            f"{rows.place(second)}: {of_series(label)}this time is there twice",
            "keep one row for each time",
        )

    if len(steps) and steps.max() > MOST_STEPS:
        farthest = int(own[steps.argmax()])
        raise DataError(
            f"{rows.place(farthest)}: the time is too far ahead of the last row", "check the times"
        )


def _line(values: Floats, steps: Ints) -> Floats:
    """Values at their steps, NaN at steps that no row has."""
    line = np.full(int(steps.max()) + 1 if len(steps) else 0, np.nan)
    line[steps] = values
    return line
