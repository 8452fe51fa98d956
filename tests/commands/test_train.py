"""forecast train"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from forecast_cli import learning, store
from tests.commands.helpers import QUICK, Forecast, shell
from tests.conftest import AIRLINE, HANG, ROOT, SAMPLES, Result


def test_train_then_predict_then_plot_without_arguments(forecast: Forecast) -> None:
    trained = forecast("train", AIRLINE, *QUICK)
    assert (trained.code, trained.out) == (0, "")
    lines = trained.said.splitlines()
    assert lines[:2] == ["Target: Passengers", "Held-out last 12 rows"]
    assert "this network" in trained.err
    assert "seasonal naive (12) 47.83 50.71 10.57 1.571" in " ".join(trained.err.split())
    run = store.load(Path("forecast_runs"))
    assert sorted(p.name for p in (run.folder / "plots").iterdir()) == [
        "loss.png",
        "predictions.png",
    ]
    predicted = forecast("predict")
    said = "80 % intervals held 100.0 % of 12 held-out values, 95 % intervals 100.0 %\n"
    assert (predicted.code, predicted.err) == (0, said)
    assert predicted.out.encode() == run.texts["forecast.csv"]
    written = forecast("predict", "-o", "out.csv")
    assert (written.code, written.out, written.err) == (0, "", "wrote out.csv\n" + said)
    assert Path("out.csv").read_bytes() == run.texts["forecast.csv"]
    shutil.rmtree(run.folder / "plots")
    assert forecast("plot").code == 0
    assert (run.folder / "plots" / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert forecast("plot", "--kind", "loss", "-o", "pictures", "--quiet") == Result(0, "", "")
    assert [p.name for p in Path("pictures").iterdir()] == ["loss.png"]


def test_train_json_is_one_document_and_no_talk(forecast: Forecast) -> None:
    result = forecast("train", AIRLINE, *QUICK, "--json")
    document = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert (document["schema"], document["published"], document["exit_code"]) == (
        "forecast/train/v1",
        True,
        0,
    )
    assert document["metrics"]["test"]["seasonal_naive"]["rmse"] == pytest.approx(50.708, abs=1e-3)
    assert Path(document["folder"], "forecast.csv").exists()


def test_a_store_that_cannot_be_written_is_exit_30_before_training(
    forecast: Forecast, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = forecast("train", AIRLINE, *QUICK, "--store", tmp_path / "file" / "runs")
    assert result.code == 30
    assert result.said.startswith(
        f"error: cannot make the folder {tmp_path}/file/runs/runs: Not a directory\n"
    )
    assert "epoch" not in result.err


def test_a_second_training_at_the_same_time_is_exit_11(forecast: Forecast, tmp_path: Path) -> None:
    root = tmp_path / "forecast_runs"
    with store.lock(root):
        result = forecast("train", AIRLINE, *QUICK)
    assert result.code == 11
    assert result.said.startswith(
        f"error: another command is writing in forecast_runs: pid {os.getpid()} on "
    )
    assert store.names(root) == []


def test_a_degraded_training_is_exit_3_with_reasons(forecast: Forecast) -> None:
    lines = "".join(f"2024-01-{d:02},{d % 7}\n" for d in range(1, 32))
    Path("cut.csv").write_text("day,y\n" + lines + "2024-02")
    result = forecast("train", "cut.csv", *QUICK, "--json")
    assert result.code == 3
    assert json.loads(result.out)["reasons"] == [
        "cut.csv:33: the last line is cut off and was left out"
    ]
    assert result.err == "warning: cut.csv:33: the last line is cut off and was left out\n"


def test_quiet_hides_summaries_but_not_warnings(forecast: Forecast) -> None:
    Path("open.csv").write_text(AIRLINE.read_text().rstrip("\n"))
    result = forecast("train", "open.csv", *QUICK, "--quiet")
    assert result == Result(
        0, "", "warning: open.csv:145: the last line has no newline; it was used\n"
    )


def test_names_in_any_script_survive_a_locale_without_utf8(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-{d:02},{d % 7}\n" for d in range(1, 32))
    (tmp_path / "data.csv").write_text("日期,销量\n" + rows, encoding="utf-8")
    bare = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    trained = shell("train", "data.csv", *QUICK, cwd=tmp_path, env=bare)
    assert trained.returncode == 0, trained.stderr
    assert shell("predict", cwd=tmp_path, env=bare).stdout.startswith("日期,forecast".encode())


def test_termination_stops_a_training_and_publishes_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "forecast_cli", "train", str(SAMPLES / "hourly.csv"), "--epochs", "1000000", "--patience", "0"],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        assert any(b"epoch" in line for line in process.stderr)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=HANG)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 143
    assert b"Traceback" not in said
    assert store.names(tmp_path / "forecast_runs") == []


def test_the_report_of_the_last_training_is_kept_also_of_a_failed_one(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Path("forecast_runs/last_run.json")
    printed = forecast("train", AIRLINE, *QUICK, "--json")
    assert kept.read_text() == printed.out
    failed = forecast("train", "none.csv", "--json")
    assert json.loads(kept.read_text()) == json.loads(failed.out)
    assert json.loads(kept.read_text())["exit_code"] == 20
    before = kept.read_text()
    assert forecast("predict").code == 0
    assert kept.read_text() == before

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(learning, "learn", fail)
    assert forecast("train", AIRLINE).code == 31
    assert json.loads(kept.read_text())["exit_code"] == 31
    kept.unlink()
    kept.mkdir()
    assert forecast("train", AIRLINE).said.startswith("error: this does not fit in memory\n")
    monkeypatch.undo()


def test_a_report_that_cannot_be_kept_degrades(forecast: Forecast, store_copy: Path) -> None:
    (store_copy / "last_run.json").unlink()
    (store_copy / "last_run.json").mkdir()
    result = forecast("train", AIRLINE, *QUICK, "--store", store_copy, "--json")
    assert result.code == 3
    assert json.loads(result.out)["reasons"][0].startswith(
        "the run is published, but its report is not: last_run.json: cannot write "
    )
