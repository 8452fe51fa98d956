"""How far a model is off on rows that it was not trained on: what its intervals are made of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast_cli import intervals, scaling, windows
from forecast_cli.calendar import Ints
from forecast_cli.errors import RunMismatchError
from forecast_cli.forecasting.model import Model, extended
from forecast_cli.forecasting.newest import windows_between
from forecast_cli.forecasting.prediction import predict, reader_of, units
from forecast_cli.panel import Floats, Panel
from forecast_cli.windows import Windows

BLOCKS = 100  # forecasts that do not overlap, from which on the newest ones are enough
PERIODS = 10  # horizons that follow each other, with fewer of which errors may share a bias
NEWEST = 0.5  # of a horizon: how far apart the newest origins lie
FURTHER = (3, 2)  # horizons to which a model is rolled forward, the first that rows allow
FEWEST_FURTHER, MOST_FURTHER = 10, 200  # windows from which it is rolled forward


def measured(panel: Panel, model: Model, low: Ints, high: Ints) -> Model:
    """The model with its errors on windows whose steps ahead lie in these rows (S,).

    Where there are many, the newest ones count: errors of long ago say less of those to come
    (Barber et al. 2023). The errors are in units in which they are about the same for all
    windows: how far these follow the noise of a window is found here, too. Errors of few horizons
    that follow each other share a bias, which may be another one next: their sizes count then.
    """
    span = _newest_span(model, low, high)
    newest = np.maximum(low, high - model.plan.horizon - span)
    chosen = windows_between(panel, model.plan, model.plan.horizon, newest, high)
    if not len(chosen):  # because of holes
        chosen = windows_between(panel, model.plan, model.plan.horizon, low, high)
    chosen = evenly(chosen, intervals.KEPT)

    model = replace(model, plan=replace(model.plan, noise_power=0.0, noise_usual=1.0))
    errors, noise = _errors(panel, model, chosen)
    point = errors[:, :, model.plan.architecture.point_index]
    power, usual = intervals.noise_power(point, noise, _blocks(chosen))
    follows = intervals.noise_factors(noise, power, usual)
    symmetric = int((high - low).max()) < PERIODS * model.plan.horizon
    plan = replace(model.plan, noise_power=power, noise_usual=usual, symmetric=symmetric)
    return replace(model, plan=plan, residuals=errors / follows[:, None, None])


def _newest_span(model: Model, low: Ints, high: Ints) -> int:
    """How many steps the origins may lie apart: enough for many forecasts that don't overlap."""
    horizon = model.plan.horizon
    usable = int((high - low >= horizon).sum())
    needed = BLOCKS / max(usable, 1) - 1
    return int(np.ceil(max(needed, NEWEST) * horizon))


def _blocks(chosen: Windows) -> float:
    """About how many of the windows do not overlap: what their errors tell is worth so much."""
    if not len(chosen):
        return 0.0
    series, counts = np.unique(chosen.series, return_counts=True)
    span = float(counts.max()) + chosen.horizon - 1
    return min(len(series) * span / chosen.horizon, float(len(chosen)))


def measured_further(panel: Panel, model: Model, low: Ints, high: Ints) -> Model:
    """The model with its errors beyond its horizon, where rows allow it to be rolled that far."""
    for times in FURTHER:
        try:
            longer = extended(model, times * model.plan.horizon)
        except RunMismatchError:  # it would have to know covariates of the past
            return model
        chosen = windows_between(panel, longer.plan, longer.plan.horizon, low, high)
        if len(chosen) < FEWEST_FURTHER:
            continue
        errors = residuals(panel, longer, evenly(chosen, MOST_FURTHER))
        if len(errors):
            return replace(model, further=errors[:, model.plan.horizon :])
    return model


def residuals(panel: Panel, model: Model, chosen: Windows) -> Floats:
    """How far each output is off on windows (B, horizon, Q), in the units of each window.

    Windows that are constant are left out: they have no spread.
    """
    return _errors(panel, model, chosen)[0]


def _errors(panel: Panel, model: Model, chosen: Windows) -> tuple[Floats, Floats]:
    """The residuals, and (B,) the noise of these windows as a part of their spread."""
    plan, reader = model.plan, reader_of(panel, model)
    parts = [np.empty((0, plan.horizon, plan.architecture.outputs_per_step))]
    noise = [np.empty(0)]
    for batch in reader.batches(chosen):
        prediction = predict(model, batch.past, batch.features, batch.of_base)
        future = windows.futures(panel.values, chosen, batch.index)
        actual = scaling.transform(future, plan.normalization, reader.scale, batch.series[:, None])

        changes = np.fmin.reduce(batch.past, axis=1) < np.fmax.reduce(batch.past, axis=1)
        usable = (prediction.spread > 0) & changes
        unit = np.where(usable, units(model, prediction), 1.0)[:, None, None]
        errors = (actual[:, :, None] - prediction.values) / unit
        parts.append(errors[usable])
        noise.append(prediction.noise[usable])
    return np.concatenate(parts), np.concatenate(noise)


def evenly(chosen: Windows, most: int) -> Windows:
    """At most so many of the windows, spread evenly."""
    if not len(chosen):
        return chosen
    keep = np.unique(np.linspace(0, len(chosen) - 1, most).astype(np.int64))
    return windows.selected(chosen, keep)
