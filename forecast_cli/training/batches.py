"""Windows by batches: which come next, and what the network is given of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from forecast_cli import covariates, scaling, windows
from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats
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


def endless(count: int, size: int, random: np.random.Generator) -> Iterator[Ints]:
    """Endless batches of `count` window numbers; every window once before any comes again.

    Raises ValueError for a count of 0, for which this would never end.
    """
    if count < 1:
        raise ValueError("without a window there is no batch")
    return _endless(count, size, random)


def _endless(count: int, size: int, random: np.random.Generator) -> Iterator[Ints]:
    while True:
        order = random.permutation(count)
        for start in range(0, count, size):
            yield order[start : start + size]


def gather(data: TrainingData, chosen: Windows, index: Ints | slice) -> Batch:
    """The windows at `index`, normalized."""
    plan = data.plan
    past = windows.pasts(data.values, chosen, index)
    future = windows.futures(data.values, chosen, index)
    scale = scaling.window_scale(past, chosen.horizon, plan.normalization, plan.lag)

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
    inputs = (past_inputs, tensor(seen.ahead), tensor(seen.static))
    return Batch(inputs, tensor(targets), weights)


def tensor(array: Floats) -> Tensor:
    """A float32 tensor."""
    return torch.from_numpy(array.astype(np.float32))
