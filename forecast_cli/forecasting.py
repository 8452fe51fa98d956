"""Panel and saved network -> Forecast, scaling undone. numpy alone: this is all that `predict` needs."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast_cli import cells, covariates, intervals, scaling, windows
from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Ints
from forecast_cli.covariates import Covariates, FeatureScale, Gathered
from forecast_cli.errors import RunMismatchError, TooLittleDataError
from forecast_cli.panel import Columns, Floats, Panel, TimeFormat, format_times, select, times_of, values_of
from forecast_cli.plan import Plan
from forecast_cli.scaling import SeriesScale
from forecast_cli.windows import Windows

CHUNK = 2048  # windows that go through the network together


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network and what it knows of its series.

    ids: the series it was trained on; scale: their (S,) scales; residuals: (K, horizon) in units of the spread;
    features: the scale of the covariates; covariates: the names of past, future and static ones.
    """

    plan: Plan
    weights: cells.Weights
    ids: tuple[str, ...]
    scale: SeriesScale
    residuals: Floats
    features: FeatureScale
    covariates: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] = ((), (), ())


@dataclass(frozen=True, eq=False)
class Forecast:
    """S series of `horizon` steps: times (S, H) microseconds, values (S, H), bounds by level, each (S, H).

    `fallback` names the series that were too short for the network and repeat their last season instead, `dropped`
    those that were left out for it.
    """

    ids: tuple[str, ...]
    times: Ints
    texts: tuple[tuple[str, ...], ...]
    values: Floats
    bounds: dict[float, tuple[Floats, Floats]]
    columns: Columns
    time_format: TimeFormat
    fallback: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Forecasts of the test part, one row a step: (R,) each."""

    series: Ints
    texts: list[str]
    cutoffs: list[str]
    actual: Floats
    forecast: Floats
    seasonal_naive: Floats
    naive: Floats
    bounds: dict[float, tuple[Floats, Floats]]


def forecast(panel: Panel, model: Model, levels: tuple[float, ...]) -> Forecast:
    """Forecast past the last row of every series.

    Raises RunMismatchError where a network that works in logs meets a value that is not positive, or where the data
    lack a covariate; DataError naming the dates for which a known-future covariate is not known.
    """
    plan = model.plan
    covariates.check_known(panel, plan.horizon)
    lengths = panel.lengths
    usable = np.array(
        [
            n >= plan.lookback and not np.isnan(values_of(panel, i)[-plan.lookback :]).any()
            for i, n in enumerate(lengths)
        ]
    )
    if plan.short != "fallback" and not usable.all():
        panel, usable, dropped = _without_short(panel, plan, usable)
        lengths = panel.lengths
    else:
        dropped = ()
    values = np.empty((len(panel), plan.horizon))
    bounds = {level: (np.empty_like(values), np.empty_like(values)) for level in levels}
    chosen = np.flatnonzero(usable)
    if len(chosen):
        ends = Windows(chosen, panel.offsets[1:][chosen], plan.lookback, plan.horizon)
        values[chosen], found = at_windows(panel, model, ends, levels)
        for level, (low, high) in found.items():
            bounds[level][0][chosen], bounds[level][1][chosen] = low, high
    for i in np.flatnonzero(~usable):
        history = values_of(panel, int(i))[None]
        values[i] = seasonal_naive(history, plan.horizon, plan.season)[0]
        for level in levels:
            # Too short to have a spread of its own: what is not known stays empty.
            spread = history.std() if history.std() > 0 and history.shape[1] > 2 else np.nan
            low, high = intervals.bounds(model.residuals, level)
            bounds[level][0][i], bounds[level][1][i] = values[i] + low * spread, values[i] + high * spread
    times = np.stack([times_of(panel, i, int(n), int(n) + plan.horizon) for i, n in enumerate(lengths)])
    texts = tuple(tuple(format_times(panel, row)) for row in times)
    names = tuple(panel.ids[i] for i in np.flatnonzero(~usable))
    return Forecast(panel.ids, times, texts, values, bounds, panel.columns, panel.time_format, names, dropped)


def _without_short(
    panel: Panel, plan: Plan, usable: NDArray[np.bool_]
) -> tuple[Panel, NDArray[np.bool_], tuple[str, ...]]:
    """The panel without the series that are too short, and their names; `--short refuse` raises instead."""
    names = tuple(panel.ids[i] for i in np.flatnonzero(~usable))
    if plan.short == "refuse" or not usable.any():
        shown = ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
        raise TooLittleDataError(
            f"shorter than the lookback of {plan.lookback:,}, or with a hole in it: {shown}",
            "give more rows, a smaller --lookback, or --short fallback or drop",
        )
    return select(panel, np.flatnonzero(usable)), usable[usable], names


def nothing(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """A forecast of no series: what there is when covariates of the future are still to be given."""
    none = np.empty((0, 0))
    bounds = dict.fromkeys(levels, (none, none))
    return Forecast((), np.empty((0, 0), np.int64), (), none, bounds, panel.columns, panel.time_format)


def at_windows(
    panel: Panel, model: Model, chosen: Windows, levels: tuple[float, ...]
) -> tuple[Floats, dict[float, tuple[Floats, Floats]]]:
    """Forecasts (B, horizon) and their bounds from windows of the panel, in the units of the file."""
    plan = model.plan
    scale, positions = _scale_of(panel, model)
    known = _covariates_of(panel, model)
    values = np.empty((len(chosen), plan.horizon))
    bounds = {level: (np.empty_like(values), np.empty_like(values)) for level in levels}
    offsets = {level: intervals.bounds(model.residuals, level) for level in levels}
    for start in range(0, len(chosen), CHUNK):
        index = np.arange(start, min(start + CHUNK, len(chosen)))
        series = positions[chosen.series[index]]
        past = _pasts(panel, plan, scale, chosen, index, series)
        z, spread = answer(plan, model.weights, past, _seen(known, chosen, index, plan))
        # A constant goes on as the constant, to the last bit: there is nothing that a network could tell.
        given = windows.pasts(panel.values, chosen, index)
        still, last = (given.min(axis=1) == given.max(axis=1))[:, None], given[:, -1:]
        values[index] = np.where(still, last, scaling.restore(z, plan.normalization, scale, series))
        for level, sides in offsets.items():
            for side, offset in enumerate(sides):
                bound = scaling.restore(z + offset * spread[:, None], plan.normalization, scale, series)
                bounds[level][side][index] = np.where(still, last, bound)
    if not np.isfinite(values).all():
        raise RunMismatchError("the network's forecast is not finite on this data", "train again on this data")
    return values, bounds


def answer(plan: Plan, weights: cells.Weights, past: Floats, seen: Gathered | None = None) -> tuple[Floats, Floats]:
    """The network on transformed windows (B, lookback): forecasts (B, horizon) in the same domain, spreads (B,)."""
    shape = plan.architecture
    spread = scaling.window_scale(past, shape.outputs, plan.normalization, plan.lag).spread
    parts = []
    for _ in range(0, plan.horizon, shape.outputs):
        scale = scaling.window_scale(past, shape.outputs, plan.normalization, plan.lag)
        x = scaling.inputs(past, scale)[:, :, None]
        if seen is None:
            outputs = cells.run(shape, weights, x)
        else:
            outputs = cells.run(shape, weights, np.concatenate([x, seen.past], axis=2), seen.ahead, seen.static)
        parts.append(scaling.answers(outputs, scale))
        past = np.concatenate([past, parts[-1]], axis=1)[:, -plan.lookback :]
    return np.concatenate(parts, axis=1)[:, : plan.horizon], spread


def _covariates_of(panel: Panel, model: Model) -> Covariates | None:
    names = (panel.past_names, panel.future_names, panel.static_names)
    if names != model.covariates:
        missing = [n for known, found in zip(model.covariates, names, strict=True) for n in known if n not in found]
        what = f"lack the covariate {missing[0].split('=')[0]!r}" if missing else "have other covariates"
        raise RunMismatchError(f"the data {what} that the run was trained with", "give the same columns as in training")
    return covariates.prepare(panel, model.plan.calendar, model.plan.horizon, model.features)


def _seen(known: Covariates | None, chosen: Windows, index: Ints, plan: Plan) -> Gathered | None:
    return None if known is None else covariates.gather(known, chosen, index, plan.lag)


def residuals(panel: Panel, model: Model, chosen: Windows) -> Floats:
    """How far the network is off on windows (B, horizon), in units of each window's spread."""
    plan = model.plan
    scale, positions = _scale_of(panel, model)
    known = _covariates_of(panel, model)
    rows = []
    for start in range(0, len(chosen), CHUNK):
        index = np.arange(start, min(start + CHUNK, len(chosen)))
        series = positions[chosen.series[index]]
        past = _pasts(panel, plan, scale, chosen, index, series)
        z, spread = answer(plan, model.weights, past, _seen(known, chosen, index, plan))
        future = windows.futures(panel.values, chosen, index)
        actual = scaling.transform(future, plan.normalization, scale, series[:, None])
        usable = (spread > 0) & (past.min(axis=1) < past.max(axis=1))
        rows.append((actual - z)[usable] / spread[usable, None])
    return np.concatenate(rows) if rows else np.empty((0, plan.horizon))


def held_out(panel: Panel, model: Model, levels: tuple[float, ...]) -> HeldOut:
    """Forecast the test part of every series from the rows before it, a horizon at a time, without retraining."""
    plan = model.plan
    starts = windows.split(panel, plan.validation, plan.test).validation
    series, origins = [], []
    for i, (start, length) in enumerate(zip(starts, panel.lengths, strict=True)):
        steps = np.arange(start, length, plan.horizon)
        steps = steps[steps >= plan.lookback]
        series.append(np.full(len(steps), i, np.int64))
        origins.append(panel.offsets[i] + steps)
    chosen = Windows(np.concatenate(series), np.concatenate(origins).astype(np.int64), plan.lookback, plan.horizon)
    values, bounds = at_windows(panel, model, chosen, levels)
    steps = np.arange(plan.horizon)
    at = chosen.origins[:, None] + steps
    inside = at < panel.offsets[1:][chosen.series][:, None]
    owner = np.repeat(chosen.series[:, None], plan.horizon, axis=1)[inside]
    local = at - panel.offsets[:-1][chosen.series][:, None]
    texts: list[str] = []
    cutoffs: list[str] = []
    for row in range(len(chosen)):
        index, count = int(chosen.series[row]), int(inside[row].sum())
        first = int(local[row, 0])
        texts += format_times(panel, times_of(panel, index, first, first + count))
        cutoffs += format_times(panel, times_of(panel, index, first - 1, first)) * count
    # A baseline may look back further than the network, if the season is longer than the lookback.
    history = [
        panel.values[panel.offsets[s] : o][-plan.season :] for s, o in zip(chosen.series, chosen.origins, strict=True)
    ]
    seasonal = np.stack([seasonal_naive(h[None], plan.horizon, plan.season)[0] for h in history]) if history else values
    last = np.repeat(panel.values[chosen.origins - 1][:, None], plan.horizon, axis=1)
    actual = panel.values[at[inside]]
    if len(panel.filled):
        actual = np.where(panel.filled[at[inside]], np.nan, actual)
    return HeldOut(
        owner,
        texts,
        cutoffs,
        actual,
        values[inside],
        seasonal[inside],
        last[inside],
        {level: (low[inside], high[inside]) for level, (low, high) in bounds.items()},
    )


def _pasts(panel: Panel, plan: Plan, scale: SeriesScale, chosen: Windows, index: Ints, series: Ints) -> Floats:
    past = windows.pasts(panel.values, chosen, index)
    if plan.normalization == "log" and (past <= 0).any():
        row, step = (int(a[0]) for a in np.nonzero(past <= 0))
        owner = int(chosen.series[index[row]])
        position = int(chosen.origins[index[row]]) - plan.lookback + step - int(panel.offsets[owner])
        when = format_times(panel, times_of(panel, owner, position, position + 1))[0]
        name = f"series {panel.ids[owner]!r}: " if panel.ids[owner] else ""
        raise RunMismatchError(
            f"{name}the value {float(past[row, step])!r} at {when} is not positive, and the run was trained on positive values alone",
            "train again on this data",
        )
    return scaling.transform(past, plan.normalization, scale, series[:, None])


def _scale_of(panel: Panel, model: Model) -> tuple[SeriesScale, Ints]:
    """Scales, and (S,) the position of each series of the panel in them; a new series brings its own."""
    known = {name: i for i, name in enumerate(model.ids)}
    new = [i for i, name in enumerate(panel.ids) if name not in known]
    positions = np.array([known.get(name, -1) for name in panel.ids], np.int64)
    if not new:
        return model.scale, positions
    own = scaling.fit(panel.values, panel.offsets, panel.lengths)
    positions[new] = len(known) + np.arange(len(new))
    return (
        SeriesScale(np.append(model.scale.minimum, own.minimum[new]), np.append(model.scale.maximum, own.maximum[new])),
        positions,
    )


def to_csv(result: Forecast) -> bytes:
    """The forecast as CSV, numbers in shortest round-trip form; the same bytes wherever it goes."""
    columns = result.columns
    header = [*([columns.id] if columns.id else []), columns.time, "forecast", *_bound_names(result.bounds)]
    numbers = [result.values, *(side for pair in result.bounds.values() for side in pair)]
    rows = (
        [*([name] if columns.id else []), result.texts[i][step], *(_cell(n[i, step]) for n in numbers)]
        for i, name in enumerate(result.ids)
        for step in range(result.values.shape[1])
    )
    return _csv([header, *rows])


def held_out_csv(panel: Panel, rows: HeldOut) -> bytes:
    """predictions.csv: id, time, cutoff, actual, forecast, seasonal_naive, bounds."""
    columns = panel.columns
    ids = [columns.id] if columns.id else []
    header = [*ids, columns.time, "cutoff", "actual", "forecast", "seasonal_naive", *_bound_names(rows.bounds)]
    numbers = [
        rows.actual,
        rows.forecast,
        rows.seasonal_naive,
        *(side for pair in rows.bounds.values() for side in pair),
    ]
    lines = (
        [
            *([panel.ids[rows.series[r]]] if ids else []),
            rows.texts[r],
            rows.cutoffs[r],
            *(_cell(n[r]) for n in numbers),
        ]
        for r in range(len(rows.series))
    )
    return _csv([header, *lines])


def _cell(value: float) -> str:
    """Shortest round-trip form; empty for what is not known."""
    return "" if np.isnan(value) else repr(float(value))


def _bound_names(bounds: dict[float, tuple[Floats, Floats]]) -> list[str]:
    return [f"{side}-{level:.10g}" for level in bounds for side in ("lo", "hi")]


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
