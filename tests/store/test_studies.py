"""Studies of a tuning on disk: whole, replaced in one step, refused where a byte is another one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from forecast_cli import store
from forecast_cli.errors import LockedError, RunMismatchError, RunRejectedError, StorageError
from forecast_cli.store import Input, Study, TrialRecord, files
from forecast_cli.store.checkpoints import sealed

STUDY = Study(
    format="forecast-study",
    schema=1,
    number=1,
    data=Input("data.csv", "a" * 64, 144, 1),
    content="b" * 64,
    settings={"horizon": "12"},
    workers=2,
    folds=3,
    origins=12,
    versions={"forecast": "1.0", "optuna": "5.0.0"},
    wanted=4,
    trials=(
        TrialRecord("complete", {"units": "64", "dropout": 0.1}, (0.5, 0.25)),
        TrialRecord("pruned", {"units": "32", "dropout": 0.1 + 0.2}, (0.1,)),
        TrialRecord("failed", {"units": "8"}, (), "it diverged"),
    ),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def path(root: Path, number: int = 1) -> Path:
    return root / "studies" / f"{number:06}.study"


def test_a_study_is_read_as_it_was_written(root: Path) -> None:
    with store.lock_studies(root) as lock:
        assert store.study_numbers(lock) == []
        store.save_study(lock, STUDY)
        assert store.study_numbers(lock) == [1]
        assert store.load_study(lock, 1) == STUDY
    assert store.exists(root)


def test_only_complete_trials_can_be_the_best() -> None:
    assert STUDY.best == 0
    assert [trial.error for trial in STUDY.trials] == [0.25, None, None]
    assert [STUDY.count(state) for state in ("complete", "pruned", "failed")] == [1, 1, 1]
    assert replace(STUDY, trials=STUDY.trials[1:]).best is None
    equal = TrialRecord("complete", {}, (0.25,))
    assert replace(STUDY, trials=(equal, equal)).best == 0
    with pytest.raises(ValueError, match="a trial has no error"):
        TrialRecord("complete", {}, ())


def test_every_flipped_bit_and_every_truncation_is_refused(root: Path) -> None:
    with store.lock_studies(root) as lock:
        store.save_study(lock, STUDY)
        whole = path(root).read_bytes()
        for place in range(0, len(whole), 7):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << place % 8
            for content in (bytes(damaged), whole[:place]):
                path(root).write_bytes(content)
                with pytest.raises(RunRejectedError) as caught:
                    store.load_study(lock, 1)
                assert caught.value.hint == "begin a new study: leave out --resume"


@pytest.mark.parametrize(
    "change",
    [
        {"number": 2},
        {"format": "forecast-run"},
        {"workers": 0},
        {"trials": [{"state": "complete", "values": {}, "errors": []}]},
        {"trials": [{"state": "complete", "values": {"units": [1]}, "errors": [1.0]}]},
        {"more": 1},
    ],
)
def test_a_study_that_this_tool_would_not_write_is_refused(
    root: Path, change: dict[str, object]
) -> None:
    with store.lock_studies(root) as lock:
        store.save_study(lock, STUDY)
        content = json.loads(path(root).read_bytes()[64:]) | change
        path(root).write_bytes(sealed(json.dumps(content).encode()))
        with pytest.raises(RunRejectedError, match="it does not hold a study"):
            store.load_study(lock, 1)


def test_a_study_of_a_newer_release_is_told_from_a_damaged_one(root: Path) -> None:
    with store.lock_studies(root) as lock:
        store.save_study(lock, STUDY)
        content = json.loads(path(root).read_bytes()[64:]) | {"schema": 2}
        path(root).write_bytes(sealed(json.dumps(content).encode()))
        with pytest.raises(RunMismatchError, match="the study has schema 2"):
            store.load_study(lock, 1)


def test_the_newest_ten_studies_are_kept(root: Path) -> None:
    with store.lock_studies(root) as lock:
        for number in range(1, 13):
            store.save_study(lock, replace(STUDY, number=number))
        assert store.study_numbers(lock) == list(range(3, 13))


def test_one_tuning_at_a_time_and_trainings_beside_it(root: Path) -> None:
    with store.lock_studies(root) as lock:
        with (
            pytest.raises(LockedError, match="another tuning is under way"),
            store.lock_studies(root),
        ):
            pass
        with store.lock(root):
            store.save_study(lock, STUDY)
    with store.lock_studies(root) as again:
        assert store.study_numbers(again) == [1]
    with pytest.raises(RuntimeError, match="was released"):
        store.study_numbers(lock)


def test_what_a_killed_tuning_was_writing_is_swept(root: Path) -> None:
    with store.lock_studies(root) as lock:
        store.save_study(lock, STUDY)
    (root / "studies" / ".tmp-1-000001.study").write_bytes(b"half")
    with store.lock_studies(root):
        assert files.list_folder(root / "studies") == ["000001.study", "lock"]


def test_a_failed_write_leaves_the_study_that_was_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.lock_studies(root) as lock:
        store.save_study(lock, STUDY)

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("os.fsync", fail)
        with pytest.raises(StorageError, match="No space left"):
            store.save_study(lock, replace(STUDY, trials=()))
        monkeypatch.undo()
        assert store.load_study(lock, 1) == STUDY
