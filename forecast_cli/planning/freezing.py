"""How many of the first layers keep the weights that a training begins with."""

from __future__ import annotations

from dataclasses import replace

from forecast_cli.errors import SettingsError
from forecast_cli.planning.plan import Decided, Plan
from forecast_cli.settings import Settings


def refuse_without_start(settings: Settings) -> None:
    """Raise SettingsError for --freeze where a training begins with random weights."""
    if settings.training.freeze is not None:
        raise SettingsError(
            "--freeze needs --from: random weights are not worth keeping",
            "leave out --freeze; forecast train --from base and --from RUN take it",
            option="freeze",
        )


def without_freeze(settings: Settings) -> Settings:
    """The settings of the same training from random weights."""
    return replace(settings, training=replace(settings.training, freeze=None))


def with_frozen_layers(plan: Plan, settings: Settings, rule: Decided[int]) -> Plan:
    """The plan with the number of layers that keep their weights: the setting, or that of a rule.

    With all of them, the output layer alone is trained. Raises SettingsError where the network
    does not have so many layers.
    """
    setting = settings.training.freeze
    if setting is None:
        return replace(plan, freeze=rule.value, reasons={**plan.reasons, "freeze": rule.reason})

    layers = len(plan.architecture.units)
    if setting > layers:
        has = "1 recurrent layer" if layers == 1 else f"{layers} recurrent layers"
        raise SettingsError(
            f"--freeze {setting}: the network has {has}",
            f"use --freeze {layers}, which trains the output layer alone, or a smaller number",
            option="freeze",
        )
    return replace(plan, freeze=setting)
