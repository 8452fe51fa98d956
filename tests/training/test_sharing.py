"""Two processes carry out trainings together; a third, this one, carries out the same alone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import distributed

from forecast_cli import planning, training, windows
from forecast_cli.errors import WorkerLostError
from forecast_cli.panel import from_series
from forecast_cli.progress import silent
from forecast_cli.sources import settings_from
from forecast_cli.training import ALONE, FitOptions, Fitted, Fold, Share, Snapshot, TrainingData
from forecast_cli.training.sharing import Part, part_of, share_of_group
from tests.conftest import HANG, ROOT

PANEL = from_series([np.sin(np.arange(90) / 3) + 0.1 * np.random.default_rng(1).normal(size=90)])
COUNT = 2  # workers
STEPS = 5
PATIENCE = 3  # seconds that a worker waits for the next step of one that is lost


@dataclass(frozen=True)
class Case:
    """A training.

    plan: what is changed in it; weighted: whether rows count differently; folds: networks side by side.
    """

    settings: dict[str, object] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    weighted: bool = False
    folds: int = 1


CASES = {
    "weights of rows": Case(weighted=True),
    "quantiles": Case({"loss": "quantile", "optimizer": "adam"}),
    "a batch that two do not divide": Case({"batch_size": 5}),
    "batches of one window": Case({"batch_size": 1}),
    "clipping and averaging": Case({"batch_size": 7}, {"clip_norm": 0.05, "averaging": 0.9}),
    "noise and momentum": Case({"optimizer": "sgd"}, {"jitter": 0.1, "momentum": 0.5}),
    "a decoder that is told the truth": Case({"decoder": "seq2seq"}),
    "two folds": Case(folds=2),
}


def planned(**settings: object) -> planning.Plan:
    """The plan of a tiny training whose epochs are single steps, so that each is looked at."""
    fixed = {"horizon": 3, "lookback": 8, "units": "4", "seed": 4, "dropout": 0, "patience": 0}
    plan = planning.make(PANEL, settings_from(**{**fixed, **settings}))
    return replace(plan, epochs=STEPS, epoch_batches=1)


def fit(
    plan: planning.Plan,
    case: Case,
    share: Share = ALONE,
    *,
    keep: Callable[[Snapshot], None] | None = None,
    resume: Snapshot | None = None,
    deadline: float | None = None,
) -> Fitted:
    first = np.zeros(1, int)
    folds = [
        Fold(
            windows.between(PANEL, 8, 3, first, first + 60 - 5 * number),
            windows.between(PANEL, 8, 3, first + 60 - 5 * number, first + 80),
        )
        for number in range(case.folds)
    ]
    rows = np.linspace(0.2, 2, 90) if case.weighted else np.empty(0)
    data = TrainingData(PANEL.values, plan, sample_weights=rows)
    options = FitOptions(share=share, keep=keep, resume=resume, deadline=deadline)
    return training.fit(data, folds, silent, options)


def states(case: Case, share: Share = ALONE) -> dict[str, np.ndarray]:
    """The weights of a training after each of its steps, and its losses."""
    kept: list[Snapshot] = []
    plan = replace(planned(**case.settings), **case.plan)
    fitted = fit(plan, case, share, keep=kept.append)
    arrays = {
        f"{step} {name}": values
        for step, snapshot in enumerate(kept, 1)
        for name, values in snapshot.arrays.items()
        if name.partition(".")[2].startswith(("network", "averaged", "best"))
    }
    arrays["training"] = np.array([line.training_loss for line in fitted.history])
    arrays["validation"] = np.array([line.validation_loss for line in fitted.history])
    arrays["clipped"] = np.array([line.clipped for line in fitted.history])
    return arrays


# -- in the two processes ----------------------------------------------------------------------


def work(rank: int, folder: Path) -> None:
    """What a worker does: every case, what depends on all of them, and then one of them is lost."""
    torch.set_num_threads(1)
    share = joined(rank, folder / "group")
    for number, case in enumerate(CASES.values()):
        np.savez(folder / f"{number} {rank}.npz", **states(case, share))  # type: ignore[arg-type]

    plan = replace(planned(dropout=0.5, batch_size=8), epochs=6)
    snapshots: list[Snapshot] = []
    whole = fit(plan, Case(), share, keep=snapshots.append)
    resumed = fit(plan, Case(), share, resume=snapshots[2])
    plan = replace(planned(learning_rate=0.05), epochs=400, patience=2)
    patient = fit(plan, Case(), share)
    # The clocks of workers differ: that of the first decides.
    expired = fit(plan, Case(), share, deadline=time.monotonic() - 1 if rank == 0 else 1e18)
    for name, fitted in {"whole": whole, "resumed": resumed, "patient": patient}.items():
        np.savez(folder / f"{name} {rank}.npz", **fitted.weights)  # type: ignore[arg-type]
    ends = f"{patient.best_epoch} {len(patient.history)} {expired.expired} {len(expired.history)}"
    (folder / f"ends {rank}").write_text(ends)
    distributed.destroy_process_group()

    for name in ("silent", "gone"):
        share = joined(rank, folder / name)
        distributed.distributed_c10d._set_pg_timeout(timedelta(seconds=PATIENCE))
        wait = partial(lose, folder / "lost silent") if rank else None
        try:
            fit(replace(plan, epochs=3), Case(), share, keep=wait)
        except WorkerLostError as error:
            if rank == 0:
                (folder / f"lost {name}").write_text(error.message)
        distributed.destroy_process_group()


def lose(file: Path, snapshot: Snapshot) -> None:
    """After its first step, a worker says nothing until the other one gave up; the next time, it ends."""
    if file.exists():
        os._exit(0)
    while not file.exists():
        time.sleep(0.05)
    raise WorkerLostError("the other one has given up")


def joined(rank: int, file: Path) -> Share:
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{file}",
        rank=rank,
        world_size=COUNT,
        timeout=timedelta(seconds=HANG),
    )
    return share_of_group("cpu")


# -- what they found ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    code = (
        "import sys, pathlib; from tests.training import test_sharing; "
        "test_sharing.work(int(sys.argv[1]), pathlib.Path(sys.argv[2]))"
    )
    with contextlib.ExitStack() as stack:
        workers = []
        for rank in range(COUNT):
            said = stack.enter_context((folder / f"said {rank}").open("w"))
            words = [sys.executable, "-c", code, str(rank), str(folder)]
            worker = stack.enter_context(subprocess.Popen(words, cwd=ROOT, stderr=said))
            stack.callback(worker.kill)
            workers.append(worker)
        codes = [worker.wait(timeout=HANG) for worker in workers]
    assert codes == [0] * COUNT, [(folder / f"said {rank}").read_text() for rank in range(COUNT)]
    return folder


@pytest.mark.parametrize("name", CASES)
def test_the_weights_after_each_step_are_those_of_one_process(name: str, found: Path) -> None:
    number = list(CASES).index(name)
    alone = states(CASES[name])
    assert sum(key.endswith("head.weight") for key in alone) >= STEPS
    for rank in range(COUNT):
        together = np.load(found / f"{number} {rank}.npz")
        assert set(together) == set(alone)
        for key, values in alone.items():
            np.testing.assert_allclose(together[key], values, rtol=1e-5, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", CASES)
def test_all_workers_have_the_same_bytes(name: str, found: Path) -> None:
    number = list(CASES).index(name)
    first, second = (np.load(found / f"{number} {rank}.npz") for rank in range(COUNT))
    for key in first:
        assert first[key].tobytes() == second[key].tobytes(), key


def test_a_training_that_goes_on_drops_the_units_that_it_would_have_dropped(found: Path) -> None:
    for rank in range(COUNT):
        whole, resumed = (np.load(found / f"{name} {rank}.npz") for name in ("whole", "resumed"))
        for key in whole:
            assert whole[key].tobytes() == resumed[key].tobytes(), key


def test_all_workers_stop_at_the_same_epoch(found: Path) -> None:
    alone = fit(replace(planned(learning_rate=0.05), epochs=400, patience=2), Case())
    assert len(alone.history) < 400
    expected = f"{alone.best_epoch} {len(alone.history)} True 1"
    assert [(found / f"ends {rank}").read_text() for rank in range(COUNT)] == [expected] * COUNT


@pytest.mark.parametrize("how", ["silent", "gone"])
def test_a_worker_does_not_wait_forever_for_one_that_is_lost(how: str, found: Path) -> None:
    message = (found / f"lost {how}").read_text()
    assert message.startswith("another worker of the training was lost: ")


# -- parts of a batch --------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbered:
    rank: int
    count: int

    add_up = ALONE.add_up
    agreed = ALONE.agreed


@pytest.mark.parametrize("count", [1, 2, 5, 6, 64])
@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_every_window_of_a_batch_falls_to_one_worker(count: int, workers: int) -> None:
    parts = [part_of(Numbered(rank, workers), count) for rank in range(workers)]
    taken = np.concatenate([part.rows for part in parts if part.weight])
    assert sorted(taken) == list(range(count))
    assert sum(part.weight for part in parts) == pytest.approx(1)
    assert all(len(part.rows) for part in parts)


def test_alone_a_worker_takes_the_batch_as_it_is() -> None:
    part = part_of(ALONE, 4)
    assert isinstance(part, Part)
    assert part.weight == 1
    assert part.of(np.array([7, 3, 9, 1])).tolist() == [7, 3, 9, 1]
