"""Which column holds the times, by the texts of the first rows; and columns that may hold times
nobody named.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from forecast_cli.errors import DataError, Remedy
from forecast_cli.messages import Note, listed
from forecast_cli.reading import number_formats
from forecast_cli.reading.date_formats import formats, is_date, is_usual, mixed_steps, steps
from forecast_cli.reading.date_parsing import NEVER, parse
from forecast_cli.reading.joined_times import beside_date, with_units
from forecast_cli.reading.marks import most_are_numbers
from forecast_cli.reading.parsing import MISSING, Sample
from forecast_cli.reading.short_dates import may_be_short
from forecast_cli.settings import DataSettings

SEEN = 1000  # cells of a column that are looked at
TRIED = 3  # columns of dates that remedies name
SEEN_DATES = 100  # cells that decide whether a column holds dates
FEWEST_TEXTS = 3  # of which most look like times, where a column is to hold times
# Somewhere in a text: a year, a date in digits, a clock, 01JAN2024, /Date(1704067200000)/.
_LIKE_A_TIME = re.compile(
    r"(?<!\d)(1[3-9]|2[0-6])\d\d(?!\d)"
    r"|(?<![\d.])\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?![\d.])"
    r"|(?<!\d)\d{1,2}:\d\d"
    r"|(?<!\d)\d{1,2}[A-Za-z]{3,9}\d{2,4}(?!\d)"
    r"|/Date\(\d"
)
TIME_NAMES = ("ds", "date", "datetime", "time", "timestamp", "day", "week", "month", "quarter")


def recognize_time(sample: Sample, names: Sequence[str], *, again: bool) -> tuple[str, ...]:
    """The only column of dates, if there is one; it may be one without a name.

    Raises DataError for several.

    again: for a run, which has recognized the times of its file by the first cell of a column
    alone.
    """
    seen = 1 if again else SEEN_DATES
    dated = [name for name in names if _holds_dates(sample[name], seen)]
    if not dated and not again:
        named = [name for name in names if name.lower() in TIME_NAMES]
        dated = [name for name in named if _holds_short(sample[name])]

    # A quarter, a week or an interval beside a column of dates is a name of what these show. What
    # older releases did not recognize, they did not train on.
    plain = [name for name in dated if not _is_own(sample[name])]
    if plain or again:
        dated = plain

    if len(dated) > 1:
        raise _several_of_dates(dated)
    return tuple(dated)


def _several_of_dates(names: list[str]) -> DataError:
    remedies = [Remedy({"time": one}, f"takes the times of {one!r}") for one in names[:TRIED]]
    return DataError(
        f"{len(names)} columns of dates: {listed(names)}",
        f"pick one with --time {shlex.quote(names[0])}",
        option="time",
        remedies=remedies,
    )


def with_clock(
    sample: Sample, time: tuple[str, ...], settings: DataSettings, notes: list[Note]
) -> tuple[str, ...]:
    """The column of dates that was recognized, with a column of hours or clocks beside it, if
    only both together tell the rows apart.
    """
    # With --duplicates the rows of a day are meant to be one, and a format without an hour is
    # that of a day.
    is_daily = settings.duplicates != "error" or not _may_have_hours(settings.date_format)
    if len(time) != 1 or is_daily:
        return time

    used = [settings.id, *(settings.target or []), *(settings.past or [])]
    used += [*(settings.future or []), *(settings.static or [])]
    free = [name for name in sample if name not in used]
    clock = beside_date(time[0], free, sample, settings.id)
    if not clock:
        return time

    words = f"the time is in the columns {time[0]!r} and {clock!r}; --time names others"
    notes.append(Note("time_in_columns", "info", words, {"columns": (*time, clock)}))
    return (*time, clock)


def refuse_unread_times(sample: Sample, names: Sequence[str], *, again: bool) -> None:
    """Raise DataError if an unused column seems to hold times that were not recognized: then
    rows are not steps.

    again: a run that was trained on such a file before that was refused goes on.
    """
    for name in names:
        cells = [cell for cell in sample[name][:SEEN] if cell]
        if not cells:
            continue

        _refuse_whole_numbers(name, cells, sample)
        if name.lower() == "year" and _are_years(cells):
            raise _may_hold_times(",".join(with_units(name, sample)), cells[0])
        if name.lower() in TIME_NAMES:
            _refuse_named_as_time(name, cells, again=again)


def _refuse_whole_numbers(name: str, cells: list[str], sample: Sample) -> None:
    """Raise DataError for whole numbers that may be times, alone or with hours beside them."""
    date_format = _format_of_whole_numbers(cells)
    clock = beside_date(name, list(sample), sample, None) if date_format == "%Y%m%d" else ""
    if clock:
        raise _may_hold_times(f"{name},{clock}", cells[0])
    if date_format:
        raise _may_hold_times(name, cells[0], date_format)


def _refuse_named_as_time(name: str, cells: list[str], *, again: bool) -> None:
    """Raise DataError for cells of a column with the name of a time, if they may be times."""
    if _are_months(cells) and not again:
        raise _may_hold_times(name, cells[0])
    if not most_are_numbers(cells, MISSING):
        raise _unread(name, cells[0])


def refuse_texts_like_times(sample: Sample, names: Sequence[str], identity: str | None) -> None:
    """Raise DataError if the texts of an unused column look like times that no format reads: then
    rows are not steps, and may even be in another order.

    identity: the column of the ids, whose first series is looked at.
    """
    for name in names:
        cells = sample[name][:SEEN]
        if identity:
            ids = sample[identity][:SEEN]
            cells = [cell for cell, each in zip(cells, ids, strict=True) if each == ids[0]]

        filled = [cell for cell in cells if cell]
        if len(filled) < FEWEST_TEXTS or most_are_numbers(filled, MISSING):
            continue
        like_times = [cell for cell in filled if _LIKE_A_TIME.search(cell)]
        if 2 * len(set(like_times)) > len(filled):
            raise _unread(name, like_times[0])


def _unread(name: str, cell: str) -> DataError:
    return DataError(
        f"column {name!r}: no known date format reads {cell!r}",
        f"say what it is with --time {shlex.quote(name)} --date-format, e.g. %d/%m/%Y; if it is no "
        "time, use --time none, and rows are steps",
        option="time",
        column=name,
        value=cell,
    )


def refuse_mixed_steps(
    sample: Sample, names: Sequence[str], notes: list[Note], *, again: bool
) -> None:
    """Raise DataError if an unused column says that the rows are years, quarters and months.

    again: a run that was trained on such rows before they were refused goes on, with a warning.
    """
    for name in names:
        cells = [cell for cell in sample[name] if cell]
        examples = steps(cells)
        if len(examples) < 2 or not _are_mostly_steps(cells):
            continue

        shown = ", ".join(repr(cell) for cell in examples.values())
        message = f"column {name!r} has rows of different steps: {shown}"
        hint = mixed_steps(examples)
        if not again:
            raise DataError(message, hint, column=name)
        notes.append(Note("mixed_steps", "warning", f"{message}; {hint}"))


def _holds_dates(cells: list[str], seen: int) -> bool:
    """Whether most of the cells are dates, though the first may be a unit or a typing error."""
    first = [cell for cell in cells if cell][:seen]
    if not first:
        return False
    looks_like_dates = is_date(first[0])
    if not looks_like_dates and not number_formats.is_number(first[0]):
        looks_like_dates = 2 * sum(map(is_date, first)) >= len(first)
    return looks_like_dates and not most_are_numbers(cells, MISSING)


def _may_have_hours(patterns: list[str] | None) -> bool:
    return patterns is None or any(re.search("%[-+]*[HI]", pattern) for pattern in patterns)


def _is_own(cells: list[str]) -> bool:
    """Whether the first cell is a time that no library reads."""
    first = next((cell for cell in cells if cell), "")
    known = formats(first)
    return bool(known) and not any(is_usual(pattern, first) for pattern in known)


def _holds_short(cells: list[str]) -> bool:
    """Whether the cells may be months with short years."""
    return may_be_short(cells) and not most_are_numbers(cells, MISSING)


def _format_of_whole_numbers(cells: list[str]) -> str:
    """The format of cells such as 20240131 or 1704067200, if they may be times."""
    if len(cells) < 2 or not all(re.fullmatch(r"\d{8}|\d{10}|\d{13}", cell) for cell in cells):
        return ""

    if len(cells[0]) == 8:
        are_days = (parse(cells, "%Y%m%d") != NEVER).all()
        return "%Y%m%d" if are_days else ""

    if cells != sorted(cells):
        return ""
    if len(cells[0]) == 10:
        return "epoch"
    return "epoch-ms"


def _are_years(cells: list[str]) -> bool:
    return len(cells) > 1 and all(re.fullmatch(r"[12]\d{3}", cell) for cell in cells)


def _are_months(cells: list[str]) -> bool:
    """Whether all cells are written like 202101."""
    is_six_digits = all(re.fullmatch(r"[12]\d{5}", cell) for cell in cells)
    return len(cells) > 1 and is_six_digits and bool((parse(cells, "%Y%m") != NEVER).all())


def _are_mostly_steps(cells: list[str]) -> bool:
    of_steps = [cell for cell in cells if steps([cell])]
    return 2 * len(of_steps) >= len(cells)


def _may_hold_times(name: str, cell: str, date_format: str = "") -> DataError:
    """The error for a column, or several, that may be the time."""
    settings: dict[str, Any] = {"time": name}
    more = ""
    if date_format:
        settings["date_format"] = [date_format]
        more = f" --date-format {date_format}"
    return DataError(
        f"column {name.partition(',')[0]!r} may hold times: {cell!r}",
        f"use --time {shlex.quote(name)}{more}",
        option="time",
        remedies=[Remedy(settings, f"takes {cell!r} for a time")],
        column=name.partition(",")[0],
        value=cell,
    )
