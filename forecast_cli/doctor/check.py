"""What is looked at, and what comes of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

Level = Literal["ok", "remark", "finding"]


@dataclass(frozen=True)
class Check:
    """What was looked at and what was seen.

    level: `ok`; `remark`, which is good to know; `finding`, which should be put right.
    hint: what to do; an empty text only where there is nothing to do.
    """

    name: str
    level: Level
    text: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is examined.

    - store: the folder of the runs, as it was given
    - environment: the variables of the process
    - now: the time by the clock of the machine, with its time zone
    - threads: the number of threads that was set for trainings, if one was
    - metrics, ping_file: the paths that were set for jobs; empty texts where none were
    - can_draw: whether matplotlib can be loaded without leaving files behind
    """

    store: Path
    environment: Mapping[str, str]
    now: datetime
    threads: int | None = None
    metrics: str = ""
    ping_file: str = ""
    can_draw: bool = True


def existing_parent(path: Path) -> Path:
    """The path itself, or the nearest folder above it that is there."""
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if os.path.exists(folder)), path)
