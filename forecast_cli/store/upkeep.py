"""Looking after a store: verify, prune, roll back, pin."""

from __future__ import annotations

from pathlib import Path

from forecast_cli.errors import NoRunError
from forecast_cli.store import files, listing, publishing, reading
from forecast_cli.store.contents import Run
from forecast_cli.store.locking import Lock
from forecast_cli.store.rejection import rejected
from forecast_cli.store.table_checks import check_tables


def verify(root: Path, name: str) -> list[str]:
    """Check a run in every way there is: hashes, content, tables, a finite forecast.

    Returns the names in its folder that are not of the run; nothing ever opens them. Raises
    NoRunError, RunRejectedError, RunMismatchError, StorageError.
    """
    run = reading.load(root, name)
    check_tables(run)
    publishing.smoke_forecast(run)

    of_the_run = {*run.manifest.files, "manifest.json", "plots"}
    return [name for name in files.list_folder(run.folder) if name not in of_the_run]


def prune(lock: Lock, keep: int) -> list[str]:
    """Remove old runs, and return their names.

    The newest `keep` runs that were promoted stay, and apart from them the newest `keep` of those
    that never were: otherwise a hundred trials would push out the runs that people rely on, or
    pile up for ever. The latest run, its predecessor and pinned runs stay in any case. The newest
    run of all stays, too, so no sequence number is used twice.

    Raises NoRunError and RunRejectedError where it is not known which run is the latest, and
    StorageError.
    """
    root = lock.root
    runs, promoted = listing.names(root), listing.promoted(root)
    trials = [name for name in runs if name not in set(promoted)]
    kept: set[str | None] = {*promoted[-keep:], *trials[-keep:], *listing.pinned(root)}
    if listing.has_promoted(root) or not runs:
        kept |= _latest_two(root, runs)

    removed = [name for name in runs if name not in kept]
    for name in removed:
        _remove_run(root, name)
    return removed


def _latest_two(root: Path, runs: list[str]) -> set[str | None]:
    """The latest run, and its predecessor. Raises what `prune` raises."""
    current = listing.latest(root)
    if current not in runs:
        raise rejected(root / "latest.json", f"the run {current} that it names is gone")
    return {current, listing.predecessor(root, current)}


def _remove_run(root: Path, name: str) -> None:
    """Rename a run away, so that nobody sees it half deleted, and then delete it."""
    hidden = root / "runs" / f".tmp-{name}"
    files.rename(root / "runs" / name, hidden)
    files.remove(hidden)

    # Last, because a run without this mark is one that was promoted.
    mark = root / listing.UNPROMOTED / name
    if mark.exists():
        files.remove(mark)


def roll_back(lock: Lock, name: str | None = None) -> Run:
    """Make another run the latest: the named one, or the predecessor of the latest.

    The run is verified first, and can be one that was never promoted. Raises NoRunError where there
    is none, RunRejectedError, RunMismatchError, StorageError.
    """
    root = lock.root
    wanted = name or listing.predecessor(root, listing.latest(root))
    if wanted is None:
        raise NoRunError(f"no run in {root} is older than the latest", "see `forecast runs list`")

    run = reading.load(root, wanted)
    publishing.smoke_forecast(run)
    publishing.promote(lock, run)
    return run


def pin(lock: Lock, name: str, *, on: bool = True) -> None:
    """Keep a run from being pruned, or no longer. Raises StorageError."""
    root = lock.root
    is_pinned = name in listing.pinned(root)
    if on and not is_pinned:
        files.make_folder(root / listing.PINS)
        files.create_file(root / listing.PINS / name, b"")
    elif is_pinned and not on:
        files.remove(root / listing.PINS / name)
