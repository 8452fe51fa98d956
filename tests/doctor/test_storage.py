"""The store, its lock, and free space."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store
from forecast_cli.doctor import storage
from forecast_cli.errors import StorageError
from tests.doctor.helpers import seen, situation


def test_a_sound_store_is_ok_and_unchanged(store_copy: Path) -> None:
    before = sorted(path for path in store_copy.rglob("*"))
    checks, run = storage.check_store(situation(store_copy))
    name = store.latest(store_copy)
    assert seen(checks) == [("ok", f"1 run in {store_copy}; the latest, {name}, is sound")]
    assert run is not None
    assert sorted(path for path in store_copy.rglob("*")) == before


def test_a_store_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        checks, run = storage.check_store(situation(folder))
        assert run is None
        assert seen(checks) == [("finding", f"there is no store in {folder}")]
        assert checks[0].hint == (
            f"train first, forecast train DATA --store {folder}, or name another --store"
        )
    assert list(tmp_path.iterdir()) == []

    file = tmp_path / "file"
    file.write_text("")
    checks, _ = storage.check_store(situation(file))
    assert checks[0].level == "finding"


def test_a_path_that_cannot_be_looked_at_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 300)
    checks, _ = storage.check_store(situation(path))
    assert seen(checks) == [("finding", f"cannot read {path}: File name too long")]


def test_a_relative_path_is_a_remark(
    tmp_path: Path, store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checks, _ = storage.check_store(situation(Path(store_copy.name)))
    assert checks[0].level == "remark"
    assert checks[0].hint == f"use --store {store_copy} for jobs"


def test_a_damaged_run_is_a_finding(store_copy: Path) -> None:
    model = store_copy / "runs" / store.latest(store_copy) / "model.safetensors"
    model.write_bytes(model.read_bytes()[:-1])
    checks, run = storage.check_store(situation(store_copy))
    assert run is None
    (level, text) = seen(checks)[0]
    assert level == "finding"
    assert text.startswith(f"{model}: its bytes are not those that were published")


def test_a_store_of_a_newer_release_is_a_finding(store_copy: Path) -> None:
    mark = store_copy / "store.json"
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"schema": 99}))
    checks, _ = storage.check_store(situation(store_copy))
    assert [check.level for check in checks] == ["finding"]
    assert "newer" in checks[0].text


def test_an_empty_store_is_a_finding(tmp_path: Path) -> None:
    with store.lock(tmp_path):
        pass
    checks, _ = storage.check_store(situation(tmp_path))
    assert seen(checks) == [("finding", f"no run in {tmp_path}")]


def test_a_store_that_cannot_be_written_is_a_finding(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise StorageError(
            f"cannot write in {folder}: Read-only file system", "use another --store"
        )

    monkeypatch.setattr(store, "check_writable", refuse)
    checks, run = storage.check_store(situation(store_copy))
    assert run is not None
    assert seen(checks)[0] == ("finding", f"cannot write in {store_copy}: Read-only file system")


# -- the lock --------------------------------------------------------------------------------------

has_table = pytest.mark.skipif(
    not Path("/proc/locks").exists(), reason="this system has no list of locks"
)


@has_table
def test_a_free_lock_is_ok_and_a_held_one_is_named(store_copy: Path) -> None:
    free = storage.check_lock(situation(store_copy))
    assert free[0].level == "ok"
    assert free[0].text.startswith("free; last held by pid ")
    with store.lock(store_copy):
        held = storage.check_lock(situation(store_copy))
    assert held[0].level == "remark"
    assert held[0].text.startswith(f"held by pid {os.getpid()} on ")
    assert storage.check_lock(situation(store_copy)) != held


@has_table
def test_a_lock_that_is_held_for_days_is_a_finding(store_copy: Path) -> None:
    later = datetime.now(UTC) + timedelta(days=2)
    with store.lock(store_copy):
        checks = storage.check_lock(situation(store_copy, now=later))
    assert checks[0].level == "finding"
    assert "see whether that command hangs" in checks[0].hint


@pytest.mark.parametrize("name", ["", "nonsense", "pid 1 on x since 9999-99-99T99:99:99Z"])
def test_a_lock_with_any_text_in_it_is_described(store_copy: Path, name: str) -> None:
    (store_copy / "lock").write_text(name)
    assert storage.check_lock(situation(store_copy))[0].level in ("ok", "remark")
    state = store.LockState(name, is_held=True)
    held = storage._held(state, datetime.now(UTC))
    assert (held.level, held.text) == ("remark", f"held by {name or 'a command that left no name'}")


def test_a_lock_is_looked_at_without_taking_it(
    store_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*values: Any) -> None:
        raise AssertionError("the lock was taken")

    monkeypatch.setattr("fcntl.flock", refuse)
    monkeypatch.setattr("fcntl.lockf", refuse)
    assert len(storage.check_lock(situation(store_copy))) == 1


def test_a_lock_that_is_no_plain_file_is_a_finding(store_copy: Path) -> None:
    lock = store_copy / "lock"
    lock.unlink()
    assert storage.check_lock(situation(store_copy))[0].text == ("free; no command has held it yet")
    lock.symlink_to("/etc/passwd")
    checks = storage.check_lock(situation(store_copy))
    assert checks[0].level == "finding"
    assert checks[0].hint.startswith(f"remove {lock} while no command is running")


# -- free space ------------------------------------------------------------------------------------


def disk(monkeypatch: pytest.MonkeyPatch, free: int, files: int = 10**6) -> None:
    class Disk:
        f_frsize, f_bavail, f_files, f_favail = 1, free, 10**7, files

    monkeypatch.setattr(os, "statvfs", lambda path: Disk)


def test_free_space_is_shown_and_too_little_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = situation(tmp_path / "not" / "yet")
    disk(monkeypatch, 5 << 30)
    assert seen(storage.check_space(here, None)) == [("ok", f"5 GiB free for {here.store}")]
    disk(monkeypatch, 1 << 20)
    checks = storage.check_space(here, None)
    assert seen(checks) == [("finding", f"1 MiB free for {here.store}")]
    assert checks[0].hint == (
        "free some space, 100 MiB at least; `forecast runs prune --keep 3` may do"
    )
    disk(monkeypatch, 5 << 30, files=3)
    assert seen(storage.check_space(here, None)) == [
        ("finding", f"only 3 more files fit on the disk of {here.store}")
    ]


def test_sizes_have_a_unit_that_fits() -> None:
    sizes = [0, 1023, 1536, 5 << 40]
    assert [storage._bytes(size) for size in sizes] == ["0 bytes", "1023 bytes", "1.5 KiB", "5 TiB"]
