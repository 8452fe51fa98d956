"""Every row of the table by which a refresh decides whether to train."""

from __future__ import annotations

from typing import Any

import pytest

from forecast_cli.refreshing import Alarm, Facts, decide

QUIET = Alarm(False, 1.0, "fine")
LOUD = Alarm(True, 2.0, "much worse")
DAY = 86_400.0


def facts(**changed: Any) -> Facts:
    usual: dict[str, Any] = {
        "has_run": True,
        "training_age": DAY,
        "retrain_after": 7 * DAY,
        "changed_settings": (),
        "alarm": QUIET,
    }
    return Facts(**(usual | changed))


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        ({}, ()),
        ({"has_run": False, "training_age": None}, ("no_run",)),
        ({"training_age": 7 * DAY}, ("age",)),
        ({"training_age": 7 * DAY - 1}, ()),
        ({"training_age": None}, ()),
        ({"changed_settings": ("units",)}, ("settings",)),
        ({"alarm": LOUD}, ("alarm",)),
        ({"alarm": LOUD, "training_age": 8 * DAY}, ("age", "alarm")),
        ({"changed_settings": ("units",), "alarm": LOUD}, ("settings", "alarm")),
        ({"has_run": False, "changed_settings": ("units",), "alarm": LOUD}, ("no_run",)),
        ({"retrain_after": 0.0, "training_age": 0.0}, ("age",)),
    ],
)
def test_a_refresh_trains_where_something_is_due(
    changed: dict[str, Any], kinds: tuple[str, ...]
) -> None:
    decision = decide(facts(**changed))
    assert decision.kinds == kinds
    assert decision.action == ("train" if kinds else "reuse")
    assert decision.reasons


def test_the_reasons_are_sentences() -> None:
    assert decide(facts()).reasons == (
        "the last training was 24 hours ago, and --retrain-after is 7 days",
    )
    due = facts(training_age=8 * DAY, changed_settings=("units", "lookback"))
    assert decide(due).reasons == (
        "settings changed since the last training: units, lookback",
        "the last training was 8 days ago: --retrain-after is 7 days",
    )
