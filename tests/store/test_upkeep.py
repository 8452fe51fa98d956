"""Pruning, rolling back, pinning and verifying, also where some runs were never promoted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forecast_cli import store
from forecast_cli.errors import NoRunError, RunRejectedError
from forecast_cli.store import files
from tests.store.helpers import publish_again


def test_pruning_keeps_the_newest_the_latest_its_predecessor_and_the_pinned(
    store_copy: Path,
) -> None:
    runs = [store.latest(store_copy), *publish_again(store_copy, 5)]
    with store.lock(store_copy) as lock:
        assert store.prune(lock, 10) == []
        store.pin(lock, runs[0])
        store.pin(lock, runs[0])
        store.roll_back(lock, runs[3])
        assert store.prune(lock, 1) == [runs[1], runs[4]]
        assert store.names(store_copy) == [runs[0], runs[2], runs[3], runs[5]]
        store.pin(lock, runs[0], on=False)
        store.pin(lock, runs[0], on=False)
        assert store.prune(lock, 1) == [runs[0]]
    assert store.latest(store_copy) == runs[3]
    for name in store.names(store_copy):
        assert store.verify(store_copy, name) == []
    assert publish_again(store_copy)[0].split("-")[1] == "000007"


def test_trials_never_push_out_the_runs_that_were_promoted(store_copy: Path) -> None:
    promoted = [store.latest(store_copy), *publish_again(store_copy, 2)]
    trials = publish_again(store_copy, 5, promote=False)
    with store.lock(store_copy) as lock:
        assert store.prune(lock, 3) == trials[:2]
        assert store.prune(lock, 2) == [promoted[0], trials[2]]
        assert store.prune(lock, 1) == [trials[3]]
    # The predecessor of the latest stays, and so does the newest run of all: its number is never used again.
    assert store.names(store_copy) == [*promoted[1:], trials[4]]
    assert store.unpromoted(store_copy) == [trials[4]]
    assert publish_again(store_copy)[0].split("-")[1] == "000009"


def test_a_pinned_trial_is_never_pruned(store_copy: Path) -> None:
    trials = publish_again(store_copy, 3, promote=False)
    with store.lock(store_copy) as lock:
        store.pin(lock, trials[0])
        assert store.prune(lock, 1) == [trials[1]]
        assert store.prune(lock, 1) == []


def test_trials_between_promoted_runs_do_not_count_as_predecessors(store_copy: Path) -> None:
    first = store.latest(store_copy)
    publish_again(store_copy, 2, promote=False)
    (latest,) = publish_again(store_copy)
    with store.lock(store_copy) as lock:
        store.prune(lock, 1)
        assert first in store.names(store_copy)
        assert store.roll_back(lock).name == first
        with pytest.raises(NoRunError, match="is older than the latest"):
            store.roll_back(lock)
    assert latest in store.names(store_copy)


def test_the_mark_of_a_pruned_trial_goes_last(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = publish_again(store_copy, 2, promote=False)
    removed = []

    def remove(path: Path) -> None:
        removed.append(path.relative_to(store_copy).as_posix())
        real(path)

    real = files.remove
    monkeypatch.setattr(files, "remove", remove)
    with store.lock(store_copy) as lock:
        store.prune(lock, 1)
    assert removed == [f"runs/.tmp-{trials[0]}", f"unpromoted/{trials[0]}"]


def test_nothing_is_pruned_where_the_latest_is_not_known(store_copy: Path) -> None:
    runs = [store.latest(store_copy), *publish_again(store_copy, 3)]
    (store_copy / "latest.json").unlink()
    with store.lock(store_copy) as lock, pytest.raises(NoRunError):
        store.prune(lock, 1)
    gone = "20260101T000000Z-000009-0123456789ab"
    (store_copy / "latest.json").write_text(json.dumps({"run": gone, "sequence": 9}))
    with (
        store.lock(store_copy) as lock,
        pytest.raises(RunRejectedError, match=f"the run {gone} that it names is gone"),
    ):
        store.prune(lock, 1)
    assert store.names(store_copy) == runs


def test_rolling_back_verifies_first_and_mends_a_lost_pointer(store_copy: Path) -> None:
    first = store.latest(store_copy)
    second, third = publish_again(store_copy, 2)
    model = store_copy / "runs" / second / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1])
    with store.lock(store_copy) as lock:
        with pytest.raises(RunRejectedError):
            store.roll_back(lock)
        assert store.latest(store_copy) == third
        assert store.roll_back(lock, first).name == store.latest(store_copy) == first
        with pytest.raises(NoRunError, match="is older than the latest"):
            store.roll_back(lock)
        (store_copy / "latest.json").write_text("{")
        store.roll_back(lock, third)
    assert json.loads((store_copy / "latest.json").read_text()) == {"run": third, "sequence": 3}


def test_rolling_back_to_a_trial_by_name_promotes_it(store_copy: Path) -> None:
    first = store.latest(store_copy)
    (trial,) = publish_again(store_copy, promote=False)
    with store.lock(store_copy) as lock:
        assert store.roll_back(lock, trial).name == store.latest(store_copy) == trial
        assert store.unpromoted(store_copy) == []
        assert store.roll_back(lock).name == first


def test_a_trial_is_verified_like_any_other_run(store_copy: Path) -> None:
    (trial,) = publish_again(store_copy, promote=False)
    assert store.verify(store_copy, trial) == []
    model = store_copy / "runs" / trial / "model.safetensors"
    model.write_bytes(b"")
    with pytest.raises(
        RunRejectedError, match=r"model\.safetensors: its bytes are not those that were published"
    ):
        store.verify(store_copy, trial)


def test_runs_that_were_all_refused_are_pruned_without_a_latest_one(store_copy: Path) -> None:
    runs = [store.latest(store_copy), *publish_again(store_copy, 2, promote=False)]
    with store.lock(store_copy) as lock:
        (store_copy / "latest.json").unlink()
        with pytest.raises(NoRunError, match=r"latest\.json is gone"):
            store.prune(lock, 1)
        files.create_file(store_copy / "unpromoted" / runs[0], b"")
        assert store.prune(lock, 1) == runs[:2]
    assert store.names(store_copy) == runs[2:]
