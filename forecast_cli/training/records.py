"""What goes into a training, and what comes out. Nothing here needs torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast_cli import choices
from forecast_cli.calendar import Ints
from forecast_cli.covariates import Covariates
from forecast_cli.panel import Floats
from forecast_cli.planning import Plan
from forecast_cli.progress import Epoch
from forecast_cli.windows import Windows

Weights = dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Fold:
    """Windows to train on, and windows of later rows that say when to stop."""

    training: Windows
    validation: Windows | None = None


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What is learned from.

    - values: (N,) transformed values of all series
    - offsets: (S + 1,) where each series begins and ends
    - covariates: theirs, if there are any
    - sample_weights: (N,) how much each row counts in the loss; empty: all the same
    """

    values: Floats
    plan: Plan
    offsets: Ints = field(default_factory=lambda: np.zeros(1, np.int64))
    covariates: Covariates | None = None
    sample_weights: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a training leaves.

    - folds: the weights of every fold's network at the best epoch; those of the first are kept
    - history: a line for every epoch
    - steps: how many steps led to the best epoch
    - expired: whether time was up
    - device: where it was trained
    """

    folds: tuple[Weights, ...]
    history: tuple[Epoch, ...]
    best_epoch: int
    steps: int
    expired: bool = False
    device: choices.TrainedOn = "cpu"

    @property
    def weights(self) -> Weights:
        return self.folds[0]


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A training between two epochs: all arrays and all numbers that decide what comes next."""

    arrays: dict[str, NDArray[Any]]
    record: dict[str, Any]


class Share(Protocol):
    """What a worker does of a training that several workers carry out together.

    All of them hold the same network and draw the same batches. Each takes its rows of a batch;
    what they find is added up, so that all take the same step.
    """

    @property
    def rank(self) -> int:
        """The number of this worker, from 0."""

    @property
    def count(self) -> int:
        """The number of workers."""

    def add_up(self, tensors: Sequence[Any]) -> None:
        """Replace each tensor, in place, by its sum over all workers.

        Raises WorkerLostError where one of them is gone.
        """

    def agreed(self, answer: bool) -> bool:
        """The answer of worker 0, for all. Raises WorkerLostError where one of them is gone."""


@dataclass(frozen=True)
class Alone:
    """The share of a worker that has no others beside it: everything."""

    rank: int = 0
    count: int = 1

    def add_up(self, tensors: Sequence[Any]) -> None:
        """The sum over one worker is there already."""

    def agreed(self, answer: bool) -> bool:
        return answer


ALONE = Alone()


@dataclass(frozen=True)
class FitOptions:
    """How a training runs, beyond what it learns.

    - stage: its name in the history
    - member: the number of the member, from 1
    - steps: train exactly so many batches (a refit)
    - previous_members: the weights of every fold of each, whose forecasts are taken off the
      targets (boosting)
    - start: weights to begin with
    - keep: is called with a Snapshot after every epoch; resume: a Snapshot to go on from
    - deadline: when to stop with the best so far, in time.monotonic()
    - device: where to train
    - share: what this worker does of the training, where several carry it out together
    """

    stage: str = "training"
    member: int = 1
    steps: int | None = None
    previous_members: tuple[tuple[Weights, ...], ...] = ()
    start: Weights | None = None
    keep: Callable[[Snapshot], None] | None = None
    resume: Snapshot | None = None
    deadline: float | None = None
    device: choices.TrainedOn = "cpu"
    share: Share = ALONE
