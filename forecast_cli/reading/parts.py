"""The part of a table that `--where` names: rows with one text in a column."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import Note, listed, nearest_word, plural
from forecast_cli.reading.parsing import factorized, read_texts
from forecast_cli.reading.records import Table, joined_records
from forecast_cli.reading.scanning import scan_records


def conditions(where: list[str] | None, names: tuple[str, ...]) -> dict[str, str]:
    """The columns that `--where` names, and the text in each: `shop=Berlin`. A name or a text
    may have a `=` in it.

    Raises DataError for a column that is not there, SettingsError for one that is named twice,
    and for a condition without a `=`.
    """
    texts: dict[str, str] = {}
    for condition in where or []:
        pieces = condition.split("=")
        if len(pieces) < 2:
            raise SettingsError(
                f"--where: {condition!r} is not of the form COLUMN=TEXT",
                "write e.g. --where 'shop=Berlin'",
                option="where",
            )

        splits = [
            ("=".join(pieces[:at]).strip(), "=".join(pieces[at:]).strip())
            for at in range(1, len(pieces))
        ]
        fitting = [(name, text) for name, text in splits if name in names]
        if not fitting:
            raise _no_such_column(splits[0][0], names)

        if len(fitting) > 1:
            raise SettingsError(
                f"--where: {condition!r} could mean column {listed([name for name, _ in fitting])}",
                "rename one of the columns",
                option="where",
            )

        name, text = fitting[0]
        if name in texts:
            raise SettingsError(
                f"--where names column {name!r} twice, and a row has one text in it",
                "name it once; to read several series, use --id",
                option="where",
            )
        texts[name] = text
    return texts


def take_part(table: Table, where: list[str] | None, notes: list[Note]) -> Table:
    """The rows of a table that `--where` names. Texts are compared as they are, without spaces
    around them. Raises DataError if there is no such row.
    """
    wanted = conditions(where, table.names)
    if not wanted or not table.rows:
        return table

    keep = np.ones(table.rows, bool)
    for name, text in wanted.items():
        is_wanted, distinct = _rows_with(table, name, text)
        if not is_wanted.any():
            raise _no_such_text(name, text, distinct)
        keep &= is_wanted

    shown = " and ".join(f"{name} is {text!r}" for name, text in wanted.items())
    count = int(keep.sum())
    if not count:
        raise DataError(
            f"no row in which {shown}", "leave out one of the conditions", option="where"
        )

    words = f"{plural(count, 'row')} of {table.rows:,} in which {shown}"
    notes.append(Note("rows_selected", "info", words, {"rows": count, "of": table.rows}))
    return _with_rows(table, keep)


def _rows_with(table: Table, name: str, text: str) -> tuple[NDArray[np.bool_], list[str]]:
    """Which rows (R,) have a text in a column, and all texts of the column."""
    pieces: list[NDArray[np.bool_]] = []
    distinct: dict[str, None] = {}
    for _, column in read_texts(table, [name]):
        codes, cells = factorized(column)
        cells = [cell.strip() for cell in cells]
        pieces.append(np.array([cell == text for cell in cells], bool)[codes])
        distinct |= dict.fromkeys(cells)
    return np.concatenate(pieces), list(distinct)


def _with_rows(table: Table, keep: NDArray[np.bool_]) -> Table:
    """The table with some of its rows only, which keep their lines."""
    text = table.source.text
    records = scan_records(text, table.body, table.delimiter)
    lines = np.array([table.line(int(row)) for row in np.flatnonzero(keep)], np.int64)
    return replace(
        table,
        source=replace(table.source, text=joined_records(text, table.body, records, keep)),
        rows=int(keep.sum()),
        lines=lines,
    )


def _no_such_column(name: str, names: tuple[str, ...]) -> DataError:
    word = nearest_word(name, list(names))
    hint = f"known: {', '.join(names)}" if word is None else f"did you mean {word!r}?"
    return DataError(f"no column {name!r} for --where", hint, column=name)


def _no_such_text(name: str, text: str, distinct: list[str]) -> DataError:
    """The error for a text that no row has. distinct: those that there are."""
    word = nearest_word(text, distinct)
    hint = f"there are {listed(distinct)}" if word is None else f"did you mean {word!r}?"
    return DataError(f"no row has {text!r} in column {name!r}", hint, column=name, value=text)
