"""What changes while a training goes on. Each is a function of the step alone, so that a training
that is resumed goes on as it would have."""

from __future__ import annotations

import math

from forecast_cli.planning import Plan

FORCED = 0.2  # share of the epochs over which teacher forcing is scheduled down to none


def learning_rate_at(plan: Plan, peak: float, step: int) -> float:
    """The learning rate of a step, from 1.

    It rises in a line over the warm-up, and then stays at its peak or falls along a cosine.
    """
    if step < plan.warmup:
        return peak * (step / plan.warmup)
    if plan.schedule == "constant":
        return peak

    total = max(plan.epochs * plan.epoch_batches - plan.warmup, 1)
    progress = min((step - plan.warmup) / total, 1.0)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))


def teacher_forcing_at(plan: Plan, step: int) -> float:
    """How often a decoder is told the truth of the step before: down in a line.

    Scheduled sampling (Bengio et al. 2015).
    """
    if plan.architecture.decoder != "seq2seq":
        return 0.0
    return max(0.0, 1 - step / (FORCED * plan.epochs * plan.epoch_batches))


def teacher_forced_epochs(plan: Plan) -> int:
    """Epochs in which a decoder is still told the truth now and then.

    They are too early to judge it by what it does alone.
    """
    if plan.architecture.decoder != "seq2seq":
        return 0
    return math.ceil(FORCED * plan.epochs)


def averaging_decay(plan: Plan, step: int) -> float:
    """How much of the averaged weights stays at a step: little at first, `plan.averaging` then."""
    return min(plan.averaging, step / (step + 10))


def max_epochs(plan: Plan, steps: int | None) -> int:
    """The maximum number of epochs: those of the plan, or what so many steps come to."""
    if steps is None:
        return plan.epochs
    return -(-steps // plan.epoch_batches)
