"""Locks of one folder of a store, for work that takes hours.

They are not the lock of the store: a training must be neither refused nor kept waiting while a
tuning or a backtest is under way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from forecast_cli.errors import LockedError
from forecast_cli.store import files, listing, locking


class FolderLock:
    """The lock of one folder, held until the `with` block of `hold` ends.

    Each kind of folder has a class of its own, so that no lock is taken for another.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_held = True

    @property
    def folder(self) -> Path:
        """Where the files are. Raises RuntimeError once the lock is released."""
        if not self._is_held:
            raise RuntimeError(f"the lock of {self._folder} was released")
        return self._folder

    def _release(self) -> None:
        self._is_held = False


AnyFolderLock = TypeVar("AnyFolderLock", bound=FolderLock)


@contextlib.contextmanager
def hold(lock: AnyFolderLock, root: Path, file: Path, taken: str) -> Iterator[AnyFolderLock]:
    """Hold the lock of a folder of the store `root`; make the store where there is none.

    What a killed command left half-written in the folder is removed. file: what is locked;
    taken: the beginning of the message where another command holds it.

    Raises LockedError where it is taken, StorageError, and RunRejectedError or RunMismatchError
    for a store that is damaged or of a newer release.
    """
    if not listing.check_store_mark(root):
        with locking.lock(root):
            pass

    files.make_folder(file.parent)
    with files.lock_file(file, locking.our_name()) as holder:
        if holder is not None:
            raise LockedError(
                f"{taken} in {root}: {holder}",
                "wait for it, or use another --store",
            )

        _sweep(lock.folder)
        try:
            yield lock
        finally:
            lock._release()


def _sweep(folder: Path) -> None:
    if not folder.exists():
        return
    for name in files.list_folder(folder):
        if name.startswith(".tmp-"):
            files.remove(folder / name)
