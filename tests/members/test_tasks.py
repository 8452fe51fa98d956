"""What a member is given: its windows, and the state that it goes on from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast_cli import planning, windows
from forecast_cli.members.tasks import Task, resampled
from forecast_cli.panel import from_series
from forecast_cli.sources import settings_from
from forecast_cli.training import FitOptions, Snapshot, TrainingData

SINE = 10 + np.sin(np.arange(160) / 3) + 0.1 * np.random.default_rng(1).normal(size=160)
PANEL = from_series([SINE])


@given(st.integers(1, 300), st.integers(1, 80), st.integers(0, 99))
def test_bagging_draws_as_many_windows_in_blocks_of_neighbors(
    count: int, block: int, seed: int
) -> None:
    panel = from_series([np.arange(count + 9.0)])
    chosen = windows.between(panel, 6, 4, np.zeros(1, int), panel.lengths)
    drawn = resampled(chosen, block, np.random.default_rng(seed))
    assert len(drawn) == len(chosen)
    assert set(drawn.origins) <= set(chosen.origins)
    size = max(1, min(block, len(chosen) // 4))
    steps = np.diff(drawn.origins)
    inside = np.arange(1, len(drawn)) % size != 0
    assert ((steps == 1) | (steps == 1 - len(chosen)))[inside].all()


def test_a_task_goes_on_from_a_state_of_its_own_only() -> None:
    data = TrainingData(np.zeros(0), planning.make(PANEL, settings_from(horizon=4)))
    task = Task(data, (), FitOptions(stage="training 1 of 2"))
    snapshot = Snapshot({}, {})
    assert task.resumed(("training 1 of 2", snapshot)).options.resume is snapshot
    with pytest.raises(
        ValueError, match="a state of 'training 2 of 2' is none of 'training 1 of 2'"
    ):
        task.resumed(("training 2 of 2", snapshot))
