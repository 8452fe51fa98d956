"""Parquet in and out. What is read goes through the strict reader as CSV, so that both formats
obey the same rules.

The only pyarrow, which is an extra: it is imported when a Parquet file is read or written, and
not before.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import io
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import nearest
from forecast_cli.reading.dated_layout import has_dates_as_columns
from forecast_cli.reading.roles import ALL, named_time, with_usual_names
from forecast_cli.reading.source import read_file
from forecast_cli.settings import DataSettings

if TYPE_CHECKING:
    import pyarrow

ENDINGS = (".parquet", ".pq")
# Settings of text files.
TEXTUAL = (
    *("delimiter", "decimal", "thousands", "encoding"),
    *("skip_rows", "footer", "comment", "header"),
)
ROLES = ("time", "target", "id", "past", "future", "static", "weight")


@dataclass(frozen=True, eq=False)
class ParquetText:
    """A Parquet file as CSV. settings: without those of text files; unused: the columns that
    are left out.
    """

    content: bytes
    settings: DataSettings
    unused: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, eq=False)
class ZonedTimes:
    """Instants as datetime64[us] in UTC, of a file whose times have an offset."""

    times: Any


def is_named_so(path: str | os.PathLike[str]) -> bool:
    """Whether a path has the ending of a Parquet file."""
    return os.fspath(path).lower().endswith(ENDINGS)


def to_csv(path: str, settings: DataSettings) -> ParquetText:
    """A Parquet file as CSV: ISO times, numbers in shortest round-trip form, missing values
    empty.

    Line numbers in errors count the names of the columns as line 1. Raises SettingsError
    without pyarrow, DataError for what cannot be read.
    """
    data, _ = read_file(path, "Parquet")
    _library()
    table, settings, unused = _read_table(path, data, settings)
    content = _write_csv(path, table)

    defaults: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        if field.name in TEXTUAL:
            defaults[field.name] = field.default

    fingerprint = hashlib.sha256(data).hexdigest()
    return ParquetText(content, replace(settings, **defaults), tuple(unused), fingerprint)


def to_parquet(columns: dict[str, Any]) -> bytes:
    """A Parquet file of columns: texts, numbers, or times as datetime64 or ZonedTimes.

    Raises SettingsError without pyarrow.
    """
    pyarrow = _library()
    from pyarrow import parquet

    arrays = {}
    for name, column in columns.items():
        if isinstance(column, ZonedTimes):
            arrays[name] = pyarrow.array(column.times, pyarrow.timestamp("us", "UTC"))
        else:
            arrays[name] = pyarrow.array(column)

    target = io.BytesIO()
    parquet.write_table(pyarrow.table(arrays), target)
    return target.getvalue()


def require_parquet() -> None:
    """Raise SettingsError where Parquet can be neither read nor written. pyarrow is not loaded."""
    if importlib.util.find_spec("pyarrow") is None:
        raise _no_library()


def _library() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise _no_library() from None
    return pyarrow


def _no_library() -> SettingsError:
    return SettingsError(
        "Parquet needs pyarrow, which is not installed",
        "install it: pip install 'forecast-cli[parquet]'",
    )


def _read_table(
    path: str, data: bytes, settings: DataSettings
) -> tuple[pyarrow.Table, DataSettings, list[str]]:
    """The columns that may be needed, the settings with the id that they imply, and the names
    of the others.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(data))
        names = list(file.schema_arrow.names)
        if len(set(names)) < len(names):
            raise DataError(
                f"{path}: several columns have the same name",
                "give each column a name of its own",
                path=path,
            )
        wanted, settings = _wanted(path, file.schema_arrow, settings)
        _check_kinds(path, file.schema_arrow, wanted)
        table = file.read(columns=wanted)
    except (pyarrow.ArrowException, OSError) as error:
        text = " ".join(str(error).split())
        raise DataError(
            f"{path}: this is not a Parquet file that can be read: {text}",
            "write the file again",
            path=path,
        ) from None
    return table, settings, [name for name in names if name not in wanted]


def _wanted(path: str, schema: Any, settings: DataSettings) -> tuple[list[str], DataSettings]:
    """The columns to read: those that are named where times and targets are, else all that can
    be read.

    The settings come back with the usual names for what they leave open: the columns that imply
    those names may be left out.
    """
    names = list(schema.names)
    is_named = named_time(settings, names) and settings.target and settings.target != [ALL]
    if is_named and not has_dates_as_columns(names):
        settings = with_usual_names(settings, names)
        return _named(path, settings, names), settings

    named = _named(path, settings, names)
    wanted = [name for name in names if _is_usable(schema.field(name).type) or name in named]
    return wanted, settings


def _check_kinds(path: str, schema: Any, wanted: list[str]) -> None:
    """Raise DataError for a named column whose values are no numbers, texts or times."""
    for name in wanted:
        kind = schema.field(name).type
        if not _is_usable(kind):
            raise DataError(
                f"{path}: column {name!r} holds {kind}",
                "name a column of numbers, texts or times",
                path=path,
                column=name,
            )


def _named(path: str, settings: DataSettings, names: list[str]) -> list[str]:
    """The columns that settings name, in the order of the file.

    Raises DataError for one that is not there.
    """
    named: list[str] = []
    for role in ROLES:
        of_role = _named_by(role, settings, names)
        _refuse_missing(path, role, of_role, names)
        named += of_role

    for condition in settings.where or []:
        named += [name for name in names if condition.startswith(f"{name}=")]
    return [name for name in names if name in named]


def _named_by(role: str, settings: DataSettings, names: list[str]) -> list[str]:
    """The columns that the setting of a role names."""
    setting = getattr(settings, role) or []
    words = [setting] if isinstance(setting, str) else setting
    if role != "time":
        return list(words)

    # A time may be spread over several columns, with commas between their names.
    named: list[str] = []
    for word in words:
        named += [word] if word in names else word.split(",")
    return named


def _refuse_missing(path: str, role: str, named: list[str], names: list[str]) -> None:
    """Raise DataError for a column that is not there."""
    missing = [name for name in named if name not in names and name != ALL]
    if missing:
        raise DataError(
            f"{path}: no column {missing[0]!r} for --{role}",
            nearest(missing[0], names),
            path=path,
            column=missing[0],
        )


def _is_usable(kind: Any) -> bool:
    """Whether the values of a column can be a number, a text or a time."""
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type

    tests = (
        *(types.is_integer, types.is_floating, types.is_decimal, types.is_boolean),
        *(types.is_string, types.is_large_string, types.is_string_view),
        *(types.is_date, types.is_time, types.is_timestamp, types.is_null),
    )
    return any(test(kind) for test in tests)


# -- as text -----------------------------------------------------------------------------------


def _write_csv(path: str, table: pyarrow.Table) -> bytes:
    import pyarrow
    from pyarrow import csv

    target = io.BytesIO()
    try:
        columns = [_column(path, field.name, table.column(field.name)) for field in table.schema]
        csv.write_csv(pyarrow.table(columns, names=table.schema.names), target)
    except pyarrow.ArrowException as error:
        text = " ".join(str(error).split())
        raise DataError(
            f"{path}: a column cannot be written as text: {text}", "write the file again", path=path
        ) from None
    return target.getvalue()


def _column(path: str, name: str, cells: Any) -> Any:
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
        return _times(path, name, cells)

    if types.is_integer(kind):
        return cells
    return cells.cast(pyarrow.string())


def _times(path: str, name: str, cells: Any) -> Any:
    """Times as texts: dates where all are at midnight, with an offset where the column has a
    zone.
    """
    import pyarrow
    from pyarrow import compute

    pattern, zone = "%Y-%m-%d %H:%M:%S", cells.type.tz
    for unit in ("s", "us"):
        try:
            exact = cells.cast(pyarrow.timestamp(unit, zone))
        except pyarrow.ArrowInvalid:
            # The times are finer than this unit.
            continue
        if zone is not None:
            return compute.strftime(exact, format=f"{pattern}%z")
        days = compute.floor_temporal(exact, unit="day")
        are_days = compute.all(compute.equal(exact, days)).as_py()
        return compute.strftime(exact, format="%Y-%m-%d" if are_days else pattern)

    raise DataError(
        f"{path}: column {name!r} has times finer than a microsecond",
        "round them to microseconds in the file",
        path=path,
        column=name,
    )
