"""What is in a panel, and what is odd about it: findings for people, with the numbers behind them.

A finding stays readable for 1, 10 and 1,000 series: a summary, the worst, never one line a series.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from forecast_cli import calendar
from forecast_cli.calendar import Ints
from forecast_cli.messages import Kind, listed, of_kind
from forecast_cli.panel import Floats, Panel, format_times, times_of, values_of

LIMIT = 6.0  # scaled median absolute deviations beyond which a seasonal difference is odd
NAMED = 3  # series or values named in one finding
MEASURED = 200  # series at most whose seasons are measured, and
ROWS = 20_000  # rows of each, the newest
CYCLES = 3  # full seasons without which the strength of a season cannot be told from chance
WEAK = 0.1  # strength under which a season is as good as none


@dataclass(frozen=True)
class Finding:
    """One thing found: its name, in words, `info`, `warning` or `error`, and its numbers."""

    name: str
    text: str
    level: str = "info"
    details: dict[str, Any] = field(default_factory=dict)


def check(
    panel: Panel, seasons: tuple[int, ...] | None = None, needed: int | None = None
) -> list[Finding]:
    """Findings on a panel.

    seasons: season lengths to measure, default those of the frequency; needed: steps without which a series is short.
    """
    seasons = calendar.season_lengths(panel.frequency) if seasons is None else seasons
    return [
        _shape(panel),
        _columns(panel),
        Finding(
            "frequency",
            calendar.describe(panel.frequency),
            details=calendar.to_json(panel.frequency),
        ),
        _span(panel),
        _gaps(panel),
        _duplicates(panel),
        *_other_notes(panel),
        _outliers(panel, seasons),
        _seasons(panel, seasons),
        _constant(panel),
        _short(panel, needed),
    ]


def _shape(panel: Panel) -> Finding:
    lengths = panel.lengths
    low, middle, high = int(lengths.min()), int(np.median(lengths)), int(lengths.max())
    details = {
        "series": len(panel),
        "steps": int(lengths.sum()),
        "shortest": low,
        "median": middle,
        "longest": high,
    }
    if len(panel) == 1:
        return Finding("shape", f"1 series of {high:,} steps", details=details)
    each = (
        f"{high:,} steps each"
        if low == high
        else f"{low:,} to {high:,} steps, half of them at least {middle:,}"
    )
    return Finding("shape", f"{len(panel):,} series of {each}", details=details)


def _columns(panel: Panel) -> Finding:
    columns, targets = panel.columns, panel.reading.target or [panel.columns.target]
    roles: dict[str, Any] = {
        "time": panel.reading.time, "target": targets, "id": panel.reading.id,
        "past": list(panel.past_names), "future": list(panel.future_names), "static": list(panel.static_names),
    }  # fmt: skip
    parts = [f"time {columns.time!r}" if panel.reading.time else "no time: rows are steps"]
    parts.append(f"target {_some(targets, panel.written)}")
    if panel.reading.id:
        parts.append(f"id {panel.reading.id!r}")
    if panel.reading.dates_as_columns not in (None, "none"):
        parts = [f"dates are columns, beside {panel.reading.dates_as_columns!r}"]
    parts += [
        f"{role} {_some(roles[role], panel.written)}"
        for role in ("past", "future", "static")
        if roles[role]
    ]
    parts += [
        f"not used: {listed(note.fields['columns'])}"
        for note in of_kind(panel.notes, "columns_not_used")
    ]
    return Finding("columns", ", ".join(parts), details=roles | {"written": panel.written})


def _span(panel: Panel) -> Finding:
    firsts = [int(times_of(panel, i, 0, 1)[0]) for i in range(len(panel))]
    lasts = [int(times_of(panel, i, n - 1, n)[0]) for i, n in enumerate(panel.lengths.tolist())]
    first, last = format_times(panel, np.array([min(firsts), max(lasts)]))
    behind = [i for i, time in enumerate(lasts) if time < max(lasts)]
    text = f"{first} to {last}"
    if behind:
        order = sorted(behind, key=lambda i: lasts[i])
        text += f"; {len(behind):,} series end{'s' if len(behind) == 1 else ''} earlier, first {panel.ids[order[0]]!r}"
        text += f" at {format_times(panel, np.array([lasts[order[0]]]))[0]}"
    return Finding(
        "span", text, details={"first": first, "last": last, "series_ending_earlier": len(behind)}
    )


_ABOUT_GAPS: tuple[Kind, ...] = ("gaps_filled", "gaps_counted_as_zero", "covariates_filled")
_TOLD_ELSEWHERE: tuple[Kind, ...] = (*_ABOUT_GAPS, "duplicates", "columns_not_used")


def _gaps(panel: Panel) -> Finding:
    holes = np.isnan(panel.values)
    said = [note.text for note in of_kind(panel.notes, *_ABOUT_GAPS)]
    details = {"steps_without_value": int(holes.sum()), "notes": said}
    if not holes.any():
        return Finding("gaps", "; ".join(said) or "none", details=details)
    owners = np.unique(np.searchsorted(panel.offsets, np.flatnonzero(holes), side="right") - 1)
    left = f"{int(holes.sum()):,} steps of {len(owners):,} series have no value"
    return Finding("gaps", "; ".join([*said, left]), "warning", details)


def _duplicates(panel: Panel) -> Finding:
    said = [note.text for note in of_kind(panel.notes, "duplicates")]
    return Finding(
        "duplicates", "; ".join(said) or "none", "warning" if said else "info", {"notes": said}
    )


def _other_notes(panel: Panel) -> list[Finding]:
    """What else the reader said, word for word."""
    rest = [note for note in panel.notes if note.kind not in _TOLD_ELSEWHERE]
    shown = [
        Finding("reading", n.text, "info" if n.level == "info" else "warning")
        for n in rest[: 2 * NAMED]
    ]
    more = len(rest) - len(shown)
    return [*shown, Finding("reading", f"and {more:,} more such remarks")] if more > 0 else shown


# -- outliers --------------------------------------------------------------------------------------------------------


def outliers(values: Floats, season: int) -> tuple[Ints, Floats]:
    """Positions of odd values, (K,), and how many robust deviations each is away, (K,).

    Odd is a value whose differences to the values one season before and after both lie beyond `LIMIT` scaled median
    absolute deviations of all such differences, in opposite directions; near an end the one difference must do.
    A lasting change of level is none: only one of its differences is large.
    """
    none = np.empty(0, np.int64), np.empty(0)
    if len(values) < season + 3:
        return none
    change = values[season:] - values[:-season]
    known = change[~np.isnan(change)]
    if not len(known):
        return none
    center = np.median(known)
    spread = 1.4826 * np.median(np.abs(known - center))
    if not spread:  # more than half of the differences are equal
        spread = 1.2533 * np.mean(np.abs(known - center))
    if not spread:
        return none
    score = np.nan_to_num((change - center) / spread)
    before = np.concatenate([np.zeros(season), score])  # of the difference to one season earlier
    after = np.concatenate([-score, np.zeros(season)])  # to one season later
    both = np.where(before * after > 0, np.minimum(np.abs(before), np.abs(after)), 0.0)
    odd = both > LIMIT
    found = both.copy()
    end = len(values) - season
    partner_before = np.concatenate([np.zeros(season, bool), odd[:-season]])
    partner_after = np.concatenate([odd[season:], np.zeros(season, bool)])
    position = np.arange(len(values))
    first = (position < season) & (position < end) & (np.abs(after) > LIMIT) & ~partner_after
    last = (position >= end) & (position >= season) & (np.abs(before) > LIMIT) & ~partner_before
    if end > season:  # at least two seasons: the middle tells a level from a value
        found[first], found[last] = np.abs(after)[first], np.abs(before)[last]
    else:
        last = (position >= season) & (np.abs(before) > LIMIT)
        found[last] = np.abs(before)[last]
    at = np.flatnonzero(found > LIMIT).astype(np.int64)
    return at, found[at]


def _outliers(panel: Panel, seasons: tuple[int, ...]) -> Finding:
    total, owners = 0, 0
    worst: list[tuple[float, int, int]] = []
    for i in range(len(panel)):
        values = values_of(panel, i)
        fitting = [m for m in seasons if 3 * m <= len(values)]
        at, scores = outliers(values, fitting[0] if fitting else 1)
        total, owners = total + len(at), owners + bool(len(at))
        best = np.argsort(-scores)[:NAMED]
        worst = sorted(
            [*worst, *((float(scores[b]), i, int(at[b])) for b in best)], key=lambda w: -w[0]
        )[:NAMED]
    named = [
        {
            "series": panel.ids[i],
            "time": format_times(panel, times_of(panel, i, position, position + 1))[0],
            "value": float(values_of(panel, i)[position]),
            "deviations": round(score, 1),
        }
        for score, i, position in worst
    ]
    details: dict[str, Any] = {"count": total, "series": owners, "worst": named}
    if not total:
        return Finding("outliers", "none", details=details)
    top = named[0]
    where = f"series {top['series']!r}, " if len(panel) > 1 else ""
    text = f"{total:,}{f' in {owners:,} series' if len(panel) > 1 else ''}; the worst is {where}{top['time']}: {top['value']:g}"
    return Finding("outliers", text, "warning", details)


# -- seasons ---------------------------------------------------------------------------------------------------------


def strength(values: Floats, season: int) -> float | None:
    """How much of what is left without the trend repeats every season: 1 - var(remainder) / var(detrended), 0 to 1.

    The trend is a moving average over one season. The variances are unbiased, so that noise comes out near 0 even over
    few seasons. None for fewer than three seasons, and for a constant. After Wang, Smith & Hyndman (2006),
    "Characteristic-based clustering for time series data".
    """
    if season < 2 or len(values) < CYCLES * season + season // 2 * 2:
        return None
    holes = np.isnan(values)
    if holes.all():
        return None
    if holes.any():
        values = np.interp(np.arange(len(values)), np.flatnonzero(~holes), values[~holes])
    weights = np.ones(season + 1) if season % 2 == 0 else np.ones(season)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    half = len(weights) // 2
    total = np.concatenate([[0.0], np.cumsum(values - values.mean())])
    size = len(weights)
    window = total[size:] - total[:-size]
    if season % 2 == 0:
        inside = values - values.mean()
        window = window - 0.5 * (inside[: len(window)] + inside[size - 1 :])
    trend = window / season + values.mean()
    detrended = values[half : len(values) - half] - trend
    phase = np.arange(len(detrended)) % season
    counts = np.bincount(phase, minlength=season)
    means = np.bincount(phase, detrended, minlength=season) / counts
    remainder = detrended - means[phase]
    freedom = len(detrended) - season
    whole = float(((detrended - detrended.mean()) ** 2).sum()) / (len(detrended) - 1)
    if freedom < 1 or whole <= 1e-20 * max(float(np.abs(values).max()), 1e-150) ** 2:
        return None
    return float(np.clip(1 - float((remainder**2).sum()) / freedom / whole, 0, 1))


def strengths(values: Floats, seasons: tuple[int, ...]) -> list[float | None]:
    """The strength of each season, shortest first, in what the shorter ones leave: a week is more than its days."""
    found = []
    for season in seasons:
        found.append(strength(values, season))
        phase, known = np.arange(len(values)) % season, ~np.isnan(values)
        counts = np.bincount(phase[known], minlength=season)
        means = np.bincount(phase[known], values[known], minlength=season) / np.maximum(counts, 1)
        values = values - means[phase]
    return found


def _seasons(panel: Panel, seasons: tuple[int, ...]) -> Finding:
    if not seasons:
        return Finding(
            "seasons", "none usual for such rows; --season names some", details={"measured": []}
        )
    chosen = np.unique(np.linspace(0, len(panel) - 1, MEASURED).astype(np.int64))
    parts, measured = [], []
    rows = max(ROWS, 5 * max(seasons))
    of_series = [strengths(values_of(panel, int(i))[-rows:], seasons) for i in chosen]
    for number, season in enumerate(seasons):
        found = [s for each in of_series if (s := each[number]) is not None]
        middle = float(np.median(found)) if found else None
        measured.append({"season": season, "strength": middle, "series": len(found)})
        if middle is None:
            parts.append(f"{season} (too short to measure)")
        else:
            spread = (
                f", {min(found):.2f} to {max(found):.2f} over {len(found):,} series"
                if len(found) > 1
                else ""
            )
            parts.append(f"{season} (strength {middle:.2f}{spread})")
    known = [m["strength"] for m in measured if m["strength"] is not None]
    weak = bool(known) and max(known) < WEAK
    text = ", ".join(parts) + ("; none to speak of: --season 1 does without" if weak else "")
    return Finding("seasons", text, details={"measured": measured})


# -- series ----------------------------------------------------------------------------------------------------------


def _constant(panel: Panel) -> Finding:
    found = [
        name
        for i, name in enumerate(panel.ids)
        if np.nanmin(values_of(panel, i)) == np.nanmax(values_of(panel, i))
    ]
    details = {"count": len(found), "first": found[:NAMED]}
    if not found:
        return Finding("constant", "none", details=details)
    text = (
        "the series is constant"
        if len(panel) == 1
        else f"{len(found):,} of {len(panel):,} series: {_some(found)}"
    )
    return Finding("constant", text, "warning", details)


def _short(panel: Panel, needed: int | None) -> Finding:
    lengths = panel.lengths
    order = np.argsort(lengths, kind="stable")
    found = [panel.ids[i] for i in order if needed is not None and lengths[i] < needed]
    details = {"count": len(found), "needed": needed, "first": found[:NAMED]}
    if needed is None or not found:
        return Finding("short", "none", details=details)
    text = f"{len(found):,} of {len(panel):,} series have fewer than the {needed:,} steps that the network looks back on: {_some(found)}"
    return Finding("short", text, "warning", details)


def _some(names: list[str], written: dict[str, str] | None = None) -> str:
    """The first names; `written`: how the numbers of some are written, as in `'Close' in $`."""
    how = written or {}
    shown = ", ".join(
        f"{name!r} {how[name]}" if name in how else repr(name) for name in names[:NAMED]
    )
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED:,} more"
