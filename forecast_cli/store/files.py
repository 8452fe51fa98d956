"""Every change to the file system is made here, so that tests can inject faults in one place.

A failure becomes a StorageError (exit 30) that names the path and, for a write, how many bytes were
to be written. A failed fsync is never tried again: after it, nobody knows what the disk holds.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
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

# Paths that name an open descriptor of this process, which must not be replaced under its owner.
_OPEN_DESCRIPTOR = re.compile(
    r"/dev/fd/(?P<number>\d+)"
    r"|/proc/self/fd/(?P<proc_number>\d+)"
    r"|/dev/(?P<name>stdin|stdout|stderr)"
)
_STANDARD_STREAMS = {"stdin": 0, "stdout": 1, "stderr": 2}

_BLOCK = 1 << 20  # bytes that are read at once

_NAMING_TIME = 0.3  # seconds that whoever has just taken the lock may need to write its name
_POLL_SLOWEST, _POLL_FASTEST = 0.2, 0.02  # seconds between two attempts to take the lock


# -- files -----------------------------------------------------------------------------------------


def create_file(path: Path, data: bytes) -> None:
    """Write a new file, durably. Raises StorageError, also where the file exists already."""
    with _storage_errors(path, "write", len(data)):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        _write_durably(os.open(path, flags, 0o644), data)


def replace_file(path: Path, data: bytes) -> None:
    """Replace a file in one step, so that a reader sees either the old bytes or the new ones.

    A link is followed and stays a link; the mode of an existing file is kept. Pipes, devices and
    open descriptors (`/dev/stdout`) are written to instead. Raises StorageError.
    """
    with _storage_errors(path, "write", len(data)):
        descriptor = _open_descriptor(path)
        if descriptor is not None:
            _write_to_stream(os.dup(descriptor), data)
            return

        path = Path(os.path.realpath(path))
        if path.exists() and not path.is_file():
            _write_to_stream(_open_stream(path), data)
            return

        _replace_regular_file(path, data)


def _replace_regular_file(path: Path, data: bytes) -> None:
    # Of another kind by its name, too: who collects all *.prom of a folder must not find it. The
    # name is cut so that it fits into 255 bytes in any script.
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name[:50]}.part")
    temporary.unlink(missing_ok=True)
    try:
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        _write_durably(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _fsync_folder(path.parent)


def _open_descriptor(path: Path) -> int | None:
    """The number of the open descriptor that a path such as `/dev/stdout` stands for."""
    match = _OPEN_DESCRIPTOR.fullmatch(str(path))
    if match is None:
        return None
    if match["name"]:
        return _STANDARD_STREAMS[match["name"]]
    return int(match["number"] or match["proc_number"])


def _open_stream(path: Path) -> int:
    """Open a pipe or a device for writing."""
    descriptor = os.open(path, os.O_WRONLY)

    # It was no regular file a moment ago. If it is one now, writing into it would not be atomic.
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return descriptor


def _write_durably(descriptor: int, data: bytes) -> None:
    """Write all bytes, flush them to the disk, and close."""
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_to_stream(descriptor: int, data: bytes) -> None:
    """Write all bytes to something that is not a file, where fsync means nothing, and close."""
    try:
        _write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = os.write(descriptor, rest)
        rest = rest[written:]


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current


# -- folders, and what is in them ------------------------------------------------------------------


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durably, where they are missing. Raises StorageError."""
    with _storage_errors(path, "make the folder"):
        missing_parents = [folder for folder in path.parents if not folder.exists()]
        for folder in reversed(missing_parents):
            folder.mkdir(exist_ok=True)
            _fsync_folder(folder.parent)

        if not path.is_dir():
            path.mkdir(exist_ok=True)
            _fsync_folder(path.parent)


def create_folder(path: Path) -> None:
    """Make a folder. Raises StorageError, also where it exists already."""
    with _storage_errors(path, "make the folder"):
        path.mkdir()


def rename(old: Path, new: Path) -> None:
    """Rename within one folder, durably. Raises StorageError."""
    with _storage_errors(new, "rename to"):
        os.rename(old, new)
        _fsync_folder(new.parent)


def move_into(folder: Path, paths: Sequence[Path]) -> None:
    """Move files of the same file system into a folder, durably. Raises StorageError.

    A file of the same name is replaced.
    """
    for path in paths:
        with _storage_errors(folder / path.name, "rename to"):
            os.replace(path, folder / path.name)
    fsync_folder(folder)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it. Links are removed, never followed.

    Raises StorageError.
    """
    with _storage_errors(path, "remove"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def list_folder(path: Path) -> list[str]:
    """The names in a folder, sorted. Raises StorageError."""
    with _storage_errors(path, "read"):
        return sorted(os.listdir(path))


def fsync_folder(path: Path) -> None:
    """Make sure that the disk knows which names are in a folder. Raises StorageError."""
    with _storage_errors(path, "sync"):
        _fsync_folder(path)


def _fsync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(folder: Path) -> None:
    """Write a small file and remove it: raises StorageError now, not after an hour of training."""
    probe = folder / f".tmp-probe-{os.getpid()}"
    with _storage_errors(folder, "write in"):
        try:
            _write_durably(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), b"probe")
        finally:
            probe.unlink(missing_ok=True)


class Spool:
    """Bytes in a temporary file, which are added in any order, and read in that of their numbers."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._places: dict[int, tuple[int, int]] = {}
        self._size = 0

    def add(self, number: int, data: bytes) -> None:
        """Keep the bytes of a number. Raises StorageError."""
        with _storage_errors(Path(tempfile.gettempdir()), "write in", len(data)):
            _write_all(self._descriptor, data)
        self._places[number] = self._size, len(data)
        self._size += len(data)

    def read(self) -> Iterator[Iterator[bytes]]:
        """The bytes of each number, in blocks. Raises StorageError."""
        for number in sorted(self._places):
            yield self._blocks(*self._places[number])

    def _blocks(self, position: int, size: int) -> Iterator[bytes]:
        end = position + size
        while position < end:
            with _storage_errors(Path(tempfile.gettempdir()), "read in"):
                block = os.pread(self._descriptor, min(_BLOCK, end - position), position)
            if not block:
                raise StorageError("a temporary file was cut off", "check the disk")
            position += len(block)
            yield block


@contextlib.contextmanager
def opened_spool() -> Iterator[Spool]:
    """A temporary file without a name, which is gone with the block, and with the process.

    Raises StorageError.
    """
    with contextlib.ExitStack() as stack:
        with _storage_errors(Path(tempfile.gettempdir()), "write in"):
            file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        yield Spool(file.fileno())


# -- the lock of the kernel ------------------------------------------------------------------------


@contextlib.contextmanager
def lock_file(
    path: Path, text: str, wait: float = 0, on_wait: Callable[[str], None] | None = None
) -> Iterator[str | None]:
    """Hold the kernel's lock on a file, and write a text for people into it.

    If another process holds the lock, wait for up to `wait` seconds. `on_wait` is called once, with
    the holder's text, when waiting begins. Yields None, or the holder's text if the lock is still
    taken at the end. The lock ends with the process, however that ends. Raises StorageError.
    """
    with _storage_errors(path, "lock"):
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o644)
    try:
        with _storage_errors(path, "lock"):
            holder = _wait_for_lock(descriptor, wait, on_wait)
        if holder is None:
            with _storage_errors(path, "write"):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, text.encode())
        yield holder
    finally:
        os.close(descriptor)


def _wait_for_lock(
    descriptor: int,
    wait: float,
    on_wait: Callable[[str], None] | None,
) -> str | None:
    """None once the lock is ours, or the text of whoever holds it when the time is up."""
    started = time.monotonic()
    announced = False
    while not _take_lock(descriptor):
        elapsed = time.monotonic() - started
        holder = os.pread(descriptor, 1000, 0).decode(errors="replace").strip()
        holder_is_known = bool(holder) or elapsed >= _NAMING_TIME
        holder = holder or "unknown"

        if elapsed >= wait and holder_is_known:
            return holder

        if on_wait is not None and holder_is_known and not announced:
            on_wait(holder)
            announced = True

        time.sleep(min(max(wait - elapsed, _POLL_FASTEST), _POLL_SLOWEST))
    return None


def _take_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# -- failures --------------------------------------------------------------------------------------


@contextlib.contextmanager
def _storage_errors(path: Path, action: str, size: int | None = None) -> Iterator[None]:
    """Turn an OSError into a StorageError that says what could not be done, and what may help."""
    try:
        yield
    except OSError as error:
        needed = f" ({size:,} bytes)" if size is not None else ""
        reason = os.strerror(error.errno) if error.errno else str(error)
        hint = _HINTS.get(error.errno or 0, "check the disk and the path")
        raise StorageError(f"cannot {action} {path}{needed}: {reason}", hint) from error
