"""What the tests of the store share: runs published without a training, and runs that somebody changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.attacks.baits import seal
from benchmarks.attacks.stores import again
from forecast_cli import store
from forecast_cli.store.upgrades import RUN_SCHEMAS, newest_run_schema

QUICK: dict[str, Any] = {
    "epochs": 1,
    "units": "3",
    "horizon": 3,
    "members": 1,
    "warm_start": "none",  # the base network is not what these tests are about
}
NEWEST = newest_run_schema()
FILES = RUN_SCHEMAS[NEWEST].required


def latest_folder(root: Path) -> Path:
    return root / "runs" / store.latest(root)


def reseal(root: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """What an attacker with write access does: change files, and seal them again so that all hashes fit."""
    folder = latest_folder(root)
    manifest = (folder / "manifest.json").read_bytes()
    names = [*json.loads(manifest)["files"], "manifest.json"]
    texts = {name: (folder / name).read_bytes() for name in names}
    change(texts)
    if texts["manifest.json"] == manifest:
        del texts["manifest.json"]
    seal(root, texts)


def publish_again(root: Path, count: int = 1, *, promote: bool = True) -> list[str]:
    """Publish the latest run some times more; returns the names of the new runs."""
    contents = again(root)
    names = []
    with store.lock(root) as lock:
        for _ in range(count):
            run = store.publish(lock, contents)
            if promote:
                store.promote(lock, run)
            names.append(run.name)
    return names
