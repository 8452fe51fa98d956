"""The values of a plan one by one, for people: by name, as text, with their reasons."""

from __future__ import annotations

import dataclasses
from typing import Any

from forecast_cli.planning.plan import Plan
from forecast_cli.planning.planner import COPIED
from forecast_cli.planning.rules import AS_GIVEN
from forecast_cli.settings import fields_by_name

# Names in a plan that differ from the option that gives them.
OPTIONS = {"seasons": "season", "warm_start": "from"}

# What nobody but the user changes.
_AS_SET = {"calendar", "levels", *(name for names in COPIED.values() for name in names)}
_WITHOUT_A_LINE = ("reasons", "trials", "parts", "statistics")
# Measured after the training, and not a setting.
_MEASURED = ("noise_power", "noise_usual", "symmetric")
INTERVALS = {
    "conformal": "errors on rows that were not trained on",
    "quantile": "quantiles that the network learns",
    "dropout": "errors on rows that were not trained on, and dropout",
}


def values_by_name(plan: Plan) -> dict[str, Any]:
    """The fields of a plan, those of its architecture among them; of the base network its weight."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(plan):
        value = getattr(plan, field.name)
        if field.name == "base":
            values["base"] = None if value is None else value.weight
        elif field.name == "interval":
            values["interval"] = plan.interval_kind
        elif dataclasses.is_dataclass(value):
            inner = [each.name for each in dataclasses.fields(value) if each.name != "by_season"]
            values |= {name: getattr(value, name) for name in inner}
        elif field.name not in (*_WITHOUT_A_LINE, *_MEASURED):
            values[field.name] = value
    return values


def reason_of(plan: Plan, name: str, value: Any) -> str:
    """Why a value of a plan is as it is; an empty text where it is what it is by default."""
    reason = plan.reasons.get(name, "")
    if name == "interval" and plan.interval is None:
        return INTERVALS[plan.interval_kind]
    if reason or _is_default(name, value):
        return reason
    return AS_GIVEN if name in _AS_SET else f"preset {plan.preset}"


def _is_default(name: str, value: Any) -> bool:
    """Whether a value of a plan is what its setting is by default."""
    if name in ("warm_start", "freeze"):
        return not value  # by default, a training starts from random weights, and keeps none
    setting = fields_by_name().get(OPTIONS.get(name, name))
    if setting is None or setting.default is None:
        return False
    return written(value) == written(setting.default)


def written(value: Any) -> str:
    """A value as one would write it in the file of settings."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(written, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
