"""--device of train and backtest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.commands.helpers import QUICK, Forecast
from tests.conftest import AIRLINE, HANG, ROOT

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


@no_gpu
@pytest.mark.parametrize("command", ["train", "backtest"])
def test_a_gpu_that_is_not_there_is_refused_before_any_training(
    command: str, forecast: Forecast
) -> None:
    result = forecast(command, AIRLINE, "--device", "cuda")
    what, hint = result.said.splitlines()
    assert (result.code, result.out) == (2, "")
    assert what.startswith(f"error: --device cuda: PyTorch {torch.__version__} is installed, and ")
    assert hint == (
        "hint: use --device cpu, or --device auto, which takes a GPU only where there is one"
    )
    assert not Path("forecast_runs").exists()


@no_gpu
def test_the_environment_and_the_file_of_settings_know_the_device(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("forecast.toml").write_text('device = "cuda"\n')
    words = ("train", AIRLINE, *QUICK, "--config", "forecast.toml")
    assert forecast(*words).code == 2
    # The environment comes before the file.
    monkeypatch.setenv("FORECAST_DEVICE", "cpu")
    assert forecast(*words).code == 0


def test_print_config_shows_the_device_without_looking_for_it(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from forecast_cli.app import app\n"
        f"sys.argv = ['forecast', 'train', {str(AIRLINE)!r}, '--device', 'cuda', '--print-config']\n"
        "try:\n"
        "    app()\n"
        "except SystemExit as done:\n"
        "    print(done.code, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert "device cuda: as given on the command line" in lines
    assert lines[-1] == "0 False"


def test_runs_show_says_where_a_run_was_trained_if_it_knows(
    forecast: Forecast, airline_store: Path
) -> None:
    shown = forecast("runs", "show", "--store", airline_store).out
    (row,) = [line.split() for line in shown.splitlines() if line.startswith("trained on")]
    assert row == ["trained", "on", "cpu"]

    details = json.loads(forecast("runs", "show", "--store", airline_store, "--json").out)
    assert details["metrics"]["training"]["device"] == "cpu"

    old = ROOT / "tests" / "golden" / "0.2.0"
    stores = sorted(path.parent for path in old.rglob("runs") if path.is_dir())
    assert stores
    assert "trained on" not in forecast("runs", "show", "--store", stores[0]).out
