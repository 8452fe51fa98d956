"""Reading a run: first the hash of every file, and only then the very bytes that were hashed.

Readers take no lock. If a run is pruned while it is read, the pointer is read again.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from forecast_cli.errors import NoRunError, RunRejectedError
from forecast_cli.store import contents as run_contents
from forecast_cli.store import listing, strict_json
from forecast_cli.store.contents import Run
from forecast_cli.store.records import Manifest
from forecast_cli.store.rejection import (
    MAX_FILE_BYTES,
    read_plain_file,
    reading_error,
    rejected,
    rejecting,
)
from forecast_cli.store.upgrades import RUN_SCHEMAS, check_not_newer, newest_run_schema

MAX_MANIFEST_BYTES = 1 << 20
ATTEMPTS = 3  # to read the latest run, which may be pruned meanwhile


def load(root: Path, name: str | None = None) -> Run:
    """Read and verify a run, the latest by default.

    Raises NoRunError (10), RunRejectedError (12) for anything damaged or foreign, RunMismatchError
    (13) for a newer schema, StorageError (30).
    """
    listing.check_store_mark(root)
    for _ in range(ATTEMPTS):
        wanted = name or listing.latest(root)
        folder = root / "runs" / wanted
        try:
            return read_run(folder, wanted)
        except FileNotFoundError as error:
            if folder.exists():
                missing = folder / os.path.basename(error.filename)
                raise rejected(missing, "the file is missing") from None

        if name is not None:
            raise NoRunError(f"no run {name!r} in {root}", "see `forecast runs list`")

        # The run was pruned between the pointer and the folder, unless the pointer still names it.
        if listing.latest(root) == wanted:
            raise rejected(folder, "the run is missing")

    raise RunRejectedError(f"{root}: the latest run keeps vanishing", "run `forecast runs list`")


def read_run(folder: Path, name: str) -> Run:
    """Read and verify the run in a folder, which has or is to have that name.

    Raises FileNotFoundError, and what `load` raises.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise reading_error(folder, error) from None

    try:
        manifest = _read_manifest(folder, name, descriptor)
        verified = _read_files(folder, manifest, descriptor)
    finally:
        os.close(descriptor)
    return run_contents.decode(folder, name, manifest, verified)


def _read_manifest(folder: Path, name: str, descriptor: int) -> Manifest:
    path = folder / "manifest.json"
    data = read_plain_file(path, MAX_MANIFEST_BYTES, descriptor)
    if hashlib.sha256(data).hexdigest()[:12] != name.rsplit("-", 1)[-1]:
        raise rejected(path, "it does not match the name of the run")

    with rejecting(path, "the manifest of a run"):
        check_not_newer(folder, strict_json.parse(data), "the run", newest_run_schema())
        manifest = strict_json.read(Manifest, data)
        if not manifest.begins(name):
            raise ValueError("its time or sequence is not that in the name of the run")
        RUN_SCHEMAS[manifest.schema].check_files(manifest.files)
    return manifest


def _read_files(folder: Path, manifest: Manifest, descriptor: int) -> dict[str, bytes]:
    """The bytes of every file in the manifest. Nothing is parsed before all are verified."""
    verified = {}
    for name, seal in manifest.files.items():
        path = folder / name
        data = read_plain_file(path, MAX_FILE_BYTES, descriptor, seal.size)
        if hashlib.sha256(data).hexdigest() != seal.sha256:
            raise rejected(path, "its bytes are not those that were published")
        verified[name] = data
    return verified
