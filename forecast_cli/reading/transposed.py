"""Dates as columns: a file with a column for each date, or for each month of a year, turned into rows.

Such a file is recognized by the names of its columns and refused, because its rows are no steps of time; which
column names the rows is then said with `--dates-as-columns`. Every cell of a date becomes a row of a series.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from forecast_cli.calendar import Ints, stamp
from forecast_cli.config import DataSettings, nearest
from forecast_cli.errors import DataError, SettingsError
from forecast_cli.messages import Note, and_more
from forecast_cli.panel import Columns, Floats, TimeFormat
from forecast_cli.reading import dates, numerals
from forecast_cli.reading.grid import Rows

NONE = "none"  # of --dates-as-columns: the columns are series, whatever their names
JOINT = " / "  # between the parts of an id that several columns make
SEEN = 1000  # rows of the sample that decide what a column holds
TRIED = 8  # columns that are tried as the name of a series
YEARS = range(1700, 2200)  # numbers of four digits that are taken for years in a header

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH_WORDS = {
    **{name: month for month, name in enumerate(MONTHS)},
    **{name[:3]: month for month, name in enumerate(MONTHS)},
    "sept": 8,
}
_MONTH_NUMBERS = {text: month - 1 for month in range(1, 13) for text in (str(month), f"{month:02}")}
_QUARTER_WORDS = {f"q{quarter}": 3 * quarter - 3 for quarter in range(1, 5)}

# Besides those of `dates`. A day without a year is no date, so that Jan-19 is a month, unless all are in one month.
_SHORT_MONTHS = ("%b-%y", "%b %y")
_QUARTERS = ("%YQ%q", "%Yq%q", "%Y-Q%q", "%Y Q%q", "%Y/Q%q", "%Y.Q%q", "Q%q %Y", "Q%q-%Y", "Q%q/%Y")
_WHOLE_NUMBERS = ("%Y%m%d", "%Y%m")  # to be confirmed by --date-format
_OWN = (*_SHORT_MONTHS, *_QUARTERS, *_WHOLE_NUMBERS)

Kind = Literal["dates", "years", "months", "quarters"]
Sample = Mapping[str, list[str]]


@dataclass(frozen=True, eq=False)
class Header:
    """The D columns whose names are times, in order of time.

    times: (D,) microseconds; for months and quarters, which leave the year to the rows, months since January.
    pattern: how the names write them, for strftime with %q for a quarter; empty for months and quarters.
    """

    kind: Kind
    names: tuple[str, ...]
    times: Ints
    pattern: str = ""


@dataclass(frozen=True, eq=False)
class Layout:
    """How a file with dates as columns is read.

    ids: the columns that name a series, none for a single one; beside: the column that completes the dates of the
    header, a year for its months or a month for its years, or nothing; unused: what has no role; empty: the column after
    a delimiter at the end of every line, if there is one; proposal: columns that tell the rows of the sample apart, with
    commas between them.
    """

    header: Header
    ids: tuple[str, ...]
    beside: str
    unused: tuple[str, ...]
    empty: tuple[str, ...]
    proposal: str

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that hold numbers."""
        return (*self.header.names, *([self.beside] if self._needs_year else []))

    @property
    def texts(self) -> tuple[str, ...]:
        return (
            *self.ids,
            *([self.beside] if self.beside and not self._needs_year else []),
            *self.empty,
        )

    @property
    def _needs_year(self) -> bool:
        return self.header.kind in ("months", "quarters")

    @property
    def columns(self) -> Columns:
        """The names of the forecast, which is long."""
        name = "unique_id" if len(self.ids) > 1 else "".join(self.ids)
        return Columns("date" if name != "date" else "time", "value", name)


def is_transposed(names: tuple[str, ...] | list[str]) -> bool:
    """Whether some columns are dates by their names, so that all columns must be looked at."""
    return len(_dated(list(names), [])[1]) > 1


def layout(
    names: tuple[str, ...], sample: Sample, settings: DataSettings, notes: list[Note]
) -> Layout | None:
    """How to read a file with dates as columns; None for a file that has its dates in rows.

    sample: the texts of the first rows, by column. Raises DataError naming `--dates-as-columns` for a file whose
    columns are dates where the settings do not have it, and for a header that cannot be read in one way only.
    """
    word = settings.dates_as_columns
    if word == NONE:
        return None

    if word is None:
        _refuse(names, sample, settings)
        return None

    kind, dated = _dated(list(names), _patterns(settings))
    others = _others(names, dated, sample)
    if not dated:
        raise DataError(
            "no name of a column is a date, a year or a month, as --dates-as-columns wants it",
            "leave it out for a file with its dates in rows, or name the format of the dates with --date-format",
            option="dates_as_columns",
        )
    labels = _labels(word, dated, others)
    beside = _beside(kind, labels, sample)
    if kind in ("months", "quarters") and not beside:
        raise _no_year(kind, word, dated, others, sample)

    _check_names(names, kind, dated, others, sample)
    header = _header(kind, dated, settings, notes)
    unused = [name for name in others if name not in labels]
    ids = tuple(name for name in labels if name != beside)
    empty = tuple(name for name in names[-1:] if _is_nothing(name, names, sample))
    return Layout(header, ids, beside, tuple(unused), empty, propose(kind, others, sample))


def _refuse(names: tuple[str, ...], sample: Sample, settings: DataSettings) -> None:
    """Refuse a file whose columns are dates. The format that the user named may be that of rows, or of columns."""
    for patterns in ([], _patterns(settings)):
        kind, dated = _dated(list(names), patterns)
        others = _others(names, dated, sample)
        if _is_most(kind, dated, others, sample):
            raise _refusal(kind, dated, others, sample)


def _others(
    names: tuple[str, ...], dated: Mapping[str, tuple[str, ...]], sample: Sample
) -> list[str]:
    """The columns that are no dates, without the one after a delimiter at the end of every line."""
    return [name for name in names if name not in dated and not _is_nothing(name, names, sample)]


# -- the names of the columns ----------------------------------------------------------------------------------------


def _patterns(settings: DataSettings) -> list[str]:
    """The formats that the user named."""
    return list(settings.date_format or [])


def _plain(name: str) -> str:
    """A name without what the World Bank and R add to a date: `1960 [YR1960]`, `X1960`."""
    name = re.sub(r"^(\d{4}) \[YR\1\]$", r"\1", name)
    return re.sub(r"^X(?=\d)", "", name)


def _dated(names: list[str], patterns: list[str]) -> tuple[Kind, dict[str, tuple[str, ...]]]:
    """The columns whose names are times of the most frequent kind, each with the formats that read it."""
    candidates: dict[Kind, dict[str, tuple[str, ...]]] = {
        "dates": _dates(names, patterns),
        "years": {} if patterns else {name: ("%Y",) for name in names if _is_year(_plain(name))},
        "months": _months_of_a_year(names),
        "quarters": {name: () for name in names if name.lower() in _QUARTER_WORDS},
    }
    if len(candidates["quarters"]) < len(_QUARTER_WORDS):
        candidates["quarters"] = {}
    kind = max(candidates, key=lambda one: len(candidates[one]))
    if patterns == ["%Y"] and kind == "dates":
        return "years", candidates[kind]
    return kind, candidates[kind]


def _is_year(text: str) -> bool:
    return bool(re.fullmatch(r"[12]\d{3}", text, re.ASCII)) and int(text) in YEARS


def _months_of_a_year(names: list[str]) -> dict[str, tuple[str, ...]]:
    """Columns named by months: at least three by their words, or all twelve by their numbers."""
    words: dict[str, tuple[str, ...]] = {
        name: () for name in names if name.lower().rstrip(".") in _MONTH_WORDS
    }
    if len(words) >= 3:
        return words
    numbers: dict[str, tuple[str, ...]] = {name: () for name in names if name in _MONTH_NUMBERS}
    return numbers if len(numbers) == 12 else {}


def _dates(names: list[str], patterns: list[str]) -> dict[str, tuple[str, ...]]:
    """Columns whose names are dates: by the formats that the user named, else by all that are known."""
    texts = [_plain(name) for name in names]
    found: list[list[str]] = [[] if patterns else list(dates.formats(text)) for text in texts]
    for pattern in patterns or _OWN:
        likely = [
            at for at, text in enumerate(texts) if patterns or _form_of(pattern).fullmatch(text)
        ]
        times = parse([texts[at] for at in likely], pattern) if likely else np.empty(0, np.int64)
        for at, time in zip(likely, times.tolist(), strict=True):
            if time != dates.NEVER and pattern not in found[at]:
                found[at].append(pattern)

    if not patterns:
        words = {
            text[:3].lower()
            for text, known in zip(texts, found, strict=True)
            if set(known) & set(_SHORT_MONTHS)
        }
        if len(words) == 1:  # Jan-18, Jan-19: these may be days
            found = [
                [pattern for pattern in known if pattern not in _SHORT_MONTHS] for known in found
            ]
    return {name: tuple(known) for name, known in zip(names, found, strict=True) if known}


@functools.cache
def _form_of(pattern: str) -> re.Pattern[str]:
    """What a text in one of the formats of this module looks like; years are those of `YEARS`."""
    parts = {
        "%Y": r"(?P<year>(?:1[7-9]|2[01])\d\d)", "%y": r"\d\d", "%q": r"(?P<quarter>[1-4])", "%b": "[A-Za-z]{3}",
        "%m": r"\d\d", "%d": r"\d\d",
    }  # fmt: skip
    form = "".join(parts.get(part, re.escape(part)) for part in re.findall(r"%.|.", pattern))
    return re.compile(form, re.ASCII)


def parse(texts: list[str], pattern: str) -> Ints:
    """(n,) microseconds, or NEVER where a text is not in the format; %q is a quarter: the first day of it."""
    if "%q" not in pattern:
        return dates.parse(texts, pattern)
    found = [_form_of(pattern).fullmatch(text) for text in texts]
    months = [f"{one['year']}-{3 * int(one['quarter']) - 2:02}" if one else "" for one in found]
    return dates.parse(months, "%Y-%m")


# -- is it such a file? ----------------------------------------------------------------------------------------------


def _is_most(
    kind: Kind, dated: Mapping[str, tuple[str, ...]], others: list[str], sample: Sample
) -> bool:
    """Whether more columns are dates than hold other numbers; the texts beside them are names and notes."""
    if len(dated) < 2 or len(dated) <= sum(_is_numeric(sample[name]) for name in others):
        return False

    digits = all(_plain(name).isdigit() for name in dated)
    if (digits or kind != "dates") and any(_are_dates(sample[name]) for name in others):
        return False  # rows have times of their own: 2019 or May is the name of something else
    if digits and kind == "months":
        return bool(_beside(kind, tuple(others), sample))

    below = [cell for name in dated for cell in sample[name][:SEEN] if cell]
    if (
        kind == "dates"
        and below
        and 2 * sum(bool(dates.formats(cell)) for cell in below[:SEEN]) > len(below[:SEEN])
    ):
        shown = ", ".join(map(repr, sample))[:60]
        raise DataError(f"the first row looks like data: {shown}", "add a row of names")
    return True


def _refusal(
    kind: Kind, dated: Mapping[str, tuple[str, ...]], others: list[str], sample: Sample
) -> DataError:
    """What to say of a file whose dates are columns, where nobody has said so."""
    names, every = list(dated), len(dated) + len(others)
    message = f"{len(names):,} of the {every:,} columns are {kind}, {names[0]!r} to {names[-1]!r}"
    otherwise = "or --dates-as-columns none if each column is a series"
    proposal = propose(kind, others, sample)

    if kind in ("months", "quarters") and not _beside(kind, tuple(others), sample):
        hint = f"write them with their year, e.g. {'2024-01' if kind == 'months' else '2024Q1'}, {otherwise}"
        return DataError(
            f"{message}, and no column holds their year", hint, option="dates_as_columns"
        )
    if not proposal:
        hint = f"add a column that names each row, and say --dates-as-columns COLUMN, {otherwise}"
        return DataError(message, hint, option="dates_as_columns")

    rows = "each row as a series" if kind in ("dates", "years") else f"the {kind} in order"
    if kind == "years" and _beside(kind, tuple(others), sample):
        rows = "its years and months in order"
    return DataError(
        message,
        f"say --dates-as-columns {shlex.quote(proposal)} to read {rows}, {otherwise}",
        option="dates_as_columns",
        proposal=proposal,
    )


def propose(kind: Kind, others: list[str], sample: Sample) -> str:
    """The fewest columns that name each row of the sample, joined with commas; empty if there are none."""
    beside = _beside(kind, tuple(others), sample)
    named = [name for name in others if name != beside and any(sample[name]) and "," not in name]
    texts = [name for name in named if not _is_numeric(sample[name])]
    whole = [
        name for name in named if all(re.fullmatch(r"\d*", cell) for cell in sample[name][:SEEN])
    ]
    ordered = list(dict.fromkeys([*texts, *whole]))[:TRIED]

    for size in range(0 if beside else 1, 4):
        for some in combinations(ordered, size):
            if _tell_apart([*some, *([beside] if beside else [])], some, sample):
                return ",".join([*some, *([beside] if beside else [])])
    return ",".join([*ordered[:1], *([beside] if beside else [])])


def _tell_apart(names: list[str], ids: tuple[str, ...], sample: Sample) -> bool:
    rows = list(zip(*(sample[name] for name in names), strict=True))
    given = not ids or all(
        any(parts) for parts in zip(*(sample[name] for name in ids), strict=True)
    )
    return given and len(set(rows)) == len(rows)


def _is_numeric(cells: list[str]) -> bool:
    """Whether at least half of what a column holds is numbers."""
    given = [cell for cell in cells[:SEEN] if cell]
    return bool(given) and 2 * sum(map(numerals.is_number, given)) >= len(given)


def _are_dates(cells: list[str]) -> bool:
    return bool(dates.formats(next((cell for cell in cells if cell), "")))


# -- the columns beside the dates ------------------------------------------------------------------------------------


def _labels(word: str, dated: Mapping[str, tuple[str, ...]], others: list[str]) -> tuple[str, ...]:
    """The columns that `--dates-as-columns` names."""
    labels = (word,) if word in others else tuple(part.strip() for part in word.split(","))
    for label in labels:
        if label in dated:
            raise DataError(
                f"--dates-as-columns: column {label!r} is one of the dates",
                f"name a column beside them: {', '.join(others[:TRIED]) or 'there is none'}",
                option="dates_as_columns",
            )
        if label not in others:
            raise DataError(
                f"no column {label!r} for --dates-as-columns",
                nearest(label, others),
                option="dates_as_columns",
            )
        if labels.count(label) > 1:
            raise SettingsError(f"--dates-as-columns names column {label!r} twice", "name it once")
    return labels


def _beside(kind: Kind, labels: tuple[str, ...], sample: Sample) -> str:
    """The column that completes the dates of the header: years beside months, or months beside years."""
    if kind == "dates":
        return ""

    found = []
    for name in labels:
        cells = [cell for cell in sample[name][:SEEN] if cell]
        if kind == "years":
            fitting = sum(_month(cell, name) is not None for cell in cells)
        else:
            fitting = sum(_is_year(cell) for cell in cells)
        if cells and 2 * fitting > len(cells):
            found.append(name)

    usual = ("month", "quarter") if kind == "years" else ("year", "yr")
    named = [name for name in found if name.lower() in usual]
    return (named or found or [""])[0]


def _month(cell: str, column: str) -> int | None:
    """Months since January of a cell such as `Feb`, `Q2`, or in a column of months `02`."""
    word = cell.strip().lower().rstrip(".")
    if column.lower() == "month" and word in _MONTH_NUMBERS:
        return _MONTH_NUMBERS[word]
    return _MONTH_WORDS.get(word, _QUARTER_WORDS.get(word))


def _no_year(
    kind: Kind, word: str, dated: Mapping[str, tuple[str, ...]], others: list[str], sample: Sample
) -> DataError:
    proposal = propose(kind, others, sample) if _beside(kind, tuple(others), sample) else ""
    hint = (
        f"name it, too: --dates-as-columns {shlex.quote(proposal)}"
        if proposal
        else f"write the {kind} with their year, e.g. {'2024-01' if kind == 'months' else '2024Q1'}"
    )
    first = next(iter(dated))
    message = (
        f"column {first!r} needs a year, and --dates-as-columns {word} names no column of years"
    )
    return DataError(message, hint, option="dates_as_columns", proposal=proposal)


# -- the header ------------------------------------------------------------------------------------------------------


def _check_names(
    names: tuple[str, ...],
    kind: Kind,
    dated: Mapping[str, tuple[str, ...]],
    others: list[str],
    sample: Sample,
) -> None:
    """Refuse names that seem to be meant as dates, whose values would be left out without a word."""
    first = next(at for at, name in enumerate(names) if name in dated)
    forms = {_form(name) for name in dated} if kind == "dates" else set()
    for at, name in enumerate(names):
        if at < first or name in dated:
            continue
        if _is_unnamed(name, at) and not _is_nothing(name, names, sample):
            raise DataError(
                f"column {at + 1:,} stands among the dates and has no name",
                "give it a date in the header, or remove it",
            )
        if _form(name) in forms:
            raise DataError(
                f"the name of column {name!r} is not a date like the others ({next(iter(dated))!r})",
                "correct it, or rename the column if it is no date",
            )


def _form(name: str) -> str:
    return re.sub(r"[A-Za-z]+", "a", re.sub(r"\d+", "9", _plain(name)))


def _is_unnamed(name: str, at: int) -> bool:
    return name == f"column {at + 1}"


def _is_nothing(name: str, names: tuple[str, ...], sample: Sample) -> bool:
    """The empty column that a delimiter at the end of every line makes."""
    return name == names[-1] and _is_unnamed(name, len(names) - 1) and not any(sample[name])


def _header(
    kind: Kind, dated: Mapping[str, tuple[str, ...]], settings: DataSettings, notes: list[Note]
) -> Header:
    """The dates of the columns, in order. Raises DataError for two formats, two readings, or a date that repeats."""
    names, pattern = list(dated), ""
    if kind == "months":
        known = _MONTH_WORDS | _MONTH_NUMBERS
        times = np.array([known[name.lower().rstrip(".")] for name in names], np.int64)
    elif kind == "quarters":
        times = np.array([_QUARTER_WORDS[name.lower()] for name in names], np.int64)
    else:
        pattern, times = _one_format(dated, settings)

    order = np.argsort(times, kind="stable")
    same = np.flatnonzero(np.diff(times[order]) == 0)
    if len(same) and settings.duplicates == "error":
        one, other = (names[at] for at in order[same[0] : same[0] + 2])
        date = stamp(times[order[same[0]]]) if pattern else one
        more = and_more(len(same))
        raise DataError(
            f"columns {one!r} and {other!r} are both {date}{more}",
            "keep one column for each date, or say --duplicates first, last, mean or sum",
            option="duplicates",
        )
    if (np.diff(times) < 0).any():
        notes.append(
            Note(
                "dates_sorted",
                "info",
                "the dates of the columns were not in order; they were sorted",
            )
        )
    return Header(kind, tuple(names[at] for at in order), times[order], pattern)


def _one_format(dated: Mapping[str, tuple[str, ...]], settings: DataSettings) -> tuple[str, Ints]:
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
            "write all dates of the header in one format, or name the one of the columns to read with --date-format",
        )
    texts = [_plain(name) for name in dated]
    if usual in _WHOLE_NUMBERS and not _patterns(settings):
        raise DataError(
            f"the names of the columns may be dates: {texts[0]!r}",
            f"say --date-format {usual}",
            option="date_format",
        )

    readings = {
        pattern: parse(texts, pattern) for pattern, count in counts.items() if count == len(dated)
    }
    for pattern, times in readings.items():
        if (times != readings[usual]).any():
            raise DataError(
                f"the name of column {texts[0]!r} could be {usual} or {pattern}, and so could every other date",
                f"say --date-format {usual} or --date-format {pattern}",
                option="date_format",
            )
    return usual, readings[usual]


# -- rows ------------------------------------------------------------------------------------------------------------


def time_format(found: Layout, sample: Sample) -> TimeFormat:
    """How the forecast writes its times: as the names of the columns do, or as months or quarters of a year."""
    header = found.header
    if not found.beside:
        offset = (
            re.search(r"(Z|[+-]\d\d:?\d\d)$", header.names[-1]) if "%z" in header.pattern else None
        )
        pattern = "%Y-%m-%d %H:%M:%S" if header.pattern in dates.EPOCHS else header.pattern
        return TimeFormat(pattern, offset[0] if offset else "")
    cells = sample[found.beside][:SEEN] if header.kind == "years" else []
    quarterly = header.kind == "quarters" or any(
        cell.strip().lower() in _QUARTER_WORDS for cell in cells
    )
    return TimeFormat("%YQ%q" if quarterly else "%Y-%m")


def rows(
    found: Layout,
    numbers: Mapping[str, Floats],
    texts: Mapping[str, tuple[Ints, list[str]]],
    bad: NDArray[np.bool_],
    place: Callable[[int], str],
) -> Rows:
    """Every cell of a date as a row, series by series.

    numbers, texts: the columns of the layout, (R,) each, texts as codes and what they stand for; bad: (R,) rows to be
    left out; place: where a row is in the file. Raises DataError for a row without a name or with one that repeats.
    """
    keep = np.flatnonzero(~bad)
    header, width = found.header, len(found.header.names)
    _check_empty(found, texts, keep, place)
    ids = _ids(found, texts, keep, place)
    months = _months(found, numbers, texts, keep, place)
    _check_rows(found, ids, months, keep, place)

    distinct = list(dict.fromkeys(ids))
    numbered = {name: number for number, name in enumerate(distinct)}
    codes = np.repeat(np.array([numbered[name] for name in ids], np.int64), width)
    times = np.tile(header.times, len(keep)) if months is None else _microseconds(found, months)
    values = np.empty((len(keep), width))
    for at, name in enumerate(header.names):
        values[:, at] = numbers[name][keep]
    cells = values.reshape(-1)

    order: Ints | None = None
    if months is not None:  # the years or months of the rows may be in any order
        order = np.lexsort((times, codes))
        codes, times, cells = codes[order], times[order], cells[order]

    def where(row: int) -> str:
        at = row if order is None else int(order[row])
        return f"{place(int(keep[at // width]))}: column {header.names[at % width]!r}"

    return Rows(where, times, codes, distinct, {"value": cells})


def _check_empty(
    found: Layout,
    texts: Mapping[str, tuple[Ints, list[str]]],
    keep: Ints,
    place: Callable[[int], str],
) -> None:
    """Refuse a value in the column without a name, which was empty in the first rows."""
    for name in found.empty:
        codes, distinct = texts[name]
        filled = np.array([bool(cell.strip()) for cell in distinct])[codes[keep]]
        if filled.any():
            row = int(keep[np.argmax(filled)])
            raise DataError(
                f"{place(row)}: {distinct[codes[row]]!r} stands in a column that has no name",
                "give the column a date in the header, or remove it",
            )


def _ids(
    found: Layout,
    texts: Mapping[str, tuple[Ints, list[str]]],
    keep: Ints,
    place: Callable[[int], str],
) -> list[str]:
    """The name of the series of each kept row: its ids joined, without those that are empty."""
    if not found.ids:
        return [""] * len(keep)

    parts = []
    for name in found.ids:
        codes, distinct = texts[name]
        parts.append([distinct[code] for code in codes[keep].tolist()])
    ids = [JOINT.join(filter(None, of_row)) for of_row in zip(*parts, strict=True)]

    empty = next((at for at, name in enumerate(ids) if not name), None)
    if empty is not None:
        named = (
            f"column {found.ids[0]!r} is"
            if len(found.ids) == 1
            else f"columns {', '.join(found.ids)} are"
        )
        raise DataError(f"{place(int(keep[empty]))}: {named} empty", "give every row an id")
    return ids


def _months(
    found: Layout,
    numbers: Mapping[str, Floats],
    texts: Mapping[str, tuple[Ints, list[str]]],
    keep: Ints,
    place: Callable[[int], str],
) -> Ints | None:
    """(n,) of each kept row the months that its year begins after 1970, or its months since January; None without."""
    if not found.beside:
        return None

    if found.header.kind == "years":
        codes, distinct = texts[found.beside]
        known = [_month(cell, found.beside) for cell in distinct]
        wrong = next((int(row) for row in keep if known[codes[row]] is None), None)
        if wrong is not None:
            raise DataError(
                f"{place(wrong)}: column {found.beside!r}: {distinct[codes[wrong]]!r} is not a month",
                "correct the row, or remove it",
            )
        return np.array([known[code] for code in codes[keep].tolist()], np.int64)

    years = numbers[found.beside][keep]
    good = (years >= 1) & (years <= 9999) & (years == np.floor(years))
    if not good.all():
        at = int(np.argmin(good))
        what = "no year" if np.isnan(years[at]) else f"{years[at]:g} is not a year"
        raise DataError(
            f"{place(int(keep[at]))}: column {found.beside!r}: {what}", "give every row a year"
        )
    return 12 * (years.astype(np.int64) - 1970)


def _microseconds(found: Layout, months: Ints) -> Ints:
    """(n,) months of the rows and (D,) of the columns -> (n * D,) microseconds."""
    across = found.header.times
    if found.header.kind == "years":
        across = across.view("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    joined = (months[:, None] + across).reshape(-1)
    return joined.view("datetime64[M]").astype("datetime64[us]").astype(np.int64)


def _check_rows(
    found: Layout, ids: list[str], months: Ints | None, keep: Ints, place: Callable[[int], str]
) -> None:
    """Refuse a second row of the same series, or of the same series and year."""
    keys = list(zip(ids, [0] * len(ids) if months is None else months.tolist(), strict=True))
    repeated = len(keys) - len(set(keys))
    if not repeated:
        return

    seen: dict[tuple[str, int], int] = {}
    second = next(at for at, key in enumerate(keys) if seen.setdefault(key, at) != at)
    first = seen[keys[second]]
    lines = f"{place(int(keep[first]))} and {place(int(keep[second])).rpartition(':')[2]}"
    unit = (
        ""
        if months is None
        else " this month of"
        if found.header.kind == "years"
        else " this year of"
    )
    named = f"series {ids[second]!r}" if found.ids else "the series"
    more = f" (and {repeated - 1:,} more)" if repeated > 1 else ""

    hint, joined = "keep one row for each", ""
    if found.unused:
        joined = found.proposal
        if set(joined.split(",")) <= {
            *found.ids,
            found.beside,
        }:  # they tell the first rows apart, but not all
            joined = ",".join(
                [found.unused[0], *found.ids, *([found.beside] if found.beside else [])]
            )
        hint = (
            "join columns until each row has a name of its own, e.g. --dates-as-columns "
            + shlex.quote(joined)
        )
    raise DataError(
        f"{lines}:{unit} {named} is there twice{more}",
        hint,
        option="dates_as_columns",
        proposal=joined,
    )
