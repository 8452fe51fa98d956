"""What is in a store: its runs, and which of them is the latest, pinned, or was never promoted.

    store.json      what the folder is
    lock            held by the one command that writes
    latest.json     names the latest run
    last_run.json   the report of the last training, also of a failed one
    runs/NAME/      one folder for each run; its name holds its time, its sequence and its hash
    pins/NAME       an empty file for each run that is never pruned
    unpromoted/NAME a file for each run that was never the latest: it holds why it was refused, if it was
    studies/        what `tune` tried, a file for each study
    forecasts/      what `refresh` published, kept so that actual values can be held against it
    checkpoints/    an unfinished training, and an unfinished backtest

Nothing here takes the lock or writes. Runs are ordered by their sequence, never by their time.
"""

from __future__ import annotations

import re
from pathlib import Path

from forecast_cli.errors import NoRunError, RunRejectedError, StorageError
from forecast_cli.store import files, strict_json
from forecast_cli.store.records import RUN_NAME, Pointer, StoreMark, sequence_of
from forecast_cli.store.rejection import MAX_RECORD_BYTES, read_plain_file, rejecting
from forecast_cli.store.upgrades import check_not_newer

STORE_SCHEMA = 1  # of what lies beside the runs
PINS = "pins"
UNPROMOTED = "unpromoted"
MAX_REFUSAL_BYTES = 4096

_SEE_LIST = "see `forecast runs list`"


def exists(root: Path) -> bool:
    """Whether there is a store in the folder."""
    return (root / "store.json").exists()


def names(root: Path) -> list[str]:
    """The names of the runs in the store, oldest first. Raises StorageError."""
    folder = root / "runs"
    if not root.is_dir() or not folder.exists():
        return []

    runs = [name for name in files.list_folder(folder) if RUN_NAME.fullmatch(name)]
    return sorted(runs, key=sequence_of)


def last_sequence(root: Path) -> int:
    """The highest sequence number of a run; 0 where there is none."""
    return max((sequence_of(name) for name in names(root)), default=0)


def latest(root: Path) -> str:
    """The name of the latest run. Raises NoRunError, RunRejectedError, StorageError."""
    path = root / "latest.json"
    try:
        data = read_plain_file(path, MAX_RECORD_BYTES)
    except FileNotFoundError:
        raise _no_latest_run(root) from None

    with rejecting(path, "the name of a run"):
        return strict_json.read(Pointer, data).run


def _no_latest_run(root: Path) -> NoRunError:
    runs = names(root)
    if not runs:
        return NoRunError(f"no run in {root}", "train one first: forecast train DATA")
    if set(runs) <= set(unpromoted(root)):
        reason = refusal(root, runs[-1])
        if reason:
            return NoRunError(
                f"no run in {root} is the latest: {runs[-1]} was not promoted, because {reason}",
                f"train again, or use it as it is: `forecast runs rollback --run {runs[-1]}`",
            )
        return NoRunError(
            f"no run in {root} is the latest: none was promoted yet",
            f"name a run with --run; {_SEE_LIST}",
        )
    return NoRunError(f"{root / 'latest.json'} is gone", f"name a run with --run; {_SEE_LIST}")


def resolve(root: Path, wanted: str | None) -> str | None:
    """The full name of a run from its name, the end of its name, or its sequence number.

    None stands for the latest, and stays None. Raises NoRunError where not exactly one run fits.
    """
    if wanted is None:
        return None

    is_number = re.fullmatch("[0-9]{1,12}", wanted) is not None
    matches = []
    for name in names(root):
        is_named = name == wanted or name.endswith(f"-{wanted}")
        is_numbered = is_number and sequence_of(name) == int(wanted)
        if is_named or is_numbered:
            matches.append(name)

    if len(matches) != 1:
        raise NoRunError(f"no run {wanted!r} in {root}", _SEE_LIST)
    return matches[0]


def pinned(root: Path) -> list[str]:
    """The names of the runs that are never pruned. Raises StorageError."""
    return _marked(root / PINS)


def unpromoted(root: Path) -> list[str]:
    """The names of the runs that were never the latest. Raises StorageError.

    Older releases promoted each run that they published, so a run without a mark was promoted.
    """
    return _marked(root / UNPROMOTED)


def refusal(root: Path, name: str) -> str:
    """Why a run was not promoted, for people; an empty text where nothing is known of it."""
    try:
        text = read_plain_file(root / UNPROMOTED / name, MAX_REFUSAL_BYTES)
    except (FileNotFoundError, RunRejectedError, StorageError):
        return ""
    return " ".join(text.decode(errors="replace").split())


def has_promoted(root: Path) -> bool:
    """Whether a run is or was the latest; not so where each one that there is was refused."""
    return (root / "latest.json").exists() or bool(promoted(root))


def _marked(folder: Path) -> list[str]:
    """The runs that have a file of their name in a folder."""
    if not folder.exists():
        return []
    return [name for name in files.list_folder(folder) if RUN_NAME.fullmatch(name)]


def promoted(root: Path) -> list[str]:
    """The names of the runs that are or were the latest, oldest first. Raises StorageError."""
    never = set(unpromoted(root))
    return [name for name in names(root) if name not in never]


def predecessor(root: Path, name: str) -> str | None:
    """The promoted run before a run, by sequence; None where there is none. Raises StorageError."""
    older = [other for other in promoted(root) if sequence_of(other) < sequence_of(name)]
    return older[-1] if older else None


def check_store_mark(root: Path) -> bool:
    """Whether there is a store.json.

    Raises RunRejectedError where it is not ours, RunMismatchError where it is of a newer release.
    """
    path = root / "store.json"
    try:
        data = read_plain_file(path, MAX_RECORD_BYTES)
    except FileNotFoundError:
        return False

    with rejecting(path, "the mark of a store"):
        check_not_newer(path, strict_json.parse(data), "this store", STORE_SCHEMA)
        strict_json.read(StoreMark, data)
    return True
