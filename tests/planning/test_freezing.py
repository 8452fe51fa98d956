"""How many of the first layers keep the weights that a training begins with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from forecast_cli import planning
from forecast_cli.errors import SettingsError
from forecast_cli.panel import Panel, from_series
from forecast_cli.planning import Decided, Plan
from forecast_cli.settings import Settings
from forecast_cli.sources import settings_from


def panel_of(count: int, length: int = 60) -> Panel:
    step = np.arange(float(length))
    return from_series([10 + n + np.sin(step / 12 * 2 * np.pi) + step / 50 for n in range(count)])


def tuned(panel: Panel, **asked: Any) -> Plan:
    settings = settings_from(horizon=6, season="12", **asked)
    scratch = planning.make(panel, planning.without_freeze(settings))
    return planning.tuned_plan(panel, settings, scratch)


def test_the_first_layer_keeps_its_weights_where_windows_are_few() -> None:
    few = tuned(panel_of(3))
    assert (few.freeze, few.reasons["freeze"]) == (
        1,
        "39 windows are few: the first layer keeps its weights",
    )
    many = tuned(panel_of(60))
    assert (many.freeze, many.reasons["freeze"]) == (0, "1,140 windows are enough for all layers")


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_the_setting_comes_before_the_rule(layers: int) -> None:
    plan = tuned(panel_of(3), freeze=layers)
    assert plan.freeze == layers
    assert "freeze" not in plan.reasons


def test_more_layers_than_there_are_cannot_keep_their_weights() -> None:
    with pytest.raises(SettingsError) as caught:
        tuned(panel_of(3), freeze=3)
    assert caught.value.message == "--freeze 3: the network has 2 recurrent layers"
    assert caught.value.hint == (
        "use --freeze 2, which trains the output layer alone, or a smaller number"
    )

    plan = planning.make(panel_of(3), settings_from(horizon=6, units="4"))
    with pytest.raises(SettingsError, match=r"^--freeze 2: the network has 1 recurrent layer$"):
        planning.with_frozen_layers(plan, settings_from(freeze=2), Decided(0))


@pytest.mark.parametrize("layers", [0, 1])
def test_random_weights_are_not_kept(layers: int) -> None:
    with pytest.raises(SettingsError) as caught:
        planning.make(panel_of(3), settings_from(horizon=6, freeze=layers))
    assert caught.value.message == "--freeze needs --from: random weights are not worth keeping"
    assert caught.value.hint == (
        "leave out --freeze; forecast train --from base and --from RUN take it"
    )
    assert (caught.value.option, caught.value.exit_code) == ("freeze", 2)


def test_settings_without_it_are_otherwise_the_same() -> None:
    settings = settings_from(freeze=1, epochs=7)
    assert planning.without_freeze(settings) == settings_from(epochs=7)
    assert planning.without_freeze(Settings()) == Settings()


def test_a_plan_of_more_frozen_layers_than_there_are_is_no_plan() -> None:
    from forecast_cli.store import bounds

    plan = tuned(panel_of(3))
    assert bounds.check_plan(plan) == plan
    with pytest.raises(ValueError, match="freeze"):
        bounds.check_plan(replace(plan, freeze=3))
