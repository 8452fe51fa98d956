"""The delimiter of a file, by its header."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import numpy as np

from forecast_cli.errors import DataError, Remedy
from forecast_cli.reading.scanning import find_broken_quote, scan_records

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 1 << 16  # bytes that decide on the delimiter
LONGEST_HEADER = 1 << 20  # bytes that are searched for the end of the header
_WORDS = {"\t": "tab", " ": "space"}


def delimiter_of(name: str, text: bytes) -> str:
    """The one delimiter that splits the header; a comma for a single column.

    Raises DataError where several do.
    """
    begin = len(text) - len(text.lstrip(b"\n"))
    end = text.find(b"\n", begin, begin + LONGEST_HEADER)
    header = text[begin : end if end >= 0 else begin + LONGEST_HEADER]
    shown = header.decode(errors="replace")

    splitting = [mark for mark in DELIMITERS if _fields(shown, mark) > 1]
    if len(splitting) > 1:
        even = [mark for mark in splitting if _splits_evenly(text, mark)]
        splitting = even or splitting

    if len(splitting) > 1:
        # Quotes belong around whole fields, which only one delimiter makes of them.
        line = header + b"\n"
        unbroken = [mark for mark in splitting if find_broken_quote(line, mark) is None]
        splitting = unbroken or splitting

    if len(splitting) > 1:
        line_number = text.count(b"\n", 0, begin) + 1
        raise several(name, line_number, splitting)
    return splitting[0] if splitting else ","


def several(name: str, line: int, delimiters: Sequence[str]) -> DataError:
    """The error for a file that can be split at several delimiters."""
    shown = " or ".join(repr(mark) for mark in delimiters)
    options = [f"--delimiter {as_option(mark)}" for mark in delimiters]
    return DataError(
        f"{name}:{line}: the header can be split at {shown}",
        f"use {' or '.join(options)}",
        option="delimiter",
        remedies=[separated_by(mark) for mark in delimiters],
        path=name,
        line=line,
    )


def separated_by(delimiter: str) -> Remedy:
    """The remedy for fields that another delimiter separates."""
    word = _WORDS.get(delimiter, delimiter)
    marks = f"{word}s" if word != delimiter else repr(delimiter)
    return Remedy({"delimiter": word}, f"separates the fields at {marks}")


def as_option(delimiter: str) -> str:
    """A delimiter as it is typed in a shell."""
    return _WORDS.get(delimiter, repr(delimiter))


def other_delimiter(text: bytes, at: int, delimiter: str) -> str:
    """The delimiter right after a quoted field of one line, where it is another one; else
    nothing. at: where the quote opens.
    """
    before, end = text[max(at - 1, 0) : at], text.find(b'"', at + 1)
    if end < 0 or b"\n" in text[at:end]:
        return ""

    after = text[end + 1 : end + 2].decode(errors="replace")
    begins_field = before in (b"", b"\n", delimiter.encode(), after.encode())
    is_other = after in DELIMITERS and after != delimiter
    return after if is_other and begins_field else ""


def _fields(header: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=delimiter), []))
    except csv.Error:
        # A field of more than 131,072 characters: there is no such name.
        return 1


def _splits_evenly(text: bytes, delimiter: str) -> bool:
    """Whether a delimiter splits the first records into equally many fields."""
    sample = text[:SAMPLE]
    sample = sample[: sample.rfind(b"\n") + 1]
    if not sample:
        return True

    fields = scan_records(sample, 0, delimiter).fields
    several_fields = fields[fields > 1]
    # An open quote may leave no record at all.
    counted = several_fields if len(several_fields) else fields
    return len(counted) > 0 and int(np.ptp(counted)) == 0
