from __future__ import annotations

from typing import Any

import pytest

from forecast_cli import planning
from forecast_cli.planning import Plan
from forecast_cli.sources import settings_from
from tests.plots.helpers import many


def a_plan(**named: Any) -> Plan:
    return planning.make(many(1), settings_from(**named))


def test_every_value_has_one_line_and_records_have_none() -> None:
    values = planning.values_by_name(a_plan())
    assert values["units"] == (64, 64)
    assert values["horizon"] == 7
    assert {"reasons", "trials", "architecture", "by_season"}.isdisjoint(values)


@pytest.mark.parametrize(
    ("name", "named", "reason"),
    [
        ("horizon", {}, "one main season (daily)"),
        ("horizon", {"horizon": 5}, "as given"),
        ("seed", {}, ""),
        ("seed", {"seed": 7}, "as given"),
        ("levels", {"levels": (50.0,)}, "as given"),
        ("zero_head", {}, "preset auto"),
    ],
)
def test_a_value_that_is_no_default_has_a_reason(
    name: str, named: dict[str, Any], reason: str
) -> None:
    plan = a_plan(**named)
    assert planning.reason_of(plan, name, planning.values_by_name(plan)[name]) == reason


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        ("", "none"),
        (True, "true"),
        ((24, 168), "24,168"),
        ((), "none"),
        (0.5, "0.5"),
        (80.0, "80"),
    ],
)
def test_values_are_written_as_in_the_file_of_settings(value: Any, text: str) -> None:
    assert planning.written(value) == text
