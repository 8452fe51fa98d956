"""What a training would use, and why: for `train --print-config` and `check`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.settings import Settings
from forecast_cli.sources import SettingSources

if TYPE_CHECKING:
    from forecast_cli.panel import Panel
    from forecast_cli.planning import Plan

SCHEMA = "forecast/print-config/v1"
COLUMNS = ("time", "target", "id")  # shown even where there is none
DIGITS_RULE = "the decimals of the data and 3 more, and at least 7 significant digits"


@dataclass(frozen=True)
class Decision:
    """One value that would be used.

    origin: `command line`, `environment`, `file`, `default` or `rule`.
    """

    name: str
    value: Any
    why: str
    origin: str


def decisions(
    panel: Panel, plan: Plan, settings: Settings, sources: SettingSources, store: str
) -> list[Decision]:
    """Every value of the reading and of the plan, each with its reason and its origin."""
    from forecast_cli import tables

    digits = settings.output.digits
    if digits is None:
        digits = tables.decimals(panel)
    return [
        *_of_reading(panel, sources),
        *_of_plan(plan, sources),
        *_candidates(panel, plan, settings),
        *_start(panel, plan, settings),
        *_portfolio(plan),
        _decision("digits", digits, DIGITS_RULE, sources),
        _decision("device", settings.training.device, "", sources),
        *_required(settings, sources),
        _decision("store", store, "", sources),
    ]


def _of_reading(panel: Panel, sources: SettingSources) -> list[Decision]:
    from forecast_cli.planning import OPTIONS

    found = []
    for field in dataclasses.fields(panel.reading):
        value = getattr(panel.reading, field.name)
        if field.name in OPTIONS.values() or (value is None and field.name not in COLUMNS):
            continue
        why = "" if value == field.default else "recognized"
        if value is None:
            why = "there is none"
        found.append(_decision(field.name, value, why, sources))
    return found


def _of_plan(plan: Plan, sources: SettingSources) -> list[Decision]:
    from forecast_cli import planning

    found = []
    for name, value in planning.values_by_name(plan).items():
        if name == "base":
            continue  # `start` says what it is for
        why = planning.reason_of(plan, name, value)
        found.append(_decision(name, value, why, sources))
    return found


def _candidates(panel: Panel, plan: Plan, settings: Settings) -> list[Decision]:
    """What validation would choose between; nothing where the rules have decided."""
    from forecast_cli import planning

    names = [candidate.name for candidate in planning.candidates(panel, settings, plan)]
    if len(names) < 2:
        return []
    return [Decision("candidates", "; ".join(names), "validation chooses between them", "rule")]


def _required(settings: Settings, sources: SettingSources) -> list[Decision]:
    """How good the network must be, where that was asked for."""
    wanted = settings.accuracy.min_skill
    return [] if wanted is None else [_decision("min_skill", wanted, "", sources)]


def _start(panel: Panel, plan: Plan, settings: Settings) -> list[Decision]:
    """What the base network is tried for, which validation decides."""
    from forecast_cli import planning

    if plan.base is None:
        return []
    why = "how much of the forecast is the base network's"
    if any(one.from_base for one in planning.candidates(panel, settings, plan)):
        why += ", and whether training begins with its weights"
    return [Decision("start", "base or scratch, chosen by validation when training", why, "rule")]


def _portfolio(plan: Plan) -> list[Decision]:
    """The kinds of networks of a portfolio, and its other forecasts."""
    from forecast_cli.planning import statistic_name

    if not plan.parts:
        return []
    why = plan.reasons["parts"]
    found = [Decision("parts", "; ".join(part.name for part in plan.parts), why, "rule")]
    if plan.statistics:
        names = "; ".join(map(statistic_name, plan.statistics))
        found.append(Decision("statistics", names, why, "rule"))
    return found


def _decision(name: str, value: Any, why: str, sources: SettingSources) -> Decision:
    from forecast_cli.planning import OPTIONS

    option = OPTIONS.get(name, name)
    if option in sources.origins:
        return Decision(name, value, f"as given {sources.place(option)}", sources.origins[option])
    return Decision(name, value, why or "default", "rule" if why else "default")


# -- showing them ------------------------------------------------------------------------------


def text(value: Any) -> str:
    """A value as one would write it in the file of settings."""
    from forecast_cli.planning import written

    return written(value)


def show(shown: list[Decision]) -> None:
    """A table on a terminal, one line per value elsewhere: `lookback 48: two seasons of 24`."""
    if console.stdout_is_terminal():
        rows = [[each.name, text(each.value), each.why] for each in shown]
        console.table("", ["setting", "value", "why"], rows, text_columns=3)
    else:
        console.lines([f"{each.name} {text(each.value)}: {each.why}" for each in shown])


def document(shown: list[Decision], source: str, warnings: list[str]) -> dict[str, Any]:
    """The decisions as the JSON document of --print-config."""
    return {
        "schema": SCHEMA,
        "exit_code": 0,
        "source": source,
        "settings": as_dicts(shown),
        "warnings": warnings,
    }


def as_dicts(shown: list[Decision]) -> list[dict[str, Any]]:
    """The decisions as JSON objects."""
    return [
        {"name": each.name, "value": each.value, "why": each.why, "from": each.origin}
        for each in shown
    ]
