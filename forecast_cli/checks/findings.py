"""Findings on a panel, in words and numbers.

A finding stays readable for 1, 10 and 1,000 series: it has a summary and the worst cases, never
one line for each series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from forecast_cli import calendar
from forecast_cli.checks.outliers import find_outliers
from forecast_cli.checks.seasons import WEAK, strengths
from forecast_cli.messages import Kind, listed, of_kind, plural
from forecast_cli.panel import Floats, Panel, format_times, times_of, values_of

NAMED = 3  # series or values named in one finding
MOST_NOTES = 6  # notes of the reader that are shown one by one

# The strength of a season is measured in so many series, evenly spread over the panel, and in so
# many of the newest rows of each.
MOST_SERIES = 200
MOST_ROWS = 20_000

ABOUT_GAPS: tuple[Kind, ...] = ("gaps_filled", "gaps_counted_as_zero", "covariates_filled")
WITH_A_FINDING: tuple[Kind, ...] = (*ABOUT_GAPS, "duplicates", "columns_not_used")


@dataclass(frozen=True)
class Finding:
    """One finding: its name, its text and the numbers behind it.

    level: `info`, `warning` or `error`.
    """

    name: str
    text: str
    level: str = "info"
    details: dict[str, Any] = field(default_factory=dict)


def check(
    panel: Panel, seasons: tuple[int, ...] | None = None, needed: int | None = None
) -> list[Finding]:
    """All findings on a panel.

    seasons: the season lengths to measure, by default those that are usual for the frequency;
    needed: the lookback, below which a series is called short.
    """
    if seasons is None:
        seasons = calendar.season_lengths(panel.frequency)
    return [
        _shape(panel),
        _columns(panel),
        _frequency(panel),
        _span(panel),
        _gaps(panel),
        _duplicates(panel),
        *_other_notes(panel),
        _outliers(panel, seasons),
        _seasons(panel, seasons),
        _constant(panel),
        _short(panel, needed),
    ]


# -- what is there -----------------------------------------------------------------------------


def _shape(panel: Panel) -> Finding:
    lengths = panel.lengths
    shortest, longest = int(lengths.min()), int(lengths.max())
    median = int(np.median(lengths))
    details = {
        "series": len(panel),
        "steps": int(lengths.sum()),
        "shortest": shortest,
        "median": median,
        "longest": longest,
    }

    if len(panel) == 1:
        text = f"1 series of {plural(longest, 'step')}"
    elif shortest == longest:
        text = f"{len(panel):,} series of {plural(longest, 'step')} each"
    else:
        text = f"{len(panel):,} series of {shortest:,} to {longest:,} steps, median {median:,}"
    return Finding("shape", text, details=details)


def _columns(panel: Panel) -> Finding:
    reading, written = panel.reading, panel.written
    targets = reading.target or [panel.columns.target]
    covariates = {
        "past": list(panel.past_names),
        "future": list(panel.future_names),
        "static": list(panel.static_names),
    }

    if reading.dates_as_columns not in (None, "none"):
        parts = [f"dates are columns, beside {reading.dates_as_columns!r}"]
    else:
        time = f"time {reading.time!r}" if reading.time else "no time column: a row is a step"
        parts = [time, f"target {_first_names(targets, written)}"]
        if reading.id:
            parts.append(f"id {reading.id!r}")
    for role, names in covariates.items():
        if names:
            parts.append(f"{role} {_first_names(names, written)}")
    for note in of_kind(panel.notes, "columns_not_used"):
        parts.append(f"not used: {listed(note.fields['columns'])}")

    details = {"time": reading.time, "target": targets, "id": reading.id, **covariates}
    return Finding("columns", ", ".join(parts), details=details | {"written": written})


def _frequency(panel: Panel) -> Finding:
    text = calendar.describe(panel.frequency)
    return Finding("frequency", text, details=calendar.to_json(panel.frequency))


def _span(panel: Panel) -> Finding:
    firsts, lasts = [], []
    for index, length in enumerate(panel.lengths.tolist()):
        firsts.append(int(times_of(panel, index, 0, 1)[0]))
        lasts.append(int(times_of(panel, index, length - 1, length)[0]))
    earliest = int(np.argmin(lasts))
    first, last, end = format_times(panel, np.array([min(firsts), max(lasts), lasts[earliest]]))
    text = f"{first} to {last}"

    ending_earlier = len(lasts) - lasts.count(max(lasts))
    if ending_earlier:
        verb = "ends" if ending_earlier == 1 else "end"
        text += f"; {ending_earlier:,} series {verb} earlier, "
        text += f"the earliest is {panel.ids[earliest]!r} at {end}"

    details = {"first": first, "last": last, "series_ending_earlier": ending_earlier}
    return Finding("span", text, details=details)


# -- what the reader met -----------------------------------------------------------------------


def _gaps(panel: Panel) -> Finding:
    is_missing = np.isnan(panel.values)
    count = int(is_missing.sum())
    texts = [note.text for note in of_kind(panel.notes, *ABOUT_GAPS)]
    details = {"steps_without_value": count, "notes": texts}
    if not count:
        return Finding("gaps", "; ".join(texts) or "none", details=details)

    owners = np.searchsorted(panel.offsets, np.flatnonzero(is_missing), side="right")
    verb = "has" if count == 1 else "have"
    left = f"{plural(count, 'step')} in {len(np.unique(owners)):,} series {verb} no value"
    return Finding("gaps", "; ".join([*texts, left]), "warning", details)


def _duplicates(panel: Panel) -> Finding:
    texts = [note.text for note in of_kind(panel.notes, "duplicates")]
    if not texts:
        return Finding("duplicates", "none", details={"notes": []})
    return Finding("duplicates", "; ".join(texts), "warning", {"notes": texts})


def _other_notes(panel: Panel) -> list[Finding]:
    """The notes of the reader that no other finding tells, word for word."""
    notes = [note for note in panel.notes if note.kind not in WITH_A_FINDING]
    findings = []
    for note in notes[:MOST_NOTES]:
        level = "info" if note.level == "info" else "warning"
        findings.append(Finding("reading", note.text, level))

    if len(notes) > MOST_NOTES:
        more = plural(len(notes) - MOST_NOTES, "more note", "more notes")
        findings.append(Finding("reading", f"and {more}"))
    return findings


# -- what is measured --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Outlier:
    """One outlier: by how many robust standard deviations it sticks out, and where."""

    deviations: float
    series: int
    position: int


def _outliers(panel: Panel, seasons: tuple[int, ...]) -> Finding:
    count, owners = 0, 0
    worst: list[_Outlier] = []
    for series in range(len(panel)):
        values = values_of(panel, series)
        positions, deviations = find_outliers(values, _first_season(seasons, len(values)))
        count += len(positions)
        owners += bool(len(positions))

        for number in np.argsort(-deviations)[:NAMED]:
            worst.append(_Outlier(float(deviations[number]), series, int(positions[number])))
        worst = sorted(worst, key=lambda outlier: -outlier.deviations)[:NAMED]

    named = [_described(panel, outlier) for outlier in worst]
    details: dict[str, Any] = {"count": count, "series": owners, "worst": named}
    if not count:
        return Finding("outliers", "none", details=details)

    top = named[0]
    if len(panel) == 1:
        text = f"{count:,}; the worst is {top['time']}: {top['value']:g}"
    else:
        text = f"{count:,} in {owners:,} series; "
        text += f"the worst is series {top['series']!r}, {top['time']}: {top['value']:g}"
    return Finding("outliers", text, "warning", details)


def _first_season(seasons: tuple[int, ...], length: int) -> int:
    """The first season of which a series of this length has three; 1 where it has none."""
    for season in seasons:
        if 3 * season <= length:
            return season
    return 1


def _described(panel: Panel, outlier: _Outlier) -> dict[str, Any]:
    series, position = outlier.series, outlier.position
    return {
        "series": panel.ids[series],
        "time": format_times(panel, times_of(panel, series, position, position + 1))[0],
        "value": float(values_of(panel, series)[position]),
        "deviations": round(outlier.deviations, 1),
    }


def _seasons(panel: Panel, seasons: tuple[int, ...]) -> Finding:
    if not seasons:
        text = "no season is usual for this step; --season sets one"
        return Finding("seasons", text, details={"measured": []})

    parts, measured, medians = [], [], []
    for season, known in zip(seasons, _strengths_by_season(panel, seasons), strict=True):
        median = float(np.median(known)) if known else None
        measured.append({"season": season, "strength": median, "series": len(known)})
        parts.append(f"{season} ({_strength_in_words(known)})")
        if median is not None:
            medians.append(median)

    text = ", ".join(parts)
    if medians and max(medians) < WEAK:
        text += "; too weak to be of use: --season 1 trains without"
    return Finding("seasons", text, details={"measured": measured})


def _strengths_by_season(panel: Panel, seasons: tuple[int, ...]) -> list[list[float]]:
    """For each season, its strength in the measured series that are long enough for it."""
    rows = max(MOST_ROWS, 5 * max(seasons))
    sample = np.unique(np.linspace(0, len(panel) - 1, MOST_SERIES).astype(np.int64))
    by_season: list[list[float]] = [[] for _ in seasons]
    for series in sample.tolist():
        of_series = strengths(values_of(panel, series)[-rows:], seasons)
        for known, strength in zip(by_season, of_series, strict=True):
            if strength is not None:
                known.append(strength)
    return by_season


def _strength_in_words(known: Sequence[float]) -> str:
    if not known:
        return "too few rows to measure"
    text = f"strength {np.median(known):.2f}"
    if len(known) > 1:
        text += f", {min(known):.2f} to {max(known):.2f} over {len(known):,} series"
    return text


def _constant(panel: Panel) -> Finding:
    constant = []
    for index, name in enumerate(panel.ids):
        if _is_constant(values_of(panel, index)):
            constant.append(name)
    details = {"count": len(constant), "first": constant[:NAMED]}

    if not constant:
        return Finding("constant", "none", details=details)
    if len(panel) == 1:
        return Finding("constant", "the series is constant", "warning", details)
    text = f"{len(constant):,} of {len(panel):,} series: {_first_names(constant)}"
    return Finding("constant", text, "warning", details)


def _is_constant(values: Floats) -> bool:
    return bool(np.nanmin(values) == np.nanmax(values))


def _short(panel: Panel, needed: int | None) -> Finding:
    if needed is None:
        return Finding("short", "none", details={"count": 0, "needed": None, "first": []})

    from_shortest = np.argsort(panel.lengths, kind="stable")
    short = [panel.ids[index] for index in from_shortest if panel.lengths[index] < needed]
    details = {"count": len(short), "needed": needed, "first": short[:NAMED]}
    if not short:
        return Finding("short", "none", details=details)

    verb = "has" if len(short) == 1 else "have"
    text = f"{len(short):,} of {len(panel):,} series {verb} fewer rows than "
    text += f"the lookback of {plural(needed, 'step')}: {_first_names(short)}"
    return Finding("short", text, "warning", details)


def _first_names(names: Sequence[str], written: Mapping[str, str] | None = None) -> str:
    """The first of some names.

    written: how the numbers of some columns are written, as in `'Close' in $`.
    """
    shown = []
    for name in names[:NAMED]:
        how = (written or {}).get(name)
        shown.append(f"{name!r} {how}" if how else repr(name))
    text = ", ".join(shown)
    if len(names) > NAMED:
        text += f" and {len(names) - NAMED:,} more"
    return text
