"""What is in a store: names, the latest run, its predecessor, pinned and unpromoted runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.attacks.stores import again
from forecast_cli import store
from forecast_cli.errors import NoRunError
from tests.store.helpers import publish_again


def test_runs_are_found_by_number_and_by_last_part(airline_store: Path) -> None:
    name = store.latest(airline_store)
    for wanted in ("1", "000001", name[-12:], name):
        assert store.resolve(airline_store, wanted) == name
    assert store.resolve(airline_store, None) is None
    for wanted in ("7", "²", "", "-", name[:10]):
        with pytest.raises(NoRunError) as caught:
            store.resolve(airline_store, wanted)
        assert caught.value.message == f"no run {wanted!r} in {airline_store}"
        assert caught.value.hint == "see `forecast runs list`"


def test_what_is_not_a_run_is_not_listed(store_copy: Path) -> None:
    runs = store.names(store_copy)
    for name in (".tmp-000009", "notes", f"{runs[0]}.bak"):
        (store_copy / "runs" / name).mkdir()
    assert store.names(store_copy) == runs
    assert store.names(store_copy / "none") == []


def test_only_names_of_runs_count_as_pinned_or_unpromoted(store_copy: Path) -> None:
    (trial,) = publish_again(store_copy, promote=False)
    with store.lock(store_copy) as lock:
        store.pin(lock, trial)
    for folder in ("pins", "unpromoted"):
        (store_copy / folder / "notes.txt").write_text("mine")
    with store.lock(store_copy):  # which sweeps
        assert (store.pinned(store_copy), store.unpromoted(store_copy)) == ([trial], [trial])
    assert (store_copy / "unpromoted" / "notes.txt").read_text() == "mine"


def test_a_store_is_known_by_its_mark(store_copy: Path, tmp_path: Path) -> None:
    assert store.exists(store_copy)
    assert not store.exists(tmp_path / "none")


def test_an_unpromoted_run_is_listed_and_is_not_the_latest(store_copy: Path) -> None:
    first = store.latest(store_copy)
    (trial,) = publish_again(store_copy, promote=False)
    assert store.names(store_copy) == [first, trial]
    assert store.promoted(store_copy) == [first]
    assert store.unpromoted(store_copy) == [trial]
    assert store.latest(store_copy) == first
    assert store.load(store_copy, trial).name == trial
    assert store.resolve(store_copy, "2") == trial


def test_the_predecessor_of_a_run_is_one_that_was_promoted(store_copy: Path) -> None:
    first = store.latest(store_copy)
    (trial,) = publish_again(store_copy, promote=False)
    third, fourth = publish_again(store_copy, 2)
    assert store.predecessor(store_copy, fourth) == third
    assert store.predecessor(store_copy, third) == first
    assert store.predecessor(store_copy, trial) == first
    assert store.predecessor(store_copy, first) is None


def test_runs_of_older_releases_were_all_promoted(store_copy: Path) -> None:
    runs = [store.latest(store_copy), *publish_again(store_copy)]
    (store_copy / "unpromoted").rmdir()  # older releases have no such folder
    assert store.promoted(store_copy) == runs
    assert store.unpromoted(store_copy) == []


def test_without_a_pointer_the_error_says_what_there_is(store_copy: Path, tmp_path: Path) -> None:
    (store_copy / "latest.json").unlink()
    with pytest.raises(NoRunError) as caught:
        store.latest(store_copy)
    assert caught.value.message == f"{store_copy}/latest.json is gone"
    assert caught.value.hint == "name a run with --run; see `forecast runs list`"

    (store_copy / "unpromoted").mkdir(exist_ok=True)
    for name in store.names(store_copy):
        (store_copy / "unpromoted" / name).touch()
    with pytest.raises(NoRunError) as caught:
        store.latest(store_copy)
    assert caught.value.message == f"no run in {store_copy} is the latest: none was promoted yet"

    with pytest.raises(NoRunError) as caught:
        store.latest(tmp_path / "none")
    assert caught.value.message == f"no run in {tmp_path}/none"


def test_why_a_run_was_refused_is_kept_until_it_is_promoted(store_copy: Path) -> None:
    contents = again(store_copy)
    with store.lock(store_copy) as lock:
        run = store.publish(lock, contents, refusal="it is\nno better than naive")
        assert store.refusal(store_copy, run.name) == "it is no better than naive"
        assert store.refusal(store_copy, store.latest(store_copy)) == ""
        store.promote(lock, run)
    assert store.refusal(store_copy, run.name) == ""


def test_a_reason_that_is_not_a_small_plain_file_is_no_reason(store_copy: Path) -> None:
    (name,) = publish_again(store_copy, promote=False)
    mark = store_copy / "unpromoted" / name
    assert store.refusal(store_copy, name) == ""
    mark.write_bytes(b"x" * 5000)
    assert store.refusal(store_copy, name) == ""
    mark.write_bytes(b"\xff\x00")
    assert store.refusal(store_copy, name) == "\ufffd\x00"
    mark.unlink()
    mark.symlink_to("/etc/hostname")
    assert store.refusal(store_copy, name) == ""
