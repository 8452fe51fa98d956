"""The losses, which training makes small: a function for each, and the table of all.

A function takes outputs (B, H, Q) and targets (B, H), both in units of the window's spread, and
returns (B, H). torch is loaded by training alone, so the functions use methods of tensors, or
import from torch when they are called.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from forecast_cli import choices

if TYPE_CHECKING:
    from torch import Tensor

LossFunction = Callable[["Tensor", "Tensor"], "Tensor"]


@dataclass(frozen=True)
class LossKind:
    """What the program needs to know about a loss.

    title: its name in texts. function: from outputs and targets to the loss of each step.
    uses_quantiles: the network predicts quantiles (Q of them) and the function takes their
    levels, too; all other losses have Q = 1.
    """

    title: str
    function: Callable[..., Tensor]
    uses_quantiles: bool = False


def mse(outputs: Tensor, targets: Tensor) -> Tensor:
    """Squared error."""
    return (outputs[..., 0] - targets) ** 2


def mae(outputs: Tensor, targets: Tensor) -> Tensor:
    """Absolute error."""
    return (outputs[..., 0] - targets).abs()


def huber(outputs: Tensor, targets: Tensor) -> Tensor:
    """Huber (1964): half the squared error up to 1, the absolute error minus a half beyond."""
    from torch.nn.functional import huber_loss

    return huber_loss(outputs[..., 0], targets, reduction="none")


def pinball(outputs: Tensor, targets: Tensor, quantiles: tuple[float, ...]) -> Tensor:
    """Pinball loss (Koenker & Bassett 1978), averaged over the quantiles.

    max(q (y - f), (q - 1) (y - f))
    """
    errors = targets[..., None] - outputs
    levels = outputs.new_tensor(quantiles)
    return (levels * errors).maximum((levels - 1) * errors).mean(dim=-1)


LOSSES: dict[choices.Loss, LossKind] = {
    "mse": LossKind("mean squared error", mse),
    "mae": LossKind("mean absolute error", mae),
    "huber": LossKind("Huber loss", huber),
    "quantile": LossKind("pinball loss", pinball, uses_quantiles=True),
}


def loss_function(name: choices.Loss, quantiles: tuple[float, ...] = ()) -> LossFunction:
    """The loss of that name, as a function of outputs and targets."""
    kind = LOSSES[name]
    if kind.uses_quantiles:
        return functools.partial(kind.function, quantiles=quantiles)
    return kind.function
