"""Texts of times that no library reads: quarters, weeks, month names of several languages,
abbreviations of time zones, intervals.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np

from forecast_cli import directives
from forecast_cli.calendar import Ints
from forecast_cli.directives import INTERVAL, ZONES, letter, months_by_word

NEVER = np.iinfo(np.int64).min

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_WORD = r"[^\W\d_]+"
_NUMBERS = {
    "Y": r"\d{4}",
    "G": r"\d{4}",
    "y": r"\d\d",
    **dict.fromkeys("mdHIMSV", r"\d{1,2}"),
    "j": r"\d{1,3}",
    "f": r"\d{1,9}",
    "q": "[1-4]",
    "u": "[1-7]",
}
_OTHERS = {
    **dict.fromkeys("bB", rf"{_WORD}\.?"),
    **dict.fromkeys("aA", rf"{_WORD}\.?"),
    "p": r"[AaPp]\.?[Mm]\.?",
    "z": r"(?:Z|[+-]\d\d(?::?\d\d)?)",
    "Z": "|".join(sorted(ZONES, key=len, reverse=True)),
    "%": "%",
}
_FEW_DIGITS = r"\d{1,4}"


def is_own(pattern: str) -> bool:
    """Whether only this module reads a format."""
    used = {letter(part) for part in directives.parts(pattern)}
    has_own = bool(used & set("qZ>")) or "%-Y" in pattern
    return has_own or ("V" in used and "u" not in used)


def has_words(pattern: str) -> bool:
    """Whether a format has words or offsets, some of which no library reads."""
    return bool(re.search("%[bBpz]", pattern))


def reads(pattern: str, cell: str) -> bool:
    """Whether a text is a time in a format."""
    return _read(pattern, cell) is not None


def parse(cells: Iterable[str], pattern: str) -> Ints:
    """(n,) microseconds of texts, or NEVER where one is not in the format. Times with an offset
    are turned into UTC; of an interval, this is its beginning.
    """
    times = []
    for cell in cells:
        time = _read(pattern, cell)
        times.append(NEVER if time is None else (time - _EPOCH) // _MICROSECOND)
    return np.array(times, np.int64)


@functools.lru_cache(maxsize=256)
def expression(pattern: str) -> re.Pattern[str] | None:
    """A regular expression that finds what the directives of a format read: a group for each
    letter, those after `%>` with a 2 behind it. None for a format with others, or with two alike.
    """
    text, suffix = "", ""
    pieces = directives.parts(pattern)
    for at, part in enumerate(pieces):
        directive = letter(part)
        if part == INTERVAL:
            suffix = "2"
        elif part == directives.NEXT_COLUMN:
            text, suffix = text + " ", ""
        elif not directive:
            text += "".join(r"\s+" if one.isspace() else re.escape(one) for one in _pieces(part))
        elif directive == "%":
            text += "%"
        elif directive in _NUMBERS or directive in _OTHERS:
            around = [letter(piece) for piece in pieces[max(at - 1, 0) : at + 2]]
            of_part = _FEW_DIGITS if part == "%-Y" else _digits(directive, around)
            text += f"(?P<{directive}{suffix}>{of_part})"
        else:
            return None

    try:
        return re.compile(text, re.IGNORECASE)
    except re.error:
        return None


def has_full_width(cells: list[str], pattern: str) -> list[bool]:
    """Whether texts have all digits of the numbers that follow one another without anything
    between them: in `%H%M`, 730 could be 7:30 or 73:0.
    """
    found = expression(pattern)
    if found is None or not re.search(r"%[YymdHIMSj]%[YymdHIMSj]", pattern):
        return [True] * len(cells)
    return [found.fullmatch(cell) is not None for cell in cells]


def _digits(directive: str, around: list[str]) -> str:
    """The expression of a directive; a number beside another one has all its digits."""
    expected = _NUMBERS.get(directive, _OTHERS.get(directive, ""))
    numbers = [one for one in around if one in _NUMBERS]
    if directive in _NUMBERS and len(numbers) > 1:
        return re.sub(r"\{1,(\d)\}", r"{\1}", expected) if directive != "f" else expected
    return expected


def month_of(word: str, directive: str) -> int | None:
    """The number of a month from 1, by its full name (`B`) or an abbreviation (`b`)."""
    return months_by_word(full=directive == "B").get(word.lower().rstrip("."))


def clock_of(values: dict[str, str | None], suffix: str = "") -> timedelta | None:
    """The time of day in what a format found; None for one that does not exist. 24:00 is a day."""
    hour = int(values.get(f"H{suffix}") or 0)
    half = values.get(f"p{suffix}")
    if half is not None and values.get(f"I{suffix}"):
        on_dial = int(values[f"I{suffix}"] or 0)
        if not 1 <= on_dial <= 12:
            return None
        hour = on_dial % 12 + (12 if half[0] in "pP" else 0)

    minute, second = int(values.get(f"M{suffix}") or 0), int(values.get(f"S{suffix}") or 0)
    fraction = (values.get(f"f{suffix}") or "0")[:6].ljust(6, "0")
    clock = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=int(fraction))
    if minute > 59 or second > 59 or clock > timedelta(days=1):
        return None
    return clock


def length(pattern: str, cell: str) -> int:
    """Microseconds from the beginning of an interval to its end; 0 for what is none."""
    found = expression(pattern)
    match = found.fullmatch(cell) if found is not None else None
    if match is None:
        return 0

    values = match.groupdict()
    begin, end = _time(values), _end(values)
    if begin is None or end is None:
        return 0
    if isinstance(end, timedelta):
        clock = clock_of(values) or timedelta()
        return (end - clock) % timedelta(days=1) // _MICROSECOND
    return (end - begin) // _MICROSECOND


def _pieces(text: str) -> list[str]:
    """A text, with all spaces that follow one another as one."""
    return re.findall(r"\s+|\S", text)


def _read(pattern: str, cell: str) -> datetime | None:
    found = expression(pattern)
    match = found.fullmatch(cell) if found is not None and cell.isprintable() else None
    if match is None:
        return None

    values = match.groupdict()
    begin = _time(values)
    if begin is None or INTERVAL not in pattern:
        return begin
    return begin if _ends_later(values, begin) else None


def _time(values: dict[str, str | None], suffix: str = "") -> datetime | None:
    """The time in what a format found, in UTC where it has an offset; None if it does not exist."""
    clock = clock_of(values, suffix)
    try:
        day = _day({name.removesuffix(suffix): text for name, text in values.items()})
        if day is None or clock is None:
            return None
        return datetime(day.year, day.month, day.day) + clock - _offset(values)
    except (ValueError, OverflowError):
        return None


def _day(values: dict[str, str | None]) -> date | None:
    """Raises ValueError for a day that does not exist."""
    if values.get("V"):
        year, week = int(values["G"] or 0), int(values["V"] or 0)
        return date.fromisocalendar(year, week, int(values.get("u") or 1))

    year = _year(values)
    if values.get("j"):
        day = date(year, 1, 1) + timedelta(days=int(values["j"] or 0) - 1)
        return day if day.year == year else None

    month = _month(values)
    return None if month is None else date(year, month, int(values.get("d") or 1))


def _month(values: dict[str, str | None]) -> int | None:
    """The number of the month, the first one of a quarter; None for a word that names none."""
    number: int | None = int(values.get("m") or 1)
    for directive in "bB":
        if word := values.get(directive):
            number = month_of(word, directive)
            if number is None:
                return None

    quarter = values.get("q")
    return 3 * int(quarter) - 2 if quarter else number


def _year(values: dict[str, str | None]) -> int:
    """The year; one of two digits is from 1969 to 2068, as everywhere in Python."""
    if values.get("Y"):
        return int(values["Y"] or 0)
    short = int(values.get("y") or 0)
    return short + (1900 if short > 68 else 2000)


def _offset(values: dict[str, str | None]) -> timedelta:
    zone, offset = values.get("Z"), values.get("z")
    if zone:
        return timedelta(hours=ZONES[zone.upper()])
    if not offset or offset in "Zz":
        return timedelta()
    digits = offset[1:].replace(":", "")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return -size if offset[0] == "-" else size


def _ends_later(values: dict[str, str | None], begin: datetime) -> bool:
    """Whether the end of an interval exists and is after its beginning."""
    end = _end(values)
    return isinstance(end, timedelta) or (end is not None and end > begin)


def _end(values: dict[str, str | None]) -> datetime | timedelta | None:
    """The end of an interval: its time, or its time of day alone."""
    if not any(values.get(f"{directive}2") for directive in "YyG"):
        return clock_of(values, "2")
    of_end = {name: text for name, text in values.items() if name[-1] == "2" or name in ("z", "Z")}
    return _time(of_end, "2")
