"""The alarm: forecasts have become worse than they were on the held-out rows of the training."""

from __future__ import annotations

from dataclasses import dataclass

HORIZONS_NEEDED = 2  # of actual values, with fewer of which the alarm stays off
LEAST_HELD_OUT = 0.01  # a smaller MASE counts as this: what is nearly perfect may be twice as bad


@dataclass(frozen=True)
class Alarm:
    """Whether the alarm is on, and why.

    ratio: the live MASE divided by the held-out MASE; None where there is no such number.
    """

    is_on: bool
    ratio: float | None
    reason: str


def alarm_of(
    live_mase: float | None,
    held_out_mase: float | None,
    *,
    rows: int,
    horizon: int,
    alert_ratio: float,
) -> Alarm:
    """The alarm from the errors of live forecasts and of those of the held-out rows.

    rows: actual values of each series that the live error is of.
    """
    ratio = mase_ratio(live_mase, held_out_mase)
    if live_mase is None:
        return Alarm(False, None, "no forecast of a whole horizon has come true yet")
    if ratio is None:
        return Alarm(False, None, "no held-out MASE is known, so live forecasts are not judged")

    compared = f"the live MASE is {live_mase:.4g}, {ratio:.3g} times the held-out one"
    needed = HORIZONS_NEEDED * horizon
    if rows < needed:
        text = f"{compared}; the alarm needs {needed:,} actual values, and there are {rows:,}"
        return Alarm(False, ratio, text)
    if ratio > alert_ratio:
        return Alarm(True, ratio, f"{compared}: more than --alert-ratio {alert_ratio:g}")
    return Alarm(False, ratio, compared)


def mase_ratio(live_mase: float | None, held_out_mase: float | None) -> float | None:
    """The live MASE divided by the held-out MASE; None where one of them is not known.

    A held-out MASE below LEAST_HELD_OUT counts as that.
    """
    if live_mase is None or held_out_mase is None:
        return None
    return live_mase / max(held_out_mase, LEAST_HELD_OUT)
