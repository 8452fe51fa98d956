from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.faults import again, leftovers, seal
from forecast_cli import files, forecasting, store
from forecast_cli.errors import ForecastError, LockedError, NoRunError, RunMismatchError, RunRejectedError, StorageError
from forecast_cli.forecasting import Answer, forecast
from forecast_cli.tables import forecast_csv
from forecast_cli.workflow import predict, train
from tests.conftest import AIRLINE

QUICK = {"epochs": 1, "units": "3", "horizon": 3}


def the_run(root: Path) -> Path:
    return root / "runs" / store.latest(root)


def test_a_published_run_loads_and_forecasts_the_same_bytes(airline_store: Path) -> None:
    run = store.load(airline_store)
    again = forecast(run.tail, run.model, run.config.plan.levels)
    assert forecast_csv(replace(again, digits=run.config.digits)) == run.texts["forecast.csv"]
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


@pytest.mark.parametrize("name", ["model.safetensors", "manifest.json", "forecast.csv"])
@pytest.mark.parametrize("kind", ["link", "hard link", "folder", "pipe"])
def test_a_file_that_is_not_plain_is_refused(store_copy: Path, tmp_path: Path, name: str, kind: str) -> None:
    path = the_run(store_copy) / name
    outside = tmp_path / "outside"
    shutil.move(path, outside)
    {"link": path.symlink_to, "hard link": path.hardlink_to, "folder": path.mkdir, "pipe": lambda *_: os.mkfifo(path)}[
        kind
    ](*([outside] if "link" in kind else []))
    with pytest.raises(RunRejectedError, match=r"link|not a plain file"):
        store.load(store_copy)


@pytest.mark.parametrize("name", ["", "latest.json", "store.json"])
def test_a_link_is_refused_for_the_run_itself_and_beside_it(store_copy: Path, tmp_path: Path, name: str) -> None:
    path = store_copy / name if name else the_run(store_copy)
    shutil.move(path, tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(RunRejectedError, match="it is a link"):
        store.load(store_copy)


def test_a_run_that_is_a_file_is_refused(store_copy: Path) -> None:
    path = the_run(store_copy)
    shutil.rmtree(path)
    path.write_text("")
    with pytest.raises(RunRejectedError, match="a file of another kind"):
        store.load(store_copy)


def test_a_stranger_in_a_run_is_never_opened_and_verify_names_it(store_copy: Path) -> None:
    os.mkfifo(the_run(store_copy) / "model.pkl")  # who opened it would wait for ever
    (the_run(store_copy) / "plots").mkdir()
    assert store.load(store_copy).manifest.sequence == 1
    assert store.verify(store_copy, store.latest(store_copy)) == ["model.pkl"]


def test_the_name_of_a_run_is_that_of_its_manifest(store_copy: Path) -> None:
    path = the_run(store_copy)
    for name in (
        path.name.replace("-000001-", "-000002-"),
        "2" + path.name[1:].replace("T", "T", 1).replace("0", "1", 1),
    ):
        if name == path.name:
            continue
        moved = path.rename(path.with_name(name))
        with pytest.raises(RunRejectedError, match="not a manifest of ours"):
            store.load(store_copy, name)
        moved.rename(path)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"format": "forecast-store", "schema": 2}', RunMismatchError),
        ('{"format": "other", "schema": 1}', RunRejectedError),
        ('{"format": "forecast-store", "schema": 0}', RunRejectedError),
        ('{"format": "forecast-store"}', RunRejectedError),
        ("", RunRejectedError),
    ],
)
def test_the_mark_of_the_store_is_read(store_copy: Path, text: str, kind: type[ForecastError]) -> None:
    (store_copy / "store.json").write_text(text)
    with pytest.raises(kind):
        store.load(store_copy)
    with pytest.raises(kind), store.writing(store_copy):
        pass
    (store_copy / "store.json").unlink()
    store.load(store_copy)
    with store.writing(store_copy):
        assert store.exists(store_copy)


@pytest.mark.parametrize(
    "text",
    [b"[" * 100_000, b'{"a":' * 100_000, b"NaN", b"1e999", b"9" * 5000, b"1" * 19, b'{"a": 1, "a": 2}', b'"\xff"', b"",
     b'\xef\xbb\xbf{}', b"Infinity", b"{} {}"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["config.json", "series.json", "metrics.json", "manifest.json"])
def test_json_as_nobody_writes_it_is_refused(store_copy: Path, name: str, text: bytes) -> None:
    reseal(store_copy, lambda texts: texts.update({name: text}))
    with pytest.raises(RunRejectedError):
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
    folder = the_run(root)
    texts = {name: (folder / name).read_bytes() for name in [*store.FILES, "manifest.json"]}
    manifest = texts["manifest.json"]
    change(texts)
    if texts["manifest.json"] == manifest:
        del texts["manifest.json"]
    seal(root, texts)


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
        (b'"lag": 12', b'"lag": 1180591620717411303424'),
        (b'"kind": "months"', b'"kind": "years"'),
        (b'"size": 1', b'"size": 0'),
        (b'"day": 1', b'"day": 32'),
        (b'"pattern": "%Y-%m"', b'"pattern": "%Y-%1000000000d"'),
        (b'"pattern": "%Y-%m"', b'"pattern": "%Y-%m%"'),
        (b'"timezone": ""', b'"timezone": "../../etc/passwd"'),
        (b'"offset": ""', b'"offset": "+9"'),
        (b'"past": []', b'"past": ["a"]'),
        (b'"future": []', b'"future": ["a"]'),
        (b'"calendar": false', b'"calendar": true'),
        (b'"gaps": "auto"', b'"gaps": "exec"'),
        (b'"decimal": null', b'"decimal": "\\u0000"'),
        (b'"target": "Passengers"', b'"target": "\\ud800"'),
        (b'"schema": 3', b'"schema": 4'),
        (b'"warmup": ', b'"warmup": -'),
        (b'"known": 0', b'"known": 1'),
        (b'"dropout": 0.2', b'"dropout": 1e300'),
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
    def newer(texts: dict[str, bytes]) -> None:
        texts["manifest.json"] = texts["manifest.json"].replace(b'"schema": 3', b'"schema": 4')

    reseal(store_copy, newer)
    with pytest.raises(RunMismatchError, match=r"schema 4 of forecast .*, this is forecast .* with schema 3") as caught:
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


def test_a_run_of_an_older_schema_is_read_with_what_it_lacked(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacked(old: Any) -> Any:
        return replace(old, config=old.config | {"plan": old.config["plan"] | {"seed": 77}})

    def lacks_more(old: Any) -> Any:
        assert old.config["schema"] == 4
        return replace(old, config=old.config | {"source": old.config["source"] + "!"})

    monkeypatch.setattr(store, "SCHEMA", 5)
    monkeypatch.setattr(store, "UPGRADES", {3: lacked, 4: lacks_more})
    run = store.load(store_copy)
    assert (run.manifest.schema, run.config.schema, run.config.plan.seed) == (3, 5, 77)
    assert run.config.source.endswith("airline.csv!")
    with store.writing(store_copy):
        assert store.publish(store_copy, again(store_copy)).manifest.schema == 5


def make_schema_2(root: Path, data: Callable[[dict[str, Any]], Any]) -> None:
    """Turn a run into one of the releases up to 0.4.0; data: what becomes of the settings of its reader."""

    def change_config(texts: dict[str, bytes]) -> None:
        config = json.loads(texts["config.json"])
        del config["data"]["max_skipped"]
        texts["config.json"] = json.dumps(config | {"schema": 2, "data": data(config["data"])}).encode()

    def change_manifest(texts: dict[str, bytes]) -> None:
        texts["manifest.json"] = texts["manifest.json"].replace(b'"schema": 3', b'"schema": 2')

    reseal(root, change_config)
    reseal(root, change_manifest)


@pytest.mark.parametrize(("before", "now"), [("%Y-%m", ["%Y-%m"]), (None, None)])
def test_the_format_of_a_run_of_schema_2_becomes_a_list(
    store_copy: Path, before: str | None, now: list[str] | None
) -> None:
    make_schema_2(store_copy, lambda data: data | {"date_format": before})
    run = store.load(store_copy)
    assert (run.manifest.schema, run.config.schema) == (2, store.SCHEMA)
    assert (run.config.data.date_format, run.config.data.max_skipped) == (now, None)
    assert len(predict(store_folder=store_copy).forecast.values) == 1


@pytest.mark.parametrize("wrong", [3, ["%Y-%m"], {"a": "b"}, True])
def test_a_format_of_a_run_of_schema_2_that_is_none_is_refused(store_copy: Path, wrong: object) -> None:
    make_schema_2(store_copy, lambda data: data | {"date_format": wrong})
    with pytest.raises(RunRejectedError, match="a file does not hold what it should"):
        store.load(store_copy)


@pytest.mark.parametrize("wrong", [None, [], ["date_format"], 3, "date_format"])
def test_a_run_of_schema_2_without_settings_is_refused(store_copy: Path, wrong: object) -> None:
    make_schema_2(store_copy, lambda data: wrong)
    with pytest.raises(RunRejectedError, match="a file does not hold what it should"):
        store.load(store_copy)


def test_every_older_schema_has_its_step() -> None:
    assert sorted(store.UPGRADES) == list(range(1, store.SCHEMA))


# -- publish, prune, roll back ---------------------------------------------------------------------------------------


def published(root: Path, count: int) -> list[str]:
    contents = again(root)
    with store.writing(root):
        return [store.publish(root, contents).name for _ in range(count)]


def test_pruning_keeps_the_newest_the_latest_its_predecessor_and_the_pinned(store_copy: Path) -> None:
    runs = [store.latest(store_copy), *published(store_copy, 5)]
    with store.writing(store_copy):
        assert store.prune(store_copy, 10) == []
        store.pin(store_copy, runs[0])
        store.pin(store_copy, runs[0])
        store.roll_back(store_copy, runs[3])
        assert store.prune(store_copy, 1) == [runs[1], runs[4]]
        assert store.names(store_copy) == [runs[0], runs[2], runs[3], runs[5]]
        store.pin(store_copy, runs[0], on=False)
        store.pin(store_copy, runs[0], on=False)
        assert store.prune(store_copy, 1) == [runs[0]]
    assert store.latest(store_copy) == runs[3]
    for name in store.names(store_copy):
        assert store.verify(store_copy, name) == []
    assert published(store_copy, 1)[0].split("-")[1] == "000007"


def test_nothing_is_pruned_where_the_latest_is_not_known(store_copy: Path) -> None:
    runs = [store.latest(store_copy), *published(store_copy, 3)]
    (store_copy / "latest.json").unlink()
    with store.writing(store_copy), pytest.raises(NoRunError):
        store.prune(store_copy, 1)
    store.point(store_copy, "20260101T000000Z-000009-0123456789ab")
    with store.writing(store_copy), pytest.raises(RunRejectedError, match="that it names is gone"):
        store.prune(store_copy, 1)
    assert store.names(store_copy) == runs


def test_rolling_back_verifies_first_and_mends_a_lost_pointer(store_copy: Path) -> None:
    first = store.latest(store_copy)
    second, third = published(store_copy, 2)
    model = store_copy / "runs" / second / "model.safetensors"
    good = model.read_bytes()
    model.write_bytes(good[:-1])
    with store.writing(store_copy):
        with pytest.raises(RunRejectedError):
            store.roll_back(store_copy)
        assert store.latest(store_copy) == third
        assert store.roll_back(store_copy, first).name == store.latest(store_copy) == first
        with pytest.raises(NoRunError, match="is older than the latest"):
            store.roll_back(store_copy)
        (store_copy / "latest.json").write_text("{")
        store.roll_back(store_copy, third)
    assert json.loads((store_copy / "latest.json").read_text()) == {"run": third, "sequence": 3}


def test_runs_are_ordered_by_sequence_whatever_the_clock_says(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock:
        @staticmethod
        def now(zone: object) -> datetime:
            return datetime(1999, 12, 31, tzinfo=UTC)

    monkeypatch.setattr(store, "datetime", Clock)
    name = published(store_copy, 1)[0]
    assert name.startswith("19991231T000000Z-000002-")
    assert store.latest(store_copy) == store.names(store_copy)[-1] == name


def test_a_run_that_cannot_forecast_is_never_published(store_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, contents = store.latest(store_copy), again(store_copy)
    monkeypatch.setattr(
        forecasting, "answer", lambda *_: Answer(np.full((1, 12, 1), np.nan), np.ones(1), np.ones((1, 1, 12)))
    )
    with store.writing(store_copy), pytest.raises(RunRejectedError, match="cannot forecast"):
        store.publish(store_copy, contents)
    assert (store.latest(store_copy), store.names(store_copy), leftovers(store_copy)) == (old, [old], [])


def test_a_failed_publication_leaves_nothing_behind(store_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        if path.name == "series.json":
            raise StorageError("full")
        create(path, data)

    create, contents = files.create, again(store_copy)
    monkeypatch.setattr(files, "create", full)
    with store.writing(store_copy), pytest.raises(StorageError):
        store.publish(store_copy, contents)
    assert leftovers(store_copy) == []


def test_a_training_whose_pruning_fails_is_published_and_says_so(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: Path, keep: int) -> list[str]:
        raise StorageError("cannot remove x: I/O error")

    monkeypatch.setattr(store, "prune", fail)
    trained = train(AIRLINE, store_folder=store_copy, **QUICK)
    assert store.latest(store_copy) == trained.run.name
    assert [note.text for note in trained.notes if note.level == "degraded"] == [
        "the run is published, but older ones could not be pruned: cannot remove x: I/O error"
    ]


def test_training_prunes_and_says_so(store_copy: Path) -> None:
    published(store_copy, 3)
    trained = train(AIRLINE, store_folder=store_copy, keep=2, **QUICK)
    assert [note.text for note in trained.notes] == ["pruned 3 old runs; --keep 2"]
    assert [name.split("-")[1] for name in store.names(store_copy)] == ["000004", "000005"]


def test_verify_reads_the_tables_too(store_copy: Path) -> None:
    for name, text in (
        ("history.csv", b"epoch\n1\n"),
        ("forecast.csv", b"Month,forecast\n"),
        ("predictions.csv", b"print(1)\n"),
        ("history.csv", b"epoch,training_loss,validation_loss,learning_rate\n1,x,,0\n"),
    ):
        copy = Path(shutil.copytree(store_copy, store_copy.with_name("tables"), dirs_exist_ok=False))
        reseal(copy, lambda texts, name=name, text=text: texts.update({name: text}))  # type: ignore[misc]
        with pytest.raises(RunRejectedError, match="not the table"):
            store.verify(copy, store.latest(copy))
        shutil.rmtree(copy)


def test_a_reader_that_loses_a_pruned_run_reads_the_pointer_again(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.latest(store_copy)
    second = published(store_copy, 1)[0]
    answers = iter([first, second, second, second])
    monkeypatch.setattr(store, "latest", lambda root: next(answers))
    shutil.rmtree(store_copy / "runs" / first)
    assert store.load(store_copy).name == second
    with pytest.raises(NoRunError):
        store.load(store_copy, first)


# -- lock ------------------------------------------------------------------------------------------------------------


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


def test_who_waits_for_the_lock_gets_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    process = context.Process(target=_hold, args=(str(tmp_path), ready, release))
    process.start()
    assert ready.wait(60)
    started = time.monotonic()
    with pytest.raises(LockedError, match=f"pid {process.pid} on "), store.writing(tmp_path, 0.3):
        pass
    assert 0.3 <= time.monotonic() - started < 5
    threading.Timer(0.5, release.set).start()
    with store.writing(tmp_path, 60):
        assert "pid" in (tmp_path / "lock").read_text()
    process.join()


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
    for name in (
        ".tmp-77-latest.json",
        ".tmp-77-last_run.json",
        ".tmp-probe-77",
        "runs/.tmp-probe-77",
        ".tmp-77-mine.csv",
    ):
        (store_copy / name).write_text("half")
    train(AIRLINE, store_folder=store_copy, **QUICK)
    assert not leftover.exists()
    assert leftovers(store_copy) == [".tmp-77-mine.csv"]  # that of an -o file beside the runs
    assert store.load(store_copy).manifest.sequence == 2


def failing_train(root: Path) -> StorageError | None:
    try:
        train(AIRLINE, store_folder=root, **QUICK)
    except StorageError as error:
        return error
    return None


CALLS = ("create", "make_new_folder", "fsync_folder", "rename", "replace")


@pytest.mark.parametrize("code", [errno.ENOSPC])
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
