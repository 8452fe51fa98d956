"""Every change to the file system goes through here, so that faults can be injected in one place.

Failures become StorageError (exit 30) with the path and, where the disk is full, what was needed. A failed fsync is
never tried again: after it nobody knows what the disk holds.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from forecast_cli.errors import StorageError

_HINTS = {
    errno.ENOSPC: "free some space, or use another --store or -o",
    errno.EDQUOT: "free some of your quota, or use another --store or -o",
    errno.EROFS: "the disk is read-only: use another --store or -o",
    errno.EACCES: "check the permissions, or use another --store or -o",
    errno.EPERM: "check the permissions, or use another --store or -o",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f), or use another disk",
}


@contextlib.contextmanager
def _storage(path: Path, doing: str, size: int | None = None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        need = f" ({size:,} bytes)" if size is not None else ""
        reason = os.strerror(error.errno) if error.errno else str(error)
        hint = _HINTS.get(error.errno or 0, "check the disk and the path")
        raise StorageError(f"cannot {doing} {path}{need}: {reason}", hint) from error


def create(path: Path, data: bytes) -> None:
    """Write a new file, durably. The file must not exist."""
    with _storage(path, "write", len(data)):
        _write(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), data)


def _write(descriptor: int, data: bytes) -> None:
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, data: bytes) -> None:
    """Replace a file in one step: a reader sees the old bytes or the new ones. Pipes and devices are written to."""
    with _storage(path, "write", len(data)):
        stream = re.fullmatch(r"/dev/(?:fd/(\d+)|stdin|(stdout)|(stderr))|/proc/self/fd/(\d+)", str(path))
        if stream:  # the name of an open descriptor, which is not to be replaced under its owner
            number = 1 if stream[2] else 2 if stream[3] else int(stream[1] or stream[4] or 0)
            _pour(os.dup(number), data)
            return
        path = Path(os.path.realpath(path))
        if path.exists() and not path.is_file():
            descriptor = os.open(path, os.O_WRONLY)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            _pour(descriptor, data)
            return
        temporary = path.with_name(f".tmp-{os.getpid()}-{path.name[:100]}")
        temporary.unlink(missing_ok=True)
        try:
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
            _write(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), data)
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _fsync_folder(path.parent)


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


def _pour(descriptor: int, data: bytes) -> None:
    """Write to something that is not a file, where fsync means nothing."""
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durably; no matter if it is there."""
    with _storage(path, "make the folder"):
        for folder in reversed([folder for folder in path.parents if not folder.exists()]):
            folder.mkdir(exist_ok=True)
            _fsync_folder(folder.parent)
        if not path.is_dir():
            path.mkdir(exist_ok=True)
            _fsync_folder(path.parent)


def make_new_folder(path: Path) -> None:
    """Make a folder that must not exist."""
    with _storage(path, "make the folder"):
        path.mkdir()


def rename(old: Path, new: Path) -> None:
    """Rename within one folder, durably."""
    with _storage(new, "rename to"):
        os.rename(old, new)
        _fsync_folder(new.parent)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; links are removed, never followed."""
    with _storage(path, "remove"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def list_folder(path: Path) -> list[str]:
    """The names in a folder, sorted."""
    with _storage(path, "read"):
        return sorted(os.listdir(path))


def fsync_folder(path: Path) -> None:
    with _storage(path, "sync"):
        _fsync_folder(path)


def _fsync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(folder: Path) -> None:
    """Raise StorageError now rather than after an hour of training."""
    probe = folder / f".tmp-probe-{os.getpid()}"
    with _storage(folder, "write in"):
        try:
            _write(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), b"probe")
        finally:
            probe.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path, text: str, wait: float = 0) -> Iterator[str | None]:
    """Hold the kernel lock on a file, with a text for people in it; if it is taken, wait for up to `wait` seconds.

    Yields None, or the holder's text if it is still taken. The lock goes with the process, however it ends.
    """
    with _storage(path, "lock"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        with _storage(path, "lock"):
            holder = _lock(descriptor, time.monotonic() + wait)
        if holder is None:
            with _storage(path, "write"):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, text.encode())
        yield holder
    finally:
        os.close(descriptor)


def _lock(descriptor: int, until: float) -> str | None:
    """None once the lock is ours, or the text of who holds it when the time is up."""
    until_named = time.monotonic() + 0.3  # who has just taken it writes its name next
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 1000, 0).decode(errors="replace").strip()
            now = time.monotonic()
            if now >= until and (holder or now >= until_named):
                return holder or "unknown"
            time.sleep(min(max(until - now, 0.02), 0.2))
        else:
            return None
