"""What a command is doing: its phases and the epochs of a training, told through one callback as they happen.

The core tells, `console` shows. Nothing but the standard library is imported here, so that the first thing can be
told before numpy, pandas and torch are loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """Something begins: its name for programs, and what it is in words.

    epochs: at most how many each member is going to be trained for, by its number; empty where none is trained.
    """

    name: str
    text: str
    epochs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Epoch:
    """An epoch is over: one line of the history.

    Losses are in units of the window's spread; NaN: not measured. clipped: share of steps; member: its number, from 1.
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
    """A member is trained, after as many epochs as it took."""

    member: int


def reading(source: str) -> Phase:
    """A file is read, or standard input (-)."""
    return Phase("reading", f"reading {'standard input' if source == '-' else source}")


Event = Phase | Epoch | MemberDone
Report = Callable[[Event], None]


def silent(event: Event) -> None:
    """A report that nobody hears."""
