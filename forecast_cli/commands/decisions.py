"""What a training would use, and why: for `train --print-config` and `check`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forecast_cli import config, console
from forecast_cli.config import GROUPS, Given

if TYPE_CHECKING:
    from forecast_cli.panel import Panel
    from forecast_cli.planning import Plan

SCHEMA = "forecast/print-config/v1"
SETTINGS = {"seasons": "season"}  # names in a plan that differ from the setting that gives them


@dataclass(frozen=True)
class Decision:
    """One value that would be used; `origin`: command line, environment, file, default, or rule."""

    name: str
    value: Any
    why: str
    origin: str


def decisions(panel: Panel, plan: Plan, given: Given, store: str) -> list[Decision]:
    """Every value of the reading and of the plan, each with its reason and with what gave it."""
    from forecast_cli import tables

    reading, defaults = panel.reading, _defaults()
    found = []
    for field in dataclasses.fields(reading):
        value = getattr(reading, field.name)
        if field.name in SETTINGS.values() or (
            value is None and field.name not in ("time", "target", "id")
        ):
            continue
        why = "there is none" if value is None else "" if value == field.default else "recognized"
        found.append(_decision(field.name, value, why, given))
    for name, value in _flat(plan):
        default = defaults.get(SETTINGS.get(name, name))
        usual = default is not None and text(value) == text(default)
        why = plan.reasons.get(name) or ("" if usual else f"preset {plan.preset}")
        found.append(_decision(name, value, why, given))
    digits = config.digits(given.values.get("digits"))
    if digits is None:
        digits = tables.decimals(panel)
    return [
        *found,
        _decision(
            "digits",
            digits,
            "the decimals of the data and 3 more, and at least 7 significant digits",
            given,
        ),
        _decision("store", store, "", given),
    ]


def _defaults() -> dict[str, Any]:
    return {
        field.name: field.default
        for group in GROUPS.values()
        for field in dataclasses.fields(group)
    }


def _flat(plan: Plan) -> list[tuple[str, Any]]:
    """The fields of a plan, those of its architecture among them."""
    found: list[tuple[str, Any]] = []
    for field in dataclasses.fields(plan):
        value = getattr(plan, field.name)
        if dataclasses.is_dataclass(value):
            found += [
                (inner.name, getattr(value, inner.name)) for inner in dataclasses.fields(value)
            ]
        elif field.name != "reasons":
            found.append((field.name, value))
    return found


def _decision(name: str, value: Any, why: str, given: Given) -> Decision:
    setting = SETTINGS.get(name, name)
    if setting in given.origins:
        return Decision(name, value, f"as given {given.place(setting)}", given.origins[setting])
    return Decision(name, value, why or "default", "rule" if why else "default")


def text(value: Any) -> str:
    """A value as one would write it in the file of settings."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(text, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def show(found: list[Decision]) -> None:
    """A table on a terminal, one line a value elsewhere: `lookback 48: two seasons of 24`."""
    if console.stdout_is_terminal():
        console.table(
            "",
            ["setting", "value", "why"],
            [[d.name, text(d.value), d.why] for d in found],
            text_columns=3,
        )
        return
    lines = [console.escape(f"{d.name} {text(d.value)}: {d.why}") for d in found]
    console.emit(("\n".join(lines) + "\n").encode())


def document(found: list[Decision], source: str, warnings: list[str]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "exit_code": 0,
        "source": source,
        "settings": listed(found),
        "warnings": warnings,
    }


def listed(found: list[Decision]) -> list[dict[str, Any]]:
    return [{"name": d.name, "value": d.value, "why": d.why, "from": d.origin} for d in found]
