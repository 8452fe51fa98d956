"""Rows -> Panel: every series on its full grid, with its covariates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast_cli import calendar
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.errors import DataError
from forecast_cli.messages import Note, listed, plural
from forecast_cli.panel import Columns, Floats, Panel, TimeFormat, from_series
from forecast_cli.reading.gaps import carry_forward, check_filled, fill_gaps, sums_to_zero
from forecast_cli.reading.ordering import OrderedRows, order_rows
from forecast_cli.reading.rows import Rows, of_series
from forecast_cli.settings import DataSettings

MOST_EMPTY = 50  # steps of the grid for each row, beyond
FEW_STEPS = 1000
_FILLED = {
    "ffill": "filled with the value before",
    "zero": "filled with 0",
    "drop": "left empty",
}

Levels = Mapping[str, tuple[str, ...]]


def to_grid(
    rows: Rows, settings: DataSettings, columns: Columns, time_format: TimeFormat, notes: list[Note]
) -> Panel:
    """Put every series of the rows on its full grid; what was done is added to the notes.

    Raises DataError.
    """
    ordered = order_rows(rows, settings, time_format, notes)
    limit = _longest_gap(settings, ordered.frequency)
    check_filled(ordered, settings, limit)

    series: list[_Series] = []
    without_values: list[str] = []
    for number in range(len(ordered.rows.ids)):
        for target in ordered.rows.targets:
            one = _one_series(ordered, number, target, settings, limit)
            if isinstance(one, str):
                without_values.append(one)
            else:
                series.append(one)

    if without_values:
        words = f"series without a single value were left out: {listed(without_values)}"
        notes.append(Note("series_without_values", "degraded", words))

    if not series:
        column = next(iter(rows.targets))
        raise DataError(f"column {column!r} has no value at all", "check the column", column=column)

    notes += _what_was_done(series, settings)

    panel = from_series(
        [one.values for one in series],
        ordered.frequency,
        ids=[one.label for one in series],
        first=[one.first for one in series],
        columns=columns,
        time_format=time_format,
    )
    if any(one.filled for one in series):
        panel = replace(panel, filled=np.concatenate([one.holes for one in series]))
    return _with_covariates(panel, series, settings, rows.levels)


def _longest_gap(settings: DataSettings, frequency: Frequency) -> int:
    """The steps of a gap that are interpolated without asking: one season."""
    seasons = settings.season
    if seasons is None:
        seasons = calendar.season_lengths(frequency)
    return max([1, *seasons[:1]])


# -- one series --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Series:
    """A series of n steps on its grid.

    first: the position of its first value; holes: (n,) steps that were missing; past, future:
    (n,) each; ahead: of each known-future covariate, what is known after the last value;
    filled: how many missing steps were treated; zeros: steps without rows that count as 0;
    trailing: rows after the last value; carried: filled values of covariates.
    """

    label: str
    first: int
    values: Floats
    holes: NDArray[np.bool_]
    covariates: dict[str, Floats]
    static: dict[str, float]
    ahead: list[Floats]
    filled: int
    zeros: int
    trailing: int
    carried: int


def _one_series(
    ordered: OrderedRows, number: int, target: str, settings: DataSettings, limit: int
) -> _Series | str:
    """A target of one series on its grid; only its label where it has no value."""
    rows = ordered.rows
    span = slice(ordered.bounds[number], ordered.bounds[number + 1])
    label = target if len(rows.targets) > 1 else rows.ids[number]
    positions, known = ordered.positions[span], rows.targets[target][span]
    present = np.flatnonzero(~np.isnan(known))
    if not len(present):
        return label

    inside = slice(int(present[0]), int(present[-1]) + 1)
    used = inside.stop - inside.start
    first, last = int(positions[present[0]]), int(positions[present[-1]])
    _check_extent(label, last - first, used)
    at = positions[inside] - first

    is_summed = sums_to_zero(settings)
    empty = 0.0 if is_summed else np.nan
    values = np.full(last - first + 1, empty)
    values[at] = known[inside]
    holes = np.isnan(values)
    filled = fill_gaps(
        values,
        settings.gaps,
        limit,
        label=label,
        name_of=lambda step: ordered.name_of(first + step),
    )

    covariates: dict[str, Floats] = {}
    carried = 0
    for name in [*(settings.past or []), *(settings.future or [])]:
        line = np.full(len(values), np.nan)
        line[at] = rows.covariates[name][span][inside]
        carried += carry_forward(line, name, label)
        covariates[name] = line

    static: dict[str, float] = {}
    for name in settings.static or []:
        static[name] = _constant(rows.covariates[name][span], name, label)

    # Rows after the last value may already have what is known of the future.
    ahead: list[Floats] = []
    for name in settings.future or []:
        ahead.append(_after(positions, rows.covariates[name][span], last))

    return _Series(
        label,
        first,
        values,
        holes,
        covariates,
        static,
        ahead,
        filled=filled,
        zeros=len(values) - used if is_summed else 0,
        trailing=len(known) - inside.stop,
        carried=carried,
    )


def _check_extent(label: str, steps: int, rows: int) -> None:
    """Refuse a grid that is nearly empty, before it takes memory."""
    if steps >= MOST_EMPTY * rows + FEW_STEPS:
        raise DataError(
            f"{of_series(label)}more than 98 % of the steps are missing",
            "name a coarser step with --freq, or bring the rows to one step first",
            option="freq",
        )


def _constant(values: Floats, name: str, label: str) -> float:
    """The one value of a static covariate. Raises DataError for none, or several."""
    distinct = np.unique(values[~np.isnan(values)])
    if not len(distinct):
        raise DataError(
            f"{of_series(label)}static {name!r} has no value",
            "leave the covariate or the series out",
            column=name,
        )

    if len(distinct) > 1:
        raise DataError(
            f"{of_series(label)}static {name!r} has {len(distinct):,} values",
            f"name it with --past {name} or --future {name}",
            option="past",
            column=name,
        )
    return float(distinct[0])


def _after(positions: Ints, values: Floats, last: int) -> Floats:
    """A known-future covariate at the steps after position `last`, NaN where no row has it."""
    is_later = positions > last
    steps = int(positions[-1]) - last if is_later.any() else 0
    line = np.full(steps, np.nan)
    line[positions[is_later] - last - 1] = values[is_later]
    return line


def _what_was_done(series: list[_Series], settings: DataSettings) -> list[Note]:
    """Notes on missing steps and values of all series."""
    return [
        *_about_trailing(series, settings),
        *_about_zeros(sum(one.zeros for one in series)),
        *_about_filled(sum(one.filled for one in series), settings),
        *_about_carried(sum(one.carried for one in series)),
    ]


def _about_trailing(series: list[_Series], settings: DataSettings) -> list[Note]:
    """A note on rows after the last value."""
    counts = [one.trailing for one in series if one.trailing]
    if not counts:
        return []

    several = f" of {len(counts):,} series" if len(counts) > 1 else ""
    is_one = sum(counts) == 1
    rows = "row has" if is_one else f"{sum(counts):,} rows{several} have"
    use = "no value and was left out" if is_one else "no value and were left out"
    if settings.future:
        use = f"no value; {'its' if is_one else 'their'} known-future covariates are used"
    return [Note("trailing_rows", "info", f"the last {rows} {use}")]


def _about_zeros(steps: int) -> list[Note]:
    """A note on steps without rows, which are sums of nothing."""
    if not steps:
        return []
    count = "counts" if steps == 1 else "count"
    words = (
        f"{plural(steps, 'step')} without rows {count} as 0 after --duplicates sum; "
        "--gaps interpolate, ffill or drop for another way"
    )
    return [Note("gaps_counted_as_zero", "info", words, {"steps": steps})]


def _about_filled(steps: int, settings: DataSettings) -> list[Note]:
    """A note on missing steps."""
    if not steps:
        return []
    were = "was" if steps == 1 else "were"
    done = _FILLED.get(settings.gaps, "interpolated")
    words = f"{plural(steps, 'missing step')} {were} {done}"
    return [Note("gaps_filled", "info", words, {"steps": steps})]


def _about_carried(values: int) -> list[Note]:
    """A note on missing values of covariates."""
    if not values:
        return []
    were = "was" if values == 1 else "were"
    count = plural(values, "missing value")
    words = f"{count} of covariates {were} filled with the value before"
    return [Note("covariates_filled", "info", words, {"values": values})]


# -- covariates --------------------------------------------------------------------------------


def stack_ahead(lines: list[list[Floats]], names: Sequence[str], levels: Levels) -> Floats:
    """Known-future values after the last row, (S, A, F), NaN where a series has fewer.

    lines: of each series, its values of each covariate.
    """
    steps = max((len(line) for of_one in lines for line in of_one), default=0)
    flat = np.full((len(lines), steps, len(names)), np.nan)
    for number, of_one in enumerate(lines):
        for place, line in enumerate(of_one):
            flat[number, : len(line), place] = line

    parts = [_one_hot(flat[:, :, place], name, levels) for place, name in enumerate(names)]
    joined: Floats = np.concatenate(parts, axis=2)
    return joined


def _with_covariates(
    panel: Panel, series: list[_Series], settings: DataSettings, levels: dict[str, tuple[str, ...]]
) -> Panel:
    """The panel with its past-only, known-future and static covariates."""
    changed: dict[str, Any] = {"levels": levels}
    for role, names in (("past", settings.past), ("future", settings.future)):
        if names:
            flat = [np.concatenate([one.covariates[name] for one in series]) for name in names]
            changed[role] = _joined(flat, names, levels)
            changed[f"{role}_names"] = _names_of_levels(names, levels)

    if settings.static:
        flat = [np.array([one.static[name] for one in series]) for name in settings.static]
        changed["static"] = _joined(flat, settings.static, levels)
        changed["static_names"] = _names_of_levels(settings.static, levels)

    if settings.future:
        changed["ahead"] = stack_ahead([one.ahead for one in series], settings.future, levels)
    return replace(panel, **changed)


def _joined(flat: list[Floats], names: Sequence[str], levels: Levels) -> Floats:
    """Covariates (N,) each as the columns of one array, a text with one column a level."""
    parts = [_one_hot(values, name, levels) for values, name in zip(flat, names, strict=True)]
    joined: Floats = np.concatenate(parts, axis=1)
    return joined


def _names_of_levels(names: Sequence[str], levels: Levels) -> tuple[str, ...]:
    """The names that covariates have in a panel: `column=level` for each level of a text."""
    joined: list[str] = []
    for name in names:
        if name in levels:
            joined += [f"{name}={level}" for level in levels[name]]
        else:
            joined.append(name)
    return tuple(joined)


def _one_hot(values: Floats, name: str, levels: Levels) -> Floats:
    """(...,) -> (..., 1), or for a text (..., L): 1 at its level, NaN where it is missing, 0
    for an unknown level.
    """
    if name not in levels:
        single: Floats = values[..., None]
        return single

    hot: Floats = (values[..., None] == np.arange(len(levels[name]))).astype(np.float64)
    hot[np.isnan(values)] = np.nan
    return hot
