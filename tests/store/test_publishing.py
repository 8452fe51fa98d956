"""Publishing and promoting: a run is whole or not there, and is the latest only when it is said to be."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.attacks.stores import again, leftovers
from forecast_cli import learning, store
from forecast_cli.errors import NoRunError, RunRejectedError, StorageError
from forecast_cli.forecasting import rolling
from forecast_cli.forecasting.prediction import Prediction
from forecast_cli.learning import Learned
from forecast_cli.progress import Epoch, Event
from forecast_cli.store import files
from forecast_cli.workflow import predict, train
from tests.conftest import AIRLINE
from tests.store.helpers import FILES, QUICK, publish_again


def test_publishing_does_not_make_a_run_the_latest_and_promoting_does(store_copy: Path) -> None:
    first = store.latest(store_copy)
    with store.lock(store_copy) as lock:
        run = store.publish(lock, again(store_copy))
        assert (store.latest(store_copy), store.unpromoted(store_copy)) == (first, [run.name])
        store.promote(lock, run)
        assert (store.latest(store_copy), store.unpromoted(store_copy)) == (run.name, [])
        store.promote(lock, run)
    assert json.loads((store_copy / "latest.json").read_text()) == {"run": run.name, "sequence": 2}


def test_training_comparing_promoting_and_predicting_can_be_one_transaction(
    store_copy: Path,
) -> None:
    old = store.load(store_copy)
    with store.lock(store_copy) as lock:
        candidate = store.publish(lock, again(store_copy))
        assert candidate.metrics.test is not None
        assert old.metrics.test is not None
        is_better = candidate.metrics.test.network.rmse < (old.metrics.test.network.rmse or 0)  # type: ignore[operator]
        assert not is_better
        assert predict(store_folder=store_copy).run == old.name
        store.promote(lock, candidate)
        assert predict(store_folder=store_copy).run == candidate.name
    assert store.verify(store_copy, candidate.name) == []


def test_only_a_run_of_this_store_is_promoted(store_copy: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(store_copy, tmp_path / "other"))
    (name,) = publish_again(other)
    with (
        store.lock(store_copy) as lock,
        pytest.raises(NoRunError, match=f"no run '{name}' in {store_copy}"),
    ):
        store.promote(lock, store.load(other, name))


def test_a_promotion_that_fails_leaves_the_old_run_the_latest(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageError("full")

    old = store.latest(store_copy)
    with store.lock(store_copy) as lock:
        run = store.publish(lock, again(store_copy))
        for function in ("remove", "replace_file"):
            with monkeypatch.context() as patch:
                patch.setattr(files, function, fail)
                with pytest.raises(StorageError):
                    store.promote(lock, run)
            assert store.latest(store_copy) == old
        store.promote(lock, run)
    assert store.latest(store_copy) == run.name


def test_runs_are_ordered_by_sequence_whatever_the_clock_says(store_copy: Path) -> None:
    with store.lock(store_copy) as lock:
        run = store.publish(lock, again(store_copy), now=lambda: datetime(1999, 12, 31, tzinfo=UTC))
        store.promote(lock, run)
    assert run.name.startswith("19991231T000000Z-000002-")
    assert store.latest(store_copy) == store.names(store_copy)[-1] == run.name


def test_a_sequence_counts_unpromoted_runs_too(store_copy: Path) -> None:
    names = [*publish_again(store_copy, 2, promote=False), *publish_again(store_copy)]
    assert [name.split("-")[1] for name in names] == ["000002", "000003", "000004"]


def test_a_run_that_cannot_forecast_is_never_published(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, contents = store.latest(store_copy), again(store_copy)
    monkeypatch.setattr(
        rolling,
        "predict",
        lambda *_: Prediction(
            np.full((1, 12, 1), np.nan), np.ones(1), np.ones(1), np.ones((1, 1, 12))
        ),
    )
    with store.lock(store_copy) as lock, pytest.raises(RunRejectedError, match="cannot forecast"):
        store.publish(lock, contents)
    assert (store.latest(store_copy), store.names(store_copy), leftovers(store_copy)) == (
        old,
        [old],
        [],
    )


@pytest.mark.parametrize("name", ["series.json", "manifest.json"])
def test_a_failed_publication_leaves_nothing_behind(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(path: Path, data: bytes) -> None:
        if path.name == name:
            raise StorageError("full")
        create_file(path, data)

    create_file, contents = files.create_file, again(store_copy)
    monkeypatch.setattr(files, "create_file", full)
    with store.lock(store_copy) as lock, pytest.raises(StorageError):
        store.publish(lock, contents)
    assert leftovers(store_copy) == []
    assert store.unpromoted(store_copy) == []


def test_a_publication_that_fails_at_its_last_step_works_the_next_time(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same second, the same sequence and the same bytes give the same name, which is marked already."""

    def fail(*_: object) -> None:
        raise StorageError("full")

    def noon() -> datetime:
        return datetime(2026, 1, 1, 12, tzinfo=UTC)

    contents = again(store_copy)
    with store.lock(store_copy) as lock:
        with monkeypatch.context() as patch:
            patch.setattr(files, "rename", fail)
            with pytest.raises(StorageError):
                store.publish(lock, contents, now=noon)
        (marked,) = store.unpromoted(store_copy)
        assert store.publish(lock, contents, now=noon).name == marked


def test_the_mark_of_a_run_that_never_got_its_name_is_swept(store_copy: Path) -> None:
    (trial,) = publish_again(store_copy, promote=False)
    (store_copy / "unpromoted" / "20260101T000000Z-000009-0123456789ab").touch()
    with store.lock(store_copy):
        assert store.unpromoted(store_copy) == [trial]


def test_a_training_whose_pruning_fails_is_published_and_says_so(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(lock: store.Lock, keep: int) -> list[str]:
        raise StorageError("cannot remove x: I/O error")

    monkeypatch.setattr(store, "prune", fail)
    trained = train(AIRLINE, draw=False, store_folder=store_copy, **QUICK)
    assert store.latest(store_copy) == trained.run.name
    assert [note.text for note in trained.notes if note.level == "degraded"] == [
        "the run is published, but older ones could not be pruned: cannot remove x: I/O error"
    ]


def test_training_prunes_and_says_so(store_copy: Path) -> None:
    publish_again(store_copy, 3)
    trained = train(AIRLINE, draw=False, store_folder=store_copy, keep=2, **QUICK)
    assert [note.text for note in trained.notes] == ["pruned 3 old runs; --keep 2"]
    assert [name.split("-")[1] for name in store.names(store_copy)] == ["000004", "000005"]


def test_a_report_is_written_under_the_lock(store_copy: Path) -> None:
    with store.lock(store_copy) as lock:
        store.write_report(lock, {"exit_code": 0})
    assert json.loads((store_copy / "last_run.json").read_text()) == {"exit_code": 0}


def failing_train(root: Path) -> StorageError | None:
    try:
        train(AIRLINE, draw=False, store_folder=root, **QUICK)
    except StorageError as error:
        return error
    return None


CALLS = ("create_file", "create_folder", "fsync_folder", "rename", "replace_file")


def test_whatever_call_fails_the_old_run_stays_and_the_next_training_works(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = learning.learn
    learned: list[Learned] = []

    def learn_once(*arguments: Any) -> Learned:
        if not learned:
            learned.append(learn(*arguments))
        return learned[0]

    monkeypatch.setattr(learning, "learn", learn_once)
    old = store.latest(store_copy)
    failures = 0
    for number in range(1, 40):
        count = 0

        def failing(name: str, number: int = number) -> Callable[..., None]:
            real = getattr(files, name)

            def call(path: Path, *rest: object) -> None:
                nonlocal count
                count += 1
                if count == number:
                    with files._storage_errors(path, "write"):
                        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                real(path, *rest)

            return call

        with monkeypatch.context() as patch:
            for name in CALLS:
                patch.setattr(files, name, failing(name))
            failure = failing_train(store_copy)
        if failure is None:
            break
        failures += 1
        assert failure.exit_code == 30
        assert store.latest(store_copy) == old
        store.load(store_copy)
    assert failures >= len(FILES) + 6
    assert store.latest(store_copy) != old
    store.load(store_copy)


def not_trained(event: Event) -> None:
    assert not isinstance(event, Epoch)


def test_a_store_that_cannot_be_written_is_known_before_training(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StorageError) as caught:
        train(AIRLINE, draw=False, store_folder=blocked / "runs", report=not_trained, **QUICK)
    assert caught.value.exit_code == 30
