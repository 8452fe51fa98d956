"""The header of a table, in the lines above its first row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from forecast_cli.errors import DataError, Remedy
from forecast_cli.reading import line_shapes
from forecast_cli.reading.delimiters import DELIMITERS
from forecast_cli.reading.line_shapes import Line, Shape, split
from forecast_cli.reading.line_words import shortened
from forecast_cli.reading.marks import is_marked_number
from forecast_cli.reading.remedies import NO_HEADER
from forecast_cli.settings import DataSettings


@dataclass(frozen=True)
class HeaderSearch:
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
            f"{shortened(line.text)!r}",
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
        if not has_row and rows_of_another_table(above) is None:
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


def rows_of_another_table(rows: list[list[str]]) -> int | None:
    """The first of two lines in turn that have a date and a number in as many fields."""
    for at, (one, other) in enumerate(pairwise(rows)):
        alike = len(one) == len(other)
        if alike and all(map(line_shapes.holds_date_and_number, (one, other))):
            return at
    return None
