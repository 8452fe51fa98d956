"""The parts of a format of times: those of strftime, and some of our own.

A format is text with directives such as `%Y` and `%m`. Beside those of strftime there are:

- `%-d`, `%-m`, `%-H`, ...: without a zero in front; `%-Y`: a year of fewer than four digits
- `%3f`: a fraction of a second with three digits
- `%+H`, `%+-H`: hours from 1 to 24, where 24 is midnight at the end of the day
- `%q`: the quarter, 1 to 4
- `%Z`: the abbreviation of a time zone, which is an offset from UTC
- `%>`: the beginning of an interval ends here, and what follows is its end
- `%|`: the next of several columns

`%b` and `%B` are names of months in any language that is known here.
"""

from __future__ import annotations

import functools
import re
from datetime import datetime, timedelta

INTERVAL = "%>"
NEXT_COLUMN = "%|"

_PART = re.compile(r"%(?:[-+]{0,2}|[1-9])[A-Za-z%>|]|[^%]+|%")
_OWN = re.compile(r"%[-+1-9>|qGVbBp]")
_ONE_DAY = timedelta(days=1)

# Names of months by language, and their abbreviations: those without a point are whole words.
_ENGLISH = "January February March April May June July August September October November December"
_FRENCH = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
_GERMAN = "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"
FULL_MONTHS = (
    tuple(_ENGLISH.split()),
    tuple(_FRENCH.split()),
    tuple(_GERMAN.split()),
    tuple(_FRENCH.replace("é", "e").replace("û", "u").split()),
    tuple(_GERMAN.replace("ä", "ae").split()),
    tuple(_GERMAN.replace("Januar", "Jänner").replace("Februar", "Feber").split()),
    tuple(_GERMAN.replace("Januar", "Jänner").split()),
)
SHORT_MONTHS = (
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"),
    ("janv", "févr", "mars", "avr", "mai", "juin", "juil", "août", "sept", "oct", "nov", "déc"),
    ("janv", "fev", "mars", "avr", "mai", "juin", "juil", "aout", "sept", "oct", "nov", "dec"),
    ("jan", "fév", "mar", "avr", "mai", "jun", "jul", "aoû", "sep", "oct", "nov", "déc"),
    ("Jan", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"),
    ("Jan", "Feb", "Mrz", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"),
    ("Jan", "Feb", "März", "Apr", "Mai", "Juni", "Juli", "Aug", "Sept", "Okt", "Nov", "Dez"),
    ("Jän", "Feb", "Mär", "Apr", "Mai", "Jun", "Jul", "Aug", "Sep", "Okt", "Nov", "Dez"),
)

# Offsets in hours. Abbreviations that stand for other zones, too, are those of North America.
ZONES = {
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "BST": 1,
    "WEST": 1,
    "CET": 1,
    "MEZ": 1,
    "CEST": 2,
    "MESZ": 2,
    "EET": 2,
    "EEST": 3,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
    "NZST": 12,
    "NZDT": 13,
    "AEST": 10,
    "AEDT": 11,
}
_GERMAN_ZONES = {"CET": "MEZ", "CEST": "MESZ"}


def parts(pattern: str) -> tuple[str, ...]:
    """A format in pieces: directives with their flags, and the texts between them."""
    return tuple(_PART.findall(pattern))


def letter(part: str) -> str:
    """The letter of a directive, without `%` and flags; empty for a text."""
    return part[-1] if part[0] == "%" and len(part) > 1 else ""


def plain(pattern: str) -> str:
    """A format as it is read: without flags, which only say how times are written."""
    pieces = []
    for part in parts(pattern):
        if part == NEXT_COLUMN:
            pieces.append(" ")
        elif letter(part).isalpha() and part != "%-Y":
            pieces.append(f"%{letter(part)}")
        else:
            pieces.append(part)
    return "".join(pieces)


@functools.cache
def months_by_word(*, full: bool) -> dict[str, int]:
    """Names of months in small letters, without a point, to their numbers from 1."""
    numbers: dict[str, int] = {}
    for names in FULL_MONTHS if full else SHORT_MONTHS:
        for number, name in enumerate(names, 1):
            numbers[name.lower()] = number
    return numbers


def write(
    stamp: datetime,
    pattern: str,
    *,
    months: tuple[str, ...] = (),
    halves: tuple[str, ...] = (),
    span: timedelta = timedelta(),
) -> str:
    """A time as text. Years have four digits.

    months: the twelve names of `%b` and `%B`, halves: the two of `%p`; those of strftime, if
    empty. span: how long an interval is.
    """
    if not _OWN.search(pattern):
        return _strftime(stamp, pattern)

    segments = _segments(pattern)
    begins = [part for mark, pieces in segments if mark != INTERVAL for part in pieces]
    texts = []
    for mark, pieces in segments:
        if mark == INTERVAL:
            texts.append(_write_time(stamp + span, pieces, pieces, months, halves))
            continue

        # The date may be in one column, and the hour 24 that changes it in another.
        if mark == NEXT_COLUMN:
            texts.append(" ")
        texts.append(_write_time(stamp, pieces, begins, months, halves))
    return "".join(texts)


def _write_time(
    time: datetime,
    pieces: list[str],
    every_piece: list[str],
    months: tuple[str, ...],
    halves: tuple[str, ...],
) -> str:
    """The pieces of a format that stand for one time; every_piece: with those in other columns."""
    ends_day = _is_midnight(time) and any(map(_is_hour_24, every_piece))
    if ends_day:
        time -= _ONE_DAY

    texts = []
    for part in pieces:
        if ends_day and letter(part) == "H":
            texts.append("24")
        else:
            texts.append(_write_part(time, part, months, halves))
    return "".join(texts)


def split(text: str, pattern: str) -> list[str]:
    """The texts of several columns in a time that was written in their joined format."""
    words = text.split(" ")
    texts = []
    for column in pattern.split(NEXT_COLUMN):
        count = column.count(" ") + 1
        texts.append(" ".join(words[:count]))
        words = words[count:]
    return texts


def zone_name(name: str, like: str) -> str:
    """The abbreviation of a zone in the language of another one: `CET`, or `MEZ`."""
    return _GERMAN_ZONES.get(name, name) if like in _GERMAN_ZONES.values() else name


def _segments(pattern: str) -> list[tuple[str, list[str]]]:
    """A format in pieces of one time: what each begins with (nothing, `%>` or `%|`), its parts."""
    segments: list[tuple[str, list[str]]] = [("", [])]
    for part in parts(pattern):
        if part in (INTERVAL, NEXT_COLUMN):
            segments.append((part, []))
        else:
            segments[-1][1].append(part)
    return segments


def _write_part(time: datetime, part: str, months: tuple[str, ...], halves: tuple[str, ...]) -> str:
    directive = letter(part)
    if not directive:
        return part
    if directive in ("b", "B") and months:
        return months[time.month - 1]
    if directive == "p" and halves:
        return halves[time.hour // 12]
    if directive == "q":
        return str((time.month + 2) // 3)
    if directive == "f" and part[1].isdigit():
        return f"{time.microsecond:06}".ljust(9, "0")[: int(part[1])]

    text = _strftime(time, f"%{directive}")
    return text.lstrip("0") or "0" if "-" in part else text


def _is_hour_24(part: str) -> bool:
    return letter(part) == "H" and "+" in part


def _is_midnight(time: datetime) -> bool:
    return not (time.hour or time.minute or time.second or time.microsecond)


def _strftime(stamp: datetime, pattern: str) -> str:
    if stamp.year < 1000:
        pattern = pattern.replace("%Y", f"{stamp.year:04}").replace("%G", f"{stamp.year:04}")
    return stamp.strftime(pattern)
