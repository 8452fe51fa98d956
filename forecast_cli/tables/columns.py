"""What a column of a table is, and the columns that tables share: times and bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from forecast_cli.directives import split
from forecast_cli.panel import Columns, Floats, TimeFormat

Source = TypeVar("Source")
Bounds = dict[float, tuple[Floats, Floats]]  # lower and upper, by level

SIDES = ("lo", "hi")  # of an interval
ID, TIME = "id", "time"  # keys of the two columns whose headings are those of the user's file
MOST_COUNT = 2**31  # of what is counted, such as epochs


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


def id_columns(columns: Columns, ids_of: Callable[[Source], list[str]]) -> Table[Source]:
    """The column of the ids; none where the data have no id."""
    if not columns.id:
        return ()
    return (Column(columns.id, Kind.TEXT, ids_of, key=ID),)


def time_columns(
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


def bound_columns(levels: Iterable[float], bounds_of: Callable[[Source], Bounds]) -> Table[Source]:
    """The columns of the lower and the upper bound of each level."""

    def bound(level: float, side: str) -> Column[Source]:
        number = SIDES.index(side)
        return Column(
            bound_name(side, level),
            Kind.ROUNDED,
            lambda source: bounds_of(source)[level][number].reshape(-1),
        )

    return tuple(bound(level, side) for level in levels for side in SIDES)


def bound_name(side: str, level: float) -> str:
    """`lo-80`: the name of a bound in every file and format.

    side: `lo` or `hi`; level: in percent.
    """
    return f"{side}-{level:.10g}"


def bound_names(levels: Iterable[float]) -> list[str]:
    """The names of all bounds, in the order in which they stand in the files."""
    return [bound_name(side, level) for level in levels for side in SIDES]
