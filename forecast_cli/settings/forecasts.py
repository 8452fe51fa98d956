"""What a forecast is beside its values: its intervals, its decimals, and how good it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forecast_cli import choices, fields
from forecast_cli.fields import Digits, Group, setting


@dataclass(frozen=True)
class IntervalSettings(Group):
    """The intervals around the forecast."""

    panel: ClassVar[str] = "Output"

    levels: tuple[float, ...] = setting(
        (80.0, 95.0),
        "Levels of the prediction intervals, in percent.",
        metavar="LIST",
        form=fields.LEVELS,
    )
    interval: choices.Interval | None = setting(
        None,
        "How the prediction intervals are computed.",
        auto="by --loss",
        metavar="KIND",
    )


@dataclass(frozen=True)
class AccuracySettings(Group):
    """How good a network must be."""

    panel: ClassVar[str] = "Training"

    min_skill: float | None = setting(
        None,
        "Least skill against naive forecasts, e.g. 0.1. With less, exit with 4, and promote no run.",
        minimum=0,
        maximum=1,
        metavar="SHARE",
    )


@dataclass(frozen=True)
class OutputSettings(Group):
    """How forecasts are written."""

    panel: ClassVar[str] = "Output"

    digits: Digits | None = setting(
        None,
        "Number of decimals in forecasts, or 'full' for all digits.",
        auto="those of the data plus 3",
        metavar="N",
        form=fields.DIGITS,
    )
