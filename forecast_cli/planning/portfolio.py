"""The preset `accurate`: which kinds of networks there are for validation to choose from.

All see the same series on the same scale, so that their forecasts can be averaged where windows
are normalized. What the user sets holds for all of them. The rules were found on rolling origins
inside the training parts of public sets: docs/accuracy.md has the log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats, Panel
from forecast_cli.planning import seasonal_rules as seasonal
from forecast_cli.planning.plan import (
    Decided,
    Part,
    Plan,
    Statistic,
    part_of,
)
from forecast_cli.settings import Settings, WindowSettings

ABSOLUTE_RATE = 3e-3  # of Adam, for absolute errors
SEEDS = 15_485_863  # between the seeds of two parts
LARGEST_SEED = 2**31 - 1
SEEDS_ALONE = 10  # of the one kind that there is, where there is nothing to choose by
SHORT_ENOUGH = 0.5  # of the rows of the median series: what may be held out for three origins
FEW_FORECASTS = 30  # that do not overlap: with fewer, a small error is mostly chance


def choose_validation(
    share: Decided[int], window: WindowSettings, horizon: int, lengths: Ints
) -> Decided[int]:
    """Two horizons of many series, for three origins, where the rows allow it."""
    if window.validation is not None or len(lengths) < seasonal.FEW_SERIES:
        return share
    test = horizon if window.test is None else window.test
    if test + 5 * horizon > SHORT_ENOUGH * float(np.median(lengths)):
        return share
    return Decided(2 * horizon, "two horizons, for three origins")


def chooses(plan: Plan, series: int) -> bool:
    """Whether there are forecasts enough in validation to choose by; else there is one kind."""
    origins = 1
    if series < seasonal.FEW_SERIES:
        origins = plan.validation // plan.horizon
    return series * origins >= FEW_FORECASTS and plan.validation >= plan.horizon


def with_parts(panel: Panel, settings: Settings, plan: Plan, training: Sequence[Floats]) -> Plan:
    """The plan of a portfolio: its candidates, all of the same weight.

    training: the training part of each series.
    """
    statistics: tuple[Statistic, ...] = ()
    if chooses(plan, len(panel)):
        members = 1
        plans = _different(_variants(panel, settings, plan, training))
        statistics = _statistics(plan)
        why = "greedy selection on rolling origins chooses their weights"
    else:
        plans = [plan]
        members = settings.ensemble.members or SEEDS_ALONE
        why = "one kind: there are too few forecasts in validation to choose by"
    reasons = {**plan.reasons, "parts": why, "members": f"{members} of each kind"}
    weight = 1 / len(plans)
    parts = []
    for number, variant in enumerate(plans):
        variant = replace(
            variant, members=members, seed=(plan.seed + SEEDS * number) % LARGEST_SEED
        )
        parts.append(part_of(variant, _name(variant, plan), weight=weight))
    return replace(
        plan,
        parts=tuple(parts),
        statistics=statistics,
        members=sum(part.members for part in parts),
        reasons=reasons,
    )


def _different(plans: Iterator[Plan]) -> list[Plan]:
    """The plans, without those that are equal to an earlier one."""
    kept: list[Plan] = []
    for plan in plans:
        if plan not in kept:
            kept.append(plan)
    return kept


# -- candidates --------------------------------------------------------------------------------


def _variants(
    panel: Panel, settings: Settings, plan: Plan, training: Sequence[Floats]
) -> Iterator[Plan]:
    """Plans between which validation chooses, the simplest first."""
    absolute = _absolute(settings, plan)
    yield plan
    yield absolute
    for other in _other_windows(panel, settings, plan, training):
        yield other
        yield _absolute(settings, other)
    yield _two_segments(settings, plan)
    yield _without_skip(settings, plan)
    yield _gru(settings, plan)
    yield _gru(settings, absolute)


def _absolute(settings: Settings, plan: Plan) -> Plan:
    """The same, trained on absolute errors, which need no squashing."""
    training = settings.training
    if training.loss != "mse" or plan.loss != "mse":
        return plan
    changed = replace(plan, loss="mae", squash=settings.network.squash or "none")
    if training.optimizer is None:
        changed = replace(changed, optimizer="adam", momentum=0.0)
        if training.learning_rate is None:
            changed = replace(changed, learning_rate=ABSOLUTE_RATE)
    return changed


def _gru(settings: Settings, plan: Plan) -> Plan:
    if settings.network.cell != "lstm":
        return plan
    return replace(plan, architecture=replace(plan.architecture, cell="gru"))


def _without_skip(settings: Settings, plan: Plan) -> Plan:
    if settings.network.skip is not None:
        return plan
    return replace(plan, architecture=replace(plan.architecture, skip="none"))


def _two_segments(settings: Settings, plan: Plan) -> Plan:
    lookback = plan.architecture.lookback
    has_steps = plan.architecture.attention != "none"
    if settings.window.segment is not None or lookback % 2 or lookback < 4 or has_steps:
        return plan
    return _with_window(settings, plan, lookback, lookback // 2)


def _other_windows(
    panel: Panel, settings: Settings, plan: Plan, training: Sequence[Floats]
) -> Iterator[Plan]:
    """Windows of half and of twice the length, and of the shortest season where there are several."""
    if settings.window.lookback is not None or plan.architecture.attention != "none":
        return
    lookback, season = plan.architecture.lookback, max(plan.level_steps, 1)
    setting = settings.window.segment
    for wanted in (lookback // 2, 2 * lookback):
        fits = wanted >= max(season, seasonal.SHORTEST) and wanted % season == 0
        if not fits or (wanted > lookback and not _has_room(panel, plan, wanted)):
            continue
        segment = seasonal.choose_segment(setting, wanted, season).value
        if wanted % segment == 0:
            yield _with_window(settings, plan, wanted, segment)

    if len(plan.seasons) > 1:
        yield _with_season(panel, settings, plan, training)


def _with_season(panel: Panel, settings: Settings, plan: Plan, training: Sequence[Floats]) -> Plan:
    """A window made of the shortest season."""
    season, horizon = min(plan.seasons), plan.horizon
    median = int(np.median(panel.lengths)) - plan.test
    room = int(panel.lengths.max()) - plan.test - plan.validation - horizon
    wanted = seasonal.choose_lookback(None, season, horizon, median, room).value
    segment = seasonal.choose_segment(settings.window.segment, wanted, season).value
    lookback = wanted // segment * segment
    if not lookback:
        return plan
    changed = _with_window(settings, plan, lookback, segment)
    lag = seasonal.choose_lag(training, season, lookback, horizon).value
    return replace(changed, level_steps=season, lag=lag)


def _with_window(settings: Settings, plan: Plan, lookback: int, segment: int) -> Plan:
    rate = seasonal.choose_learning_rate(settings.training.learning_rate, segment).value
    shape = replace(plan.architecture, lookback=lookback, segment=segment)
    return replace(plan, architecture=shape, learning_rate=rate)


def _has_room(panel: Panel, plan: Plan, lookback: int) -> bool:
    """Whether every series that can be read now can be read with this lookback, too.

    Not where there are holes, of which longer windows have more.
    """
    if np.isnan(panel.values).any():
        return False
    rows = panel.lengths[panel.lengths >= plan.architecture.lookback]
    held_out = plan.test + plan.validation
    return bool(len(rows)) and int(rows.min()) - held_out >= lookback + plan.horizon


def _statistics(plan: Plan) -> tuple[Statistic, ...]:
    """Forecasts that need no training; none where quantiles are learned."""
    if plan.loss == "quantile":
        return ()
    lookback = plan.architecture.lookback
    seasons = [season for season in plan.seasons if 2 * season <= lookback]
    repeated = [season for season in plan.seasons if season <= lookback]
    return (
        *(Statistic("theta", season, 0.0) for season in seasons or [1]),
        *(Statistic("seasonal_naive", season, 0.0) for season in repeated),
        Statistic("naive", 1, 0.0),
    )


# -- words -------------------------------------------------------------------------------------


def _name(plan: Plan, base: Plan) -> str:
    """What kind of network it is, in the words of the options."""
    shape, usual = plan.architecture, base.architecture
    words = [f"lookback {shape.lookback}"]
    if plan.level_steps != base.level_steps:
        words.append(f"season {plan.level_steps}")
    if shape.lookback == usual.lookback and shape.segment != usual.segment:
        words.append(f"segments of {shape.segment}")
    if shape.cell != usual.cell:
        words.append(shape.cell.upper())
    if shape.skip != usual.skip:
        words.append("no skip")
    words.append(plan.loss)
    return ", ".join(words)


def statistic_name(statistic: Statistic) -> str:
    """What it is called in messages."""
    names = {"naive": "naive", "seasonal_naive": "seasonal naive", "theta": "theta"}
    season = f" ({statistic.season})" if statistic.season > 1 else ""
    return names[statistic.kind] + season


def portfolio_shares(plan: Plan) -> list[str]:
    """Each part and each statistic that counts in the forecast with its weight, in words."""
    shares: list[tuple[float, str]] = [(part.weight, _counted(part)) for part in plan.parts]
    shares += [(one.weight, statistic_name(one)) for one in plan.statistics]
    return [f"{name} {weight:.0%}" for weight, name in shares if weight]


def _counted(part: Part) -> str:
    return f"{part.members} x {part.name}" if part.members > 1 else part.name
