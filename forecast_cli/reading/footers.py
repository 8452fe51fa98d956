"""The lines after the data of a file: which of them are no rows, and may be left out."""

from __future__ import annotations

from forecast_cli.errors import DataError, Remedy
from forecast_cli.reading import line_shapes
from forecast_cli.reading.header_search import rows_of_another_table
from forecast_cli.reading.line_shapes import Line, Shape, lines_between, split
from forecast_cli.reading.line_words import shortened
from forecast_cli.reading.remedies import SKIPPING, without_footer
from forecast_cli.settings import DataSettings

TAIL = 1 << 16  # bytes that are searched for what comes after the data
MOST_AFTER = 100  # lines after the data


def lines_as_told(name: str, text: bytes, count: int, shape: Shape | None) -> list[Line]:
    """The last lines, as many as `--footer` says. Raises DataError for a row of data among them."""
    if not count:
        return []

    lines = _last_lines(text)[-count:]
    for line in lines:
        row = split(line.text, shape.delimiter) if shape else []
        if shape and shape.time is not None and shape.is_row(row):
            raise DataError(
                f"{name}:{line.number}: --footer {count} would leave out a row of data: "
                f"{shortened(line.text)!r}",
                "use a smaller --footer, or --footer 0 if nothing comes after the data",
                option="footer",
                remedies=[Remedy({"footer": 0}, "keeps all lines after the header")],
                path=name,
                line=line.number,
            )
    return lines


def lines_after_data(name: str, text: bytes, settings: DataSettings, shape: Shape) -> list[Line]:
    """The lines after the last row that are no data; none where that is not certain.

    Raises DataError for a second table, and for sentences that have as many fields as a row.
    """
    if _ends_with_row(text, shape):
        return []
    after = _lines_after(text, shape)
    if not after:
        return []

    rows = [split(line.text, shape.delimiter) for line in after]
    _refuse_second_table(name, after, rows)
    if len(after) <= MOST_AFTER and _are_footer(text, after, rows, shape):
        return after
    if settings.bad_rows != "skip":
        _refuse_texts(name, after, rows, shape)
    return []


def _are_footer(text: bytes, lines: list[Line], rows: list[list[str]], shape: Shape) -> bool:
    """Whether each line may stand after the data, and none is there twice."""
    ends_with_newline = text.endswith(b"\n")
    for line, row in zip(lines, rows, strict=True):
        is_whole = line.end < len(text) or ends_with_newline
        if not line_shapes.is_footer(line, row, shape, is_whole=is_whole):
            return False

    texts = [line.text for line, row in zip(lines, rows, strict=True) if any(row)]
    return len(set(texts)) == len(texts)


def _ends_with_row(text: bytes, shape: Shape) -> bool:
    """Whether the last line is a row, as it mostly is."""
    end = text[-TAIL:].rstrip()
    last = end[end.rfind(b"\n") + 1 :].decode(errors="replace")
    return shape.is_row(split(last, shape.delimiter))


def _lines_after(text: bytes, shape: Shape) -> list[Line]:
    """The lines after the last row; none where that is not in sight."""
    lines = _last_lines(text)
    for at in range(len(lines) - 1, -1, -1):
        if shape.is_row(split(lines[at].text, shape.delimiter)):
            return lines[at + 1 :]
    return []


def _last_lines(text: bytes) -> list[Line]:
    begin = 0
    if len(text) > TAIL:
        begin = text.find(b"\n", len(text) - TAIL) + 1
    return lines_between(text, begin, len(text))


def _refuse_second_table(name: str, lines: list[Line], rows: list[list[str]]) -> None:
    """Raise DataError for rows of another table after the first one."""
    first = rows_of_another_table(rows)
    if first is None:
        return
    begin = lines[max(first - 1, 0)].number
    raise DataError(
        f"{name}:{begin}: a second table seems to begin here",
        f"use --footer {len(lines)} to read the first table, or --skip-rows {begin - 1} to "
        "read what is here",
        option="footer",
        remedies=[
            Remedy({"footer": len(lines)}, "reads the table before it"),
            Remedy({"skip_rows": begin - 1}, "reads the table that begins here"),
        ],
        path=name,
        line=begin,
    )


def _refuse_texts(name: str, lines: list[Line], rows: list[list[str]], shape: Shape) -> None:
    """Raise DataError for sentences that have as many fields as a row."""
    is_sentence = len(rows[0]) == shape.width and len(rows[0][0].split()) > 1
    has_data = any(map(line_shapes.holds_data, rows))
    if not is_sentence or has_data:
        return
    raise DataError(
        f"{name}:{lines[0].number}: not a row of data: {shortened(lines[0].text)!r}",
        f"use --footer {len(lines)} if the data end before it, or correct the row, or use "
        "--bad-rows skip",
        option="footer",
        remedies=[without_footer(len(lines)), SKIPPING],
        path=name,
        line=lines[0].number,
    )
