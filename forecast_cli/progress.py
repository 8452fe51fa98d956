"""What a command is doing: its phases and the epochs of a training, told through one callback.

The core reports, `console` shows. Only the standard library is imported here, so that the first
event can be reported before numpy, pandas and torch are loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """Something begins. name: for programs; text: for people.

    epochs: the number of each member and the maximum number of its epochs; empty where nothing is
    trained.
    """

    name: str
    text: str
    epochs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Epoch:
    """An epoch is over: one line of the history.

    The losses are in units of the window's spread, and NaN where they were not measured. clipped:
    the share of steps whose gradients were clipped; member: its number, from 1.
    """

    epoch: int
    training_loss: float
    validation_loss: float
    learning_rate: float
    best_epoch: int
    epochs: int
    stage: str
    clipped: float = 0.0
    member: int = 1


@dataclass(frozen=True)
class MemberDone:
    """The training of a member is over, whether or not it took all of its epochs."""

    member: int


@dataclass(frozen=True)
class Waiting:
    """The phase has to wait for something, and goes on afterwards. text: for people."""

    text: str


def reading(source: str) -> Phase:
    """The phase in which a file is read, or standard input (-)."""
    return Phase("reading", f"reading {'standard input' if source == '-' else source}")


Event = Phase | Epoch | MemberDone | Waiting
Report = Callable[[Event], None]


def silent(event: Event) -> None:
    """No-op progress callback."""
