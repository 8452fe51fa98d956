"""What a run says about itself."""

from __future__ import annotations

from forecast_cli.fields import Digits
from forecast_cli.panel import Panel
from forecast_cli.planning import Plan
from forecast_cli.store import RunConfig


def run_config(panel: Panel, plan: Plan, digits: Digits) -> RunConfig:
    """What a run says about its data, and how it is run on them."""
    return RunConfig(
        plan=plan,
        data=panel.reading,
        source=panel.source,
        columns=panel.columns,
        frequency=panel.frequency,
        time_format=panel.time_format,
        past=list(panel.past_names),
        future=list(panel.future_names),
        static=list(panel.static_names),
        levels={name: list(levels) for name, levels in panel.levels.items()},
        digits=digits,
    )
