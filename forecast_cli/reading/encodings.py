"""Bytes -> UTF-8 text with single newlines.

An encoding is UTF-8, marked as UTF-16, or named: never guessed.
"""

from __future__ import annotations

import codecs

from forecast_cli.errors import DataError, Remedy, SettingsError

# Shown for text that is not UTF-8; none of them is ever assumed.
LIKELY = ("cp1252", "gb18030", "shift_jis")
PIECE = 1 << 17  # bytes decoded at once: few enough to stay in the cache
SHOWN = 200  # bytes of a row in a message


def to_utf8(name: str, data: bytes, encoding: str | None) -> bytes:
    """The text as UTF-8 with single newlines.

    Raises DataError for text in another encoding, and for NUL bytes.
    """
    if encoding is not None:
        text = _from_named(name, data, encoding)
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = _from_utf16(name, data)
    else:
        text = _from_utf8(name, data)

    _refuse_nul(name, text)

    if b"\r" in text:
        return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text


def _from_named(name: str, data: bytes, encoding: str) -> bytes:
    example = "use e.g. --encoding cp1252"
    try:
        known = codecs.lookup(encoding).name
        return data.decode(known).removeprefix("\ufeff").encode()
    except (LookupError, UnicodeEncodeError):
        raise SettingsError(
            f"--encoding: {encoding!r} is not an encoding of text", example, option="encoding"
        ) from None
    except UnicodeDecodeError as error:
        raise _not_in(encoding, name, data, error.start) from None
    except UnicodeError:
        # Of codecs that are not for files: idna, punycode, undefined.
        raise SettingsError(
            f"--encoding: the text cannot be read as {encoding!r}", example, option="encoding"
        ) from None


def _from_utf16(name: str, data: bytes) -> bytes:
    try:
        return data.decode("utf-16").encode()
    except UnicodeError:
        raise DataError(
            f"{name}: the text is not UTF-16, although it begins like it",
            "copy it again",
            path=name,
        ) from None


def _from_utf8(name: str, data: bytes) -> bytes:
    text = data.removeprefix(b"\xef\xbb\xbf")
    bad = _not_utf8(text)
    if bad is not None:
        raise _not_in("UTF-8", name, text, bad)
    return text


def _not_utf8(data: bytes) -> int | None:
    """Where the first byte is that is not UTF-8; piece by piece, as the decoded text is not
    kept.
    """
    if data.isascii():
        return None

    low = 0
    while low < len(data):
        piece = data[low : low + PIECE]
        try:
            piece.decode()
        except UnicodeDecodeError as error:
            is_cut = error.reason == "unexpected end of data" and low + PIECE < len(data)
            if not is_cut:
                return low + error.start
            # The piece ends inside of a letter, with which the next one begins.
            low += error.start
            continue
        low += PIECE
    return None


def _not_in(encoding: str, name: str, data: bytes, at: int) -> DataError:
    """The error for text that is not in an encoding, with its first wrong row as other
    encodings show it.
    """
    line = data.count(b"\n", 0, at) + 1
    names = f"{', '.join(LIKELY[:-1])} or {LIKELY[-1]}"
    return DataError(
        f"{name}:{line}: the text is not {encoding}{_in_other_encodings(data, at)}",
        f"use --encoding {names}: the one in which the row reads right",
        option="encoding",
        remedies=[
            Remedy({"encoding": one}, f"reads the row as {text!r}")
            for one, text in _in_encodings(data, at).items()
        ],
        path=name,
        line=line,
    )


def _in_other_encodings(data: bytes, at: int) -> str:
    """The row around a byte as other encodings show it, in words."""
    shown = [f"{text!r} in {encoding}" for encoding, text in _in_encodings(data, at).items()]
    return f"; the row would read {', '.join(shown)}" if shown else ""


def _in_encodings(data: bytes, at: int) -> dict[str, str]:
    """The row around a byte in each other encoding that can read it."""
    begin, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
    row = data[begin : end if end >= 0 else len(data)].rstrip(b"\r")[:SHOWN]
    texts = {}
    for encoding in LIKELY:
        try:
            texts[encoding] = row.decode(encoding)
        except UnicodeDecodeError:
            continue
    return texts


def _refuse_nul(name: str, text: bytes) -> None:
    """Refuse NUL bytes: the file is binary, or UTF-16 without a mark."""
    at = text.find(b"\0")
    if at < 0:
        return

    line = text.count(b"\n", 0, at) + 1
    message = f"{name}:{line}: a NUL byte; this is not a text file"
    is_wide = len(text) > 3 and 0 in text[:2]
    if is_wide:
        raise DataError(
            message,
            "if it is UTF-16 without a mark, use --encoding utf-16-le or utf-16-be",
            option="encoding",
            remedies=[
                Remedy({"encoding": one}, f"reads {one.upper()}")
                for one in ("utf-16-le", "utf-16-be")
            ],
            path=name,
            line=line,
        )

    raise DataError(message, "give a CSV file", path=name, line=line)
