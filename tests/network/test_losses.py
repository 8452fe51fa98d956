"""Losses against numbers worked out by hand: one series, one or two steps ahead."""

from __future__ import annotations

import typing

import numpy as np
import pytest
import torch
from torch import Tensor

from forecast_cli import choices
from forecast_cli.network import LOSSES, loss_function


def of_errors(name: choices.Loss, *errors: float) -> list[float]:
    """The loss of forecasts that are too high by these errors."""
    targets = torch.tensor([[10.0] * len(errors)])
    outputs = (targets + torch.tensor([errors]))[:, :, None]
    loss = loss_function(name)(outputs, targets)
    assert loss.shape == (1, len(errors))
    return loss[0].tolist()


def test_squared_errors() -> None:
    assert of_errors("mse", 0, 0.5, -3) == [0, 0.25, 9]


def test_absolute_errors() -> None:
    assert of_errors("mae", 0, 0.5, -3) == [0, 0.5, 3]


def test_huber_is_squared_up_to_one_and_straight_beyond() -> None:
    assert of_errors("huber", 0, 0.5, -0.5, 1, 3, -3) == [0, 0.125, 0.125, 0.5, 2.5, 2.5]


def test_pinball_weighs_errors_by_their_side_and_averages_over_the_quantiles() -> None:
    targets = torch.tensor([[10.0, 10.0]])
    outputs = torch.tensor([[[8.0, 10.0, 13.0], [12.0, 11.0, 9.0]]])
    found = loss_function("quantile", (0.1, 0.5, 0.9))(outputs, targets)
    # Too low by 2 costs 0.1 * 2, too high by 3 costs (1 - 0.9) * 3.
    first = (0.1 * 2 + 0 + 0.1 * 3) / 3
    # Too high by 2 costs (1 - 0.1) * 2, too high by 1 costs 0.5, too low by 1 costs 0.9.
    second = (0.9 * 2 + 0.5 * 1 + 0.9 * 1) / 3
    assert found[0].tolist() == pytest.approx([first, second])


@pytest.mark.parametrize(("level", "best"), [(0.1, 1.0), (0.5, 5.0), (0.9, 9.0)])
def test_pinball_is_smallest_at_the_quantile(level: float, best: float) -> None:
    targets = torch.arange(11.0)[:, None]
    candidates = np.arange(11.0)
    pinball = loss_function("quantile", (level,))
    means = [float(pinball(torch.full((11, 1, 1), value), targets).mean()) for value in candidates]
    assert candidates[int(np.argmin(means))] == best


@pytest.mark.parametrize(
    ("name", "slopes"),
    [("mse", [1, -6]), ("mae", [1, -1]), ("huber", [0.5, -1]), ("quantile", [0.5, -0.5])],
)
def test_gradients_by_hand(name: choices.Loss, slopes: list[float]) -> None:
    """Of errors of 0.5 and -3; the quantile is the median."""
    outputs = torch.tensor([[[10.5], [7.0]]], requires_grad=True)
    loss: Tensor = loss_function(name, (0.5,))(outputs, torch.full((1, 2), 10.0)).sum()
    loss.backward()
    assert outputs.grad is not None
    assert outputs.grad[0, :, 0].tolist() == slopes


def test_every_loss_that_can_be_chosen_is_in_the_table() -> None:
    assert list(LOSSES) == list(typing.get_args(choices.Loss))
