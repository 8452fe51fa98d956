"""The CSV files of a run: their columns, declared once, by which they are written and read.

- `forecast.csv`, which `forecast predict` writes too: one row for each step ahead of each series.
- `predictions.csv`: one row for each held-out step of each series.
- `history.csv`: one row for each epoch of each member.
- What `forecast backtest -o FILE` writes: one row for each step ahead of each origin.

A new column is one `Column` in one of the four declarations; `default` says what older files
without it stand for.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.directives import split
from forecast_cli.errors import SettingsError
from forecast_cli.fields import MOST_DECIMALS, Digits
from forecast_cli.forecasting import BASELINES, Forecast, HeldOut
from forecast_cli.panel import Columns, Floats, Panel, TimeFormat, format_times, times_of
from forecast_cli.progress import Epoch
from forecast_cli.windows import Windows

if TYPE_CHECKING:  # torch is for training alone
    from forecast_cli.training import Fitted

Source = TypeVar("Source")
Bounds = dict[float, tuple[Floats, Floats]]  # lower and upper, by level

SIDES = ("lo", "hi")  # of an interval
ID, TIME = "id", "time"  # keys of the two columns whose headings are those of the user's file
MOST_COUNT = 2**31  # of what is counted, such as epochs

EXTRA_DECIMALS = 3  # beyond those of the data
SIGNIFICANT = 7  # digits that the smallest value has at least
SMALLEST = 1e-13  # a series smaller than this would need more than MOST_DECIMALS
NOISE = 1e-12  # of sums of float64, as a part of the largest value
NOISE_OF_FLOAT32 = 6e-8  # half a unit in the last place of the largest value


class Kind(Enum):
    """What the cells of a column hold, which says how they are written and read."""

    TEXT = auto()
    COUNT = auto()  # a whole number
    EXACT = auto()  # a number with all its digits, as short as it can be written
    MEASURED = auto()  # a value of the data: EXACT, without exponent and without `.0`
    ROUNDED = auto()  # a forecast, with the decimals of the table


@dataclass(frozen=True)
class Column(Generic[Source]):
    """One column of a table.

    name: its heading in the file. values: its cells, one a row, from what the table is written
    from. key: its name among the rows that were read; the heading, if empty. default: what
    every row of a file stands for that lacks the column because an older release wrote it; None
    where all have it. known: no cell may be empty.
    """

    name: str
    kind: Kind
    values: Callable[[Source], Sequence[Any] | Floats]
    key: str = ""
    default: float | None = None
    known: bool = False


Table = tuple[Column[Source], ...]


@dataclass(frozen=True)
class HeldOutOf:
    """What predictions.csv is written from: held-out rows, the ids of their series, and how
    their times are written.
    """

    ids: tuple[str, ...]
    rows: HeldOut
    format: TimeFormat


@dataclass(frozen=True)
class EpochOf:
    """What a row of history.csv is written from: an epoch, and its member, from 1."""

    member: int
    epoch: Epoch


@dataclass(frozen=True, eq=False)
class OriginForecasts:
    """What the table of a backtest is written from: W windows of a panel, ordered by series.

    actual: (W, H); forecasts: of `network` and the baselines, (W, H) each; bounds: by level, lower
    and upper, (W, H) each.
    """

    panel: Panel
    windows: Windows
    actual: Floats
    forecasts: dict[str, Floats]
    bounds: Bounds

    def ids(self) -> list[str]:
        """The series of each row."""
        ids = np.array(self.panel.ids, object)[self.windows.series]
        return np.repeat(ids, self.windows.horizon).tolist()

    def times(self) -> list[str]:
        """The time of each row."""
        ahead = np.arange(self.windows.horizon)
        texts = self._texts()[self.windows.origins[:, None] + ahead]
        return list(texts.reshape(-1))

    def cutoffs(self) -> list[str]:
        """The time of the last row before the origin of each row."""
        last = self._texts()[self.windows.origins - 1]
        return np.repeat(last, self.windows.horizon).tolist()

    def _texts(self) -> Any:
        """The times of the flat steps of the panel (N,), of series with windows from the first on."""
        chosen, panel = self.windows, self.panel
        texts = np.full(len(panel.values), "", object)
        series, starts = np.unique(chosen.series, return_index=True)
        for index, first in zip(series.tolist(), chosen.origins[starts].tolist(), strict=True):
            local = first - 1 - int(panel.offsets[index])
            written = format_times(panel, times_of(panel, index, local))
            texts[first - 1 : first - 1 + len(written)] = written
        return texts


# -- the declarations --------------------------------------------------------------------------


def forecast_table(columns: Columns, levels: Iterable[float]) -> Table[Forecast]:
    """The columns of forecast.csv; the id only where the data have one."""

    def ids(result: Forecast) -> list[str]:
        return np.repeat(np.array(result.ids, object), result.values.shape[1]).tolist()

    def times(result: Forecast) -> list[str]:
        return list(chain.from_iterable(result.texts))

    return (
        *([Column(columns.id, Kind.TEXT, ids, key=ID)] if columns.id else []),
        *_times(columns, times, lambda result: result.time_format),
        Column("forecast", Kind.ROUNDED, lambda result: result.values.reshape(-1), known=True),
        *_bounds(levels, lambda result: result.bounds),
    )


def predictions_table(columns: Columns, levels: Iterable[float]) -> Table[HeldOutOf]:
    """The columns of predictions.csv; `actual` is empty where the value was filled in."""

    def ids(held_out: HeldOutOf) -> list[str]:
        return [held_out.ids[number] for number in held_out.rows.series.tolist()]

    return (
        *([Column(columns.id, Kind.TEXT, ids, key=ID)] if columns.id else []),
        *_times(columns, lambda held_out: held_out.rows.texts, lambda held_out: held_out.format),
        Column("cutoff", Kind.TEXT, lambda held_out: held_out.rows.cutoffs),
        Column("actual", Kind.MEASURED, lambda held_out: held_out.rows.actual),
        Column("forecast", Kind.ROUNDED, lambda held_out: held_out.rows.forecast, known=True),
        Column("seasonal_naive", Kind.ROUNDED, lambda held_out: held_out.rows.seasonal_naive),
        *_bounds(levels, lambda held_out: held_out.rows.bounds),
    )


HISTORY: Table[list[EpochOf]] = (
    Column("epoch", Kind.COUNT, lambda rows: [row.epoch.epoch for row in rows]),
    Column("training_loss", Kind.EXACT, lambda rows: [row.epoch.training_loss for row in rows]),
    Column("validation_loss", Kind.EXACT, lambda rows: [row.epoch.validation_loss for row in rows]),
    Column("learning_rate", Kind.EXACT, lambda rows: [row.epoch.learning_rate for row in rows]),
    # The share of the steps of the epoch whose gradients were clipped.
    Column("clipped", Kind.EXACT, lambda rows: [row.epoch.clipped for row in rows], default=np.nan),
    Column("member", Kind.COUNT, lambda rows: [row.member for row in rows], default=1),
)


def backtest_table(columns: Columns, levels: Iterable[float]) -> Table[OriginForecasts]:
    """The columns of a backtest; `actual` is empty where there is no value, or one filled in."""

    def steps(source: OriginForecasts) -> list[int]:
        horizon = source.windows.horizon
        return list(range(1, horizon + 1)) * len(source.windows)

    def forecast_of(method: str) -> Callable[[OriginForecasts], Floats]:
        return lambda source: source.forecasts[method].reshape(-1)

    return (
        *([Column(columns.id, Kind.TEXT, OriginForecasts.ids, key=ID)] if columns.id else []),
        Column("cutoff", Kind.TEXT, OriginForecasts.cutoffs),
        *_times(columns, OriginForecasts.times, lambda source: source.panel.time_format),
        Column("step", Kind.COUNT, steps),
        Column("actual", Kind.MEASURED, lambda source: source.actual.reshape(-1)),
        Column("forecast", Kind.ROUNDED, forecast_of("network"), known=True),
        *(Column(name, Kind.ROUNDED, forecast_of(name)) for name in BASELINES),
        *_bounds(levels, lambda source: source.bounds),
    )


def _times(
    columns: Columns,
    texts_of: Callable[[Source], list[str]],
    format_of: Callable[[Source], TimeFormat],
) -> Table[Source]:
    """The column of the times, or the columns over which the file spreads them."""
    if not columns.times:
        return (Column(columns.time, Kind.TEXT, texts_of, key=TIME),)

    def column(number: int) -> Column[Source]:
        def texts(source: Source) -> list[str]:
            pattern = format_of(source).pattern
            return [split(text, pattern)[number] for text in texts_of(source)]

        return Column(columns.times[number], Kind.TEXT, texts, key=f"{TIME} {number}")

    return tuple(column(number) for number in range(len(columns.times)))


def bound_name(side: str, level: float) -> str:
    """`lo-80`: the name of a bound in every file and format.

    side: `lo` or `hi`; level: in percent.
    """
    return f"{side}-{level:.10g}"


def bound_names(levels: Iterable[float]) -> list[str]:
    """The names of all bounds, in the order in which they stand in the files."""
    return [bound_name(side, level) for level in levels for side in SIDES]


def _bounds(levels: Iterable[float], bounds_of: Callable[[Source], Bounds]) -> Table[Source]:
    """The columns of the lower and the upper bound of each level."""

    def bound(level: float, side: str) -> Column[Source]:
        number = SIDES.index(side)
        return Column(
            bound_name(side, level),
            Kind.ROUNDED,
            lambda source: bounds_of(source)[level][number].reshape(-1),
        )

    return tuple(bound(level, side) for level in levels for side in SIDES)


# -- write -------------------------------------------------------------------------------------


def forecast_csv(result: Forecast) -> bytes:
    """forecast.csv, and what `forecast predict` writes: the same bytes wherever they go."""
    return _write(forecast_table(result.columns, result.bounds), result, result.digits)


def forecast_header(result: Forecast) -> bytes:
    """The first line of forecast.csv, with its end."""
    return _lines([_names(forecast_table(result.columns, result.bounds))])


def predictions_csv(panel: Panel, rows: HeldOut, digits: Digits) -> bytes:
    """predictions.csv, of the held-out rows of a panel."""
    table = predictions_table(panel.columns, rows.bounds)
    return _write(table, HeldOutOf(panel.ids, rows, panel.time_format), digits)


def history_csv(fitted: tuple[Fitted, ...]) -> bytes:
    """history.csv, of all members.

    Losses keep all their digits, so that trainings can be compared to the bit.
    """
    rows = []
    for member, network in enumerate(fitted, 1):
        rows += [EpochOf(member, epoch) for epoch in network.history]
    return _write(HISTORY, rows, "full")


def backtest_csv(forecasts: OriginForecasts, digits: Digits) -> bytes:
    """The forecasts of every origin of a backtest."""
    table = backtest_table(forecasts.panel.columns, forecasts.bounds)
    return _write(table, forecasts, digits)


def forecast_columns(result: Forecast, *, headings: bool = True) -> dict[str, list[Any]]:
    """The columns of forecast.csv for other formats.

    They hold texts, and the very numbers that the CSV shows, NaN for unknown.

    headings: by the names that they have in the CSV, else `id` and `time` for those that the
    user's file names. Raises SettingsError where two columns have the same heading.
    """
    columns: dict[str, list[Any]] = {}
    names = result.columns if headings else replace(result.columns, times=())
    for column in forecast_table(names, result.bounds):
        name = column.name if headings else column.key or column.name
        if name in columns:
            raise SettingsError(
                f"two columns of the forecast would be called {name!r}",
                "write it as CSV, or rename that column of the data and train again",
            )
        cells = _cells(column, result, result.digits)
        columns[name] = cells if column.kind is Kind.TEXT else _numbers(column, cells).tolist()
    return columns


def _write(table: Table[Source], source: Source, digits: Digits) -> bytes:
    cells = [_cells(column, source, digits) for column in table]
    return _lines(chain([_names(table)], zip(*cells, strict=True)))


def _names(table: Table[Source]) -> list[str]:
    return [column.name for column in table]


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _cells(column: Column[Source], source: Source, digits: Digits) -> list[str]:
    """The cells of a column as text."""
    values = column.values(source)
    if column.kind is Kind.TEXT:
        return list(values)
    if column.kind is Kind.COUNT:
        return [str(value) for value in values]
    numbers = np.asarray(values, np.float64)
    if column.kind is Kind.MEASURED:
        return plain(numbers)
    return rounded(numbers, digits if column.kind is Kind.ROUNDED else "full")


def rounded(values: Floats, digits: Digits) -> list[str]:
    """Numbers (R,) as text with so many decimals, or in shortest round-trip form.

    Texts are empty where a number is NaN.

    Equal decimals keep the order of the numbers, so bounds stay on their sides of the forecast.
    """
    numbers = values.tolist()
    if digits == "full":
        texts = [repr(number) for number in numbers]
    else:
        style = f"%.{digits}f"
        texts = [style % number for number in numbers]
        # What rounds to zero is zero, without a sign.
        negative_zero = style % -0.0
        for position in np.flatnonzero(np.abs(values) < 10.0**-digits).tolist():
            if texts[position] == negative_zero:
                texts[position] = negative_zero[1:]
    return _empty_where_missing(texts, values)


def plain(values: Floats) -> list[str]:
    """Numbers (R,) with all their digits, as they may have stood in the data.

    They have no exponent, and whole ones no `.0`.
    """
    texts = [repr(number).removesuffix(".0") for number in values.tolist()]
    for position, text in enumerate(texts):
        if "e" in text:
            texts[position] = np.format_float_positional(values[position], trim="-")
    return _empty_where_missing(texts, values)


def _empty_where_missing(texts: list[str], values: Floats) -> list[str]:
    for position in np.flatnonzero(np.isnan(values)).tolist():
        texts[position] = ""
    return texts


# -- how many decimals -------------------------------------------------------------------------


def decimals(panel: Panel) -> Digits:
    """How many decimals a forecast of these data is written with.

    As many as the data have and three more, and so many that the smallest value of the data has
    seven significant digits. `full` where a series is so small that this would take more than
    MOST_DECIMALS.

    The data have as many decimals as any of their values, other than those that were filled in.
    What sums leave behind in the last digits of a float64 (0.30000000000000004) counts as
    nothing, and neither does what a float32 adds to a decimal number (0.10000000149011612).
    """
    values, largest = _sizes(panel)
    if not values.any():
        return EXTRA_DECIMALS
    if largest[largest > 0].min() < SMALLEST:
        return "full"

    with np.errstate(over="ignore"):
        is_float32 = bool((values == values.astype(np.float32)).all())
    noise = np.repeat(largest, panel.lengths) * (NOISE_OF_FLOAT32 if is_float32 else NOISE)
    of_data = _decimals_of(values, noise)

    # In units of the last decimal all values are whole, with as many significant digits as before.
    units = np.rint(values * 10.0**of_data)
    smallest = int(units[units > 0].min()) if units.any() else 1
    missing = SIGNIFICANT - len(str(smallest))
    return min(of_data + max(EXTRA_DECIMALS, missing), MOST_DECIMALS)


def vanishing(panel: Panel, digits: Digits) -> tuple[str, ...]:
    """The series whose values are all so small that they would be written as 0."""
    if digits == "full":
        return ()
    largest = _sizes(panel)[1]
    lost = np.flatnonzero((largest > 0) & (largest < 0.5 * 10.0**-digits))
    return tuple(panel.ids[number] for number in lost)


def _sizes(panel: Panel) -> tuple[Floats, Floats]:
    """(N,) absolute values, 0 where missing or filled in; (S,) the largest of each series."""
    values = np.abs(panel.values)
    values[np.isnan(values)] = 0
    if len(panel.filled):
        values[panel.filled] = 0
    has_values = panel.lengths > 0
    largest = np.zeros(len(panel))
    if has_values.any():
        largest[has_values] = np.maximum.reduceat(values, panel.offsets[:-1][has_values])
    return values, largest


def _decimals_of(values: Floats, noise: Floats) -> int:
    """The decimals that values (N,) have, where a difference of up to `noise` (N,) is none."""
    for count in range(MOST_DECIMALS):
        scale = 10.0**count
        scaled = values * scale
        has_more = np.abs(scaled - np.rint(scaled)) > noise * scale
        values, noise = values[has_more], noise[has_more]
        if not len(values):
            return count
    return MOST_DECIMALS


# -- read and check ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Rows:
    """A table that was read: cells of its text columns, and numbers (R,) of the others, by key.

    A number is NaN where its cell is empty. The keys are the headings, but for ID and TIME; a
    file without an id has empty ids.
    """

    texts: dict[str, list[str]]
    numbers: dict[str, Floats]

    def by_series(self) -> dict[str, Ints]:
        """The numbers of the rows of each series, in the order of the file."""
        found: dict[str, list[int]] = {}
        for number, name in enumerate(self.texts[ID]):
            found.setdefault(name, []).append(number)
        return {name: np.array(numbers) for name, numbers in found.items()}


def read_forecast(data: bytes, columns: Columns, levels: Iterable[float]) -> Rows:
    """Read forecast.csv. Raises ValueError where it is not the table that it should be."""
    return _read(forecast_table(columns, levels), data)


def read_predictions(data: bytes, columns: Columns, levels: Iterable[float]) -> Rows:
    """Read predictions.csv, which is empty where nothing was held out.

    Raises ValueError as `read_forecast` does.
    """
    return _read(predictions_table(columns, levels), data)


def read_history(data: bytes) -> Rows:
    """Read history.csv, also of a release that wrote fewer columns.

    Raises ValueError as `read_forecast` does.
    """
    return _read(HISTORY, data)


def check_forecast(data: bytes, columns: Columns, levels: Iterable[float], horizon: int) -> None:
    """Raise ValueError unless this is a forecast.csv of at most `horizon` steps a series."""
    steps = Counter(read_forecast(data, columns, levels).texts[ID])
    if max(steps.values(), default=np.nan) > horizon:
        raise ValueError("more steps than the horizon")


def check_history(data: bytes, best_epoch: int) -> None:
    """Raise ValueError unless this is a history.csv with the best epoch in it.

    best_epoch: 0 if no epoch was kept.
    """
    epochs = read_history(data).numbers["epoch"]
    if not 0 <= best_epoch <= len(epochs):
        raise ValueError("the best epoch is not in the history")


def _read(table: Table[Any], data: bytes) -> Rows:
    header, rows = _parse(table, data)
    present = _columns_in(table, header)
    if any(len(row) != len(header) for row in rows):
        raise ValueError("a row has more or fewer cells than the header")

    texts = {ID: [""] * len(rows)}
    numbers = _defaults(table, header, len(rows))
    # By position, as the user's own headings may be those of other columns of ours.
    for position, column in enumerate(present):
        key = column.key or column.name
        cells = [row[position] for row in rows]
        if column.kind is Kind.TEXT:
            texts[key] = cells
        else:
            numbers[key] = _numbers(column, cells)

    parts = [texts.pop(key) for key in list(texts) if key.startswith(f"{TIME} ")]
    if parts:
        texts[TIME] = [" ".join(of_row) for of_row in zip(*parts, strict=True)]
    return Rows(texts, numbers)


def _parse(table: Table[Any], data: bytes) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a file; an empty file is a table without rows."""
    try:
        lines = list(csv.reader(io.StringIO(data.decode())))
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if not lines:
        return [column.name for column in table], []
    return lines[0], lines[1:]


def _columns_in(table: Table[Any], header: list[str]) -> Table[Any]:
    """The columns of a file. Only those with a default may be missing. Raises ValueError."""
    present = []
    for column in table:
        if column.default is None or column.name in header:
            present.append(column)
    if [column.name for column in present] != header:
        raise ValueError("the columns are not those of this table")
    return tuple(present)


def _defaults(table: Table[Any], header: list[str], count: int) -> dict[str, Floats]:
    """What the rows of a file stand for that lacks some columns, by key."""
    numbers = {}
    for column in table:
        if column.default is not None and column.name not in header:
            numbers[column.key or column.name] = np.full(count, column.default, np.float64)
    return numbers


def _numbers(column: Column[Any], cells: Sequence[str]) -> Floats:
    """The numbers (R,) in the cells of a column, NaN where empty. Raises ValueError."""
    if column.kind is Kind.COUNT:
        counts = [int(cell) for cell in cells]
        if not all(0 <= count < MOST_COUNT for count in counts):
            raise ValueError(f"a number of {column.name} is out of bounds")
        return np.array(counts, np.float64)
    numbers = np.array([float(cell) if cell else np.nan for cell in cells], np.float64)
    if column.known and not np.isfinite(numbers).all():
        raise ValueError(f"a number of {column.name} is not finite")
    return numbers
