"""Members: seeds, bagging, boosting, and the same bytes side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import engine, forecasting, learning, planning, train, windows
from forecast_cli.errors import SettingsError
from forecast_cli.forecasting import prediction
from forecast_cli.members import Execution
from forecast_cli.panel import Panel, from_series
from forecast_cli.sources import settings_from
from tests.conftest import AIRLINE, Result

SINE = 10 + np.sin(np.arange(160) / 3) + 0.1 * np.random.default_rng(1).normal(size=160)
PANEL = from_series([SINE])


def learned(panel: Panel = PANEL, workers: int = 1, **changes: Any) -> learning.Learned:
    settings = settings_from(
        **{"horizon": 4, "lookback": 12, "units": "6", "epochs": 4, "members": 3, **changes}
    )
    with engine.opened(engine.Place()) as running:
        execution = Execution(engine=running, workers=workers)
        return learning.learn(panel, planning.make(panel, settings), execution)


def weights_of(found: learning.Learned) -> list[bytes]:
    return [
        b"".join(member[name].tobytes() for name in sorted(member))
        for member in found.model.members
    ]


@pytest.mark.parametrize(
    "kind", [{}, {"bagging": True}, {"boosting": True}], ids=["seeds", "bagging", "boosting"]
)
def test_members_differ(kind: dict[str, Any]) -> None:
    assert len(set(weights_of(learned(**kind, refit=False)))) == 3


@pytest.mark.parametrize("kind", ["bagging", "boosting"])
def test_members_are_the_same_in_sequence_and_in_parallel(kind: str) -> None:
    # Each round of members loads PyTorch in two processes: one round is enough here.
    asked: dict[str, Any] = {kind: True, "refit": False}
    assert weights_of(learned(**asked)) == weights_of(learned(workers=2, **asked))


def test_the_first_member_is_what_a_single_network_would_be() -> None:
    assert weights_of(learned())[0] == weights_of(learned(members=1))[0]


def test_members_are_combined_as_the_plan_says() -> None:
    outputs = np.array([1.0, 2.0, 6.0])[:, None, None, None]
    decided = planning.make(PANEL, settings_from(horizon=4, members=3))
    assert prediction.combine(decided, outputs).item() == 2
    assert prediction.combine(replace(decided, combine="mean"), outputs).item() == 3
    assert prediction.combine(replace(decided, boosting=True), outputs).item() == 9


def test_boosting_fits_what_is_left_over() -> None:
    """The more members add up, the smaller the error on what they were trained on."""
    found = learned(
        boosting=True, epochs=25, patience=0, dropout=0.0, test=0, validation=0, refit=False
    ).model
    chosen = windows.between(PANEL, 12, 4, np.zeros(1, int), PANEL.lengths)
    errors = [
        np.abs(
            forecasting.residuals(PANEL, replace(found, members=found.members[:count]), chosen)
        ).mean()
        for count in (1, 2, 3)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_the_spread_of_the_members_is_reported(forecast: Callable[..., Result]) -> None:
    words = ("--members", 3, "--bagging", "--epochs", 2, "--units", 4, "--workers", 1)
    result = forecast("train", AIRLINE, *words, "--json")
    found = json.loads(result.out)["metrics"]["members"]
    assert (found["count"], len(found["mae"]), len(found["best_epochs"])) == (3, 3, 3)
    assert found["spread"] > 0
    shown = forecast("runs", "show").out
    assert "their median over windows drawn in blocks" in shown
    history = (next(Path("forecast_runs/runs").iterdir()) / "history.csv").read_text().splitlines()
    assert history[0] == "epoch,training_loss,validation_loss,learning_rate,clipped,member"
    assert {line.split(",")[-1] for line in history[1:]} == {"1", "2", "3"}
    assert (
        forecast("predict").out
        == (next(Path("forecast_runs/runs").iterdir()) / "forecast.csv").read_text()
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bagging": True, "members": 1}, "--bagging needs --members 2 or more"),
        ({"boosting": True, "members": 1}, "--boosting needs --members 2 or more"),
        (
            {"members": 2, "bagging": True, "boosting": True},
            "--bagging does not go with --boosting",
        ),
        (
            {"members": 2, "boosting": True, "loss": "quantile"},
            "--boosting does not go with --loss quantile",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=message):
        train(AIRLINE, draw=False, store_folder=tmp_path / "runs", **settings)
    assert not (tmp_path / "runs").exists()


def test_a_script_without_a_guard_can_train_members(tmp_path: Path) -> None:
    """Spawned processes import the main module, which would train again; from Python nothing is spawned unasked."""
    script = tmp_path / "script.py"
    words = (
        f"{str(AIRLINE)!r}, store_folder={str(tmp_path / 'runs')!r}, members=2, epochs=1, units=4"
    )
    script.write_text(
        f"from forecast_cli import train\nprint(train({words}).metrics.members.count)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
