"""Lines of a file by what their cells are: a row of the table, a header, or something else.

Only the first and the last lines of a file are looked at, one by one, with the formats of dates
and numbers that are known. Whatever is decided by them is checked on every row later on.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from forecast_cli.reading.date_formats import form, is_date
from forecast_cli.reading.marks import is_marked_number

SPACE = " "  # the delimiter of fields that have one space or more between them
COLUMNS = 20  # that are searched for dates and numbers
COMMENT_MARKS = ("#", "%", "//", "!", "*")

# Words in the place of a time, beside numbers that were made of the rows.
_TOTALS = frozenset(
    [
        *("total", "totals", "subtotal", "grand", "sum", "summe", "gesamt", "suma", "somme"),
        *("average", "avg", "mean", "median", "min", "minimum", "max", "maximum", "std"),
    ]
)
# Words with which other lines after the data begin.
_REMARKS = frozenset(
    [
        *("source", "sources", "quelle", "fuente", "note", "notes", "footnote", "copyright"),
        *("last", "updated", "exported", "generated", "downloaded", "created", "end", "eof"),
        *("data", "disclaimer", "license", "http", "https", "www"),
    ]
)
# Words that stand in the place of a row that could not be written.
_ERROR_WORDS = frozenset(
    [
        *("err", "error", "errors", "fail", "failed", "failure", "exception", "timeout"),
        *("traceback", "warning", "warn", "invalid", "missing", "offline", "no", "not"),
        *("na", "nan", "nat", "null", "none"),
    ]
)


@dataclass(frozen=True)
class Line:
    """A line of a text. number: counted from 1; begin, end: its bytes, with the newline."""

    number: int
    begin: int
    end: int
    text: str


def lines_between(text: bytes, begin: int, end: int) -> list[Line]:
    """The lines of a part of a text that begins with a line, without empty ones."""
    number = text.count(b"\n", 0, begin) + 1
    lines = []
    for content in text[begin:end].split(b"\n"):
        after = min(begin + len(content) + 1, len(text))
        if content.strip():
            lines.append(Line(number, begin, after, content.decode()))
        begin, number = after, number + 1
    return lines


def split(text: str, delimiter: str) -> list[str]:
    """The cells of a line, without spaces around them."""
    if delimiter == SPACE:
        text = re.sub(r"^\s*#\s", "", text)
        text, delimiter = tabbed(text.encode()).decode(), "\t"
    try:
        row = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return [text]
    return [cell.strip() for cell in row]


def tabbed(text: bytes) -> bytes:
    """A text with a tab for all spaces between two fields, and none around a line. Quoted
    fields stay as they are.
    """
    parts = (b"\n" + text + b"\n").split(b'"')
    for at in range(0, len(parts), 2):
        part = re.sub(rb"[ \t]+", b"\t", parts[at])
        parts[at] = part.replace(b"\n\t", b"\n").replace(b"\t\n", b"\n")
    return b'"'.join(parts)[1:-1]


# -- the shape of the rows ---------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """What the rows of a table have in common.

    time: the position of the column of dates, if there is one; numbers: those of columns of
    numbers; words: the first ones of the dates, where those begin with one; formats: those that
    dates may have besides the known ones.
    """

    delimiter: str
    width: int
    time: int | None
    numbers: frozenset[int]
    words: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ()

    def is_row(self, cells: Sequence[str]) -> bool:
        """Whether cells are a row: with a date where the rows have dates, else with a number."""
        if len(cells) != self.width:
            return False
        if self.time is not None:
            return _is_time(cells[self.time], self.formats)
        return any(is_marked_number(cells[at]) for at in self.numbers)

    @property
    def begins_with_text(self) -> bool:
        """Whether the first cell of a row may be any text."""
        return self.time != 0 and 0 not in self.numbers


def shape_of(
    rows: Sequence[Sequence[str]], delimiter: str, formats: Sequence[str] = ()
) -> Shape | None:
    """The shape that most lines have; None where no line has a number or a date.

    rows: the cells of lines, among which there may be others than rows; formats: those that
    dates may have besides the known ones.
    """
    best: Shape | None = None
    most = 0
    for width in sorted({len(row) for row in rows}, reverse=True):
        if width == 1 and delimiter != ",":
            continue

        alike = [row for row in rows if len(row) == width]
        shape = _shape(alike, delimiter, width, tuple(formats))
        count = sum(map(shape.is_row, alike))
        if count > most:
            best, most = shape, count
    return best


def _shape(
    rows: list[Sequence[str]], delimiter: str, width: int, formats: tuple[str, ...]
) -> Shape:
    columns = [[row[at] for row in rows] for at in range(min(width, COLUMNS))]
    dates = [sum(_is_time(cell, formats) for cell in column) for column in columns]
    numbers = [sum(map(is_marked_number, column)) for column in columns]
    most_dates, most_numbers = max(dates), max(numbers)

    # With a format, dates that are digits alone are numbers, too.
    are_dates = most_dates > 0 if formats else 2 * most_dates > most_numbers
    time = dates.index(most_dates) if are_dates else None

    first_words: set[str] = set()
    if time is not None:
        times = [cell for cell in columns[time] if _is_time(cell, formats)]
        first_words = set(map(first_word, times))

    of_numbers = [at for at, count in enumerate(numbers) if count and 2 * count >= most_numbers]
    return Shape(
        delimiter, width, time, frozenset(of_numbers), frozenset(first_words - {""}), formats
    )


def _is_time(cell: str, formats: Sequence[str]) -> bool:
    return is_date(cell) or any(_reads(pattern, cell) for pattern in formats)


def _reads(pattern: str, cell: str) -> bool:
    try:
        datetime.strptime(cell, pattern)
    except (ValueError, re.error):
        return False
    return True


# -- what a line is, beside rows of that shape -------------------------------------------------


def first_word(cell: str) -> str:
    """The letters with which a cell begins, in small letters: `Total: 5` -> `total`."""
    match = re.match(r"[^\W\d_]+", cell)
    return match[0].lower() if match else ""


def holds_data(cells: Sequence[str]) -> bool:
    """Whether some cell is a date or a number."""
    return any(is_date(cell) or is_marked_number(cell) for cell in cells)


def holds_date_and_number(cells: Sequence[str]) -> bool:
    """Whether these cells may be a row of some table."""
    return any(map(is_date, cells)) and any(map(is_marked_number, cells))


def is_comment(text: str) -> bool:
    return text.lstrip().startswith(COMMENT_MARKS)


def is_header(cells: Sequence[str], shape: Shape) -> bool:
    """Whether cells may be the names of columns: as many as a row has, all different, and none
    of them a number.
    """
    named = [cell for cell in cells if cell]
    # An index may have no name, and neither what is after a delimiter at the end of every line.
    must_be_named = cells[1:] if shape.width < 3 else cells[1:-1]
    is_complete = len(cells) == shape.width and all(must_be_named)
    if not is_complete or len(set(named)) < len(named):
        return False
    if not any(first_word(cell) for cell in named):
        return False

    if shape.time is not None:
        return not _is_time(cells[shape.time], shape.formats) and not any(
            map(is_marked_number, named)
        )
    # Without a column of dates, the dates may be names: 2019, 2020.
    return all(cell.isdigit() for cell in named if is_marked_number(cell))


def is_row_of_data(cells: Sequence[str], below: Sequence[Sequence[str]], shape: Shape) -> bool:
    """Whether what stands in the place of a header is a row like those below it.

    Numbers and dates may be names, too, where the cells below them are something else, or where
    a column of numbers has a text as its name.
    """
    if len(cells) != shape.width or not all(cells):
        return False
    if shape.time is not None:
        return _is_time(cells[shape.time], shape.formats)
    if not all(is_marked_number(cells[at]) for at in shape.numbers):
        return False
    if any(not cells[at].isdigit() for at in shape.numbers):
        return True

    rows = [row for row in below if shape.is_row(row)]
    texts = [at for at in range(shape.width) if at not in shape.numbers]
    return any(_is_like(cells[at], [row[at] for row in rows]) for at in texts)


def _is_like(cell: str, below: list[str]) -> bool:
    """Whether a text is there again in its column, or is written like most there, with digits."""
    if cell in below:
        return True
    alike = form(cell)
    return "9" in alike and 2 * Counter(map(form, below))[alike] > len(below)


def is_footer(line: Line, cells: Sequence[str], shape: Shape, *, is_whole: bool) -> bool:
    """Whether a line after the last row is none of the data.

    It must not have a time that can be read, nor be what is left of a row. is_whole: it has a
    newline.
    """
    if not re.search(r"\w", line.text):
        return is_whole

    filled = [cell for cell in cells if cell]
    first = first_word(filled[0].lstrip("#*(%!/[ "))
    if first in _ERROR_WORDS or _may_be_row(cells, shape):
        return False

    is_known = first in _TOTALS or first in _REMARKS
    if len(cells) == shape.width:
        return shape.time is not None and _is_footer_of_same_width(line, cells, shape)
    if shape.begins_with_text:
        return is_whole and is_known
    return _is_text(line, shape) or (is_known and shape.time is not None and not shape.words)


def _is_footer_of_same_width(line: Line, cells: Sequence[str], shape: Shape) -> bool:
    """Whether a line with as many fields as a row has is a total, or a remark without numbers."""
    filled = [cell for cell in cells if cell]
    if len(filled) == 1 and _is_text(line, shape):
        return True

    words = re.findall(r"[^\W\d_]+", filled[0].lower())
    if not words:
        return False
    if cells[shape.time or 0] != filled[0]:
        # Ids begin with such words, too.
        return all(word in _TOTALS for word in words)

    has_number = any(map(is_marked_number, filled[1:]))
    return words[0] in _TOTALS or (words[0] in _REMARKS and not has_number)


def _may_be_row(cells: Sequence[str], shape: Shape) -> bool:
    """Whether there is a time that can be read, or a date beside a number."""
    at = shape.time
    if at is not None and at < len(cells) and _is_time(cells[at], shape.formats):
        return True
    return len(cells) != shape.width and holds_date_and_number(cells)


def _is_text(line: Line, shape: Shape) -> bool:
    """Whether a line is a sentence or a comment, and no beginning of a date."""
    text = line.text.strip(' \t,;|"')
    begins_like_text = is_comment(text) or bool(re.match(r"[^\W\d_]|[(\[©—–†‡]", text))
    if not begins_like_text or not re.search(r"[^\W\d_]{2}", text):
        return False

    words = text.split()
    if shape.words:
        return len(words) > 2 and first_word(text) not in shape.words
    return len(words) > 1 or is_comment(text)
