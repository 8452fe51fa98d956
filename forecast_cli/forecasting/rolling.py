"""Forecasts and their intervals from any windows of a panel: the newest ones, or those of the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli import intervals, scaling, windows
from forecast_cli.baselines import seasonal_naive
from forecast_cli.errors import RunMismatchError
from forecast_cli.forecasting.model import Model
from forecast_cli.forecasting.prediction import (
    Batch,
    Prediction,
    Reader,
    dropout_deviation,
    predict,
    reader_of,
    units,
)
from forecast_cli.panel import Floats, Panel
from forecast_cli.scaling import SeriesScale
from forecast_cli.windows import Windows

ROUNDING = 1e-13  # of the largest value: a smaller spread is rounding

Bounds = dict[float, tuple[Floats, Floats]]  # lower and upper, by level
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class WindowForecasts:
    """Forecasts from W windows, in the units of the file.

    - values: (W, horizon)
    - bounds: by level, lower and upper, (W, horizon) each; one that is not known is NaN
    - members: (M, W, horizon), each member's forecast; M is 0 where there is one, or where they
      add up
    """

    values: Floats
    bounds: Bounds
    members: Floats


@dataclass(frozen=True, eq=False)
class Offset:
    """Where a bound lies: (horizon,) steps from the network's outputs, in spreads.

    - outputs: the weight of each output, (Q,)
    - distance: (horizon,)
    """

    outputs: Floats
    distance: Floats


def forecast_windows(
    panel: Panel, model: Model, chosen: Windows, levels: tuple[float, ...]
) -> WindowForecasts:
    """Forecasts and their bounds from windows of the panel.

    Raises RunMismatchError where the network's forecast is not finite on these data, or where
    they have other covariates than the model.
    """
    plan, reader = model.plan, reader_of(panel, model)
    point_index = plan.architecture.point_index
    values = np.empty((len(chosen), plan.horizon))
    bounds = {level: (np.empty_like(values), np.empty_like(values)) for level in levels}
    sides = {level: bound_offsets(model, level) for level in levels}
    least = {level: _least_width(model, level) for level in levels}
    adds_up = len(model.members) == 1 or plan.boosting
    members = np.empty((0 if adds_up else len(model.members), *values.shape))
    has_no_spread = np.zeros(len(chosen), bool)

    for batch in reader.batches(chosen):
        prediction = predict(model, batch.past, batch.features, batch.of_base)
        unit = units(model, prediction)
        deviation = _dropout_deviation(model, batch, levels)
        last_values = _if_constant(reader.pasts(chosen, batch.index))
        has_no_spread[batch.index] = ~np.isnan(last_values) | (prediction.spread == 0)

        point = prediction.values[:, :, point_index]
        values[batch.index] = _in_units(reader, batch, point, last_values)
        for number, member in enumerate(members):
            member[batch.index] = _in_units(reader, batch, prediction.members[number], last_values)
        for level, (lower, upper) in sides.items():
            further = intervals.normal_size(level) * deviation
            for sign, offset, side in zip((-1, 1), (lower, upper), bounds[level], strict=True):
                distance = bound_distance(prediction, unit, point_index, offset, least[level], sign)
                distance = sign * np.hypot(distance, further)
                side[batch.index] = _in_units(reader, batch, point + distance, last_values)

    if not np.isfinite(values).all():
        raise RunMismatchError(
            "the network's forecast is not finite on this data", "train again on this data"
        )
    without_spread = np.flatnonzero(has_no_spread)
    constant = np.zeros(len(chosen), bool)
    for window in without_spread:
        constant[window] = _bound_without_spread(reader, chosen, int(window), values, bounds)
    empty_unordered_bounds(values, bounds, constant)
    _shrink(panel, model, chosen, values, bounds)
    if plan.normalization == "shifted-log":
        # Only values of zero and more are learned from; bounds may lie a little below.
        np.maximum(values, 0.0, out=values)
    return WindowForecasts(values, bounds, members)


def _shrink(panel: Panel, model: Model, chosen: Windows, values: Floats, bounds: Bounds) -> None:
    """Move forecasts and their bounds, in place, toward the naive forecast, where validation said so.

    The naive forecast repeats what is inside of the window.
    """
    plan = model.plan
    if not plan.shrinkage:
        return
    past = windows.pasts_with_gaps(panel.values, panel.offsets, chosen)
    shift = plan.shrinkage * (seasonal_naive(past, plan.horizon, plan.shrink_lag) - values)
    values += shift
    for low, high in bounds.values():
        low += shift
        high += shift


def _if_constant(past: Floats) -> Floats:
    """(B,) the value of windows (B, lookback) that are constant; NaN for the others."""
    largest = np.fmax.reduce(past, axis=1)
    return np.where(np.fmin.reduce(past, axis=1) == largest, largest, np.nan)


def _in_units(reader: Reader, batch: Batch, values: Floats, last_values: Floats) -> Floats:
    """Values (B, horizon) in the units of the file.

    A constant goes on as the constant, to the last bit: there is nothing that a network could
    tell.
    """
    restored = reader.restore(values, batch.series)
    is_constant = ~np.isnan(last_values)
    return np.where(is_constant[:, None], last_values[:, None], restored)


# -- how far bounds lie from the forecast ------------------------------------------------------


def bound_offsets(model: Model, level: float) -> tuple[Offset, Offset]:
    """Where the lower and the upper bound of a level lie."""
    plan = model.plan
    quantiles = plan.architecture.quantiles
    tail = (100 - level) / 200
    if plan.interval_kind != "quantile":
        return _from_residuals(model, level)
    reads_seasons = plan.architecture.by_season is not None
    if reads_seasons and quantiles[0] <= tail and not _is_measured(model, tail):
        as_answered = np.zeros(plan.horizon)
        return (
            Offset(_between(quantiles, tail), as_answered),
            Offset(_between(quantiles, 1 - tail), as_answered),
        )
    if tail not in quantiles or 1 - tail not in quantiles:
        return _from_residuals(model, level)

    # Learned quantiles are made wider or narrower by residuals (conformalized).
    low, high = quantiles.index(tail), quantiles.index(1 - tail)

    def wider(residuals: Floats) -> Floats:
        excess = np.maximum(-residuals[:, :, low], residuals[:, :, high])
        return intervals.widening(excess, level)

    offsets = _over_the_horizon(model, wider)
    return Offset(_only(low, len(quantiles)), -offsets), Offset(
        _only(high, len(quantiles)), offsets
    )


def _from_residuals(model: Model, level: float) -> tuple[Offset, Offset]:
    """Bounds around the forecast that hold a share of the residuals."""
    shape, symmetric = model.plan.architecture, model.plan.symmetric
    point = shape.point_index

    def width(side: int, sign: int) -> Floats:
        def of(residuals: Floats) -> Floats:
            found = intervals.bounds(residuals[:, :, point], level, symmetric=symmetric)
            return sign * found[side]

        return sign * _over_the_horizon(model, of)

    at_point = _only(point, shape.outputs_per_step)
    return Offset(at_point, width(0, -1)), Offset(at_point, width(1, 1))


def _over_the_horizon(model: Model, width_of: Callable[[Floats], Floats]) -> Floats:
    """(horizon,) widths by residuals (K, steps, Q): those beyond the trained horizon by residuals of
    forecasts that were rolled forward, where there are some."""
    horizon = model.plan.horizon
    widths = width_of(model.residuals)
    if horizon > len(widths) and len(model.further):
        beyond = width_of(model.further)
        widths = np.concatenate([widths, np.maximum(beyond, widths[-1])])
    return stretched(widths, horizon)


def _is_measured(model: Model, tail: float) -> bool:
    """Whether it is known how often the network's own quantile of a tail holds."""
    return len(model.residuals) > 0 and tail in model.plan.architecture.quantiles


def _only(output: int, count: int) -> Floats:
    """Weights (count,) of one output alone."""
    weights: Floats = np.eye(count)[output]
    return weights


def _between(quantiles: tuple[float, ...], wanted: float) -> Floats:
    """Weights (Q,) of quantiles that interpolate the wanted one, which lies among them."""
    count = len(quantiles)
    return np.array([np.interp(wanted, quantiles, _only(each, count)) for each in range(count)])


def bound_distance(
    prediction: Prediction,
    unit: Floats,
    point_index: int,
    offset: Offset,
    least: Floats,
    sign: int,
) -> Floats:
    """How far a bound lies from the forecast, (B, horizon): sign -1 is below it, 1 above.

    unit: (B,), in which the offset and the least distance (horizon,) are. Quantiles that the
    network learned may cross the forecast when residuals narrow them.
    """
    point = prediction.values[:, :, point_index]
    outputs = prediction.values @ offset.outputs
    distance = outputs - point + offset.distance * unit[:, None]
    if sign < 0:
        return np.minimum(distance, -least * unit[:, None])
    return np.maximum(distance, least * unit[:, None])


def _dropout_deviation(model: Model, batch: Batch, levels: tuple[float, ...]) -> Floats | float:
    """(B, horizon) how far the forecast varies with what dropout drops; 0 where that is not asked."""
    if model.plan.interval_kind != "dropout" or not levels:
        return 0.0
    return dropout_deviation(model, batch.past, batch.features, batch.of_base)


def _least_width(model: Model, level: float) -> Floats:
    if model.plan.architecture.by_season is not None:
        return np.zeros(model.plan.horizon)
    point = model.plan.architecture.point_index
    return _over_the_horizon(
        model, lambda residuals: intervals.least_width(residuals[:, :, point], level)
    )


def stretched(offsets: Floats, horizon: int) -> Floats:
    """Offsets for `horizon` steps; those beyond the steps that were measured are not known."""
    unknown = np.full(max(horizon - len(offsets), 0), np.nan)
    return np.concatenate([offsets[:horizon], unknown])


# -- windows without a spread ------------------------------------------------------------------


def _bound_without_spread(
    reader: Reader, chosen: Windows, window: int, values: Floats, bounds: Bounds
) -> bool:
    """Set the bounds of a window that has no spread, in place, by what is known of its series.

    Returns whether it belongs to a series that never changed: its bounds are the constant.
    Where the series did not change in the data but did in the training, they are not known.
    """
    panel, plan = reader.panel, reader.model.plan
    (series,), (origin,) = chosen.at(np.array([window]))
    history = panel.values[panel.offsets[series] : origin]
    position = int(reader.positions[series])

    changes = np.nanmax(history) - np.nanmin(history)
    if changes <= ROUNDING * np.nanmax(np.abs(history)):
        is_constant = _never_changed(reader.scale, position)
        for low, high in bounds.values():
            low[window] = high[window] = values[window] if is_constant else np.nan
        return is_constant

    owner = np.full(1, position)
    transformed = scaling.transform(history, plan.normalization, reader.scale, owner)
    center = scaling.transform(values[window], plan.normalization, reader.scale, owner)
    widths = intervals.around_constant(transformed, plan.lookback, plan.horizon, tuple(bounds))
    for level, width in widths.items():
        low, high = bounds[level]
        low[window] = reader.restore((center - width)[None], owner)[0]
        high[window] = reader.restore((center + width)[None], owner)[0]
    return False


def _never_changed(scale: SeriesScale, position: int) -> bool:
    """Whether the values that a series was scaled by are all the same, but for rounding."""
    zero, one = float(scale.zero[position]), float(scale.one[position])
    return abs(one - zero) <= ROUNDING * max(abs(one), abs(zero))


def empty_unordered_bounds(values: Floats, bounds: Bounds, constant: Flags | None = None) -> None:
    """Leave bounds empty (NaN, in place) where they do not lie on both sides of the forecast.

    Only a series that is constant (W,) is known to be off by nothing at all.
    """
    for low, high in bounds.values():
        unknown = ~((low < values) & (values < high))
        if constant is not None:
            unknown &= ~constant[:, None]
        low[unknown] = high[unknown] = np.nan
