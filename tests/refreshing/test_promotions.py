"""Every row of the table by which a new run is promoted or not."""

from __future__ import annotations

from typing import Any

import pytest

from forecast_cli.refreshing import Errors, judge


def errors(**changed: Any) -> Errors:
    usual: dict[str, Any] = {
        "metric": "MASE",
        "new": 0.8,
        "naive": 1.0,
        "by": "same_rows",
        "new_there": 0.8,
        "old": 0.9,
        "rows": 12,
    }
    return Errors(**(usual | changed))


@pytest.mark.parametrize(
    ("changed", "promoted"),
    [
        ({}, True),
        ({"old": 0.8}, False),  # equal is not better
        ({"old": 0.7}, False),
        ({"naive": 0.8}, False),
        ({"naive": 0.8, "old": 2.0}, False),  # better than the old one, but not than naive
        ({"by": "recorded"}, True),
        ({"by": "recorded", "old": 0.7}, False),
        ({"by": "recorded", "old": None}, False),
        ({"by": "none", "old": None, "new_there": None}, True),
        ({"new": None}, False),
        ({"naive": None}, False),
    ],
)
def test_a_new_run_must_be_better_than_naive_and_than_the_old_run(
    changed: dict[str, Any], promoted: bool
) -> None:
    assert judge(errors(**changed), has_old=True).promote is promoted


def test_the_first_run_is_promoted_with_a_warning_where_it_loses_to_naive() -> None:
    good, bad = (judge(errors(by="none", new=new), has_old=False) for new in (0.8, 1.2))
    assert (good.promote, good.warning) == (True, "")
    assert bad.promote
    assert bad.warning == (
        "the first run is used, although its MASE is 1.2, and that of the better naive forecast 1: "
        "it is no better"
    )


def test_the_reason_says_on_which_rows_the_runs_were_compared() -> None:
    assert judge(errors(), has_old=True).reason == (
        "its MASE is 0.8, and that of the run before it 0.9, on the 12 rows that neither was "
        "trained on"
    )
    assert judge(errors(by="recorded", old=0.7), has_old=True).reason == (
        "its MASE is 0.8, and that of the run before it 0.7, on the held-out rows of each, as there "
        "is less than a horizon of newer rows: it is no better"
    )
