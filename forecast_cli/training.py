"""fit(): the training loop, as straight prose."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from forecast_cli import covariates, scaling, windows
from forecast_cli.calendar import Ints
from forecast_cli.covariates import Covariates
from forecast_cli.errors import DivergedError
from forecast_cli.losses import LOSSES
from forecast_cli.networks import NETWORKS, weights_of
from forecast_cli.panel import Floats
from forecast_cli.plan import Plan
from forecast_cli.windows import Windows


@dataclass(frozen=True)
class Epoch:
    """One line of the history. Losses are mean squared errors in units of the window's spread; NaN: not measured."""

    epoch: int
    training_loss: float
    validation_loss: float
    learning_rate: float
    best_epoch: int
    epochs: int
    stage: str


@dataclass(frozen=True, eq=False)
class Fold:
    """Windows to train on, and windows of later rows that say when to stop."""

    training: Windows
    validation: Windows | None = None


Report = Callable[[Epoch], None]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a training leaves: the weights to keep, the losses, and how many steps led to those weights."""

    weights: dict[str, Floats]
    history: tuple[Epoch, ...]
    best_epoch: int
    steps: int


@dataclass(frozen=True, eq=False)
class Material:
    """What is learned from: transformed values (N,), their covariates if there are any, and the plan."""

    values: Floats
    plan: Plan
    covariates: Covariates | None = None


def fit(
    material: Material, folds: Sequence[Fold], report: Report, *, steps: int | None = None, stage: str = "training"
) -> Fitted:
    """Train a network on windows of the material.

    Every fold trains a network of its own, side by side, and their validation losses are averaged: where windows are
    few, one validation window would stop the training by chance. The weights that are kept are the first fold's.
    With `steps`, train exactly so many batches (a refit). Otherwise train up to `plan.epochs`, stop on `plan.patience`,
    and keep the weights of the best validation loss (the last ones without patience or validation).
    Equal arguments give equal bytes. Raises DivergedError when losses stay non-finite at a tenth of the learning rate.
    """
    plan, threads = material.plan, torch.get_num_threads()
    torch.set_num_threads(plan.threads)
    try:
        with torch.random.fork_rng(devices=[]):
            for rate in (plan.learning_rate, plan.learning_rate / 10):
                fitted = _fit(material, folds, report, rate, steps, stage)
                if fitted is not None:
                    return fitted
    finally:
        torch.set_num_threads(threads)
    raise DivergedError(
        f"the loss is not finite, even at a learning rate of {plan.learning_rate / 10:g}",
        "use a smaller --learning-rate, or look at the data with a plot",
    )


def _fit(
    material: Material, folds: Sequence[Fold], report: Report, rate: float, steps: int | None, stage: str
) -> Fitted | None:
    plan = material.plan
    torch.manual_seed(plan.seed)
    learners = [_learner(plan, fold, rate, plan.seed + 1000 * number) for number, fold in enumerate(folds)]
    kept = learners[0].averaged
    patient = plan.patience > 0 and folds[0].validation is not None
    epochs = plan.epochs if steps is None else -(-steps // plan.epoch_batches)
    history: list[Epoch] = []
    best, best_epoch, best_loss, done = weights_of(kept), 0, float("inf"), 0
    for epoch in range(1, epochs + 1):
        count = min(plan.epoch_batches, (steps or 10**12) - done)
        training_loss = _train_epoch(material, learners[0], count, done)
        for learner in learners[1:]:
            _train_epoch(material, learner, count, done)
        done += count
        losses = [evaluate(one.averaged, material, one.fold.validation) for one in learners if one.fold.validation]
        validation_loss = float(np.mean(losses)) if losses else float("nan")
        if not np.isfinite([training_loss, *losses]).all():
            return None
        if not patient or validation_loss < best_loss:
            best, best_epoch, best_loss = weights_of(kept), epoch, validation_loss
        history.append(
            Epoch(epoch, training_loss, validation_loss, rate_at(plan, rate, done), best_epoch, epochs, stage)
        )
        report(history[-1])
        if patient and epoch - best_epoch >= plan.patience:
            break
    return Fitted(best, tuple(history), best_epoch, best_epoch * plan.epoch_batches if steps is None else done)


@dataclass(frozen=True, eq=False)
class _Learner:
    """A network in training, the average of its weights over the last steps, and its endless batches."""

    fold: Fold
    network: nn.Module
    averaged: nn.Module
    optimizer: torch.optim.Optimizer
    rate: float
    batches: Iterator[Ints]


def _learner(plan: Plan, fold: Fold, rate: float, seed: int) -> _Learner:
    network = NETWORKS["lstm"](plan.architecture, zero_head=plan.zero_head)
    optimizer = torch.optim.RMSprop(network.parameters(), lr=rate, alpha=0.9, eps=1e-7)
    batches = _batches(len(fold.training), plan.batch_size, np.random.default_rng(seed))
    return _Learner(fold, network, copy.deepcopy(network), optimizer, rate, batches)


def _train_epoch(material: Material, learner: _Learner, count: int, done: int) -> float:
    """`count` steps of the learner; returns the mean loss over them."""
    plan = material.plan
    learner.network.train()
    loss_of, losses = LOSSES[plan.loss], []
    for step in range(done + 1, done + count + 1):
        inputs, y = batch(material, learner.fold.training, next(learner.batches))
        for group in learner.optimizer.param_groups:
            group["lr"] = rate_at(plan, learner.rate, step)
        learner.optimizer.zero_grad(set_to_none=True)
        loss = loss_of(learner.network(*inputs), y)
        loss.backward()  # type: ignore[no-untyped-call]
        if plan.clip_norm:
            nn.utils.clip_grad_norm_(learner.network.parameters(), plan.clip_norm)
        learner.optimizer.step()
        _average(learner.averaged, learner.network, plan.averaging, step)
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def rate_at(plan: Plan, peak: float, step: int) -> float:
    """The learning rate of a step: rising in a line over the warm-up, then at its peak."""
    return peak * min(1.0, step / plan.warmup) if plan.warmup else peak


def _average(averaged: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Weights averaged over the last steps (Polyak & Juditsky 1992): less noise, so a clearer best epoch."""
    keep = min(decay, step / (step + 10))
    with torch.no_grad():
        torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1 - keep)


def _batches(count: int, size: int, random: np.random.Generator) -> Iterator[Ints]:
    """Endless batches of window numbers, every window once before any comes again."""
    while True:
        order = random.permutation(count)
        for start in range(0, count, size):
            yield order[start : start + size]


def batch(material: Material, chosen: Windows, index: Ints | slice) -> tuple[tuple[Tensor, ...], Tensor]:
    """Gather and normalize windows: what the network takes, and targets (B, outputs), all float32."""
    values, plan = material.values, material.plan
    past, future = windows.pasts(values, chosen, index), windows.futures(values, chosen, index)
    scale = scaling.window_scale(past, chosen.horizon, plan.normalization, plan.lag)
    x, y = scaling.inputs(past, scale)[:, :, None], scaling.targets(future, scale)
    if plan.target_clip:
        # Squared errors of a few wild windows would drown all others.
        y = np.clip(y, -plan.target_clip, plan.target_clip)
    if material.covariates is None:
        return (_tensor(x),), _tensor(y)
    seen = covariates.gather(material.covariates, chosen, index, plan.lag)
    return (_tensor(np.concatenate([x, seen.past], axis=2)), _tensor(seen.ahead), _tensor(seen.static)), _tensor(y)


def _tensor(array: Floats) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


def evaluate(network: nn.Module, material: Material, chosen: Windows) -> float:
    """The loss over all windows, without dropout."""
    network.eval()
    total, loss_of = 0.0, LOSSES[material.plan.loss]
    with torch.no_grad():
        for start in range(0, len(chosen), 1024):
            inputs, y = batch(material, chosen, np.arange(start, min(start + 1024, len(chosen))))
            total += float(loss_of(network(*inputs), y)) * len(y)
    return total / len(chosen)
