"""CSV -> Panel, strictly: refuse rather than guess, and name file, line, column and value.

pandas parses; the strictness around it is ours: the skeleton of the file (records, fields, quotes) is checked first,
numbers are read as numbers and times from their bytes, and only if that fails a second, textual pass names the cells.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.config import DataSettings, nearest, settings_from
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import Note, and_more, listed
from forecast_cli.panel import Columns, Floats, Panel, TimeFormat
from forecast_cli.reading import dates, grid, marks, numerals, placeholders, skips, transposed
from forecast_cli.reading.grid import Rows
from forecast_cli.reading.numerals import PLAIN, Convention
from forecast_cli.reading.skips import Skipped
from forecast_cli.reading.source import EXPANDED, SAMPLE, Table, load, table

NIXTLA = ("unique_id", "ds", "y")
SHOWN = 3  # cells named in one message
CHUNK = 1 << 18  # rows parsed at once
SMALL_CHUNK = (
    1 << 15
)  # where no texts are made: what is in the cache is parsed faster, and takes less memory
AT_ONCE = 1 << 20  # cells that are texts at the same time
ROOM = 16  # bytes, rounded to words, by which an id may be longer than those of the first rows
FREED = 30 << 20  # bytes; glibc learns from blocks of up to 32 MiB
LEVELS = 50  # distinct texts of a covariate
MOST = 1e150  # of a number
Levels = dict[str, tuple[str, ...]]
Sample = dict[str, list[str]]


def _any_case(word: str) -> list[str]:
    return ["".join(letters) for letters in product(*({c.lower(), c.upper()} for c in word))]


MISSING = frozenset(["", *_any_case("NA"), *_any_case("NaN"), *_any_case("null")])
_TIME_NAMES = ("ds", "date", "datetime", "time", "timestamp", "day", "week", "month", "quarter")


@dataclass(frozen=True)
class Roles:
    """Which columns are what. `time` has several names where it is spread over columns, none for rows without."""

    time: tuple[str, ...]
    targets: tuple[str, ...]
    id: str
    covariates: tuple[str, ...]
    texts: tuple[str, ...]  # the covariates that are not numbers
    unused: tuple[str, ...]
    rows_are_series: bool = False  # of a file with dates as columns


@dataclass(frozen=True, eq=False)
class Cells:
    """The columns of a table, read: (R,) each. `bad`: rows that `--bad-rows skip` leaves out.

    written: how the numbers of a column are written, in words; an empty text for plain ones.
    """

    times: Ints | None
    time_format: TimeFormat
    texts: dict[str, tuple[Ints, list[str]]]
    numbers: dict[str, Floats]
    bad: NDArray[np.bool_]
    written: dict[str, str]


def read_csv(
    path: str | os.PathLike[str],
    settings: DataSettings | None = None,
    *,
    levels: Levels | None = None,
    expanded: int = EXPANDED,
    content: bytes | None = None,
    **named: Any,
) -> Panel:
    """Read a CSV file (`-`: standard input) into a Panel on its full grid; settings as an object or by name.

    levels: those of the text covariates of an earlier reading, to be kept; expanded: the most bytes that a .gz file may
    expand to; content: the bytes, where something else has read the file at `path`. Gaps and repeated times are treated as the settings say, and noted. Raises DataError (exit 20) for
    whatever cannot be read in one way only, SettingsError for settings that do not go together.
    """
    for name in ("target", "past", "future", "static"):
        if isinstance(named.get(name), str):
            named[name] = [named[name]]
    settings = settings or settings_from(**named).data
    notes: list[Note] = []
    np.empty(
        FREED, np.uint8
    )  # freed at once, it has malloc keep what one piece of the file frees for the next one
    source = load(os.fspath(path), settings.encoding, expanded=expanded, content=content)
    name, full, fingerprint = source.name, source.path, source.fingerprint
    try:
        records = table(source, settings, notes)
        del source
        if not records.rows:
            raise _no_row(records, settings)
        sample = _sample(records)
        layout = transposed.layout(records.names, sample, settings, notes)
        if layout is None:
            rows, time_format, columns, reading, written = _from_rows(
                records, sample, settings, levels, notes
            )
        else:
            rows, time_format, columns, reading, written = _from_columns(
                records, sample, layout, settings, notes
            )
        del records  # the text is not needed on the grid
        panel = grid.lay(rows, settings, columns, time_format, notes)
    except DataError as error:
        error.name_file(name)
        raise
    found = replace(panel, notes=tuple(notes), written=written, reading=reading)
    return replace(found, source=full, fingerprint=fingerprint.result())


def _from_rows(
    records: Table, sample: Sample, settings: DataSettings, levels: Levels | None, notes: list[Note]
) -> tuple[Rows, TimeFormat, Columns, DataSettings, dict[str, str]]:
    """The rows of a file that has its times in rows, the settings that read it again, and how its numbers are written."""
    roles = _roles(records, sample, settings, levels, notes)
    if roles.unused:
        notes.append(
            Note(
                "columns_not_used",
                "info",
                f"columns not used: {listed(roles.unused)}",
                {"columns": roles.unused},
            )
        )
    time_name = "step" if not roles.time else roles.time[0] if len(roles.time) == 1 else "time"
    columns = Columns(time_name, roles.targets[0] if len(roles.targets) == 1 else "value", roles.id)
    if len(roles.targets) > 1:
        columns = replace(columns, id="unique_id")
    cells = _cells(records, sample, roles, settings, notes)
    series = cells.texts[roles.id][0] if roles.id else None
    _check_placeholders(
        _numbers_in_rows(records, cells, settings.static or []), settings, notes, series
    )
    rows, time_format = _rows(records, roles, cells, settings, levels, notes)
    reading = replace(
        settings,
        time=settings.time if len(roles.time) > 1 else (roles.time or (None,))[0],
        target=list(roles.targets),
        id=roles.id or None,
        date_format=settings.date_format
        or ([time_format.pattern] if len(roles.time) == 1 else None),
    )
    written = {name: how for name, how in cells.written.items() if how}
    return rows, time_format, columns, reading, written


def _from_columns(
    records: Table,
    sample: Sample,
    layout: transposed.Layout,
    settings: DataSettings,
    notes: list[Note],
) -> tuple[Rows, TimeFormat, Columns, DataSettings, dict[str, str]]:
    """The same of a file that has its times in columns."""
    if layout.unused:
        notes.append(
            Note(
                "columns_not_used",
                "info",
                f"columns not used: {listed(layout.unused)}",
                {"columns": layout.unused},
            )
        )
    roles = Roles(
        (), layout.numbers, "", (), layout.texts, layout.unused, rows_are_series=not layout.beside
    )
    cells = _cells(records, sample, roles, replace(settings, date_format=None), notes)
    time_format = transposed.time_format(layout, sample)
    if settings.timezone:
        layout, time_format = _columns_in_zone(layout, time_format, settings.timezone)

    name, first, lines = records.source.name, records.first, records.lines

    def place(row: int) -> str:
        return f"{name}:{first + row if lines is None else int(lines[row])}"

    rows = transposed.rows(layout, cells.numbers, cells.texts, cells.bad, place)
    _check_placeholders(_numbers_in_columns(rows), settings, notes, rows.codes)
    pattern = layout.header.pattern
    reading = replace(
        settings, date_format=settings.date_format or ([pattern] if pattern else None)
    )
    return rows, time_format, layout.columns, reading, {}


def _columns_in_zone(
    layout: transposed.Layout, how: TimeFormat, name: str
) -> tuple[transposed.Layout, TimeFormat]:
    """The times of the columns in the named zone. Months and years are the same everywhere."""
    dates.zone(name)
    header = layout.header
    if layout.beside:
        return layout, replace(how, timezone=name, wall=True)
    one = np.zeros(len(header.times), np.int64)
    times, how = _in_zone(
        header.times, one, how, name, "date", lambda at: f"column {header.names[at]!r}"
    )
    return replace(layout, header=replace(header, times=times)), how


def read_future_values(path: str | os.PathLike[str], panel: Panel, settings: DataSettings) -> Panel:
    """The panel with `ahead` filled from a CSV of its known-future covariates, under the settings that it was read with.

    Rows inside the past are ignored, steps that are not in the file are NaN. Raises DataError for times off the grid.
    """
    wanted = settings.future or []
    if not wanted:
        raise SettingsError(
            "there are no known-future covariates to read", "name them with --future when training"
        )
    notes: list[Note] = []
    source = load(os.fspath(path), settings.encoding)
    try:
        records = table(source, settings, notes)
        time = (
            tuple(settings.time.split(","))
            if settings.time and settings.time not in records.names
            else ()
        )
        time = time or ((settings.time,) if settings.time else ())
        identity = settings.id or ""
        for column in (*time, *((identity,) if identity else ()), *wanted):
            if column not in records.names:
                raise DataError(f"no column {column!r}", nearest(column, list(records.names)))
        if not records.rows:
            raise _no_row(records, settings)
        texts = tuple(name for name in wanted if name in panel.levels)
        roles = Roles(time, (), identity, tuple(wanted), texts, ())
        cells = _cells(records, _sample(records), roles, settings, notes)
        series, known = _with_history(panel, cells, roles)
        _check_placeholders(_numbers_in_rows(records, cells, []), settings, notes, series, known)
        rows, _ = _rows(records, roles, cells, settings, panel.levels, notes)
        ahead = _ahead(rows, panel, wanted, notes)
    except DataError as error:
        error.name_file(source.name)
        raise
    return replace(panel, ahead=ahead, notes=(*panel.notes, *notes))


def _no_row(records: Table, settings: DataSettings) -> DataError:
    """The error for a file that has no row, or none that is not left out."""
    total = sum(len(group.lines) for group in records.skipped)
    if total and skips.too_many(total, total, settings.max_skipped):
        return skips.refuse_many(list(records.skipped), total)
    return DataError("there is a header but no row", "give a file with data")


def _ahead(rows: Rows, panel: Panel, wanted: list[str], notes: list[Note]) -> Floats:
    """Values at the steps after the last row of each series, (S, A, F)."""
    numbers = {label: number for number, label in enumerate(rows.ids)}
    by_series = bool(panel.reading.id) or len(rows.ids) > 1
    extra = [label for label in rows.ids if label not in set(panel.ids)] if by_series else []
    if extra:
        notes.append(
            Note(
                "series_ignored",
                "info",
                f"future values of series that are not forecast were ignored: {listed(extra)}",
            )
        )
    positions = None if rows.times is None else calendar.ordinals(panel.frequency, rows.times)
    lines: list[list[Floats]] = []
    for index, label in enumerate(panel.ids):
        own = (
            np.flatnonzero(rows.codes == numbers.get(label, -1))
            if by_series
            else np.arange(len(rows.codes))
        )
        step = np.arange(len(own)) if positions is None else positions[own]
        if positions is not None:
            step = step - int(panel.first[index]) - int(panel.lengths[index])
        own, step = own[step >= 0], step[step >= 0]
        order = np.argsort(step, kind="stable")
        same = np.flatnonzero(np.diff(step[order]) == 0)
        if len(same):
            raise DataError(
                f"{rows.place(int(own[order[same[0] + 1]]))}: {grid.where(label)}this time is there twice",
                "keep one row for each time",
            )
        if len(step) and step.max() > 1_000_000:
            raise DataError(
                f"{rows.place(int(own[step.argmax()]))}: the time is too far ahead of the last row",
                "check the times",
            )
        line = np.full((int(step.max()) + 1 if len(step) else 0, len(wanted)), np.nan)
        for place, name in enumerate(wanted):
            line[step, place] = rows.covariates[name][own]
        lines.append([line[:, place] for place in range(len(wanted))])
    return grid.stacked(lines, wanted, panel.levels)


# -- parsing ---------------------------------------------------------------------------------------------------------


class _Rest:
    """The rest of a text as a file of bytes: pandas would decode a `BytesIO`, only to encode it again."""

    def __init__(self, text: bytes, at: int) -> None:
        self.text, self.at = text, at

    def __iter__(self) -> Iterator[bytes]:  # pandas takes what has this for a file
        raise NotImplementedError

    def read(self, size: int = -1) -> bytes:
        low = self.at
        self.at = min(low + size, len(self.text)) if size >= 0 else len(self.text)
        return self.text[low : self.at]


def _frames(
    records: Table, texts: list[str], numbers: list[str], *, missing: list[str], decimal: str = ".",
    sizes: dict[str, int] | None = None,
) -> Iterator[pd.DataFrame]:  # fmt: skip
    """The columns of a table, some rows at a time: texts as they are, numbers as float64 (else ValueError).

    sizes: texts that are wanted as bytes, of which at most so many are read.
    """
    places = {name: place for place, name in enumerate(records.names)}
    at = {name: places[name] for name in (*texts, *numbers)}
    sizes = sizes or {}
    # never "category", whose texts pandas turns into numbers where it can: 007 into 7
    kinds: dict[Any, Any] = {
        at[name]: f"S{sizes[name]}" if name in sizes else object for name in texts
    }
    chunk = CHUNK if len(sizes) < len(texts) else SMALL_CHUNK
    kinds |= {at[name]: np.float64 for name in numbers}
    nulls: Any = {at[name]: missing for name in numbers}
    rest: Any = _Rest(records.source.text, records.body)
    reader: Any = pd.read_csv(
        rest, sep=records.delimiter, header=None, names=list(range(len(records.names))), usecols=sorted(at.values()),
        dtype=kinds, na_values=nulls, keep_default_na=False, index_col=False, chunksize=min(chunk, max(records.rows, 1)),
        low_memory=False, encoding="utf-8", decimal=decimal,
    )  # fmt: skip
    names = {position: name for name, position in at.items()}
    rows = 0
    with reader, ThreadPoolExecutor(1, thread_name_prefix="parser") as worker:
        coming = worker.submit(next, reader, None)
        while (frame := coming.result()) is not None:
            coming = worker.submit(
                next, reader, None
            )  # pandas parses the next chunk while this one is used
            rows += len(frame)
            if rows > records.rows:
                break
            yield frame.rename(columns=names)
    if rows != records.rows:
        raise DataError(
            "quotes or blank lines make the rows ambiguous",
            "quote whole fields only, as RFC 4180 says",
        )


def _text_columns(records: Table, names: list[str]) -> Iterator[tuple[str, int, pd.Series[Any]]]:
    """Columns as texts, some rows at a time: their names, first rows and cells.

    Where rows are few and columns many, one pass over the text reads several columns.
    """
    together = max(AT_ONCE // max(records.rows, 1), 1)
    for low in range(0, len(names), together):
        wanted, start = names[low : low + together], 0
        for frame in _frames(records, wanted, [], missing=[]):
            for name in wanted:
                yield name, start, frame[name]
            start += len(frame)


def _missing(settings: DataSettings) -> list[str]:
    return sorted(MISSING | set(settings.null or []))


def _distinct(column: pd.Series[Any]) -> tuple[Ints, list[str]]:
    """The distinct texts of a column in order of appearance, and the number of each row's."""
    cells = column.to_numpy()
    if cells.dtype.kind != "S":
        numbers, distinct = pd.factorize(cells)
        return numbers.astype(np.int64, copy=False), list(distinct)
    words = cells.view(np.uint64).reshape(len(cells), -1)  # these numpy compares faster than texts
    changes = np.unique(np.flatnonzero(words[1:] != words[:-1]) // words.shape[1]) + 1
    begins = np.concatenate([[0], changes])
    numbers, distinct = pd.factorize(cells[begins].astype(object))
    lengths = np.diff(begins, append=len(cells))
    return np.repeat(numbers, lengths).astype(np.int64, copy=False), [
        text.decode() for text in distinct
    ]


def _is_cut(column: pd.Series[Any]) -> bool:
    """Whether a text may be longer than the bytes that were read of it."""
    cells = column.to_numpy()
    return bool(cells.view(np.uint8)[cells.itemsize - 1 :: cells.itemsize].any())


def _sample(records: Table) -> Sample:
    """The texts of the first rows, by column."""
    text = records.source.text
    end = len(text)
    if end > records.body + SAMPLE:
        end = text.rfind(b"\n", records.body, records.body + SAMPLE) + 1
        while b'"' in text[records.body : end] and text.count(b'"', records.body, end) % 2:
            end = text.find(b"\n", end) + 1
        if end <= records.body:
            end = text.find(b"\n", records.body) + 1
    frame = pd.read_csv(
        io.BytesIO(text[records.body : end]), sep=records.delimiter, header=None, names=list(range(len(records.names))),
        usecols=list(range(len(records.names))), dtype=str, keep_default_na=False, index_col=False, encoding="utf-8",
    )  # fmt: skip
    return {
        name: [str(cell).strip() for cell in frame[at]] for at, name in enumerate(records.names)
    }


# -- roles -----------------------------------------------------------------------------------------------------------


def _roles(
    records: Table, sample: Sample, settings: DataSettings, levels: Levels | None, notes: list[Note]
) -> Roles:
    names, missing = list(records.names), set(_missing(settings))
    if all(name in names for name in NIXTLA):
        settings = replace(
            settings, id=settings.id or NIXTLA[0], time=settings.time or NIXTLA[1], target=settings.target or [NIXTLA[2]]
        )  # fmt: skip
    joined = tuple(settings.time.split(",")) if settings.time and settings.time not in names else ()
    time = joined if len(joined) > 1 else (settings.time,) if settings.time else ()
    covariates = [*(settings.past or []), *(settings.future or []), *(settings.static or [])]
    asked = (
        [("--time", name) for name in time] + [("--id", settings.id)]
        if settings.id
        else [("--time", n) for n in time]
    )
    for role in ("target", "past", "future", "static"):
        asked += [(f"--{role}", name) for name in getattr(settings, role) or []]
    for option, name in asked:
        if name not in names and (option, name) != ("--target", "all"):
            raise DataError(f"no column {name!r} for {option}", nearest(str(name), names))
    identity = settings.id or ""
    taken = {*([identity] if identity else []), *covariates}
    free = [name for name in names if name not in taken]
    if not time:
        found = _time_column(
            sample, [n for n in free if n not in (settings.target or [])], levels is not None
        )
        time = () if found is None else (found,)
    free = [name for name in free if name not in time]
    numeric = [name for name in free if _is_numeric(sample[name], missing)]
    if settings.target is None:
        if not numeric:
            raise DataError(
                "no column of numbers to forecast",
                "name it with --target COLUMN" if free else "check the file",
            )
        if len(numeric) > 1:
            raise DataError(
                f"{len(numeric)} columns of numbers: {listed(numeric)}",
                f"pick one with --target {_quoted(numeric[-1])}, or take all with --target all",
            )
        targets = numeric
    elif "all" in settings.target and "all" not in names:
        targets = numeric
    else:
        targets = list(dict.fromkeys(settings.target))
    if not targets:
        raise DataError("no column of numbers to forecast", "name it with --target COLUMN")
    every = [*time, *([identity] if identity else []), *targets, *covariates]
    twice = [name for name in every if every.count(name) > 1]
    if twice:
        raise SettingsError(
            f"column {twice[0]!r} cannot be two things at once", "name different columns"
        )
    if identity and len(targets) > 1:
        raise SettingsError("--id goes with one target", "name one --target")
    if not time:
        _refuse_unread_time(sample, [name for name in names if name not in every], settings)
        _refuse_mixed_steps(
            sample, [name for name in names if name not in every], levels is not None, notes
        )
        for name in names:
            if name not in every and not identity and _repeats(sample[name]):
                text = f"the texts of column {name!r} repeat; if they name series, say --id {_quoted(name)}"
                notes.append(Note("column_may_name_series", "warning", text))
    known = levels.keys() if levels is not None else None
    texts = [
        n
        for n in covariates
        if (n in known if known is not None else not _is_numeric(sample[n], missing))
    ]
    unused = tuple(name for name in names if name not in every)
    return Roles(tuple(time), tuple(targets), identity, tuple(covariates), tuple(texts), unused)


def _repeats(cells: list[str]) -> bool:
    """A few texts, each there many times, as ids of series are."""
    given = [cell for cell in cells[:1000] if cell]
    return (
        len(set(given)) > 1
        and 5 * len(set(given)) <= len(given)
        and not _is_numeric(given, set(MISSING))
    )


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.%-]+", name) else f"'{name}'"


def _is_numeric(cells: list[str], missing: set[str]) -> bool:
    """Most of the cells are numbers: a few bad ones make it a column of numbers with errors, not a text.

    So does something beside the numbers, whether it can be read or not.
    """
    return marks.look_like_numbers([cell for cell in cells[:1000] if cell not in missing])


def _time_column(sample: dict[str, list[str]], names: list[str], again: bool) -> str | None:
    """The only column of dates, if there is one; it may be the one without a name.

    again: for a run, which has seen the times of its file in this way: only the first cell of a column counts.
    """
    found = []
    for name in names:
        cells = [cell for cell in sample[name] if cell][: 1 if again else 100]
        is_first = bool(cells) and bool(dates.formats(cells[0]))
        if is_first or (cells and not numerals.is_number(cells[0]) and _are_dates(cells)):
            found.append(name)
    found = [name for name in found if not _is_numeric(sample[name], set(MISSING))]
    if len(found) > 1:
        raise DataError(
            f"{len(found)} columns of dates: {listed(found)}",
            f"pick one with --time {_quoted(found[0])}",
        )
    return found[0] if found else None


def _are_dates(cells: list[str]) -> bool:
    """Most of the cells are dates, though the first may be a unit or a typing error."""
    return 2 * sum(bool(dates.formats(cell)) for cell in cells) >= len(cells)


def _refuse_unread_time(
    sample: dict[str, list[str]], names: list[str], settings: DataSettings
) -> None:
    """Rows are not steps if an unused column seems to hold times that could not be recognised."""
    for name in names:
        cells = [cell for cell in sample[name][:1000] if cell]
        whole = len(cells) > 1 and all(re.fullmatch(r"\d{8}|\d{10}|\d{13}", cell) for cell in cells)
        eight = whole and len(cells[0]) == 8
        if (eight and (dates.parse(cells, "%Y%m%d") != dates.NEVER).all()) or (
            whole and not eight and cells == sorted(cells)
        ):
            way = "%Y%m%d" if eight else "epoch" if len(cells[0]) == 10 else "epoch-ms"
            raise DataError(
                f"column {name!r} may hold times: {cells[0]!r}",
                f"say --time {_quoted(name)} --date-format {way}",
            )
        if (
            name.lower() == "year"
            and len(cells) > 1
            and all(re.fullmatch(r"[12]\d{3}", cell) for cell in cells)
        ):
            raise DataError(
                f"column {name!r} may hold times: {cells[0]!r}", f"say --time {_quoted(name)}"
            )
        if name.lower() in _TIME_NAMES and cells and not _is_numeric(cells, set(MISSING)):
            raise DataError(
                f"column {name!r}: {cells[0]!r} is not a date that can be read in one way only",
                f"say what it is with --time {_quoted(name)} --date-format, e.g. %d/%m/%Y",
            )


def _refuse_mixed_steps(sample: Sample, names: list[str], again: bool, notes: list[Note]) -> None:
    """Rows are not steps if an unused column says that they are years, quarters and months.

    again: a run that was trained on such rows before they were refused goes on, with a warning.
    """
    for name in names:
        cells = [cell for cell in sample[name] if cell]
        steps = dates.steps(cells)
        if len(steps) < 2 or 2 * sum(bool(dates.steps([cell])) for cell in cells) < len(cells):
            continue
        shown = ", ".join(repr(cell) for cell in steps.values())
        message, hint = (
            f"column {name!r} has rows of different steps: {shown}",
            dates.mixed_steps(steps),
        )
        if not again:
            raise DataError(message, hint)
        notes.append(Note("mixed_steps", "warning", f"{message}; {hint}"))


# -- columns ---------------------------------------------------------------------------------------------------------


def _cells(
    records: Table, sample: Sample, roles: Roles, settings: DataSettings, notes: list[Note]
) -> Cells:
    """Read the columns that have a role, each as what it is."""
    skip = settings.bad_rows == "skip"
    joined = list(roles.time) if len(roles.time) > 1 else []
    numeric = [n for n in (*roles.targets, *roles.covariates) if n not in roles.texts] + joined
    texts = [name for name in (roles.id, *roles.texts) if name]
    bad = np.zeros(records.rows, bool)
    named = settings.decimal, settings.thousands
    plain = records.delimiter != ";" and named in ((None, None), (".", None))
    numbers: dict[str, Floats] | None = None
    written: dict[str, str] = {}
    if plain:
        try:
            times, coded, numbers = _read_all(
                records, sample, roles, settings, texts, numeric, PLAIN
            )
        except ValueError:
            numbers = None
    if numbers is None:
        convention = _convention(records, settings, numeric)
        beside: dict[str, str] = {}
        try:
            if convention[1]:
                raise ValueError
            times, coded, numbers = _read_all(
                records, sample, roles, settings, texts, numeric, convention
            )
        except ValueError:
            times, coded, _ = _read_all(records, sample, roles, settings, texts, [], PLAIN)
            numbers, beside = _read_numbers(records, settings, numeric, convention, bad)
        for name in numeric:
            written[name] = ", ".join(
                filter(None, [beside.get(name), numerals.describe(convention)])
            )
    for name, values in numbers.items():
        _check_size(records, name, values, bad, skip)
    time_format = TimeFormat()
    micro: Ints | None = None
    reading: dates.Reading | None = None
    if len(roles.time) > 1:
        units = dates.units(joined)
        micro = dates.join({unit: numbers.pop(name) for unit, name in units.items()})
        time_format = TimeFormat(dates.JOINED[len(units) - 1])
        wrong = np.flatnonzero((micro == dates.NEVER) & ~bad)
        if len(wrong) and not skip:
            raise DataError(
                f"{records.place(int(wrong[0]))}: columns {', '.join(joined)} are not a date"
                + and_more(len(wrong)),
                "correct the row, or --bad-rows skip",
                option="bad_rows",
            )
        bad |= micro == dates.NEVER
    elif roles.time:
        time = roles.time[0]
        reading = dates.choose(
            times, time, sample[time][0], records.place, skip, lambda: _column(records, time)[1]
        )
        micro = reading.times
        bad |= micro == dates.NEVER
    elif settings.date_format:
        raise SettingsError(
            "--date-format without a time column", "name the column with --time COLUMN"
        )
    if roles.id:
        codes, distinct = coded[roles.id]
        empty = np.flatnonzero(np.array([not text for text in distinct])[codes] & ~bad)
        if len(empty) and not skip:
            raise DataError(
                f"{records.place(int(empty[0]))}: column {roles.id!r} is empty",
                "give every row an id",
            )
        bad[empty] = True
    if bad.any() or records.skipped:
        _check_skipped(
            records,
            roles,
            settings,
            Cells(micro, time_format, coded, numbers, bad, written),
            reading,
        )
    if reading is not None:
        pattern = reading.newest_pattern(~bad)
        time_format = TimeFormat("%Y-%m-%d %H:%M:%S" if pattern in dates.EPOCHS else pattern)
    if bad.any():
        lines = ", ".join(str(records.line(int(row))) for row in np.flatnonzero(bad)[:SHOWN])
        count = int(bad.sum())
        notes.append(
            Note("rows_skipped", "degraded", f"{records.source.name}: {count:,} bad row{'s were' if count > 1 else ' was'} left out: "
                 f"line {lines}{and_more(count, SHOWN)}")
        )  # fmt: skip
    if micro is not None and "%z" in time_format.pattern:
        last = int(np.flatnonzero(~bad)[-1])
        column = _texts_at(records, roles.time[0], np.array([last]))[0]
        found = re.search(r"(Z|[+-]\d\d:?\d\d)$", column)
        time_format = replace(time_format, offset=found[0] if found else "Z")
    return Cells(micro, time_format, coded, numbers, bad, written)


def _texts_at(records: Table, name: str, rows: Ints) -> list[str]:
    """The texts of a column in some rows, which ascend, found by reading it again up to the last of them."""
    texts: list[str] = []
    seen = 0
    for frame in _frames(records, [name], [], missing=[]):
        low, high = np.searchsorted(rows, [seen, seen + len(frame)])
        texts += [str(cell).strip() for cell in frame[name].iloc[rows[low:high] - seen]]
        seen += len(frame)
        if len(texts) == len(rows):
            break
    return texts


def _column(records: Table, name: str) -> tuple[Ints, list[str]]:
    """The distinct texts of a column, and the number of each row's, found by reading it again."""
    known: dict[str, int] = {}
    codes = []
    for frame in _frames(records, [name], [], missing=[]):
        own, cells = _distinct(frame[name])
        codes.append(
            np.array([known.setdefault(cell.strip(), len(known)) for cell in cells], np.int64)[own]
        )
    return np.concatenate(codes), list(known)


def _read_all(
    records: Table, sample: Sample, roles: Roles, settings: DataSettings, texts: list[str], numeric: list[str],
    convention: Convention, *, as_bytes: bool = True,
) -> tuple[list[dates.Reading], dict[str, tuple[Ints, list[str]]], dict[str, Floats]]:  # fmt: skip
    """One pass over the text: times by every format that may be theirs, texts as codes, numbers typed.

    as_bytes: read what can be read from its bytes in this way; where it cannot, a second, textual pass names the cells.
    """
    time = roles.time[0] if len(roles.time) == 1 else ""
    readings = _candidates(records, sample[time], time, settings) if time else []
    known: dict[str, dict[str, int]] = {name: {} for name in texts}
    codes = {name: np.empty(records.rows, np.int64) for name in texts}
    numbers = {name: np.empty(records.rows) for name in numeric}
    wanted = list(dict.fromkeys([*([time] if time else []), *texts]))
    sizes = _sizes(sample, time, readings, texts) if as_bytes else {}
    start, missing = 0, _missing(settings)
    read = _frames(records, wanted, numeric, missing=missing, decimal=convention[0], sizes=sizes)
    for frame in read if wanted or numeric else ():
        rows = slice(start, start + len(frame))
        if time in sizes:
            stamps = frame[time].to_numpy()
            readings = [reading for reading in readings if reading.add_stamps(stamps, start)]
        if (time and not readings) or any(_is_cut(frame[name]) for name in texts if name in sizes):
            return _read_all(
                records, sample, roles, settings, texts, numeric, convention, as_bytes=False
            )
        if time and time not in sizes:
            own, cells = _distinct(frame[time])
            cells = [cell.strip() for cell in cells]
            empty = np.array([cell in MISSING for cell in cells])
            if empty.any() and settings.bad_rows != "skip":
                row = start + int(np.flatnonzero(empty[own])[0])
                raise DataError(
                    f"{records.place(row)}: column {time!r}: no time", "give every row a time"
                )
            for reading in readings:
                reading.add(own, cells, start)
        for name in texts:
            own, cells = _distinct(frame[name])
            index = known[name]
            if name in roles.covariates:
                cells = [cell.strip() for cell in cells]
                if len(index) > 100 * LEVELS:
                    raise _too_many_levels(name, len(index))
            mapped = np.array([index.setdefault(cell, len(index)) for cell in cells], np.int64)
            codes[name][rows] = mapped[own]
        for name in numeric:
            numbers[name][rows] = frame[name]
        start += len(frame)
    return readings, {name: (codes[name], list(known[name])) for name in texts}, numbers


def _sizes(
    sample: Sample, time: str, readings: list[dates.Reading], texts: list[str]
) -> dict[str, int]:
    """How many bytes to read of times of one width, and of texts that come in runs, as the ids of a long file do."""
    sizes = {}
    layouts = [dates.layout(pattern) for reading in readings for pattern in reading.patterns]
    widths = [layout.width for layout in layouts if layout is not None]
    if layouts and len(widths) == len(layouts):
        sizes[time] = max(widths)
    for name in texts:
        runs = sum(text != before for text, before in pairwise(sample[name]))
        if 8 * runs < len(sample[name]):
            sizes[name] = (max(len(text.encode()) for text in sample[name]) + ROOM) // 8 * 8
    return sizes


def _candidates(
    records: Table, cells: list[str], name: str, settings: DataSettings
) -> list[dates.Reading]:
    """The formats that may be those of a time column, by its first cell."""
    cells = [cell for cell in cells if cell not in MISSING] or [""]

    if settings.date_format:
        dates.check_together(settings.date_format)
        return [dates.reading(settings.date_format, records.rows)]
    if all(re.fullmatch(r"[12]\d{3}", cell) for cell in cells):
        return [dates.reading(["%Y"], records.rows)]
    seen = cells[: 1 if settings.bad_rows == "error" else 100]
    formats = next((dates.formats(cell) for cell in seen if dates.formats(cell)), ())
    if not formats:
        raise _no_format(records, cells, name)
    return [dates.reading([pattern], records.rows) for pattern in formats]


def _no_format(records: Table, cells: list[str], name: str) -> DataError:
    """The error for a time column whose first cells are in no format that is known."""
    message = f"{records.place(0)}: column {name!r}: {cells[0]!r} is not a date that can be read in one way only"
    steps = dates.steps(cells)
    if len(steps) > 1:
        return DataError(message, dates.mixed_steps(steps))
    if any(dates.formats(cell) for cell in cells[:100]):
        return DataError(message, "correct the row, or --bad-rows skip", option="bad_rows")
    if cells[0].isdigit():
        return DataError(
            message, "say --date-format %Y%m%d, epoch or epoch-ms", option="date_format"
        )
    return DataError(
        message, "say what it is with --date-format, e.g. %d/%m/%Y", option="date_format"
    )


def _convention(records: Table, settings: DataSettings, numeric: list[str]) -> Convention:
    """The textual pass: how the file writes numbers, if all its cells together can only mean one thing."""
    missing = frozenset(_missing(settings))
    left = numerals.allowed(settings.decimal, settings.thousands, records.delimiter)
    evidence = numerals.Evidence(left)
    for _, _, column in _text_columns(records, numeric):
        _, cells = _distinct(column)
        present = [cell for cell in map(numerals.tidy, cells) if cell not in missing]
        evidence.add(marks.take_apart(cell).number for cell in present)
    if records.delimiter != ";" and evidence.bad.get(PLAIN) == 0:
        return PLAIN
    convention, cell = evidence.best()
    if cell:
        options = (
            "--decimal or --thousands"
            if records.delimiter == ";"
            else "--decimal, --thousands or --delimiter"
        )
        decimals = sorted(
            {
                f"{numerals.read([cell], c)[0]:g}"
                for c in left
                if not np.isnan(numerals.read([cell], c)[0])
            }
        )
        raise DataError(
            f"{cell!r} could be {' or '.join(decimals)}, and so could every number like it",
            f"say what it is with {options}",
        )
    return convention


def _read_numbers(
    records: Table,
    settings: DataSettings,
    numeric: list[str],
    convention: Convention,
    bad: NDArray[np.bool_],
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Numbers from texts, and what stands beside them; cells that are none are named, or their rows marked as bad."""
    missing, nulls = frozenset(_missing(settings)), _null_numbers(settings)
    columns = {name: marks.Column(convention, missing, nulls) for name in numeric}
    for name, _, column in _text_columns(records, numeric):
        codes, cells = _distinct(column)
        columns[name].add([numerals.tidy(cell) for cell in cells], codes)

    numbers: dict[str, Floats] = {}
    written: dict[str, str] = {}
    shown: list[str] = []
    beside: list[str] = []
    count = 0
    for name, column_of_name in columns.items():
        found = column_of_name.numbers()
        wrong = np.flatnonzero(found.wrong)
        for row in wrong[: max(SHOWN - len(shown), 0)].tolist():
            cell = _texts_at(records, name, np.array([row]))[0]
            is_unlike = found.example and not np.isnan(found.values[row])
            reason = (
                f"is not written like the others, e.g. {found.example!r}"
                if is_unlike
                else "is not a number"
            )
            shown.append(f"{records.place(row)}: column {name!r}: {cell!r} {reason}")
            beside.append("" if is_unlike else "".join(marks.beside_number(cell) or ()))
        count += len(wrong)
        bad[wrong] = True
        numbers[name] = np.where(found.wrong, np.nan, found.values)
        written[name] = found.style
    if count and settings.bad_rows == "error":
        raise DataError(
            "; ".join(shown) + and_more(count, SHOWN), _how_to_correct(beside), option="null"
        )
    return numbers, written


def _null_numbers(settings: DataSettings) -> list[float]:
    """The numbers that stand for a missing value, however they are written."""
    values = numerals.read([numerals.tidy(text) for text in settings.null or []], PLAIN)
    return [float(value) for value in values if not np.isnan(value)]


def _how_to_correct(beside: list[str]) -> str:
    """A hint on cells that are no numbers. beside: what stands beside the number in each, if there is one."""
    if not all(beside):
        return "name missing values with --null (besides empty, NA, NaN and null), correct these cells, or --bad-rows skip"
    if "()" in beside:
        return "write negative numbers with a minus: parentheses are one only beside a currency"
    taken = f"take {' and '.join(map(repr, dict.fromkeys(beside)))} out of the cells"
    meant = {"m": "write M for millions, or ", "b": "write B for billions, or "}.get(beside[0], "")
    return f"{meant}{taken}, or use another column; --bad-rows skip leaves out the rows"


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Columns of numbers (R,), NaN in rows that are left out; where a cell is, and what its text is, for messages."""

    columns: dict[str, Floats]
    place: Callable[[str, int], str]
    text: Callable[[str, int], str]


def _numbers_in_rows(records: Table, cells: Cells, static: list[str]) -> _Numbers:
    columns = {name: numbers for name, numbers in cells.numbers.items() if name not in static}
    if cells.bad.any():
        columns = {name: np.where(cells.bad, np.nan, numbers) for name, numbers in columns.items()}
    return _Numbers(
        columns,
        lambda name, row: f"{records.place(row)}: column {name!r}",
        lambda name, row: _texts_at(records, name, np.array([row]))[0],
    )


def _numbers_in_columns(rows: Rows) -> _Numbers:
    """Those of a file with dates as columns, whose cells are all one column."""
    values = next(iter(rows.targets.values()))
    return _Numbers(
        {"value": values},
        lambda name, row: rows.place(row),
        lambda name, row: f"{values[row]:.10g}",
    )


def _check_placeholders(
    numbers: _Numbers,
    settings: DataSettings,
    notes: list[Note],
    series: Ints | None,
    known: dict[str, Floats] | None = None,
) -> None:
    """Refuse numbers that seem to stand for a missing value, unless `--not-null` keeps them, which is noted.

    series: the number of the series of each row; known: earlier values of the columns, which come before these rows.
    """
    kept = {float(text) for text in settings.not_null or []}
    refused: list[str] = []
    said: list[str] = []
    values: dict[float, str] = {}
    for name, good in numbers.columns.items():
        for one in placeholders.find(
            np.concatenate([known[name], good]) if known else good, series
        ):
            rows = np.flatnonzero(good == one.value)
            if not len(rows):
                continue
            text = numbers.text(name, int(rows[0]))
            if one.value in kept:
                said.append(f"{text} ({len(rows):,} times in column {name!r})")
                continue
            refused.append(
                f"{numbers.place(name, int(rows[0]))}: {text} stands {one.count:,} times, and {one.reason}"
            )
            values.setdefault(one.value, _as_option(text, one.value))
    if refused:
        nulls = " ".join(
            f"--null {_quoted(word)}" for word in [*(settings.null or []), *values.values()]
        )
        others = " ".join(
            f"--not-null {word}" for word in [*(settings.not_null or []), *values.values()]
        )
        hint = f"say {nulls} if it stands for a missing value, {others} if it is a number like the others"
        if len(values) > 1:
            hint = f"say {nulls} if they stand for missing values, {others} if they are numbers like the others"
        raise DataError(
            "; ".join(refused[:SHOWN]) + and_more(len(refused), SHOWN), hint, option="not_null"
        )
    if said:
        notes.append(
            Note(
                "placeholders_kept",
                "info",
                f"kept as numbers: {', '.join(said[:SHOWN])}{and_more(len(said), SHOWN)}",
            )
        )


def _with_history(panel: Panel, cells: Cells, roles: Roles) -> tuple[Ints, dict[str, Floats]]:
    """The series of the rows of a panel and then of a file, and the known-future covariates of the panel."""
    rows = np.repeat(np.arange(len(panel)), panel.lengths)
    own = np.zeros(len(cells.bad), np.int64)
    if roles.id:
        codes, labels = cells.texts[roles.id]
        numbers = {label: number for number, label in enumerate(panel.ids)}
        own = np.array([numbers.get(label, len(panel)) for label in labels], np.int64)[codes]
    known = {name: panel.future[:, panel.future_names.index(name)] for name in cells.numbers}
    return np.concatenate([rows, own]), known


def _as_option(text: str, value: float) -> str:
    """A number as it is written in the file, if an option can take it so."""
    is_plain = numerals.read([text], PLAIN)[0] == value
    return text if is_plain else repr(value).removesuffix(".0")


def _check_size(
    records: Table, name: str, values: Floats, bad: NDArray[np.bool_], skip: bool
) -> None:
    """Infinite and huge values are bad cells."""
    wrong = np.flatnonzero(np.abs(values) > MOST)
    if not len(wrong):
        return
    if skip:
        bad[wrong] = True
        return
    place = records.place(int(wrong[0]))
    if np.isinf(values[wrong]).any():
        wrong = wrong[np.isinf(values[wrong])]
        raise DataError(
            f"{records.place(int(wrong[0]))}: column {name!r} is infinite or overflows"
            + and_more(len(wrong)),
            "correct these cells, or leave them empty",
        )
    raise DataError(
        f"{place}: column {name!r}: {float(values[wrong[0]])!r} is too large", "scale the column"
    )


# -- rows that are left out --------------------------------------------------------------------------------------------


def _check_skipped(
    records: Table,
    roles: Roles,
    settings: DataSettings,
    cells: Cells,
    reading: dates.Reading | None,
) -> None:
    """Raise DataError where `--bad-rows skip` would leave out more than it may: too many rows, or the newest one."""
    rows = np.flatnonzero(cells.bad)
    outside = sum(len(group.lines) for group in records.skipped)
    count, total = len(rows) + outside, records.rows + outside

    refused = skips.too_many(count, total, settings.max_skipped)
    if cells.bad.all() and not refused:
        raise DataError("no row can be read", "correct the file")
    if refused:
        groups = [*records.skipped, *_reasons(records, roles, settings, cells, rows, reading)]
        raise skips.refuse_many(groups, total)
    if settings.max_skipped is None and not roles.rows_are_series:
        _check_newest(records, roles, settings, cells, reading, count, total)


def _check_newest(
    records: Table,
    roles: Roles,
    settings: DataSettings,
    cells: Cells,
    reading: dates.Reading | None,
    count: int,
    total: int,
) -> None:
    """Raise DataError where the newest row of the file, or of a series, would be left out."""
    codes, ids = cells.texts[roles.id] if roles.id else (np.zeros(records.rows, np.int64), [""])
    newest = _newest(
        cells, codes, np.array([not label for label in ids]) & bool(roles.id), settings.newest_first
    )
    if len(newest):
        row = int(newest[0])
        reason = _reasons(records, roles, settings, cells, newest[:1], reading)[0]
        place = f"{records.place(row)}: {grid.where(ids[int(codes[row])])}"
        raise skips.refuse_newest(reason, place, len(np.unique(codes[newest])), count, total)

    good = np.flatnonzero(~cells.bad)
    backwards = skips.is_backwards(~cells.bad, cells.times, codes, settings.newest_first)
    first, last = records.line(int(good[0])), records.line(int(good[-1]))
    for group in records.skipped:
        beyond = group.lines[group.lines < first] if backwards else group.lines[group.lines > last]
        if len(beyond):
            raise skips.refuse_newest(
                group, f"{records.source.name}:{int(beyond[0])}: ", 1, count, total
            )


def _newest(cells: Cells, codes: Ints, nameless: NDArray[np.bool_], newest_first: bool) -> Ints:
    """The bad rows that are the newest of their series; those without an id, of the file. nameless: which codes those are."""
    bad = np.flatnonzero(cells.bad)
    unknown = nameless[codes[bad]]
    own = skips.newest(bad[~unknown], ~cells.bad, cells.times, codes, newest_first)
    others = skips.newest(bad[unknown], ~cells.bad, cells.times, np.zeros_like(codes), newest_first)
    return np.sort(np.concatenate([own, others]))


def _reasons(
    records: Table,
    roles: Roles,
    settings: DataSettings,
    cells: Cells,
    rows: Ints,
    reading: dates.Reading | None,
) -> list[Skipped]:
    """Why these rows (n,) are left out: groups of rows that share a reason, which is the first that a row has."""
    groups: list[Skipped] = []
    if cells.times is not None:
        undated = cells.times[rows] == dates.NEVER
        groups += _undated(records, roles, rows[undated], reading)
        rows = rows[~undated]

    if roles.id:
        codes, ids = cells.texts[roles.id]
        nameless = np.array([not label for label in ids])[codes[rows]]
        groups.append(
            Skipped(_lines(records, rows[nameless]), "have no id", f"column {roles.id!r} is empty")
        )
        rows = rows[~nameless]

    for name, values in cells.numbers.items():
        huge = np.abs(values[rows]) > MOST
        it = f"column {name!r} is infinite or too large"
        groups.append(
            Skipped(_lines(records, rows[huge]), f"have an infinite or huge {name!r}", it)
        )
        rows = rows[~huge]

    missing = frozenset(_missing(settings))
    for name, values in cells.numbers.items():
        texts = _texts_at(records, name, rows)
        wrong = np.array([text not in missing for text in texts], bool) & np.isnan(values[rows])
        groups += _not_numbers(
            records, name, rows[wrong], [texts[at] for at in np.flatnonzero(wrong)]
        )
        rows = rows[~wrong]

    groups.append(Skipped(_lines(records, rows), "cannot be read", "it cannot be read"))
    return [group for group in groups if len(group.lines)]


def _undated(
    records: Table, roles: Roles, rows: Ints, reading: dates.Reading | None
) -> list[Skipped]:
    """Rows whose dates are not read, by how those are written."""
    if not len(rows):
        return []
    if reading is None:
        columns = ", ".join(roles.time)
        they, it = f"have no date in the columns {columns}", f"columns {columns} are not a date"
        return [Skipped(_lines(records, rows), they, it)]

    name = roles.time[0]
    distinct = [text for text in _column(records, name)[1] if text not in MISSING]
    remedy = dates.remedy([reading.patterns], distinct)
    found = []
    for text, lines in _alike(records, rows, _texts_at(records, name, rows)).items():
        it = f"column {name!r}: {text!r} is not a date like the others ({reading.pattern})"
        if text in MISSING:
            found.append(Skipped(lines, "have no time", f"column {name!r}: no time"))
        else:
            found.append(Skipped(lines, f"have dates like {text!r}", it, remedy))
    return found


def _not_numbers(records: Table, name: str, rows: Ints, texts: list[str]) -> list[Skipped]:
    """Rows with texts in a column of numbers, by how those are written."""
    found = []
    for text, lines in _alike(records, rows, texts).items():
        is_word = not re.search(r"\d", text)
        remedy = f"say --null {_quoted(text)} if that is a missing value" if is_word else ""
        it = f"column {name!r}: {text!r} is not a number"
        found.append(Skipped(lines, f"have cells like {text!r} in column {name!r}", it, remedy))
    return found


def _alike(records: Table, rows: Ints, texts: list[str]) -> dict[str, Ints]:
    """The lines of rows whose texts are written alike, by the first of those texts."""
    forms: dict[str, list[int]] = {}
    for at, text in enumerate(texts):
        forms.setdefault(dates.form(text), []).append(at)
    return {texts[found[0]]: _lines(records, rows[found]) for found in forms.values()}


def _lines(records: Table, rows: Ints) -> Ints:
    return np.array([records.line(int(row)) for row in rows], np.int64)


# -- rows ------------------------------------------------------------------------------------------------------------


def _rows(
    records: Table,
    roles: Roles,
    cells: Cells,
    settings: DataSettings,
    levels: Levels | None,
    notes: list[Note],
) -> tuple[Rows, TimeFormat]:
    """The good rows, with ids, covariates as numbers or levels, and times in UTC or on the local clock."""
    keep = np.flatnonzero(~cells.bad)
    whole = not cells.bad.any()
    first, name, lines = records.first, records.source.name, records.lines
    keep = keep[::-1] if settings.newest_first else keep
    order: Any = slice(None) if whole and not settings.newest_first else keep

    def place(row: int) -> str:
        at = int(keep[row])
        return f"{name}:{first + at if lines is None else int(lines[at])}"

    codes, ids = np.zeros(len(keep), np.int64), [""]
    if roles.id:
        given, texts = cells.texts[roles.id]
        codes, ids = given, texts
        if not isinstance(order, slice):  # some ids may be gone, and the order is another
            codes, distinct = pd.factorize(given[order])
            ids, codes = [texts[at] for at in distinct], codes.astype(np.int64)
    covariates = {n: cells.numbers[n][order] for n in roles.covariates if n not in roles.texts}
    found: Levels = {}
    for column in roles.texts:
        given, texts = cells.texts[column]
        covariates[column], found[column] = _leveled(
            column,
            given[order],
            texts,
            None if levels is None else levels[column],
            set(_missing(settings)),
            notes,
        )
    times, time_format = cells.times, cells.time_format
    if times is not None:
        times = times[order]
        if settings.timezone:
            times, time_format = _in_zone(
                times, codes, time_format, settings.timezone, roles.time[0], place
            )
    hint = ""
    if not roles.id and roles.unused:
        hint = f"; if the file holds several series, name their column: --id {_quoted(roles.unused[0])}"
    targets = {n: cells.numbers[n][order] for n in roles.targets}
    return Rows(place, times, codes, ids, targets, covariates, found, hint), time_format


def _too_many_levels(name: str, count: int) -> DataError:
    return DataError(
        f"text covariate {name!r} has more than {LEVELS} different values",
        "leave it out, or group its values",
    )


def _leveled(
    name: str,
    codes: Ints,
    texts: list[str],
    known: tuple[str, ...] | None,
    missing: set[str],
    notes: list[Note],
) -> tuple[Floats, tuple[str, ...]]:
    """The level of each row: its number, -1 for one that was not there before, NaN for a missing value."""
    used = [texts[at] for at in np.unique(codes)]
    given = sorted(text for text in used if text not in missing)
    if known is None and len(given) > LEVELS:
        raise _too_many_levels(name, len(given))
    if known is None and not given:
        raise DataError(f"covariate {name!r} has no value", "leave it out")
    names = tuple(given) if known is None else known
    unknown = [text for text in given if text not in names]
    if unknown:
        notes.append(
            Note(
                "unknown_levels",
                "warning",
                f"column {name!r} has values that were not there in training: {listed(unknown)}",
            )
        )
    numbers = np.array(
        [np.nan if t in missing else names.index(t) if t in names else -1 for t in texts],
        np.float64,
    )
    return numbers[codes], names


def _in_zone(
    times: Ints, codes: Ints, how: TimeFormat, name: str, column: str, place: Any
) -> tuple[Ints, TimeFormat]:
    """Times of the named zone: in UTC, or on the local clock if they are days or longer, whose hours vary."""
    dates.zone(name)
    edge = np.flatnonzero(
        (times < calendar.EARLIEST + calendar.DAY) | (times > calendar.LATEST - calendar.DAY)
    )
    if len(edge):
        raise DataError(
            f"{place(int(edge[0]))}: column {column!r}: {calendar.stamp(times[edge[0]])} is out of the range of time zones"
            + and_more(len(edge)),
            "correct the times, or leave out --timezone",
        )
    zoned = replace(how, timezone=name)
    wall = dates.to_wall(times, name) if how.offset else times
    if (wall % calendar.DAY == wall[0] % calendar.DAY).all():
        return wall, replace(zoned, wall=True)
    return (times if how.offset else dates.to_utc(wall, codes, name, column, place)), zoned
