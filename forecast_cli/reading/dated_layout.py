"""How a file with dates as columns is laid out: which columns are dates, which name the rows,
and which is beside them.

Such a file is recognized by the names of its columns and refused, because its rows are no steps
of time; which column names the rows is then said with `--dates-as-columns`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from forecast_cli.errors import DataError, Remedy, SettingsError
from forecast_cli.messages import Note, nearest
from forecast_cli.panel import Columns
from forecast_cli.reading import number_formats
from forecast_cli.reading.date_formats import is_date
from forecast_cli.reading.dated_headers import (
    MONTH_NUMBERS,
    MONTH_WORDS,
    QUARTER_WORDS,
    Dated,
    Header,
    Kind,
    dated_columns,
    is_year,
    plain_name,
    read_header,
)
from forecast_cli.reading.parsing import Sample
from forecast_cli.reading.remedies import NO_HEADER
from forecast_cli.settings import DataSettings

NONE = "none"  # of --dates-as-columns: the columns are series, whatever their names
SEEN = 1000  # rows of the sample that decide what a column holds
TRIED = 8  # columns that are tried as the name of a series
MOST_IDS = 3  # columns that are joined to name a series
_EXAMPLES = {"months": "2024-01", "quarters": "2024Q1"}


@dataclass(frozen=True, eq=False)
class DatedLayout:
    """How a file with dates as columns is read.

    ids: the columns that name a series, none for a single one. beside: the column that
    completes the dates of the header, a year for its months or a month for its years, or
    nothing. unused: what has no role. empty: the column after a delimiter at the end of every
    line, if there is one. proposal: columns that tell the rows of the sample apart, with commas
    between them.
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
        if self._has_years_beside:
            return (*self.header.names, self.beside)
        return self.header.names

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns that hold texts."""
        if self.beside and not self._has_years_beside:
            return (*self.ids, self.beside, *self.empty)
        return (*self.ids, *self.empty)

    @property
    def _has_years_beside(self) -> bool:
        return self.header.kind in ("months", "quarters")

    @property
    def columns(self) -> Columns:
        """The names of the forecast, which is long."""
        name = "unique_id" if len(self.ids) > 1 else "".join(self.ids)
        return Columns("date" if name != "date" else "time", "value", name)


@dataclass(frozen=True, eq=False)
class _Names:
    """The columns of a file by their names: those that are dates, and the others. every: all,
    in their order.
    """

    every: tuple[str, ...]
    kind: Kind
    dated: Dated
    others: list[str]


def has_dates_as_columns(names: Sequence[str]) -> bool:
    """Whether some columns are dates by their names, so that all columns must be looked at."""
    return len(dated_columns(names, [])[1]) > 1


def find_layout(
    names: tuple[str, ...], sample: Sample, settings: DataSettings, notes: list[Note]
) -> DatedLayout | None:
    """How to read a file with dates as columns; None for a file that has its dates in rows.

    sample: the texts of the first rows, by column. Raises DataError naming `--dates-as-columns`
    for a file whose columns are dates where the settings do not have it, and for a header that
    cannot be read in one way only.
    """
    word = settings.dates_as_columns
    if word == NONE or not settings.header:
        return None

    if word is None:
        # A format that the user named may be that of rows, or of columns.
        for patterns in ([], settings.date_format or []):
            _refuse(_sorted_out(names, patterns, sample), sample)
        return None

    columns = _sorted_out(names, settings.date_format or [], sample)
    if not columns.dated:
        raise DataError(
            "no name of a column is a date, a year or a month, as --dates-as-columns needs it",
            "leave it out for a file with its dates in rows, or name the format of the dates with "
            "--date-format",
            option="dates_as_columns",
        )

    labels = _labels(word, columns)
    beside = _beside(columns.kind, labels, sample)
    if columns.kind in ("months", "quarters") and not beside:
        raise _no_year(word, columns, sample)

    _check_names(columns, sample)
    header = read_header(columns.kind, columns.dated, settings, notes)
    unused = [name for name in columns.others if name not in labels]
    empty = [name for name in names[-1:] if _is_nothing(name, names, sample)]
    return DatedLayout(
        header,
        ids=tuple(name for name in labels if name != beside),
        beside=beside,
        unused=tuple(unused),
        empty=tuple(empty),
        proposal=propose(columns.kind, columns.others, sample),
    )


def month_of(cell: str, column: str) -> int | None:
    """Months since January of a cell such as `Feb`, `Q2`, or in a column of months `02`."""
    word = cell.strip().lower().rstrip(".")
    if column.lower() == "month" and word in MONTH_NUMBERS:
        return MONTH_NUMBERS[word]
    return MONTH_WORDS.get(word, QUARTER_WORDS.get(word))


def _sorted_out(names: tuple[str, ...], patterns: Sequence[str], sample: Sample) -> _Names:
    """The columns that are dates, and the others, without the one after a delimiter at the end
    of every line.
    """
    kind, dated = dated_columns(names, patterns)
    others = [name for name in names if name not in dated and not _is_nothing(name, names, sample)]
    return _Names(names, kind, dated, others)


# -- a file that nobody has said is one --------------------------------------------------------


def _refuse(columns: _Names, sample: Sample) -> None:
    """Raise DataError for a file most of whose columns are dates."""
    if not _are_mostly_dates(columns, sample):
        return
    if columns.kind == "dates":
        _refuse_dates_below(columns, sample)
    raise _refusal(columns, sample)


def _are_mostly_dates(columns: _Names, sample: Sample) -> bool:
    """Whether more columns are dates than hold other numbers; the texts beside them are names
    and notes.
    """
    kind, dated, others = columns.kind, columns.dated, columns.others
    if len(dated) < 2:
        return False

    if len(dated) <= sum(_is_numeric(sample[name]) for name in others):
        return False

    # Where rows have times of their own, 2019 or May is the name of something else.
    are_numbers = all(plain_name(name).isdigit() for name in dated)
    may_be_names = are_numbers or kind != "dates"
    if may_be_names and any(_begins_with_date(sample[name]) for name in others):
        return False

    if are_numbers and kind == "months":
        return bool(_beside(kind, others, sample))
    return True


def _refuse_dates_below(columns: _Names, sample: Sample) -> None:
    """Raise DataError if there are dates below the dates: the file has no header."""
    below = [cell for name in columns.dated for cell in sample[name][:SEEN] if cell][:SEEN]
    if below and 2 * sum(map(is_date, below)) > len(below):
        shown = ", ".join(map(repr, sample))[:60]
        raise DataError(
            f"no header: the first line holds dates: {shown}",
            "add a row of names, or use --no-header, which calls the columns 1, 2, ...",
            option="header",
            remedies=[NO_HEADER],
        )


def _refusal(columns: _Names, sample: Sample) -> DataError:
    """What to say of a file whose dates are columns, where nobody has said so."""
    kind, names = columns.kind, list(columns.dated)
    every = len(names) + len(columns.others)
    message = f"{len(names):,} of the {every:,} columns are {kind}, {names[0]!r} to {names[-1]!r}"
    otherwise = "or --dates-as-columns none if each column is a series"
    beside = _beside(kind, columns.others, sample)
    if kind in _EXAMPLES and not beside:
        return DataError(
            f"{message}, and no column holds their year",
            f"write them with their year, e.g. {_EXAMPLES[kind]}, {otherwise}",
            option="dates_as_columns",
        )

    proposal = propose(kind, columns.others, sample)
    if not proposal:
        return DataError(
            message,
            f"add a column that names each row, and use --dates-as-columns COLUMN, {otherwise}",
            option="dates_as_columns",
        )

    read_as = "each row as a series"
    if kind in _EXAMPLES:
        read_as = f"the {kind} in order"
    elif kind == "years" and beside:
        read_as = "its years and months in order"
    return DataError(
        message,
        f"use --dates-as-columns {shlex.quote(proposal)} to read {read_as}, {otherwise}",
        option="dates_as_columns",
        proposal=proposal,
        remedies=[Remedy({"dates_as_columns": proposal}, f"reads {read_as}")],
    )


def propose(kind: Kind, others: Sequence[str], sample: Sample) -> str:
    """The fewest columns that name each row of the sample, joined with commas; empty if there
    are none.
    """
    beside = _beside(kind, others, sample)
    of_beside = [beside] if beside else []
    named = [name for name in others if name != beside and any(sample[name]) and "," not in name]
    texts = [name for name in named if not _is_numeric(sample[name])]
    whole = [name for name in named if _are_whole_numbers(sample[name])]
    ordered = list(dict.fromkeys([*texts, *whole]))[:TRIED]

    for size in range(0 if beside else 1, MOST_IDS + 1):
        for ids in combinations(ordered, size):
            if _tell_apart([*ids, *of_beside], ids, sample):
                return ",".join([*ids, *of_beside])
    return ",".join([*ordered[:1], *of_beside])


def _tell_apart(names: Sequence[str], ids: Sequence[str], sample: Sample) -> bool:
    """Whether no two rows are alike in these columns, and none is without an id."""
    rows = list(zip(*(sample[name] for name in names), strict=True))
    labels = zip(*(sample[name] for name in ids), strict=True)
    have_ids = not ids or all(any(parts) for parts in labels)
    return have_ids and len(set(rows)) == len(rows)


def _is_numeric(cells: list[str]) -> bool:
    """Whether at least half of what a column holds is numbers."""
    filled = [cell for cell in cells[:SEEN] if cell]
    return bool(filled) and 2 * sum(map(number_formats.is_number, filled)) >= len(filled)


def _are_whole_numbers(cells: list[str]) -> bool:
    return all(re.fullmatch(r"\d*", cell) for cell in cells[:SEEN])


def _begins_with_date(cells: list[str]) -> bool:
    return is_date(next((cell for cell in cells if cell), ""))


# -- the columns beside the dates --------------------------------------------------------------


def _labels(word: str, columns: _Names) -> tuple[str, ...]:
    """The columns that `--dates-as-columns` names."""
    labels: tuple[str, ...] = (word,)
    if word not in columns.others:
        labels = tuple(part.strip() for part in word.split(","))

    for label in labels:
        if label in columns.dated:
            others = ", ".join(columns.others[:TRIED]) or "there is none"
            raise DataError(
                f"--dates-as-columns: column {label!r} is one of the dates",
                f"name a column beside them: {others}",
                option="dates_as_columns",
                column=label,
            )
        if label not in columns.others:
            raise DataError(
                f"no column {label!r} for --dates-as-columns",
                nearest(label, columns.others),
                option="dates_as_columns",
                column=label,
            )
        if labels.count(label) > 1:
            raise SettingsError(
                f"--dates-as-columns names column {label!r} twice",
                "name it once",
                option="dates_as_columns",
                column=label,
            )
    return labels


def _beside(kind: Kind, labels: Sequence[str], sample: Sample) -> str:
    """The column that completes the dates of the header: years beside months, or months beside
    years.
    """
    if kind == "dates":
        return ""

    fitting = [name for name in labels if _completes(kind, name, sample[name][:SEEN])]
    usual = ("month", "quarter") if kind == "years" else ("year", "yr")
    usually_named = [name for name in fitting if name.lower() in usual]
    return (usually_named or fitting or [""])[0]


def _completes(kind: Kind, name: str, cells: list[str]) -> bool:
    """Whether most cells of a column are months, or years beside months."""
    filled = [cell for cell in cells if cell]
    if kind == "years":
        fitting = [cell for cell in filled if month_of(cell, name) is not None]
    else:
        fitting = [cell for cell in filled if is_year(cell)]
    return 2 * len(fitting) > len(filled)


def _no_year(word: str, columns: _Names, sample: Sample) -> DataError:
    """The error for months or quarters whose year no named column holds."""
    first = next(iter(columns.dated))
    message = (
        f"column {first!r} needs a year, and --dates-as-columns {word} names no column of years"
    )
    if _beside(columns.kind, columns.others, sample):
        proposal = propose(columns.kind, columns.others, sample)
        return DataError(
            message,
            f"name it, too: --dates-as-columns {shlex.quote(proposal)}",
            option="dates_as_columns",
            proposal=proposal,
            remedies=[Remedy({"dates_as_columns": proposal}, "names the column of years, too")],
        )
    return DataError(
        message,
        f"write the {columns.kind} with their year, e.g. {_EXAMPLES[columns.kind]}",
        option="dates_as_columns",
    )


# -- names that may be meant as dates ----------------------------------------------------------


def _check_names(columns: _Names, sample: Sample) -> None:
    """Refuse names that seem to be meant as dates, whose values would be left out without a
    word.
    """
    names, dated = columns.every, columns.dated
    first = next(at for at, name in enumerate(names) if name in dated)
    forms = {_form(name) for name in dated} if columns.kind == "dates" else set()
    for at, name in enumerate(names):
        if at < first or name in dated:
            continue
        if _is_unnamed(name, at) and not _is_nothing(name, names, sample):
            raise DataError(
                f"column {at + 1:,} stands among the dates and has no name",
                "give it a date in the header, or remove it",
            )
        if _form(name) in forms:
            example = next(iter(dated))
            raise DataError(
                f"the name of column {name!r} is not a date like the others ({example!r})",
                "correct it, or rename the column if it is no date",
                column=name,
            )


def _form(name: str) -> str:
    return re.sub(r"[A-Za-z]+", "a", re.sub(r"\d+", "9", plain_name(name)))


def _is_unnamed(name: str, at: int) -> bool:
    return name == f"column {at + 1}"


def _is_nothing(name: str, names: tuple[str, ...], sample: Sample) -> bool:
    """Whether this is the empty column that a delimiter at the end of every line makes."""
    return name == names[-1] and _is_unnamed(name, len(names) - 1) and not any(sample[name])
