"""What long work reports while it runs: the phase that begins, and every epoch. Reports are values; `console` shows them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """A part of the work that begins now, in words such as `reading data.csv`."""

    text: str


@dataclass(frozen=True)
class Epoch:
    """One line of the history. Losses are in units of the window's spread; NaN: not measured. clipped: share of steps.

    epochs: the maximum number of epochs of this member; what it needed, once it is done.
    phase: `training` or `refit`; stage: the same with the number of the member, if there are several.
    """

    epoch: int
    training_loss: float
    validation_loss: float
    learning_rate: float
    best_epoch: int
    epochs: int
    stage: str
    clipped: float = 0.0
    phase: str = "training"
    member: int = 1
    members: int = 1


Report = Callable[[Phase | Epoch], None]


def silent(event: Phase | Epoch) -> None:
    """No-op progress callback."""
