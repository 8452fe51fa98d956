"""Fixtures: files, small runs trained once a session, and the command line in this process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings

# No test depends on how busy the machine is. The examples are the same in every run, so that a failure is always that
# of a change; `make fuzz` tries other ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None)
settings.load_profile("same")

if TYPE_CHECKING:  # the tests of the command line see what the commands themselves load
    from forecast_cli.store import HeldOutScores, Metrics
    from forecast_cli.workflow import Trained

ROOT = Path(__file__).parent.parent
HANG = 600  # seconds after which a process is taken to hang, also on a slow and busy machine
SAMPLES = ROOT / "sample_data"
AIRLINE = SAMPLES / "airline.csv"

for name in [name for name in os.environ if name.startswith(("FORECAST_", "TYPER_"))]:
    del os.environ[name]


PROGRESS = re.compile(
    "reading |looking at the data|loading PyTorch|training|refit|measuring |scoring the held-out|"
    "forecasting past|forecasting from|forecasting [0-9,]+ files?$|forecasting: |starting Ray|done before: [0-9,]+ of [0-9,]+ trainings?|[0-9,]+ origins?[ ,]|saving the run|drawing the plots"
)


def run_tasks(
    work: Callable[[Any, Any], Any],
    tasks: Sequence[Any],
    workers: int,
    *told: Callable[..., None],
) -> list[Any]:
    """Run tasks in processes of their own; with one worker, in this one. told: see `Batch`."""
    from forecast_cli import engine

    with engine.opened(engine.Place("processes")) as running:
        return running.run(engine.Batch(work, tasks, workers, *told))


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """stderr without the lines that only say how far the command is; how many there are is a matter of time."""
        lines = self.err.splitlines(keepends=True)
        return "".join(line for line in lines if not PROGRESS.match(line))


@pytest.fixture
def forecast(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Result]:
    """Run a command whole, in a folder of its own: exit code, stdout, stderr.

    What a test sees does not depend on the machine: it has one core, on stderr only the first epoch
    of a training is counted, and no phase is named because it takes long.
    """
    from forecast_cli import console

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(console, "QUIET", HANG)
    monkeypatch.setattr(console, "EVERY", HANG)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0}, raising=False)

    def run(*words: object) -> Result:
        from forecast_cli.app import app

        monkeypatch.setattr(sys, "argv", ["forecast", *map(str, words)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            app()
        out, err = capfd.readouterr()
        assert isinstance(stop.value.code, int)
        return Result(stop.value.code, out, err)

    return run


@pytest.fixture(scope="session")
def ray_that_starts() -> None:
    """Skip where Ray is not installed, or does not start by itself, without any code of ours."""
    pytest.importorskip("ray", reason="the extra ray is not installed")
    code = "import ray; ray.init('local', num_cpus=1, include_dashboard=False); ray.shutdown()"
    tried = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG, check=False
    )
    if tried.returncode:
        pytest.skip(f"Ray does not start on this machine: {tried.stderr.strip()[-300:]}")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of the given text or bytes."""

    def make(text: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


@pytest.fixture(scope="session")
def airline_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one quick run on the airline sample. Not to be changed: copy it."""
    from forecast_cli import train

    folder = tmp_path_factory.mktemp("airline") / "runs"
    train(AIRLINE, draw=False, store_folder=folder, epochs=3, units="8,6", members=1, seed=3)
    return folder


@pytest.fixture
def store_copy(airline_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(airline_store, tmp_path / "store"))


def run_python(code: str, *words: object, folder: Path = ROOT) -> None:
    """Run code with words in a process of its own, which must succeed, and not hang."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def held_out_scores(metrics: Metrics) -> HeldOutScores:
    """The scores on the held-out rows, of a run that has some."""
    assert metrics.test is not None
    return metrics.test


def mase_of(trained: Trained) -> float:
    """The MASE of the network on the held-out rows."""
    mase = held_out_scores(trained.metrics).network.mase
    assert mase is not None
    return mase


def monthly(values: np.ndarray, start: str = "2000-01") -> str:
    """A CSV of monthly values."""
    months = np.datetime64(start, "M") + np.arange(len(values))
    return "month,y\n" + "".join(f"{m},{v}\n" for m, v in zip(months, values, strict=True))


def daily(values: np.ndarray, start: str = "2024-01-01") -> str:
    days = np.datetime64(start, "D") + np.arange(len(values))
    return "day,y\n" + "".join(f"{d},{v}\n" for d, v in zip(days, values, strict=True))
