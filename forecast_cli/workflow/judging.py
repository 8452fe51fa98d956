"""A new run against the naive forecasts and the run before it, on held-out rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast_cli import evaluation, forecasting
from forecast_cli.calendar import Ints
from forecast_cli.errors import ForecastError
from forecast_cli.forecasting import HeldOut
from forecast_cli.panel import Floats, Panel, values_of
from forecast_cli.planning import Plan
from forecast_cli.refreshing import Errors
from forecast_cli.store import Run
from forecast_cli.workflow.fitting import Fit
from forecast_cli.workflow.live import rows_known

NAIVE = ("naive", "seasonal_naive")


def errors_of(panel: Panel, fit: Fit, old: Run | None, old_panel: Panel | None) -> Errors:
    """The errors of a new run and of its rivals.

    panel: that the new run was trained on; old_panel: the same data as the old run reads them,
    None where it cannot.
    """
    test = fit.scores["test"]
    metric = "mae" if test is None or test["network"]["mase"] is None else "mase"
    if test is None or fit.rows is None:
        return Errors(metric=metric.upper(), new=None, naive=None)

    new = test["network"][metric]
    naive = [test[name][metric] for name in NAIVE if test[name][metric] is not None]
    alone = Errors(metric=metric.upper(), new=new, naive=min(naive, default=None))
    if old is None or old_panel is None or old.config.columns.target != panel.columns.target:
        return alone

    same = _on_same_rows(panel, fit.model.plan, fit.rows, old, old_panel, metric)
    if same is not None:
        ours, theirs, rows = same
        return replace(alone, by="same_rows", new_there=ours, old=theirs, rows=rows)

    recorded = old.metrics.test
    known = None if recorded is None else recorded.network.value_of(metric)
    return replace(alone, by="recorded", new_there=new, old=known, rows=int(test["rows"]))


def _on_same_rows(
    panel: Panel, plan: Plan, rows: HeldOut, old: Run, old_panel: Panel, metric: str
) -> tuple[float, float, int] | None:
    """The errors of both on the held-out rows that are newer than the training of the old run,
    and how many these are in a series.

    None where there is less than a horizon of them, or where the old run cannot forecast them.
    """
    if not _are_alike(panel, old_panel):
        return None
    newest_first = old_panel.lengths - rows_known(old_panel, old)
    if newest_first.max() < min(plan.horizon, plan.test):
        return None

    theirs = _by_old(old, old_panel, plan)
    if theirs is None:
        return None
    first_unseen = old_panel.offsets[1:] - newest_first
    _, at_new, at_old = np.intersect1d(rows.steps, theirs.steps, return_indices=True)
    is_newer = rows.steps[at_new] >= first_unseen[rows.series[at_new]]
    at_new, at_old = at_new[is_newer], at_old[is_newer]

    series, actual = rows.series[at_new], rows.actual[at_new]
    count = int(np.bincount(series[~np.isnan(actual)], minlength=1).max(initial=0))
    if count < min(plan.horizon, plan.test):
        return None
    scales = _scales(panel, plan, metric)
    pair = [
        _error(series, actual, forecast, scales)
        for forecast in (rows.forecast[at_new], theirs.forecast[at_old])
    ]
    return (pair[0], pair[1], count) if np.isfinite(pair).all() else None


def _are_alike(panel: Panel, other: Panel) -> bool:
    """Whether two panels hold the same steps of the same series."""
    return (
        panel.ids == other.ids
        and panel.frequency == other.frequency
        and np.array_equal(panel.offsets, other.offsets)
        and np.array_equal(panel.first, other.first)
    )


def _by_old(old: Run, panel: Panel, plan: Plan) -> HeldOut | None:
    """What the old run forecasts of the held-out rows of a new plan, from the same origins."""
    model = old.model
    if model.plan.horizon != plan.horizon:
        model = forecasting.extended(model, plan.horizon)
    unseen = replace(model.plan, test=plan.test, validation=plan.validation)
    try:
        return forecasting.forecast_held_out(panel, replace(model, plan=unseen), ())
    except ForecastError:
        return None


def _scales(panel: Panel, plan: Plan, metric: str) -> Floats:
    """(S,) what errors are divided by: the scale of MASE, or 1."""
    if metric == "mae":
        return np.ones(len(panel))
    before = np.maximum(panel.lengths - plan.test, 0)
    scales = [
        evaluation.mase_scale(values_of(panel, index)[:end], plan.season)
        for index, end in enumerate(before.tolist())
    ]
    return np.array(scales)


def _error(series: Ints, actual: Floats, forecast: Floats, scales: Floats) -> float:
    """The mean over series of the mean absolute error (R,), in units of the scales (S,)."""
    return evaluation.mean_mase(series, actual[:, None], forecast[:, None], scales)
