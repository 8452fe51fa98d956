"""A backtest that is stopped is gone on with, to the same bytes; what does not fit is done again."""

from __future__ import annotations

import errno
import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import backtest, store
from forecast_cli.errors import LockedError, StoppedError, StorageError
from forecast_cli.progress import Epoch, Event, Phase
from forecast_cli.store import checkpoints
from forecast_cli.workflow import Backtested, backtest_document, backtest_progress
from tests.workflow.test_backtesting import a_panel

PANEL = a_panel((60, 90))
QUICK: dict[str, Any] = {
    "horizon": 3,
    "origins": 3,
    "refit": "every",
    "epochs": 3,
    "patience": 0,
    "units": "4",
    "lookback": 8,
    "members": 1,
    "validation": 4,
}
KEPT = Path("checkpoints") / "backtest"


def stopping_at(training: int, stage: str, epoch: int) -> Callable[[Event], None]:
    """A report that stops the backtest as a signal would, in the epoch of a training."""
    now = [1]

    def report(event: Event) -> None:
        if isinstance(event, Phase) and event.text.startswith("training "):
            now[0] = int(event.text.split()[1].rstrip(":"))
        if isinstance(event, Epoch) and (now[0], event.stage, event.epoch) == (
            training,
            stage,
            epoch,
        ):
            raise StoppedError(signal.SIGTERM)

    return report


def stopped(root: Path, training: int = 2, epoch: int = 2, **settings: Any) -> StoppedError:
    with pytest.raises(StoppedError) as caught:
        backtest(
            PANEL,
            store_folder=root,
            report=stopping_at(training, "training", epoch),
            **{**QUICK, **settings},
        )
    return caught.value


def resumed(root: Path, **settings: Any) -> tuple[Backtested, list[Event]]:
    events: list[Event] = []
    asked = {**QUICK, **settings}
    data = asked.pop("data", PANEL)
    return backtest(data, store_folder=root, resume=True, report=events.append, **asked), events


def notes(backtested: Backtested) -> list[str]:
    return [note.text for note in backtested.notes]


@pytest.fixture(scope="module")
def whole() -> Backtested:
    return backtest(PANEL, **QUICK)


@pytest.mark.parametrize(
    ("training", "stage", "epoch", "settings"),
    [
        (1, "training", 1, {}),
        (2, "training", 2, {}),
        (3, "refit", 1, {}),
        (2, "training 2 of 2", 2, {"members": 2, "bagging": True, "workers": 1}),
        (1, "refit", 2, {"refit": "never", "loss": "quantile"}),
        (2, "training", 1, {"refit": 2, "optimizer": "adam", "dropout": 0.5}),
    ],
)
def test_a_stopped_backtest_ends_in_the_same_bytes(
    training: int, stage: str, epoch: int, settings: dict[str, Any], tmp_path: Path
) -> None:
    asked = {**QUICK, **settings}
    with pytest.raises(StoppedError) as caught:
        backtest(PANEL, store_folder=tmp_path, report=stopping_at(training, stage, epoch), **asked)
    assert (caught.value.message, caught.value.hint) == (
        f"stopped by signal 15; what was done is kept in {tmp_path}",
        "go on where it stopped: the same command with --resume",
    )

    again, events = resumed(tmp_path, **settings)
    first = next(event for event in events if isinstance(event, Epoch))
    assert (first.stage, first.epoch) == (stage, epoch + 1)
    done = [event.text for event in events if isinstance(event, Phase) and event.name == "resuming"]
    assert done == [f"done before: {training - 1} of {again.trainings} trainings"] * (training > 1)

    expected = backtest(PANEL, **asked)
    assert again.csv() == expected.csv()
    assert backtest_document(again) == backtest_document(expected)
    assert not (tmp_path / KEPT).exists()


def test_a_backtest_that_is_stopped_twice_ends_in_the_same_bytes(
    whole: Backtested, tmp_path: Path
) -> None:
    stopped(tmp_path, 2)
    with pytest.raises(StoppedError):
        backtest(
            PANEL,
            store_folder=tmp_path,
            resume=True,
            report=stopping_at(3, "training", 1),
            **QUICK,
        )
    again, _ = resumed(tmp_path)
    assert (again.csv(), notes(again)) == (whole.csv(), notes(whole))


def test_workers_and_decimals_may_change_between_a_stop_and_going_on(
    whole: Backtested, tmp_path: Path
) -> None:
    stopped(tmp_path)
    again, _ = resumed(tmp_path, workers=2, digits=1)
    assert notes(again) == notes(whole)
    assert backtest_document(again) == backtest_document(whole)


@pytest.mark.parametrize(
    "change",
    [
        {"data": replace(PANEL, values=PANEL.values + 1)},
        {"data": replace(PANEL, ids=("a", "b"))},
        {"seed": 5},
        {"step": 2},
        {"origins": 3},
        {"refit": 2},
    ],
)
def test_other_data_and_other_settings_start_from_the_beginning_and_it_is_said(
    change: dict[str, Any], tmp_path: Path
) -> None:
    stopped(tmp_path, origins=2)
    change = {"origins": 2, **change}
    again, _ = resumed(tmp_path, **change)
    assert notes(again) == [
        "started from the beginning: the unfinished backtest is of other data, settings or versions, or of another device"
    ]
    asked = {**QUICK, **change}
    assert again.csv() == backtest(asked.pop("data", PANEL), **asked).csv()


def test_a_short_backtest_leaves_the_unfinished_one_alone(
    whole: Backtested, tmp_path: Path
) -> None:
    stopped(tmp_path)
    backtest(PANEL, store_folder=tmp_path, **{**QUICK, "seed": 5})
    again, _ = resumed(tmp_path)
    assert (again.csv(), notes(again)) == (whole.csv(), notes(whole))


# Both files are read by the same function: one of them shows every way in which it refuses.
DAMAGE = [
    *(("0001.forecasts", damage) for damage in ("cut", "flipped", "empty", "link", "huge")),
    *(("training", damage) for damage in ("flipped", "link")),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_a_damaged_file_is_done_again_and_it_is_said(
    name: str, damage: str, whole: Backtested, tmp_path: Path
) -> None:
    stopped(tmp_path)
    path = tmp_path / KEPT / name
    good = path.read_bytes()
    if damage == "cut":
        path.write_bytes(good[:-1])
    if damage == "flipped":
        path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    if damage == "empty":
        path.write_bytes(b"")
    if damage == "link":
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    if damage == "huge":
        os.truncate(path, 5 << 30)

    again, _ = resumed(tmp_path)
    assert again.csv() == whole.csv()
    (text,) = notes(again)
    assert text.startswith(f"part of the backtest was done again: {path}")


def test_a_backtest_that_still_runs_is_not_gone_on_with(tmp_path: Path) -> None:
    stopped(tmp_path)
    with (
        store.lock_backtest(tmp_path),
        pytest.raises(LockedError, match="another backtest keeps its progress in"),
    ):
        resumed(tmp_path)


def test_a_stop_says_why_nothing_could_be_kept(tmp_path: Path) -> None:
    with store.lock_backtest(tmp_path):
        error = stopped(tmp_path)
    assert error.message.startswith(
        f"stopped by signal 15; nothing was written (another backtest keeps its progress in {tmp_path}"
    )
    assert error.hint == "run the command again"


def test_a_full_disk_does_not_stop_a_backtest(
    whole: Backtested, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise StorageError(os.strerror(errno.ENOSPC))

    monkeypatch.setattr(backtest_progress, "SECONDS_BETWEEN_WRITES", 0.0)
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN_WRITES", 0.0)
    monkeypatch.setattr(store, "save_forecasts", full)
    monkeypatch.setattr(store, "save_training", full)
    assert backtest(PANEL, store_folder=tmp_path, **QUICK).csv() == whole.csv()
    assert stopped(tmp_path).message == (
        "stopped by signal 15; nothing was written (No space left on device)"
    )


def test_what_is_done_is_written_while_nobody_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest_progress, "SECONDS_BETWEEN_WRITES", 0.0)
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN_WRITES", 0.0)
    seen: list[list[str]] = []

    def report(event: Event) -> None:
        if isinstance(event, Epoch) and event.epoch == 1 and event.stage == "training":
            seen.append(sorted(path.name for path in (tmp_path / KEPT).iterdir()))

    backtest(PANEL, store_folder=tmp_path, report=report, **QUICK)
    assert seen == [
        ["training"],
        ["0001.forecasts", "training"],
        ["0001.forecasts", "0002.forecasts", "training"],
    ]
    assert not (tmp_path / KEPT).exists()


def test_what_the_time_limit_cuts_short_is_done_again_with_more_time(
    whole: Backtested, tmp_path: Path
) -> None:
    stopped(tmp_path)
    cut, _ = resumed(tmp_path, time_limit="0.001s", epochs=3)
    (text,) = notes(cut)
    assert re.fullmatch(
        "time was up after [1-3 to]+ epochs? in [12] of 3 trainings: the forecasts are those of the "
        "best so far; the other trainings are kept, and --resume with more time goes on with them",
        text,
    )
    again, _ = resumed(tmp_path)
    assert (again.csv(), notes(again)) == (whole.csv(), notes(whole))
