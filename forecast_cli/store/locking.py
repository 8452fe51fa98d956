"""The lock of a store: one command writes at a time, and readers need no lock.

The lock is a value that the caller holds and hands to every function that writes, so that several
steps can be one transaction:

    with store.lock(root, wait=600) as lock:
        run = store.publish(lock, contents)
        store.promote(lock, run)
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from forecast_cli.errors import LockedError
from forecast_cli.store import files, listing, strict_json
from forecast_cli.store.records import StoreMark

# What a killed command leaves behind in the root of the store. Others may keep files there, too.
_LEFTOVER_IN_ROOT = re.compile(r"\.tmp-(?:[0-9]+-(?:store|latest|last_run)\.json|probe-[0-9]+)")
_LEFTOVER = re.compile(r"\.tmp-.*", re.DOTALL)


class Lock:
    """The lock of one store, held until the `with` block of `lock` ends."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._is_held = True

    @property
    def root(self) -> Path:
        """The folder of the store. Raises RuntimeError once the lock is released."""
        if not self._is_held:
            raise RuntimeError(f"the lock of {self._root} was released")
        return self._root

    def _release(self) -> None:
        self._is_held = False


@contextlib.contextmanager
def lock(
    root: Path,
    *,
    wait: float = 0,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[Lock]:
    """Hold the lock of a store, after making sure that the store is there and can be written.

    If another command holds it, wait for up to `wait` seconds; `on_wait` is called once, with a
    text that names the holder, when waiting begins.

    Raises StorageError (30) where the store cannot be written, LockedError (11) where it is still
    locked, RunRejectedError (12) for a damaged store, RunMismatchError (13) for one of a newer
    release.
    """
    files.make_folder(root / "runs")
    with files.lock_file(root / "lock", our_name(), wait, on_wait) as holder:
        if holder is not None:
            raise LockedError(
                f"another command is writing in {root}: {holder}",
                "wait for it (--lock-wait 10m), or use another --store",
            )

        if not listing.check_store_mark(root):
            mark = StoreMark("forecast-store", listing.STORE_SCHEMA)
            files.replace_file(root / "store.json", strict_json.write(mark))
        _sweep(root)
        files.check_writable(root)
        files.check_writable(root / "runs")

        held = Lock(root)
        try:
            yield held
        finally:
            held._release()


def our_name() -> str:
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"pid {os.getpid()} on {platform.node()} since {started}\n"


def _sweep(root: Path) -> None:
    """Remove what a killed command left behind. The lock is ours, so nobody is using it."""
    _remove_leftovers(root, _LEFTOVER_IN_ROOT)
    _remove_leftovers(root / "runs", _LEFTOVER)
    _remove_leftovers(root / "checkpoints", _LEFTOVER)
    _remove_leftovers(root / "forecasts", _LEFTOVER)

    # A run is marked as not promoted before it gets its name, and the mark outlives a pruned run.
    gone = set(listing.unpromoted(root)) - set(listing.names(root))
    for name in sorted(gone):
        files.remove(root / listing.UNPROMOTED / name)


def _remove_leftovers(folder: Path, pattern: re.Pattern[str]) -> None:
    if not folder.exists():
        return
    for name in files.list_folder(folder):
        if pattern.fullmatch(name):
            files.remove(folder / name)
