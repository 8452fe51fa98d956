"""The training loop, as straight prose."""

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from forecast_cli.errors import DivergedError, RunRejectedError, TooLittleDataError
from forecast_cli.network import LossFunction, loss_function
from forecast_cli.network.modules import network_of, weights_of
from forecast_cli.planning import Plan
from forecast_cli.progress import Epoch, Report
from forecast_cli.training import batches, devices, schedules, sharing
from forecast_cli.training.batches import Batch
from forecast_cli.training.learners import (
    Learner,
    Progress,
    freeze_layers,
    load_weights,
    restore,
    take_snapshot,
)
from forecast_cli.training.optimizers import optimizer_of
from forecast_cli.training.records import (
    ALONE,
    FitOptions,
    Fitted,
    Fold,
    Share,
    TrainingData,
    Weights,
)
from forecast_cli.training.sharing import Part

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

    With `options.share`, several workers carry out one training, each in a call of its own with
    otherwise equal arguments (but for `keep`), and all return the same. Without dropout, the
    weights are those of one worker but for the last digits.

    Raises DivergedError when losses stay non-finite at a tenth of the learning rate,
    TooLittleDataError where a fold has no window to train on, and WorkerLostError where another
    worker of the training is gone.
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
    with _threads(plan.threads), devices.at_work(torch.device(options.device)):
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
    plan = data.plan
    torch.manual_seed(plan.seed)
    learners = [_learner(data, fold, rate, number, options) for number, fold in enumerate(folds)]
    progress = Progress(best=_kept_weights(learners))
    if options.resume is not None:
        _resume(options, learners, progress)

    while not _is_over(plan, folds, progress, options):
        losses = _run_epoch(data, learners, progress, options)
        if losses is None:
            return _fitted(plan, progress, options, expired=True)
        if not losses.are_finite:
            return None

        _note_best(progress, learners, losses, stops_early=_stops_early(plan, folds))
        line = _line_of(plan, learners[0], progress, losses, options)
        progress.history.append(line)
        # Kept first: an epoch that was reported is one that --resume does not repeat.
        if options.keep is not None:
            options.keep(take_snapshot(learners, progress, rate))
        report(line)
    return _fitted(plan, progress, options, expired=False)


@dataclass(frozen=True)
class _Losses:
    """What an epoch came to.

    - training: of the first fold; clipped: the share of its gradients that were clipped
    - validation: of every fold that has validation windows
    - batches: the steps that were taken
    """

    training: float
    clipped: float
    validation: tuple[float, ...]
    batches: int

    @property
    def are_finite(self) -> bool:
        return bool(np.isfinite([self.training, *self.validation]).all())

    @property
    def mean_validation(self) -> float:
        """NaN where there is none."""
        return float(np.mean(self.validation)) if self.validation else float("nan")


def _run_epoch(
    data: TrainingData, learners: Sequence[Learner], progress: Progress, options: FitOptions
) -> _Losses | None:
    """Train and validate every learner for one epoch; None if time is up."""
    count = data.plan.epoch_batches
    if options.steps is not None:
        count = min(count, options.steps - progress.done)
    # One epoch there must be, whatever the time: without it there is nothing to keep.
    deadline = options.deadline if progress.epoch else None

    trained = []
    for learner in learners:
        sharing.seed_dropout(options.share, data.plan, learner.seed, progress.epoch)
        steps = range(progress.done + 1, progress.done + count + 1)
        result = _train_epoch(data, learner, steps, deadline, options.share)
        if result is None:
            return None
        trained.append(result)

    training_loss, clipped = trained[0]
    return _Losses(training_loss, clipped, tuple(_validate(data, learners, options.share)), count)


def _note_best(
    progress: Progress, learners: Sequence[Learner], losses: _Losses, *, stops_early: bool
) -> None:
    """Count the epoch, in place, and keep its weights where they are the best so far.

    Without early stopping the last ones are.
    """
    progress.epoch += 1
    progress.done += losses.batches
    if not stops_early or losses.mean_validation < progress.best_loss:
        progress.best = _kept_weights(learners)
        progress.best_epoch, progress.best_loss = progress.epoch, losses.mean_validation


def _kept_weights(learners: Sequence[Learner]) -> tuple[Weights, ...]:
    return tuple(weights_of(learner.averaged) for learner in learners)


def _line_of(
    plan: Plan, learner: Learner, progress: Progress, losses: _Losses, options: FitOptions
) -> Epoch:
    """The line of the history for the epoch that ended."""
    rate = schedules.learning_rate_at(plan, learner.rate, progress.done, learner.total_steps)
    return Epoch(
        epoch=progress.epoch,
        training_loss=losses.training,
        validation_loss=losses.mean_validation,
        learning_rate=rate,
        best_epoch=progress.best_epoch,
        epochs=schedules.max_epochs(plan, options.steps),
        stage=options.stage,
        clipped=losses.clipped,
        member=options.member,
    )


def _fitted(plan: Plan, progress: Progress, options: FitOptions, *, expired: bool) -> Fitted:
    used = progress.done
    if options.steps is None:
        used = progress.best_epoch * plan.epoch_batches
    return Fitted(
        folds=progress.best,
        history=tuple(progress.history),
        best_epoch=progress.best_epoch,
        steps=used,
        expired=expired,
        device=options.device,
    )


def _is_over(plan: Plan, folds: Sequence[Fold], progress: Progress, options: FitOptions) -> bool:
    if progress.epoch >= schedules.max_epochs(plan, options.steps):
        return True
    return _stops_early(plan, folds) and _is_out_of_patience(plan, progress)


def _stops_early(plan: Plan, folds: Sequence[Fold]) -> bool:
    return plan.patience > 0 and any(fold.validation is not None for fold in folds)


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
    device = torch.device(options.device)
    # Made on the processor, so that it begins with the same weights everywhere. The copy is made
    # there, too: a recurrent layer keeps its weights in one piece on a GPU, which a copy would not.
    network = network_of(plan.architecture, zero_head=plan.zero_head)
    if options.start is not None:
        load_weights(network, options.start)
        freeze_layers(network, plan.freeze)
    averaged = copy.deepcopy(network) if plan.averaging else network
    network, averaged = network.to(device), averaged.to(device)
    seed = plan.seed + FOLD_SEEDS * number
    previous = [member[min(number, len(member) - 1)] for member in options.previous_members]
    validation = batches.source_of(data, fold.validation, device) if fold.validation else None
    return Learner(
        fold=fold,
        training=batches.source_of(data, fold.training, device),
        validation=validation,
        network=network,
        averaged=averaged,
        optimizer=optimizer_of(plan, network),
        rate=rate,
        total_steps=options.steps or plan.epochs * plan.epoch_batches,
        batches=batches.endless(len(fold.training), plan.batch_size, np.random.default_rng(seed)),
        seed=seed,
        previous_members=tuple(_frozen(plan, weights).to(device) for weights in previous),
        device=device,
    )


def _frozen(plan: Plan, weights: Weights) -> nn.Module:
    network = network_of(plan.architecture, zero_head=True)
    load_weights(network, weights)
    return network.eval()


# -- one epoch ---------------------------------------------------------------------------------


def _train_epoch(
    data: TrainingData, learner: Learner, steps: range, deadline: float | None, share: Share
) -> tuple[float, float] | None:
    """Take some steps.

    Returns the mean loss over them and the share of gradients that were clipped; None if time is
    up.
    """
    plan = data.plan
    loss_of = loss_function(plan.loss, plan.architecture.quantiles)
    learner.network.train()
    parameters = list(learner.network.parameters())

    losses: list[Tensor] = []
    clipped: list[Tensor] = []
    for step in steps:
        index = next(learner.batches)
        part = sharing.part_of(share, len(index))
        batch = learner.training.take(part.of(index))
        _add_noise(batch, plan, learner.seed, step, part)
        targets = _left_over(batch, learner.previous_members)

        rate = schedules.learning_rate_at(plan, learner.rate, step, learner.total_steps)
        for parameter in parameters:
            parameter.grad = None
        forcing = schedules.teacher_forcing_at(plan, step)
        told = sharing.told(share, plan, part, forcing, learner.device)
        outputs = learner.network(*batch.inputs, teacher=targets, forcing=told)
        loss = _mean_loss(loss_of, outputs, targets, batch) * part.weight
        loss.backward()  # type: ignore[no-untyped-call]
        share.add_up([each.grad for each in parameters if each.grad is not None])
        if plan.clip_norm:
            clipped.append(_clip(parameters, plan.clip_norm))
        learner.optimizer.step(rate)
        if plan.averaging:
            _average(learner, schedules.averaging_decay(plan, step))

        losses.append(loss.detach())
        if deadline is not None and share.agreed(time.monotonic() >= deadline):
            return None
    # Asked for at the end alone: a GPU is behind, and each answer waits until it is through.
    of_steps = torch.stack(losses)
    share.add_up([of_steps])
    too_long = int(torch.stack(clipped).sum()) / len(steps) if clipped else 0.0
    return float(of_steps.mean()), too_long


def _add_noise(batch: Batch, plan: Plan, seed: int, step: int, part: Part) -> None:
    """Add noise to the windows, in place, in units of their spread.

    It is drawn for the whole batch, so that it does not depend on who takes which part.
    """
    if not plan.jitter:
        return
    x = batch.inputs[0]
    noise = np.random.default_rng([seed, step]).normal(0, plan.jitter, (part.count, x.shape[1]))
    x[:, :, 0] += batches.tensor(noise[part.rows]).to(x.device)


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


def _clip(parameters: list[nn.Parameter], limit: float) -> Tensor:
    """Clip the gradients to a norm, and say whether they were longer."""
    return nn.utils.clip_grad_norm_(parameters, limit) > limit


def _average(learner: Learner, decay: float) -> None:
    """Average the weights over the last steps (Polyak & Juditsky 1992).

    They have less noise than the weights of the last step, so the best epoch is clearer.
    """
    pairs = zip(learner.averaged.parameters(), learner.network.parameters(), strict=True)
    with torch.no_grad():
        for averaged, current in pairs:
            averaged.lerp_(current, 1 - decay)


def _validate(data: TrainingData, learners: Sequence[Learner], share: Share) -> list[float]:
    """The validation loss of every fold that has validation windows."""
    judged = [learner for learner in learners if learner.validation is not None]
    return [evaluate(learner, data, share) for learner in judged]


def evaluate(learner: Learner, data: TrainingData, share: Share = ALONE) -> float:
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
            part = sharing.part_of(share, len(index))
            batch = learner.validation.take(part.of(index))
            targets = _left_over(batch, learner.previous_members)
            loss = _mean_loss(loss_of, network(*batch.inputs), targets, batch)
            total += float(loss) * part.weight * len(index)
    return sharing.summed(share, total, learner.device) / count
