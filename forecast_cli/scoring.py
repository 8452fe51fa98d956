"""What a training is worth: scores beside naive forecasts on the held-out rows, a verdict in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from forecast_cli import metrics, windows
from forecast_cli.forecasting import HeldOut
from forecast_cli.panel import Panel, values_of
from forecast_cli.planning import Plan

if TYPE_CHECKING:  # torch is for training alone
    from forecast_cli.training import Fitted


def scores(
    panel: Panel,
    decided: Plan,
    fitted: tuple[Fitted, ...],
    rows: HeldOut | None,
    windows_kept: int,
    *,
    seen: bool = False,
) -> dict[str, Any]:
    """metrics.json: each score per series first, then the mean over series; NaN becomes null.

    seen: the weights to begin with had been trained on the held-out rows.
    """
    first, clipped = fitted[0], [line.clipped for one in fitted for line in one.history]
    scores: dict[str, Any] = {
        "training": {
            "epochs": len(first.history),
            "best_epoch": first.best_epoch,
            "steps": first.steps,
            "clipped": float(np.mean(clipped)) if clipped and decided.clip_norm else None,
        },
        "members": _members(decided, fitted, rows),
        "intervals": {"windows": windows_kept, "unseen": decided.validation + decided.test > 0},
        "test": None,
    }
    if rows is not None and not np.isnan(rows.actual).all():
        scored = np.unique(rows.series[~np.isnan(rows.actual)])
        cut = windows.split(panel, decided.validation, decided.test).validation
        methods = {
            "network": rows.forecast,
            "seasonal_naive": rows.seasonal_naive,
            "naive": rows.naive,
        }
        table: dict[str, dict[str, list[float]]] = {
            name: {"mae": [], "rmse": [], "smape": [], "mase": []} for name in methods
        }
        bounds = np.searchsorted(rows.series, np.arange(len(panel) + 1))
        for i in scored:
            part = slice(bounds[i], bounds[i + 1])
            actual = rows.actual[part]
            unit = metrics.mase_scale(values_of(panel, int(i))[: cut[i]], decided.season)
            for name, guess in methods.items():
                table[name]["mae"].append(metrics.mae(actual, guess[part]))
                table[name]["rmse"].append(metrics.rmse(actual, guess[part]))
                table[name]["smape"].append(metrics.smape(actual, guess[part]))
                table[name]["mase"].append(metrics.mase(actual, guess[part], unit))
        means = {
            name: {score: _mean(found) for score, found in scored.items()}
            for name, scored in table.items()
        }
        key = "mase" if means["network"]["mase"] is not None else "mae"
        skills = {
            name: _number(metrics.skill(means["network"][key] or 0.0, means[name][key] or 0.0))
            for name in ("seasonal_naive", "naive")
        }
        scores["test"] = {
            "rows": int(decided.test), "series": len(scored), "season": decided.season, **means, "skill": skills,
        }  # fmt: skip
    scores["verdict"] = (
        "The run that this one began with had learned the held-out rows, so they do not say whether it is worth it."
        if seen
        else _verdict(scores["test"], held_out=decided.test > 0)
    )
    return scores


def _members(decided: Plan, fitted: tuple[Fitted, ...], rows: HeldOut | None) -> dict[str, Any]:
    """How many there are, their best epochs, and how far apart they are: the mean over held-out rows of the standard
    deviation of their forecasts, and their own mean absolute errors."""
    found: dict[str, Any] = {
        "count": decided.members,
        "best_epochs": [one.best_epoch for one in fitted],
    }
    if rows is None or not rows.members.size:
        return found | {"spread": None, "mae": None}
    errors = np.abs(rows.members - rows.actual)
    spread = np.nanmean(rows.members.std(axis=0))
    each = [_mean(list(one)) for one in errors]
    return found | {"spread": _number(float(spread)), "mae": each}


def _mean(values: list[float]) -> float | None:
    usable = [v for v in values if np.isfinite(v)]
    return float(np.mean(usable)) if usable else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _verdict(test: dict[str, Any] | None, *, held_out: bool) -> str:
    """One sentence on whether the network is worth it."""
    if test is None and held_out:
        return "No held-out row could be scored, so nothing says whether the network is worth it."
    if test is None:
        return "Nothing was held out, so nothing says whether the network is worth it."
    rivals = (
        {"naive": "naive", "seasonal_naive": "seasonal naive"}
        if test["season"] > 1
        else {"naive": "naive"}
    )
    score = "mase" if test["network"]["mase"] is not None else "mae"
    best = min(rivals, key=lambda name: test[name][score])
    value, rival = test["skill"][best], f"the {rivals[best]} forecast"
    rows = f"On the {test['rows']:,} held-out rows{' of each series' if test['series'] > 1 else ''}"
    if value is None:
        return f"{rows} {rival} is perfect: a network is not worth it."
    if value > 0.005:
        return f"{rows} the network's error is {value:.0%} below that of {rival}: it is worth it."
    if value > -0.005:
        return f"{rows} the network is no better than {rival}: it is not worth it."
    return f"{rows} the network's error is {-value:.0%} above that of {rival}: it is not worth it."
