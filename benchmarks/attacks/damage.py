"""Runs with damaged files, which must be refused."""

from __future__ import annotations

import os
import random
from pathlib import Path

from benchmarks.attacks.stores import Figure, new_store
from forecast_cli import store
from forecast_cli.errors import NoRunError, RunMismatchError, RunRejectedError

REJECTIONS = (RunRejectedError, RunMismatchError, NoRunError)


def truncations(folder: Path, step: int = 1) -> Figure:
    """Every file of a run, cut off after every byte."""
    root = new_store(folder)
    broken: list[str] = []
    tried = accepted = 0
    for path in run_files(root):
        good = path.read_bytes()
        for length in range(len(good) - 1, -1, -step):
            os.truncate(path, length)
            tried += 1
            accepted += accepts(root, broken, f"{path.name} cut to {length}")
        path.write_bytes(good)
    store.load(root)
    return {"truncations": tried, "accepted": accepted, "broken": broken + ["accepted"] * accepted}


def bit_flips(folder: Path, flips: int, seed: int = 1) -> Figure:
    """Random bits of every file of a run, one at a time."""
    root, chance = new_store(folder), random.Random(seed)  # noqa: S311  not for secrets
    broken: list[str] = []
    accepted = tried = 0
    for path in run_files(root):
        good = path.read_bytes()
        for _ in range(flips):
            place, bit = chance.randrange(len(good)), 1 << chance.randrange(8)
            bad = bytearray(good)
            bad[place] ^= bit
            path.write_bytes(bad)
            tried += 1
            accepted += accepts(root, broken, f"{path.name}, byte {place}, bit {bit}")
        path.write_bytes(good)
    store.load(root)
    return {
        "files": len(run_files(root)),
        "flips": tried,
        "accepted": accepted,
        "broken": broken + ["accepted"] * accepted,
    }


def run_files(root: Path) -> list[Path]:
    run = store.load(root)
    return [run.folder / name for name in (*run.manifest.files, "manifest.json")]


def accepts(root: Path, broken: list[str], what: str) -> bool:
    """Whether a run is believed; every way of refusing it but the right ones is noted."""
    try:
        store.load(root)
    except REJECTIONS:
        return False
    except BaseException as error:
        broken.append(f"{what}: {error!r}")
        return False
    return True
