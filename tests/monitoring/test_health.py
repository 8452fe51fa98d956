"""The state of a store: an exit code and one line."""

from __future__ import annotations

import re

import pytest

from forecast_cli.monitoring import Health, status_of

HOUR, DAY = 3_600, 86_400


def test_a_good_state_is_exit_0_with_ages_and_the_ratio() -> None:
    health = Health(
        run="20261120T030012Z-000042-8f3a61c02b7e",
        run_age=3 * DAY,
        data_age=5 * HOUR,
        live_mase=0.66,
        held_out_mase=0.6,
        alert_ratio=1.5,
        data_max_age=2 * DAY,
    )
    assert status_of(health) == (
        0,
        "FORECAST OK - run 20261120T030012Z-000042-8f3a61c02b7e, trained 3 days ago, "
        "newest row 5 hours old (limit 2 days), live MASE 0.66, 1.1 x held-out (alarm above 1.5) "
        "| run_age=259200s data_age=18000s;;172800 live_mase=0.66 mase_ratio=1.1;;1.5",
    )


def test_no_run_is_exit_10() -> None:
    assert status_of(Health(alarm=True, data_age=9, data_max_age=1)) == (
        10,
        "FORECAST NO RUN - train one first: forecast train DATA",
    )


def test_an_alarm_is_exit_4_and_stale_data_come_before_it() -> None:
    alarm = Health(run="r", alarm=True, live_mase=2.0, held_out_mase=0.5)
    stale = Health(run="r", data_age=200, data_max_age=100)
    both = Health(run="r", alarm=True, data_age=200, data_max_age=100)
    assert status_of(alarm) == (
        4,
        "FORECAST ALARM - run r, live MASE 2, 4 x held-out | live_mase=2 mase_ratio=4",
    )
    unscored = "no actual values since the training yet"
    assert status_of(stale) == (
        5,
        f"FORECAST STALE DATA - run r, newest row 3.3 minutes old (limit 100 seconds), {unscored} "
        "| data_age=200s;;100",
    )
    assert status_of(both)[0] == 5
    assert "the alarm is on, too |" in status_of(both)[1]


def test_data_of_the_age_that_is_allowed_are_not_stale_and_no_limit_is_none() -> None:
    assert status_of(Health(run="r", data_age=100, data_max_age=100))[0] == 0
    assert status_of(Health(run="r", data_age=1e12))[0] == 0


def test_the_reason_why_there_is_no_run_is_on_the_same_line_without_a_bar() -> None:
    health = Health(no_run="no run in a|b;\ntrain one first")
    assert status_of(health) == (10, "FORECAST NO RUN - no run in a/b; train one first")


def test_the_last_refresh_is_shown_and_whose_scores_these_are() -> None:
    health = Health(
        run="r",
        refresh_age=7_200.4,
        live_mase=1.0,
        held_out_mase=0.5,
        alarm=True,
        is_of_another_run=True,
    )
    assert status_of(health) == (
        4,
        "FORECAST ALARM - run r, refreshed 2 hours ago, live MASE 1, 2 x held-out, of another run "
        "| refresh_age=7200s live_mase=1 mase_ratio=2",
    )


def test_what_is_not_known_is_not_shown() -> None:
    line = "FORECAST OK - run r, no actual values since the training yet"
    assert status_of(Health(run="r")) == (0, line)


def test_the_ratio_is_that_of_the_alarm_where_the_held_out_error_is_nearly_zero() -> None:
    constant = Health(run="r", live_mase=0.2, held_out_mase=0.0)
    assert status_of(constant) == (
        0,
        "FORECAST OK - run r, live MASE 0.2, 20 x held-out | live_mase=0.2 mase_ratio=20",
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 seconds"), (119, "119 seconds"), (2 * DAY, "2 days"), (-DAY, "-24 hours")],
)
def test_ages_are_in_a_unit_that_fits(seconds: float, text: str) -> None:
    line = status_of(Health(run="r", data_age=seconds))[1]
    assert f"newest row {text} old" in line


def test_it_is_one_line_with_one_bar() -> None:
    full = Health(
        run="r", run_age=1, data_age=2, live_mase=float("nan"), held_out_mase=1, alarm=True
    )
    for health in (Health(), Health(run="r"), full):
        _, line = status_of(health)
        assert "\n" not in line
        assert line.count("|") <= 1
        assert re.fullmatch(r"(?: ?[a-z_]+=-?[0-9.]+s?(?:;;[0-9.]+)?)*", line.partition(" |")[2])
