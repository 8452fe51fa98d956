"""The records of planning."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from forecast_cli import store
from forecast_cli.planning import Decided, Plan
from tests.conftest import ROOT


def test_a_decision_may_have_nothing_to_explain() -> None:
    assert Decided(12) == Decided(12, "")


def test_every_field_that_runs_of_the_first_releases_lack_has_a_default() -> None:
    config = next((ROOT / "tests/golden/0.2.0/store/runs").glob("*/config.json"))
    recorded = json.loads(config.read_text())["plan"]
    later = [field for field in dataclasses.fields(Plan) if field.name not in recorded]
    assert {"optimizer", "members"} <= {field.name for field in later}
    for field in later:
        defaults = (field.default, field.default_factory)
        assert any(default is not dataclasses.MISSING for default in defaults), field.name


def test_the_season_is_the_main_one_and_one_step_without_any(airline_store: Path) -> None:
    plan = store.load(airline_store).config.plan
    assert dataclasses.replace(plan, seasons=(24, 168)).season == 24
    assert dataclasses.replace(plan, seasons=()).season == 1
    assert plan.lookback == plan.architecture.lookback


def test_a_plan_cannot_be_changed(airline_store: Path) -> None:
    plan = store.load(airline_store).config.plan
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.horizon = 3  # type: ignore[misc]
