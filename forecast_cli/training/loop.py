"""The training loop, as straight prose."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from forecast_cli.errors import DivergedError, RunRejectedError, TooLittleDataError
from forecast_cli.network import LossFunction, loss_function
from forecast_cli.network.modules import NETWORKS, weights_of
from forecast_cli.planning import Plan
from forecast_cli.progress import Epoch, Report
from forecast_cli.training import batches, schedules
from forecast_cli.training.batches import Batch
from forecast_cli.training.learners import Learner, Progress, load_weights, restore, take_snapshot
from forecast_cli.training.optimizers import optimizer_of
from forecast_cli.training.records import FitOptions, Fitted, Fold, TrainingData, Weights

FOLD_SEEDS = 1000  # between the seeds of two folds
VALIDATED_AT_ONCE = 1024  # windows


def fit(
    data: TrainingData, folds: Sequence[Fold], report: Report, options: FitOptions | None = None
) -> Fitted:
    """Train a network on windows of the data.

    Every fold trains a network of its own, side by side, and their validation losses are
    averaged: where windows are few, one validation window would stop the training by chance. The
    weights that are kept are those of the first fold.

    With `options.steps`, train exactly so many batches (a refit). Otherwise train up to
    `plan.epochs`, stop on `plan.patience`, and keep the weights of the best validation loss (the
    last ones without patience or validation). Equal arguments give equal bytes.

    Raises DivergedError when losses stay non-finite at a tenth of the learning rate, and
    TooLittleDataError where a fold has no window to train on.
    """
    if not all(len(fold.training) for fold in folds):
        raise TooLittleDataError(
            "no window to train on is complete",
            "fill the gaps with --gaps interpolate, ffill or zero, "
            "or use a smaller --lookback or --horizon",
            option="gaps",
        )
    plan = data.plan
    options = options or FitOptions()
    with _threads(plan.threads), torch.random.fork_rng(devices=[]):
        for rate in (plan.learning_rate, plan.learning_rate / 10):
            if options.resume and options.resume.record["rate"] != rate:
                continue
            fitted = _fit_at(data, folds, report, rate, options)
            if fitted is not None:
                return fitted
            options = replace(options, resume=None)
    raise DivergedError(
        f"the loss is not finite, even at a learning rate of {plan.learning_rate / 10:g}",
        "use a smaller --learning-rate, or look at the data with a plot",
    )


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, and the caller's number again afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fit_at(
    data: TrainingData, folds: Sequence[Fold], report: Report, rate: float, options: FitOptions
) -> Fitted | None:
    """Train at a learning rate; None where a loss was not finite."""
    plan, steps = data.plan, options.steps
    torch.manual_seed(plan.seed)
    learners = [_learner(data, fold, rate, number, options) for number, fold in enumerate(folds)]
    progress = Progress(best=tuple(weights_of(learner.averaged) for learner in learners))
    if options.resume is not None:
        _resume(options, learners, progress)

    stops_early = plan.patience > 0 and any(fold.validation is not None for fold in folds)
    epochs = schedules.max_epochs(plan, steps)
    expired = False
    while progress.epoch < epochs and not (stops_early and _is_out_of_patience(plan, progress)):
        count = (
            plan.epoch_batches if steps is None else min(plan.epoch_batches, steps - progress.done)
        )
        # One epoch there must be, whatever the time: without it there is nothing to keep.
        deadline = options.deadline if progress.epoch else None
        trained = [_train_epoch(data, one, count, progress.done, deadline) for one in learners]
        if None in trained:
            expired = True
            break

        training_loss, clipped = trained[0] or (float("nan"), 0.0)
        validation_losses = _validate(data, learners)
        if not np.isfinite([training_loss, *validation_losses]).all():
            return None

        progress.epoch += 1
        progress.done += count
        validation_loss = float(np.mean(validation_losses)) if validation_losses else float("nan")
        if not stops_early or validation_loss < progress.best_loss:
            progress.best = tuple(weights_of(learner.averaged) for learner in learners)
            progress.best_epoch, progress.best_loss = progress.epoch, validation_loss

        line = Epoch(
            epoch=progress.epoch,
            training_loss=training_loss,
            validation_loss=validation_loss,
            learning_rate=schedules.learning_rate_at(
                plan, rate, progress.done, learners[0].total_steps
            ),
            best_epoch=progress.best_epoch,
            epochs=epochs,
            stage=options.stage,
            clipped=clipped,
            member=options.member,
        )
        progress.history.append(line)
        # Kept first: an epoch that was reported is one that --resume does not repeat.
        if options.keep is not None:
            options.keep(take_snapshot(learners, progress, rate))
        report(line)

    used = progress.done if steps is not None else progress.best_epoch * plan.epoch_batches
    history = tuple(progress.history)
    return Fitted(progress.best, history, progress.best_epoch, used, expired)


def _is_out_of_patience(plan: Plan, progress: Progress) -> bool:
    best = max(progress.best_epoch, schedules.teacher_forced_epochs(plan))
    return progress.epoch - best >= plan.patience


def _resume(options: FitOptions, learners: Sequence[Learner], progress: Progress) -> None:
    """Go on where a snapshot was taken. Raises RunRejectedError where it is of another network."""
    assert options.resume is not None  # noqa: S101
    try:
        restore(options.resume, learners, progress)
    except (RuntimeError, LookupError, TypeError, ValueError):
        raise RunRejectedError(
            "the unfinished training does not fit the network it is said to be of",
            "train without --resume",
        ) from None


# -- networks in training ----------------------------------------------------------------------


def _learner(
    data: TrainingData, fold: Fold, rate: float, number: int, options: FitOptions
) -> Learner:
    plan = data.plan
    network = NETWORKS[plan.architecture.decoder](plan.architecture, zero_head=plan.zero_head)
    if options.start is not None:
        load_weights(network, options.start)
    seed = plan.seed + FOLD_SEEDS * number
    previous = [member[min(number, len(member) - 1)] for member in options.previous_members]
    return Learner(
        fold=fold,
        training=batches.source_of(data, fold.training),
        validation=batches.source_of(data, fold.validation) if fold.validation else None,
        network=network,
        averaged=copy.deepcopy(network) if plan.averaging else network,
        optimizer=optimizer_of(plan, network),
        rate=rate,
        total_steps=options.steps or plan.epochs * plan.epoch_batches,
        batches=batches.endless(len(fold.training), plan.batch_size, np.random.default_rng(seed)),
        seed=seed,
        previous_members=tuple(_frozen(plan, weights) for weights in previous),
    )


def _frozen(plan: Plan, weights: Weights) -> nn.Module:
    network = NETWORKS[plan.architecture.decoder](plan.architecture, zero_head=True)
    load_weights(network, weights)
    return network.eval()


# -- one epoch ---------------------------------------------------------------------------------


def _train_epoch(
    data: TrainingData, learner: Learner, count: int, done: int, deadline: float | None
) -> tuple[float, float] | None:
    """Take `count` steps.

    Returns the mean loss over them and the share of gradients that were clipped; None if time is
    up.
    """
    plan = data.plan
    loss_of = loss_function(plan.loss, plan.architecture.quantiles)
    learner.network.train()

    losses: list[Tensor] = []
    clipped = 0
    for step in range(done + 1, done + count + 1):
        batch = learner.training.take(next(learner.batches))
        _add_noise(batch, plan, learner.seed, step)
        targets = _left_over(batch, learner.previous_members)

        rate = schedules.learning_rate_at(plan, learner.rate, step, learner.total_steps)
        learner.network.zero_grad(set_to_none=True)
        forcing = schedules.teacher_forcing_at(plan, step)
        outputs = learner.network(*batch.inputs, teacher=targets, forcing=forcing)
        loss = _mean_loss(loss_of, outputs, targets, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        clipped += _clip(learner.network, plan.clip_norm)
        learner.optimizer.step(rate)
        if plan.averaging:
            _average(learner, schedules.averaging_decay(plan, step))

        losses.append(loss.detach())
        if deadline is not None and time.monotonic() >= deadline:
            return None
    return float(torch.stack(losses).mean()), clipped / count


def _add_noise(batch: Batch, plan: Plan, seed: int, step: int) -> None:
    """Add noise to the windows, in place, in units of their spread."""
    if not plan.jitter:
        return
    x = batch.inputs[0]
    noise = np.random.default_rng([seed, step]).normal(0, plan.jitter, x.shape[:2])
    x[:, :, 0] += batches.tensor(noise)


def _left_over(batch: Batch, previous_members: Sequence[nn.Module]) -> Tensor:
    """The targets without what previous members forecast (boosting)."""
    targets = batch.targets
    with torch.no_grad():
        for member in previous_members:
            targets = targets - member(*batch.inputs)[..., 0]
    return targets


def _mean_loss(loss_of: LossFunction, outputs: Tensor, targets: Tensor, batch: Batch) -> Tensor:
    losses = loss_of(outputs, targets)
    if batch.sample_weights is not None:
        losses = losses * batch.sample_weights
    return losses.mean()


def _clip(network: nn.Module, limit: float) -> bool:
    """Clip the gradients to a norm, and say whether they were longer; 0: no clipping."""
    if not limit:
        return False
    norm = nn.utils.clip_grad_norm_(network.parameters(), limit)
    return bool(norm > limit)


def _average(learner: Learner, decay: float) -> None:
    """Average the weights over the last steps (Polyak & Juditsky 1992).

    They have less noise than the weights of the last step, so the best epoch is clearer.
    """
    pairs = zip(learner.averaged.parameters(), learner.network.parameters(), strict=True)
    with torch.no_grad():
        for averaged, current in pairs:
            averaged.lerp_(current, 1 - decay)


def _validate(data: TrainingData, learners: Sequence[Learner]) -> list[float]:
    """The validation loss of every fold that has validation windows."""
    return [evaluate(learner, data) for learner in learners if learner.validation is not None]


def evaluate(learner: Learner, data: TrainingData) -> float:
    """The loss over all validation windows, without dropout; NaN where there is none."""
    if learner.validation is None or not learner.fold.validation:
        return float("nan")

    plan = data.plan
    loss_of = loss_function(plan.loss, plan.architecture.quantiles)
    network = learner.averaged.eval()

    count, total = len(learner.fold.validation), 0.0
    with torch.no_grad():
        for start in range(0, count, VALIDATED_AT_ONCE):
            index = np.arange(start, min(start + VALIDATED_AT_ONCE, count))
            batch = learner.validation.take(index)
            targets = _left_over(batch, learner.previous_members)
            loss = _mean_loss(loss_of, network(*batch.inputs), targets, batch)
            total += float(loss) * len(index)
    return total / count
