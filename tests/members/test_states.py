"""Where the states of members go if no temporary folder can be written."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import store, train
from forecast_cli.errors import StoppedError
from forecast_cli.panel import from_series
from forecast_cli.progress import Epoch, Event
from tests.conftest import AIRLINE, run_python

SINE = 10 + np.sin(np.arange(160) / 3) + 0.1 * np.random.default_rng(1).normal(size=160)
PANEL = from_series([SINE])
TWO: dict[str, Any] = {"horizon": 4, "lookback": 12, "units": "6", "epochs": 4, "members": 2}


@pytest.fixture
def no_temporary_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As on a read-only file system; root may write wherever there is a folder, so there is none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(FileNotFoundError):
        tempfile.mkdtemp()


@pytest.mark.slow
@pytest.mark.usefixtures("no_temporary_folder")
def test_members_train_side_by_side_where_no_temporary_folder_is_writable(tmp_path: Path) -> None:
    # Each round of members loads PyTorch in two processes: one round is enough here.
    asked: dict[str, Any] = {**TWO, "draw": False, "refit": False, "test": 0}
    alone = train(PANEL, store_folder=tmp_path / "alone", workers=1, **asked)
    together = train(PANEL, store_folder=tmp_path / "together", workers=2, **asked)

    assert together.run.manifest.files == alone.run.manifest.files


@pytest.mark.slow
@pytest.mark.usefixtures("no_temporary_folder")
def test_a_stopped_training_goes_on_where_no_temporary_folder_is_writable(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Epoch) and event.epoch == 2:
            raise StoppedError(signal.SIGTERM)

    # Each round of members loads PyTorch in two processes: one round is enough here.
    asked: dict[str, Any] = {**TWO, "draw": False, "refit": False}
    alone = train(PANEL, store_folder=tmp_path / "alone", workers=1, **asked)
    with pytest.raises(StoppedError):
        train(PANEL, store_folder=tmp_path / "runs", workers=2, report=stop, **asked)
    assert store.names(tmp_path / "runs") == []

    again = train(PANEL, store_folder=tmp_path / "runs", workers=2, resume=True, **asked)

    assert again.run.manifest.files == alone.run.manifest.files


@pytest.mark.slow
def test_the_command_trains_members_where_no_temporary_folder_is_writable(tmp_path: Path) -> None:
    code = (
        "import sys, tempfile\n"
        "from forecast_cli.app import main\n"
        "tempfile.tempdir = '/dev/null/none'\n"
        "sys.exit(main())\n"
    )
    quick = ("--epochs", 2, "--units", 4, "--no-refit")
    words = ("train", AIRLINE, "--members", 2, "--workers", 2, *quick)

    run_python(code, *words, folder=tmp_path)

    assert len(store.names(tmp_path / "forecast_runs")) == 1
