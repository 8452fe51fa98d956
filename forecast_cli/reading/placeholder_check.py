"""The question about numbers that seem to stand for a missing value: refused until the settings
say what they are.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, Remedy
from forecast_cli.messages import Note, and_more, plural
from forecast_cli.panel import Floats
from forecast_cli.reading import placeholders
from forecast_cli.reading.columns import Cells
from forecast_cli.reading.number_formats import PLAIN, read_numbers
from forecast_cli.reading.parsing import text_at
from forecast_cli.reading.placeholders import Placeholder
from forecast_cli.reading.records import Table
from forecast_cli.reading.rows import Rows
from forecast_cli.settings import DataSettings

SHOWN = 3  # numbers named in one message


@dataclass(frozen=True, eq=False)
class NumbersToCheck:
    """Columns of numbers (R,), NaN in rows that are left out.

    place, text: where the cell of a column and a row is, and what is written in it, for
    messages.
    """

    columns: dict[str, Floats]
    place: Callable[[str, int], str]
    text: Callable[[str, int], str]


def numbers_in_rows(table: Table, cells: Cells, static: list[str]) -> NumbersToCheck:
    """The columns of numbers of a table, without those of one value a series."""
    columns = {name: values for name, values in cells.numbers.items() if name not in static}
    if cells.bad.any():
        columns = {name: np.where(cells.bad, np.nan, values) for name, values in columns.items()}
    return NumbersToCheck(
        columns,
        place=lambda name, row: f"{table.place(row)}: column {name!r}",
        text=lambda name, row: text_at(table, name, row),
    )


def numbers_in_columns(rows: Rows) -> NumbersToCheck:
    """The numbers of a file with dates as columns, whose cells are all one column."""
    values = next(iter(rows.targets.values()))
    return NumbersToCheck(
        {"value": values},
        place=lambda _, row: rows.place(row),
        text=lambda _, row: f"{values[row]:.10g}",
    )


def check_placeholders(
    numbers: NumbersToCheck,
    settings: DataSettings,
    notes: list[Note],
    series: Ints | None,
    earlier: Mapping[str, Floats] | None = None,
) -> None:
    """Raise DataError for numbers that seem to stand for a missing value.

    Those of `--not-null` are noted.

    series: the number of the series of each row; earlier: values of the columns that come
    before these rows.
    """
    kept_values = {float(text) for text in settings.not_null or []}
    refused: list[str] = []
    kept: list[str] = []
    options: dict[float, str] = {}
    for name, values in numbers.columns.items():
        all_values = np.concatenate([earlier[name], values]) if earlier else values
        for one in placeholders.find(all_values, series):
            rows = np.flatnonzero(values == one.value)
            if not len(rows):
                continue
            row = int(rows[0])
            text = numbers.text(name, row)
            if one.value in kept_values:
                kept.append(f"{text} ({plural(len(rows), 'time')} in column {name!r})")
                continue
            place = numbers.place(name, row)
            refused.append(f"{place}: {text} stands {one.count:,} times, and {one.reason}")
            options.setdefault(one.value, _as_option(text, one))

    if refused:
        texts = list(options.values())
        shown = " and ".join(texts)
        raise DataError(
            "; ".join(refused[:SHOWN]) + and_more(len(refused), SHOWN),
            _what_to_say(list(options.values()), settings),
            option="not_null",
            remedies=[
                Remedy({"null": texts}, f"reads {shown} as a missing value"),
                Remedy({"not_null": texts}, f"reads {shown} as a number like the others"),
            ],
        )

    if kept:
        words = f"kept as numbers: {', '.join(kept[:SHOWN])}{and_more(len(kept), SHOWN)}"
        notes.append(Note("placeholders_kept", "info", words))


def _what_to_say(texts: list[str], settings: DataSettings) -> str:
    """The hint with the options for these numbers, and those that are given already."""
    nulls = " ".join(f"--null {shlex.quote(text)}" for text in [*(settings.null or []), *texts])
    numbers = " ".join(f"--not-null {text}" for text in [*(settings.not_null or []), *texts])
    if len(texts) > 1:
        return (
            f"use {nulls} if they stand for missing values, "
            f"{numbers} if they are numbers like the others"
        )
    return (
        f"use {nulls} if it stands for a missing value, {numbers} if it is a number like the others"
    )


def _as_option(text: str, placeholder: Placeholder) -> str:
    """A number as it is written in the file, if an option can take it so."""
    is_plain = read_numbers([text], PLAIN)[0] == placeholder.value
    if is_plain:
        return text
    # `$-999` and `-999,0` are no texts that --null takes.
    return repr(placeholder.value).removesuffix(".0")
