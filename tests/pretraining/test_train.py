"""The training of the base network."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from forecast_cli.base import architecture
from forecast_cli.network import tensor_shapes
from pretraining import train as pretraining
from pretraining.series import draw

SECONDS = 1.0


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "BATCH_SIZE", 8)
    monkeypatch.setattr(pretraining, "LONG_BATCH_SIZE", 4)
    monkeypatch.setattr(pretraining, "VALIDATION_BATCHES", 2)
    monkeypatch.setattr(pretraining, "REPORT_SECONDS", 0.3)


def options(folder: Path, seconds: float) -> Namespace:
    return Namespace(minutes=seconds / 60, out=folder, seed=1, threads=1, device="cpu", data=None)


def test_a_training_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretraining.train(options(tmp_path, SECONDS))
    first = json.loads((tmp_path / "state.json").read_text())
    assert first["steps"] > 0
    assert first["seconds"] >= SECONDS

    pretraining.train(options(tmp_path, 2 * SECONDS))
    second = json.loads((tmp_path / "state.json").read_text())
    assert second["steps"] > first["steps"]
    assert second["seconds"] >= 2 * SECONDS
    assert second["history"][: len(first["history"])] == first["history"]

    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert printed == second["history"]
    assert all(0 < entry["validation_to_naive"] < 2 for entry in printed)
    assert not list(tmp_path.glob("*.new"))


def test_the_weights_it_leaves_are_those_of_a_base_network(tmp_path: Path) -> None:
    pretraining.train(options(tmp_path, SECONDS))
    saved = load_file(tmp_path / "base.safetensors")
    shapes = {name: values.shape for name, values in saved.items()}
    assert shapes == tensor_shapes(architecture(season=24, horizon=24))
    assert {values.dtype for values in saved.values()} == {np.dtype(np.float16)}
    assert all(np.isfinite(values).all() for values in saved.values())


def test_targets_are_what_lies_ahead_in_units_of_the_spread() -> None:
    batch = draw(np.random.default_rng(3), 8)
    item = pretraining.example(batch)
    assert item.targets.shape == (8, batch.ahead, 24)
    assert item.targets.dtype == np.float32
    assert np.isfinite(item.targets).all()

    last, change = item.framed.references[:, :, 0], item.framed.change[:, None, None]
    assert (np.abs(item.targets - last) <= pretraining.FARTHEST_TARGET * change * 1.001).all()
