"""Reading a run: whatever was changed in it is noticed before anything in it is believed."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import store
from forecast_cli.errors import NoRunError, RunMismatchError, RunRejectedError
from forecast_cli.forecasting import forecast
from forecast_cli.store import listing
from forecast_cli.tables import forecast_csv
from tests.store.helpers import FILES, NEWEST, latest_folder, publish_again, reseal


def test_a_published_run_loads_and_forecasts_the_same_bytes(airline_store: Path) -> None:
    run = store.load(airline_store)
    again = forecast(run.tail, run.model, run.config.plan.levels)
    assert run.config.digits is not None
    assert forecast_csv(replace(again, digits=run.config.digits)) == run.texts["forecast.csv"]
    assert run.manifest.sequence == 1
    assert run.config.columns.target == "Passengers"
    assert sorted(p.name for p in run.folder.iterdir()) == sorted([*FILES, "manifest.json"])


def test_one_flipped_bit_in_any_file_is_noticed(store_copy: Path) -> None:
    random = np.random.default_rng(5)
    for name in [*FILES, "manifest.json"]:
        path = latest_folder(store_copy) / name
        good = path.read_bytes()
        places = (
            range(len(good))
            if len(good) < 60
            else [0, len(good) - 1, *random.integers(0, len(good), 40).tolist()]
        )
        for place in places:
            bad = bytearray(good)
            bad[place] ^= 1 << int(random.integers(8))
            path.write_bytes(bad)
            with pytest.raises(RunRejectedError) as caught:
                store.load(store_copy)
            assert caught.value.exit_code == 12
            assert str(path) in caught.value.message
        path.write_bytes(good)
    store.load(store_copy)


def test_every_truncation_and_every_missing_file_is_noticed(store_copy: Path) -> None:
    for name in [*FILES, "manifest.json"]:
        path = latest_folder(store_copy) / name
        good = path.read_bytes()
        for length in {0, 1, len(good) // 2, len(good) - 1} - {len(good)}:
            path.write_bytes(good[:length])
            with pytest.raises(RunRejectedError):
                store.load(store_copy)
        path.unlink()
        with pytest.raises(RunRejectedError) as caught:
            store.load(store_copy)
        assert caught.value.message == (
            f"{path}: the file is missing; the run is damaged, or was not written by forecast"
        )
        assert caught.value.hint == "use an older run (--run), or train again"
        path.write_bytes(good)


def test_a_stranger_in_a_run_is_never_opened_and_verify_names_it(store_copy: Path) -> None:
    os.mkfifo(latest_folder(store_copy) / "model.pkl")  # who opened it would wait for ever
    (latest_folder(store_copy) / "plots").mkdir()
    assert store.load(store_copy).manifest.sequence == 1
    assert store.verify(store_copy, store.latest(store_copy)) == ["model.pkl"]


@pytest.mark.parametrize(("part", "other"), [("-000001-", "-000002-"), ("Z-", "Z-0"), ("20", "21")])
def test_the_name_of_a_run_is_that_of_its_manifest(store_copy: Path, part: str, other: str) -> None:
    path = latest_folder(store_copy)
    moved = path.rename(path.with_name(path.name.replace(part, other, 1)))
    assert moved != path
    with pytest.raises(RunRejectedError) as caught:
        store.load(store_copy, moved.name)
    assert caught.value.message == (
        f"{moved}/manifest.json: it does not hold the manifest of a run (its time or sequence is not that in the name "
        "of the run); the run is damaged, or was not written by forecast"
    )


def test_a_manifest_of_another_hash_than_the_name_is_refused(store_copy: Path) -> None:
    path = latest_folder(store_copy)
    moved = path.rename(path.with_name(path.name[:-12] + "0123456789ab"))
    with pytest.raises(
        RunRejectedError, match=r"manifest\.json: it does not match the name of the run"
    ):
        store.load(store_copy, moved.name)


def test_a_run_of_a_newer_release_names_both_versions(store_copy: Path) -> None:
    def newer(texts: dict[str, bytes]) -> None:
        ours = f'"schema": {NEWEST}'.encode()
        texts["manifest.json"] = texts["manifest.json"].replace(ours, b'"schema": 99')

    reseal(store_copy, newer)
    pattern = rf"schema 99 of forecast .*, this is forecast .* with schema {NEWEST}"
    with pytest.raises(RunMismatchError, match=pattern) as caught:
        store.load(store_copy)
    assert caught.value.exit_code == 13


def test_no_run_yet_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoRunError) as caught:
        store.load(tmp_path)
    assert (caught.value.exit_code, caught.value.hint) == (
        10,
        "train one first: forecast train DATA",
    )


def test_a_reader_that_loses_a_pruned_run_reads_the_pointer_again(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.latest(store_copy)
    second = publish_again(store_copy)[0]
    pointers = iter([first, second, second, second])
    monkeypatch.setattr(listing, "latest", lambda root: next(pointers))
    shutil.rmtree(store_copy / "runs" / first)
    assert store.load(store_copy).name == second
    with pytest.raises(NoRunError, match=f"no run '{first}'"):
        store.load(store_copy, first)


def test_a_latest_run_that_is_gone_is_refused(store_copy: Path) -> None:
    folder = latest_folder(store_copy)
    shutil.rmtree(folder)
    with pytest.raises(RunRejectedError) as caught:
        store.load(store_copy)
    assert caught.value.message == (
        f"{folder}: the run is missing; the run is damaged, or was not written by forecast"
    )


def test_a_reader_gives_up_on_a_pointer_that_names_another_lost_run_each_time(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter(range(100))
    monkeypatch.setattr(
        listing, "latest", lambda root: f"20260101T000000Z-{next(numbers):06d}-0123456789ab"
    )
    with pytest.raises(RunRejectedError, match="the latest run keeps vanishing"):
        store.load(store_copy)
