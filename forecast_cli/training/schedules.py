"""What changes while a training goes on. Each is a function of the step alone, so that a training
that is resumed goes on as it would have."""

from __future__ import annotations

import math

from forecast_cli.planning import Plan

RISING = 0.3  # share of the steps of one cycle in which the rate rises
LOWEST = 0.04  # part of the peak at which it begins
LAST_RATE = 1e-5  # part of the peak with which it ends
FORCED = 0.2  # share of the epochs over which teacher forcing is scheduled down to none


def learning_rate_at(plan: Plan, peak: float, step: int, total: int) -> float:
    """The learning rate of a step, from 1, of a training of `total` steps.

    It rises in a line over the warm-up, and then stays at its peak or falls along a cosine. In one
    cycle (Smith & Topin 2018) it rises along a cosine over the first part of the training, and
    falls along another one to the last step.
    """
    if plan.schedule == "one-cycle":
        return peak * _one_cycle(step / max(total, 1))
    if step < plan.warmup:
        return peak * (step / plan.warmup)
    if plan.schedule == "constant":
        return peak

    progress = min((step - plan.warmup) / max(total - plan.warmup, 1), 1.0)
    return peak * 0.5 * (1 + math.cos(math.pi * progress))


def _one_cycle(progress: float) -> float:
    """The part of the peak rate after a part of all steps, 0 to 1."""
    progress = min(progress, 1.0)
    if progress < RISING:
        risen = 0.5 * (1 - math.cos(math.pi * progress / RISING))
        return LOWEST + (1 - LOWEST) * risen
    return 0.5 * (1 + math.cos(math.pi * (progress - RISING) / (1 - RISING))) + LAST_RATE


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
