"""The files of an unfinished backtest: what is written is read again, and nothing else is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save as format_tensors

from forecast_cli import store
from forecast_cli.errors import LockedError, RunMismatchError
from forecast_cli.store import BacktestLock, PartForecasts, backtests, checkpoints, strict_json
from forecast_cli.workflow import train
from tests.conftest import AIRLINE
from tests.store.helpers import QUICK

MOST = 10_000


@pytest.fixture
def part(airline_store: Path) -> PartForecasts:
    plan = store.load(airline_store).config.plan
    values = np.random.default_rng(1).normal(size=(5, plan.horizon))
    bounds = {level: (values - level, values * np.nan) for level in plan.levels}
    return PartForecasts(plan, values, bounds)


def test_forecasts_are_read_as_they_were_written(tmp_path: Path, part: PartForecasts) -> None:
    with store.lock_backtest(tmp_path) as lock:
        assert not store.has_backtest(tmp_path)
        store.save_forecasts(lock, "x", 3, part)
        assert store.has_backtest(tmp_path)
        loaded, reason = store.load_forecasts(lock, "x", 3, MOST)
        assert loaded is not None
        assert (reason, loaded.plan) == ("", part.plan)
        np.testing.assert_array_equal(loaded.values, part.values)
        for level, (low, high) in part.bounds.items():
            np.testing.assert_array_equal(loaded.bounds[level][0], low)
            np.testing.assert_array_equal(loaded.bounds[level][1], high)

        assert store.load_forecasts(lock, "x", 4, MOST) == (None, "")
        assert store.load_forecasts(lock, "y", 3, MOST) == (
            None,
            "the unfinished backtest is of other data, settings or versions, or of another device",
        )
        store.forget_backtest(lock)
        assert not store.has_backtest(tmp_path)
        assert store.load_forecasts(lock, "x", 3, MOST) == (None, "")


def test_a_file_with_more_numbers_than_there_can_be_is_not_read(
    tmp_path: Path, part: PartForecasts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtests, "RECORD_BYTES", 0)
    with store.lock_backtest(tmp_path) as lock:
        store.save_forecasts(lock, "x", 1, part)
        loaded, reason = store.load_forecasts(lock, "x", 1, 10)
    assert loaded is None
    assert "it is not a plain file of sensible size" in reason


def forged(lock: BacktestLock, part: PartForecasts, change: str) -> None:
    """Write forecasts whose hash fits, and whose content does not."""
    record: dict[str, Any] = {
        "identity": "x",
        "number": 1,
        "plan": strict_json.write(part.plan).decode(),
        "levels": list(part.plan.levels),
    }
    arrays: dict[str, Any] = {"values": part.values}
    for place, (low, high) in enumerate(part.bounds.values()):
        arrays |= {f"low.{place}": low, f"high.{place}": high}

    nested = {"identity": "x", "number": 1, "plan": "[" * 100_000}
    records: dict[str, Any] = {
        "record": [],
        "plan": {**record, "plan": "{}"},
        "plan of another kind": {**record, "plan": 3},
        "nested plan": nested,
        "number": {**record, "number": 2},
        "levels": {**record, "levels": [3.0]},
        "bounds of the plan": {
            **record,
            "plan": record["plan"].replace('horizon": 12', 'horizon": 0'),
        },
    }
    values = {
        "shape": part.values[:, :-1],
        "type": part.values.astype(np.float32),
        "dimensions": part.values[0],
        "infinite": part.values * np.inf,
        "other windows": part.values[1:],
    }
    if change in values:
        arrays["values"] = values[change]
    if change == "missing":
        del arrays["low.0"]
    content = checkpoints.format_record(records.get(change, record), arrays)
    lock.folder.mkdir()
    (lock.folder / "0001.forecasts").write_bytes(checkpoints.sealed(content))


@pytest.mark.parametrize(
    "change",
    [
        "record",
        "plan",
        "plan of another kind",
        "nested plan",
        "number",
        "levels",
        "bounds of the plan",
        "shape",
        "type",
        "dimensions",
        "infinite",
        "other windows",
        "missing",
    ],
)
def test_a_sealed_file_of_another_form_is_not_used(
    change: str, tmp_path: Path, part: PartForecasts
) -> None:
    with store.lock_backtest(tmp_path) as lock:
        forged(lock, part, change)
        loaded, reason = store.load_forecasts(lock, "x", 1, MOST)
    assert loaded is None
    path = tmp_path / "checkpoints" / "backtest" / "0001.forecasts"
    assert reason == f"{path} does not hold forecasts of a backtest"


def test_the_forgery_without_a_change_is_read(tmp_path: Path, part: PartForecasts) -> None:
    with store.lock_backtest(tmp_path) as lock:
        forged(lock, part, "nothing")
        assert store.load_forecasts(lock, "x", 1, MOST)[1] == ""


@pytest.mark.parametrize("record", ["[]", "{}", '{"identity": "x", "finished": []}', "[" * 10**5])
def test_a_sealed_training_of_another_form_is_not_used(record: str, tmp_path: Path) -> None:
    arrays = {checkpoints.RECORD: np.frombuffer(record.encode(), np.uint8)}
    with store.lock_backtest(tmp_path) as lock:
        lock.folder.mkdir()
        path = lock.folder / "training"
        path.write_bytes(checkpoints.sealed(format_tensors(arrays)))
        checkpoint, reason = store.load_training(lock, "x")
    assert reason == f"{path} does not hold a training"
    assert (checkpoint.finished, checkpoint.running) == ({}, {})


def test_one_backtest_keeps_its_progress_and_a_training_is_not_kept_waiting(
    tmp_path: Path,
) -> None:
    with store.lock_backtest(tmp_path):
        with pytest.raises(LockedError, match="another backtest keeps its progress in"):
            store.lock_backtest(tmp_path).__enter__()
        with store.lock(tmp_path):
            pass
    with store.lock(tmp_path), store.lock_backtest(tmp_path):
        pass


def test_a_released_lock_is_refused(tmp_path: Path, part: PartForecasts) -> None:
    with store.lock_backtest(tmp_path) as lock:
        pass
    folder = re.escape(str(tmp_path / "checkpoints" / "backtest"))
    for use in (
        lambda: store.save_forecasts(lock, "x", 1, part),
        lambda: store.load_forecasts(lock, "x", 1, MOST),
        lambda: store.load_training(lock, "x"),
        lambda: store.save_training(lock, store.Checkpoint(None, "x")),
        lambda: store.forget_backtest(lock),
    ):
        with pytest.raises(RuntimeError, match=f"^the lock of {folder} was released$"):
            use()


def test_what_a_killed_backtest_was_writing_is_swept(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints" / "backtest"
    folder.mkdir(parents=True)
    (folder / ".tmp-1-0001.forecasts").write_bytes(b"half")
    with store.lock_backtest(tmp_path):
        assert list(folder.iterdir()) == []


def test_nothing_is_kept_in_a_store_of_a_newer_release(tmp_path: Path) -> None:
    with store.lock(tmp_path):
        mark = json.loads((tmp_path / "store.json").read_text()) | {"schema": 99}
    (tmp_path / "store.json").write_text(json.dumps(mark))
    with pytest.raises(RunMismatchError):
        store.lock_backtest(tmp_path).__enter__()


def test_a_training_leaves_an_unfinished_backtest_alone(
    tmp_path: Path, part: PartForecasts
) -> None:
    with store.lock_backtest(tmp_path) as lock:
        store.save_forecasts(lock, "x", 1, part)
    train(AIRLINE, draw=False, store_folder=tmp_path, **QUICK)
    assert store.has_backtest(tmp_path)
