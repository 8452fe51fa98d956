"""Where the table of a file begins: its delimiter, its header, and its first row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from forecast_cli.errors import DataError, Remedy
from forecast_cli.reading import line_shapes
from forecast_cli.reading.delimiters import DELIMITERS, delimiter_of, separated_by, several
from forecast_cli.reading.header_search import HeaderSearch, no_header
from forecast_cli.reading.line_shapes import SPACE, Line, Shape, lines_between, shape_of, split
from forecast_cli.settings import DataSettings

HEAD = 1 << 16  # bytes that are searched for a header
FEW = 30  # lines at either end of the head that tell whether it is as usual
MOST = 500  # lines in which a header is searched
FOLLOWING = 10  # lines after the first row of which at least half must be rows


@dataclass(frozen=True)
class Place:
    """Where a table begins.

    before: lines above its header; between: lines from its header to its first row; shape: None
    where no row is recognized.
    """

    delimiter: str
    before: Sequence[Line] = ()
    between: Sequence[Line] = ()
    shape: Shape | None = None


def find_table(name: str, text: bytes, settings: DataSettings) -> Place:
    """Where the table begins. Raises DataError if it may begin in several places."""
    return _TableSearch(name, text, settings).find()


@dataclass(frozen=True)
class _TableSearch:
    """The search for a table in a text."""

    name: str
    text: bytes
    settings: DataSettings

    def find(self) -> Place:
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
        return Place(self.settings.delimiter or delimiter_of(self.name, self.text))

    def _usual(self, lines: list[Line]) -> tuple[Place | None, DataError | None]:
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
        return Place(delimiter, shape=shape), None

    def _usual_without_header(self, rows: list[list[str]], delimiter: str) -> Place | None:
        shape = shape_of(rows, delimiter, self.settings.date_format or [])
        if shape is None or not shape.is_row(rows[0]):
            return None
        return Place(delimiter, shape=shape)

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

    def _places(self, lines: list[Line]) -> tuple[list[Place], list[DataError]]:
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
    ) -> tuple[list[Place], list[DataError]]:
        searches = [search for mark in delimiters if (search := self._search(lines, mark))]
        if any(search.shape.time is not None for search in searches):
            searches = [search for search in searches if search.shape.time is not None]

        places: list[Place] = []
        errors: list[DataError] = []
        for search in searches:
            try:
                header = search.find()
            except DataError as error:
                errors.append(error)
                continue
            if header is not None:
                before, between = search.lines[: header[0]], search.lines[header[1] :]
                places.append(Place(search.shape.delimiter, before, between, search.shape))
        return places, errors

    def _search(self, lines: list[Line], delimiter: str) -> HeaderSearch | None:
        """The search for a header above the first row; None where there is no row."""
        rows = [split(line.text, delimiter) for line in lines]
        shape = shape_of(rows, delimiter, self.settings.date_format or [])
        if shape is None or (delimiter == SPACE and not shape.numbers):
            return None

        first = _first_row(rows, shape)
        if first is None:
            return None
        number = lines[first].number
        return HeaderSearch(self.name, self.settings, lines[:first], rows[:first], shape, number)


def _first_row(rows: list[list[str]], shape: Shape) -> int | None:
    """The first row that another one follows, or of whose next lines at least half are rows."""
    are_rows = [shape.is_row(row) for row in rows]
    for at, is_row in enumerate(are_rows):
        following = are_rows[at + 1 : at + 1 + FOLLOWING]
        if is_row and (2 * sum(following) >= len(following) or following[0]):
            return at
    return None
