"""Panel and saved network -> Forecast, scaling undone. numpy alone: this is all that `predict` needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast_cli import covariates, intervals, network, scaling, windows
from forecast_cli.baselines import seasonal_naive
from forecast_cli.calendar import Ints
from forecast_cli.covariates import Covariates, FeatureScale, Gathered
from forecast_cli.errors import RunMismatchError, TooLittleDataError
from forecast_cli.fields import Digits
from forecast_cli.panel import (
    Columns,
    Floats,
    Panel,
    TimeFormat,
    format_times,
    select,
    times_of,
    values_of,
)
from forecast_cli.planning import Plan
from forecast_cli.scaling import SeriesScale
from forecast_cli.windows import Windows

ROUNDING = 1e-13  # of the largest value: a smaller spread is rounding
NUMBERS = (
    1 << 22
)  # numbers in the largest array of the network, which bounds the windows that go through it together


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network and what it knows of its series.

    members: the weights of each network; ids: the series they were trained on; scale: their (S,) scales;
    residuals: (K, horizon, Q) of each answer, in units of the spread; features: the scale of the covariates;
    covariates: the names of past, future and static ones.
    """

    plan: Plan
    members: tuple[network.Weights, ...]
    ids: tuple[str, ...]
    scale: SeriesScale
    residuals: Floats
    features: FeatureScale
    covariates: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] = ((), (), ())


@dataclass(frozen=True, eq=False)
class Forecast:
    """S series of `horizon` steps: times (S, H) microseconds, values (S, H), bounds by level, each (S, H).

    `fallback` names the series that were too short for the network and repeat their last season instead, `dropped`
    those that were left out for it. digits: the decimals that it is written with; the values have all theirs.
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
    digits: Digits = "full"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Forecasts of the test part, one row a step: (R,) each.

    unread: rows of the test part that have no forecast, because of a hole in the steps to look back on.
    """

    series: Ints
    texts: list[str]
    cutoffs: list[str]
    actual: Floats
    forecast: Floats
    seasonal_naive: Floats
    naive: Floats
    bounds: dict[float, tuple[Floats, Floats]]
    members: Floats  # (M, R), the forecast of each member; M is 0 where there is one, or where they add up
    unread: int = 0


@dataclass(frozen=True, eq=False)
class Answer:
    """What the networks say of B windows, where windows are normalized: answers (B, H, Q), spreads (B,), and each
    member's forecast (M, B, H)."""

    values: Floats
    spread: Floats
    members: Floats


@dataclass(frozen=True, eq=False)
class AtWindows:
    """Forecasts (B, horizon), bounds by level and each member's forecast (M, B, horizon), in the units of the file."""

    values: Floats
    bounds: dict[float, tuple[Floats, Floats]]
    members: Floats


def extended(model: Model, horizon: int) -> Model:
    """The model for another horizon: a longer one is rolled forward, and its intervals are not known beyond the old.

    Raises RunMismatchError where past-only covariates would have to be known beyond the last row.
    """
    if horizon > model.plan.horizon and model.covariates[0]:
        raise RunMismatchError(
            f"the run was trained for {model.plan.horizon} steps, and to be rolled forward it would have to know "
            f"{model.covariates[0][0].split('=')[0]!r} beyond the last row",
            f"use --horizon {model.plan.horizon} or less, or train with --horizon {horizon}",
        )
    return replace(model, plan=replace(model.plan, horizon=horizon))


def forecast(panel: Panel, model: Model, levels: tuple[float, ...]) -> Forecast:
    """Forecast past the last row of every series.

    Raises RunMismatchError where a network that works in logs meets a value that is not positive, or where the data
    lack a covariate; DataError naming the dates for which a known-future covariate is not known.
    """
    plan = model.plan
    covariates.check_known(panel, plan.horizon)
    lengths = panel.lengths
    usable = readable(panel, plan)
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
        found = at_windows(panel, model, ends, levels)
        values[chosen] = found.values
        for level, (low, high) in found.bounds.items():
            bounds[level][0][chosen], bounds[level][1][chosen] = low, high
    for i in np.flatnonzero(~usable):
        history = without_holes(values_of(panel, int(i)), plan.season)[None]
        values[i] = seasonal_naive(history, plan.horizon, plan.season)[0]
        for level in levels:
            # Too short to have a spread of its own: what is not known stays empty.
            spread = history.std() if history.std() > 0 and history.shape[1] > 2 else np.nan
            low, high = (
                _as_far(side, plan.horizon) for side in intervals.bounds(_middle(model), level)
            )
            bounds[level][0][i], bounds[level][1][i] = (
                values[i] + low * spread,
                values[i] + high * spread,
            )
    fallback = {level: (low[~usable], high[~usable]) for level, (low, high) in bounds.items()}
    _open_bounds(values[~usable], fallback)
    for level, (low, high) in fallback.items():
        bounds[level][0][~usable], bounds[level][1][~usable] = low, high
    times = np.stack(
        [times_of(panel, i, int(n), int(n) + plan.horizon) for i, n in enumerate(lengths)]
    )
    texts = tuple(tuple(format_times(panel, row)) for row in times)
    names = tuple(panel.ids[i] for i in np.flatnonzero(~usable))
    return Forecast(
        panel.ids, times, texts, values, bounds, panel.columns, panel.time_format, names, dropped
    )


def readable(panel: Panel, plan: Plan) -> NDArray[np.bool_]:
    """(S,) whether the network can read the newest window of a series: it is long enough and has no hole in it."""
    return (panel.lengths >= plan.lookback) & ~has_hole(panel, plan)


def has_hole(panel: Panel, plan: Plan) -> NDArray[np.bool_]:
    """(S,) whether a step without a value lies in the newest window of a series."""
    ends = panel.offsets[1:]
    starts = np.maximum(ends - plan.lookback, panel.offsets[:-1])
    return windows.holes_between(panel, starts, ends)


def require_readable(panel: Panel, plan: Plan) -> None:
    """Raise TooLittleDataError where the network can read no series, and one of them for a hole in its newest window."""
    holes = np.flatnonzero(has_hole(panel, plan))
    if len(holes) and not readable(panel, plan).any():
        raise hole_in_newest_window(panel, plan, holes)


def hole_in_newest_window(panel: Panel, plan: Plan, series: Ints) -> TooLittleDataError:
    """The error for series (K,) whose newest window has a hole: it names the first of them and its first such step."""
    first, lookback = int(series[0]), min(plan.lookback, int(panel.lengths[series[0]]))
    holes = np.flatnonzero(np.isnan(values_of(panel, first)[-lookback:]))
    start = int(panel.lengths[first]) - lookback
    step = start + int(holes[0])
    when = format_times(panel, times_of(panel, first, step, step + 1))[0]

    name = f"series {panel.ids[first]!r}: " if panel.ids[first] else ""
    count = f"{len(holes):,} of the newest {lookback:,} steps, on which the network looks back, "
    count += "has no value" if len(holes) == 1 else "have no value"
    others = f" ({len(series) - 1:,} more such series)" if len(series) > 1 else ""

    hint = "fill the gaps with --gaps interpolate, ffill or zero"
    whole = lookback - 1 - int(holes[-1])
    if whole:
        hint += f", or train with --lookback {whole:,} or less"
    if len(panel) > 1 and plan.short == "refuse":
        hint += ", or with --short fallback or drop"
    return TooLittleDataError(f"{name}{count}, the first at {when}{others}", hint, option="gaps")


def without_holes(history: Floats, season: int) -> Floats:
    """The values (n,) with their holes filled: by the value one season earlier, else by the one before or after."""
    if not np.isnan(history).any():
        return history

    filled = history.copy()
    for start in range(season, len(filled), season):
        part = filled[start : start + season]
        earlier = filled[start - season : start - season + len(part)]
        part[:] = np.where(np.isnan(part), earlier, part)

    known = np.flatnonzero(~np.isnan(filled))
    if len(known):  # what is left lies in the first season
        before = np.searchsorted(known, np.arange(len(filled)), side="right") - 1
        filled = np.where(np.isnan(filled), filled[known[np.maximum(before, 0)]], filled)
    return filled


def inputs_of(panel: Panel, model: Model, series: int) -> tuple[Floats, ...]:
    """What the network is given to forecast one series: its newest window x (1, lookback, inputs), where covariates are
    known also those ahead (1, outputs, 2 * known) and the static ones (1, K). Values are in units of the window's spread.

    Raises TooLittleDataError where the network cannot read the series, and RunMismatchError as `forecast` does.
    """
    plan, lone = model.plan, select(panel, np.array([series]))
    if not readable(lone, plan)[0]:
        name = f"series {lone.ids[0]!r}" if lone.ids[0] else "the series"
        raise TooLittleDataError(
            f"{name} is shorter than the lookback of {plan.lookback:,}, or has a hole in it: the network cannot read it",
            "choose another series, or train with a smaller --lookback",
        )
    scale, positions = _scale_of(lone, model)
    index = np.zeros(1, np.int64)
    newest = Windows(index, lone.offsets[1:], plan.lookback, plan.horizon)
    past = _pasts(lone, plan, scale, newest, index, positions)
    seen = _seen(_covariates_of(lone, model), newest, index, plan)
    alone = scaling.window_scale(past, plan.architecture.outputs, plan.normalization, plan.lag)
    return _inputs(past, alone, None if seen is None else seen(0))


def _inputs(past: Floats, scale: scaling.WindowScale, found: Gathered | None) -> tuple[Floats, ...]:
    """Transformed windows (B, lookback) and their covariates as `network.forward` takes them."""
    x = scaling.inputs(past, scale)[:, :, None]
    return (
        (x,)
        if found is None
        else (np.concatenate([x, found.past], axis=2), found.ahead, found.static)
    )


def _without_short(
    panel: Panel, plan: Plan, usable: NDArray[np.bool_]
) -> tuple[Panel, NDArray[np.bool_], tuple[str, ...]]:
    """The panel without the series that are too short, and their names; `--short refuse` raises instead."""
    names = tuple(panel.ids[i] for i in np.flatnonzero(~usable))
    if plan.short == "refuse" or not usable.any():
        raise unreadable(panel, plan, usable)
    return select(panel, np.flatnonzero(usable)), usable[usable], names


def unreadable(panel: Panel, plan: Plan, usable: NDArray[np.bool_]) -> TooLittleDataError:
    """The error that names the first series which the network cannot read: for its length, else for a hole."""
    short = np.flatnonzero(panel.lengths < plan.lookback)
    if not len(short):
        return hole_in_newest_window(panel, plan, np.flatnonzero(~usable))

    return TooLittleDataError(
        f"series {panel.ids[short[0]]!r} is shorter than the lookback of {plan.lookback:,} "
        f"({len(short):,} such series)",
        "give more rows, a smaller --lookback, or --short fallback or drop",
    )


def nothing(panel: Panel, levels: tuple[float, ...]) -> Forecast:
    """A forecast of no series: what there is when covariates of the future are still to be given."""
    none = np.empty((0, 0))
    bounds = dict.fromkeys(levels, (none, none))
    return Forecast(
        (), np.empty((0, 0), np.int64), (), none, bounds, panel.columns, panel.time_format
    )


def _middle(model: Model) -> Floats:
    """Residuals (K, horizon) of the forecast itself."""
    return model.residuals[:, :, model.plan.architecture.point_index]


def _chunks(plan: Plan, count: int) -> list[Ints]:
    """Window numbers in runs that fit in memory: the largest array is the gates' of a layer, or attention's."""
    shape = plan.architecture
    numbers = shape.steps * max(shape.units) * max(len(network.CELLS[shape.cell].blocks), 2)
    size = int(np.clip(NUMBERS // numbers, 16, 2048))
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]


def at_windows(panel: Panel, model: Model, chosen: Windows, levels: tuple[float, ...]) -> AtWindows:
    """Forecasts and their bounds from windows of the panel; a bound that is not known is NaN."""
    plan = model.plan
    middle = plan.architecture.point_index
    scale, positions = _scale_of(panel, model)
    known = _covariates_of(panel, model)
    values = np.empty((len(chosen), plan.horizon))
    bounds = {level: (np.empty_like(values), np.empty_like(values)) for level in levels}
    offsets = {level: _offsets(model, level) for level in levels}
    least = {
        level: _as_far(intervals.least_width(_middle(model), level), plan.horizon)
        for level in levels
    }
    several = len(model.members) if len(model.members) > 1 and not plan.boosting else 0
    members = np.empty((several, *values.shape))
    flat = np.zeros(len(chosen), bool)
    for index in _chunks(plan, len(chosen)):
        series = positions[chosen.series[index]]
        past = _pasts(panel, plan, scale, chosen, index, series)
        answered = answer(model, past, _seen(known, chosen, index, plan))
        # A constant goes on as the constant, to the last bit: there is nothing that a network could tell.
        raw = windows.pasts(panel.values, chosen, index)
        still, last = (raw.min(axis=1) == raw.max(axis=1))[:, None], raw[:, -1:]
        flat[index] = still[:, 0] | (answered.spread == 0)

        def restored(
            z: Floats, still: Any = still, last: Any = last, series: Ints = series
        ) -> Floats:
            return np.where(still, last, scaling.restore(z, plan.normalization, scale, series))

        values[index] = restored(answered.values[:, :, middle])
        for member in range(several):
            members[member, index] = restored(answered.members[member])
        for level, sides in offsets.items():
            for side, (position, offset) in enumerate(sides):
                away = _away(answered, middle, position, offset, least[level], side)
                bounds[level][side][index] = restored(answered.values[:, :, middle] + away)
    if not np.isfinite(values).all():
        raise RunMismatchError(
            "the network's forecast is not finite on this data", "train again on this data"
        )

    constant = _bound_flat(
        panel, model, _Flat(chosen, np.flatnonzero(flat), scale, positions), values, bounds
    )
    _open_bounds(values, bounds, constant)
    return AtWindows(values, bounds, members)


def _away(
    answered: Answer, middle: int, position: int, offset: Floats, least: Floats, side: int
) -> Floats:
    """How far a bound lies from the forecast, (B, horizon): below it for side 0, above it for side 1.

    Quantiles that the network answers may cross the forecast when residuals narrow them, so there is a least distance.
    """
    own = answered.values[:, :, position] - answered.values[:, :, middle]
    spread = answered.spread[:, None]
    away = own + offset * spread
    return np.minimum(away, -least * spread) if side == 0 else np.maximum(away, least * spread)


@dataclass(frozen=True, eq=False)
class _Flat:
    """Windows without a spread: positions `at` (F,) among the chosen ones; the scales, (S,) and where to look in them."""

    chosen: Windows
    at: Ints
    scale: SeriesScale
    positions: Ints


def _bound_flat(
    panel: Panel,
    model: Model,
    flat: _Flat,
    values: Floats,
    bounds: dict[float, tuple[Floats, Floats]],
) -> NDArray[np.bool_]:
    """Set the bounds of windows that have no spread, by what is known of their series; values are (W, horizon).

    Returns (W,) which windows belong to a series that never changed: their bounds are the constant. Where the series
    did not change in the data but did in the training, the bounds are not known.
    """
    plan = model.plan
    constant = np.zeros(len(flat.chosen), bool)
    for window in flat.at:
        series = int(flat.chosen.series[window])
        history = panel.values[panel.offsets[series] : flat.chosen.origins[window]]
        position = flat.positions[series]
        if np.nanmax(history) - np.nanmin(history) <= ROUNDING * np.nanmax(np.abs(history)):
            constant[window] = _never_changed(flat.scale, position)
            for low, high in bounds.values():
                low[window] = high[window] = values[window] if constant[window] else np.nan
            continue

        owner = np.full(1, position)
        z = scaling.transform(history, plan.normalization, flat.scale, owner)
        middle = scaling.transform(values[window], plan.normalization, flat.scale, owner)
        for level, width in intervals.around_constant(
            z, plan.lookback, plan.horizon, tuple(bounds)
        ).items():
            for side, sign in enumerate((-1, 1)):
                bound = scaling.restore(
                    (middle + sign * width)[None], plan.normalization, flat.scale, owner
                )
                bounds[level][side][window] = bound[0]
    return constant


def _never_changed(scale: SeriesScale, position: int) -> bool:
    """Whether the values that a series was scaled by are all the same, but for rounding."""
    zero, one = float(scale.zero[position]), float(scale.one[position])
    return abs(one - zero) <= ROUNDING * max(abs(one), abs(zero))


def _open_bounds(
    values: Floats,
    bounds: dict[float, tuple[Floats, Floats]],
    constant: NDArray[np.bool_] | None = None,
) -> None:
    """Leave bounds empty (NaN, in place) where they don't lie on both sides of the forecast: to be off by nothing at
    all is what only a constant series (W,) is known for."""
    known = np.zeros(len(values), bool) if constant is None else constant
    for low, high in bounds.values():
        unknown = ~((low < values) & (values < high)) & ~known[:, None]
        low[unknown] = high[unknown] = np.nan


def _offsets(model: Model, level: float) -> tuple[tuple[int, Floats], tuple[int, Floats]]:
    """For the lower and the upper bound: which answer it is measured from, and how far away it lies (horizon,)."""
    quantiles, middle = model.plan.architecture.quantiles, model.plan.architecture.point_index
    tail = (100 - level) / 200
    if tail in quantiles and 1 - tail in quantiles:
        low, high = quantiles.index(tail), quantiles.index(1 - tail)
        excess = np.maximum(-model.residuals[:, :, low], model.residuals[:, :, high])
        wider = _as_far(intervals.widening(excess, level), model.plan.horizon)
        return (low, -wider), (high, wider)
    below, above = (
        _as_far(side, model.plan.horizon) for side in intervals.bounds(_middle(model), level)
    )
    return (middle, below), (middle, above)


def _as_far(offsets: Floats, horizon: int) -> Floats:
    """Offsets for `horizon` steps; those beyond the steps that were measured are not known."""
    return np.concatenate([offsets[:horizon], np.full(max(horizon - len(offsets), 0), np.nan)])


def answer(model: Model, past: Floats, seen: Callable[[int], Gathered] | None = None) -> Answer:
    """All members on transformed windows (B, lookback), rolled forward where they answer fewer steps than asked for.

    seen: the covariates of the windows, a number of steps later.
    """
    plan, shape = model.plan, model.plan.architecture
    spread = scaling.window_scale(past, shape.outputs, plan.normalization, plan.lag).spread
    parts, each = [], []
    for step in range(0, plan.horizon, shape.outputs):
        scale = scaling.window_scale(past, shape.outputs, plan.normalization, plan.lag)
        inputs = _inputs(past, scale, None if seen is None else seen(step))
        outputs = np.stack([network.forward(shape, weights, *inputs) for weights in model.members])
        combined = combine(plan, outputs)
        parts.append(
            np.stack(
                [scaling.answers(combined[:, :, q], scale) for q in range(shape.outputs_per_step)],
                axis=2,
            )
        )
        each.append(
            np.stack([scaling.answers(one[:, :, shape.point_index], scale) for one in outputs])
        )
        past = np.concatenate([past, parts[-1][:, :, shape.point_index]], axis=1)[
            :, -plan.lookback :
        ]
    values, members = (
        np.concatenate(parts, axis=1)[:, : plan.horizon],
        np.concatenate(each, axis=2)[:, :, : plan.horizon],
    )
    return Answer(values, spread, members)


def combine(plan: Plan, outputs: Floats) -> Floats:
    """One answer out of the members' (M, B, H, Q): their median or mean, or their sum where each learned the rest."""
    if len(outputs) == 1:
        return np.sort(outputs[0], axis=-1)
    if plan.boosting:
        total: Floats = outputs.sum(axis=0)
        return total
    return np.sort(
        np.median(outputs, axis=0) if plan.combine == "median" else outputs.mean(axis=0), axis=-1
    )


def _covariates_of(panel: Panel, model: Model) -> Covariates | None:
    names = (panel.past_names, panel.future_names, panel.static_names)
    if names != model.covariates:
        missing = [
            n
            for known, found in zip(model.covariates, names, strict=True)
            for n in known
            if n not in found
        ]
        what = (
            f"lack the covariate {missing[0].split('=')[0]!r}"
            if missing
            else "have other covariates"
        )
        raise RunMismatchError(
            f"the data {what} that the run was trained with", "give the same columns as in training"
        )
    outputs = model.plan.architecture.outputs
    rolled = -(-model.plan.horizon // outputs) * outputs
    return covariates.prepare(panel, model.plan.calendar, rolled, model.features)


def _seen(
    known: Covariates | None, chosen: Windows, index: Ints, plan: Plan
) -> Callable[[int], Gathered] | None:
    if known is None:
        return None

    def seen(step: int) -> Gathered:
        later = replace(chosen, origins=chosen.origins + step, horizon=plan.architecture.outputs)
        return covariates.gather(known, later, index, plan.lag)

    return seen


def residuals(panel: Panel, model: Model, chosen: Windows) -> Floats:
    """How far each answer is off on windows (B, horizon, Q), in units of each window's spread."""
    plan = model.plan
    scale, positions = _scale_of(panel, model)
    known = _covariates_of(panel, model)
    rows = []
    for index in _chunks(plan, len(chosen)):
        series = positions[chosen.series[index]]
        past = _pasts(panel, plan, scale, chosen, index, series)
        answered = answer(model, past, _seen(known, chosen, index, plan))
        future = windows.futures(panel.values, chosen, index)
        actual = scaling.transform(future, plan.normalization, scale, series[:, None])
        usable = (answered.spread > 0) & (past.min(axis=1) < past.max(axis=1))
        off = (actual[:, :, None] - answered.values) / np.where(usable, answered.spread, 1.0)[
            :, None, None
        ]
        rows.append(off[usable])
    return (
        np.concatenate(rows)
        if rows
        else np.empty((0, plan.horizon, plan.architecture.outputs_per_step))
    )


def held_out(panel: Panel, model: Model, levels: tuple[float, ...]) -> HeldOut:
    """Forecast the test part of every series from the rows before it, a horizon at a time, without retraining.

    A window with a hole in its past is left out: the network cannot read it.
    """
    plan = model.plan
    everything = _test_windows(panel, plan)
    holes = windows.holes_between(panel, everything.origins - plan.lookback, everything.origins)
    chosen = windows.selected(everything, ~holes)
    unread = int(_rows_inside(panel, windows.selected(everything, holes)).sum())
    found = at_windows(panel, model, chosen, levels)
    steps = np.arange(plan.horizon)
    at = chosen.origins[:, None] + steps
    inside = _rows_inside(panel, chosen)
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
        _last_season(panel, s, o, plan.season)
        for s, o in zip(chosen.series, chosen.origins, strict=True)
    ]
    seasonal = (
        np.stack([seasonal_naive(h[None], plan.horizon, plan.season)[0] for h in history])
        if history
        else found.values
    )
    last = np.repeat(panel.values[chosen.origins - 1][:, None], plan.horizon, axis=1)
    actual = panel.values[at[inside]]
    if len(panel.filled):
        actual = np.where(panel.filled[at[inside]], np.nan, actual)
    return HeldOut(
        owner,
        texts,
        cutoffs,
        actual,
        found.values[inside],
        seasonal[inside],
        last[inside],
        {level: (low[inside], high[inside]) for level, (low, high) in found.bounds.items()},
        found.members[:, inside],
        unread,
    )


def _test_windows(panel: Panel, plan: Plan) -> Windows:
    """Windows whose horizons cover the test part of every series, one after the other, holes or not."""
    starts = windows.split(panel, plan.validation, plan.test).validation
    series, origins = [], []
    for i, (start, length) in enumerate(zip(starts, panel.lengths, strict=True)):
        steps = np.arange(start, length, plan.horizon)
        steps = steps[steps >= plan.lookback]
        series.append(np.full(len(steps), i, np.int64))
        origins.append(panel.offsets[i] + steps)
    return Windows(
        np.concatenate(series),
        np.concatenate(origins).astype(np.int64),
        plan.lookback,
        plan.horizon,
    )


def _rows_inside(panel: Panel, chosen: Windows) -> NDArray[np.bool_]:
    """(W, horizon) which steps of the windows lie before the end of their series."""
    at = chosen.origins[:, None] + np.arange(chosen.horizon)
    inside: NDArray[np.bool_] = at < panel.offsets[1:][chosen.series][:, None]
    return inside


def _last_season(panel: Panel, series: int, origin: int, season: int) -> Floats:
    """The newest season before an origin, without holes: a baseline must have an answer wherever the network has."""
    history = panel.values[panel.offsets[series] : origin]
    newest = history[-season:]
    return without_holes(history, season)[-season:] if np.isnan(newest).any() else newest


def _pasts(
    panel: Panel, plan: Plan, scale: SeriesScale, chosen: Windows, index: Ints, series: Ints
) -> Floats:
    past = windows.pasts(panel.values, chosen, index)
    if plan.normalization == "log" and (past <= 0).any():
        row, step = (int(a[0]) for a in np.nonzero(past <= 0))
        owner = int(chosen.series[index[row]])
        position = (
            int(chosen.origins[index[row]]) - plan.lookback + step - int(panel.offsets[owner])
        )
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
    own = scaling.fit(panel.values, panel.offsets, panel.lengths, model.plan.normalization)
    positions[new] = len(known) + np.arange(len(new))
    return (
        SeriesScale(
            np.append(model.scale.zero, own.zero[new]), np.append(model.scale.one, own.one[new])
        ),
        positions,
    )
