"""Locks of one folder of a store: held by one command at a time, beside the lock of the store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forecast_cli import store
from forecast_cli.errors import LockedError
from forecast_cli.store import folder_locks
from forecast_cli.store.folder_locks import FolderLock

TAKEN = "another job is under way"


def test_only_one_command_holds_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    file = folder / "lock"
    with folder_locks.hold(FolderLock(folder), tmp_path, file, TAKEN) as lock:
        assert lock.folder == folder
        again = folder_locks.hold(FolderLock(folder), tmp_path, file, TAKEN)
        with pytest.raises(LockedError) as error:
            again.__enter__()
    assert error.value.message.startswith(f"another job is under way in {tmp_path}: pid ")
    assert error.value.hint == "wait for it, or use another --store"


def test_the_lock_of_the_store_stays_free_and_the_store_is_made(tmp_path: Path) -> None:
    root = tmp_path / "runs"
    held = folder_locks.hold(FolderLock(root / "work"), root, root / "work" / "lock", TAKEN)
    with held, store.lock(root):
        assert (root / "store.json").is_file()


def test_what_a_killed_command_was_writing_is_removed_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / ".tmp-1-part").touch()
    (folder / "part").touch()
    with folder_locks.hold(FolderLock(folder), tmp_path, tmp_path / "work.lock", TAKEN):
        assert [path.name for path in folder.iterdir()] == ["part"]


def test_a_lock_is_released_by_an_error_too(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    held = folder_locks.hold(FolderLock(folder), tmp_path, folder / "lock", TAKEN)
    with pytest.raises(KeyError), held as lock:
        raise KeyError
    with pytest.raises(RuntimeError, match=f"^the lock of {re.escape(str(folder))} was released$"):
        assert lock.folder
