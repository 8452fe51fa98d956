from __future__ import annotations

import numpy as np
import pytest

from forecast_cli import candidates, learning, planning
from forecast_cli.errors import DivergedError
from forecast_cli.members import Execution
from forecast_cli.panel import from_series
from forecast_cli.progress import Event, Phase
from forecast_cli.sources import settings_from

STEPS = np.arange(1600)
DAYS = np.sin(2 * np.pi * STEPS / 12) + np.sin(2 * np.pi * STEPS / 60) / 3
PANEL = from_series([5 + DAYS])
SETTINGS = settings_from(
    horizon=6, season="12,60", preset="auto", units="4", batch_size=32, members=1
)


def test_the_candidate_with_the_smallest_error_is_chosen_and_all_are_kept() -> None:
    events: list[Event] = []
    plan = planning.make(PANEL, SETTINGS)
    chosen = candidates.choose(PANEL, SETTINGS, plan, Execution(events.append))
    best = min(chosen.trials, key=lambda trial: trial.error)
    assert [trial.chosen for trial in chosen.trials].count(True) == 1
    assert best.chosen
    assert len(chosen.trials) == 4
    assert best.name in chosen.reasons["level_steps"]
    first = next(event for event in events if isinstance(event, Phase))
    assert first.text == "trying season 60, 100 steps (1 of 4)"


def test_equal_data_choose_alike() -> None:
    plan = planning.make(PANEL, SETTINGS)
    first, second = (candidates.choose(PANEL, SETTINGS, plan, Execution()) for _ in range(2))
    assert first == second


def test_a_candidate_that_diverges_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fit_once = learning.fit_once

    def fail_for_the_long_season(*arguments: object) -> object:
        if arguments[1].level_steps == 60:  # type: ignore[attr-defined]
            raise DivergedError("no", "no")
        return fit_once(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(learning, "fit_once", fail_for_the_long_season)
    chosen = candidates.choose(PANEL, SETTINGS, planning.make(PANEL, SETTINGS), Execution())
    assert len(chosen.trials) == 2
    assert chosen.level_steps == 12


def test_without_a_choice_the_plan_stays() -> None:
    settings = settings_from(horizon=6, season="12", preset="auto", units="4", epochs=2)
    plan = planning.make(PANEL, settings)
    assert candidates.choose(PANEL, settings, plan, Execution()) is plan
