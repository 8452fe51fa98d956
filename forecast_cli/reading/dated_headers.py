"""Columns whose names are times: dates, years, or the months or quarters of a year."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecast_cli.calendar import Ints, stamp
from forecast_cli.errors import DataError, Remedy
from forecast_cli.messages import Note, and_more
from forecast_cli.reading import date_formats, date_parsing
from forecast_cli.reading.date_parsing import NEVER
from forecast_cli.settings import DataSettings

YEARS = range(1700, 2200)  # numbers of four digits that are taken for years in a header
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
MONTH_WORDS = {
    **{name: month for month, name in enumerate(MONTHS)},
    **{name[:3]: month for month, name in enumerate(MONTHS)},
    "sept": 8,
}
MONTH_NUMBERS = {text: month - 1 for month in range(1, 13) for text in (str(month), f"{month:02}")}
QUARTER_WORDS = {f"q{quarter}": 3 * quarter - 3 for quarter in range(1, 5)}

# Formats besides those of `date_formats`. A day without a year is no date, so that Jan-19 is a month, unless all names
# are in one month.
_SHORT_MONTHS = ("%b-%y", "%b %y")
_QUARTERS = (
    *("%YQ%q", "%Yq%q", "%Y-Q%q", "%Y Q%q", "%Y/Q%q", "%Y.Q%q"),
    *("Q%q %Y", "Q%q-%Y", "Q%q/%Y"),
)
_WHOLE_NUMBERS = ("%Y%m%d", "%Y%m")  # to be confirmed by --date-format
_OWN = (*_SHORT_MONTHS, *_QUARTERS, *_WHOLE_NUMBERS)
_FORMS = {
    "%Y": r"(?P<year>(?:1[7-9]|2[01])\d\d)",
    "%y": r"\d\d",
    "%q": r"(?P<quarter>[1-4])",
    "%b": "[A-Za-z]{3}",
    "%m": r"\d\d",
    "%d": r"\d\d",
}

Kind = Literal["dates", "years", "months", "quarters"]
Dated = Mapping[
    str, tuple[str, ...]
]  # columns whose names are times, and the formats that read each


@dataclass(frozen=True, eq=False)
class Header:
    """The D columns whose names are times, in order of time.

    times: (D,) microseconds; for months and quarters, which leave the year to the rows, months
    since January. pattern: how the names write them, for strftime with %q for a quarter; empty
    for months and quarters.
    """

    kind: Kind
    names: tuple[str, ...]
    times: Ints
    pattern: str = ""


def dated_columns(names: Sequence[str], patterns: Sequence[str]) -> tuple[Kind, Dated]:
    """The columns whose names are times of the most frequent kind, each with the formats that
    read it.

    patterns: the formats that the user named; without any, all known ones are tried.
    """
    candidates: dict[Kind, Dated] = {
        "dates": _dates(names, patterns),
        "years": {} if patterns else _years(names),
        "months": _months_of_a_year(names),
        "quarters": _quarters_of_a_year(names),
    }
    kind = max(candidates, key=lambda one: len(candidates[one]))
    if list(patterns) == ["%Y"] and kind == "dates":
        return "years", candidates[kind]
    return kind, candidates[kind]


def read_header(kind: Kind, dated: Dated, settings: DataSettings, notes: list[Note]) -> Header:
    """The dates of the columns, in order.

    Raises DataError for two formats, two readings, or a date that repeats.
    """
    names, pattern = list(dated), ""
    if kind == "months":
        known = MONTH_WORDS | MONTH_NUMBERS
        times = np.array([known[name.lower().rstrip(".")] for name in names], np.int64)
    elif kind == "quarters":
        times = np.array([QUARTER_WORDS[name.lower()] for name in names], np.int64)
    else:
        pattern, times = _one_format(dated, settings)

    order = np.argsort(times, kind="stable")
    if settings.duplicates == "error":
        _refuse_repeated(names, times, order, has_dates=bool(pattern))

    if (np.diff(times) < 0).any():
        words = "the dates of the columns were not in order; they were sorted"
        notes.append(Note("dates_sorted", "info", words))
    return Header(kind, tuple(names[at] for at in order), times[order], pattern)


def is_year(text: str) -> bool:
    return bool(re.fullmatch(r"[12]\d{3}", text, re.ASCII)) and int(text) in YEARS


def plain_name(name: str) -> str:
    """A name without what the World Bank and R add to a date: `1960 [YR1960]`, `X1960`."""
    name = re.sub(r"^(\d{4}) \[YR\1\]$", r"\1", name)
    return re.sub(r"^X(?=\d)", "", name)


# -- the kinds of names ------------------------------------------------------------------------


def _years(names: Sequence[str]) -> Dated:
    return {name: ("%Y",) for name in names if is_year(plain_name(name))}


def _quarters_of_a_year(names: Sequence[str]) -> Dated:
    """Columns named by the quarters, if all four are there."""
    quarters: Dated = {name: () for name in names if name.lower() in QUARTER_WORDS}
    if len(quarters) < len(QUARTER_WORDS):
        return {}
    return quarters


def _months_of_a_year(names: Sequence[str]) -> Dated:
    """Columns named by months: at least three by their words, or all twelve by their numbers."""
    words: Dated = {name: () for name in names if name.lower().rstrip(".") in MONTH_WORDS}
    if len(words) >= 3:
        return words
    numbers: Dated = {name: () for name in names if name in MONTH_NUMBERS}
    # Fewer numbers may be anything.
    if len(numbers) < len(MONTHS):
        return {}
    return numbers


def _dates(names: Sequence[str], patterns: Sequence[str]) -> Dated:
    """Columns whose names are dates: by the formats that the user named, else by all that are
    known.
    """
    texts = [plain_name(name) for name in names]
    formats = _in_named(texts, patterns) if patterns else _in_known(texts)
    pairs = zip(names, formats, strict=True)
    return {name: tuple(known) for name, known in pairs if known}


def _in_named(texts: list[str], patterns: Sequence[str]) -> list[list[str]]:
    """The formats of each text among those that the user named."""
    formats: list[list[str]] = [[] for _ in texts]
    _add_readings(formats, texts, patterns, is_named=True)
    return formats


def _in_known(texts: list[str]) -> list[list[str]]:
    """The formats of each text among all that are known."""
    formats = [list(date_formats.formats(text)) for text in texts]
    _add_readings(formats, texts, _OWN, is_named=False)
    if not _may_be_days(texts, formats):
        return formats
    return [[one for one in known if one not in _SHORT_MONTHS] for known in formats]


def _add_readings(
    formats: list[list[str]], texts: list[str], patterns: Sequence[str], *, is_named: bool
) -> None:
    """Add to the formats of each text, in place, those that read it."""
    for pattern in patterns:
        for at in _read_by(texts, pattern, is_named=is_named):
            if pattern not in formats[at]:
                formats[at].append(pattern)


def _read_by(texts: list[str], pattern: str, *, is_named: bool) -> list[int]:
    """Which texts a format reads. is_named: whether the user named it, so that any text may be
    in it.
    """
    likely = list(range(len(texts)))
    if not is_named:
        likely = [at for at, text in enumerate(texts) if _form_of(pattern).fullmatch(text)]

    if not likely:
        return []

    times = _parse([texts[at] for at in likely], pattern)
    return [at for at, time in zip(likely, times.tolist(), strict=True) if time != NEVER]


def _may_be_days(texts: list[str], formats: list[list[str]]) -> bool:
    """Whether short months are all of one month, as in Jan-18, Jan-19: these may be its days."""
    months = set()
    for text, known in zip(texts, formats, strict=True):
        if set(known) & set(_SHORT_MONTHS):
            months.add(text[:3].lower())
    return len(months) == 1


@functools.cache
def _form_of(pattern: str) -> re.Pattern[str]:
    """What a text in one of the formats of this module looks like; years are those of `YEARS`."""
    parts = re.findall(r"%.|.", pattern)
    form = "".join(_FORMS.get(part, re.escape(part)) for part in parts)
    return re.compile(form, re.ASCII)


def _parse(texts: list[str], pattern: str) -> Ints:
    """(n,) microseconds, or NEVER where a text is not in the format; %q is a quarter: the first
    day of it.
    """
    if "%q" not in pattern:
        return date_parsing.parse(texts, pattern)

    months = []
    for text in texts:
        match = _form_of(pattern).fullmatch(text)
        if match is None:
            # An empty text is in no format.
            months.append("")
            continue
        first_month = 3 * int(match["quarter"]) - 2
        months.append(f"{match['year']}-{first_month:02}")
    return date_parsing.parse(months, "%Y-%m")


# -- the one format of a header ----------------------------------------------------------------


def _one_format(dated: Dated, settings: DataSettings) -> tuple[str, Ints]:
    """The one format that reads all the names, and their times (D,) in microseconds."""
    counts: dict[str, int] = {}
    for known in dated.values():
        for pattern in known:
            counts[pattern] = counts.get(pattern, 0) + 1

    usual = max(counts, key=lambda pattern: counts[pattern])
    odd = [name for name, known in dated.items() if usual not in known]
    if odd:
        raise DataError(
            f"the name of column {odd[0]!r} is not a date like the others ({usual})"
            + and_more(len(odd)),
            "write all dates of the header in one format, or name the one of the columns to read "
            "with --date-format",
            option="date_format",
            column=odd[0],
        )

    texts = [plain_name(name) for name in dated]
    if usual in _WHOLE_NUMBERS and not settings.date_format:
        raise DataError(
            f"the names of the columns may be dates: {texts[0]!r}",
            f"use --date-format {usual}",
            option="date_format",
            remedies=[Remedy({"date_format": [usual]}, "reads the names of the columns as dates")],
            value=texts[0],
        )

    times = _parse(texts, usual)
    for pattern, count in counts.items():
        if count == len(dated) and (_parse(texts, pattern) != times).any():
            raise DataError(
                f"the name of column {texts[0]!r} could be {usual} or {pattern}, "
                "and so could every other date",
                f"use --date-format {usual} or --date-format {pattern}",
                option="date_format",
                remedies=[
                    Remedy(
                        {"date_format": [one]},
                        f"reads {texts[0]!r} as {stamp(int(_parse(texts[:1], one)[0]))}",
                    )
                    for one in (usual, pattern)
                ],
                value=texts[0],
            )
    return usual, times


def _refuse_repeated(names: list[str], times: Ints, order: Ints, *, has_dates: bool) -> None:
    """Raise DataError for two columns of one time. order: the columns in order of time."""
    same = np.flatnonzero(np.diff(times[order]) == 0)
    if not len(same):
        return

    first, second = (names[at] for at in order[same[0] : same[0] + 2])
    date = stamp(times[order[same[0]]]) if has_dates else first
    raise DataError(
        f"columns {first!r} and {second!r} are both {date}{and_more(len(same))}",
        "keep one column for each date, or use --duplicates first, last, mean or sum",
        option="duplicates",
        column=second,
    )
