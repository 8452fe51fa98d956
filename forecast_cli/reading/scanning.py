"""Scans of a text, byte by byte with numpy: where its records end, how many fields they have,
which quotes are wrong.

A scan goes over the text in pieces that stay in the cache, and decodes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints

PIECE = 1 << 17  # bytes
QUOTE, NEWLINE = ord('"'), ord("\n")

INSIDE = "a quote inside a field that is not quoted"
UNCLOSED = "a quote is opened and never closed"


@dataclass(frozen=True, eq=False)
class Records:
    """R records of a text: where each begins, where its newline is, its number of fields, the
    line it begins on.
    """

    starts: Ints
    ends: Ints
    fields: Ints
    lines: Ints


@dataclass(frozen=True, eq=False)
class _Piece:
    """A piece of a text: its place, and in it the delimiters and newlines that are not quoted.

    marks: where those are; is_newline: which of them are newlines; has_quoted_newlines: whether
    there are others.
    """

    start: int
    marks: Ints
    is_newline: NDArray[np.bool_]
    has_quoted_newlines: bool


def count_regular_rows(text: bytes, start: int, delimiter: str, width: int) -> int | None:
    """How many rows there are from `start` on if each is one line of `width` fields, else None."""
    # Of several columns, an empty line is one that has too few fields.
    if width == 1 and text.find(b"\n\n", max(start - 1, 0)) >= 0:
        return None

    rows, carry = 0, 0
    for piece in _pieces(text, start, delimiter):
        # Every width-th mark is a newline, and no other one.
        expected = piece.is_newline[(width - 1 - carry) % width :: width]
        newlines = np.count_nonzero(piece.is_newline)
        if piece.has_quoted_newlines or not expected.all() or newlines != len(expected):
            return None
        rows += len(expected)
        carry = (carry + len(piece.marks)) % width
    return rows


def scan_records(text: bytes, start: int, delimiter: str) -> Records:
    """The records of a text from `start` on."""
    empty = np.empty(0, np.int64)
    ends, fields, carry = [empty], [empty], 0
    for piece in _pieces(text, start, delimiter):
        newlines = np.flatnonzero(piece.is_newline)
        ends.append(piece.start + piece.marks[newlines])
        counts = np.diff(newlines, prepend=-1)
        if len(counts):
            counts[0] += carry
            carry = len(piece.marks) - 1 - int(newlines[-1])
        else:
            carry += len(piece.marks)
        fields.append(counts)

    all_ends = np.concatenate(ends).astype(np.int64)
    starts = np.concatenate([[start], all_ends[:-1] + 1])[: len(all_ends)].astype(np.int64)
    newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE)
    lines = np.searchsorted(newlines, starts) + 1
    return Records(starts, all_ends, np.concatenate(fields).astype(np.int64), lines)


def find_broken_quote(text: bytes, delimiter: str) -> tuple[int, str] | None:
    """Where the first quote is that does not open or close a whole field, and what is wrong
    with it.
    """
    raw = np.frombuffer(text, np.uint8)
    at = np.concatenate(
        [low + np.flatnonzero(raw[low : low + PIECE] == QUOTE) for low in range(0, len(raw), PIECE)]
    ).astype(np.int64)
    opening, closing = at[0::2], at[1::2]
    before, after = raw[opening - 1], raw[np.minimum(closing + 1, len(raw) - 1)]

    is_doubled = np.concatenate([[False], opening[1:] == closing[: len(opening) - 1] + 1])
    opens_field = _is_border(before, delimiter) | is_doubled | (opening == 0)
    closes_field = _is_border(after, delimiter) | (after == QUOTE)

    broken = []
    if not opens_field.all():
        broken.append((int(opening[np.argmin(opens_field)]), INSIDE))

    if not closes_field.all():
        broken.append((int(opening[np.argmin(closes_field)]), UNCLOSED))

    if len(opening) > len(closing):
        broken.append((int(opening[-1]), UNCLOSED))
    return min(broken, default=None)


def _is_border(letters: NDArray[np.uint8], delimiter: str) -> NDArray[np.bool_]:
    is_border: NDArray[np.bool_] = (letters == ord(delimiter)) | (letters == NEWLINE)
    return is_border


def _pieces(text: bytes, start: int, delimiter: str) -> Iterator[_Piece]:
    raw = np.frombuffer(text, np.uint8)
    has_quotes, mark, parity = b'"' in text, ord(delimiter), np.uint8(0)
    for low in range(start, len(raw), PIECE):
        part = raw[low : low + PIECE]
        is_mark = (part == NEWLINE) | (part == mark)
        has_quoted_newlines = False
        if has_quotes:
            # An odd number of quotes before a byte means that it is quoted.
            is_quoted = np.bitwise_xor.accumulate((part == QUOTE).view(np.uint8)) ^ parity
            parity = is_quoted[-1]
            has_quoted_newlines = bool(((part == NEWLINE) & (is_quoted == 1)).any())
            is_mark &= is_quoted == 0
        marks = np.flatnonzero(is_mark)
        yield _Piece(low, marks, part[marks] == NEWLINE, has_quoted_newlines)
