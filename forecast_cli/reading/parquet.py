"""Parquet in and out. What is read goes through the strict reader as CSV, so that both formats obey the same rules.

The only pyarrow, which is an extra: it is imported when a Parquet file is read or written, and not before.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast_cli.config import DataSettings, nearest
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import Note, listed
from forecast_cli.panel import Panel, format_times, times_of
from forecast_cli.reading.reader import NIXTLA, Levels, read_csv
from forecast_cli.reading.source import no_such_file
from forecast_cli.reading.transposed import is_transposed

if TYPE_CHECKING:
    import pyarrow

ENDINGS = (".parquet", ".pq")
TEXTUAL = (
    "delimiter",
    "decimal",
    "thousands",
    "encoding",
)  # settings of text files, of no use here


def read(
    path: str | os.PathLike[str], settings: DataSettings, levels: Levels | None = None
) -> Panel:
    """Read a Parquet file, by its ending, or else a CSV file. levels: those of the text covariates of the run.

    Raises DataError where a weight is not a number of at least 0, and all that the readers raise.
    """
    weight, past = settings.weight, settings.past
    if (
        weight is not None
    ):  # read as a covariate is, and then kept apart: the network must not see it
        settings = replace(settings, weight=None, past=[*(past or []), weight])
    if os.fspath(path).lower().endswith(ENDINGS):
        panel = read_parquet(path, settings, levels)
    else:
        panel = read_csv(path, settings, levels=levels)
    return panel if weight is None else _weighted(panel, weight, past)


def _weighted(panel: Panel, weight: str, past: list[str] | None) -> Panel:
    """The panel with its last past-only covariate as weights."""
    if weight in panel.levels:
        raise DataError(
            f"{panel.source}: column {weight!r}: weights are numbers, not texts",
            "give --weight a column of numbers",
        )
    weights = panel.past[:, -1].copy()
    bad = ~(weights >= 0)
    if bad.any():
        at = int(np.argmax(bad))
        i = int(np.searchsorted(panel.offsets, at, side="right")) - 1
        step = at - int(panel.offsets[i])
        when = format_times(panel, times_of(panel, i, step, step + 1))[0]
        where = f"series {panel.ids[i]!r}, " if panel.ids[i] else ""
        raise DataError(
            f"{panel.source}: column {weight!r}: {where}{when}: a weight of {float(weights[at])!r}; a weight is at least 0",
            "correct the column, or leave out --weight",
        )
    if not weights.any():
        raise DataError(
            f"{panel.source}: column {weight!r}: all weights are 0",
            "give some rows a weight above 0",
        )
    return replace(
        panel, weights=weights, past=panel.past[:, :-1], past_names=panel.past_names[:-1],
        reading=replace(panel.reading, past=past, weight=weight),
    )  # fmt: skip


def read_parquet(
    path: str | os.PathLike[str], settings: DataSettings, levels: Levels | None = None
) -> Panel:
    """Read a Parquet file into a Panel. Line numbers in errors count the names of the columns as line 1.

    Raises SettingsError without pyarrow, DataError for what cannot be read, and all that `read_csv` raises.
    """
    name = os.fspath(path)
    data = _bytes(name)
    _library()
    table, settings, unused = _table(name, data, settings)
    defaults: dict[str, Any] = {
        f.name: f.default for f in dataclasses.fields(settings) if f.name in TEXTUAL
    }
    panel = read_csv(name, replace(settings, **defaults), content=_csv(name, table), levels=levels)
    notes = panel.notes
    if unused:
        note = Note(
            "columns_not_used", "info", f"columns not used: {listed(unused)}", {"columns": unused}
        )
        notes = (note, *notes)
    return replace(panel, fingerprint=hashlib.sha256(data).hexdigest(), notes=notes)


def to_parquet(columns: dict[str, Any]) -> bytes:
    """A Parquet file of columns: texts, numbers, or times as datetime64 or ZonedTimes. Raises SettingsError without pyarrow."""
    pyarrow = _library()
    from pyarrow import parquet

    arrays = {
        name: pyarrow.array(column.times, pyarrow.timestamp("us", "UTC")) if isinstance(column, ZonedTimes) else pyarrow.array(column)
        for name, column in columns.items()
    }  # fmt: skip
    target = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays), target)
    return target.getvalue()


@dataclasses.dataclass(frozen=True, eq=False)
class ZonedTimes:
    """Instants as datetime64[us] in UTC, of a file whose times have an offset."""

    times: Any


def _library() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise SettingsError(
            "Parquet needs pyarrow, which is not installed",
            "install it: pip install 'forecast-cli[parquet]'",
        ) from None
    return pyarrow


def _bytes(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            after = os.fstat(file.fileno())
    except FileNotFoundError:
        raise no_such_file(name) from None
    except OSError as error:
        raise DataError(
            f"{name}: {error.strerror}", "give a Parquet file that can be read"
        ) from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(
        data
    ) != after.st_size:
        raise DataError(
            f"{name}: the file changed while it was read", "run again when the writer is done"
        )
    return data


def _table(
    name: str, data: bytes, settings: DataSettings
) -> tuple[pyarrow.Table, DataSettings, list[str]]:
    """The columns that may be needed, the settings with the id that the Nixtla names imply, and the names left out."""
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(data))
        names = list(file.schema_arrow.names)
        if len(set(names)) < len(names):
            raise DataError(
                f"{name}: several columns have the same name", "give each column a name of its own"
            )
        if (
            settings.time
            and settings.target
            and settings.target != ["all"]
            and not is_transposed(names)
        ):
            if all(word in names for word in NIXTLA):
                settings = replace(settings, id=settings.id or NIXTLA[0])
            wanted = _named(name, settings, names)
        else:
            wanted = [
                n
                for n in names
                if _is_usable(file.schema_arrow.field(n).type) or n in _named(name, settings, names)
            ]
        for column in wanted:
            kind = file.schema_arrow.field(column).type
            if not _is_usable(kind):
                raise DataError(
                    f"{name}: column {column!r} holds {kind}",
                    "name a column of numbers, texts or times",
                )
        table = file.read(columns=wanted)
    except (pyarrow.ArrowException, OSError) as error:
        text = " ".join(str(error).split())
        raise DataError(
            f"{name}: this is not a Parquet file that can be read: {text}", "write the file again"
        ) from None
    return table, settings, [column for column in names if column not in wanted]


def _named(path: str, settings: DataSettings, names: list[str]) -> list[str]:
    """The columns that settings name, in the order of the file. Raises DataError for one that is not there."""
    found: list[str] = []
    for field in dataclasses.fields(settings):
        if field.name not in ("time", "target", "id", "past", "future", "static", "weight"):
            continue
        value = getattr(settings, field.name) or []
        for word in [value] if isinstance(value, str) else value:
            parts = [word] if word in names or field.name != "time" else word.split(",")
            missing = [part for part in parts if part not in names and part != "all"]
            if missing:
                raise DataError(
                    f"{path}: no column {missing[0]!r} for --{field.name}",
                    nearest(missing[0], names),
                )
            found += parts
    return [name for name in names if name in found]


def _is_usable(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (
            types.is_integer, types.is_floating, types.is_decimal, types.is_boolean, types.is_string, types.is_large_string,
            types.is_string_view, types.is_date, types.is_time, types.is_timestamp, types.is_null,
        )
    )  # fmt: skip


def _csv(name: str, table: pyarrow.Table) -> bytes:
    """The table as CSV: ISO times, numbers in shortest round-trip form, missing values empty."""
    import pyarrow
    from pyarrow import csv

    target = io.BytesIO()
    try:
        columns = [_column(name, field.name, table.column(field.name)) for field in table.schema]
        csv.write_csv(pyarrow.table(columns, names=table.schema.names), target)
    except pyarrow.ArrowException as error:
        text = " ".join(str(error).split())
        raise DataError(
            f"{name}: a column cannot be written as text: {text}", "write the file again"
        ) from None
    return target.getvalue()


def _column(name: str, column: str, cells: Any) -> Any:
    """A column as integers, floats of 64 bits, or texts."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if types.is_boolean(kind):
        return cells.cast(pyarrow.int8())
    if types.is_floating(kind):
        return cells.cast(pyarrow.float64())
    if types.is_timestamp(kind):
        return _times(name, column, cells)
    if types.is_integer(kind):
        return cells
    return cells.cast(pyarrow.string())


def _times(name: str, column: str, cells: Any) -> Any:
    """Times as texts: dates where all are at midnight, with an offset where the column has a zone."""
    import pyarrow
    from pyarrow import compute

    zone = cells.type.tz
    for unit, pattern in (("s", "%Y-%m-%d %H:%M:%S"), ("us", "%Y-%m-%d %H:%M:%S")):
        try:
            exact = cells.cast(pyarrow.timestamp(unit, zone))
        except pyarrow.ArrowInvalid:
            continue
        if zone is not None:
            return compute.strftime(exact, format=f"{pattern}%z")
        days = compute.floor_temporal(exact, unit="day")
        midnight = compute.all(compute.equal(exact, days)).as_py()
        return compute.strftime(exact, format="%Y-%m-%d" if midnight else pattern)
    raise DataError(
        f"{name}: column {column!r} has times finer than a microsecond",
        "round them to microseconds in the file",
    )
