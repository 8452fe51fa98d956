"""Losses: functions of outputs and targets, both (B, horizon) in units of the window's spread."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def mse(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean squared error."""
    return ((outputs - targets) ** 2).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mse": mse}
