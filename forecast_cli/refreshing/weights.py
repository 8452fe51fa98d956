"""Which settings change the weights of a network, and which of these are others than they were."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from forecast_cli.planning import Plan
from forecast_cli.settings import DataSettings, Settings

# Which rows and columns are learned from. The other settings of the reader say how a file is
# written, and may change with it.
OF_THE_DATA = (
    "time",
    "target",
    "id",
    "season",
    "past",
    "future",
    "static",
    "weight",
    "freq",
    "timezone",
    "where",
    "gaps",
    "duplicates",
)
GROUPS = ("window", "network", "training", "ensemble")
# Where and how fast the training runs.
OPERATIONAL = ("threads", "device", "time_limit")


def weight_settings(settings: Settings) -> dict[str, str]:
    """The settings that change the weights and are not left to their defaults, as JSON texts."""
    given = {}
    for name, value, default in _values(settings):
        if value != default:
            given[name] = json.dumps(value, default=str)
    return given


def _values(settings: Settings) -> Iterator[tuple[str, Any, Any]]:
    """The name, the value and the default of each setting that changes the weights."""
    for field in dataclasses.fields(DataSettings):
        if field.name in OF_THE_DATA:
            yield field.name, getattr(settings.data, field.name), field.default
    for group in GROUPS:
        values = getattr(settings, group)
        for field in dataclasses.fields(values):
            if field.name not in OPERATIONAL:
                yield field.name, getattr(values, field.name), field.default

    # With this loss, the quantiles of the levels are outputs of the network.
    if settings.training.loss == "quantile":
        levels = dataclasses.fields(settings.interval)[0]
        yield levels.name, settings.interval.levels, None


def changed_settings(
    asked: dict[str, str], before: dict[str, str] | None, plan: Plan, reading: DataSettings
) -> tuple[str, ...]:
    """The names of the settings that are others than at the last training.

    - asked: what `weight_settings` says of now; before: what it said then, None where that is not
      known: then those that were asked for are compared with the plan and the reading of the run
    """
    if before is not None:
        names = [*asked, *(name for name in before if name not in asked)]
        return tuple(name for name in names if asked.get(name) != before.get(name))
    return tuple(name for name, value in asked.items() if not _fits(name, value, plan, reading))


def _fits(name: str, value: str, plan: Plan, reading: DataSettings) -> bool:
    """Whether a run has a setting; true where its records do not say so."""
    if name == "season":  # 1 stands for no season
        seasons = [length for length in json.loads(value) if length > 1]
        return seasons == list(plan.seasons)
    for holder in (plan, plan.architecture, reading):
        if hasattr(holder, name):
            theirs = getattr(holder, name)
            return theirs is None or json.dumps(theirs, default=str) == value
    return True
