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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from forecast_cli.errors import LockedError, StorageError
from forecast_cli.store import files, listing, strict_json
from forecast_cli.store.records import StoreMark
from forecast_cli.store.rejection import MAX_RECORD_BYTES, read_plain_file

# What a killed command leaves behind in the root of the store. Others may keep files there, too.
# Releases before 0.10.0 left files without the ending.
_LEFTOVER_IN_ROOT = re.compile(
    r"\.tmp-(?:[0-9]+-(?:store|latest|last_run)\.json(?:\.part)?|probe-[0-9]+)"
)
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


@dataclass(frozen=True)
class LockState:
    """The lock of a store, as it looks from outside.

    holder: who holds it, or held it last, in words; is_held: None where the system does not say.
    """

    holder: str
    is_held: bool | None


def lock_state(root: Path, table: Path = Path("/proc/locks")) -> LockState | None:
    """Whether the lock of a store is held, and by whom, without taking it; None for no lock file.

    Trying to take it, even for an instant, could make a command fail that starts just then.
    table: the locks of the system, as proc(5) describes them. Raises RunRejectedError where the
    lock is not a plain file, StorageError.
    """
    path = root / "lock"
    try:
        text = read_plain_file(path, MAX_RECORD_BYTES)
        number = path.stat().st_ino
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}", "check the disk") from None

    holder = text.decode("utf-8", "replace").strip()
    try:
        lines = table.read_text().splitlines()
    except OSError:
        return LockState(holder, None)
    return LockState(holder, any(_is_lock_on(line, number) for line in lines))


def _is_lock_on(line: str, number: int) -> bool:
    """Whether a line is about a lock, not about waiting for one, on the file of that inode number.

    `1: FLOCK  ADVISORY  WRITE 1607 fe:00:5562609 0 EOF`. The device is not compared: on some file
    systems, stat shows another one.
    """
    words = line.split()
    is_lock = len(words) >= 6 and words[1] == "FLOCK"
    return is_lock and words[5].rpartition(":")[2] == str(number)


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
