"""The skeleton of a text: delimiter, header, records, and the line that each row begins on.

Nothing is guessed here: a row has as many fields as the header, or is refused, or left out by
`--bad-rows skip`.
"""

from __future__ import annotations

import csv
import io
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, Remedy
from forecast_cli.messages import Note, and_more, plural
from forecast_cli.reading.delimiters import as_option, other_delimiter, separated_by
from forecast_cli.reading.header_search import no_header
from forecast_cli.reading.line_shapes import holds_data, is_comment, split
from forecast_cli.reading.number_formats import is_number
from forecast_cli.reading.remedies import SKIPPING, without_footer
from forecast_cli.reading.scanning import (
    Records,
    count_regular_rows,
    find_broken_quote,
    scan_records,
)
from forecast_cli.reading.skips import Skipped
from forecast_cli.reading.source import Source
from forecast_cli.reading.surroundings import trim
from forecast_cli.settings import DataSettings

MANY_QUOTES = 100  # lines with a broken quote that are left out before the whole file is refused


@dataclass(frozen=True, eq=False)
class Table:
    """The text of a source whose rows all have the width of the header.

    body: where in the text the rows begin; lines: (R,) the line that each begins on, None where
    it is `first + row`. skipped: rows that were left out of it.
    """

    source: Source
    delimiter: str
    names: tuple[str, ...]
    body: int
    rows: int
    first: int
    lines: Ints | None = None
    skipped: tuple[Skipped, ...] = ()

    def line(self, row: int) -> int:
        if self.lines is None:
            return self.first + int(row)
        return int(self.lines[row])

    def place(self, row: int) -> str:
        return f"{self.source.name}:{self.line(row)}"

    def without_text(self) -> Table:
        """The same without the text, which is not needed to name a place."""
        return replace(self, source=replace(self.source, text=b""))

    def error(  # noqa: PLR0913 -- the fields of an error
        self,
        row: int,
        text: str,
        hint: str,
        *,
        column: str = "",
        value: str = "",
        option: str = "",
        remedies: Sequence[Remedy] = (),
    ) -> DataError:
        """The error for a row, or for its cell in a column: `data.csv:5: column 'y': ...`."""
        of_column = f"column {column!r}: " if column else ""
        return DataError(
            f"{self.place(row)}: {of_column}{text}",
            hint,
            option=option,
            remedies=remedies,
            path=self.source.name,
            line=self.line(row),
            column=column,
            value=value,
        )


def read_table(source: Source, settings: DataSettings, notes: list[Note]) -> Table:
    """Check every record of a text against its header. Raises DataError."""
    trimmed = trim(source.name, source.text, settings, notes)
    delimiter, is_whole = trimmed.delimiter, trimmed.is_whole
    checked = _check_quotes(
        source.name, trimmed.text, delimiter, settings, notes, is_whole=is_whole
    )
    text, is_whole = checked.text, is_whole or checked.was_cut

    body, names = _header(source.name, text, delimiter, has_names=settings.header)
    first = text.count(b"\n", 0, body) + 1
    if is_whole and not checked.left_out:
        rows = count_regular_rows(text, body, delimiter, len(names))
        if rows is not None:
            return Table(replace(source, text=text), delimiter, names, body, rows, first)

    skeleton = Table(replace(source, text=text), delimiter, names, body, 0, first)
    outside = _Outside(trimmed.emptied, checked.left_out)
    return _irregular(skeleton, outside, settings, notes, is_whole=is_whole)


# -- the header --------------------------------------------------------------------------------


def _header(
    name: str, text: bytes, delimiter: str, *, has_names: bool
) -> tuple[int, tuple[str, ...]]:
    """Where the rows begin, and the names of the columns; one without a name gets its number.

    has_names: without them, the first record is a row.
    """
    begin = end = len(text) - len(text.lstrip(b"\n"))
    while True:
        end = text.index(b"\n", end) + 1
        if text.count(b'"', begin, end) % 2 == 0:
            break

    row = _cells(name, text, begin, end, delimiter)
    if not has_names:
        return begin, tuple(str(number) for number in range(1, len(row) + 1))

    names = tuple(cell.strip() or f"column {number}" for number, cell in enumerate(row, 1))
    _check_header(name, text.count(b"\n", 0, begin) + 1, names)
    return end, names


def _check_header(name: str, line: int, names: tuple[str, ...]) -> None:
    repeated = sorted(cell for cell, count in Counter(names).items() if count > 1)
    if repeated and any(is_number(cell) and not cell.isdigit() for cell in names):
        raise no_header(name, line, names)
    if repeated:
        raise DataError(
            f"{name}:{line}: column {repeated[0]!r} is there twice",
            "rename one of them",
            path=name,
            line=line,
            column=repeated[0],
        )

    if all(re.fullmatch(r"[-+]?[\d.,]+([-/:. T]\d+)*", cell) for cell in names):
        raise no_header(name, line, names)


def _cells(name: str, text: bytes, begin: int, end: int, delimiter: str) -> list[str]:
    """The cells of the first record."""
    try:
        return next(csv.reader(io.StringIO(text[begin:end].decode()), delimiter=delimiter))
    except csv.Error as error:
        line = text.count(b"\n", 0, begin) + 1
        raise DataError(
            f"{name}:{line}: the header cannot be read: {error}",
            "write the names of the columns into the first line",
            path=name,
            line=line,
        ) from None


# -- quotes ------------------------------------------------------------------------------------


@dataclass
class _CheckedQuotes:
    """A text without lines in which a quote is broken.

    left_out: the lines that were taken out, and what is wrong with each; was_cut: whether the
    last line was cut off.
    """

    text: bytes
    left_out: dict[int, str] = field(default_factory=dict)
    was_cut: bool = False

    def line(self, at: int) -> int:
        """The line of the file that a byte of the text is on."""
        line = self.text.count(b"\n", 0, at) + 1
        for number in sorted(self.left_out):
            line += line >= number
        return line


def _check_quotes(
    name: str,
    text: bytes,
    delimiter: str,
    settings: DataSettings,
    notes: list[Note],
    *,
    is_whole: bool,
) -> _CheckedQuotes:
    """Refuse, or leave out, lines in which a quote does not open or close a field."""
    checked = _CheckedQuotes(text)
    if b'"' not in text:
        return checked

    while (broken := find_broken_quote(checked.text, delimiter)) is not None:
        at, reason = broken
        begin, end = checked.text.rfind(b"\n", 0, at) + 1, checked.text.index(b"\n", at) + 1
        line = checked.line(begin)
        is_header = not checked.text[:begin].strip()
        if not is_whole and end == len(checked.text) and not is_header:
            checked.text, checked.was_cut = checked.text[:begin], True
            notes.append(_last_line_cut(name, line))
            continue

        hint = "quote whole fields and double the quotes in them"
        remedies = [SKIPPING]
        other = other_delimiter(checked.text, at, delimiter)
        if other:
            option = as_option(other)
            reason = f"a quoted field ends before {other!r}, and the delimiter is {delimiter!r}"
            hint = f"use --delimiter {option} if that separates the fields, or {hint}"
            remedies.insert(0, separated_by(other))
        error = DataError(
            f"{name}:{line}: {reason}",
            hint,
            option="delimiter" if other else "",
            path=name,
            line=line,
        )
        if settings.bad_rows != "skip":
            error.hint += ", or use --bad-rows skip"
            error.option = "bad_rows"
            error.remedies = tuple(remedies)
            raise error
        if is_header or len(checked.left_out) >= MANY_QUOTES:
            raise error
        if not checked.left_out:
            words = f"rows with broken quotes were left out: {error.message}"
            notes.append(Note("rows_skipped", "degraded", words))
        checked.left_out[line] = reason
        checked.text = checked.text[:begin] + checked.text[end:]
    return checked


def _last_line_cut(name: str, line: int) -> Note:
    return Note(
        "last_line_cut", "degraded", f"{name}:{line}: the last line is cut off and was left out"
    )


# -- records of another width ------------------------------------------------------------------


@dataclass(frozen=True)
class _Outside:
    """Lines that are not in the text any more. emptied: those that are empty instead; removed:
    those that are gone, and why.
    """

    emptied: frozenset[int]
    removed: dict[int, str]


def _irregular(
    table: Table,
    outside: _Outside,
    settings: DataSettings,
    notes: list[Note],
    *,
    is_whole: bool,
) -> Table:
    """The table of a text with blank lines, quoted newlines, a cut end or rows of another
    width.
    """
    text = table.source.text
    records = scan_records(text, table.body, table.delimiter)
    lines = records.lines
    for number in sorted(outside.removed):
        # Lines that were taken out before still count.
        lines = lines + (lines >= number)

    is_blank = _blank(text, records.starts, records.ends, records.fields != len(table.names))
    if len(table.names) == 1:
        is_left_out = np.isin(lines, list(outside.emptied))
        _refuse_blank(table.source.name, is_blank, lines, is_left_out)

    is_odd = (records.fields != len(table.names)) & ~is_blank
    keep = ~is_blank
    if not is_whole and len(lines):
        is_cut = bool(is_odd[-1])
        notes.append(_unfinished(table.source.name, int(lines[-1]), is_cut=is_cut))
        if is_cut:
            keep[-1] = is_odd[-1] = False

    odd_fields, odd_lines = records.fields[is_odd], lines[is_odd]
    if len(odd_lines):
        odd = np.flatnonzero(is_odd)
        first = text[records.starts[odd[0]] : records.ends[odd[0]]].decode()
        regular = np.flatnonzero(keep & ~is_odd)
        is_at_end = len(regular) > 0 and bool(regular[-1] < odd[0])
        mending = _how_to_mend_width(first, table.delimiter, len(odd) if is_at_end else 0)
        _refuse_width(table, odd_fields, odd_lines, mending, settings, notes)
        keep &= ~is_odd

    skipped = [*_with_broken_quotes(outside.removed)]
    skipped += _of_another_width(odd_fields, odd_lines, len(table.names))
    if not keep.all():
        text = joined_records(text, table.body, records, keep)
    return replace(
        table,
        source=replace(table.source, text=text),
        rows=int(keep.sum()),
        first=int(lines[0]) if len(lines) else 0,
        lines=lines[keep],
        skipped=tuple(skipped),
    )


def _blank(text: bytes, starts: Ints, ends: Ints, is_odd: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which records are empty lines, or lines of spaces."""
    is_blank: NDArray[np.bool_] = ends == starts
    for at in np.flatnonzero(is_odd & ~is_blank):
        is_blank[at] = not text[starts[at] : ends[at]].strip(b" \t")
    return is_blank


def _refuse_blank(
    name: str, is_blank: NDArray[np.bool_], lines: Ints, is_left_out: NDArray[np.bool_]
) -> None:
    """Refuse an empty line between the rows of a single column, where it may be a missing
    value. is_left_out: which lines had something in them.
    """
    filled = np.flatnonzero(~is_blank)
    end = int(filled[-1]) + 1 if len(filled) else 0
    unclear = is_blank & ~is_left_out
    if unclear[:end].any():
        line = int(lines[np.argmax(unclear)])
        raise DataError(
            f"{name}:{line}: an empty line in a file of one column could be a missing value "
            "or just blank",
            "write NA for a missing value, or remove the line",
            path=name,
            line=line,
        )


def _unfinished(name: str, line: int, *, is_cut: bool) -> Note:
    """What is said of a last line without a newline."""
    if is_cut:
        return _last_line_cut(name, line)
    words = f"{name}:{line}: the last line has no newline; it was used"
    return Note("last_line_unfinished", "warning", words)


def _refuse_width(
    table: Table,
    fields: Ints,
    lines: Ints,
    mending: _Mending,
    settings: DataSettings,
    notes: list[Note],
) -> None:
    """Refuse rows of another width, or note that they are left out."""
    name, line = table.source.name, int(lines[0])
    count = plural(int(fields[0]), "field")
    message = f"{name}:{line}: {count} where the header has {len(table.names)}"
    message += and_more(len(lines))
    if settings.bad_rows != "skip":
        raise DataError(
            message,
            f"{mending.hint}, or use --bad-rows skip",
            option="bad_rows",
            remedies=list(mending.remedies),
            path=name,
            line=line,
        )

    were = "row with a different number of fields was left out"
    if len(lines) > 1:
        were = "rows with a different number of fields were left out"
    rows = f"{len(lines):,} {were}: {message}"
    notes.append(Note("rows_skipped", "degraded", rows))


@dataclass(frozen=True)
class _Mending:
    """What to do about rows of another width: in words, and as settings that may help."""

    hint: str
    remedies: tuple[Remedy, ...]


def _how_to_mend_width(line: str, delimiter: str, at_end: int) -> _Mending:
    """What to do about the first line with another number of fields. at_end: how many such
    lines are at the end of the file, or 0 where rows come after it.
    """
    if is_comment(line):
        mark = line.strip()[0]
        quoted = shlex.quote(mark)
        hint = f"use --comment {quoted} to leave out lines that begin with {quoted}"
        remedy = Remedy({"comment": mark}, f"leaves out lines that begin with {quoted}")
        return _Mending(hint, (remedy,))
    if at_end and not holds_data(split(line, delimiter)):
        hint = f"use --footer {at_end} if the data end before it, correct the row"
        return _Mending(hint, (without_footer(at_end), SKIPPING))
    return _Mending("quote fields that contain the delimiter, correct the row", (SKIPPING,))


def _of_another_width(fields: Ints, lines: Ints, width: int) -> Iterator[Skipped]:
    """Rows that were left out, by how many fields they have."""
    for number in np.unique(fields).tolist():
        reason = f"{plural(number, 'field')} where the header has {width}"
        yield Skipped(lines[fields == number], f"have {reason}", reason)


def _with_broken_quotes(left_out: dict[int, str]) -> Iterator[Skipped]:
    """Rows that were left out, by what is wrong with their quotes."""
    for reason in dict.fromkeys(left_out.values()):
        lines = [line for line, of_line in left_out.items() if of_line == reason]
        yield Skipped(np.array(lines, np.int64), f"have {reason}", reason)


def joined_records(text: bytes, body: int, records: Records, keep: NDArray[np.bool_]) -> bytes:
    """A text with some of its records only, neighbors in one piece. body: where they begin."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], keep.view(np.int8), [0]])))
    kept = [
        text[records.starts[low] : records.ends[high - 1] + 1]
        for low, high in zip(edges[::2], edges[1::2], strict=True)
    ]
    return b"".join([text[:body], *kept])
