"""forecast status: one line about a store, and an exit code."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import calendar, store, workflow
from forecast_cli.errors import RunRejectedError, SettingsError
from forecast_cli.panel import TimeFormat
from forecast_cli.store import PastForecast, RefreshEvent, Run, TrackRecord
from tests.commands.helpers import Forecast, several
from tests.conftest import ROOT, run_python

GOLDEN = ROOT / "tests" / "golden"
STORES = sorted(GOLDEN.glob("*/store"))
NEWEST = GOLDEN / "0.9.0" / "store"
DAY = 86_400.0
NOTHING_DUE = RefreshEvent(action="reuse", reasons=["nothing is due"], alarm=False)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """A store that was only trained."""
    return Path(shutil.copytree(NEWEST, tmp_path / "store"))


def at(time: datetime) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ")


def refreshed(root: Path, *, later: int = 0, hours: float = 3, **event: Any) -> PastForecast:
    """Add what a refresh would have recorded, some hours ago, with so many rows more."""
    run = store.load(root)
    number = store.next_forecast_number(root)
    past = record_of(run, number, later, at(datetime.now(UTC) - timedelta(hours=hours)), **event)
    with store.lock(root) as lock:
        store.write_forecast(lock, past)
    return past


def record_of(run: Run, number: int, later: int, created: str, **event: Any) -> PastForecast:
    count, horizon = len(run.tail), run.config.plan.horizon
    record = TrackRecord(
        format="forecast-track",
        schema=1,
        number=number,
        created=created,
        run=run.name,
        columns=run.config.columns,
        frequency=run.config.frequency,
        ids=list(run.tail.ids),
        horizon=horizon,
        levels=[],
        rows=10,
        settings={},
        event=replace(NOTHING_DUE, **event),
    )
    return PastForecast(
        record=record,
        ends=run.tail.first + run.tail.lengths + later,
        values=np.zeros((count, horizon)),
        bounds={},
        truth=np.zeros(0),
        offsets=np.zeros(count + 1, np.int64),
    )


def content(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def newest_row(root: Path) -> datetime:
    newest = workflow.health_of(root).newest_row
    assert newest is not None
    return newest


@pytest.mark.parametrize("root", STORES, ids=lambda path: path.parent.name)
def test_a_store_of_any_release_that_was_only_trained_is_ok(forecast: Forecast, root: Path) -> None:
    result = forecast("status", "--store", root)
    assert (result.code, result.err, result.out.count("\n")) == (0, "", 1)
    assert result.out.startswith(f"FORECAST OK - run {store.latest(root)}, trained ")
    assert ", no actual values since the training yet | run_age=" in result.out


def test_nothing_is_written_no_lock_is_taken_and_torch_is_not_loaded(trained: Path) -> None:
    refreshed(trained)
    os.environ["PYTHONPATH"] = str(ROOT)
    code = (
        "import sys; from forecast_cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        "except SystemExit as e: assert e.code == 0\n"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules)"
    )
    with store.lock(trained):
        before = content(trained)
        run_python(code, "status", "--store", trained, "--json")
        assert content(trained) == before


def test_the_scores_of_the_last_refresh_are_shown(forecast: Forecast, trained: Path) -> None:
    refreshed(trained, alarm=True)
    refreshed(trained, live_mase=0.66, held_out_mase=0.6, ratio=1.1)
    result = forecast("status", "--store", trained)
    assert (result.code, result.err) == (0, "")
    assert "refreshed 3 hours ago, live MASE 0.66, 1.1 x held-out | run_age=" in result.out


def test_json_has_all_numbers(forecast: Forecast, trained: Path) -> None:
    refreshed(trained, live_mase=0.9, held_out_mase=0.6, ratio=1.5)
    result = forecast("status", "--store", trained, "--json")
    document = json.loads(result.out)
    assert document["schema"] == "forecast/status/v1"
    assert (document["exit_code"], document["status"], document["alarm"]) == (0, "ok", False)
    assert document["run"] == store.latest(trained)
    assert document["ratio"] == pytest.approx(1.5)
    assert document["refresh_age_seconds"] == pytest.approx(3 * 3600, abs=60)
    assert document["line"].startswith("FORECAST OK")
    assert document["warnings"] == []


def test_an_alarm_of_the_last_refresh_is_exit_4_even_when_a_new_run_was_promoted(
    forecast: Forecast, trained: Path
) -> None:
    refreshed(trained, alarm=True, live_mase=2.0, held_out_mase=0.5)
    result = forecast("status", "--store", trained, "--quiet")
    assert (result.code, result.err) == (4, "")
    assert result.out.startswith("FORECAST ALARM - ")
    assert "4 x held-out | " in result.out

    refreshed(trained, alarm=True, promoted=True, live_mase=2.0, held_out_mase=0.5)
    result = forecast("status", "--store", trained, "--json")
    document = json.loads(result.out)
    assert (result.code, document["exit_code"], document["status"]) == (4, 4, "alarm")
    assert document["is_of_another_run"]
    assert "4 x held-out, of another run | " in document["line"]


def test_an_alarm_lasts_after_a_training_by_hand(forecast: Forecast, trained: Path) -> None:
    past = refreshed(trained, alarm=True, live_mase=2.0, held_out_mase=0.5)
    several(trained, 2)
    latest = store.latest(trained)
    assert latest != past.record.run

    result = forecast("status", "--store", trained)
    assert (result.code, result.err) == (4, "")
    assert result.out.startswith(f"FORECAST ALARM - run {latest}, ")
    assert "4 x held-out, of another run | " in result.out


def test_a_refresh_of_other_data_is_left_out_with_words(forecast: Forecast, trained: Path) -> None:
    run = store.load(trained)
    past = record_of(run, 1, 0, at(datetime.now(UTC)), alarm=True)
    other = store.names(trained)[0]
    record = replace(past.record, run=other, frequency=calendar.STEPS)
    with store.lock(trained) as lock:
        store.write_forecast(lock, replace(past, record=record))
    result = forecast("status", "--store", trained)
    assert result.code == 0
    assert result.err == (
        "warning: the last refresh read data with other columns or another frequency than those "
        f"of the run {run.name}, so it is left out\n"
    )


def test_old_data_are_exit_5_by_the_newest_row_of_the_training_or_the_refresh(
    forecast: Forecast, trained: Path
) -> None:
    newest = newest_row(trained)

    def state(days: float) -> bool:
        now = newest + timedelta(days=days)
        return workflow.health_of(trained, clock=lambda: now, data_max_age=2 * DAY).health.is_stale

    assert [state(1.9), state(2.1)] == [False, True]
    refreshed(trained, later=1)
    assert newest_row(trained) > newest
    assert not state(2.1)

    result = forecast("status", "--store", trained, "--data-max-age", "2d")
    assert (result.code, result.err) == (5, "")
    assert result.out.startswith("FORECAST STALE DATA - ")
    Path("forecast.toml").write_text('data_max_age = "2d"\n')
    assert forecast("status", "--store", trained, "--config", "forecast.toml").code == 5


def test_a_store_without_a_run_is_exit_10_with_the_reason(forecast: Forecast) -> None:
    result = forecast("status", "--store", "missing")
    line = "FORECAST NO RUN - no run in missing; train one first: forecast train DATA"
    assert (result.code, result.out, result.err) == (10, f"{line}\n", "")
    assert not Path("missing").exists()
    document = json.loads(forecast("status", "--store", "missing", "--json").out)
    assert (document["exit_code"], document["status"], document["run"]) == (10, "no_run", None)


def test_a_damaged_record_of_the_last_refresh_is_exit_12_and_never_ok(
    forecast: Forecast, trained: Path
) -> None:
    refreshed(trained)
    refreshed(trained, alarm=True)
    path = trained / "forecasts" / "000002.forecast"
    good = path.read_bytes()
    for bad in (b"", good[:-1], good[:100] + b"x" + good[101:]):
        path.write_bytes(bad)
        result = forecast("status", "--store", trained)
        assert (result.code, result.out) == (12, "")
        assert result.err.startswith(f"error: {path}: ")
        assert "forecast refresh sets it aside" in result.err

    path.rename(path.with_suffix(".damaged"))  # by a refresh that could not write its own record
    result = forecast("status", "--store", trained, "--json")
    assert (result.code, json.loads(result.out)["exit_code"]) == (12, 12)
    assert "the record of the last refresh, number 2, was damaged and set aside" in result.err

    refreshed(trained)
    assert forecast("status", "--store", trained).code == 0


def test_a_damaged_record_before_the_last_one_does_not_matter(
    forecast: Forecast, trained: Path
) -> None:
    refreshed(trained)
    refreshed(trained)
    (trained / "forecasts" / "000001.forecast").write_bytes(b"")
    assert forecast("status", "--store", trained).code == 0


def test_a_damaged_run_is_exit_12(forecast: Forecast, trained: Path) -> None:
    (trained / "runs" / store.latest(trained) / "model.safetensors").write_bytes(b"")
    result = forecast("status", "--store", trained)
    assert (result.code, result.out) == (12, "")


def test_a_record_of_no_time_is_rejected(trained: Path) -> None:
    past = record_of(store.load(trained), 1, 0, "20261399T999999Z")
    with store.lock(trained) as lock:
        store.write_forecast(lock, past)
    with pytest.raises(RunRejectedError, match="is not of a time: 20261399T999999Z"):
        workflow.health_of(trained)


def test_a_clock_before_the_last_refresh_is_a_warning(forecast: Forecast, trained: Path) -> None:
    refreshed(trained, hours=-5)
    result = forecast("status", "--store", trained)
    assert result.err == (
        "warning: the clock is before the time of the last training or refresh, so that ages are "
        "not right; set the clock of this machine\n"
    )
    assert "refreshed 0 seconds ago" in result.out


def test_rows_without_times_have_no_age_and_no_limit(
    monkeypatch: pytest.MonkeyPatch, trained: Path
) -> None:
    run = store.load(trained)
    steps = replace(run, config=replace(run.config, time_format=TimeFormat()))
    monkeypatch.setattr(store, "load", lambda _: steps)
    report = workflow.health_of(trained)
    assert (report.newest_row, report.health.data_age) == (None, None)
    with pytest.raises(SettingsError, match="--data-max-age needs rows with times"):
        workflow.health_of(trained, data_max_age=1.0)
