from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from forecast_cli import planning, training, windows
from forecast_cli.errors import DivergedError
from forecast_cli.panel import from_series
from forecast_cli.progress import Epoch, Event
from forecast_cli.sources import settings_from
from forecast_cli.training import FitOptions, Fitted, Fold, TrainingData

PANEL = from_series([np.sin(np.arange(200) / 3) + 0.1 * np.random.default_rng(1).normal(size=200)])


def learn(*, steps: int | None = None, **changes: object) -> tuple[Fitted, list[Epoch]]:
    seen: list[Epoch] = []

    def report(event: Event) -> None:
        if isinstance(event, Epoch):
            seen.append(event)

    settings = settings_from(
        **{"horizon": 5, "lookback": 20, "units": "8,6", "epochs": 6, "seed": 4, **changes}
    )
    decided = planning.make(PANEL, settings)
    cut = windows.split(PANEL, 40, 0)
    fold = Fold(
        windows.between(PANEL, 20, 5, np.zeros(1, int), cut.training),
        windows.between(PANEL, 20, 5, cut.training, cut.validation),
    )
    return training.fit(
        TrainingData(PANEL.values, decided), [fold], report, FitOptions(steps=steps)
    ), seen


def test_training_lowers_the_loss_and_reports_every_epoch() -> None:
    fitted, seen = learn(epochs=30, learning_rate=0.01)
    assert [e.epoch for e in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].training_loss < 0.7 * seen[0].training_loss
    assert tuple(seen) == fitted.history


def test_the_best_weights_are_kept_and_their_steps_counted() -> None:
    fitted, seen = learn(epochs=30, patience=29, schedule="constant")
    losses = [e.validation_loss for e in seen]
    assert fitted.best_epoch == 1 + int(np.argmin(losses))
    again, _ = learn(epochs=fitted.best_epoch, schedule="constant")
    assert all(np.array_equal(fitted.weights[name], again.weights[name]) for name in fitted.weights)
    assert (
        fitted.steps
        == fitted.best_epoch
        * planning.make(PANEL, settings_from(horizon=5, lookback=20)).epoch_batches
    )


def test_patience_stops_and_no_patience_does_not() -> None:
    assert len(learn(epochs=500, patience=2, learning_rate=0.05)[1]) < 100
    fitted, seen = learn(epochs=12, patience=0)
    assert len(seen) == fitted.best_epoch == 12


def test_equal_seeds_give_equal_bytes_and_other_seeds_others() -> None:
    first, second, third = learn()[0].weights, learn()[0].weights, learn(seed=5)[0].weights
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)
    assert any(first[name].tobytes() != third[name].tobytes() for name in first)


def test_the_callers_random_numbers_and_threads_are_left_alone() -> None:
    torch.manual_seed(9)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(9)
    learn(threads=1)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_a_refit_takes_exactly_the_steps_asked_for() -> None:
    fitted, seen = learn(steps=7)
    assert fitted.steps == 7
    assert seen[-1].epochs == len(seen)


def test_a_loss_that_is_not_finite_is_an_error_of_its_own() -> None:
    values = PANEL.values.copy()
    values[50] = np.inf
    decided = replace(
        planning.make(PANEL, settings_from(horizon=5, lookback=20, units="4", epochs=2)),
        target_clip=0.0,
    )
    everything = windows.between(PANEL, 20, 5, np.zeros(1, int), PANEL.lengths)
    with np.errstate(invalid="ignore"), pytest.raises(DivergedError) as caught:
        training.fit(TrainingData(values, decided), [Fold(everything)], lambda epoch: None)
    assert caught.value.exit_code == 22
