"""forecast runs rollback, prune, pin, unpin"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from forecast_cli import console
from forecast_cli.commands import options
from forecast_cli.commands.locked import locked, skip
from forecast_cli.errors import LockedError
from forecast_cli.messages import plural
from forecast_cli.settings import Settings


@options.with_settings("lock")
def rollback(
    settings: Settings,
    run: options.RunBefore = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Make an older run the latest again, after verifying it. No run is removed.

    Example: forecast runs rollback
    """
    from forecast_cli import store as runs

    root, schema = Path(store), _schema("rollback")
    try:
        with locked(root, settings, quiet=quiet) as lock:
            latest = runs.roll_back(lock, runs.resolve(root, run)).name
    except LockedError as error:
        return _skip_or_fail(error, settings, schema, json=json)

    return _done(schema, f"the latest run is now {latest}", json=json, quiet=quiet, run=latest)


@options.with_settings("lock", "prune")
def prune(
    settings: Settings,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Remove old runs. The latest, the one before it and pinned runs always stay.

    Example: forecast runs prune --keep 3
    """
    from forecast_cli import store as runs

    root, schema = Path(store), _schema("prune")
    try:
        with locked(root, settings, quiet=quiet) as lock:
            removed = runs.prune(lock, settings.prune.keep)
            left = len(runs.names(root))
    except LockedError as error:
        return _skip_or_fail(error, settings, schema, json=json)

    text = f"removed {plural(len(removed), 'run')}, {left:,} left"
    return _done(schema, text, json=json, quiet=quiet, removed=removed, left=left)


@options.with_settings("lock")
def pin(
    settings: Settings,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Keep a run from being pruned.

    Example: forecast runs pin --run 3
    """
    return _pin(store, run, settings, on=True, json=json, quiet=quiet)


@options.with_settings("lock")
def unpin(
    settings: Settings,
    run: options.Run = None,
    store: options.Store = options.STORE,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> int:
    """Allow a pinned run to be pruned again.

    Example: forecast runs unpin --run 3
    """
    return _pin(store, run, settings, on=False, json=json, quiet=quiet)


def _pin(
    store: str, run: str | None, settings: Settings, *, on: bool, json: bool, quiet: bool
) -> int:
    from forecast_cli import store as runs

    root, schema = Path(store), _schema("pin" if on else "unpin")
    try:
        with locked(root, settings, quiet=quiet) as lock:
            name = runs.resolve(root, run) or runs.latest(root)
            runs.pin(lock, name, on=on)
    except LockedError as error:
        return _skip_or_fail(error, settings, schema, json=json)

    state = "pinned" if on else "not pinned"
    return _done(schema, f"{name} is {state}", json=json, quiet=quiet, run=name)


def _schema(command: str) -> str:
    return f"forecast/runs-{command}/v1"


def _skip_or_fail(error: LockedError, settings: Settings, schema: str, *, json: bool) -> int:
    """Leave the work to whoever holds the lock, if --if-locked says so. Raises LockedError."""
    if settings.lock.if_locked == "fail":
        raise error
    return skip(error, schema, json=json)


def _done(schema: str, text: str, *, json: bool, quiet: bool, **fields: Any) -> int:
    if json:
        console.emit_json({"schema": schema, "exit_code": 0, **fields})
    elif not quiet:
        console.say(text)
    return 0
