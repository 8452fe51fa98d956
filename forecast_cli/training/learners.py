"""Networks in training, and their state between two epochs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from forecast_cli.calendar import Ints
from forecast_cli.network.modules import weights_of
from forecast_cli.progress import Epoch
from forecast_cli.training import devices
from forecast_cli.training.batches import Source, tensor
from forecast_cli.training.optimizers import Optimizer
from forecast_cli.training.records import Fold, Snapshot, Weights

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Learner:
    """A network in training, and all that its next steps depend on.

    - training, validation: the windows of the fold, normalized
    - averaged: the average of its weights over the last steps; the network itself where they are
      not averaged
    - total_steps: of the whole training, by which the learning rate is scheduled
    - batches: endless numbers of windows of the fold
    - previous_members: frozen networks, whose forecasts are taken off the targets
    - device: where all tensors are
    """

    fold: Fold
    training: Source
    validation: Source | None
    network: nn.Module
    averaged: nn.Module
    optimizer: Optimizer
    rate: float
    total_steps: int
    batches: Iterator[Ints]
    seed: int
    previous_members: tuple[nn.Module, ...]
    device: torch.device


@dataclass
class Progress:
    """Where a training stands."""

    epoch: int = 0
    done: int = 0
    best: tuple[Weights, ...] = ()
    best_epoch: int = 0
    best_loss: float = math.inf
    history: list[Epoch] = field(default_factory=list)


def load_weights(network: nn.Module, weights: Weights) -> None:
    """Raises RuntimeError where they are of another network."""
    network.load_state_dict({name: tensor(values) for name, values in weights.items()})


def freeze_layers(network: nn.Module, count: int) -> None:
    """Let the first recurrent layers, and the embedding before them, keep their weights."""
    if not count:
        return
    frozen = ("embedding.", *(f"layers.{number}." for number in range(count)))
    for name, parameter in network.named_parameters():
        if name.startswith(frozen):
            parameter.requires_grad_(False)


def take_snapshot(learners: Sequence[Learner], progress: Progress, rate: float) -> Snapshot:
    """The state of a training, of which nothing changes any more."""
    arrays: Arrays = devices.random_states(learners[0].device)
    for number, learner in enumerate(learners):
        arrays |= _named(f"{number}.network.", weights_of(learner.network))
        arrays |= _named(f"{number}.averaged.", weights_of(learner.averaged))
        arrays |= _named(f"{number}.best.", progress.best[number])
        for index, state in enumerate(learner.optimizer.states()):
            values = {key: value.cpu().numpy().copy() for key, value in state.items()}
            arrays |= _named(f"{number}.optimizer.{index}.", values)

    record = {
        "epoch": progress.epoch,
        "done": progress.done,
        "best_epoch": progress.best_epoch,
        "best_loss": progress.best_loss,
        "rate": rate,
        "history": [list(vars(line).values()) for line in progress.history],
    }
    return Snapshot(arrays, record)


def restore(snapshot: Snapshot, learners: Sequence[Learner], progress: Progress) -> None:
    """Set learners and progress, in place, to where the snapshot was taken.

    Raises RuntimeError, LookupError, TypeError or ValueError where it is of another training.
    """
    arrays, record = snapshot.arrays, snapshot.record
    best = []
    for number, learner in enumerate(learners):
        learner.network.load_state_dict(_tensors(arrays, f"{number}.network."))
        learner.averaged.load_state_dict(_tensors(arrays, f"{number}.averaged."))
        kept = _tensors(arrays, f"{number}.best.")
        best.append({name: value.numpy() for name, value in kept.items()})
        _restore_optimizer(learner.optimizer, _tensors(arrays, f"{number}.optimizer."))
        for _ in range(record["done"]):
            next(learner.batches)

    devices.set_random_states(learners[0].device, arrays)
    progress.epoch, progress.done = record["epoch"], record["done"]
    progress.best = tuple(best)
    progress.best_epoch, progress.best_loss = record["best_epoch"], record["best_loss"]
    progress.history = [Epoch(*line) for line in record["history"]]


def _restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Set the states in place. Raises LookupError or ValueError where they are of another one."""
    for index, state in enumerate(optimizer.states()):
        for name, values in state.items():
            kept = tensors[f"{index}.{name}"]
            if kept.shape != values.shape:
                raise ValueError(f"the state of the optimizer has other shapes: {name}")
            values.copy_(kept)


def _named(prefix: str, arrays: Arrays) -> Arrays:
    return {prefix + name: values for name, values in arrays.items()}


def _tensors(arrays: Arrays, prefix: str) -> dict[str, Tensor]:
    """The arrays whose names begin with a prefix, as tensors of their own."""
    return {
        name.removeprefix(prefix): torch.from_numpy(np.array(values))
        for name, values in arrays.items()
        if name.startswith(prefix)
    }
