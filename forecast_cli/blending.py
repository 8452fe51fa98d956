"""How much of the base network is in a forecast: what validation says, and what is usual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast_cli import base, planning, shrinkage, windows
from forecast_cli.forecasting import Model
from forecast_cli.messages import plural
from forecast_cli.panel import Panel
from forecast_cli.shrinkage import Validation

WEIGHTS = np.linspace(0, 1, 21)
MANY_ROWS = 300  # of a series, to learn from
MOST = 0.95  # weight of the base network that is usual where there are next to no rows
CERTAIN = 4  # horizons in validation that count as much as what is usual
LEAST = 0.1  # weight, below which it is not worth its time


def blended(panel: Panel, model: Model) -> Model:
    """The model with a share of the base network, where it makes the forecast better.

    Nothing more is trained for it: the forecasts of both from the rolling origins of the
    validation part say which mean of them has the smallest error. Of few origins, that is mostly
    chance, so that the weight is moved toward the usual one. Raises RunRejectedError where the
    file of the base network is damaged.
    """
    plan = model.plan
    if plan.base is None:
        return model
    model = replace(model, plan=replace(plan, base=None))
    tried = replace(model, plan=plan, base=base.load_weights())
    alone = shrinkage.validate(panel, model)
    both = shrinkage.validate(panel, _with_weight(tried, 1.0))
    if alone is None or both is None:
        return model

    errors = np.array([_error_of(alone, both, weight) for weight in WEIGHTS])
    if not np.isfinite(errors).all():
        return model
    best = float(WEIGHTS[errors.argmin()])
    weight = round(_trusted(panel, model, best), 2)
    if weight < LEAST:
        return model

    together = _error_of(alone, both, weight)
    origins = "one origin" if alone.origins == 1 else plural(alone.origins, "origin")
    reason = (
        f"from {origins} of the validation part, the trained network has a MASE of "
        f"{errors[0]:.3g}, the base network {errors[-1]:.3g}, both together {together:.3g}"
    )
    reasons = {**plan.reasons, "base": reason}
    blend = _with_weight(tried, weight)
    return replace(blend, plan=replace(blend.plan, reasons=reasons))


def _with_weight(model: Model, weight: float) -> Model:
    share = model.plan.base
    if share is None:
        return model
    return replace(model, plan=replace(model.plan, base=replace(share, weight=weight)))


def _error_of(alone: Validation, both: Validation, weight: float) -> float:
    """The MASE of the mean of the two forecasts, the second of which has this weight."""
    return alone.mase((1 - weight) * alone.forecast + weight * both.forecast)


def _trusted(panel: Panel, model: Model, best: float) -> float:
    """The best weight, as far as it can be told from the validation part.

    Series of one origin have much in common, so that the horizons count that follow each other.
    """
    plan = model.plan
    cut = windows.split(panel, plan.validation, plan.test)
    horizons = max(int(np.median(cut.validation - cut.training)) // plan.horizon, 1)

    # The fewer rows a series has to be learned from, the less a trained network knows.
    usual = usual_weight(float(np.median(cut.training)))
    return (horizons * best + CERTAIN * usual) / (horizons + CERTAIN)


def usual_weight(rows: float) -> float:
    """The weight that the base network usually has beside a network that learned from so many rows."""
    return float(np.clip(1 - rows / MANY_ROWS, planning.USUAL_SHARE, MOST))
