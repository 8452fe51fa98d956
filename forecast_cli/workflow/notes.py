"""What to tell the user of a training or a forecast, as notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from forecast_cli import forecasting, tables, windows
from forecast_cli.fields import Digits
from forecast_cli.forecasting import Forecast, HeldOut, Model
from forecast_cli.messages import Note, and_more, listed, plural
from forecast_cli.panel import Panel, format_times, times_of, values_of
from forecast_cli.planning import Plan
from forecast_cli.store import Metrics, coverage_sentence

if TYPE_CHECKING:  # predict must not import torch
    from forecast_cli.learning import Learned
    from forecast_cli.training import Fitted

MEMBERS_NAMED = 5


def about_training(
    panel: Panel, learned: Learned, model: Model, rows: HeldOut | None
) -> tuple[Note, ...]:
    """Notes on how the network was trained and scored."""
    return (
        *_time_limit(learned, model),
        *_failed_parts(learned.model.plan),
        *_complete_windows(panel, learned.model.plan),
        *_no_validation(learned.model.plan, learned.fitted),
        *_held_out_rows_not_scored(rows),
        *_held_out_rows_without_bounds(learned, rows),
    )


def about_forecast(forecast: Forecast, panel: Panel, model: Model) -> tuple[Note, ...]:
    """Notes on the series that were forecast, and on those that were not."""
    return (
        *_network_not_used(forecast, panel, model.plan),
        *_constant_series(panel),
        *_empty_bounds(forecast, model),
        *_values_too_small(panel, forecast.digits),
    )


def about_newest_values(forecast: Forecast, panel: Panel, plan: Plan) -> tuple[Note, ...]:
    """A note on newest values that are far outside of all others, which the forecast follows.

    A network that reads seasons leaves out such values, but not in the newest seasons.
    """
    far = forecasting.values_far_outside(panel, forecasting.fewest_steps(plan))
    if not len(far.positions):
        return ()

    owners = np.searchsorted(panel.offsets, far.positions, side="right") - 1
    names = [panel.ids[owner] for owner in owners]
    found = np.flatnonzero(~np.isin(names, forecast.dropped))
    if not len(found):
        return ()

    series, position = int(owners[found[0]]), int(far.positions[found[0]])
    step = position - int(panel.offsets[series])
    time = format_times(panel, times_of(panel, series, step, step + 1))[0]
    value = float(panel.values[position])
    low, high = float(far.low[found[0]]), float(far.high[found[0]])

    name = f"series {panel.ids[series]!r}: " if panel.ids[series] else ""
    text = f"{name}the value {_plain(value)} of {time}{and_more(len(found))} is far outside of "
    text += f"all earlier ones ({_plain(low)} to {_plain(high)}), and the forecast follows it; "
    text += "correct it, or leave the cell empty"
    fields = {"series": names[found[0]], "time": time, "value": value, "count": len(found)}
    return (Note("values_far_outside", "degraded", text, fields),)


def _plain(value: float) -> str:
    """A value with the digits that the file has, and without those of its rounding."""
    return f"{value:.15g}"


def about_coverage(metrics: Metrics, plan: Plan, levels: tuple[float, ...]) -> tuple[Note, ...]:
    """A note on the share of held-out values that the intervals of the training held.

    Only of intervals like these: other ones were not measured.
    """
    measured = metrics.intervals
    if measured.kind != plan.interval_kind:
        return ()
    text = coverage_sentence([one for one in measured.coverage or () if one.level in levels])
    return (Note("coverage", "info", text),) if text else ()


# -- training ----------------------------------------------------------------------------------


def _time_limit(learned: Learned, model: Model) -> tuple[Note, ...]:
    """What --time-limit cut short."""
    was_refitted = model is not learned.model
    was_cut_short = any(member.expired for member in learned.fitted)
    if not was_cut_short and (was_refitted or not model.plan.refit):
        return ()

    counts = [len(member.history) for member in learned.fitted[:MEMBERS_NAMED]]
    epochs = plural(counts[0], "epoch")
    if len(counts) > 1:
        epochs = ", ".join(f"{count:,}" for count in counts) + " epochs"
    text = f"time was up after {epochs}: the best so far is what is published"
    if not was_refitted:
        text += "; not fitted again on all rows"
    return (Note("time_limit", "warning", text, {"epochs": counts, "refitted": was_refitted}),)


def _failed_parts(plan: Plan) -> tuple[Note, ...]:
    """How many kinds of networks of a portfolio are not in it, because their training failed."""
    text = plan.reasons.get("failed_parts", "")
    return (Note("parts_failed", "warning", text),) if text else ()


def _complete_windows(panel: Panel, plan: Plan) -> tuple[Note, ...]:
    """How many windows the holes leave to train on."""
    if not np.isnan(panel.values).any():
        return ()

    outputs = plan.architecture.outputs
    ends = windows.split(panel, plan.validation, plan.test).training
    every = int(np.maximum(ends - plan.lookback - outputs + 1, 0).sum())
    complete = len(forecasting.windows_between(panel, plan, outputs, ends * 0, ends))
    text = f"{complete:,} of {every:,} windows to train on are complete"
    return (Note("windows_complete", "info", text, {"complete": complete, "all": every}),)


def _no_validation(plan: Plan, fitted: Sequence[Fitted]) -> tuple[Note, ...]:
    """Whether no window was left to stop the training by."""
    losses = [line.validation_loss for member in fitted for line in member.history]
    if not plan.validation or not np.isnan(losses).all():
        return ()

    rows = f"no window ends in the {plan.validation:,} validation rows"
    text = f"{rows}, so training was not stopped early; a larger --validation may help"
    return (Note("validation_missing", "warning", text),)


def _held_out_rows_not_scored(rows: HeldOut | None) -> tuple[Note, ...]:
    """How many held-out rows the network could not forecast, because of holes before them."""
    if rows is None or not rows.unread:
        return ()

    total = rows.unread + len(rows.actual)
    count = f"{rows.unread:,} of {total:,} held-out rows"
    text = f"{count} are not scored: the steps before them have holes"
    fields = {"rows": rows.unread, "all": total}
    return (Note("held_out_rows_not_scored", "warning", text, fields),)


def _held_out_rows_without_bounds(learned: Learned, rows: HeldOut | None) -> tuple[Note, ...]:
    """Whether nothing is known of the errors before the held-out rows, which have no bounds then."""
    if rows is None or not rows.bounds or len(learned.before_test.residuals):
        return ()

    text = "the bounds of the held-out rows are left empty: no window that ends before them was "
    text += "kept from training; --validation N keeps N rows"
    return (Note("held_out_bounds_empty", "info", text),)


# -- forecasts ---------------------------------------------------------------------------------


def _network_not_used(forecast: Forecast, panel: Panel, plan: Plan) -> tuple[Note, ...]:
    """Which series the network could not read, why, and what became of them."""
    names = forecast.dropped or forecast.fallback
    what_then = "they were left out" if forecast.dropped else "their last season is repeated"
    long_enough = {panel.ids[i] for i in np.flatnonzero(panel.lengths >= plan.lookback)}
    short = [name for name in names if name not in long_enough]
    with_holes = [name for name in names if name in long_enough]

    texts = []
    if short == [""]:
        texts.append("the series is too short for the network, so its last season is repeated")
    elif short:
        texts.append(f"too short for the network, so {what_then}: {listed(short)}")
    if with_holes:
        steps = f"steps without a value in the newest {plan.lookback:,} steps"
        why = f"{steps}, on which the network looks back, so {what_then}"
        texts.append(f"{why}: {listed(with_holes)}")
    return tuple(Note("network_not_used", "degraded", text, {"series": names}) for text in texts)


def _empty_bounds(forecast: Forecast, model: Model) -> tuple[Note, ...]:
    """Which series have bounds that are left empty within the trained horizon, and why."""
    is_empty = np.zeros(len(forecast.ids), bool)
    for low, _ in forecast.bounds.values():
        is_empty |= np.isnan(low[:, : model.plan.horizon]).any(axis=1)
    # These are too short to have a spread of their own, as another note says.
    is_empty &= ~np.isin(forecast.ids, forecast.fallback)
    names = [forecast.ids[i] for i in np.flatnonzero(is_empty)]
    if not names:
        return ()

    why = "the errors that were measured are zero: "
    why += "the series repeats itself exactly, or has stopped changing"
    if not len(model.residuals):
        why = "the rows that were not trained on hold no window in which errors can be measured"
    text = f"bounds are left empty: {why}"
    if len(forecast.ids) > 1:
        count = f"{len(names):,} of {len(forecast.ids):,} series"
        text = f"bounds of {count} are left empty ({listed(names)}): {why}"
    return (Note("bounds_empty", "warning", text, {"series": names}),)


def _values_too_small(panel: Panel, digits: Digits) -> tuple[Note, ...]:
    """Which series have values that vanish where they are written with so many decimals."""
    names = tables.vanishing(panel, digits)
    if not names:
        return ()

    decimals = f"{digits} decimal{'' if digits == 1 else 's'}"
    text = f"too small to be written with {decimals}, --digits full shows them: {listed(names)}"
    if names == ("",):
        text = f"the values are too small to be written with {decimals}; --digits full shows them"
    return (Note("values_too_small", "warning", text, {"series": names}),)


def _constant_series(panel: Panel) -> tuple[Note, ...]:
    """Which series never change."""
    names = []
    for i, name in enumerate(panel.ids):
        values = values_of(panel, i)
        if np.nanmin(values) == np.nanmax(values):
            names.append(name)
    if not names:
        return ()

    text = f"constant series, so constant forecasts: {listed(names)}"
    if len(panel) == 1:
        text = "the series is constant; so is the forecast"
    return (Note("constant_series", "warning", text, {"series": names}),)
