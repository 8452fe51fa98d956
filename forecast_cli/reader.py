"""CSV -> Panel, strictly: refuse rather than guess, and name file, line, column and value.

pandas parses; the strictness around it is ours: the skeleton of the file (records, fields, quotes) is counted first,
numbers are read as numbers, and only if a column is not numeric a second, textual pass names the cells.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.config import DataSettings, nearest, settings_from
from forecast_cli.errors import DataError, SettingsError, TooLittleDataError
from forecast_cli.panel import Columns, Floats, Note, Panel, TimeFormat, from_series

NIXTLA = ("unique_id", "ds", "y")
SHOWN = 3  # cells, rows or columns named in one message
SAMPLE = 1000  # rows that decide what a column is
DELIMITERS = (",", ";", "\t", "|")

_DATES = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m", "%Y/%m",
    "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%m.%d.%Y",
    "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%m.%d.%y", "%d-%m-%y", "%m-%d-%y",
    "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%b %Y", "%B %Y", "%b-%Y", "%m/%Y", "%m-%Y",
)  # fmt: skip
_CLOCKS = ("", "%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p")
_ZONES = ("", "%z", " %z")
EPOCHS = {"epoch": calendar.SECOND, "epoch-ms": 1000}


def _any_case(word: str) -> list[str]:
    return ["".join(letters) for letters in product(*({c.lower(), c.upper()} for c in word))]


MISSING = frozenset(["", *_any_case("NA"), *_any_case("NaN"), *_any_case("null")])


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The records of a file before any value is read: (R,) the line each begins on, (R,) how many fields it has."""

    lines: Ints
    fields: Ints


@dataclass(frozen=True)
class Source:
    """The text of an input, in UTF-8 and ending with a newline, and what to call it in messages."""

    name: str
    path: str
    text: bytes
    fingerprint: str


@dataclass(frozen=True)
class Roles:
    """Which columns are what, and the columns that no one uses."""

    time: str
    targets: tuple[str, ...]
    id: str
    unused: tuple[str, ...]


def read_csv(
    path: str | os.PathLike[str], settings: DataSettings | None = None, *, content: bytes | None = None, **named: Any
) -> Panel:
    """Read a CSV file (`-`: standard input) into a Panel on its full grid; settings as an object or by name.

    content: the bytes of the CSV, where something else has read the file at `path`.
    Gaps of up to one season are interpolated linearly and noted. Raises DataError (exit 20) for whatever cannot be
    read in one way only, SettingsError for a column that is not there.
    """
    if isinstance(named.get("target"), str):
        named["target"] = [named["target"]]
    settings = settings or settings_from(**named).data
    source, notes = _load(os.fspath(path), content)
    try:
        return _read(source, settings, notes)
    except DataError as error:
        if not error.message.startswith(source.name):
            error.message = f"{source.name}: {error.message}"
        raise


def _read(source: Source, settings: DataSettings, notes: list[Note]) -> Panel:
    delimiter = _delimiter(source)
    source, skeleton, names = _skeleton(source, delimiter, notes)
    if not len(skeleton.lines):
        raise DataError("there is a header but no row", "give a file with data")
    sample = _parse(source, delimiter, names, list(names), rows=SAMPLE, text=list(names))
    roles = _roles(source, sample, settings)
    if roles.unused:
        notes.append(Note("info", f"columns not used: {_some(roles.unused)}"))
    texts = [name for name in (roles.time, roles.id) if name]
    frame = _parse(source, delimiter, names, [*texts, *roles.targets], text=texts)
    if len(frame) != len(skeleton.lines):
        raise DataError("quotes or blank lines make the rows ambiguous", "quote whole fields only, as RFC 4180 says")
    values = {target: _numbers(source, delimiter, names, frame, target, skeleton) for target in roles.targets}
    times, time_format = _times(source, frame, roles.time, settings.date_format, skeleton)
    labels = frame[roles.id].to_numpy(object) if roles.id else None
    if labels is not None and (labels == "").any():
        row = int(np.flatnonzero(labels == "")[0])
        raise DataError(f"{source.name}:{skeleton.lines[row]}: column {roles.id!r} is empty", "give every row an id")
    columns = Columns(roles.time or "step", roles.targets[0] if len(roles.targets) == 1 else "value", roles.id)
    if len(roles.targets) > 1:
        columns = replace(columns, id="unique_id")
    panel = _on_grid(source, roles, times, labels, values, skeleton, settings, notes, columns, time_format)
    reading = replace(
        settings,
        time=roles.time or None,
        target=list(roles.targets),
        id=roles.id or None,
        date_format=settings.date_format or time_format.pattern or None,
    )
    return replace(panel, notes=tuple(notes), source=source.path, fingerprint=source.fingerprint, reading=reading)


# -- the file --------------------------------------------------------------------------------------------------------


def _load(path: str, content: bytes | None = None) -> tuple[Source, list[Note]]:
    notes: list[Note] = []
    if content is not None:
        name, data = path, content
    elif path == "-":
        name, data = "standard input", sys.stdin.buffer.read()
    else:
        name = path
        try:
            with open(path, "rb") as file:
                before = os.fstat(file.fileno())
                data = file.read()
                after = os.fstat(file.fileno())
        except FileNotFoundError:
            raise DataError(f"{path}: no such file", _near_file(path)) from None
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}", "give a CSV file that can be read") from None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(data) != after.st_size > 0:
            raise DataError(f"{path}: the file changed while it was read", "run again when the writer is done")
    fingerprint = hashlib.sha256(data).hexdigest()
    text = _utf8(name, data)
    if not text.strip():
        raise DataError(f"{name}: the file is empty", "give a CSV file with a header and rows")
    full = "-" if path == "-" else str(Path(path).absolute())
    return Source(name, full, text, fingerprint), notes


def _near_file(path: str) -> str:
    try:
        files = [entry.name for entry in os.scandir(Path(path).parent)]
    except OSError:
        return "check the path"
    close = nearest(Path(path).name, files)
    return close if close.startswith("did") else "check the path"


def _utf8(name: str, data: bytes) -> bytes:
    """The text as UTF-8 with single newlines; only UTF-8 and UTF-16 with a byte order mark are taken."""
    try:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            data = data.decode("utf-16").encode()
        else:
            data = data.removeprefix(b"\xef\xbb\xbf")
            data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{name}:{line}: the text is not UTF-8", "save the file as UTF-8") from None
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise DataError(f"{name}:{line}: a NUL byte; this is not a text file", "give a CSV file")
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _delimiter(source: Source) -> str:
    """The one delimiter that splits the header; a comma for a single column."""
    header = source.text.lstrip(b"\n").split(b"\n", 1)[0].decode()
    found = [mark for mark in DELIMITERS if len(next(csv.reader([header], delimiter=mark))) > 1]
    if len(found) > 1:
        found = [mark for mark in found if np.ptp(_records(source.text, mark)[1]) == 0] or found
    if len(found) > 1:
        shown = " or ".join(repr(mark) for mark in found)
        raise DataError(f"{source.name}:1: the header can be split at {shown}", "write the file with commas")
    return found[0] if found else ","


def _records(text: bytes, delimiter: str) -> tuple[Ints, Ints, Ints, bool]:
    """Byte bounds (R + 1,) of the records, their fields (R,), their lines (R,), and whether a quote was left open."""
    raw = np.frombuffer(text if text.endswith(b"\n") else text + b"\n", np.uint8)
    newline, mark = raw == 10, raw == ord(delimiter)
    open_quote = False
    lines = np.flatnonzero(newline)
    if b'"' in text:
        outside = np.bitwise_xor.accumulate((raw == 34).view(np.uint8)) == 0
        open_quote = not outside[-1]
        newline, mark = newline & outside, mark & outside
    ends = np.flatnonzero(newline)
    bounds = np.concatenate([[0], ends + 1])
    fields = np.diff(np.searchsorted(np.flatnonzero(mark), bounds)) + 1
    return bounds, fields, np.searchsorted(lines, bounds[:-1]) + 1, open_quote


def _skeleton(source: Source, delimiter: str, notes: list[Note]) -> tuple[Source, Skeleton, list[str]]:
    """Check the records against the header; leave out a last line that was cut off."""
    text = source.text
    whole = text.endswith(b"\n")
    bounds, fields, lines, open_quote = _records(text, delimiter)
    if open_quote:
        last = _records(text[: text.rindex(b'"')], delimiter)[2]
        raise DataError(f"{source.name}:{last[-1]}: a quote is opened and never closed", "close it, or double it")
    blank = np.diff(bounds) <= 1
    filled = np.flatnonzero(~blank)
    width = int(fields[filled[0]])
    header = next(
        csv.reader([text[bounds[filled[0]] : bounds[filled[0] + 1]].decode().rstrip("\n")], delimiter=delimiter)
    )
    names = [name.strip() for name in header]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"{source.name}:{lines[filled[0]]}: column {repeated[0]!r} is there twice", "rename one of them"
        )
    odd = filled[fields[filled] != width]
    if not whole:
        line = int(lines[filled[-1]])
        if len(odd) and odd[-1] == filled[-1]:
            text, odd, filled = text[: bounds[filled[-1]]], odd[:-1], filled[:-1]
            notes.append(Note("degraded", f"{source.name}:{line}: the last line is cut off and was left out"))
        else:
            text += b"\n"
            notes.append(Note("warning", f"{source.name}:{line}: the last line has no newline; it was used"))
    if len(odd):
        first = int(odd[0])
        raise DataError(
            f"{source.name}:{lines[first]}: {fields[first]} fields where the header has {width}" + _more(len(odd)),
            "quote fields that contain the delimiter, or correct the row",
        )
    return replace(source, text=text), Skeleton(lines[filled[1:]], fields[filled[1:]]), names


def _parse(
    source: Source, delimiter: str, names: list[str], use: list[str], *, text: list[str], rows: int | None = None
) -> pd.DataFrame:
    """The columns `use`, those in `text` as strings without any missing value, the others as pandas infers them."""
    positions = [names.index(name) for name in use]
    strings = {names.index(name): str for name in text}
    missing: Any = {position: sorted(MISSING) for position in positions if position not in strings}
    frame = pd.read_csv(
        io.BytesIO(source.text),
        sep=delimiter,
        header=0,
        names=list(range(len(names))),
        usecols=positions,
        dtype=strings,
        na_values=missing,
        keep_default_na=False,
        index_col=False,
        nrows=rows,
        low_memory=False,
        encoding="utf-8",
    )
    return frame.rename(columns=dict(enumerate(names)))[use]


def _more(count: int) -> str:
    return f" (and {count - 1:,} more)" if count > 1 else ""


def _some(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN:,} more"


# -- the columns -----------------------------------------------------------------------------------------------------


def _roles(source: Source, sample: pd.DataFrame, settings: DataSettings) -> Roles:
    names = list(sample.columns)
    for option, name in [("--time", settings.time), ("--id", settings.id)] + [
        ("--target", target) for target in settings.target or [] if target != "all"
    ]:
        if name is not None and name not in names:
            raise DataError(f"no column {name!r} for {option}", nearest(name, names))
    if all(name in names for name in NIXTLA):
        settings = replace(
            settings,
            id=settings.id or NIXTLA[0],
            time=settings.time or NIXTLA[1],
            target=settings.target or [NIXTLA[2]],
        )
    identity = settings.id or ""
    free = [name for name in names if name != identity]
    time = settings.time or _time_column(sample, [n for n in free if n not in (settings.target or [])])
    free = [name for name in free if name != time]
    numeric = [name for name in free if _is_numeric(sample[name])]
    if settings.target is None:
        if not numeric:
            raise DataError(
                "no column of numbers to forecast", "name it with --target COLUMN" if free else "check the file"
            )
        if len(numeric) > 1:
            raise DataError(
                f"{len(numeric)} columns of numbers: {_some(numeric)}",
                f"pick one with --target {_quoted(numeric[-1])}, or take all with --target all",
            )
        targets = numeric
    elif "all" in settings.target and "all" not in names:
        targets = numeric
    else:
        targets = list(dict.fromkeys(settings.target))
    clash = [name for name in targets if name in (time, identity)]
    if clash or (time and time == identity):
        raise SettingsError(f"column {(clash or [time])[0]!r} cannot be two things at once", "name different columns")
    if not targets:
        raise DataError("no column of numbers to forecast", "name it with --target COLUMN")
    if identity and len(targets) > 1:
        raise SettingsError("--id goes with one target", "name one --target")
    unused = tuple(name for name in names if name not in (time, identity, *targets))
    return Roles(time, tuple(targets), identity, unused)


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.%-]+", name) else f"'{name}'"


def _is_numeric(cells: pd.Series[Any]) -> bool:
    """Most of the cells are numbers: a few bad ones make it a column of numbers with errors, not a text."""
    given = cells[~cells.isin(MISSING)]
    return len(given) > 0 and bool(pd.to_numeric(given, errors="coerce").notna().mean() >= 0.5)


def _time_column(sample: pd.DataFrame, names: list[str]) -> str:
    """The only column whose first cell is a date; an empty text if there is none."""
    found = [name for name in names if len(sample) and _formats(_first(sample[name]))]
    if len(found) > 1:
        raise DataError(f"{len(found)} columns of dates: {_some(found)}", f"pick one with --time {_quoted(found[0])}")
    return found[0] if found else ""


def _first(cells: pd.Series[Any]) -> str:
    given = cells[cells.str.strip() != ""]
    return str(given.iloc[0]).strip() if len(given) else ""


def _formats(cell: str) -> list[str]:
    """Every strptime format that reads this cell."""
    if len(cell) < 6 or not re.search(r"\D", cell):
        return []
    found = []
    for date, clock, zone in product(_DATES, _CLOCKS, _ZONES):
        for between in (" ", "T") if clock else ("",):
            pattern = f"{date}{between}{clock}{zone if clock else ''}"
            try:
                datetime.strptime(cell, pattern)
            except ValueError:
                continue
            found.append(pattern)
    return list(dict.fromkeys(found))


def _times(
    source: Source, frame: pd.DataFrame, name: str, pattern: str | None, skeleton: Skeleton
) -> tuple[Ints | None, TimeFormat]:
    """Microseconds since 1970 in UTC, (R,), and how the file writes them; None for rows without a time."""
    if not name:
        if pattern:
            raise SettingsError("--date-format without a time column", "name the column with --time COLUMN")
        return None, TimeFormat()
    codes, distinct = pd.factorize(frame[name].str.strip())
    cells = pd.Series(np.asarray(distinct, dtype=object), dtype=str)

    def line(position: int) -> int:
        return int(skeleton.lines[np.flatnonzero(codes == position)[0]])

    empty = np.flatnonzero(cells.isin(MISSING))
    if len(empty):
        raise DataError(f"{source.name}:{line(int(empty[0]))}: column {name!r}: no time", "give every row a time")
    if pattern in EPOCHS:
        parsed = {pattern: pd.to_numeric(cells, errors="coerce") * EPOCHS[pattern]}
        patterns, pattern = [pattern], "%Y-%m-%d %H:%M:%S"
        results = {pattern: parsed[patterns[0]]}
    else:
        patterns = [pattern] if pattern else _formats(cells.iloc[0])
        if not pattern and cells.str.fullmatch(r"[12]\d{3}").all():
            patterns = ["%Y"]
        if not patterns:
            digits = cells.iloc[0].isdigit()
            raise DataError(
                f"{source.name}:{line(0)}: column {name!r}: {cells.iloc[0]!r} is not a date that can be read in one way only",
                "say --date-format %Y%m%d, epoch or epoch-ms"
                if digits
                else "say what it is with --date-format, e.g. %d/%m/%Y",
            )
        results = {p: _parsed(cells, p) for p in patterns}
    good = {p: r for p, r in results.items() if r.notna().all()}
    if not good:
        best = max(results, key=lambda p: int(results[p].notna().sum()))
        bad = np.flatnonzero(results[best].isna())
        raise DataError(
            f"{source.name}:{line(int(bad[0]))}: column {name!r}: {cells.iloc[int(bad[0])]!r} is not a date like the others "
            f"({best})" + _more(len(bad)),
            "write all dates in one format, or name theirs with --date-format",
        )
    distinct_readings = {p: r for p, r in good.items() if not r.equals(next(iter(good.values())))}
    first = next(iter(good))
    if distinct_readings:
        other = next(iter(distinct_readings))
        raise DataError(
            f"column {name!r}: {cells.iloc[0]!r} could be {first} or {other}, and so could every other row",
            f"say --date-format {first} or --date-format {other}",
        )
    offset = ""
    if "%z" in first:
        offset = re.search(r"(Z|[+-]\d\d:?\d\d)$", str(frame[name].iloc[-1]).strip())[0]  # type: ignore[index]
    return good[first].to_numpy(np.int64)[codes], TimeFormat(first, offset)


def _parsed(cells: pd.Series[Any], pattern: str) -> pd.Series[Any]:
    """Microseconds, or NaN where the pattern does not fit."""
    try:
        stamps = pd.to_datetime(cells, format=pattern, errors="coerce", utc="%z" in pattern)
    except ValueError as error:
        raise SettingsError(f"--date-format {pattern!r}: {error}", "write it like %Y-%m-%d %H:%M") from None
    micro = pd.DatetimeIndex(stamps).as_unit("us")
    return pd.Series(np.where(micro.isna(), np.nan, micro.asi8.astype(np.float64)))


def _numbers(
    source: Source, delimiter: str, names: list[str], frame: pd.DataFrame, target: str, skeleton: Skeleton
) -> Floats:
    column = frame[target]
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        cells = _parse(source, delimiter, names, [target], text=[target])[target].str.strip()
        numbers = pd.to_numeric(cells.where(~cells.isin(MISSING)), errors="coerce")
        bad = np.flatnonzero(numbers.isna() & ~cells.isin(MISSING))
        if len(bad):
            shown = [
                f"{source.name}:{skeleton.lines[r]}: column {target!r}: {cells.iloc[r]!r} is not a number"
                for r in bad[:SHOWN]
            ]
            rest = f" (and {len(bad) - SHOWN:,} more)" if len(bad) > SHOWN else ""
            raise DataError("; ".join(shown) + rest, "correct these cells; missing values are empty, NA, NaN or null")
        column = numbers
    values: Floats = column.to_numpy(np.float64)
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        line = skeleton.lines[infinite[0]]
        raise DataError(
            f"{source.name}:{line}: column {target!r} is infinite or overflows" + _more(len(infinite)),
            "correct these cells, or leave them empty",
        )
    huge = np.flatnonzero(np.abs(values) > 1e150)
    if len(huge):
        line = skeleton.lines[huge[0]]
        raise DataError(
            f"{source.name}:{line}: column {target!r}: {float(values[huge[0]])!r} is too large", "scale the column"
        )
    return values


# -- the grid --------------------------------------------------------------------------------------------------------


def _on_grid(
    source: Source, roles: Roles, times: Ints | None, labels: NDArray[Any] | None, values: dict[str, Floats],
    skeleton: Skeleton, settings: DataSettings, notes: list[Note], columns: Columns, time_format: TimeFormat,
) -> Panel:  # fmt: skip
    """Sort, check for repeated times, find the frequency, and lay every series on its full grid."""
    rows = len(skeleton.lines)
    codes = np.zeros(rows, np.int64)
    ids = [""]
    if labels is not None:
        codes, distinct = pd.factorize(labels)
        ids = [str(label) for label in distinct]
    if times is None:
        order = np.argsort(codes, kind="stable")
        starts = np.searchsorted(codes[order], np.arange(len(ids)))
        counts = np.diff(np.append(starts, rows))
        positions = np.arange(rows) - np.repeat(starts, counts)
        frequency = calendar.STEPS
    else:
        order = np.lexsort((times, codes))
        if (np.diff(times[np.argsort(codes, kind="stable")]) < 0)[np.diff(np.sort(codes)) == 0].any():
            notes.append(Note("info", "the rows were not in order of time; they were sorted"))
        sorted_times, sorted_codes = times[order], codes[order]
        _refuse_repeated(source, roles, sorted_times, sorted_codes, ids, order, skeleton)
        starts = np.searchsorted(sorted_codes, np.arange(len(ids)))
        if rows < 2 or len(starts) == rows:
            raise TooLittleDataError("one row a series is too little to see a step", "give at least two rows a series")
        frequency = calendar.infer(sorted_times, starts)
        positions = calendar.ordinals(frequency, sorted_times)
    bounds = np.append(starts, rows)
    series: list[Floats] = []
    first: list[int] = []
    kept: list[str] = []
    filled, left_out = 0, []
    limit = max([1, *(config_seasons(settings, frequency)[:1])])
    for number, target in ((n, t) for n in range(len(ids)) for t in roles.targets):
        label = target if len(roles.targets) > 1 else ids[number]
        span = slice(bounds[number], bounds[number + 1])
        at, given = positions[span], values[target][order[span]]
        present = np.flatnonzero(~np.isnan(given))
        if not len(present):
            left_out.append(label)
            continue
        if present[-1] < len(given) - 1:
            notes.append(
                Note(
                    "info",
                    f"{_where(label)}the last {len(given) - 1 - present[-1]:,} rows have no value and were left out",
                )
            )
        at, given = at[present[0] : present[-1] + 1], given[present[0] : present[-1] + 1]
        grid = np.full(int(at[-1] - at[0]) + 1, np.nan) if at[-1] - at[0] < 50 * len(at) + 1000 else None
        if grid is None:
            raise DataError(
                f"{_where(label)}more than 98 % of the steps are missing", "bring the rows to one step first"
            )
        grid[at - at[0]] = given
        filled += _interpolate(grid, limit, label, int(at[0]), frequency)
        series.append(grid)
        first.append(int(at[0]))
        kept.append(label)
    if left_out:
        notes.append(Note("degraded", f"series without a single value were left out: {_some(left_out)}"))
    if not series:
        raise DataError(f"column {roles.targets[0]!r} has no value at all", "check the column")
    if filled:
        notes.append(Note("info", f"{filled:,} missing steps were interpolated"))
    return from_series(series, frequency, ids=kept, first=first, columns=columns, time_format=time_format)


def config_seasons(settings: DataSettings, frequency: calendar.Frequency) -> tuple[int, ...]:
    """The season lengths that the user named, else those of the frequency."""
    from forecast_cli import config

    named = config.seasons(settings.season)
    return named if named is not None else calendar.season_lengths(frequency)


def _where(label: str) -> str:
    return f"series {label!r}: " if label else ""


def _refuse_repeated(
    source: Source, roles: Roles, times: Ints, codes: Ints, ids: list[str], order: Ints, skeleton: Skeleton
) -> None:
    same = np.flatnonzero((np.diff(times) == 0) & (np.diff(codes) == 0))
    if not len(same):
        return
    lines = sorted(int(skeleton.lines[order[i]]) for i in (same[0], same[0] + 1))
    stamp = times[same[:1]].view("datetime64[us]")[0].astype("datetime64[s]")
    hint = "keep one row for each time"
    if not roles.id and roles.unused:
        hint += f"; if the file holds several series, name their column: --id {_quoted(roles.unused[0])}"
    raise DataError(
        f"{source.name}:{lines[0]} and {lines[1]}: {_where(ids[codes[same[0]]])}the time {stamp} is there twice"
        + _more(len(same)),
        hint,
    )


def _interpolate(grid: Floats, limit: int, label: str, first: int, frequency: calendar.Frequency) -> int:
    """Fill runs of NaN of up to `limit` steps linearly, in place; return how many steps. Longer runs are refused."""
    holes = np.isnan(grid)
    if not holes.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], holes.view(np.int8), [0]])))
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    if ends[longest] - begins[longest] > limit:
        start = calendar.times_at(frequency, np.array([first + begins[longest]]))
        stamp = (
            f"step {start[0]}"
            if frequency.kind == "step"
            else str(start.view("datetime64[us]")[0].astype("datetime64[s]"))
        )
        raise DataError(
            f"{_where(label)}a gap of {ends[longest] - begins[longest]:,} steps begins at {stamp}; "
            f"gaps of up to {limit:,} (one season) are interpolated",
            "fill the gap in the file, or start after it",
        )
    grid[holes] = np.interp(np.flatnonzero(holes), np.flatnonzero(~holes), grid[~holes])
    return int(holes.sum())
