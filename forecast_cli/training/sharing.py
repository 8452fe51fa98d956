"""One training by several workers: each takes its share of every batch.

Li et al. (2020), PyTorch Distributed: Experiences on Accelerating Data Parallel Training. The
gradient of the mean loss of a batch is the sum of what its rows contribute. It is added up over
the workers before it is clipped and before the optimizer takes its step, so every worker takes the
step that one worker alone would have taken, but for the last digits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, distributed

from forecast_cli import choices
from forecast_cli.calendar import Ints
from forecast_cli.errors import WorkerLostError
from forecast_cli.planning import Plan
from forecast_cli.training.records import Share


@dataclass(frozen=True)
class GroupShare:
    """The share of one worker of the process group of PyTorch that this process belongs to."""

    rank: int
    count: int
    device: torch.device

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        if not tensors:
            return
        # In one piece: each message costs its time, however small it is.
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _naming_lost_workers():
            distributed.all_reduce(flat)
        sums = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, total in zip(tensors, sums, strict=True):
            tensor.copy_(total.view_as(tensor))

    def agreed(self, answer: bool) -> bool:
        said = torch.tensor([int(answer)], device=self.device)
        with _naming_lost_workers():
            distributed.broadcast(said, src=0)
            # Asked for in here: on a GPU, what failed is only said now.
            return bool(said.item())


def share_of_group(device: choices.TrainedOn) -> Share:
    """The share of this process in the process group that it has joined."""
    rank, count = distributed.get_rank(), distributed.get_world_size()
    return GroupShare(rank, count, torch.device(device))


@contextlib.contextmanager
def _naming_lost_workers() -> Iterator[None]:
    """Raises WorkerLostError where another worker is gone, or answers no more."""
    try:
        yield
    except RuntimeError as error:
        first_line = str(error).strip().partition("\n")[0]
        raise WorkerLostError(
            f"another worker of the training was lost: {first_line}",
            "run the command again with --resume",
        ) from None


@dataclass(frozen=True)
class Part:
    """The part of a batch that falls to one worker.

    - count: the windows of the whole batch
    - rows: which of them it takes
    - weight: how much the mean loss of its windows counts in that of the batch
    """

    count: int
    rows: Ints
    weight: float

    def of(self, index: Ints) -> Ints:
        """The window numbers of the part, out of those of the whole batch."""
        return index[self.rows]


def part_of(share: Share, count: int) -> Part:
    """The part of a batch of `count` windows that falls to a worker.

    A worker for which no window is left takes the first one with a weight of 0, so that it goes
    the same way as the others.
    """
    rows = np.arange(share.rank, count, share.count)
    if not len(rows):
        return Part(count, np.zeros(1, np.int64), 0.0)
    return Part(count, rows, len(rows) / count)


def seed_dropout(share: Share, plan: Plan, seed: int, epoch: int) -> None:
    """Let each worker drop other units than the others in an epoch.

    What is drawn depends on the epoch alone, so that a training that goes on from a snapshot of
    another worker draws what it would have drawn.
    """
    if share.count == 1 or not plan.architecture.dropout:
        return
    drawn = np.random.SeedSequence([seed, share.rank, epoch]).generate_state(1)
    torch.manual_seed(int(drawn[0]))


def told(
    share: Share, plan: Plan, part: Part, forcing: float, device: torch.device
) -> float | Tensor:
    """Which windows of the part a decoder is told the truth of, (B, outputs) as 0 or 1.

    Drawn for the whole batch, in the order in which a decoder draws alone; there, the probability
    is enough.
    """
    if share.count == 1 or forcing <= 0:
        return forcing
    steps = range(plan.architecture.outputs)
    drawn = torch.cat([torch.rand(part.count, 1) for _ in steps], dim=1)
    return (drawn < forcing).float()[torch.from_numpy(part.rows)].to(device)


def summed(share: Share, value: float, device: torch.device) -> float:
    """The sum of a number over all workers."""
    if share.count == 1:
        return value
    total = torch.tensor([value], dtype=torch.float64, device=device)
    share.add_up([total])
    return float(total)
