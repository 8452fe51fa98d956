"""Decisions that the rules of `seasonal` leave to validation, and the plans between which it chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast_cli.panel import Panel
from forecast_cli.planning import portfolio
from forecast_cli.planning import seasonal_rules as seasonal
from forecast_cli.planning.base_plan import allows_base, tuned_plan
from forecast_cli.planning.plan import Decided, Plan
from forecast_cli.planning.planner import make
from forecast_cli.planning.presets import PRESETS
from forecast_cli.planning.rules import count_windows
from forecast_cli.settings import Settings

SHORT_SERIES = 120  # rows to learn from, in the median


@dataclass(frozen=True)
class Candidate:
    """One way to decide, in words, and its values by the names of fields of Plan.

    from_base: whether training begins with the weights of the base network.
    """

    name: str
    values: Mapping[str, Any]
    from_base: bool = False

    def fixed(self, reason: str) -> dict[str, Decided[Any]]:
        """The decisions for `planning.make`."""
        return {name: Decided(value, reason) for name, value in self.values.items()}


def candidates(panel: Panel, settings: Settings, plan: Plan) -> tuple[Candidate, ...]:
    """What validation chooses between; fewer than two where there is nothing to choose.

    The lookback by the longest or by the shortest season, where there are several; and, for few
    long series, many or few steps, since more of them overfit some series and not others.
    """
    if not PRESETS[plan.preset].is_seasonal or not plan.validation:
        return ()
    if plan.parts and portfolio.chooses(plan, len(panel)):
        return ()  # the parts of a portfolio are its candidates

    steps = _step_counts(panel, settings, plan)
    found = []
    for season in _seasons(settings, plan):
        for count in steps:
            values: dict[str, Any] = {}
            words = []
            if season is not None:
                values["level_steps"] = season
                words.append(f"season {season}")
            if count is not None:
                values["epochs"] = seasonal.epochs_for(count, plan.epoch_batches)
                words.append(f"{count} steps")
            found.append(Candidate(", ".join(words) or "from scratch", values))
    if _may_begin_with_base(panel, settings, plan):
        found.append(Candidate("from the base network", {}, from_base=True))
    return tuple(found)


def plan_of(panel: Panel, settings: Settings, candidate: Candidate, reason: str) -> Plan:
    """The plan of a candidate. Raises what `make` raises."""
    plan = make(panel, settings, candidate.fixed(reason))
    return tuned_plan(panel, settings, plan) if candidate.from_base else plan


def _may_begin_with_base(panel: Panel, settings: Settings, plan: Plan) -> bool:
    """Whether a training from the base network is tried.

    It helps most where many series are short: a single one is too little to tune it by, and of
    long ones enough can be learned from scratch.
    """
    if plan.base is None or len(panel) < seasonal.FEW_SERIES:
        return False
    rows = float(np.median(panel.lengths)) - plan.validation - plan.test
    return rows <= SHORT_SERIES and allows_base(settings)


def _seasons(settings: Settings, plan: Plan) -> list[int | None]:
    """The seasons that a lookback may be made of; None where only one may."""
    if settings.window.lookback is not None or len(plan.seasons) < 2:
        return [None]
    return [max(plan.seasons), min(plan.seasons)]


def _step_counts(panel: Panel, settings: Settings, plan: Plan) -> list[int | None]:
    """The numbers of steps between which validation chooses; None for those of the rule."""
    held_out = plan.validation + plan.test
    windows = count_windows(panel, held_out, plan.lookback, plan.horizon)
    is_few_long = len(panel) < seasonal.FEW_SERIES and windows >= seasonal.FEW_WINDOWS
    if not is_few_long or settings.training.epochs is not None or plan.patience:
        return [None]
    return [seasonal.SHORT_STEPS, seasonal.LONG_STEPS]


def trial_epochs(panel: Panel, plan: Plan) -> int:
    """Epochs in which a candidate is tried: few for many series, which rank them as well."""
    is_few = len(panel) < seasonal.FEW_SERIES
    steps = seasonal.LONG_STEPS if is_few else seasonal.TRIAL_STEPS
    return min(plan.epochs, seasonal.epochs_for(steps, plan.epoch_batches))
