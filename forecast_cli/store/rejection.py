"""What is refused when a store is read: links, files of other kinds, and content that is not ours.

A refusal is always a RunRejectedError (exit 12) that names the file and says what is wrong with it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import textwrap
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from forecast_cli.errors import RunRejectedError, StorageError

MAX_FILE_BYTES = 4 << 30  # of one file in a run
MAX_RECORD_BYTES = 1 << 16  # of a small record beside the runs


def rejected(path: Path, reason: str) -> RunRejectedError:
    """The error for a file that is damaged or foreign."""
    return RunRejectedError(
        f"{path}: {reason}; the run is damaged, or was not written by forecast",
        "use an older run (--run), or train again",
    )


@contextlib.contextmanager
def rejecting(path: Path, expected: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file is parsed into a RunRejectedError that names the file.

    expected: what the file should hold, for example "the settings of a run".
    """
    try:
        yield
    except (ValueError, SafetensorError) as error:
        reason = textwrap.shorten(str(error), 200, placeholder=" ...")
        raise rejected(path, f"it does not hold {expected} ({reason})") from None
    except (LookupError, TypeError, AttributeError) as error:
        # Content of another shape than the code expects, such as a list in place of an object.
        raise rejected(path, f"it does not hold {expected} ({type(error).__name__})") from None


def read_plain_file(
    path: Path,
    max_bytes: int,
    folder: int | None = None,
    expected_size: int | None = None,
) -> bytes:
    """The bytes of a plain file that has one name only. Links are never followed.

    folder: the descriptor of the open folder that holds the file; expected_size: in bytes.
    Raises FileNotFoundError, StorageError, and RunRejectedError where the file is of another kind,
    too large, or of another size than expected.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path if folder is None else path.name, flags, dir_fd=folder)
        try:
            _check_is_plain(path, os.fstat(descriptor), max_bytes, expected_size)
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read()
        finally:
            os.close(descriptor)
    except OSError as error:
        raise reading_error(path, error) from None


def _check_is_plain(
    path: Path,
    state: os.stat_result,
    max_bytes: int,
    expected_size: int | None,
) -> None:
    if not stat.S_ISREG(state.st_mode) or state.st_size > max_bytes:
        raise rejected(path, "it is not a plain file of sensible size")

    # Somebody who can write under the other name could change the bytes after they were checked.
    if state.st_nlink > 1:
        raise rejected(path, "it has a second name (a hard link)")

    if expected_size is not None and state.st_size != expected_size:
        raise rejected(path, "its bytes are not those that were published")


def reading_error(path: Path, error: OSError) -> Exception:
    """What it means that a path cannot be opened: gone, of another kind, or trouble of the disk."""
    if error.errno == errno.ENOENT:
        return error
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
        return rejected(path, "it is a link or a file of another kind")
    return StorageError(
        f"cannot read {path}: {error.strerror}",
        "check the permissions, or use another --store",
    )
