"""Which kinds of networks a portfolio chooses from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from forecast_cli import planning
from forecast_cli.panel import Panel, from_series
from forecast_cli.planning import Plan
from forecast_cli.sources import settings_from


def a_panel(count: int, rows: int = 200) -> Panel:
    random = np.random.default_rng(5)
    season = np.sin(2 * np.pi * np.arange(rows) / 6)
    return from_series([9 + season + random.normal(0, 0.3, rows) for _ in range(count)])


def plan_of(panel: Panel, **named: Any) -> Plan:
    asked = {"preset": "accurate", "horizon": 6, "season": "6", **named}
    return planning.make(panel, settings_from(**asked))


def names(plan: Plan) -> list[str]:
    return [part.name for part in plan.parts]


def test_many_series_have_several_kinds_of_the_same_weight_and_statistics() -> None:
    plan = plan_of(a_panel(40))

    assert names(plan) == [
        "lookback 12, mse",
        "lookback 12, mae",
        "lookback 6, mse",
        "lookback 6, mae",
        "lookback 24, mse",
        "lookback 24, mae",
        "lookback 12, segments of 6, mse",
        "lookback 12, no skip, mse",
        "lookback 12, GRU, mse",
        "lookback 12, GRU, mae",
    ]
    assert {part.weight for part in plan.parts} == {0.1}
    assert len({part.seed for part in plan.parts}) == 10
    assert [(one.kind, one.season) for one in plan.statistics] == [
        ("theta", 6),
        ("seasonal_naive", 6),
        ("naive", 1),
    ]
    assert plan.validation == 12


@pytest.mark.parametrize(
    ("named", "word"),
    [
        ({"cell": "gru"}, "GRU"),
        ({"loss": "mae"}, "mse"),
        ({"skip": "linear"}, "no skip"),
        ({"lookback": 12}, "lookback 24"),
        ({"segment": 3}, "segments"),
    ],
)
def test_what_the_user_sets_holds_for_every_kind(named: dict[str, Any], word: str) -> None:
    with_all, with_setting = plan_of(a_panel(40)), plan_of(a_panel(40), **named)

    assert any(word in name for name in names(with_all))
    assert not any(word in name for name in names(with_setting))


def test_windows_are_not_longer_where_a_series_would_become_too_short() -> None:
    series = [a_panel(1, rows).values for rows in [200] * 40 + [38]]
    plan = plan_of(from_series(series))

    assert plan.lookback == 12


def test_windows_are_not_longer_where_there_are_holes() -> None:
    panel = a_panel(40)
    values = panel.values.copy()
    values[1000] = np.nan

    assert plan_of(replace(panel, values=values)).lookback == 12


def test_too_few_series_have_one_kind_and_no_statistics() -> None:
    plan = plan_of(a_panel(20))

    assert (len(plan.parts), plan.statistics, plan.members) == (1, (), 10)
    assert plan.reasons["parts"] == (
        "one kind: there are too few forecasts in validation to choose by"
    )


def test_members_that_were_asked_for_are_trained_of_the_one_kind() -> None:
    assert plan_of(a_panel(2), members=3).members == 3


def test_learned_quantiles_leave_no_statistics_and_no_other_loss() -> None:
    plan = plan_of(a_panel(40), loss="quantile")

    assert plan.statistics == ()
    assert {part.loss for part in plan.parts} == {"quantile"}


def test_series_that_are_too_short_for_three_origins_have_one() -> None:
    assert plan_of(a_panel(40, rows=60)).validation == 6
