"""Which settings make a refresh train again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from forecast_cli.refreshing import changed_settings, weight_settings
from forecast_cli.sources import settings_from


def of(**named: Any) -> dict[str, str]:
    return weight_settings(settings_from(**named))


@pytest.mark.parametrize(
    "named",
    [
        {"digits": 2},
        {"levels": "50"},
        {"keep": 3},
        {"threads": 2},
        {"workers": 2},
        {"min_skill": 0.1},
        {"lock_wait": "10m"},
        {"alert_ratio": 2.0},
        {"skip_rows": 1},
    ],
)
def test_what_leaves_the_weights_as_they_are_is_no_reason_to_train(named: dict[str, Any]) -> None:
    assert of(**named) == of()


@pytest.mark.parametrize(
    "named",
    [{"horizon": 6}, {"units": "8"}, {"epochs": 3}, {"target": "y"}, {"members": 2}, {"seed": 2}],
)
def test_what_changes_the_weights_is_named(named: dict[str, Any]) -> None:
    (name,) = named
    assert list(of(**named)) == [name]


def test_levels_change_the_weights_of_a_network_that_learns_quantiles() -> None:
    assert of(loss="quantile", levels="50") != of(loss="quantile", levels="80")


def test_changes_are_named_in_both_directions(airline_store: Path) -> None:
    run = store.load(airline_store)
    plan, reading = run.config.plan, run.config.data
    assert changed_settings({"units": "[8]"}, {"units": "[8]"}, plan, reading) == ()
    assert changed_settings({"units": "[8]"}, {"seed": "3"}, plan, reading) == ("units", "seed")


def test_a_run_that_no_refresh_has_recorded_is_compared_with_what_was_asked_for(
    airline_store: Path,
) -> None:
    run = store.load(airline_store)
    plan, reading = run.config.plan, run.config.data
    same = of(epochs=3, units="8,6", seed=3)
    assert changed_settings(same, None, plan, reading) == ()
    assert changed_settings({}, None, plan, reading) == ()
    assert changed_settings(of(units="4", seed=3), None, plan, reading) == ("units",)
