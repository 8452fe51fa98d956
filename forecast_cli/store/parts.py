"""A folder of parts: one forecast in many files, and a manifest that names them.

    out/manifest.json                              which parts there are, and where they come from
    out/part-00000-5b1f0c9a77e3d210.parquet        the first part; its name ends in its hash
    out/.lock                                      held by the one command that writes here
    out/.tmp-parts/                                parts that are not published yet

The manifest is replaced in one step when all its parts are there, and parts that it does not name
are removed after that. So whenever the power fails, a reader of the manifest finds the old forecast
or the new one, whole. Where there is no manifest, files that are named like parts are those of
somebody else, and stay; unless there is a .tmp-parts, which a command that was killed left.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, with_config

from forecast_cli.errors import ForecastError, LockedError, SettingsError, StorageError
from forecast_cli.store import files, locking, strict_json
from forecast_cli.store.records import STRICT, Count
from forecast_cli.store.rejection import read_plain_file

SCHEMA: Literal["forecast/parts/v1"] = "forecast/parts/v1"
MANIFEST = "manifest.json"
LOCK = ".lock"
STAGING = ".tmp-parts"
PART = re.compile(r"part-[0-9]{5,}-[0-9a-f]{16}\.(csv|json|parquet)")
LEFTOVER = re.compile(r"\.tmp-(?:[0-9]+-manifest\.json\.part|probe-[0-9]+)")
HASH_LENGTH = 16  # of the sha256 in the name of a part, in hexadecimal digits
MAX_MANIFEST_BYTES = 1 << 30


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class Part:
    """One part. rows: of the file; series: how many it has; input: the file it was made from."""

    file: Annotated[str, Field(pattern=f"^{PART.pattern}$")]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    rows: Count
    series: Count
    input: str


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class FailedPart:
    """A file of which there is no part, and why."""

    input: str
    error: str
    hint: str
    exit_code: int


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class PartsManifest:
    """What a folder of parts holds.

    version: of this tool; created: when, in UTC, as in the names of runs; run: that made the
    forecast; source: the folder or the pattern of the files.
    """

    schema: Literal["forecast/parts/v1"]
    version: str
    created: Annotated[str, Field(pattern="^[0-9]{8}T[0-9]{6}Z$")]
    run: str
    source: str
    parts: Sequence[Part]
    failed: Sequence[FailedPart]


@dataclass
class PartsLock:
    """The lock of a folder of parts. is_published: whether new parts have taken the place of the
    old ones.
    """

    folder: Path
    is_published: bool = False

    @property
    def staging(self) -> Path:
        """Where `write_part` is to write."""
        return self.folder / STAGING


@contextlib.contextmanager
def lock_parts(folder: Path) -> Iterator[PartsLock]:
    """Hold the lock of a folder of parts, which is made where it is missing.

    What was not published is removed, before and after; parts that were there are removed when
    others are published. Raises LockedError where another command writes there, SettingsError
    where the folder has a manifest or parts of somebody else, StorageError.
    """
    files.make_folder(folder)
    with files.lock_file(folder / LOCK, locking.our_name()) as holder:
        if holder is not None:
            raise LockedError(
                f"another command is writing in {folder}: {holder}",
                "wait for it, or use another folder",
            )
        old = _old_parts(folder)
        _sweep(folder, kept=old)
        files.check_writable(folder)
        files.create_folder(folder / STAGING)
        lock = PartsLock(folder)
        try:
            yield lock
        finally:
            with contextlib.suppress(StorageError):  # the next command sweeps it
                _sweep(folder, kept=set() if lock.is_published else old)


def write_part(staging: Path, number: int, ending: str, data: bytes) -> tuple[str, str]:
    """Write a part that is not published yet; returns its name and its sha256.

    number: from 0; ending: of the name. Writing the same part twice does no harm. Raises
    StorageError.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    name = f"part-{number:05d}-{sha256[:HASH_LENGTH]}.{ending}"
    files.replace_file(staging / name, data)
    return name, sha256


def publish_parts(lock: PartsLock, manifest: PartsManifest) -> None:
    """Publish parts that `write_part` wrote, in place of those that were there.

    Raises StorageError; then those that were there still are.
    """
    files.move_into(lock.folder, [lock.staging / part.file for part in manifest.parts])
    files.replace_file(lock.folder / MANIFEST, strict_json.write(manifest))
    lock.is_published = True


def read_parts(folder: Path) -> PartsManifest | None:
    """The manifest of a folder of parts; None where there is none.

    Raises SettingsError for one of somebody else or of a newer release, StorageError.
    """
    path = folder / MANIFEST
    try:
        return strict_json.read(PartsManifest, read_plain_file(path, MAX_MANIFEST_BYTES))
    except FileNotFoundError:
        return None
    except StorageError:
        raise
    except (ValueError, ForecastError):
        raise SettingsError(
            f"{path} is not the manifest of a forecast of this release",
            "give another folder, or remove that file",
        ) from None


def _old_parts(folder: Path) -> set[str]:
    """The names of parts that stay until others are published: all that are there.

    Without a manifest, those that a killed command left do not stay. Raises SettingsError where
    nothing says that they are ours.
    """
    names = files.list_folder(folder)
    parts = {name for name in names if PART.fullmatch(name)}
    if read_parts(folder) is not None:
        return parts
    if parts and STAGING not in names:
        raise SettingsError(
            f"{folder} has no {MANIFEST}, and files in it are named like parts of a forecast, such "
            f"as {min(parts)!r}, which would be removed",
            "use another folder, or remove these files",
        )
    return set()


def _sweep(folder: Path, kept: set[str]) -> None:
    """Remove what the manifest does not name, but for parts that are to be kept.

    The lock is ours, so nobody is writing. The folder of what is not published comes last: it says
    that parts without a manifest are ours.
    """
    manifest = read_parts(folder)
    named = {part.file for part in manifest.parts} if manifest else set()
    names = files.list_folder(folder)
    for name in sorted(names, key=lambda name: name == STAGING):
        is_ours = PART.fullmatch(name) or LEFTOVER.fullmatch(name) or name == STAGING
        if is_ours and name not in named | kept:
            files.remove(folder / name)
