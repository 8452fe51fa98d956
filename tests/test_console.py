"""What people see: messages, tables, progress, on terminals and elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.helpers import QUICK, Forecast, shell, terminal
from tests.conftest import AIRLINE, ROOT


def test_output_that_is_lost_is_never_exit_0(airline_store: Path, forecast: Forecast) -> None:
    if Path("/dev/full").exists():
        with open("/dev/full", "wb") as full:
            done = shell("predict", "--store", airline_store, stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 30
        assert b"No space left" in done.stderr
    words = f"{sys.executable} -m forecast_cli predict --store {airline_store}"
    closed = subprocess.run(["sh", "-c", f"{words} >&-"], capture_output=True, cwd=ROOT)
    assert closed.returncode == 30, closed.stderr
    piped = subprocess.run(
        ["bash", "-c", f"{words} | true; echo ${{PIPESTATUS[0]}}"], capture_output=True, cwd=ROOT
    )
    assert (piped.stdout, piped.stderr) in (
        (b"141\n", b""),
        (b"0\n", b""),
    )  # 0 if all was written before `true` ended
    assert forecast("predict", "--store", airline_store, "-o", "no/out.csv").code == 30


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_terminal_gets_a_bar_a_table_and_a_sparkline(airline_store: Path, tmp_path: Path) -> None:
    code, screen = terminal("train", AIRLINE, *QUICK, cwd=tmp_path)
    assert code == 0
    for text in ("reading", "loading PyTorch", "training", "saving the run", "drawing the plots"):
        assert text in screen
    assert "best epoch" in screen
    assert "Target: Passengers\r\n" in screen
    assert "\x1b[" in screen
    code, screen = terminal("predict", cwd=tmp_path)
    assert code == 0
    assert "▁" in screen
    assert "1961-12" in screen
    code, screen = terminal("predict", "--run", "9", cwd=tmp_path, NO_COLOR="1")
    assert code == 10
    assert "\x1b[" not in screen


def test_user_text_cannot_steer_the_terminal(forecast: Forecast) -> None:
    rows = "".join(f"2024-01-{d:02},{d % 7}\n" for d in range(1, 32))
    Path("odd.csv").write_text("day,\x1b[31mred[bold]\n" + rows)
    result = forecast("train", "odd.csv", *QUICK)
    assert result.code == 0
    shown = forecast("runs", "show")
    assert "\x1b" not in shown.out + result.err
    assert "\\x1b[31mred[bold]" in shown.out


def test_messages_can_be_json_lines(forecast: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("open.csv").write_text(AIRLINE.read_text().rstrip("\n"))
    result = forecast("train", "open.csv", *QUICK, "--members", 1, "--log-format", "json")
    assert (result.code, result.out) == (0, "")
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert {line["level"] for line in lines} == {"progress", "warning", "info"}
    assert all(list(line)[:3] == ["time", "level", "message"] for line in lines)
    assert lines[0]["message"] == "reading open.csv"
    epochs = [line for line in lines if "epochs" in line]
    assert epochs[0]["message"].startswith("training: epoch 1 of at most 2")
    assert epochs[0]["epochs"] == 2
    assert [line["message"] for line in lines if line["level"] == "warning"] == [
        "open.csv:145: the last line has no newline; it was used"
    ]
    table = next(line for line in lines if "rows" in line)
    assert (table["message"], len(table["rows"])) == ("Held-out last 12 rows", 3)
    monkeypatch.setenv("FORECAST_LOG_FORMAT", "json")
    for words, code in (
        (("train",), 2),
        (("predict", "--run", "9"), 10),
        (("nothing",), 2),
        (("train", "\x1b[1m.csv"), 20),
    ):
        failed = forecast(*words)
        line = json.loads(failed.err.splitlines()[-1])
        assert (failed.code, line["exit_code"], line["level"]) == (code, code, "error")
        assert line["hint"]
        assert "\x1b" not in failed.err
    assert "Traceback" in json.loads(forecast("predict", "--run", "9", "--debug").err)["traceback"]
    assert forecast("predict", "--run", "9", "--log-format", "text").err.startswith(
        "error: no run '9'"
    )
    assert forecast("predict", "--run", "9", "--log-format=text").err.startswith(
        "error: no run '9'"
    )
    monkeypatch.delenv("FORECAST_LOG_FORMAT")
    Path("forecast.toml").write_text('log_format = "json"\n')
    assert (
        json.loads(forecast("predict", "--run", "9", "--config", "forecast.toml").err)["level"]
        == "error"
    )
    assert forecast("predict", "--run", "9").err.startswith("error: no run '9'")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_terminal_gets_tables_of_settings_and_findings_and_no_parquet(
    airline_store: Path, tmp_path: Path
) -> None:
    code, screen = terminal("train", AIRLINE, "--print-config", cwd=tmp_path)
    assert code == 0
    assert "2 seasons of 12" in screen
    assert "setting" in screen
    code, screen = terminal("check", AIRLINE, cwd=tmp_path)
    assert code == 0
    assert "monthly" in screen
    code, screen = terminal(
        "predict", "--store", airline_store, "--format", "parquet", cwd=tmp_path
    )
    assert code == 2
    assert "goes to a terminal only into a file" in screen
