"""fit(): the training loop, as straight prose."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from forecast_cli import covariates, scaling, windows
from forecast_cli.calendar import Ints
from forecast_cli.covariates import Covariates
from forecast_cli.errors import DivergedError, RunRejectedError, TooLittleDataError
from forecast_cli.network import loss_function
from forecast_cli.network.modules import NETWORKS, weights_of
from forecast_cli.panel import Floats
from forecast_cli.planning import Plan
from forecast_cli.progress import Epoch, Report
from forecast_cli.windows import Windows

FORCED = 0.2  # share of the epochs over which teacher forcing is scheduled down to none


@dataclass(frozen=True, eq=False)
class Fold:
    """Windows to train on, and windows of later rows that say when to stop."""

    training: Windows
    validation: Windows | None = None


Weights = dict[str, Floats]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a training leaves: the weights to keep, the losses, and how many steps led to those weights.

    folds: the weights of every fold's network at that epoch, the first being those to keep; expired: time was up.
    """

    folds: tuple[Weights, ...]
    history: tuple[Epoch, ...]
    best_epoch: int
    steps: int
    expired: bool = False

    @property
    def weights(self) -> Weights:
        return self.folds[0]


@dataclass(frozen=True, eq=False)
class Material:
    """What is learned from: transformed values (N,), their covariates if there are any, and the plan.

    counts: (N,) how much each row counts in the loss; empty: all the same.
    """

    values: Floats
    plan: Plan
    covariates: Covariates | None = None
    counts: Floats = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A training between two epochs: all arrays and all numbers that decide what comes next."""

    arrays: dict[str, NDArray[Any]]
    record: dict[str, Any]


@dataclass(frozen=True)
class Course:
    """How a training runs, beyond what it learns.

    steps: train exactly so many batches (a refit). former: members that came before, each with the weights of every
    fold, whose answers are taken off the targets (boosting). start: weights to begin with. keep: is handed a Snapshot
    after every epoch; resume: one to go on from. deadline: when to stop with the best so far, in time.monotonic().
    member: its number, from 1.
    """

    stage: str = "training"
    member: int = 1
    steps: int | None = None
    former: tuple[tuple[Weights, ...], ...] = ()
    start: Weights | None = None
    keep: Callable[[Snapshot], None] | None = None
    resume: Snapshot | None = None
    deadline: float | None = None


def fit(
    material: Material, folds: Sequence[Fold], report: Report, course: Course | None = None
) -> Fitted:
    """Train a network on windows of the material.

    Every fold trains a network of its own, side by side, and their validation losses are averaged: where windows are
    few, one validation window would stop the training by chance. The weights that are kept are the first fold's.
    With `course.steps`, train exactly so many batches (a refit). Otherwise train up to `plan.epochs`, stop on
    `plan.patience`, and keep the weights of the best validation loss (the last ones without patience or validation).
    Equal arguments give equal bytes. Raises DivergedError when losses stay non-finite at a tenth of the learning rate,
    and TooLittleDataError where a fold has no window to train on.
    """
    if not all(len(fold.training) for fold in folds):
        raise TooLittleDataError(
            "no window to train on is complete",
            "fill the gaps with --gaps interpolate, ffill or zero, or use a smaller --lookback or --horizon",
        )
    plan, threads, course = material.plan, torch.get_num_threads(), course or Course()
    resumed = course.resume
    torch.set_num_threads(plan.threads)
    try:
        with torch.random.fork_rng(devices=[]):
            for rate in (plan.learning_rate, plan.learning_rate / 10):
                if resumed and resumed.record["rate"] != rate:
                    continue
                fitted = _fit(material, folds, report, rate, replace(course, resume=resumed))
                if fitted is not None:
                    return fitted
                resumed = None
    finally:
        torch.set_num_threads(threads)
    raise DivergedError(
        f"the loss is not finite, even at a learning rate of {plan.learning_rate / 10:g}",
        "use a smaller --learning-rate, or look at the data with a plot",
    )


@dataclass(frozen=True, eq=False)
class _Learner:
    """A network in training, the average of its weights over the last steps, and its endless batches."""

    fold: Fold
    network: nn.Module
    averaged: nn.Module
    optimizer: torch.optim.Optimizer
    rate: float
    batches: Iterator[Ints]
    seed: int
    former: tuple[nn.Module, ...]


@dataclass
class _Progress:
    """Where a training stands."""

    epoch: int = 0
    done: int = 0
    best: tuple[Weights, ...] = ()
    best_epoch: int = 0
    best_loss: float = math.inf
    history: list[Epoch] = field(default_factory=list)


def _fit(
    material: Material, folds: Sequence[Fold], report: Report, rate: float, course: Course
) -> Fitted | None:
    plan, steps = material.plan, course.steps
    torch.manual_seed(plan.seed)
    learners = [_learner(plan, fold, rate, number, course) for number, fold in enumerate(folds)]
    patient = plan.patience > 0 and any(fold.validation is not None for fold in folds)
    epochs = epochs_of(plan, steps)
    now = _Progress(best=tuple(weights_of(one.averaged) for one in learners))
    if course.resume is not None:
        try:
            _restore(course.resume, learners, now)
        except (RuntimeError, LookupError, TypeError, ValueError):
            raise RunRejectedError(
                "the unfinished training does not fit the network it is said to be of",
                "train without --resume",
            ) from None
    expired = False
    while now.epoch < epochs and not (
        patient and now.epoch - max(now.best_epoch, forced_epochs(plan)) >= plan.patience
    ):
        count = min(plan.epoch_batches, (steps or 10**12) - now.done)
        # One epoch there must be, whatever the time: without it there is nothing to keep.
        deadline = course.deadline if now.epoch else None
        trained = [_train_epoch(material, one, count, now.done, deadline) for one in learners]
        if None in trained:
            expired = True
            break
        training_loss, clipped = trained[0] or (math.nan, 0.0)
        now.epoch, now.done = now.epoch + 1, now.done + count
        found = [
            evaluate(one.averaged, material, one.fold.validation, one.former)
            for one in learners
            if one.fold.validation
        ]
        validation_loss = float(np.mean(found)) if found else float("nan")
        if not np.isfinite([training_loss, *found]).all():
            return None
        if not patient or validation_loss < now.best_loss:
            now.best = tuple(weights_of(one.averaged) for one in learners)
            now.best_epoch, now.best_loss = now.epoch, validation_loss
        now.history.append(
            Epoch(now.epoch, training_loss, validation_loss, rate_at(plan, rate, now.done), now.best_epoch, epochs, course.stage, clipped, course.member)
        )  # fmt: skip
        report(now.history[-1])
        if course.keep is not None:
            course.keep(_snapshot(learners, now, rate))
    used = now.best_epoch * plan.epoch_batches if steps is None else now.done
    return Fitted(now.best, tuple(now.history), now.best_epoch, used, expired)


def _learner(plan: Plan, fold: Fold, rate: float, number: int, course: Course) -> _Learner:
    network = NETWORKS[plan.architecture.decoder](plan.architecture, zero_head=plan.zero_head)
    if course.start is not None:
        network.load_state_dict(_state(course.start))
    seed = plan.seed + 1000 * number
    batches = _batches(len(fold.training), plan.batch_size, np.random.default_rng(seed))
    former = tuple(_frozen(plan, member[min(number, len(member) - 1)]) for member in course.former)
    optimizer = _optimizer(plan, network, rate)
    return _Learner(fold, network, copy.deepcopy(network), optimizer, rate, batches, seed, former)


def _frozen(plan: Plan, weights: Weights) -> nn.Module:
    network = NETWORKS[plan.architecture.decoder](plan.architecture, zero_head=True)
    network.load_state_dict(_state(weights))
    return network.eval()


def _state(weights: Weights) -> dict[str, Tensor]:
    return {name: _tensor(values) for name, values in weights.items()}


def _optimizer(plan: Plan, network: nn.Module, rate: float) -> torch.optim.Optimizer:
    weights, decay = network.parameters(), plan.weight_decay
    if plan.optimizer == "adam":
        return torch.optim.Adam(weights, lr=rate, weight_decay=decay)
    if plan.optimizer == "adamw":
        return torch.optim.AdamW(weights, lr=rate, weight_decay=decay)
    if plan.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=rate, momentum=0.9, weight_decay=decay)
    return torch.optim.RMSprop(weights, lr=rate, alpha=0.9, eps=1e-7, weight_decay=decay)


def _train_epoch(
    material: Material, learner: _Learner, count: int, done: int, deadline: float | None
) -> tuple[float, float] | None:
    """`count` steps of the learner: the mean loss over them, and the share that was clipped; None: time is up."""
    plan = material.plan
    learner.network.train()
    loss_of, found, clipped = loss_function(plan.loss, plan.architecture.quantiles), [], 0
    for step in range(done + 1, done + count + 1):
        inputs, y, counts = batch(material, learner.fold.training, next(learner.batches))
        if plan.jitter:
            noise = np.random.default_rng([learner.seed, step]).normal(
                0, plan.jitter, inputs[0].shape[:2]
            )
            inputs[0][:, :, 0] += _tensor(noise)
        for network in learner.former:
            with torch.no_grad():
                y = y - network(*inputs)[..., 0]
        for group in learner.optimizer.param_groups:
            group["lr"] = rate_at(plan, learner.rate, step)
        learner.optimizer.zero_grad(set_to_none=True)
        each = loss_of(learner.network(*inputs, teacher=y, forcing=forcing_at(plan, step)), y)
        loss = (each if counts is None else each * counts).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        if plan.clip_norm:
            norm = nn.utils.clip_grad_norm_(learner.network.parameters(), plan.clip_norm)
            clipped += bool(norm > plan.clip_norm)
        learner.optimizer.step()
        _average(learner.averaged, learner.network, plan.averaging, step)
        found.append(loss.detach())
        if deadline is not None and time.monotonic() >= deadline:
            return None
    return float(torch.stack(found).mean()), clipped / count


def rate_at(plan: Plan, peak: float, step: int) -> float:
    """The learning rate of a step: rising in a line over the warm-up, then at its peak, or falling along a cosine."""
    if step < plan.warmup:
        return peak * (step / plan.warmup)
    if plan.schedule == "constant":
        return peak
    total = max(plan.epochs * plan.epoch_batches - plan.warmup, 1)
    return peak * 0.5 * (1 + math.cos(math.pi * min((step - plan.warmup) / total, 1.0)))


def forcing_at(plan: Plan, step: int) -> float:
    """How often a decoder is told the truth of the step before (scheduled sampling, Bengio et al. 2015): down in a line."""
    if plan.architecture.decoder != "seq2seq":
        return 0.0
    return max(0.0, 1 - step / (FORCED * plan.epochs * plan.epoch_batches))


def epochs_of(plan: Plan, steps: int | None) -> int:
    """At most how many epochs a training takes: those of the plan, or what so many batches come to."""
    return plan.epochs if steps is None else -(-steps // plan.epoch_batches)


def forced_epochs(plan: Plan) -> int:
    """Epochs in which a decoder is still told the truth now and then: too early to judge it by what it does alone."""
    return math.ceil(FORCED * plan.epochs) if plan.architecture.decoder == "seq2seq" else 0


def _average(averaged: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Weights averaged over the last steps (Polyak & Juditsky 1992): less noise, so a clearer best epoch."""
    keep = min(decay, step / (step + 10))
    with torch.no_grad():
        torch._foreach_lerp_(list(averaged.parameters()), list(network.parameters()), 1 - keep)


def _batches(count: int, size: int, random: np.random.Generator) -> Iterator[Ints]:
    """Endless batches of `count` window numbers, at least one; every window once before any comes again."""
    assert count > 0, "without a window there is no batch, and this would never end"  # noqa: S101
    while True:
        order = random.permutation(count)
        for start in range(0, count, size):
            yield order[start : start + size]


def batch(
    material: Material, chosen: Windows, index: Ints | slice
) -> tuple[tuple[Tensor, ...], Tensor, Tensor | None]:
    """Gather and normalize windows: what the network takes, targets (B, outputs), how much each counts; all float32."""
    values, plan = material.values, material.plan
    past, future = windows.pasts(values, chosen, index), windows.futures(values, chosen, index)
    scale = scaling.window_scale(past, chosen.horizon, plan.normalization, plan.lag)
    x, y = scaling.inputs(past, scale)[:, :, None], scaling.targets(future, scale)
    if plan.target_clip:
        # Squared errors of a few wild windows would drown all others.
        y = np.clip(y, -plan.target_clip, plan.target_clip)
    counts = (
        _tensor(windows.futures(material.counts, chosen, index)) if len(material.counts) else None
    )
    if material.covariates is None:
        return (_tensor(x),), _tensor(y), counts
    seen = covariates.gather(material.covariates, chosen, index, plan.lag)
    inputs = (
        _tensor(np.concatenate([x, seen.past], axis=2)),
        _tensor(seen.ahead),
        _tensor(seen.static),
    )
    return inputs, _tensor(y), counts


def _tensor(array: Floats) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


def evaluate(
    network: nn.Module, material: Material, chosen: Windows, former: Sequence[nn.Module] = ()
) -> float:
    """The loss over all windows, without dropout."""
    network.eval()
    plan, total = material.plan, 0.0
    loss_of = loss_function(plan.loss, plan.architecture.quantiles)
    with torch.no_grad():
        for start in range(0, len(chosen), 1024):
            inputs, y, counts = batch(
                material, chosen, np.arange(start, min(start + 1024, len(chosen)))
            )
            for one in former:
                y = y - one(*inputs)[..., 0]
            each = loss_of(network(*inputs), y)
            total += float((each if counts is None else each * counts).mean()) * len(y)
    return total / len(chosen)


# -- between two epochs ----------------------------------------------------------------------------------------------


def _snapshot(learners: Sequence[_Learner], now: _Progress, rate: float) -> Snapshot:
    arrays: dict[str, NDArray[Any]] = {"random": torch.get_rng_state().numpy().copy()}
    for number, one in enumerate(learners):
        for kind, weights in (
            ("network", weights_of(one.network)),
            ("averaged", weights_of(one.averaged)),
            ("best", now.best[number]),
        ):
            arrays |= {f"{number}.{kind}.{name}": values for name, values in weights.items()}
        for index, state in one.optimizer.state_dict()["state"].items():
            arrays |= {
                f"{number}.optimizer.{index}.{key}": value.numpy().copy()
                for key, value in state.items()
            }
    record = {
        "epoch": now.epoch, "done": now.done, "best_epoch": now.best_epoch, "best_loss": now.best_loss, "rate": rate,
        "history": [list(vars(line).values()) for line in now.history],
    }  # fmt: skip
    return Snapshot(arrays, record)


def _restore(snapshot: Snapshot, learners: Sequence[_Learner], now: _Progress) -> None:
    arrays, record = snapshot.arrays, snapshot.record
    best = []
    for number, one in enumerate(learners):
        one.network.load_state_dict(_named(arrays, f"{number}.network."))
        one.averaged.load_state_dict(_named(arrays, f"{number}.averaged."))
        best.append(
            {name: value.numpy() for name, value in _named(arrays, f"{number}.best.").items()}
        )
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in _named(arrays, f"{number}.optimizer.").items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
        one.optimizer.load_state_dict(
            {"state": state, "param_groups": one.optimizer.state_dict()["param_groups"]}
        )
        for _ in range(record["done"]):
            next(one.batches)
    torch.set_rng_state(torch.from_numpy(arrays["random"].copy()))
    now.epoch, now.done, now.best = record["epoch"], record["done"], tuple(best)
    now.best_epoch, now.best_loss = record["best_epoch"], record["best_loss"]
    now.history = [Epoch(*line) for line in record["history"]]


def _named(arrays: dict[str, NDArray[Any]], start: str) -> dict[str, Tensor]:
    found = {
        name.removeprefix(start): values
        for name, values in arrays.items()
        if name.startswith(start)
    }
    return {name: torch.from_numpy(np.array(values)) for name, values in found.items()}
