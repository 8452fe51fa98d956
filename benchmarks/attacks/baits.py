"""Hostile runs: pickles and links under every name, with hashes that fit."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import pickle
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.attacks.damage import REJECTIONS, run_files
from benchmarks.attacks.stores import AIRLINE, Figure, new_store
from forecast_cli import store, workflow

LINKS: dict[str, Callable[[Path, Path], None]] = {"symlink": os.symlink, "hard link": os.link}


def canaries(folder: Path) -> Figure:
    """Pickles, archives, links under the name of every file of a run, with hashes that fit and with hashes that do not."""
    template, canary = new_store(folder), folder / "canary"
    broken: list[str] = []
    tried: Counter[str] = Counter()

    def attacked(what: str, change: Callable[[Path], None]) -> None:
        root = Path(shutil.copytree(template, folder / "attacked"))
        change(root)
        tried[what] += 1
        with contextlib.suppress(*REJECTIONS):
            # It reads no tables, so the bait in one does not stop it.
            workflow.predict(AIRLINE, store_folder=root)
        try:
            store.verify(root, store.latest(root))
            broken.append(f"{what} was accepted")
        except REJECTIONS:
            pass
        except BaseException as error:
            broken.append(f"{what}: {error!r}")
        shutil.rmtree(root)

    for path in run_files(template):
        name = path.name
        for kind, data in baits(folder, canary).items():
            attacked(f"{kind}, sealed", functools.partial(seal, texts={name: data}))
            attacked(kind, functools.partial(overwrite, name=name, data=data))
        for kind, link in LINKS.items():
            attacked(kind, functools.partial(replace_by_link, name=name, link=link))
    attacked("symlink of the run", link_folder)
    if canary.exists():
        broken.append("the bait was executed")
    return {**tried, "executed": int(canary.exists()), "broken": broken}


def overwrite(root: Path, name: str, data: bytes) -> None:
    (root / "runs" / store.latest(root) / name).write_bytes(data)


def replace_by_link(root: Path, name: str, link: Callable[[Path, Path], None]) -> None:
    path = root / "runs" / store.latest(root) / name
    shutil.move(path, root / "elsewhere")
    link(root / "elsewhere", path)


def link_folder(root: Path) -> None:
    path = root / "runs" / store.latest(root)
    shutil.move(path, root / "elsewhere")
    path.symlink_to(root / "elsewhere")


def seal(root: Path, texts: dict[str, bytes]) -> None:
    """What an attacker with write access does: change files of the latest run, and make all hashes fit again."""
    folder = root / "runs" / store.latest(root)
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, data in texts.items():
        if name == "manifest.json":
            continue
        (folder / name).write_bytes(data)
        manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    sealed = texts.get("manifest.json", json.dumps(manifest).encode())
    (folder / "manifest.json").write_bytes(sealed)
    new = f"{folder.name[:-12]}{hashlib.sha256(sealed).hexdigest()[:12]}"
    folder.rename(folder.with_name(new))
    (root / "latest.json").write_text(json.dumps({"run": new, "sequence": int(new.split("-")[1])}))


class Bait:
    """A pickle of this makes a file wherever it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return (open, (str(self.path), "w"))


def baits(folder: Path, canary: Path) -> dict[str, bytes]:
    """Pickles of every protocol, and archives of them."""
    found = {
        f"pickle {n}": pickle.dumps(Bait(canary), n) for n in range(pickle.HIGHEST_PROTOCOL + 1)
    }
    archive = folder / "bait.zip"
    with zipfile.ZipFile(archive, "w") as file:  # as torch.save writes it
        file.writestr("archive/data.pkl", found["pickle 2"])
        file.writestr("archive/version", b"3\n")
    found["zip"] = archive.read_bytes()
    found["npy"] = (
        b"\x93NUMPY\x01\x00\x46\x00"
        + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(69)
        + b"\n"
    )
    found["npy"] += found["pickle 4"]
    found["python"] = f"open({str(canary)!r}, 'w')\n".encode()
    return found
