"""What a training is worth: scores beside naive forecasts on the held-out rows, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast_cli import windows
from forecast_cli.calendar import Ints
from forecast_cli.evaluation.metrics import METRICS, interval_losses, mase_scale, skill
from forecast_cli.forecasting import HeldOut
from forecast_cli.panel import Floats, Panel, values_of
from forecast_cli.planning import Plan

if TYPE_CHECKING:  # torch is for training alone
    from forecast_cli.training import Fitted

NO_BETTER = 0.005  # share of the error: less is no difference


def score_training(
    panel: Panel,
    plan: Plan,
    fitted: Sequence[Fitted],
    rows: HeldOut | None,
    residual_windows: int,
    *,
    saw_held_out_rows: bool = False,
) -> dict[str, Any]:
    """The content of metrics.json: each score per series first, then the mean over series.

    rows: forecasts of the held-out rows, if there are any. saw_held_out_rows: the weights that
    the training began with had been trained on them. A score that is not defined is None.
    """
    test = _held_out_scores(panel, plan, rows)
    verdict = _verdict(test, held_out=plan.test > 0)
    if saw_held_out_rows:
        verdict = (
            "The run that this one began with was trained on the held-out rows, "
            "so they do not say whether the network is worth it."
        )
    return {
        "training": _training(plan, fitted),
        "members": _members(plan, fitted, rows),
        "intervals": {
            "windows": residual_windows,
            "unseen": plan.validation + plan.test > 0,
            "kind": plan.interval_kind,
            "coverage": _coverage(panel, plan, rows),
        },
        "test": test,
        "verdict": verdict,
    }


def _training(plan: Plan, fitted: Sequence[Fitted]) -> dict[str, Any]:
    first = fitted[0]
    clipped = [line.clipped for member in fitted for line in member.history]
    return {
        "epochs": len(first.history),
        "best_epoch": first.best_epoch,
        "steps": first.steps,
        "clipped": float(np.mean(clipped)) if clipped and plan.clip_norm else None,
        "device": first.device,
    }


def _members(plan: Plan, fitted: Sequence[Fitted], rows: HeldOut | None) -> dict[str, Any]:
    """How many there are, their best epochs, and how far apart they are on the held-out rows.

    The spread is the mean over rows of the standard deviation of their forecasts; mae holds the
    mean absolute error of each alone.
    """
    members: dict[str, Any] = {
        "count": plan.members,
        "best_epochs": [member.best_epoch for member in fitted],
        "spread": None,
        "mae": None,
    }
    if rows is None or not rows.members.size:
        return members

    errors = np.abs(rows.members - rows.actual)
    members["spread"] = _number(float(np.nanmean(rows.members.std(axis=0))))
    members["mae"] = [_mean(errors_of_one) for errors_of_one in errors]
    return members


# -- held-out rows -----------------------------------------------------------------------------


def _held_out_scores(panel: Panel, plan: Plan, rows: HeldOut | None) -> dict[str, Any] | None:
    """Scores of the network and of naive forecasts, the means over series; None without a row."""
    if rows is None or np.isnan(rows.actual).all():
        return None

    forecasts = {
        "network": rows.forecast,
        "seasonal_naive": rows.seasonal_naive,
        "naive": rows.naive,
    }
    scored = np.unique(rows.series[~np.isnan(rows.actual)])
    scales = _mase_scales(panel, plan, scored)
    means = {}
    for name, forecast in forecasts.items():
        means[name] = _mean_scores(rows, forecast, scored, scales)

    score = "mase" if means["network"]["mase"] is not None else "mae"
    error = means["network"][score] or 0.0
    skills = {}
    for name in ("seasonal_naive", "naive"):
        skills[name] = _number(skill(error, means[name][score] or 0.0))
    return {
        "rows": int(plan.test),
        "series": len(scored),
        "season": plan.season,
        **means,
        "skill": skills,
    }


def _mase_scales(panel: Panel, plan: Plan, series: Ints) -> list[float]:
    """The scale of MASE of each series, from the rows before the test part."""
    ends = windows.split(panel, plan.validation, plan.test).validation
    return [mase_scale(values_of(panel, int(i))[: ends[i]], plan.season) for i in series]


def _mean_scores(
    rows: HeldOut, forecast: Floats, series: Ints, scales: Sequence[float]
) -> dict[str, float | None]:
    """Each metric of a forecast (R,): the mean over series."""
    starts = np.searchsorted(rows.series, series)
    ends = np.searchsorted(rows.series, series, side="right")
    scores: dict[str, list[float]] = {name: [] for name in METRICS}
    for start, end, scale in zip(starts, ends, scales, strict=True):
        actual, forecast_of_one = rows.actual[start:end], forecast[start:end]
        for name, metric in METRICS.items():
            scores[name].append(metric.function(actual, forecast_of_one, scale))
    return {name: _mean(np.array(values)) for name, values in scores.items()}


def _mean(values: Floats) -> float | None:
    """The mean of those that are finite."""
    usable = values[np.isfinite(values)]
    return float(np.mean(usable)) if len(usable) else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _coverage(panel: Panel, plan: Plan, rows: HeldOut | None) -> list[dict[str, Any]] | None:
    """What the intervals of each level held of the held-out values; levels without any left out."""
    if rows is None:
        return None

    series = np.unique(rows.series)
    scales = _mase_scales(panel, plan, series)
    scores = []
    for level, (low, high) in rows.bounds.items():
        known = ~np.isnan(rows.actual) & ~np.isnan(low) & ~np.isnan(high)
        if not known.any():
            continue
        inside = known & (low <= rows.actual) & (rows.actual <= high)
        losses = interval_losses(rows.actual, low, high, level)
        scores.append(
            {
                "level": level,
                "values": int(known.sum()),
                "held": int(inside.sum()),
                "msis": _over_series(losses, rows.series, series, scales),
            }
        )
    return scores


def _over_series(
    losses: Floats, owners: Ints, series: Ints, scales: Sequence[float]
) -> float | None:
    """The mean over series (S,) of the mean of their losses (R,), each over its scale."""
    starts = np.searchsorted(owners, series)
    ends = np.searchsorted(owners, series, side="right")
    means = np.full(len(series), np.nan)
    for number, (start, end, scale) in enumerate(zip(starts, ends, scales, strict=True)):
        known = losses[start:end][~np.isnan(losses[start:end])]
        if len(known) and scale > 0:
            means[number] = known.mean() / scale
    return _mean(means)


# -- the verdict -------------------------------------------------------------------------------


def _verdict(test: dict[str, Any] | None, *, held_out: bool) -> str:
    """One sentence on whether the network is worth it."""
    if test is None and held_out:
        return "No held-out row could be scored, so nothing says whether the network is worth it."
    if test is None:
        return "Nothing was held out, so nothing says whether the network is worth it."

    rivals = {"naive": "naive"}
    if test["season"] > 1:
        rivals["seasonal_naive"] = "seasonal naive"
    score = "mase" if test["network"]["mase"] is not None else "mae"
    best = min(rivals, key=lambda name: float(test[name][score]))
    gain, rival = test["skill"][best], f"the {rivals[best]} forecast"

    rows = f"On the {test['rows']:,} held-out rows"
    if test["series"] > 1:
        rows += " of each series"
    if gain is None:
        return f"{rows} {rival} is perfect: a network is not worth it."
    if gain > NO_BETTER:
        return f"{rows} the network's error is {gain:.0%} below that of {rival}: it is worth it."
    if gain > -NO_BETTER:
        return f"{rows} the network is no better than {rival}: it is not worth it."
    return f"{rows} the network's error is {-gain:.0%} above that of {rival}: it is not worth it."
