"""The bytes of an input: read from a file or standard input, unpacked, and turned into text."""

from __future__ import annotations

import glob
import hashlib
import html
import os
import re
import stat
import sys
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from forecast_cli.errors import DataError
from forecast_cli.messages import nearest
from forecast_cli.reading.encodings import to_utf8

EXPANDED = 8 << 30  # bytes that a .gz file may expand to
PIECE = 1 << 17  # bytes unpacked at once
_KINDS = {
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
}
_WORKBOOK = b"xl/"  # the folder in the zip archive that .xlsx files are
_JSON = re.compile(rb'(\xef\xbb\xbf)?\s*(\[\s*)*\{\s*"')
_PAGE = re.compile(rb"<(!doctype html|html|head|body|table)\b", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
LONGEST_TITLE = 80  # letters


@dataclass(frozen=True)
class Source:
    """The text of an input, in UTF-8 with single newlines.

    name: what messages call it; path: where to read it again, `-` for a stream; fingerprint:
    the sha256 of the bytes, which is computed in a thread while they are read on.
    """

    name: str
    path: str
    text: bytes
    fingerprint: Future[str]


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
    name, path_again = path, str(Path(path).absolute())
    if path == "-":
        name, path_again = "standard input", "-"
        data = standard_input() if content is None else content
    elif content is not None:
        data = content
    else:
        data, is_regular = read_file(path, "CSV")
        path_again = path_again if is_regular else "-"

    fingerprint = _hash(data)
    if data[:2] == b"\x1f\x8b":
        data = _expanded(name, data, expanded)

    _refuse_other_kinds(name, data)
    _refuse_page(name, data[:PIECE])

    text = to_utf8(name, data, encoding)
    # Most files have text at their beginning; only the others are stripped as a whole.
    if not text[:PIECE].strip() and not text.strip():
        raise DataError(
            f"{name}: the file is empty", "give a CSV file with a header and rows", path=name
        )
    return Source(name, path_again, text, fingerprint)


def read_file(path: str, kind: str) -> tuple[bytes, bool]:
    """The bytes of a file, and whether it is a regular one.

    Raises DataError, also if it changes meanwhile.

    kind: of the file that is expected, for messages.
    """
    try:
        with open(path, "rb") as file:
            before = os.fstat(file.fileno())
            data = file.read()
            after = os.fstat(file.fileno())
    except FileNotFoundError:
        raise _no_such_file(path) from None
    except IsADirectoryError:
        raise DataError(
            f"{path}: this is a folder",
            "give one file; `forecast predict` alone reads the files of a folder",
            path=path,
        ) from None
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror}", f"give a {kind} file that can be read", path=path
        ) from None

    is_regular = stat.S_ISREG(after.st_mode)
    has_changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)
    is_other_size = after.st_size > 0 and len(data) != after.st_size
    if is_regular and (has_changed or is_other_size):
        raise DataError(
            f"{path}: the file changed while it was read",
            "run again when the writer is done",
            path=path,
        )
    return data, is_regular


def standard_input() -> bytes:
    """All bytes of standard input. Raises DataError if it is closed."""
    if sys.stdin is None:
        raise DataError("standard input is closed", "give a file, or pipe the data in")
    return sys.stdin.buffer.read()


def _hash(data: bytes) -> Future[str]:
    """The sha256 of the bytes, computed in a thread."""
    worker = ThreadPoolExecutor(1, thread_name_prefix="sha256")
    fingerprint = worker.submit(lambda: hashlib.sha256(data).hexdigest())
    worker.shutdown(wait=False)
    return fingerprint


def _refuse_other_kinds(name: str, data: bytes) -> None:
    """Raise DataError for a file that is known by its first bytes to be something else."""
    kind = _KINDS.get(data[:4])
    hint = "give the CSV file itself"
    if _WORKBOOK in data[:PIECE] and kind is not None:
        kind, hint = "an Excel workbook", "save the sheet as a CSV file, and give that"
    elif _JSON.match(data, 0, PIECE):
        kind, hint = "a JSON file", "write its records as the rows of a CSV file with a header"
    if kind is not None:
        raise DataError(f"{name}: {kind} is not read", hint, path=name)


def _refuse_page(name: str, begin: bytes) -> None:
    """Raise DataError for an HTML page that was saved in place of a file. begin: of the bytes."""
    if _PAGE.match(_without_comments(begin)) is None:
        return

    match = _TITLE.search(begin)
    title = html.unescape(match[1].decode(errors="replace")) if match else ""
    shown = " ".join(title.split())[:LONGEST_TITLE]
    raise DataError(
        f"{name}: this is an HTML page{f' ({shown!r})' if shown else ''}, not a CSV file",
        "download the data from where the page leads to, and give that file",
        path=name,
    )


def _without_comments(begin: bytes) -> bytes:
    """The beginning of a page without what may stand before its first element."""
    rest = begin.removeprefix(b"\xef\xbb\xbf").lstrip()
    while rest.startswith((b"<!--", b"<?xml")):
        end = b"-->" if rest.startswith(b"<!--") else b"?>"
        rest = rest.partition(end)[2].lstrip()
    return rest


def _no_such_file(path: str) -> DataError:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path):
        return DataError(
            f"{path}: a URL is never read", "download it, and give the file", path=path
        )
    hint = _near_file(path)
    if glob.has_magic(path) and glob.glob(path):
        hint = "give one file; `forecast predict` alone reads the files of a pattern"
    return DataError(f"{path}: no such file", hint, path=path)


def _near_file(path: str) -> str:
    """A hint that names the file of the folder whose name is nearest."""
    usual = "check the path"
    try:
        files = [entry.name for entry in os.scandir(Path(path).parent)]
    except OSError:
        return usual
    close = nearest(Path(path).name, files)
    return close if close.startswith("did") else usual


def _expanded(name: str, data: bytes, limit: int) -> bytes:
    """The content of gzip members, one after the other.

    Raises DataError as soon as it is beyond the limit.
    """
    parts: list[bytes] = []
    size, rest = 0, data
    try:
        while rest:
            unpack = zlib.decompressobj(wbits=31)
            while not unpack.eof:
                part = unpack.decompress(rest, min(PIECE, limit - size + 1))
                parts.append(part)
                size += len(part)
                rest = unpack.unconsumed_tail
                if size > limit:
                    raise DataError(
                        f"{name}: expands to more than {limit:,} bytes",
                        "unpack it, and give a part of it",
                        path=name,
                    )
                if not part and not rest and not unpack.eof:
                    raise _damaged(name, "is cut off")
            rest = unpack.unused_data.lstrip(b"\0")
    except zlib.error:
        raise _damaged(name, "is damaged") from None
    return b"".join(parts)


def _damaged(name: str, state: str) -> DataError:
    return DataError(f"{name}: the gzip file {state}", "copy it again", path=name)
