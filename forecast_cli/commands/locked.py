"""What a command does when the store is locked: it waits, fails, or skips its work."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast_cli import console
from forecast_cli.errors import LockedError, NoRunError
from forecast_cli.settings import Settings

if TYPE_CHECKING:
    from forecast_cli.store import Lock


@contextlib.contextmanager
def locked(root: Path, settings: Settings, *, quiet: bool) -> Iterator[Lock]:
    """Hold the lock of a store that has runs. Raises NoRunError, LockedError."""
    from forecast_cli import store

    if not store.names(root):
        raise NoRunError(f"no run in {root}", "train one first: forecast train DATA")

    on_wait = None if quiet else console.waiting
    with store.lock(root, wait=settings.lock.lock_wait, on_wait=on_wait) as lock:
        yield lock


def skip(error: LockedError, schema: str, *, json: bool, **fields: Any) -> int:
    """Say that the work was left to the command that holds the lock, which is what was wanted.

    fields: more of the JSON document.
    """
    text = f"skipped: {error.message}"
    if json:
        document = {"schema": schema, "exit_code": 0, **fields, "reasons": [text]}
        console.emit_json(document)
    console.say(console.escape(text))
    return 0
