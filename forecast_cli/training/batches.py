"""Windows by batches: which come next, and what the network is given of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from forecast_cli import covariates, scaling, windows
from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats
from forecast_cli.training import devices
from forecast_cli.training.records import TrainingData
from forecast_cli.windows import Windows


@dataclass(frozen=True, eq=False)
class Batch:
    """B windows, normalized, float32.

    - inputs: what the network takes: windows (B, lookback, inputs), and where there are
      covariates, those of the steps ahead and the static ones
    - targets: (B, outputs)
    - sample_weights: (B, outputs) how much each step counts; None: all the same
    """

    inputs: tuple[Tensor, ...]
    targets: Tensor
    sample_weights: Tensor | None = None

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; itself where it is there already."""
        weights = self.sample_weights
        return Batch(
            tuple(values.to(device) for values in self.inputs),
            self.targets.to(device),
            None if weights is None else weights.to(device),
        )


def endless(count: int, size: int, random: np.random.Generator) -> Iterator[Ints]:
    """Endless batches of `count` window numbers; every window once before any comes again.

    Raises ValueError for a count of 0, for which this would never end.
    """
    if count < 1:
        raise ValueError("without a window there is no batch")
    return _endless(count, size, random)


def _endless(count: int, size: int, random: np.random.Generator) -> Iterator[Ints]:
    # As `random.permutation(count)`, in half of its memory where numbers are small.
    numbers = np.int32 if count < SMALL_NUMBERS else np.int64
    while True:
        order = np.arange(count, dtype=numbers)
        random.shuffle(order)
        for start in range(0, count, size):
            yield order[start : start + size].astype(np.int64)


SMALL_NUMBERS = 1 << 31  # beyond them int32 ends
PREPARED_AT_ONCE = 4096  # windows
BUDGET = 256 << 20  # bytes of normalized windows that are kept in memory, not on a GPU


class Source(Protocol):
    """Where batches come from."""

    def take(self, index: Ints) -> Batch:
        """The windows at `index`."""
        ...


@dataclass(frozen=True, eq=False)
class _Gathered:
    """Windows that are normalized each time that they come: too many to be kept."""

    data: TrainingData
    chosen: Windows
    device: torch.device

    def take(self, index: Ints) -> Batch:
        return gather(self.data, self.chosen, index).to(self.device)


@dataclass(frozen=True, eq=False)
class _Kept:
    """All windows, normalized once, on the device of the training."""

    every: Batch

    def take(self, index: Ints) -> Batch:
        rows = torch.from_numpy(index).to(self.every.targets.device)
        weights = self.every.sample_weights
        return Batch(
            tuple(values[rows] for values in self.every.inputs),
            self.every.targets[rows],
            None if weights is None else weights[rows],
        )


def source_of(data: TrainingData, chosen: Windows, device: torch.device) -> Source:
    """The windows, kept in the memory of the device where they fit."""
    architecture = data.plan.architecture
    features = chosen.lookback * architecture.inputs + chosen.horizon * 2 * architecture.known
    numbers = features + 2 * chosen.horizon + architecture.static
    # While windows are normalized, there are float64 copies of a part of them.
    if len(chosen) * numbers * 4 > devices.memory_for_windows(device, BUDGET):
        return _Gathered(data, chosen, device)

    parts = [gather(data, chosen, index).to(device) for index in _in_order(len(chosen))]
    return _Kept(_joined(parts))


def _in_order(count: int) -> Iterator[Ints]:
    """All window numbers, some at a time."""
    for start in range(0, count, PREPARED_AT_ONCE):
        yield np.arange(start, min(start + PREPARED_AT_ONCE, count))


def _joined(parts: list[Batch]) -> Batch:
    inputs = zip(*(part.inputs for part in parts), strict=True)
    weights = [part.sample_weights for part in parts if part.sample_weights is not None]
    return Batch(
        tuple(torch.cat(values) for values in inputs),
        torch.cat([part.targets for part in parts]),
        torch.cat(weights) if weights else None,
    )


def gather(data: TrainingData, chosen: Windows, index: Ints | slice) -> Batch:
    """The windows at `index`, normalized."""
    plan = data.plan
    if plan.architecture.by_season is None:
        past = windows.pasts(data.values, chosen, index)
    else:
        past = windows.pasts_with_gaps(data.values, data.offsets, chosen, index)
    future = windows.futures(data.values, chosen, index)
    scale = scaling.window_scale(past, chosen.horizon, plan.frame)

    x = scaling.inputs(past, scale)[:, :, None]
    targets = scaling.targets(future, scale)
    if plan.target_clip:
        # Squared errors of a few wild windows would drown all others.
        targets = np.clip(targets, -plan.target_clip, plan.target_clip)

    weights = None
    if len(data.sample_weights):
        weights = tensor(windows.futures(data.sample_weights, chosen, index))
    if data.covariates is None:
        return Batch((tensor(x),), tensor(targets), weights)

    seen = covariates.gather(data.covariates, chosen, index, plan.lag)
    past_inputs = tensor(np.concatenate([x, seen.past], axis=2))
    inputs = (past_inputs, tensor(seen.future_features), tensor(seen.static))
    return Batch(inputs, tensor(targets), weights)


def tensor(array: Floats) -> Tensor:
    """A float32 tensor."""
    return torch.from_numpy(array.astype(np.float32))
