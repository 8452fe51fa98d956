"""Reading: a CSV or Parquet file becomes a Panel, step by step, and strictly.

What can be read in two ways is refused, naming file, line, column and value, and the option
that settles it. pandas parses; the strictness around it is ours:

1. source      the bytes of the file as text
2. records     the skeleton of the text: delimiter, header, rows, quotes
3. roles       which columns are what
4. columns     the cells of each, as what they are: numbers, times, texts
5. rows        the good rows, with their series and times
6. grid        every series on its full grid
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.directives import NEXT_COLUMN
from forecast_cli.errors import DataError
from forecast_cli.messages import Note, listed, nearest
from forecast_cli.panel import Columns, Panel, TimeFormat
from forecast_cli.reading import dated_layout, parquet, transposed
from forecast_cli.reading.columns import Cells, read_cells, time_format_of
from forecast_cli.reading.dated_layout import DatedLayout
from forecast_cli.reading.grid import to_grid
from forecast_cli.reading.parsing import Sample, read_sample
from forecast_cli.reading.parts import conditions, take_part
from forecast_cli.reading.placeholder_check import (
    check_placeholders,
    numbers_in_columns,
    numbers_in_rows,
)
from forecast_cli.reading.records import Table, read_table
from forecast_cli.reading.roles import Levels, Roles, choose_roles
from forecast_cli.reading.rows import Rows
from forecast_cli.reading.series_rows import in_zone, to_rows
from forecast_cli.reading.skipped_rows import leave_out_bad_rows, no_row
from forecast_cli.reading.source import EXPANDED, load
from forecast_cli.reading.telling_apart import telling_apart
from forecast_cli.reading.time_zones import ZonedColumn, zone
from forecast_cli.reading.weights import as_covariate, with_weights
from forecast_cli.settings import DataSettings
from forecast_cli.sources import settings_from

FREED = 30 << 20  # bytes; glibc learns from blocks of up to 32 MiB


def read(
    path: str | os.PathLike[str],
    settings: DataSettings,
    levels: Levels | None = None,
    *,
    content: bytes | None = None,
) -> Panel:
    """Read a Parquet file, by its ending, or else a CSV file (`-`: standard input). levels,
    content: see `read_csv`; content is that of a CSV file.

    Raises SettingsError for Parquet without pyarrow, and all that `read_csv` raises.
    """
    if not parquet.is_named_so(path):
        return read_csv(path, settings, levels=levels, content=content)

    text = parquet.to_csv(os.fspath(path), settings)
    panel = read_csv(path, text.settings, levels=levels, content=text.content)
    notes = panel.notes
    if text.unused:
        notes = (_not_used(text.unused), *notes)
    return replace(panel, fingerprint=text.fingerprint, notes=notes)


def read_csv(
    path: str | os.PathLike[str],
    settings: DataSettings | None = None,
    *,
    levels: Levels | None = None,
    expanded: int = EXPANDED,
    content: bytes | None = None,
    **named: Any,
) -> Panel:
    """Read a CSV file (`-`: standard input) into a Panel on its full grid; settings as an
    object or by name.

    levels: those of the text covariates of an earlier reading, to be kept; expanded: the most
    bytes that a .gz file may expand to; content: the bytes, where something else has read the
    file at `path`. Gaps and repeated times are treated as the settings say, and noted. Raises
    DataError (exit 20) for whatever cannot be read in one way only, SettingsError for settings
    that do not go together.
    """
    settings = settings or settings_from(**named).data
    notes: list[Note] = []
    _keep_freed_memory()
    source = load(os.fspath(path), settings.encoding, expanded=expanded, content=content)
    name, path_again, fingerprint = source.name, source.path, source.fingerprint
    try:
        table = take_part(read_table(source, settings, notes), settings.where, notes)
        del source
        _check_weight(table, settings)
        laid_out = _read_layout(table, as_covariate(settings), levels, notes)
        # The text is not needed on the grid, which takes memory of its own.
        del table
        panel = to_grid(
            laid_out.rows, laid_out.settings, laid_out.columns, laid_out.time_format, notes
        )
        panel = replace(
            panel,
            notes=tuple(notes),
            written=laid_out.written,
            reading=laid_out.settings,
            source=path_again,
        )
        panel = with_weights(panel, settings)
    except DataError as error:
        error.name_file(name)
        raise
    return replace(panel, fingerprint=fingerprint.result())


def _keep_freed_memory() -> None:
    """Have malloc keep what one piece of a file frees for the next one: it does after a large
    block was freed.
    """
    np.empty(FREED, np.uint8)


def _check_weight(table: Table, settings: DataSettings) -> None:
    if settings.weight is not None and settings.weight not in table.names:
        raise DataError(
            f"no column {settings.weight!r} for --weight",
            nearest(settings.weight, list(table.names)),
            column=settings.weight,
        )


# -- rows, of a file with its times in rows or in columns --------------------------------------


@dataclass(frozen=True, eq=False)
class _LaidOut:
    """The rows of a file, and how they were read.

    columns: the names of the forecast; settings: those that read the same again; written: how
    the numbers of a column are written, in words.
    """

    rows: Rows
    time_format: TimeFormat
    columns: Columns
    settings: DataSettings
    written: dict[str, str]


def _read_layout(
    table: Table, settings: DataSettings, levels: Levels | None, notes: list[Note]
) -> _LaidOut:
    """The rows of a table, whichever way its times are laid out."""
    if not table.rows:
        raise no_row(table, settings)

    sample = read_sample(table)
    layout = dated_layout.find_layout(table.names, sample, settings, notes)
    if layout is None:
        return _from_rows(table, sample, settings, levels, notes)
    return _from_columns(table, sample, layout, settings, notes)


def _from_rows(
    table: Table,
    sample: Sample,
    settings: DataSettings,
    levels: Levels | None,
    notes: list[Note],
) -> _LaidOut:
    """A file that has its times in rows."""
    names = _without_conditions(table, settings)
    roles = choose_roles(names, sample, settings, notes, levels=levels)
    if roles.unused:
        notes.append(_not_used(roles.unused))

    cells = read_cells(table, sample, roles, settings)
    leave_out_bad_rows(table, roles, settings, cells, notes)

    series: Ints | None = None
    if roles.id:
        series = cells.texts[roles.id].codes
    numbers = numbers_in_rows(table, cells, settings.static or [])
    check_placeholders(numbers, settings, notes, series)
    time_format = time_format_of(table, sample, roles, cells)
    rows, zoned_format = to_rows(table, roles, cells, time_format, settings, levels, notes)
    rows = replace(rows, telling_apart=telling_apart(table, sample, roles, cells))
    again = _settings_again(settings, roles, cells)
    return _LaidOut(rows, zoned_format, _columns(roles, time_format), again, cells.written)


def _without_conditions(table: Table, settings: DataSettings) -> list[str]:
    """The columns that may have a role: those of `--where` have one text in all rows."""
    of_conditions = conditions(settings.where, table.names)
    named = {settings.time, settings.id, settings.weight, *(settings.target or [])}
    named |= {*(settings.past or []), *(settings.future or []), *(settings.static or [])}
    return [name for name in table.names if name not in of_conditions or name in named]


def _columns(roles: Roles, time_format: TimeFormat) -> Columns:
    """The names of the forecast: those of the file, where it has one column for a thing."""
    time, target, identity = "time", "value", roles.id
    times = roles.time if NEXT_COLUMN in time_format.pattern else ()
    if not roles.time:
        time = "step"
    elif len(roles.time) == 1:
        time = roles.time[0]

    if len(roles.targets) == 1:
        target = roles.targets[0]
    else:
        identity = "unique_id"
    return Columns(time, target, identity, times)


def _settings_again(settings: DataSettings, roles: Roles, cells: Cells) -> DataSettings:
    """The settings that read the same file in the same way, with what was recognized."""
    date_format = settings.date_format
    if cells.reading is not None and not date_format:
        date_format = [cells.reading.newest_pattern(~cells.bad)]
    return replace(
        settings,
        time=",".join(roles.time) or None,
        target=list(roles.targets),
        id=roles.id or None,
        date_format=date_format,
    )


def _from_columns(
    table: Table,
    sample: Sample,
    layout: DatedLayout,
    settings: DataSettings,
    notes: list[Note],
) -> _LaidOut:
    """A file that has its times in columns."""
    if layout.unused:
        notes.append(_not_used(layout.unused))

    roles = Roles(
        (),
        layout.numbers,
        texts=layout.texts,
        unused=layout.unused,
        rows_are_series=not layout.beside,
    )
    without_format = replace(settings, date_format=None)
    cells = read_cells(table, sample, roles, without_format)
    leave_out_bad_rows(table, roles, without_format, cells, notes)

    time_format = transposed.time_format(layout, sample)
    if settings.timezone:
        layout, time_format = _columns_in_zone(layout, time_format, settings.timezone)

    rows = transposed.to_rows(layout, cells, table.without_text().place)
    check_placeholders(numbers_in_columns(rows), settings, notes, rows.codes)

    date_format = settings.date_format
    if not date_format and layout.header.pattern:
        date_format = [layout.header.pattern]

    again = replace(settings, date_format=date_format)
    return _LaidOut(rows, time_format, layout.columns, again, {})


def _columns_in_zone(
    layout: DatedLayout, time_format: TimeFormat, name: str
) -> tuple[DatedLayout, TimeFormat]:
    """The times of the columns in the named zone. Months and years are the same everywhere."""
    zone(name)
    if layout.beside:
        return layout, replace(time_format, timezone=name, wall=True)

    header = layout.header
    one_series = np.zeros(len(header.times), np.int64)
    column = ZonedColumn("date", lambda at: f"column {header.names[at]!r}", time_format)
    times, time_format = in_zone(header.times, one_series, time_format, name, column)
    return replace(layout, header=replace(header, times=times)), time_format


def _not_used(columns: tuple[str, ...]) -> Note:
    words = f"columns not used: {listed(columns)}"
    return Note("columns_not_used", "info", words, {"columns": columns})
