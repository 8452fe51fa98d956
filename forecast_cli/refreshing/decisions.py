"""Whether to train again: the decision of `forecast refresh`, and its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from forecast_cli.messages import in_largest_unit
from forecast_cli.refreshing.alarms import Alarm

Action = Literal["train", "reuse"]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the decision depends on.

    - has_run: whether there is a latest run
    - training_age: seconds since the last training, also of one whose run was not promoted; None
      where there was none; retrain_after: the age from which on to train again
    - changed_settings: names of settings that change the weights, and are others than they were
    """

    has_run: bool
    training_age: float | None
    retrain_after: float
    changed_settings: tuple[str, ...]
    alarm: Alarm


@dataclass(frozen=True)
class Decision:
    """What to do, and why, in words; `kinds` are the same reasons for programs."""

    action: Action
    kinds: tuple[str, ...]
    reasons: tuple[str, ...]


def decide(facts: Facts) -> Decision:
    """Train where there is no run, settings changed, the training is old, or the alarm is on."""
    due: dict[str, str] = {}
    if not facts.has_run:
        due["no_run"] = "there is no run yet"
    elif facts.changed_settings:
        names = ", ".join(facts.changed_settings)
        due["settings"] = f"settings changed since the last training: {names}"

    if facts.has_run and _is_old(facts):
        due["age"] = f"{_age(facts)}: --retrain-after is {in_largest_unit(facts.retrain_after)}"
    if facts.has_run and facts.alarm.is_on:
        due["alarm"] = facts.alarm.reason

    if due:
        return Decision("train", tuple(due), tuple(due.values()))
    return Decision("reuse", (), (_not_due(facts),))


def _is_old(facts: Facts) -> bool:
    return facts.training_age is not None and facts.training_age >= facts.retrain_after


def _not_due(facts: Facts) -> str:
    if facts.training_age is None:
        return "nothing is due"
    return f"{_age(facts)}, and --retrain-after is {in_largest_unit(facts.retrain_after)}"


def _age(facts: Facts) -> str:
    return f"the last training was {in_largest_unit(facts.training_age or 0.0)} ago"
