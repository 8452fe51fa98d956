"""Forecasts that validation finds no better than naive ones move toward them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import evaluation, forecasting, planning, windows
from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Ints
from forecast_cli.forecasting import Model
from forecast_cli.panel import Floats, Panel, head, values_of
from forecast_cli.planning import PRESETS, Plan
from forecast_cli.windows import Windows

DOUBTFUL = 0.97  # of the error of the naive forecast: from there on the network is in doubt
DOUBTFUL_OF_FEW = 1.1  # the same where there is little to learn from before the validation part
LEAST_ORIGINS = 3  # of few series, with fewer of which nothing is concluded
WEIGHTS = np.linspace(0, 1, 11)  # of the naive forecast
TRUST = 0.5  # in the best weight, which is found on few origins
MOST_ORIGINS = 60  # of a series
MOST_ORIGINS_OF_MANY = 3  # of each of many series


@dataclass(frozen=True, eq=False)
class Validation:
    """Forecasts of the validation part: of W windows, from rolling origins.

    scales: (S,) of MASE; naive: the best of the naive forecasts, which repeats `lag` steps.
    """

    windows: Windows
    actual: Floats
    forecast: Floats
    naive: Floats
    lag: int
    scales: Floats

    @property
    def error(self) -> float:
        """The MASE of the forecast: per series first, then the mean over series."""
        return self.mase(self.forecast)

    @property
    def naive_error(self) -> float:
        return self.mase(self.naive)

    @property
    def origins(self) -> int:
        """The most origins of a series."""
        return int(np.bincount(self.windows.series).max()) if len(self.windows) else 0

    def mase(self, forecast: Floats) -> float:
        """NaN where nothing can be scored."""
        return evaluation.mean_mase(self.windows.series, self.actual, forecast, self.scales)


def validate(panel: Panel, model: Model) -> Validation | None:
    """Forecast the validation part from the rows before each origin; None where that cannot be.

    The model must not have seen it. Nothing of the test part is looked at.
    """
    plan = model.plan
    cut = windows.split(panel, plan.validation, plan.test)
    before_test = head(panel, cut.validation)
    chosen = validation_windows(panel, plan)
    if not len(chosen):
        return None

    actual = forecasting.actual_values(before_test, chosen)
    forecast = forecasting.forecast_windows(before_test, model, chosen, ()).values
    scales = training_scales(panel, plan)
    past = windows.pasts_with_gaps(before_test.values, before_test.offsets, chosen)
    naive, lag = _best_naive(past, actual, chosen.series, scales, plan)
    return Validation(chosen, actual, forecast, naive, lag, scales)


def validation_windows(panel: Panel, plan: Plan) -> Windows:
    """The windows from rolling origins in the validation part, of the panel without its test part."""
    cut = windows.split(panel, plan.validation, plan.test)
    before_test = head(panel, cut.validation)
    rows = int(plan.validation) - plan.horizon
    count = 0
    if rows >= 0 and plan.validation:
        most = MOST_ORIGINS if len(panel) < planning.FEW_SERIES else MOST_ORIGINS_OF_MANY
        per_horizon = 4 if len(panel) < planning.FEW_SERIES else 2
        count = min(most, per_horizon * rows // plan.horizon + 1)
    chosen, _ = forecasting.rolling_origins(
        before_test,
        plan,
        horizon=plan.horizon,
        count=count,
        step=max(rows // max(count - 1, 1), 1),
        earliest=cut.training,
    )
    return chosen


def training_scales(panel: Panel, plan: Plan) -> Floats:
    """(S,) the scale of MASE of each series, from its training part."""
    ends = windows.split(panel, plan.validation, plan.test).training
    scales = []
    for i, end in enumerate(ends):
        scales.append(evaluation.mase_scale(values_of(panel, i)[: int(end)], plan.season))
    return np.array(scales)


def _best_naive(
    past: Floats, actual: Floats, series: Ints, scales: Floats, plan: Plan
) -> tuple[Floats, int]:
    """The naive forecast with the smallest error, and how many steps it repeats."""
    lags = sorted({1, *(season for season in plan.seasons if season <= plan.lookback)})
    forecasts = [seasonal_naive(past, plan.horizon, lag) for lag in lags]
    errors = [evaluation.mean_mase(series, actual, forecast, scales) for forecast in forecasts]
    if np.isnan(errors).all():
        return forecasts[0], lags[0]
    best = int(np.nanargmin(errors))
    return forecasts[best], lags[best]


def shrunk(panel: Panel, model: Model) -> Plan:
    """The plan, with the weight of the naive forecast where validation asks for one.

    Only where the network is hardly better than naive, and then half of the best weight: the
    smallest error of few overlapping origins is mostly chance.
    """
    plan = model.plan
    if not PRESETS[plan.preset].is_seasonal:
        return plan
    validation = validate(panel, model)
    if validation is None or not _is_in_doubt(panel, plan, validation):
        return plan

    errors = [
        validation.mase((1 - weight) * validation.forecast + weight * validation.naive)
        for weight in WEIGHTS
    ]
    weight = round(TRUST * float(WEIGHTS[int(np.argmin(errors))]), 3)
    if not weight:
        return plan
    naive = "the last value" if validation.lag == 1 else f"the value {validation.lag} steps earlier"
    reason = (
        f"in validation the network's MASE is {validation.error:.3g}, and {validation.naive_error:.3g} "
        f"by repeating {naive}: the forecast is moved toward that by {weight:.0%}"
    )
    reasons = {**plan.reasons, "shrinkage": reason}
    return replace(plan, shrinkage=weight, shrink_lag=validation.lag, reasons=reasons)


def _is_in_doubt(panel: Panel, plan: Plan, validation: Validation) -> bool:
    """Whether the network is hardly better than the naive forecast, as far as can be told.

    A short series loses much of what there is to learn from to validation, so the network is
    better in the end than it is there.
    """
    if len(panel) < planning.FEW_SERIES and validation.origins < LEAST_ORIGINS:
        return False
    ends = windows.split(panel, plan.validation, plan.test).training
    learned_from = int(np.maximum(ends - plan.lookback - plan.horizon + 1, 0).sum())
    limit = DOUBTFUL if learned_from >= planning.FEW_WINDOWS else DOUBTFUL_OF_FEW
    return validation.error >= limit * validation.naive_error
