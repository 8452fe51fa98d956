"""When the alarm is on."""

from __future__ import annotations

import pytest

from forecast_cli.refreshing import Alarm, alarm_of


def alarm(live: float | None, held_out: float | None, rows: int = 24) -> Alarm:
    return alarm_of(live, held_out, rows=rows, horizon=12, alert_ratio=1.5)


@pytest.mark.parametrize(
    ("live", "held_out", "rows", "is_on"),
    [
        (1.6, 1.0, 24, True),
        (1.5, 1.0, 24, False),  # not more than the ratio
        (1.6, 1.0, 23, False),  # less than two horizons
        (0.014, 0.0, 24, False),  # nearly perfect before and now
        (0.016, 0.0, 24, True),
        (None, 1.0, 24, False),
        (9.0, None, 24, False),
    ],
)
def test_the_alarm_is_on_above_the_ratio_with_two_horizons_of_actual_values(
    live: float | None, held_out: float | None, rows: int, is_on: bool
) -> None:
    assert alarm(live, held_out, rows).is_on is is_on


def test_the_reason_names_the_numbers() -> None:
    assert alarm(1.6, 1.0).reason == (
        "the live MASE is 1.6, 1.6 times the held-out one: more than --alert-ratio 1.5"
    )
    assert alarm(1.6, 1.0, 23).reason == (
        "the live MASE is 1.6, 1.6 times the held-out one; the alarm needs 24 actual values, "
        "and there are 23"
    )
    assert (alarm(None, 1.0).ratio, alarm(3.0, 2.0).ratio) == (None, 1.5)
