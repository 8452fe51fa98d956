from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from forecast_cli import planning
from forecast_cli.panel import Panel, from_series
from forecast_cli.sources import settings_from

STEPS = np.arange(3000)
WAVES = np.sin(2 * np.pi * STEPS / 24) + np.sin(2 * np.pi * STEPS / 168) + 5


def names(panel: Panel, **settings: Any) -> list[str]:
    parsed = settings_from(**{"horizon": 24, "season": "24,168", "preset": "auto", **settings})
    plan = planning.make(panel, parsed)
    return [candidate.name for candidate in planning.candidates(panel, parsed, plan)]


def test_a_long_series_with_two_seasons_has_four_candidates() -> None:
    assert names(from_series([WAVES])) == [
        "season 168, 100 steps",
        "season 168, 400 steps",
        "season 24, 100 steps",
        "season 24, 400 steps",
    ]


def test_many_series_choose_between_seasons_alone() -> None:
    panel = from_series([WAVES[i:] for i in range(12)], ids=[str(i) for i in range(12)])
    assert names(panel) == ["season 168", "season 24"]


@pytest.mark.parametrize(
    "settings", [{"preset": "bilstm"}, {"preset": "classic"}, {"validation": 0}]
)
def test_other_presets_and_no_validation_leave_nothing_to_choose(settings: dict[str, Any]) -> None:
    assert names(from_series([WAVES]), **settings) == []


def test_what_was_asked_for_is_not_chosen_again() -> None:
    assert names(from_series([WAVES]), lookback=48, epochs=3) == ["from scratch"]
    assert names(from_series([WAVES]), epochs=3) == ["season 168", "season 24"]


def test_a_candidate_decides_what_follows_from_it() -> None:
    panel, settings = (
        from_series([WAVES]),
        settings_from(horizon=24, season="24,168", preset="auto"),
    )
    plan = planning.make(panel, settings)
    *_, shortest = planning.candidates(panel, settings, plan)
    chosen = planning.make(panel, settings, shortest.fixed("won"))
    assert (plan.level_steps, plan.lookback) == (168, 168)
    assert (chosen.level_steps, chosen.lookback, chosen.architecture.segment) == (24, 48, 16)
    assert chosen.reasons["level_steps"] == "won"
