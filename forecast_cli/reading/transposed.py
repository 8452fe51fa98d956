"""Dates as columns: every cell of a date becomes a row of a series."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.errors import DataError, Remedy
from forecast_cli.messages import and_more
from forecast_cli.panel import Floats, TimeFormat
from forecast_cli.reading.columns import Cells, TextColumn
from forecast_cli.reading.date_parsing import EPOCHS
from forecast_cli.reading.dated_headers import QUARTER_WORDS, plain_name
from forecast_cli.reading.dated_layout import SEEN, DatedLayout, month_of
from forecast_cli.reading.parsing import Sample
from forecast_cli.reading.rows import Rows
from forecast_cli.reading.time_styles import written_like

JOINT = " / "  # between the parts of an id that several columns make


def time_format(layout: DatedLayout, sample: Sample) -> TimeFormat:
    """How the forecast writes its times: as the names of the columns do, or as months or
    quarters of a year.
    """
    header = layout.header
    if layout.beside:
        return TimeFormat("%YQ%q" if _has_quarters(layout, sample) else "%Y-%m")

    if header.pattern in EPOCHS:
        return TimeFormat(header.pattern, offset="Z")

    return written_like(header.pattern, [plain_name(name) for name in header.names])


def to_rows(layout: DatedLayout, cells: Cells, place: Callable[[int], str]) -> Rows:
    """Every cell of a date as a row, series by series, without the bad rows of the file.

    cells: the columns of the layout, (R,) each; place: where a row is in the file. Raises
    DataError for a row without a name or with one that repeats.
    """
    kept = _Kept(layout, cells.texts, cells.numbers, np.flatnonzero(~cells.bad), place)
    header, width = layout.header, len(layout.header.names)
    _check_empty(kept)
    ids = _ids(kept)
    months = _months(kept)
    _check_rows(kept, ids, months)

    distinct = list(dict.fromkeys(ids))
    number_of = {name: number for number, name in enumerate(distinct)}
    numbers = [number_of[name] for name in ids]
    codes = np.repeat(np.array(numbers, np.int64), width)
    times = np.tile(header.times, len(ids)) if months is None else _microseconds(layout, months)
    values = np.empty((len(ids), width))
    for at, name in enumerate(header.names):
        values[:, at] = cells.numbers[name][kept.rows]

    flat = values.reshape(-1)

    order: Ints | None = None
    if months is not None:
        # The years or months of the rows may be in any order.
        order = np.lexsort((times, codes))
        times, codes, flat = times[order], codes[order], flat[order]

    def place_of_cell(row: int) -> str:
        at = row if order is None else int(order[row])
        return f"{kept.place(at // width)}: column {header.names[at % width]!r}"

    return Rows(place_of_cell, times, codes, distinct, {"value": flat})


def _has_quarters(layout: DatedLayout, sample: Sample) -> bool:
    if layout.header.kind != "years":
        return layout.header.kind == "quarters"
    cells = sample[layout.beside][:SEEN]
    return any(cell.strip().lower() in QUARTER_WORDS for cell in cells)


@dataclass(frozen=True, eq=False)
class _Kept:
    """The n rows of the file that are not left out. rows: (n,) their numbers; texts, numbers:
    of all rows.
    """

    layout: DatedLayout
    texts: Mapping[str, TextColumn]
    numbers: Mapping[str, Floats]
    rows: Ints
    place_of_row: Callable[[int], str]

    def place(self, at: int) -> str:
        return self.place_of_row(int(self.rows[at]))

    def texts_of(self, name: str) -> list[str]:
        """The texts of a column, (n,)."""
        codes, distinct = self.texts[name]
        return [distinct[code] for code in codes[self.rows].tolist()]


def _check_empty(kept: _Kept) -> None:
    """Refuse a value in the column without a name, which was empty in the first rows."""
    for name in kept.layout.empty:
        codes, distinct = kept.texts[name]
        is_filled = np.array([bool(cell.strip()) for cell in distinct])[codes[kept.rows]]
        if is_filled.any():
            at = int(np.argmax(is_filled))
            text = distinct[codes[kept.rows[at]]]
            raise DataError(
                f"{kept.place(at)}: {text!r} stands in a column that has no name",
                "give the column a date in the header, or remove it",
                value=text,
            )


def _ids(kept: _Kept) -> list[str]:
    """The name of the series of each row: its ids joined, without those that are empty."""
    columns = kept.layout.ids
    if not columns:
        return [""] * len(kept.rows)

    parts = [kept.texts_of(name) for name in columns]
    ids = [JOINT.join(filter(None, of_row)) for of_row in zip(*parts, strict=True)]
    if "" in ids:
        named = f"column {columns[0]!r} is"
        if len(columns) > 1:
            named = f"columns {', '.join(columns)} are"
        raise DataError(f"{kept.place(ids.index(''))}: {named} empty", "give every row an id")
    return ids


def _months(kept: _Kept) -> Ints | None:
    """(n,) of each row the months that its year begins after 1970, or its months since January;
    None without.
    """
    if not kept.layout.beside:
        return None
    if kept.layout.header.kind == "years":
        return _months_since_january(kept)
    return _months_of_years(kept)


def _months_since_january(kept: _Kept) -> Ints:
    name = kept.layout.beside
    codes, distinct = kept.texts[name]
    known = [month_of(cell, name) for cell in distinct]
    months = []
    for at, code in enumerate(codes[kept.rows].tolist()):
        month = known[code]
        if month is None:
            raise DataError(
                f"{kept.place(at)}: column {name!r}: {distinct[code]!r} is not a month",
                "correct the row, or remove it",
                column=name,
                value=distinct[code],
            )
        months.append(month)
    return np.array(months, np.int64)


def _months_of_years(kept: _Kept) -> Ints:
    name = kept.layout.beside
    years = kept.numbers[name][kept.rows]
    is_year = (years >= 1) & (years <= 9999) & (years == np.floor(years))
    if not is_year.all():
        at = int(np.argmin(is_year))
        what = "no year" if np.isnan(years[at]) else f"{years[at]:g} is not a year"
        raise DataError(
            f"{kept.place(at)}: column {name!r}: {what}", "give every row a year", column=name
        )
    return 12 * (years.astype(np.int64) - 1970)


def _microseconds(layout: DatedLayout, months: Ints) -> Ints:
    """(n,) months of the rows and (D,) of the columns -> (n * D,) microseconds."""
    across = layout.header.times
    if layout.header.kind == "years":
        across = across.view("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    joined = (months[:, None] + across).reshape(-1)
    return joined.view("datetime64[M]").astype("datetime64[us]").astype(np.int64)


# -- rows that repeat --------------------------------------------------------------------------


def _check_rows(kept: _Kept, ids: list[str], months: Ints | None) -> None:
    """Refuse a second row of the same series, or of the same series and year."""
    of_rows = [0] * len(ids) if months is None else months.tolist()
    keys = list(zip(ids, of_rows, strict=True))
    repeated = len(keys) - len(set(keys))
    if not repeated:
        return

    first, second = _first_repetition(keys)
    layout = kept.layout
    lines = f"{kept.place(first)} and {kept.place(second).rpartition(':')[2]}"
    unit = ""
    if months is not None:
        unit = " this month of" if layout.header.kind == "years" else " this year of"

    series = f"series {ids[second]!r}" if layout.ids else "the series"
    message = f"{lines}:{unit} {series} is there twice{and_more(repeated)}"
    if not layout.unused:
        raise DataError(message, "keep one row for each", option="dates_as_columns")

    proposal = _wider_proposal(layout)
    raise DataError(
        message,
        "join columns until each row has a name of its own, e.g. --dates-as-columns "
        + shlex.quote(proposal),
        option="dates_as_columns",
        proposal=proposal,
        remedies=[Remedy({"dates_as_columns": proposal}, "tells the rows apart")],
    )


def _first_repetition(keys: list[tuple[str, int]]) -> tuple[int, int]:
    """The first key that is there a second time: where it was before, and where it is again."""
    places: dict[tuple[str, int], int] = {}
    for at, key in enumerate(keys):
        if key in places:
            return places[key], at
        places[key] = at
    raise AssertionError("no key is there twice")


def _wider_proposal(layout: DatedLayout) -> str:
    """Columns that tell the rows of the sample apart, or else one more than those that do not."""
    used = [*layout.ids, *([layout.beside] if layout.beside else [])]
    if set(layout.proposal.split(",")) <= set(used):
        # They tell the first rows apart, but not all.
        return ",".join([layout.unused[0], *used])
    return layout.proposal
