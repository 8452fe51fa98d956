"""The training of a refresh: what a failure comes to. Nothing is trained here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from forecast_cli.errors import DivergedError, ForecastError, StorageError
from forecast_cli.progress import silent
from forecast_cli.sources import settings_from
from forecast_cli.workflow import training
from forecast_cli.workflow.refresh_state import RefreshJob, RefreshState, look_at
from forecast_cli.workflow.retraining import Outcome, prepare_if_due, train_if_due
from tests.conftest import AIRLINE

DIVERGED = DivergedError("the loss is not finite", "use a smaller --learning-rate")


def job_in(root: Path, **changed: Any) -> RefreshJob:
    named = {"epochs": 3, "units": "8,6", "members": 1, "seed": 3} | changed
    return RefreshJob(settings_from(**named), root, silent, store.now_in_utc)


def looked(job: RefreshJob) -> RefreshState:
    return look_at(str(AIRLINE), job)


def trained(root: Path, **changed: Any) -> Outcome:
    job = job_in(root, **changed)
    state = looked(job)
    with store.lock(root) as lock:
        return train_if_due(str(AIRLINE), state, job, lock, None)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    fail_with(monkeypatch, DIVERGED)
    return monkeypatch


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(training, "fit_and_publish", fail)


def test_nothing_is_prepared_or_trained_where_nothing_is_due(
    store_copy: Path, failing: pytest.MonkeyPatch
) -> None:
    job = job_in(store_copy)
    assert prepare_if_due(str(AIRLINE), looked(job), job) is None
    outcome = trained(store_copy)
    assert (outcome.trained, outcome.notes) == (None, ())


def test_a_training_that_fails_leaves_the_run_before_it_and_degrades(
    store_copy: Path, failing: pytest.MonkeyPatch
) -> None:
    outcome = trained(store_copy, retrain_after="0")
    assert outcome.trained is None
    assert [(note.kind, note.level, note.text) for note in outcome.notes] == [
        (
            "training_failed",
            "degraded",
            "the training failed, so the run before it goes on: the loss is not finite",
        )
    ]


def test_a_bug_in_the_training_degrades_too(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, ZeroDivisionError("division by zero"))
    (note,) = trained(store_copy, retrain_after="0").notes
    assert note.level == "degraded"


def test_a_full_disk_is_an_error_although_there_is_a_run(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(monkeypatch, StorageError("cannot write: No space left on device"))
    with pytest.raises(StorageError):
        trained(store_copy, retrain_after="0")


def test_without_a_run_to_go_on_with_the_failure_is_the_error(
    tmp_path: Path, failing: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ForecastError) as raised:
        trained(tmp_path / "store")
    assert raised.value is DIVERGED


def test_a_warm_start_begins_with_the_run_unless_it_has_seen_the_held_out_rows(
    store_copy: Path, tmp_path: Path
) -> None:
    def start(data: Path) -> str | None:
        job = job_in(store_copy, retrain_after="0", start="warm")
        prepared = prepare_if_due(str(data), look_at(str(data), job), job)
        assert prepared is not None
        return None if prepared.start is None else prepared.start.name

    later = tmp_path / "later.csv"
    year = "".join(f"1961-{month:02},{400 + month}\n" for month in range(1, 13))
    later.write_text(AIRLINE.read_text() + year)
    assert (start(AIRLINE), start(later)) == (None, store.latest(store_copy))


def test_a_warm_start_is_left_out_where_the_network_is_another_one(
    store_copy: Path, tmp_path: Path
) -> None:
    job = job_in(store_copy, units="5", start="warm")
    prepared = prepare_if_due(str(AIRLINE), looked(job), job)
    assert prepared is not None
    assert prepared.start is None
