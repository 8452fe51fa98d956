"""The bytes of an input, and their skeleton: text, delimiter, records, and the line that each row begins on.

Nothing is guessed here: an encoding is UTF-8 or named, a row has as many fields as the header or is named.
The bytes are held once; the scan goes over them in pieces.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import re
import stat
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints
from forecast_cli.config import DataSettings, nearest
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import Note, and_more
from forecast_cli.reading.skips import Skipped

DELIMITERS = (",", ";", "\t", "|")
LIKELY = (
    "cp1252",
    "gb18030",
    "shift_jis",
)  # shown for text that is not UTF-8; none of them is ever assumed
EXPANDED = 8 << 30  # bytes that a .gz file may expand to
PIECE = 1 << 17  # bytes scanned at once: few enough to stay in the cache
SAMPLE = 1 << 16  # bytes that decide on delimiter and roles
MANY_QUOTES = 100  # lines with a broken quote that are left out before the whole file is refused


@dataclass(frozen=True)
class Source:
    """The text of an input, in UTF-8 with single newlines, and what to call it in messages.

    fingerprint: the sha256 of the bytes, which is computed while they are read on.
    """

    name: str
    path: str
    text: bytes
    fingerprint: Future[str]


@dataclass(frozen=True, eq=False)
class Table:
    """The text of a source whose rows all have the width of the header.

    body: where in the text the rows begin; lines: (R,) the line that each begins on, None where it is `first + row`.
    skipped: rows that were left out of it.
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
        return self.first + int(row) if self.lines is None else int(self.lines[row])

    def place(self, row: int) -> str:
        return f"{self.source.name}:{self.line(row)}"


# -- bytes -----------------------------------------------------------------------------------------------------------


def load(
    path: str,
    encoding: str | None = None,
    *,
    expanded: int = EXPANDED,
    content: bytes | None = None,
) -> Source:
    """The text of a file (`-`: standard input), unpacked if it is gzip. Raises DataError.

    content: the bytes, where something else has read the file at `path`.
    """
    again = path  # what is to be read next time; a stream is gone then
    if content is not None:
        name, data = path, content
    elif path == "-":
        if sys.stdin is None:
            raise DataError("standard input is closed", "give a file, or pipe the data in")
        name, data = "standard input", sys.stdin.buffer.read()
    else:
        name = path
        try:
            with open(path, "rb") as file:
                before = os.fstat(file.fileno())
                data = file.read()
                after = os.fstat(file.fileno())
                if not stat.S_ISREG(after.st_mode):
                    again, before = "-", after
        except FileNotFoundError:
            raise no_such_file(path) from None
        except OSError as error:
            raise DataError(
                f"{path}: {error.strerror}", "give a CSV file that can be read"
            ) from None
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or (
            again != "-" and len(data) != after.st_size > 0
        ):
            raise DataError(
                f"{path}: the file changed while it was read", "run again when the writer is done"
            )
    raw = data
    worker = ThreadPoolExecutor(1, thread_name_prefix="sha256")
    fingerprint = worker.submit(lambda: hashlib.sha256(raw).hexdigest())
    worker.shutdown(wait=False)
    if data[:2] == b"\x1f\x8b":
        data = _expanded(name, data, expanded)
    if data[:4] in (b"PK\x03\x04", b"PAR1"):
        kind = "a zip archive" if data[:2] == b"PK" else "a Parquet file"
        raise DataError(f"{name}: {kind} is not read", "give the CSV file itself")
    text = _utf8(name, data, encoding)
    if not text[:SAMPLE].strip() and not text.strip():
        raise DataError(f"{name}: the file is empty", "give a CSV file with a header and rows")
    return Source(name, "-" if again == "-" else str(Path(path).absolute()), text, fingerprint)


def no_such_file(path: str) -> DataError:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path):
        return DataError(f"{path}: a URL is never read", "download it, and give the file")
    return DataError(f"{path}: no such file", _near_file(path))


def _near_file(path: str) -> str:
    try:
        files = [entry.name for entry in os.scandir(Path(path).parent)]
    except OSError:
        return "check the path"
    close = nearest(Path(path).name, files)
    return close if close.startswith("did") else "check the path"


def _expanded(name: str, data: bytes, limit: int) -> bytes:
    """The content of gzip members, one after the other; a file that expands beyond the limit is refused in time."""
    parts, size, rest = [], 0, data
    try:
        while rest:
            unpack = zlib.decompressobj(wbits=31)
            while not unpack.eof:
                part = unpack.decompress(rest, min(PIECE, limit - size + 1))
                size += len(part)
                if size > limit:
                    raise DataError(
                        f"{name}: expands to more than {limit:,} bytes",
                        "unpack it, and give a part of it",
                    )
                parts.append(part)
                rest = unpack.unconsumed_tail
                if not part and not rest and not unpack.eof:
                    raise DataError(f"{name}: the gzip file is cut off", "copy it again")
            rest = unpack.unused_data.lstrip(b"\0")
    except zlib.error:
        raise DataError(f"{name}: the gzip file is damaged", "copy it again") from None
    return b"".join(parts)


def _utf8(name: str, data: bytes, encoding: str | None) -> bytes:
    """The text as UTF-8 with single newlines; without --encoding UTF-8, and UTF-16 with a byte order mark."""
    if encoding is not None:
        try:
            known = codecs.lookup(encoding).name
            data = data.decode(known).removeprefix("\ufeff").encode()
        except (LookupError, UnicodeEncodeError):
            raise SettingsError(
                f"--encoding: {encoding!r} is not an encoding of text", "use e.g. --encoding cp1252"
            ) from None
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise DataError(
                f"{name}:{line}: the text is not {encoding}{_in_other_encodings(data, error.start)}",
                f"say --encoding {', '.join(LIKELY[:-1])} or {LIKELY[-1]}: the one in which the row reads right",
            ) from None
        except UnicodeError:  # of codecs that are not for files: idna, punycode, undefined
            raise SettingsError(
                f"--encoding: the text cannot be read as {encoding!r}", "use e.g. --encoding cp1252"
            ) from None
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeError:
            raise DataError(
                f"{name}: the text is not UTF-16, although it begins like it", "copy it again"
            ) from None
    else:
        data = data.removeprefix(b"\xef\xbb\xbf")
        bad = _not_utf8(data)
        if bad is not None:
            line = data.count(b"\n", 0, bad) + 1
            raise DataError(
                f"{name}:{line}: the text is not UTF-8{_in_other_encodings(data, bad)}",
                f"say --encoding {', '.join(LIKELY[:-1])} or {LIKELY[-1]}: the one in which the row reads right",
            )
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        wide = len(data) > 3 and (data[1] == 0 or data[0] == 0)
        raise DataError(
            f"{name}:{line}: a NUL byte; this is not a text file",
            "if it is UTF-16 without a mark, say --encoding utf-16-le or utf-16-be"
            if wide
            else "give a CSV file",
        )
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def _not_utf8(data: bytes) -> int | None:
    """Where the first byte is that is not UTF-8; piece by piece, as the decoded text is not kept."""
    if data.isascii():
        return None
    low = 0
    while low < len(data):
        piece = data[low : low + PIECE]
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data" and low + PIECE < len(data):
                low += error.start
                continue
            return low + error.start
        low += PIECE
    return None


def _in_other_encodings(data: bytes, at: int) -> str:
    """The row around a byte as other encodings show it."""
    begin, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
    row = data[begin : end if end >= 0 else len(data)].rstrip(b"\r")[:200]
    shown = []
    for encoding in LIKELY:
        try:
            shown.append(f"{row.decode(encoding)!r} in {encoding}")
        except UnicodeDecodeError:
            continue
    return f"; the row would read {', '.join(shown)}" if shown else ""


# -- records ---------------------------------------------------------------------------------------------------------


def table(source: Source, settings: DataSettings, notes: list[Note]) -> Table:
    """Check every record against the header. Rows of another width are refused, or left out by `--bad-rows skip`."""
    skip = settings.bad_rows == "skip"
    text = source.text
    whole = text.endswith(b"\n")
    if not whole:
        text += b"\n"
    delimiter = _delimiter(source.name, text, settings.delimiter)
    text, gone = _check_quotes(source, text, delimiter, skip, whole, notes)
    begin, body, names = _header(source.name, text, delimiter)
    first = text.count(b"\n", 0, body) + 1
    whole = whole or any(note.level == "degraded" for note in notes)
    if not gone and whole:
        rows = _regular_rows(text, body, delimiter, len(names))
        if rows is not None:
            return Table(replace(source, text=text), delimiter, names, body, rows, first)
    return _irregular(source, text, delimiter, names, (begin, body), gone, whole, skip, notes)


def _irregular(
    source: Source, text: bytes, delimiter: str, names: tuple[str, ...], header: tuple[int, int], gone: dict[int, str],
    whole: bool, skip: bool, notes: list[Note],
) -> Table:  # fmt: skip
    """The table of a text with blank lines, quoted newlines, a cut end or rows of another width."""
    body = header[1]
    ends, fields, lines = _records(text, body, delimiter)
    starts = np.concatenate([[body], ends[:-1] + 1]).astype(np.int64)
    for number in sorted(gone):  # lines taken out before still count
        lines += lines >= number
    width = len(names)
    odd = fields != width
    blank = ends == starts
    for at in np.flatnonzero(odd & ~blank):
        blank[at] = not text[starts[at] : ends[at]].strip(b" \t")
    if width == 1 and blank[: len(blank) - _trailing(blank)].any():
        line = int(lines[np.flatnonzero(blank)[0]])
        raise DataError(
            f"{source.name}:{line}: an empty line in a file of one column is a missing value, or nothing",
            "write NA for a missing value, or remove the line",
        )
    odd &= ~blank
    keep = ~blank
    if not whole and len(ends):
        last = len(ends) - 1
        if odd[last]:
            keep[last] = odd[last] = False
            notes.append(
                Note(
                    "last_line_cut",
                    "degraded",
                    f"{source.name}:{lines[last]}: the last line is cut off and was left out",
                ),
            )
        else:
            notes.append(
                Note(
                    "last_line_unfinished",
                    "warning",
                    f"{source.name}:{lines[last]}: the last line has no newline; it was used",
                )
            )
    if odd.any():
        bad = np.flatnonzero(odd)
        count = f"{fields[bad[0]]} field{'s' if fields[bad[0]] > 1 else ''}"
        message = f"{source.name}:{lines[bad[0]]}: {count} where the header has {width}" + and_more(
            len(bad)
        )
        if not skip:
            hint = "quote fields that contain the delimiter, correct the row, or --bad-rows skip"
            raise DataError(message, hint, option="bad_rows")
        notes.append(
            Note(
                "rows_skipped",
                "degraded",
                f"{len(bad):,} rows of another width were left out: {message}",
            )
        )
        keep &= ~odd
    skipped = (*_with_broken_quotes(gone), *_of_another_width(fields[odd], lines[odd], width))
    if not keep.all():
        text = b"".join([text[:body], *_runs(text, starts, ends, keep)])
    return Table(
        replace(source, text=text), delimiter, names, body, int(keep.sum()), int(lines[0]) if len(lines) else 0, lines[keep],
        skipped,
    )  # fmt: skip


def _of_another_width(fields: Ints, lines: Ints, width: int) -> Iterator[Skipped]:
    """Rows that were left out, by how many fields they have."""
    for number in np.unique(fields).tolist():
        said = f"{number} field{'s' if number > 1 else ''} where the header has {width}"
        yield Skipped(lines[fields == number], f"have {said}", said)


def _with_broken_quotes(gone: dict[int, str]) -> Iterator[Skipped]:
    """Rows that were left out, by what is wrong with their quotes."""
    for said in dict.fromkeys(gone.values()):
        lines = np.array([line for line, what in gone.items() if what == said], np.int64)
        yield Skipped(lines, f"have {said}", said)


def _trailing(blank: NDArray[np.bool_]) -> int:
    filled = np.flatnonzero(~blank)
    return len(blank) - (int(filled[-1]) + 1 if len(filled) else 0)


def _runs(text: bytes, starts: Ints, ends: Ints, keep: NDArray[np.bool_]) -> Iterator[bytes]:
    """The kept records, neighbours in one piece."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], keep.view(np.int8), [0]])))
    for low, high in zip(edges[::2], edges[1::2], strict=True):
        yield text[starts[low] : ends[high - 1] + 1]


def _delimiter(name: str, text: bytes, named: str | None) -> str:
    """The one delimiter that splits the header; a comma for a single column."""
    if named:
        return named
    begin = len(text) - len(text.lstrip(b"\n"))
    end = text.find(b"\n", begin, begin + SAMPLE * 16)
    header = text[begin : end if end >= 0 else begin + SAMPLE * 16].decode()
    found = [mark for mark in DELIMITERS if len(next(csv.reader([header], delimiter=mark))) > 1]
    if len(found) > 1:
        sample = text[:SAMPLE]
        sample = sample[: sample.rfind(b"\n") + 1]
        even = []
        for mark in found:
            fields = _records(sample, 0, mark)[1] if sample else np.zeros(1, np.int64)
            several = fields[fields > 1] if (fields > 1).any() else fields
            even += (
                [mark] if len(several) and np.ptp(several) == 0 else []
            )  # an open quote may leave no record
        found = even or found
    if len(found) > 1:
        shown = " or ".join(repr(mark) for mark in found)
        raise DataError(
            f"{name}:1: the header can be split at {shown}",
            " or ".join(f"--delimiter {'tab' if mark == chr(9) else repr(mark)}" for mark in found),
        )
    return found[0] if found else ","


def _header(name: str, text: bytes, delimiter: str) -> tuple[int, int, tuple[str, ...]]:
    """Where the header begins and ends, and the names in it; a column without a name gets its number."""
    begin = end = len(text) - len(text.lstrip(b"\n"))
    while True:
        end = text.index(b"\n", end) + 1
        if text.count(b'"', begin, end) % 2 == 0:
            break
    line = text.count(b"\n", 0, begin) + 1
    row = text[begin:end].decode()
    names = tuple(cell.strip() for cell in next(csv.reader(io.StringIO(row), delimiter=delimiter)))
    names = tuple(cell or f"column {number}" for number, cell in enumerate(names, 1))
    repeated = sorted(cell for cell, count in Counter(names).items() if count > 1)
    if repeated:
        raise DataError(
            f"{name}:{line}: column {repeated[0]!r} is there twice", "rename one of them"
        )
    if all(re.fullmatch(r"[-+]?[\d.,]+([-/:. T]\d+)*", cell) for cell in names):
        raise DataError(
            f"{name}:{line}: the first row looks like data: {', '.join(map(repr, names[:3]))}",
            "add a row of names",
        )
    return begin, end, names


def _check_quotes(
    source: Source, text: bytes, delimiter: str, skip: bool, whole: bool, notes: list[Note]
) -> tuple[bytes, dict[int, str]]:
    """Refuse, or leave out, lines in which a quote does not open or close a field; the lines left out, and why."""
    gone: dict[int, str] = {}
    if b'"' not in text:
        return text, gone
    while (at := _broken_quote(text, delimiter)) is not None:
        begin, end = text.rfind(b"\n", 0, at[0]) + 1, text.index(b"\n", at[0]) + 1
        line = text.count(b"\n", 0, begin) + 1
        for number in sorted(gone):
            line += line >= number
        is_header = not text[:begin].strip()
        if not whole and end == len(text) and not is_header:
            text = text[:begin]
            notes.append(
                Note(
                    "last_line_cut",
                    "degraded",
                    f"{source.name}:{line}: the last line is cut off and was left out",
                )
            )
            continue
        message = f"{source.name}:{line}: {at[1]}"
        if skip and (is_header or len(gone) >= MANY_QUOTES):
            raise DataError(message, "quote whole fields and double the quotes in them")
        if not skip:
            hint = "quote whole fields and double the quotes in them, or --bad-rows skip"
            raise DataError(message, hint, option="bad_rows")
        if not gone:
            notes.append(
                Note(
                    "rows_skipped", "degraded", f"rows with broken quotes were left out: {message}"
                )
            )
        gone[line] = at[1]
        text = text[:begin] + text[end:]
    return text, gone


def _broken_quote(text: bytes, delimiter: str) -> tuple[int, str] | None:
    """Where the first quote is that does not open or close a whole field, and what is wrong with it."""
    raw = np.frombuffer(text, np.uint8)
    at = np.concatenate(
        [low + np.flatnonzero(raw[low : low + PIECE] == 34) for low in range(0, len(raw), PIECE)]
    ).astype(np.int64)
    opening, closing = at[0::2], at[1::2]
    mark = ord(delimiter)
    before, after = raw[opening - 1], raw[np.minimum(closing + 1, len(raw) - 1)]
    doubled = np.concatenate([[False], opening[1:] == closing[: len(opening) - 1] + 1])
    wrong = ~((before == mark) | (before == 10) | doubled | (opening == 0))
    follows = ~((after == mark) | (after == 10) | (after == 34))
    candidates = []
    if wrong.any():
        candidates.append(
            (int(opening[np.argmax(wrong)]), "a quote inside a field that is not quoted")
        )
    if follows.any():
        candidates.append((int(opening[np.argmax(follows)]), "a quote is opened and never closed"))
    if len(opening) > len(closing):
        candidates.append((int(opening[-1]), "a quote is opened and never closed"))
    return min(candidates) if candidates else None


def _pieces(
    text: bytes, start: int, delimiter: str
) -> Iterator[tuple[int, Ints, NDArray[np.bool_], bool]]:
    """Piece by piece: its place, where delimiters and newlines outside quotes are, which are newlines, quoted ones."""
    raw = np.frombuffer(text, np.uint8)
    quoted, mark, parity = b'"' in text, ord(delimiter), np.uint8(0)
    for low in range(start, len(raw), PIECE):
        part = raw[low : low + PIECE]
        marks = (part == 10) | (part == mark)
        folded = False
        if quoted:
            inside = np.bitwise_xor.accumulate((part == 34).view(np.uint8)) ^ parity
            parity = inside[-1]
            folded = bool(((part == 10) & (inside == 1)).any())
            marks &= inside == 0
        at = np.flatnonzero(marks)
        yield low, at, part[at] == 10, folded


def _regular_rows(text: bytes, start: int, delimiter: str, width: int) -> int | None:
    """How many rows there are if each is one line of `width` fields, else None."""
    if width == 1 and text.find(b"\n\n", max(start - 1, 0)) >= 0:
        return None
    rows, carry = 0, 0
    for _, at, newline, folded in _pieces(text, start, delimiter):
        expected = newline[(width - 1 - carry) % width :: width]
        if folded or not expected.all() or np.count_nonzero(newline) != len(expected):
            return None
        rows += len(expected)
        carry = (carry + len(at)) % width
    return rows


def _records(text: bytes, start: int, delimiter: str) -> tuple[Ints, Ints, Ints]:
    """Of every record: where its newline is, how many fields it has, the line it begins on."""
    ends, fields, carry = [], [], 0
    for low, at, newline, _ in _pieces(text, start, delimiter):
        which = np.flatnonzero(newline)
        ends.append(low + at[which])
        counts = np.diff(which, prepend=-1)
        if len(counts):
            counts[0] += carry
            carry = len(at) - 1 - int(which[-1])
        else:
            carry += len(at)
        fields.append(counts)
    joined = np.concatenate(ends) if ends else np.empty(0, np.int64)
    raw = np.frombuffer(text, np.uint8)
    lines = np.flatnonzero(raw == 10)
    starts = np.concatenate([[start], joined[:-1] + 1]) if len(joined) else np.empty(0, np.int64)
    begins = np.searchsorted(lines, starts) + 1
    return (
        joined.astype(np.int64),
        np.concatenate(fields).astype(np.int64) if fields else joined,
        begins,
    )
