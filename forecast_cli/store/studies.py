"""Studies of `forecast tune`: what was tried and what it came to, for `tune --resume`.

    studies/lock            held by the one tuning that is under way
    studies/000003.study    the third study: what it is of, and its trials in their order

A study is one file that is replaced in one step after every batch of trials: the sha256 of the
rest, then JSON. A store keeps its newest studies. The lock is not that of the store: a tuning takes
hours, and a training must be neither refused nor kept waiting meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, with_config

from forecast_cli.errors import RunRejectedError
from forecast_cli.store import files, folder_locks, strict_json
from forecast_cli.store.checkpoints import HASH_LENGTH, sealed
from forecast_cli.store.folder_locks import FolderLock
from forecast_cli.store.records import STRICT, Input, Positive, Sha256
from forecast_cli.store.rejection import read_plain_file, rejecting
from forecast_cli.store.upgrades import check_not_newer

FOLDER = "studies"
LOCK = "lock"
KEPT = 10  # studies
SCHEMA = 1
STUDY = re.compile(r"([0-9]{6,12})\.study")
MAX_STUDY_BYTES = 1 << 26

Text = Annotated[str, Field(max_length=4096)]


@with_config(STRICT)
@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    - values: what was tried: the text of a value, or a number, by the name of the setting
    - errors: the mean error after each fold
    - reason: why it failed
    """

    state: Literal["complete", "pruned", "failed"]
    values: dict[Text, Text | float]
    errors: tuple[float, ...]
    reason: Text = ""

    def __post_init__(self) -> None:
        if self.state != "failed" and not self.errors:
            raise ValueError("a trial has no error")

    @property
    def error(self) -> float | None:
        """What it came to; None where it is not complete."""
        return self.errors[-1] if self.state == "complete" else None


@with_config(STRICT)
@dataclass(frozen=True)
class Study:
    """A tuning so far.

    - data: of what file; content: a hash of what was read from it
    - settings: those that were given and decide what comes out, as texts, by their names
    - workers: trials at the same time, which decides what is tried next; folds: trainings of each
      trial; origins: from which it is scored; wanted: how many trials there are to be
    - candidate: what validation chose for all trials where the rules are in doubt
    - trials: in their order; the first is the training without tuning
    """

    format: Literal["forecast-study"]
    schema: Positive
    number: Positive
    data: Input
    content: Sha256
    settings: dict[Text, Text]
    workers: Positive
    folds: Positive
    origins: Positive
    versions: dict[Text, Text]
    wanted: Positive
    candidate: Text = ""
    trials: tuple[TrialRecord, ...] = ()

    @property
    def best(self) -> int | None:
        """The number of the trial with the smallest error, from 0; None where none is complete."""
        errors = [
            (trial.error, number)
            for number, trial in enumerate(self.trials)
            if trial.error is not None
        ]
        return min(errors)[1] if errors else None

    def count(self, state: str) -> int:
        return sum(trial.state == state for trial in self.trials)


class StudyLock(FolderLock):
    """The lock of the studies of a store, held until `lock_studies` ends."""


@contextlib.contextmanager
def lock_studies(root: Path) -> Iterator[StudyLock]:
    """Hold the lock of the studies; make the store where there is none.

    Raises LockedError where another tuning holds it, StorageError, and RunRejectedError or
    RunMismatchError for a store that is damaged or of a newer release.
    """
    folder = root / FOLDER
    lock = StudyLock(folder)
    with folder_locks.hold(lock, root, folder / LOCK, "another tuning is under way"):
        files.check_writable(folder)
        yield lock


def study_numbers(lock: StudyLock) -> list[int]:
    """The numbers of the studies that there are, in their order. Raises StorageError."""
    names = (STUDY.fullmatch(name) for name in files.list_folder(lock.folder))
    return sorted(int(match[1]) for match in names if match)


def save_study(lock: StudyLock, study: Study) -> None:
    """Write a study, and remove those that are too old to be kept. Raises StorageError."""
    files.replace_file(_path(lock, study.number), sealed(strict_json.write(study)))
    for number in study_numbers(lock)[:-KEPT]:
        files.remove(_path(lock, number))


def load_study(lock: StudyLock, number: int) -> Study:
    """The study of a number.

    Raises RunRejectedError where it is damaged, RunMismatchError where it is of a newer release,
    StorageError.
    """
    path = _path(lock, number)
    content = read_plain_file(path, MAX_STUDY_BYTES)
    expected_hash, data = content[:HASH_LENGTH], content[HASH_LENGTH:]
    try:
        with rejecting(path, "a study"):
            if hashlib.sha256(data).hexdigest().encode() != expected_hash:
                raise ValueError("its bytes are not those that were written")
            check_not_newer(path, strict_json.parse(data), "the study", SCHEMA)
            study = strict_json.read(Study, data)
            if study.number != number:
                raise ValueError("it is another one")
    except RunRejectedError as error:
        error.hint = "begin a new study: leave out --resume"
        raise
    return study


def _path(lock: StudyLock, number: int) -> Path:
    return lock.folder / f"{number:06}.study"
