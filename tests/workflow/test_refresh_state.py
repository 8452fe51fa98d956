"""What a refresh finds, and what it decides. Nothing is trained here."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from forecast_cli.errors import RunMismatchError, SettingsError
from forecast_cli.settings import Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Run
from forecast_cli.workflow.refresh_state import RefreshState, look, model_as_asked
from tests.conftest import AIRLINE

TRAINED = {"epochs": 3, "units": "8,6", "members": 1, "seed": 3}


def asked(**changed: Any) -> Settings:
    """The settings of the run in the store, with changes."""
    return settings_from(**(TRAINED | changed))


def found(root: Path, data: Path = AIRLINE, *, days: float = 1.0, **changed: Any) -> RefreshState:
    """What is found so many days after the run was trained."""
    return look(data, asked(**changed), store_folder=root, clock=lambda: later(root, days))


def later(root: Path, days: float) -> datetime:
    return store.time_of(store.latest(root)) + timedelta(days=days)


def test_without_a_store_a_training_is_due_and_nothing_is_written(tmp_path: Path) -> None:
    state = look(AIRLINE, asked(), store_folder=tmp_path / "none")
    assert (state.decision.action, state.decision.kinds) == ("train", ("no_run",))
    assert (state.run, state.run_age, state.live, state.changes) == (None,) * 4
    assert state.panel is not None
    assert os.listdir(tmp_path) == []


def test_a_run_of_these_settings_that_is_young_is_used_again(airline_store: Path) -> None:
    state = found(airline_store)
    assert (state.decision.action, state.run_age) == ("reuse", 86_400.0)
    assert state.run is not None
    assert state.held_out_mase == state.run.metrics.test.network.mase  # type: ignore[union-attr]
    assert [note.text for note in state.notes if note.kind == "no_new_rows"] == ["no new rows"]


@pytest.mark.parametrize(
    ("changed", "days", "kinds"),
    [
        ({"seed": 4}, 1, ("settings",)),
        ({}, 7, ("age",)),
        ({"retrain_after": "2d"}, 2, ("age",)),
        ({"seed": 4, "retrain_after": "0"}, 1, ("settings", "age")),
        ({"digits": 1, "levels": "50", "keep": 2, "threads": 1}, 1, ()),
    ],
)
def test_what_is_due_is_told(
    airline_store: Path, changed: dict[str, Any], days: int, kinds: tuple[str, ...]
) -> None:
    assert found(airline_store, days=days, **changed).decision.kinds == kinds


def test_a_clock_before_the_training_is_told_and_no_age_is_negative(airline_store: Path) -> None:
    state = found(airline_store, days=-1)
    assert (state.run_age, state.decision.action) == (0.0, "reuse")
    assert [note.text for note in state.notes if note.kind == "clock"] == [
        "the clock is before the time of the last training: its age counts as 0; "
        "set the clock of this machine"
    ]


def test_intervals_that_the_run_has_not_learned_are_refused_before_anything_is_done(
    airline_store: Path,
) -> None:
    with pytest.raises(SettingsError) as raised:
        found(airline_store, interval="quantile")
    assert raised.value.message == "--interval quantile: the network of the run has no quantiles"


def test_a_run_that_goes_on_in_place_of_one_with_quantiles_keeps_its_own_intervals(
    airline_store: Path,
) -> None:
    run = store.load(airline_store)
    model, about = model_as_asked(run, asked(loss="quantile", interval="quantile"))
    assert model is run.model
    assert [(note.level, note.text) for note in about] == [
        (
            "degraded",
            f"the run {run.name}, which goes on, has not learned what --interval quantile needs, "
            "so its intervals are conformal",
        )
    ]
    assert model_as_asked(run, asked(interval="conformal"))[1] == ()


def test_held_out_rows_are_needed_to_judge_a_training(airline_store: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        found(airline_store, test=0)
    assert (raised.value.message, raised.value.hint) == (
        "--test 0 holds out no rows, on which refresh judges what it trains",
        "leave out --test 0",
    )


def test_columns_that_changed_are_refused_unless_the_settings_did_too(
    airline_store: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(AIRLINE.read_text().replace("Passengers", "Guests"))
    target = trained_on(airline_store).config.columns.target
    with pytest.raises(RunMismatchError) as raised:
        found(airline_store, other)
    assert raised.value.message.startswith(
        f"{other} does not fit the run {store.latest(airline_store)}, which was trained on time "
        f"'Month', target '{target}': "
    )
    state = found(airline_store, other, target="Guests")
    assert (state.panel, state.decision.kinds) == (None, ("settings",))


def trained_on(root: Path) -> Run:
    return store.load(root)


def test_new_settings_of_the_reader_are_those_of_the_new_rows(
    airline_store: Path, tmp_path: Path
) -> None:
    ended = tmp_path / "ended.csv"
    ended.write_text(AIRLINE.read_text() + "the end\n")
    state = found(airline_store, ended, footer=1)
    assert state.panel is not None
    assert state.panel.lengths.tolist() == [144]
    assert state.panel.reading == replace(state.panel.reading, footer=1)
