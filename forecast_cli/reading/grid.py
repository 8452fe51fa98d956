"""Rows -> Panel: order, repeated times, the frequency, gaps, and covariates, every series on its full grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast_cli import calendar, config
from forecast_cli.calendar import Frequency, Ints
from forecast_cli.config import DataSettings
from forecast_cli.errors import DataError, TooLittleDataError
from forecast_cli.messages import Note, and_more, listed
from forecast_cli.panel import Columns, Floats, Panel, TimeFormat, from_series
from forecast_cli.reading import dates

SHOWN = 3  # names in one message
MOST_EMPTY = 50  # steps of the grid for each row, beyond a thousand
MOST_FILLED = 1 / 3  # of the steps of a series that are made up unless --max-filled says otherwise
FILLING = ("auto", "interpolate", "ffill")  # ways of --gaps that make up values


@dataclass(frozen=True, eq=False)
class Rows:
    """R rows after reading, in the order of the file.

    place: where a row is, for messages; times: (R,) or None; codes: (R,) the series of each; ids: the names of those;
    targets, covariates: (R,) each, NaN where missing. A text covariate is its level's number, -1 an unknown level.
    """

    place: Callable[[int], str]
    times: Ints | None
    codes: Ints
    ids: list[str]
    targets: dict[str, Floats]
    covariates: dict[str, Floats] = field(default_factory=dict)
    levels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    hint: str = ""  # what may tell series apart, if times are repeated


def where(label: str) -> str:
    return f"series {label!r}: " if label else ""


def seasons(settings: DataSettings, frequency: Frequency) -> tuple[int, ...]:
    """The season lengths that the user named, else those of the frequency."""
    named = config.seasons(settings.season)
    return named if named is not None else calendar.season_lengths(frequency)


def lay(
    rows: Rows, settings: DataSettings, columns: Columns, time_format: TimeFormat, notes: list[Note]
) -> Panel:
    """Lay every series of the rows on its full grid; what was done is added to the notes."""
    rows, frequency, positions, bounds = _ordered(rows, settings, time_format, notes)
    limit = max([1, *seasons(settings, frequency)[:1]])
    _check_filled(rows, settings, frequency, positions, bounds, limit)
    summed = _sums_to_zero(settings)
    names = [*(settings.past or []), *(settings.future or [])]
    series: list[Floats] = []
    first: list[int] = []
    kept: list[str] = []
    covariates: dict[str, list[Floats]] = {name: [] for name in names}
    statics: dict[str, list[float]] = {name: [] for name in settings.static or []}
    ahead: list[list[Floats]] = []
    holes: list[NDArray[np.bool_]] = []
    filled, zeros, made_up, trailing, left_out = 0, 0, 0, [], []
    for number in range(len(rows.ids)):
        span = slice(bounds[number], bounds[number + 1])
        at = positions[span]
        for target in rows.targets:
            label = target if len(rows.targets) > 1 else rows.ids[number]
            given = rows.targets[target][span]
            present = np.flatnonzero(~np.isnan(given))
            if not len(present):
                left_out.append(label)
                continue
            low, high = int(at[present[0]]), int(at[present[-1]])
            inside = slice(present[0], present[-1] + 1)
            if inside.stop < len(given):
                trailing.append(len(given) - int(inside.stop))
            if high - low >= MOST_EMPTY * (inside.stop - inside.start) + 1000:
                raise DataError(
                    f"{where(label)}more than 98 % of the steps are missing",
                    "name a coarser step with --freq, or bring the rows to one step first",
                )
            grid = np.full(high - low + 1, 0.0 if summed else np.nan)
            grid[at[inside] - low] = given[inside]
            zeros += len(grid) - (inside.stop - inside.start) if summed else 0
            holes.append(np.isnan(grid))
            filled += _fill(grid, settings.gaps, limit, label, low, frequency)
            series.append(grid)
            first.append(low)
            kept.append(label)
            for name in names:
                line = np.full(len(grid), np.nan)
                line[at[inside] - low] = rows.covariates[name][span][inside]
                made_up += _carry(line, name, label)
                covariates[name].append(line)
            for name in statics:
                statics[name].append(_constant(rows.covariates[name][span], name, label))
            ahead.append(
                [_after(at, rows.covariates[name][span], high) for name in settings.future or []]
            )
    if left_out:
        notes.append(
            Note(
                "series_without_values",
                "degraded",
                f"series without a single value were left out: {listed(left_out)}",
            )
        )
    if not series:
        raise DataError(
            f"column {next(iter(rows.targets))!r} has no value at all", "check the column"
        )
    if trailing:
        several = f" of {len(trailing):,} series" if len(trailing) > 1 else ""
        use = "; their known-future covariates are used" if settings.future else ""
        kind = "have no value and were left out" if not use else "have no value" + use
        notes.append(
            Note("trailing_rows", "info", f"the last {sum(trailing):,} rows{several} {kind}")
        )
    if zeros:
        steps = (
            "1 step without rows counts" if zeros == 1 else f"{zeros:,} steps without rows count"
        )
        notes.append(
            Note(
                "gaps_counted_as_zero",
                "info",
                f"{steps} as 0 after --duplicates sum; --gaps interpolate, ffill or drop for another way",
            )
        )
    if filled:
        done = {
            "ffill": "were filled with the value before", "zero": "were filled with 0", "drop": "were left empty",
        }.get(settings.gaps, "were interpolated")  # fmt: skip
        notes.append(Note("gaps_filled", "info", f"{filled:,} missing steps {done}"))
    if made_up:
        notes.append(
            Note(
                "covariates_filled",
                "info",
                f"{made_up:,} missing values of covariates were filled with the value before",
            )
        )
    panel = from_series(
        series, frequency, ids=kept, first=first, columns=columns, time_format=time_format
    )
    panel = replace(panel, filled=np.concatenate(holes)) if filled else panel
    return _with_covariates(panel, settings, rows.levels, covariates, statics, ahead)


def _ordered(
    rows: Rows, settings: DataSettings, time_format: TimeFormat, notes: list[Note]
) -> tuple[Rows, Frequency, Ints, Ints]:
    """The rows by series and time without repetition, their frequency and positions, the bounds of the series."""
    count = len(rows.codes)
    if rows.times is None:
        if settings.freq:
            raise DataError(
                "--freq needs a time column, and no column was read as one",
                "name it with --time COLUMN",
            )
        order = np.argsort(rows.codes, kind="stable")
        rows = _taken(rows, order)
        starts = np.searchsorted(rows.codes, np.arange(len(rows.ids)))
        counts = np.diff(np.append(starts, count))
        return (
            rows,
            calendar.STEPS,
            np.arange(count) - np.repeat(starts, counts),
            np.append(starts, count),
        )
    times, codes = rows.times, rows.codes
    grouped = bool((np.diff(codes) >= 0).all())
    if not grouped:
        rows = _taken(rows, np.argsort(codes, kind="stable"))
        assert rows.times is not None  # noqa: S101
        times, codes = rows.times, rows.codes
    if ((np.diff(times) < 0) & (np.diff(codes) == 0)).any():
        notes.append(
            Note("dates_sorted", "info", "the rows were not in order of time; they were sorted")
        )
        rows = _taken(rows, np.lexsort((times, codes)))
    rows = _merged(rows, settings, time_format, notes)
    assert rows.times is not None  # noqa: S101
    starts = np.searchsorted(rows.codes, np.arange(len(rows.ids)))
    if len(starts) == len(rows.codes) and not settings.freq:
        raise TooLittleDataError(
            "one row a series is too little to see a step", "give at least two rows a series"
        )
    frequency = _frequency(rows, starts, settings, time_format)
    positions = calendar.ordinals(frequency, rows.times)
    _check_steps(rows, starts, positions, frequency)
    if (
        not time_format.offset
        and not time_format.timezone
        and not settings.timezone
        and frequency.kind == "fixed"
    ):
        name, at = dates.skipped_hour(_distinct(rows.times, positions, frequency), frequency.size)
        if name:
            raise DataError(
                f"no row is in the hour from {calendar.stamp(at)}, which the clocks of {name} skip",
                f"say --timezone {name} (or another), or --timezone UTC if the clocks never change",
            )
    return rows, frequency, positions, np.append(starts, len(rows.codes))


def _distinct(times: Ints, positions: Ints, frequency: Frequency) -> Ints:
    """The distinct times, ascending; by marking their positions, which needs no sorting."""
    low = int(positions.min())
    span = int(positions.max()) - low + 1
    if span > MOST_EMPTY * len(times):
        return np.unique(times)
    seen = np.zeros(span, bool)
    seen[positions - low] = True
    return calendar.times_at(frequency, low + np.flatnonzero(seen))


def _taken(rows: Rows, order: Ints) -> Rows:
    """The rows in another order, or some of them."""
    place = rows.place
    return replace(
        rows,
        place=lambda row: place(int(order[row])),
        times=None if rows.times is None else rows.times[order],
        codes=rows.codes[order],
        targets={name: values[order] for name, values in rows.targets.items()},
        covariates={name: values[order] for name, values in rows.covariates.items()},
    )


def _merged(rows: Rows, settings: DataSettings, time_format: TimeFormat, notes: list[Note]) -> Rows:
    """One row for each time of a series, as `--duplicates` says. The rows are in order of series and time."""
    assert rows.times is not None  # noqa: S101
    same = (np.diff(rows.times) == 0) & (np.diff(rows.codes) == 0)
    if not same.any():
        return rows
    hits = np.flatnonzero(same)
    lines = sorted(
        (rows.place(int(hits[0])), rows.place(int(hits[0]) + 1)), key=lambda text: (len(text), text)
    )
    message = (
        f"{lines[0]} and {lines[1].rpartition(':')[2]}: {where(rows.ids[rows.codes[hits[0]]])}"
        f"the time {calendar.stamp(rows.times[hits[0]])} is there twice" + and_more(len(hits))
    )
    gaps = np.diff(rows.times)
    inside = gaps[(gaps > 0) & (np.diff(rows.codes) == 0)]
    if (
        not time_format.offset
        and not settings.timezone
        and len(inside)
        and np.median(inside) <= calendar.HOUR
    ):
        name = dates.repeated_hour(np.unique(rows.times[hits]))
        if name:
            raise DataError(
                f"{message}, as the clocks of {name} have it",
                f"say --timezone {name} (or another), or --timezone UTC if the clocks never change",
            )
    if settings.duplicates == "error":
        raise DataError(
            message,
            f"keep one row for each time, or say --duplicates first, last, mean or sum{rows.hint}",
        )
    begins = np.flatnonzero(np.concatenate([[True], ~same]))
    last = np.append(begins[1:], len(rows.codes)) - 1
    kept = _taken(rows, last if settings.duplicates == "last" else begins)
    if settings.duplicates in ("mean", "sum"):
        total = settings.duplicates == "sum"
        kept = replace(
            kept,
            targets={
                name: _reduced(values, begins, total) for name, values in rows.targets.items()
            },
            covariates={
                name: kept.covariates[name]
                if name in rows.levels
                else _reduced(values, begins, False)
                for name, values in rows.covariates.items()
            },
        )
    how = {"first": "the first was kept", "last": "the last was kept", "mean": "their mean was taken", "sum": "they were added"}  # fmt: skip
    notes.append(
        Note(
            "duplicates",
            "info",
            f"{len(hits):,} rows repeat the time of another; {how[settings.duplicates]}",
        )
    )
    return kept


def _reduced(values: Floats, begins: Ints, total: bool) -> Floats:
    """The sum or mean of the values of each group; NaN only where all are missing."""
    given = ~np.isnan(values)
    counts = np.add.reduceat(given.astype(np.int64), begins)
    sums = np.add.reduceat(np.where(given, values, 0.0), begins)
    result: Floats = np.where(counts > 0, sums / (1 if total else np.maximum(counts, 1)), np.nan)
    return result


def _frequency(
    rows: Rows, starts: Ints, settings: DataSettings, time_format: TimeFormat
) -> Frequency:
    assert rows.times is not None  # noqa: S101
    if settings.freq:
        return calendar.named(settings.freq, rows.times, starts)
    try:
        return calendar.infer(rows.times, starts)
    except DataError as error:
        if (
            time_format.offset and not time_format.timezone
        ):  # days whose offset changes are not all of one length
            error.hint = (
                "name the zone of local days with --timezone, or bring the rows to one step first"
            )
        words: dict[str, str] = {}
        ends = np.append(starts[1:], len(rows.times))
        for number in range(min(len(starts), 1000)):
            part = rows.times[starts[number] : ends[number]]
            try:
                found = calendar.infer(part, np.zeros(1, np.int64))
            except DataError:
                continue
            words.setdefault(f"{calendar.describe(found)}", rows.ids[number])
        if len(words) > 1:
            shown = ", ".join(f"{label!r} is {word}" for word, label in list(words.items())[:SHOWN])
            raise DataError(
                f"the series have different steps: {shown}",
                "give series of one step, or name it with --freq",
            ) from None
        raise


def _check_steps(rows: Rows, starts: Ints, positions: Ints, frequency: Frequency) -> None:
    """Refuse a series whose rows are never one step apart: it has another step than the file."""
    if len(starts) < 2 or frequency.kind == "step":
        return
    steps = np.diff(positions, append=positions[-1:] + 1)
    ends = np.append(starts[1:], len(positions))
    steps[ends - 1] = np.iinfo(np.int64).max
    nearest = np.minimum.reduceat(steps, starts)
    wrong = np.flatnonzero((nearest > 1) & (ends - starts >= 3))
    if len(wrong):
        raise DataError(
            f"series {rows.ids[wrong[0]]!r} has a row every {int(nearest[wrong[0]]):,} steps at most, "
            f"but the file is {calendar.describe(frequency)}" + and_more(len(wrong)),
            "give series of one step, or bring this one to the step of the others",
        )  # fmt: skip


def _sums_to_zero(settings: DataSettings) -> bool:
    """Whether a step without rows is a sum of nothing: data like any other, not a gap."""
    return settings.duplicates == "sum" and settings.gaps in ("auto", "zero")


@dataclass(frozen=True, eq=False)
class _Extent:
    """Of the S series that have a value, one array element each: where they lie and how much of them is missing.

    owners: numbers of the series; first, last: the rows of the first and of the last value; steps: from the one to the
    other; missing: those of the steps that would have to be made up.
    """

    owners: Ints
    first: Ints
    last: Ints
    steps: Ints
    missing: Ints

    @property
    def shares(self) -> Floats:
        return self.missing / self.steps


def _extent(values: Floats, positions: Ints, bounds: Ints, summed: bool) -> _Extent:
    """values, positions: (R,) of rows by series and time; bounds: (S + 1,) of the series in them."""
    known = np.flatnonzero(~np.isnan(values))
    begins = np.searchsorted(known, bounds)
    counts = np.diff(begins)
    owners = np.flatnonzero(counts)

    first, last = known[begins[owners]], known[begins[owners + 1] - 1]
    steps = positions[last] - positions[first] + 1
    missing = (last - first + 1 if summed else steps) - counts[owners]
    return _Extent(owners, first, last, steps, missing)


def _check_filled(
    rows: Rows,
    settings: DataSettings,
    frequency: Frequency,
    positions: Ints,
    bounds: Ints,
    limit: int,
) -> None:
    """Refuse to make up more of a series than --max-filled allows, naming the worst one.

    This comes before the grid, which may be larger than memory. Raises DataError.
    """
    if settings.gaps not in FILLING:
        return

    allowed = MOST_FILLED if settings.max_filled is None else settings.max_filled
    summed = _sums_to_zero(settings)
    extents = {
        target: _extent(values, positions, bounds, summed)
        for target, values in rows.targets.items()
    }
    over = sum(int((extent.shares > allowed + 1e-9).sum()) for extent in extents.values())
    if not over:
        return

    target = max(extents, key=lambda name: float(extents[name].shares.max(initial=0)))
    extent = extents[target]
    worst = int(np.argmax(extent.shares))
    span = slice(int(extent.first[worst]), int(extent.last[worst]) + 1)
    known = span.start + np.flatnonzero(~np.isnan(rows.targets[target][span]))
    if settings.gaps == "auto" and not summed and np.diff(positions[known]).max() > limit + 1:
        return  # a single long gap says more: `_fill` names where it begins

    label = target if len(rows.targets) > 1 else rows.ids[extent.owners[worst]]
    missing, steps = int(extent.missing[worst]), int(extent.steps[worst])
    share = "a third" if settings.max_filled is None else f"a share of {settings.max_filled:g}"
    more = f" (and {over - 1:,} more series like it)" if over > 1 else ""
    needed = np.ceil(10 * missing / steps) / 10
    raise DataError(
        f"{where(label)}{missing:,} of {steps:,} steps are missing, more than {share}{more}",
        _other_step(rows, settings, frequency, known, allowed)
        + f"say --max-filled {needed:g} to have so many filled, or --gaps zero or drop",
        option="max_filled",
    )


def _other_step(
    rows: Rows, settings: DataSettings, frequency: Frequency, known: Ints, allowed: float
) -> str:
    """What other step the rows may have, as the beginning of a hint. known: the rows of one series that have a value."""
    if rows.times is None:
        return ""
    if _is_business(rows.times, frequency, known, allowed):
        return "say --freq B, as no row is on a weekend; or "
    if settings.freq:
        return "name a coarser step with --freq; or "
    return "bring the rows to one step first; or "


def _is_business(times: Ints, frequency: Frequency, known: Ints, allowed: float) -> bool:
    """Whether the rows of a daily file are all on weekdays, and few enough weekdays are missing."""
    if frequency.kind != "fixed" or frequency.size != calendar.DAY:
        return False
    try:
        positions = calendar.ordinals(
            Frequency("business", clock=int(times[0] % calendar.DAY)), times
        )[known]
    except DataError:
        return False
    steps = int(positions[-1] - positions[0]) + 1
    return 1 - len(known) / steps <= allowed


def _fill(grid: Floats, gaps: str, limit: int, label: str, first: int, frequency: Frequency) -> int:
    """Fill runs of NaN in place, as `--gaps` says; return how many steps there were."""
    holes = np.isnan(grid)
    if not holes.any():
        return 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], holes.view(np.int8), [0]])))
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    if gaps == "error" or (gaps == "auto" and ends[longest] - begins[longest] > limit):
        start = int(calendar.times_at(frequency, np.array([first + begins[longest]]))[0])
        at = f"step {start}" if frequency.kind == "step" else calendar.stamp(start)
        length = f"{ends[longest] - begins[longest]:,} step{'s' if ends[longest] - begins[longest] > 1 else ''}"
        allowed = (
            "none is allowed"
            if gaps == "error"
            else f"gaps of up to {limit:,} (one season) are interpolated"
        )
        raise DataError(
            f"{where(label)}a gap of {length} begins at {at}; {allowed}",
            "fill it in the file, start after it, or say --gaps interpolate, ffill, zero or drop",
            option="gaps",
        )
    if gaps == "zero":
        grid[holes] = 0.0
    elif gaps == "ffill":
        grid[holes] = grid[_last_present(holes)][holes]
    elif gaps != "drop":
        grid[holes] = np.interp(np.flatnonzero(holes), np.flatnonzero(~holes), grid[~holes])
    return int(holes.sum())


def _last_present(holes: NDArray[np.bool_]) -> Ints:
    """Of every step, the last one up to it that is no hole, else the first that is none."""
    last = np.maximum.accumulate(np.where(holes, -1, np.arange(len(holes))))
    return np.where(last < 0, int(np.argmin(holes)), last).astype(np.int64)


def _carry(line: Floats, name: str, label: str) -> int:
    """Fill missing values of a covariate with the one before (the first: after), in place; return how many."""
    holes = np.isnan(line)
    if not holes.any():
        return 0
    if holes.all():
        raise DataError(
            f"{where(label)}covariate {name!r} has no value",
            "leave the covariate or the series out",
        )
    line[:] = line[_last_present(holes)]
    return int(holes.sum())


def _constant(given: Floats, name: str, label: str) -> float:
    """The one value of a static covariate."""
    distinct = np.unique(given[~np.isnan(given)])
    if not len(distinct):
        raise DataError(
            f"{where(label)}static {name!r} has no value", "leave the covariate or the series out"
        )
    if len(distinct) > 1:
        raise DataError(
            f"{where(label)}static {name!r} has {len(distinct):,} values",
            f"name it with --past {name} or --future {name}",
        )
    return float(distinct[0])


def _after(at: Ints, given: Floats, high: int) -> Floats:
    """A known-future covariate at the steps after position `high`, NaN where no row has it."""
    later = at > high
    line = np.full(int(at[-1]) - high if later.any() else 0, np.nan)
    line[at[later] - high - 1] = given[later]
    return line


def one_hot(name: str, levels: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The names that a covariate has in a panel: `column=level` for each level of a text."""
    return tuple(f"{name}={level}" for level in levels[name]) if name in levels else (name,)


def spread(values: Floats, name: str, levels: dict[str, tuple[str, ...]]) -> Floats:
    """(...,) -> (..., 1), or for a text (..., L): 1 at its level, NaN where it is missing, 0 for an unknown level."""
    if name not in levels:
        single: Floats = values[..., None]
        return single
    hot: Floats = (values[..., None] == np.arange(len(levels[name]))).astype(np.float64)
    hot[np.isnan(values)] = np.nan
    return hot


def _with_covariates(
    panel: Panel, settings: DataSettings, levels: dict[str, tuple[str, ...]],
    covariates: dict[str, list[Floats]], statics: dict[str, list[float]], ahead: list[list[Floats]],
) -> Panel:  # fmt: skip
    changed: dict[str, Any] = {"levels": levels}
    for role, wanted in (("past", settings.past), ("future", settings.future)):
        if wanted:
            parts = [spread(np.concatenate(covariates[name]), name, levels) for name in wanted]
            changed[role] = np.concatenate(parts, axis=1)
            changed[f"{role}_names"] = tuple(
                hot for name in wanted for hot in one_hot(name, levels)
            )
    if settings.static:
        parts = [spread(np.array(statics[name]), name, levels) for name in settings.static]
        changed["static"] = np.concatenate(parts, axis=1)
        changed["static_names"] = tuple(
            hot for name in settings.static for hot in one_hot(name, levels)
        )
    if settings.future:
        changed["ahead"] = stacked(ahead, settings.future, levels)
    return replace(panel, **changed)


def stacked(
    lines: list[list[Floats]], names: list[str], levels: dict[str, tuple[str, ...]]
) -> Floats:
    """Known-future values after the last row, (S, A, F), NaN where a series has fewer."""
    steps = max((len(line) for of_series in lines for line in of_series), default=0)
    flat = np.full((len(lines), steps, len(names)), np.nan)
    for number, of_series in enumerate(lines):
        for place, line in enumerate(of_series):
            flat[number, : len(line), place] = line
    joined: Floats = np.concatenate(
        [spread(flat[:, :, place], name, levels) for place, name in enumerate(names)], axis=2
    )
    return joined
