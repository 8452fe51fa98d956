"""forecast runs compare A B: what is shown of two runs side by side."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.messages import number, plural

if TYPE_CHECKING:
    from forecast_cli.evaluation import Comparison
    from forecast_cli.store import Run
    from forecast_cli.workflow import SideBySide


def document(both: SideBySide) -> dict[str, Any]:
    """What sets two runs apart, as JSON: A is the first of them, B the second."""
    return {
        "settings": [dataclasses.asdict(one) for one in both.settings],
        "same_rows": both.same_rows,
        "why_not": both.why_not or None,
        "comparisons": [dataclasses.asdict(one) for one in both.comparisons.values()],
    }


def show(both: SideBySide) -> None:
    """Two tables, of settings and of scores, and a sentence."""
    console.lines([f"A: {both.first.name}", f"B: {both.second.name}"])
    if both.settings:
        rows = [[one.name, one.first, one.second] for one in both.settings]
        console.table("Settings that differ", ["setting", "A", "B"], rows, text_columns=3)
    else:
        console.lines(["No setting differs."])

    header = ["error", "A", "B", "A minus B", "95 % interval"]
    console.table(_title(both), header, _score_rows(both), text_columns=1)
    console.lines(_sentences(both))


def _title(both: SideBySide) -> str:
    test = both.first.metrics.test
    if not both.same_rows or test is None:
        return "Errors on held-out rows, which are not the same"
    series = f" of {test.series:,} series" if test.series > 1 else ""
    return f"Errors on the same held-out {plural(test.rows, 'row')}{series}"


def _score_rows(both: SideBySide) -> list[list[str]]:
    from forecast_cli.evaluation import METRICS

    rows = []
    for name, metric in METRICS.items():
        scores = [_score(run, name) for run in (both.first, both.second)]
        cells = [number(score) for score in scores]
        comparison = both.comparisons.get(name)
        difference = "" if comparison is None else _signed(comparison.difference)
        rows.append([metric.title, *cells, difference, _interval(comparison)])
    return rows


def _score(run: Run, metric: str) -> float | None:
    return run.metrics.test.network.value_of(metric) if run.metrics.test else None


def _interval(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    if comparison.low is None or comparison.high is None:
        return "not known"
    return f"{_signed(comparison.low)} to {_signed(comparison.high)}"


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{number(abs(value))}"


def _sentences(both: SideBySide) -> list[str]:
    """Which run is better, and how sure that is; or why nobody can say."""
    if both.why_not:
        return [f"Their errors do not compare: {both.why_not}."]

    comparison = both.comparisons.get("mase") or both.comparisons.get("mae")
    if comparison is None:
        return ["No error is defined for both of them."]
    if not comparison.difference:
        return ["Their errors are equal."]

    better, worse = ("A", "B") if comparison.difference < 0 else ("B", "A")
    size = abs(comparison.difference) / max(comparison.error, comparison.rival_error)
    text = f"The {comparison.metric.upper()} of {better} is {size:.0%} below that of {worse}"
    if comparison.pairs > 1:
        forecasts = plural(comparison.pairs, "forecast")
        text += f"; that of A is smaller in {comparison.won:.0%} of {forecasts}"
    return [f"{text}; {_certainty(comparison)}."]


def _certainty(comparison: Comparison) -> str:
    if comparison.low is None:
        return "these are too few forecasts to say how certain that is"
    if comparison.is_certain:
        return "the difference is larger than chance would explain"
    return "the difference may be chance"
