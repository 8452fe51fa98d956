from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import files, store
from forecast_cli.errors import LockedError, NoRunError, RunMismatchError, RunRejectedError, StorageError
from forecast_cli.forecasting import forecast, to_csv
from forecast_cli.workflow import train
from tests.conftest import AIRLINE

QUICK = {"epochs": 1, "units": "3", "horizon": 3}


def the_run(root: Path) -> Path:
    return root / "runs" / store.latest(root)


def test_a_published_run_loads_and_forecasts_the_same_bytes(airline_store: Path) -> None:
    run = store.load(airline_store)
    assert to_csv(forecast(run.tail, run.model, run.config.plan.levels)) == run.texts["forecast.csv"]
    assert run.manifest.sequence == 1
    assert run.config.columns.target == "Passengers"
    assert sorted(p.name for p in run.folder.iterdir()) == sorted([*store.FILES, "manifest.json"])


def test_one_flipped_bit_in_any_file_is_noticed(store_copy: Path) -> None:
    random = np.random.default_rng(5)
    for name in [*store.FILES, "manifest.json"]:
        path = the_run(store_copy) / name
        good = path.read_bytes()
        places = range(len(good)) if len(good) < 60 else [0, len(good) - 1, *random.integers(0, len(good), 40).tolist()]
        for place in places:
            bad = bytearray(good)
            bad[place] ^= 1 << int(random.integers(8))
            path.write_bytes(bad)
            with pytest.raises(RunRejectedError) as caught:
                store.load(store_copy)
            assert caught.value.exit_code == 12
        path.write_bytes(good)
    store.load(store_copy)


def test_every_truncation_and_every_missing_file_is_noticed(store_copy: Path) -> None:
    for name in [*store.FILES, "manifest.json"]:
        path = the_run(store_copy) / name
        good = path.read_bytes()
        for length in {0, 1, len(good) // 2, len(good) - 1} - {len(good)}:
            path.write_bytes(good[:length])
            with pytest.raises(RunRejectedError):
                store.load(store_copy)
        path.unlink()
        with pytest.raises(RunRejectedError, match="a file is missing"):
            store.load(store_copy)
        path.write_bytes(good)


def test_a_file_that_is_a_link_is_refused(store_copy: Path, tmp_path: Path) -> None:
    path = the_run(store_copy) / "model.safetensors"
    outside = tmp_path / "outside"
    shutil.move(path, outside)
    path.symlink_to(outside)
    with pytest.raises(RunRejectedError, match="it is a link"):
        store.load(store_copy)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run": "../../etc", "sequence": 1}', '{"run": 3, "sequence": 1}'])
def test_a_pointer_that_is_not_ours_is_refused(store_copy: Path, text: str) -> None:
    (store_copy / "latest.json").write_text(text)
    with pytest.raises(RunRejectedError, match="not a pointer to a run"):
        store.load(store_copy)


def test_a_flipped_bit_in_the_pointer_never_names_another_run(store_copy: Path) -> None:
    pointer = store_copy / "latest.json"
    good = pointer.read_bytes()
    name = store.latest(store_copy)
    for place in range(len(good)):
        for bit in range(8):
            bad = bytearray(good)
            bad[place] ^= 1 << bit
            pointer.write_bytes(bad)
            with contextlib.suppress(RunRejectedError):
                assert store.load(store_copy).name == name  # white space may change


def reseal(root: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """What an attacker with write access does: change files, and seal them again so that all hashes fit."""
    import hashlib

    folder = the_run(root)
    texts = {name: (folder / name).read_bytes() for name in store.FILES}
    manifest = json.loads((folder / "manifest.json").read_text())
    texts["manifest"] = b""
    change(texts)
    if texts.pop("manifest"):
        manifest["schema"] = store.SCHEMA + 1
    for name, data in texts.items():
        (folder / name).write_bytes(data)
        manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    sealed = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(sealed)
    new = folder.name[:-12] + hashlib.sha256(sealed).hexdigest()[:12]
    folder.rename(folder.with_name(new))
    (root / "latest.json").write_text(json.dumps({"run": new, "sequence": 1}))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"horizon": 12', b'"horizon": 13'),
        (b'"horizon": 12', b'"horizon": -1'),
        (b'"lookback": 24', b'"lookback": 1e9'),
        (b'"normalization": "log"', b'"normalization": "pickle"'),
        (b'"preset": "auto"', b'"preset": "auto", "extra": 1'),
        (b'"learning_rate": 0.003', b'"learning_rate": NaN'),
        (b'"lag": 12', b'"lag": "12"'),
    ],
)
def test_sealed_nonsense_in_the_config_is_refused(store_copy: Path, old: bytes, new: bytes) -> None:
    def change(texts: dict[str, bytes]) -> None:
        assert old in texts["config.json"]
        texts["config.json"] = texts["config.json"].replace(old, new)

    reseal(store_copy, change)
    with pytest.raises(RunRejectedError):
        store.load(store_copy)


def test_sealed_weights_that_are_not_finite_are_refused(store_copy: Path) -> None:
    from safetensors.numpy import load, save

    def change(texts: dict[str, bytes]) -> None:
        tensors = load(texts["model.safetensors"])
        tensors["members.0.head.bias"][0] = np.nan
        texts["model.safetensors"] = save(tensors)

    reseal(store_copy, change)
    with pytest.raises(RunRejectedError, match=r"head\.bias"):
        store.load(store_copy)


def test_a_run_of_a_newer_release_names_both_versions(store_copy: Path) -> None:
    reseal(store_copy, lambda texts: texts.update(manifest=b"newer"))
    with pytest.raises(RunMismatchError, match=r"schema 2, this is forecast .* with schema 1") as caught:
        store.load(store_copy)
    assert caught.value.exit_code == 13


def test_no_run_yet_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoRunError) as caught:
        store.load(tmp_path)
    assert (caught.value.exit_code, caught.value.hint) == (10, "train one first: forecast train DATA")


def test_runs_are_found_by_number_and_by_last_part(airline_store: Path) -> None:
    name = store.latest(airline_store)
    assert (
        store.resolve(airline_store, "1")
        == store.resolve(airline_store, name[-12:])
        == store.resolve(airline_store, name)
        == name
    )
    with pytest.raises(NoRunError, match="no run '7'"):
        store.resolve(airline_store, "7")


def test_a_second_writer_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    with (
        store.writing(tmp_path),
        pytest.raises(LockedError, match=rf"another command is writing in .*: pid {os.getpid()} on ") as caught,
        store.writing(tmp_path),
    ):
        pass
    assert caught.value.exit_code == 11
    with store.writing(tmp_path):
        pass


def _hold(root: str, ready: object, release: object) -> None:
    with store.writing(Path(root)):
        ready.set()  # type: ignore[attr-defined]
        release.wait(30)  # type: ignore[attr-defined]


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), ready, release))
    process.start()
    assert ready.wait(60)
    with pytest.raises(LockedError), store.writing(tmp_path):
        pass
    process.kill()
    process.join()
    with store.writing(tmp_path):
        pass


def test_leftovers_of_a_killed_training_are_swept(store_copy: Path) -> None:
    leftover = store_copy / "runs" / ".tmp-000009"
    leftover.mkdir()
    (leftover / "config.json").write_text("half")
    train(AIRLINE, store_folder=store_copy, **QUICK)
    assert not leftover.exists()
    assert store.load(store_copy).manifest.sequence == 2


def failing_train(root: Path) -> StorageError | None:
    try:
        train(AIRLINE, store_folder=root, **QUICK)
    except StorageError as error:
        return error
    return None


CALLS = ("create", "make_new_folder", "fsync_folder", "rename", "replace")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_whatever_call_fails_the_old_run_stays_and_the_next_training_works(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
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
                    with files._storage(path, "write"):
                        raise OSError(code, os.strerror(code))
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
    assert failures >= len(store.FILES) + 4
    assert store.latest(store_copy) != old
    store.load(store_copy)


def test_a_store_that_cannot_be_written_is_known_before_training(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StorageError) as caught:
        train(AIRLINE, store_folder=blocked / "runs", report=lambda epoch: pytest.fail("trained"), **QUICK)
    assert caught.value.exit_code == 30


def test_replacing_a_file_keeps_its_mode_and_follows_links(tmp_path: Path) -> None:
    target, link = tmp_path / "real.csv", tmp_path / "link.csv"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to(target)
    files.replace(link, b"new")
    assert (target.read_text(), target.stat().st_mode & 0o777, link.is_symlink()) == ("new", 0o640, True)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_equal_runs_have_equal_bytes(tmp_path: Path) -> None:
    first = train(AIRLINE, store_folder=tmp_path / "a", **QUICK).run
    second = train(AIRLINE, store_folder=tmp_path / "elsewhere" / "b", **QUICK).run
    assert first.texts == second.texts
