"""The state of a store as an exit code and one line, in the style of a Nagios plugin.

https://nagios-plugins.org/doc/guidelines.html: one line, what a person reads, a bar, and then the
numbers as `name=value;warning;critical`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from forecast_cli.errors import NoRunError
from forecast_cli.messages import in_largest_unit
from forecast_cli.refreshing import mase_ratio

ALARM = 4  # the forecasts have become worse than they were when the run was trained
STALE = 5  # the newest row is older than is allowed


@dataclass(frozen=True, kw_only=True)
class Health:
    """What is known of a store; None for what is not known.

    - run: the name of the latest run; an empty text where there is none, and why, in no_run
    - run_age, data_age, refresh_age: in seconds, of the run, the newest row and the last refresh
    - live_mase, held_out_mase: of forecasts whose actual values came, and of the held-out rows
    - is_of_another_run: both, and the alarm, are of a run that is not the latest any more
    - alarm: whether the alarm is on; alert_ratio: of the two MASE, above which it is raised
    - data_max_age: seconds beyond which the data are stale
    """

    run: str = ""
    no_run: str = "train one first: forecast train DATA"
    run_age: float | None = None
    data_age: float | None = None
    refresh_age: float | None = None
    live_mase: float | None = None
    held_out_mase: float | None = None
    is_of_another_run: bool = False
    alarm: bool = False
    alert_ratio: float | None = None
    data_max_age: float | None = None

    @property
    def is_stale(self) -> bool:
        """Whether the data are older than is allowed."""
        if self.data_age is None or self.data_max_age is None:
            return False
        return self.data_age > self.data_max_age

    @property
    def ratio(self) -> float | None:
        """The live MASE divided by the held-out MASE, as the alarm has it; None where unknown."""
        return mase_ratio(self.live_mase, self.held_out_mase)


def status_of(health: Health) -> tuple[int, str]:
    """The exit code and the line. Without a run it is 10; stale data, 5, come before an alarm, 4.

    Stale data come first because live scores of old data say nothing about today.
    """
    if not health.run:
        return NoRunError.exit_code, f"FORECAST NO RUN - {_plain(health.no_run)}"

    code, word = 0, "OK"
    if health.is_stale:
        code, word = STALE, "STALE DATA"
    elif health.alarm:
        code, word = ALARM, "ALARM"
    return code, f"FORECAST {word} - {_sentence(health)}{_numbers(health)}"


def _sentence(health: Health) -> str:
    """What a person reads: ages and errors, whatever the state is."""
    parts = [f"run {health.run}"]
    if health.run_age is not None:
        parts.append(f"trained {in_largest_unit(health.run_age)} ago")
    if health.data_age is not None:
        limit = ""
        if health.data_max_age is not None:
            limit = f" (limit {in_largest_unit(health.data_max_age)})"
        parts.append(f"newest row {in_largest_unit(health.data_age)} old{limit}")
    if health.refresh_age is not None:
        parts.append(f"refreshed {in_largest_unit(health.refresh_age)} ago")

    parts.append(_errors(health))
    if health.alarm and health.is_stale:
        parts.append("the alarm is on, too")
    return ", ".join(parts)


def _errors(health: Health) -> str:
    """How good live forecasts are, and whose they are."""
    if health.live_mase is None:
        return "no actual values since the training yet"
    text = f"live MASE {health.live_mase:.4g}"
    if health.ratio is not None:
        limit = "" if health.alert_ratio is None else f" (alarm above {health.alert_ratio:g})"
        text += f", {health.ratio:.3g} x held-out{limit}"
    return f"{text}, of another run" if health.is_of_another_run else text


def _plain(text: str) -> str:
    """A text on one line and without bars, behind which numbers are expected."""
    return " ".join(text.replace("|", "/").split())


def _numbers(health: Health) -> str:
    """The numbers behind the bar; an empty text where none is known."""
    known = (
        ("run_age", health.run_age, "s", None),
        ("data_age", health.data_age, "s", health.data_max_age),
        ("refresh_age", health.refresh_age, "s", None),
        ("live_mase", health.live_mase, "", None),
        ("mase_ratio", health.ratio, "", health.alert_ratio),
    )
    shown = []
    for name, value, unit, limit in known:
        if value is not None and math.isfinite(value):
            critical = "" if limit is None else f";;{limit:.10g}"
            text = f"{value:.0f}" if unit == "s" else f"{value:.10g}"
            shown.append(f"{name}={text}{unit}{critical}")
    return " | " + " ".join(shown) if shown else ""
