"""Losses: functions of outputs (B, H, Q) and targets (B, H) in units of the window's spread, one number per step, (B, H).

All but `quantile` look at the one answer per step, so Q is 1 for them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]


def mse(outputs: Tensor, targets: Tensor) -> Tensor:
    """Squared error."""
    return (outputs[..., 0] - targets) ** 2


def mae(outputs: Tensor, targets: Tensor) -> Tensor:
    """Absolute error."""
    return (outputs[..., 0] - targets).abs()


def huber(outputs: Tensor, targets: Tensor) -> Tensor:
    """Huber (1964): half the squared error up to 1, the absolute error less a half beyond."""
    return torch.nn.functional.huber_loss(outputs[..., 0], targets, reduction="none")


def quantile(quantiles: tuple[float, ...]) -> Loss:
    """Pinball loss (Koenker & Bassett 1978): max(q (y - f), (q - 1) (y - f)), the mean over the quantiles."""

    def pinball(outputs: Tensor, targets: Tensor) -> Tensor:
        over = targets[..., None] - outputs
        q = outputs.new_tensor(quantiles)
        return torch.maximum(q * over, (q - 1) * over).mean(dim=-1)

    return pinball


def named(name: str, quantiles: tuple[float, ...] = ()) -> Loss:
    """The loss of that name."""
    if name == "quantile":
        return quantile(quantiles)
    return {"mse": mse, "mae": mae, "huber": huber}[name]
