"""What stands around the table in a file: lines before the header, and after the data.

They are left out where there is one way to see it, and a note names them by their numbers. Where
there are two, the file is refused. Lines are emptied or cut off, so that all others keep their
numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from forecast_cli.errors import DataError, Remedy
from forecast_cli.fields import option_name
from forecast_cli.messages import Note, plural
from forecast_cli.reading import line_shapes
from forecast_cli.reading.delimiters import DELIMITERS, delimiter_of, separated_by, several
from forecast_cli.reading.line_shapes import SPACE, Line, Shape, lines_between, shape_of, split
from forecast_cli.reading.marks import is_marked_number
from forecast_cli.reading.remedies import NO_HEADER, SKIPPING, without_footer
from forecast_cli.settings import DataSettings

HEAD = 1 << 16  # bytes that are searched for a header
TAIL = 1 << 16  # bytes that are searched for what comes after the data
FEW = 30  # lines at either end of the head that tell whether it is as usual
MOST = 500  # lines in which a header is searched
FOLLOWING = 10  # lines after the first row of which at least half must be rows
MOST_AFTER = 100  # lines after the data
SHOWN = 40  # letters of a line in a message
RANGES = 10  # runs of lines that a note names


@dataclass(frozen=True, eq=False)
class Trimmed:
    """A text in which the header is the first line that is not empty, and a row the last.

    emptied: the numbers of lines that were emptied; is_whole: the last line has a newline.
    """

    text: bytes
    delimiter: str
    emptied: frozenset[int]
    is_whole: bool


def trim(name: str, text: bytes, settings: DataSettings, notes: list[Note]) -> Trimmed:
    """A text without the lines around its table. Raises DataError where it is not clear which
    those are.
    """
    trimmer = _Trimmer(name, text, settings, notes)
    trimmer.leave_out_as_told()
    place = trimmer.find_table()
    trimmer.leave_out_before(place)
    trimmer.leave_out_after(place.shape)
    if place.delimiter != SPACE:
        return trimmer.result(place.delimiter)

    # The mark of a header such as `# day value` is none of its names.
    text = re.sub(rb"\A(\s*)#(?=[ \t])", rb"\1 ", trimmer.text, count=1)
    trimmer.text = line_shapes.tabbed(text)
    return trimmer.result("\t")


@dataclass(frozen=True)
class _Place:
    """Where a table begins.

    before: lines above its header; between: lines from its header to its first row; shape: None
    where no row is recognized.
    """

    delimiter: str
    before: Sequence[Line] = ()
    between: Sequence[Line] = ()
    shape: Shape | None = None


class _Trimmer:
    """A text from which lines are left out, one kind after the other."""

    def __init__(self, name: str, text: bytes, settings: DataSettings, notes: list[Note]) -> None:
        self.name = name
        self.text = text
        self.settings = settings
        self.notes = notes
        self.emptied: set[int] = set()

    def result(self, delimiter: str) -> Trimmed:
        is_whole = self.text.endswith(b"\n")
        text = self.text if is_whole else self.text + b"\n"
        return Trimmed(text, delimiter, frozenset(self.emptied), is_whole)

    def note(self, numbers: Sequence[int], where: str, example: str = "") -> None:
        """Say which lines are left out."""
        were = "was" if len(numbers) == 1 else "were"
        shown = f": {_shortened(example)!r}" if example else ""
        words = f"{self.name}: {_listed(numbers)} {where} {were} left out{shown}"
        self.notes.append(Note("lines_left_out", "info", words, {"lines": list(numbers)}))

    # -- as the settings say -------------------------------------------------------------------

    def leave_out_as_told(self) -> None:
        """Leave out what `--comment`, `--skip-rows` and `--footer` name."""
        if self.settings.skip_rows:
            self._skip_first(self.settings.skip_rows)
        if self.settings.comment:
            self._skip_comments(self.settings.comment)
        self.refuse_nothing()

    def refuse_nothing(self) -> None:
        """Raise DataError if the settings leave no line."""
        if self.text[:HEAD].strip() or self.text.strip():
            return
        options = ("skip_rows", "comment", "footer")
        option = next(name for name in options if getattr(self.settings, name))
        raise DataError(
            f"{self.name}: all lines are left out",
            f"give {option_name(option)} another value, or none",
            option=option,
            path=self.name,
        )

    def _skip_first(self, count: int) -> None:
        end = 0
        for _ in range(count):
            at = self.text.find(b"\n", end)
            if at < 0:
                end = len(self.text)
                break
            end = at + 1
        newlines = self._empty_before(end)
        self.note(range(1, newlines + 1), "at the beginning")

    def _empty_before(self, end: int) -> int:
        """Empty all lines before a byte, and count them."""
        newlines = self.text.count(b"\n", 0, end)
        self.text = b"\n" * newlines + self.text[end:]
        self.emptied |= set(range(1, newlines + 1))
        return newlines

    def _skip_comments(self, mark: str) -> None:
        """Empty the lines that begin with a text, except within a quoted field."""
        pattern = re.compile(rb"^[ \t]*" + re.escape(mark.encode()) + rb".*$", re.MULTILINE)
        parts: list[bytes] = []
        numbers: list[int] = []
        done, line, is_quoted = 0, 1, False
        for match in pattern.finditer(self.text):
            before = self.text[done : match.start()]
            is_quoted ^= before.count(b'"') % 2 == 1
            line += before.count(b"\n")
            parts.append(before)
            done = match.end()
            if is_quoted:
                parts.append(match[0])
                is_quoted ^= match[0].count(b'"') % 2 == 1
            else:
                numbers.append(line)

        if numbers:
            self.text = b"".join([*parts, self.text[done:]])
            self.emptied |= set(numbers)
            self.note(numbers, f"with {mark!r} at the beginning")

    # -- where the table begins ----------------------------------------------------------------

    def find_table(self) -> _Place:
        """Where the table begins. Raises DataError if it may begin in several places."""
        end = self.text.rfind(b"\n", 0, HEAD) + 1
        if len(self.text) <= HEAD and not self.text.endswith(b"\n"):
            end = len(self.text)

        lines = lines_between(self.text, 0, end)
        usual, error = self._usual(lines)
        if usual is not None:
            return usual

        places, errors = self._places(lines)
        if error is not None and not any(place.before for place in places):
            raise error
        if len(places) == 1:
            return places[0]
        if places:
            raise several(self.name, lines[0].number, [place.delimiter for place in places])
        if errors:
            raise errors[0]
        return _Place(self.settings.delimiter or delimiter_of(self.name, self.text))

    def _usual(self, lines: list[Line]) -> tuple[_Place | None, DataError | None]:
        """A table that begins with the first line, as most do; or why that cannot be said."""
        try:
            delimiter = self.settings.delimiter or delimiter_of(self.name, self.text)
        except DataError as error:
            return None, error

        some = lines if len(lines) <= 2 * FEW else [*lines[:FEW], *lines[-FEW:]]
        rows = [split(line.text, delimiter) for line in some]
        if not self.settings.header:
            return self._usual_without_header(rows, delimiter), None

        shape = shape_of(rows[1:], delimiter, self.settings.date_format or [])
        if shape is None:
            return None, None

        following = next((row for row in rows[1:] if any(row)), [])
        if line_shapes.is_row_of_data(rows[0], rows[1:], shape):
            raise no_header(self.name, lines[0].number, rows[0])
        if len(rows[0]) != shape.width or not shape.is_row(following):
            return None, None

        self._refuse_spaces(some, shape)
        return _Place(delimiter, shape=shape), None

    def _usual_without_header(self, rows: list[list[str]], delimiter: str) -> _Place | None:
        shape = shape_of(rows, delimiter, self.settings.date_format or [])
        if shape is None or not shape.is_row(rows[0]):
            return None
        return _Place(delimiter, shape=shape)

    def _refuse_spaces(self, lines: list[Line], shape: Shape) -> None:
        """Raise DataError for a single column that may be several with spaces between them."""
        is_number = shape.width == 1 and shape.time is None
        if not is_number or self.settings.delimiter or self.settings.thousands:
            return
        rows = [split(line.text, SPACE) for line in lines]
        if len(rows[0]) > 1 and all(len(row) == len(rows[0]) for row in rows):
            raise DataError(
                f"{self.name}:{lines[1].number}: {lines[1].text!r} could be one number or "
                f"{len(rows[0])} columns",
                "use --delimiter space for columns, or --thousands ' ' for one number",
                option="delimiter",
                remedies=[
                    separated_by(SPACE),
                    Remedy({"thousands": " "}, "reads one column of numbers"),
                ],
                path=self.name,
                line=lines[1].number,
            )

    def _places(self, lines: list[Line]) -> tuple[list[_Place], list[DataError]]:
        """Where a table begins with each delimiter that makes one, and why that cannot be said
        with others. A table with dates goes before one without; spaces are tried last.
        """
        if len(lines) > MOST + FEW:
            lines = [*lines[:MOST], *lines[-FEW:]]

        delimiters: Sequence[str] = DELIMITERS
        if self.settings.delimiter:
            delimiters = (self.settings.delimiter,)

        places, errors = self._places_with(lines, delimiters)
        if places or self.settings.delimiter:
            return places, errors

        with_spaces, _ = self._places_with(lines, (SPACE,))
        return with_spaces, errors

    def _places_with(
        self, lines: list[Line], delimiters: Sequence[str]
    ) -> tuple[list[_Place], list[DataError]]:
        searches = [search for mark in delimiters if (search := self._search(lines, mark))]
        if any(search.shape.time is not None for search in searches):
            searches = [search for search in searches if search.shape.time is not None]

        places: list[_Place] = []
        errors: list[DataError] = []
        for search in searches:
            try:
                header = search.find()
            except DataError as error:
                errors.append(error)
                continue
            if header is not None:
                before, between = search.lines[: header[0]], search.lines[header[1] :]
                places.append(_Place(search.shape.delimiter, before, between, search.shape))
        return places, errors

    def _search(self, lines: list[Line], delimiter: str) -> _HeaderSearch | None:
        """The search for a header above the first row; None where there is no row."""
        rows = [split(line.text, delimiter) for line in lines]
        shape = shape_of(rows, delimiter, self.settings.date_format or [])
        if shape is None or (delimiter == SPACE and not shape.numbers):
            return None

        first = _first_row(rows, shape)
        if first is None:
            return None
        number = lines[first].number
        return _HeaderSearch(self.name, self.settings, lines[:first], rows[:first], shape, number)

    # -- what is left out ----------------------------------------------------------------------

    def leave_out_before(self, place: _Place) -> None:
        """Leave out the lines above the header, and those between it and the first row."""
        if place.between:
            begin, end = place.between[0].begin, place.between[-1].end
            newlines = self.text.count(b"\n", begin, end)
            self.text = self.text[:begin] + b"\n" * newlines + self.text[end:]
            numbers = [line.number for line in place.between]
            self.emptied |= set(numbers)
            self.note(numbers, "between the header and the data", place.between[0].text)

        if place.before:
            self._empty_before(place.before[-1].end)
            head = self.text[:HEAD]
            above = head.count(b"\n", 0, len(head) - len(head.lstrip()))
            self.note(range(1, above + 1), "before the header", place.before[0].text)

    def leave_out_after(self, shape: Shape | None) -> None:
        """Leave out the lines after the last row."""
        if self.settings.footer is not None:
            self._skip_last(self.settings.footer, shape)
            self.refuse_nothing()
            return
        if shape is None or self._ends_with_row(shape):
            return

        after = self._lines_after(shape)
        if not after:
            return

        rows = [split(line.text, shape.delimiter) for line in after]
        self._refuse_second_table(after, rows)
        texts = [line.text for line, row in zip(after, rows, strict=True) if any(row)]
        are_footer = [
            line_shapes.is_footer(
                line, row, shape, is_whole=line.end < len(self.text) or self._is_whole
            )
            for line, row in zip(after, rows, strict=True)
        ]
        if all(are_footer) and len(set(texts)) == len(texts) and len(after) <= MOST_AFTER:
            self._cut(after)
        else:
            self._refuse_texts(after, rows, shape)

    def _refuse_texts(self, lines: list[Line], rows: list[list[str]], shape: Shape) -> None:
        """Raise DataError for sentences that have as many fields as a row."""
        is_sentence = len(rows[0]) == shape.width and len(rows[0][0].split()) > 1
        has_data = any(map(line_shapes.holds_data, rows))
        if not is_sentence or has_data or self.settings.bad_rows == "skip":
            return
        raise DataError(
            f"{self.name}:{lines[0].number}: not a row of data: {_shortened(lines[0].text)!r}",
            f"use --footer {len(lines)} if the data end before it, or correct the row, or use "
            "--bad-rows skip",
            option="footer",
            remedies=[without_footer(len(lines)), SKIPPING],
            path=self.name,
            line=lines[0].number,
        )

    def _ends_with_row(self, shape: Shape) -> bool:
        """Whether the last line is a row, as it mostly is."""
        end = self.text[-TAIL:].rstrip()
        last = end[end.rfind(b"\n") + 1 :].decode(errors="replace")
        return shape.is_row(split(last, shape.delimiter))

    @property
    def _is_whole(self) -> bool:
        return self.text.endswith(b"\n")

    def _cut(self, lines: Sequence[Line]) -> None:
        numbers = [line.number for line in lines]
        end = lines[0].begin
        while self.text[end - 2 : end] == b"\n\n":
            end -= 1
        self.text = self.text[:end]
        self.note(numbers, "after the data", lines[0].text)

    def _lines_after(self, shape: Shape) -> list[Line]:
        """The lines after the last row; none where that is not in sight."""
        lines = self._last_lines()
        for at in range(len(lines) - 1, -1, -1):
            if shape.is_row(split(lines[at].text, shape.delimiter)):
                return lines[at + 1 :]
        return []

    def _last_lines(self) -> list[Line]:
        begin = 0
        if len(self.text) > TAIL:
            begin = self.text.find(b"\n", len(self.text) - TAIL) + 1
        return lines_between(self.text, begin, len(self.text))

    def _refuse_second_table(self, lines: list[Line], rows: list[list[str]]) -> None:
        """Raise DataError for rows of another table after the first one."""
        first = _rows_of_another_table(rows)
        if first is None:
            return
        begin = lines[max(first - 1, 0)].number
        raise DataError(
            f"{self.name}:{begin}: a second table seems to begin here",
            f"use --footer {len(lines)} to read the first table, or --skip-rows {begin - 1} to "
            "read what is here",
            option="footer",
            remedies=[
                Remedy({"footer": len(lines)}, "reads the table before it"),
                Remedy({"skip_rows": begin - 1}, "reads the table that begins here"),
            ],
            path=self.name,
            line=begin,
        )

    def _skip_last(self, count: int, shape: Shape | None) -> None:
        if not count:
            return

        lines = self._last_lines()[-count:]
        for line in lines:
            row = split(line.text, shape.delimiter) if shape else []
            if shape and shape.time is not None and shape.is_row(row):
                raise DataError(
                    f"{self.name}:{line.number}: --footer {count} would leave out a row of data: "
                    f"{_shortened(line.text)!r}",
                    "use a smaller --footer, or --footer 0 if nothing comes after the data",
                    option="footer",
                    remedies=[Remedy({"footer": 0}, "keeps all lines after the header")],
                    path=self.name,
                    line=line.number,
                )
        self._cut(lines)


# -- the header --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _HeaderSearch:
    """The search for a header in the lines above the first row. rows: the cells of each; first:
    the number of the first row.
    """

    name: str
    settings: DataSettings
    lines: list[Line]
    rows: list[list[str]]
    shape: Shape
    first: int

    def find(self) -> tuple[int, int] | None:
        """The positions of the first line of the table and the one after the header; None where
        there is no header. Raises DataError if there may be several.
        """
        if not self.settings.header:
            return self._no_header_wanted()

        if self.settings.skip_rows is not None:
            return self._as_told()

        candidates = self._candidates()
        if not candidates:
            self._refuse_without_header()
            return None

        header = candidates[-1]
        between = range(header + 1, len(self.lines))
        if any(line_shapes.holds_data(self.rows[at]) for at in between):
            return None
        is_clear = len(candidates) == 1 and not between
        if not is_clear and self.settings.bad_rows == "skip" and candidates[0] == 0:
            return None
        if len(candidates) > 1:
            raise self._several(candidates)
        if between:
            raise self._between(header, header + 1)

        self._refuse_earlier_table(header)
        return header, header + 1

    def _no_header_wanted(self) -> tuple[int, int] | None:
        """Lines above a table without names may be left out if they are none of its rows."""
        if any(len(row) == self.shape.width and all(row) for row in self.rows):
            return None
        self._refuse_earlier_table(len(self.rows))
        return len(self.rows), len(self.rows)

    def _as_told(self) -> tuple[int, int] | None:
        """The first line is the header. What follows is left out up to the first row, if it is
        no data.
        """
        if not self.rows or len(self.rows[0]) != self.shape.width:
            return None
        if any(map(line_shapes.holds_data, self.rows[1:])):
            return None
        return 0, 1

    def _candidates(self) -> list[int]:
        """Lines that may be the header: of those that are nearest to the data, and have neither
        an empty line nor one with data between them.
        """
        fitting = [
            at
            for at, row in enumerate(self.rows)
            if line_shapes.is_header(row, self.shape)
            and not line_shapes.is_comment(self.lines[at].text)
        ]
        if not fitting:
            last = len(self.rows) - 1
            is_comment = last >= 0 and line_shapes.is_header(self.rows[last], self.shape)
            return [last] if is_comment else []

        nearest = [fitting.pop()]
        while fitting and self._are_together(fitting[-1], nearest[0]):
            nearest.insert(0, fitting.pop())
        return nearest

    def _are_together(self, one: int, other: int) -> bool:
        """Whether neither an empty line nor one with data is between two lines."""
        between = self.rows[one + 1 : other]
        has_empty_line = self.lines[other].number - self.lines[one].number > other - one
        are_texts = all(any(row) and not line_shapes.holds_data(row) for row in between)
        return are_texts and not has_empty_line

    def _several(self, candidates: list[int]) -> DataError:
        numbers = [self.lines[at].number for at in candidates]
        shown = " and ".join(str(number) for number in numbers)
        options = [f"--skip-rows {number - 1} for line {number}" for number in numbers]
        return DataError(
            f"{self.name}: lines {shown} could both be the header"
            if len(numbers) == 2
            else f"{self.name}: each of the lines {shown} could be the header",
            f"use {' or '.join(options)}",
            option="skip_rows",
            remedies=[_header_in(number) for number in numbers],
            path=self.name,
        )

    def _between(self, header: int, first: int) -> DataError:
        number, line = self.lines[header].number, self.lines[first]
        return DataError(
            f"{self.name}:{line.number}: neither the header nor a row of data: "
            f"{_shortened(line.text)!r}",
            f"use --skip-rows {number - 1} to take line {number} as the header and leave out what "
            "is between it and the data",
            option="skip_rows",
            remedies=[_header_in(number)],
            path=self.name,
            line=line.number,
        )

    def _refuse_without_header(self) -> None:
        """Raise DataError for a table right below lines of another width, or none."""
        widths = {len(row) for row in self.rows}
        if self.shape.width > 1 and widths == {1}:
            number = self.lines[-1].number
            self._refuse_header_of_other_delimiter(self.lines[-1])
            raise DataError(
                f"{self.name}:{self.first}: no header above the data",
                f"use --skip-rows {number} --no-header, or add a row of names",
                option="header",
                remedies=[_without_header(number)],
                path=self.name,
                line=self.first,
            )

    def _refuse_header_of_other_delimiter(self, line: Line) -> None:
        """Raise DataError for a header that another delimiter splits into as many fields."""
        delimiter = self.shape.delimiter
        for other in DELIMITERS:
            names = split(line.text, other)
            if other != delimiter and line_shapes.is_header(names, self.shape):
                raise DataError(
                    f"{self.name}:{line.number}: the header is split at {other!r}, and the rows "
                    f"at {delimiter!r}",
                    f"use --skip-rows {line.number} --no-header, or write the header with "
                    f"{delimiter!r}",
                    option="header",
                    remedies=[_without_header(line.number)],
                    path=self.name,
                    line=line.number,
                )

    def _refuse_earlier_table(self, end: int) -> None:
        """Raise DataError for rows of another table above this one."""
        above = self.rows[:end]
        has_row = self.shape.time is not None and any(map(self.shape.is_row, above))
        if not has_row and _rows_of_another_table(above) is None:
            return
        number = self.lines[end].number if end < len(self.lines) else self.first
        raise DataError(
            f"{self.name}:{number}: a second table seems to begin here",
            f"use --skip-rows {number - 1} to read it, or remove it to read the first one",
            option="skip_rows",
            remedies=[Remedy({"skip_rows": number - 1}, f"reads the table from line {number} on")],
            path=self.name,
            line=number,
        )


def no_header(name: str, line: int, cells: Sequence[str]) -> DataError:
    """The error for a file that begins with a row."""
    kind = "numbers" if any(map(is_marked_number, cells)) else "dates"
    shown = ", ".join(map(repr, cells[:3]))
    return DataError(
        f"{name}:{line}: no header: line {line} holds {kind}: {shown}",
        "add a row of names, or use --no-header, which calls the columns 1, 2, ...",
        option="header",
        remedies=[NO_HEADER],
        path=name,
        line=line,
    )


def _header_in(line: int) -> Remedy:
    return Remedy({"skip_rows": line - 1}, f"takes line {line} as the header")


def _without_header(last: int) -> Remedy:
    """The remedy for rows without a header below the lines up to the last one."""
    return Remedy(
        {"skip_rows": last, "header": False},
        f"reads the rows from line {last + 1} on, and calls the columns 1, 2, ...",
    )


def _first_row(rows: list[list[str]], shape: Shape) -> int | None:
    """The first row that another one follows, or of whose next lines at least half are rows."""
    are_rows = [shape.is_row(row) for row in rows]
    for at, is_row in enumerate(are_rows):
        following = are_rows[at + 1 : at + 1 + FOLLOWING]
        if is_row and (2 * sum(following) >= len(following) or following[0]):
            return at
    return None


def _rows_of_another_table(rows: list[list[str]]) -> int | None:
    """The first of two lines in turn that have a date and a number in as many fields."""
    for at, (one, other) in enumerate(pairwise(rows)):
        alike = len(one) == len(other)
        if alike and all(map(line_shapes.holds_date_and_number, (one, other))):
            return at
    return None


# -- words -------------------------------------------------------------------------------------


def _shortened(text: str) -> str:
    text = text.strip()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _listed(numbers: Iterable[int]) -> str:
    """`line 3`, `lines 1 to 4, 7`."""
    numbers = list(numbers)
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])

    if len(numbers) == 1:
        return f"line {numbers[0]}"
    shown = [str(low) if low == high else f"{low} to {high}" for low, high in runs[:RANGES]]
    if len(runs) <= RANGES:
        return f"lines {', '.join(shown)}"
    counted = sum(high - low + 1 for low, high in runs[:RANGES])
    return (
        f"{plural(len(numbers), 'line')} ({', '.join(shown)} and {len(numbers) - counted:,} more)"
    )
