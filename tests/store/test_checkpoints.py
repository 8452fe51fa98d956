"""Training that is stopped and gone on with, or cut short by a time limit."""

from __future__ import annotations

import hashlib
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as format_tensors

from forecast_cli import store, train
from forecast_cli.errors import RunRejectedError, SettingsError, StoppedError
from forecast_cli.panel import Panel, from_series
from forecast_cli.progress import Epoch, Event
from forecast_cli.store import Checkpoint, checkpoints
from forecast_cli.training import Fitted, Snapshot
from tests.commands.helpers import shell, signaled
from tests.conftest import SAMPLES

PANEL = from_series(
    [10 + np.sin(np.arange(90) / 3) + 0.1 * np.random.default_rng(1).normal(size=90)]
)
QUICK: dict[str, Any] = {
    "horizon": 4,
    "lookback": 12,
    "units": "6",
    "epochs": 5,
    "members": 1,
    "validation": 6,
}


def stopping_at(stage: str, epoch: int) -> Any:
    """A report that stops the training as a signal would."""

    def report(event: Event) -> None:
        if isinstance(event, Epoch) and (event.stage, event.epoch) == (stage, epoch):
            raise StoppedError(signal.SIGTERM)

    return report


def bytes_of(root: Path) -> list[bytes]:
    run = store.load(root)
    return [
        run.texts[name]
        for name in ("model.safetensors", "history.csv", "predictions.csv", "forecast.csv")
    ]


@pytest.mark.parametrize(
    ("stage", "epoch", "settings"),
    [
        ("training", 3, {}),
        ("training", 2, {"optimizer": "adam", "jitter": 0.1, "dropout": 0.5}),
        ("refit", 2, {"optimizer": "sgd", "schedule": "cosine"}),
        ("training 2 of 3", 3, {"members": 3, "bagging": True, "workers": 1}),
        ("refit 3 of 3", 1, {"members": 3, "boosting": True}),
        ("training", 2, {"decoder": "seq2seq", "attention": "bahdanau"}),
    ],
)
def test_a_stopped_training_ends_in_the_same_bytes(
    stage: str, epoch: int, settings: dict[str, Any], tmp_path: Path
) -> None:
    train(PANEL, draw=False, store_folder=tmp_path / "whole", patience=0, **{**QUICK, **settings})
    with pytest.raises(StoppedError) as caught:
        train(
            PANEL,
            draw=False,
            store_folder=tmp_path / "cut",
            patience=0,
            report=stopping_at(stage, epoch),
            **{**QUICK, **settings},
        )
    assert caught.value.hint == "go on where it stopped: the same command with --resume"
    assert store.names(tmp_path / "cut") == []
    events: list[Event] = []
    trained = train(
        PANEL,
        draw=False,
        store_folder=tmp_path / "cut",
        patience=0,
        report=events.append,
        resume=True,
        **{**QUICK, **settings},
    )
    seen = [event for event in events if isinstance(event, Epoch)]
    # The training that is scored alone is not kept.
    seen = [event for event in seen if not event.stage.startswith("before test")]
    assert trained.notes == ()
    # What was reported is not trained again.
    assert (seen[0].stage, seen[0].epoch) == (stage, epoch + 1)
    assert bytes_of(tmp_path / "cut") == bytes_of(tmp_path / "whole")
    assert list((tmp_path / "cut" / "checkpoints").iterdir()) == []


@pytest.mark.parametrize("change", ["data", "settings", "bytes", "link", "nothing"])
def test_what_cannot_be_gone_on_with_is_trained_from_the_start_and_said(
    change: str, tmp_path: Path
) -> None:
    if change != "nothing":
        with pytest.raises(StoppedError):
            train(
                PANEL, draw=False, store_folder=tmp_path, report=stopping_at("training", 2), **QUICK
            )
    kept = tmp_path / "checkpoints" / checkpoints.NAME
    if change == "bytes":
        kept.write_bytes(kept.read_bytes()[:-1])
    if change == "link":
        kept.rename(tmp_path / "elsewhere")
        kept.symlink_to(tmp_path / "elsewhere")
    data: Panel = from_series([PANEL.values + 1]) if change == "data" else PANEL
    more: dict[str, Any] = {"seed": 9} if change == "settings" else {}
    trained = train(data, draw=False, store_folder=tmp_path, resume=True, **QUICK, **more)
    (note,) = trained.notes
    why = {
        "data": "the unfinished training is of other data, settings or versions, or of another device",
        "settings": "the unfinished training is of other data, settings or versions, or of another device",
        "bytes": f"{kept} is damaged",
        "link": f"{kept}: it is a link or a file of another kind; the run is damaged, or was not written by forecast",
        "nothing": "no training was left unfinished",
    }
    assert (note.level, note.text) == ("warning", f"trained from the start: {why[change]}")


def stopped_identity(root: Path) -> str:
    """The identity of a training that was stopped, from its checkpoint."""
    with pytest.raises(StoppedError):
        train(PANEL, draw=False, store_folder=root, report=stopping_at("training", 2), **QUICK)
    data = (root / "checkpoints" / checkpoints.NAME).read_bytes()
    record = parse_tensors(data[checkpoints.HASH_LENGTH :])[checkpoints.RECORD]
    identity: str = json.loads(record.tobytes())["identity"]
    return identity


def save_forged(root: Path, identity: str, **parts: Any) -> None:
    with store.lock(root) as lock:
        assert store.save_checkpoint(lock, Checkpoint(lock, identity, **parts))


def test_a_checkpoint_of_another_network_is_refused_by_its_shapes(tmp_path: Path) -> None:
    identity = stopped_identity(tmp_path)
    other_network = Fitted(({"head.bias": np.zeros(3, np.float32)},), (), 1, 1)
    save_forged(tmp_path, identity, finished={"training": other_network})
    with pytest.raises(RunRejectedError, match="does not fit the network"):
        train(PANEL, draw=False, store_folder=tmp_path, resume=True, **QUICK)

    other_snapshot = Snapshot({"random": np.zeros(4, np.uint8)}, {"rate": 1e-3})
    save_forged(tmp_path, identity, running={"training": other_snapshot})
    with pytest.raises(RunRejectedError, match="does not fit the network"):
        train(PANEL, draw=False, store_folder=tmp_path, resume=True, **QUICK)


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    epoch = Epoch(1, 0.5, float("nan"), 0.01, 1, 5, "training")
    fitted = Fitted(
        ({"w": np.ones(2, np.float32)}, {"w": np.zeros(2, np.float32)}),
        (epoch,),
        1,
        7,
        expired=True,
    )
    snapshot = Snapshot({"a": np.arange(3)}, {"epoch": 2})
    with store.lock(tmp_path) as lock:
        saved = Checkpoint(lock, "x", {"training 1 of 2": fitted}, {"training 2 of 2": snapshot})
        assert store.save_checkpoint(lock, saved)
        loaded, reason = store.load_checkpoint(lock, "x")
    assert (reason, loaded.identity) == ("", "x")
    (part,) = loaded.finished.values()
    assert [weights["w"].tolist() for weights in part.folds] == [[1, 1], [0, 0]]
    assert (part.best_epoch, part.steps, part.expired) == (1, 7, True)
    assert vars(part.history[0]) == pytest.approx(vars(epoch), nan_ok=True)
    assert loaded.running["training 2 of 2"].record == {"epoch": 2}
    assert loaded.running["training 2 of 2"].arrays["a"].tolist() == [0, 1, 2]


def test_a_checkpoint_of_nothing_is_not_written(tmp_path: Path) -> None:
    with store.lock(tmp_path) as lock:
        assert not store.save_checkpoint(lock, Checkpoint(lock, "x"))
        assert not (tmp_path / "checkpoints").exists()
        store.remove_checkpoint(lock)


@pytest.mark.parametrize(
    "record", [b"[]", b"{}", b'{"identity": "x", "finished": [], "running": {}}', b"\xff"]
)
def test_a_sealed_checkpoint_of_another_form_is_not_used(tmp_path: Path, record: bytes) -> None:
    data = format_tensors({checkpoints.RECORD: np.frombuffer(record, np.uint8)})
    with store.lock(tmp_path) as lock:
        (tmp_path / "checkpoints").mkdir()
        path = tmp_path / "checkpoints" / checkpoints.NAME
        path.write_bytes(hashlib.sha256(data).hexdigest().encode() + data)
        checkpoint, reason = store.load_checkpoint(lock, "x")
    assert reason == f"{path} is not a checkpoint of forecast"
    assert (checkpoint.finished, checkpoint.running) == ({}, {})


def test_it_is_written_every_minute_while_nobody_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.lock(tmp_path) as lock:
        checkpoint = Checkpoint(lock, "x")
        checkpoint.keep("training")(Snapshot({"a": np.ones(2)}, {}))
        assert (
            store.load_checkpoint(lock, "x")[1] == "no training was left unfinished"
        )  # a minute has not passed

        monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN_WRITES", 0.0)
        checkpoint.keep("training")(Snapshot({"a": np.zeros(2)}, {}))
        assert store.load_checkpoint(lock, "x")[0].running["training"].arrays["a"].tolist() == [
            0,
            0,
        ]


def test_a_member_that_is_done_is_written_when_a_minute_has_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "SECONDS_BETWEEN_WRITES", 0.0)
    with store.lock(tmp_path) as lock:
        checkpoint = Checkpoint(lock, "x")
        checkpoint.finish("training 1 of 2", Fitted(({"w": np.ones(2)},), (), 1, 1))
        assert list(store.load_checkpoint(lock, "x")[0].finished) == ["training 1 of 2"]


def test_a_time_limit_publishes_the_best_so_far_and_says_so(tmp_path: Path) -> None:
    trained = train(
        PANEL,
        draw=False,
        store_folder=tmp_path,
        time_limit="0.4s",
        **(QUICK | {"epochs": 10**5, "patience": 0}),
    )
    (note,) = trained.notes
    assert "time was up after" in note.text
    assert 1 <= trained.metrics.training.epochs < 10**5
    again = train(PANEL, draw=False, store_folder=tmp_path, time_limit="1h", **QUICK)
    assert (again.notes, again.metrics.training.epochs) == ((), 5)


def test_a_time_limit_is_a_duration(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--time-limit: 'soon' is not a duration"):
        train(PANEL, draw=False, store_folder=tmp_path, time_limit="soon")


def test_members_share_the_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trained = train(
        PANEL,
        draw=False,
        store_folder=tmp_path,
        time_limit="0.9s",
        workers=1,
        refit=False,
        **(QUICK | {"members": 3, "epochs": 10**5}),
    )
    assert trained.metrics.members is not None
    assert trained.metrics.members.count == 3


@pytest.mark.parametrize(
    ("number", "code", "members"),
    [
        (signal.SIGTERM, 143, ["--members", "1"]),
        pytest.param(
            *(signal.SIGINT, 130, ["--members", "2", "--workers", "2"]), marks=pytest.mark.slow
        ),
    ],
)
def test_a_signal_stops_the_command_and_resume_finishes_it(
    number: int, code: int, members: list[str], tmp_path: Path
) -> None:
    words = ["train", SAMPLES / "hourly.csv", "--store", "runs", "--units", 4, "--epochs", 12]
    words += ["--patience", 0, "--horizon", 4, "--lookback", 8, "--no-refit", *members]
    stopped = signaled(number, "epoch 3", *words, cwd=tmp_path)
    assert stopped.returncode == code, stopped.stderr
    assert "hint: go on where it stopped: the same command with --resume" in stopped.stderr
    assert store.names(tmp_path / "runs") == []

    done = shell(*words, "--resume", cwd=tmp_path)
    assert (done.returncode, b"trained from the start" in done.stderr) == (0, False), done.stderr
    assert len(store.names(tmp_path / "runs")) == 1


def test_what_a_killed_command_left_of_a_checkpoint_is_swept(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".tmp-1-training.checkpoint").write_bytes(b"half")
    train(PANEL, draw=False, store_folder=tmp_path, **QUICK)
    assert list((tmp_path / "checkpoints").iterdir()) == []
