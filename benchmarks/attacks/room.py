"""Stores without room: a full disk, and files that may not grow."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.attacks.stores import (
    AIRLINE,
    SMALL,
    Figure,
    again,
    command,
    environment,
    new_store,
    publish_and_prune,
    wrongs,
)
from forecast_cli import store
from forecast_cli.errors import StorageError


def full_disk(folder: Path, sizes: int) -> Figure:
    """A small file system that is more and more full."""
    with _small_disk(folder) as place:
        if place is None:
            return {"skipped": "no right to mount a file system here", "broken": []}

        root = new_store(place)
        contents = again(root)
        broken: list[str] = []
        outcome: Counter[str] = Counter()
        for number in range(sizes):
            used, old = store.names(root), store.latest(root)
            filler = _filled(place, room=96 * 1024 * number // sizes)
            try:
                publish_and_prune(root, contents)
                outcome["published"] += 1
            except StorageError:
                outcome["exit_30"] += 1

            name = store.latest(root)
            if name not in {old, *set(store.names(root)) - set(used)}:
                broken.append(f"{number}: latest is {name}")
            store.verify(root, name)
            if number == 0:
                outcome["trainings, exit 30"] += _train_without_room(root, broken)
            filler.unlink()
            broken += [f"{number}: {wrong}" for wrong in wrongs(root)]
        return {"sizes": sizes, **outcome, "broken": broken}


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of 1 MiB; None where none may be mounted."""
    place = folder / "small"
    place.mkdir()
    may_mount = os.geteuid() == 0 and shutil.which("mount")
    line = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if not may_mount or subprocess.run(line, capture_output=True, check=False).returncode:
        yield None
        return

    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _filled(place: Path, room: int) -> Path:
    """A file that leaves so many bytes of room on its disk."""
    disk = os.statvfs(place)
    filler = place / "filler"
    filler.write_bytes(bytes(max(disk.f_bavail * disk.f_frsize - room, 0)))
    return filler


def _train_without_room(root: Path, broken: list[str]) -> bool:
    """Whether a training ends with exit code 30, as it must."""
    done = command("train", AIRLINE, *SMALL, "--store", root)
    if done.returncode != 30:
        text = f"a training on a full disk: exit {done.returncode}, {done.stderr.decode()}"
        broken.append(text)
    return done.returncode == 30


def file_size_limits(folder: Path, limits: list[int]) -> Figure:
    """Trainings that may write files of so many bytes only."""
    root = new_store(folder)
    broken: list[str] = []
    outcome: Counter[str] = Counter()
    for limit in limits:
        before = store.latest(root)
        done = _train_with_limit(root, limit)
        outcome[f"exit {done.returncode}"] += 1
        is_published = store.latest(root) != before
        if done.returncode not in (0, 3, 30) or is_published == (done.returncode == 30):
            broken.append(f"{limit} bytes: exit {done.returncode}, {done.stderr.decode()}")
        broken += [f"{limit} bytes: {wrong}" for wrong in wrongs(root)]
    return {"limits": len(limits), **outcome, "broken": broken}


def _train_with_limit(root: Path, limit: int) -> subprocess.CompletedProcess[bytes]:
    """A training in a process that can write no file of more bytes.

    It does without the base network, whose weights are larger than the plots: then there are limits
    under which the run is complete, and the plots are not.
    """
    return command(
        *("train", AIRLINE, *SMALL, "--from", "none", "--store", root, "--quiet"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        # Python itself cuts off what it compiles under such a limit, and fails on that ever after.
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
    )
