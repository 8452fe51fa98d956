"""Columns of numbers that pandas does not read: from their texts, in the one number format of
the file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli.errors import DataError, Remedy
from forecast_cli.messages import and_more
from forecast_cli.panel import Floats
from forecast_cli.reading import marks
from forecast_cli.reading.number_formats import (
    PLAIN,
    FormatVotes,
    NumberFormat,
    possible_formats,
    read_numbers,
    tidy,
)
from forecast_cli.reading.parsing import factorized, missing_words, read_texts, text_at
from forecast_cli.reading.records import Table
from forecast_cli.reading.remedies import SKIPPING
from forecast_cli.settings import DataSettings

SHOWN = 3  # cells named in one message


@dataclass(frozen=True, eq=False)
class NumberColumns:
    """Columns of numbers (R,), NaN where missing or wrong.

    bad: (R,) rows with a cell that is no number; styles: what stands beside the numbers of a
    column, in words.
    """

    values: dict[str, Floats]
    bad: NDArray[np.bool_]
    styles: dict[str, str]


def number_format_of(table: Table, settings: DataSettings, names: list[str]) -> NumberFormat:
    """How the file writes numbers, if all cells of these columns together can only mean one
    thing.
    """
    missing = missing_words(settings)
    votes = FormatVotes(possible_formats(settings.decimal, settings.thousands))
    for _, column in read_texts(table, names):
        _, cells = factorized(column)
        present = [cell for cell in map(tidy, cells) if cell not in missing]
        votes.add(marks.take_apart(cell).number for cell in present)

    if table.delimiter != ";" and votes.unread.get(PLAIN) == 0:
        return PLAIN

    number_format, unclear = votes.best()
    if unclear:
        raise _unclear(unclear, votes.formats, table.delimiter)
    return number_format


def _unclear(cell: str, formats: tuple[NumberFormat, ...], delimiter: str) -> DataError:
    """The error for a file whose numbers can be read in several ways."""
    readings = [float(read_numbers([cell], one)[0]) for one in formats]
    shown = sorted({f"{number:g}" for number in readings if not np.isnan(number)})
    options = "--decimal, --thousands or --delimiter"
    if delimiter == ";":
        options = "--decimal or --thousands"
    return DataError(
        f"{cell!r} could be {' or '.join(shown)}, and so could every number like it",
        f"say what it is with {options}",
        option="decimal",
        remedies=_with_marks(formats, readings),
        value=cell,
    )


def _with_marks(formats: tuple[NumberFormat, ...], readings: list[float]) -> list[Remedy]:
    """The simplest remedy for each number that a cell may be."""
    remedies: dict[float, Remedy] = {}
    for number_format, number in zip(formats, readings, strict=True):
        option = {"decimal": number_format.decimal}
        if number_format.thousands:
            option = {"thousands": number_format.thousands}
        if not np.isnan(number):
            remedies.setdefault(number, Remedy(option, f"reads {number:.10g}"))
    return list(remedies.values())


def read_number_texts(
    table: Table, settings: DataSettings, names: list[str], number_format: NumberFormat
) -> NumberColumns:
    """Numbers from texts, without what stands beside them.

    Raises DataError for cells that are no numbers.
    """
    missing, nulls = missing_words(settings), _null_numbers(settings)
    columns = {name: marks.Column(number_format, missing, nulls) for name in names}
    for name, cells in read_texts(table, names):
        codes, distinct = factorized(cells)
        columns[name].add([tidy(cell) for cell in distinct], codes)

    bad = np.zeros(table.rows, bool)
    values: dict[str, Floats] = {}
    styles: dict[str, str] = {}
    wrong: list[WrongCell] = []
    count = 0
    for name, column in columns.items():
        numbers = column.numbers()
        rows = np.flatnonzero(numbers.wrong)
        for row in rows[: SHOWN - len(wrong)].tolist():
            wrong.append(_wrong_cell(table, name, row, numbers))
        count += len(rows)
        bad[rows] = True
        values[name] = np.where(numbers.wrong, np.nan, numbers.values)
        styles[name] = numbers.style

    if count and settings.bad_rows == "error":
        raise _not_numbers(table, wrong, count)
    return NumberColumns(values, bad, styles)


@dataclass(frozen=True)
class WrongCell:
    """A cell that is no number, or is not written like the others.

    reason: what is wrong, in words; beside: what stands beside its number, if it has one that
    is not read.
    """

    row: int
    column: str
    text: str
    reason: str
    beside: str


def _wrong_cell(table: Table, name: str, row: int, numbers: marks.Numbers) -> WrongCell:
    text = text_at(table, name, row)
    if numbers.example and not np.isnan(numbers.values[row]):
        reason = f"is not written like the others, e.g. {numbers.example!r}"
        return WrongCell(row, name, text, reason, "")
    beside = "".join(marks.beside_number(text) or ())
    return WrongCell(row, name, text, "is not a number", beside)


def _not_numbers(table: Table, wrong: list[WrongCell], count: int) -> DataError:
    """The error for cells that are no numbers. wrong: the first of them; count: all."""
    parts = []
    for cell in wrong:
        place = table.place(cell.row)
        parts.append(f"{place}: column {cell.column!r}: {cell.text!r} {cell.reason}")

    hint, option = _how_to_correct([cell.beside for cell in wrong])
    remedies = [] if option == "" else [SKIPPING]
    if option == "null":
        texts = list(dict.fromkeys(cell.text for cell in wrong))
        shown = ", ".join(map(repr, texts))
        remedies.insert(0, Remedy({"null": texts}, f"reads {shown} as a missing value"))
    return DataError(
        "; ".join(parts) + and_more(count, SHOWN),
        hint,
        option=option,
        remedies=remedies,
        path=table.source.name,
        line=table.line(wrong[0].row),
        column=wrong[0].column,
        value=wrong[0].text,
    )


def _how_to_correct(beside: list[str]) -> tuple[str, str]:
    """A hint on cells that are no numbers, and its option. beside: what stands beside the
    number in each.
    """
    if not all(beside):
        return (
            "name missing values with --null (besides empty, NA, NaN and null), correct these "
            "cells, or use --bad-rows skip",
            "null",
        )

    if "()" in beside:
        return (
            "write negative numbers with a minus: parentheses mean one only beside a currency",
            "",
        )

    taken = f"take {' and '.join(map(repr, dict.fromkeys(beside)))} out of the cells"
    meant = {"m": "write M for millions, or ", "b": "write B for billions, or "}.get(beside[0], "")
    hint = f"{meant}{taken}, or use another column; --bad-rows skip leaves out the rows"
    return hint, "bad_rows"


def _null_numbers(settings: DataSettings) -> list[float]:
    """The numbers that stand for a missing value, however they are written."""
    values = read_numbers([tidy(text) for text in settings.null or []], PLAIN)
    return [float(value) for value in values if not np.isnan(value)]
