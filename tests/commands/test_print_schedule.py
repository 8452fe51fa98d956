"""forecast print-schedule"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from forecast_cli.commands import print_schedule
from tests.commands.helpers import BARE, Forecast, shell
from tests.conftest import AIRLINE


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> None:
    from forecast_cli import scheduling

    monkeypatch.setattr(scheduling, "local_zone", lambda: "Europe/Berlin")
    monkeypatch.setattr(print_schedule, "_program", lambda: ("/opt/forecast",))
    Path("runs").mkdir()


@pytest.fixture(autouse=True)
def _folder(forecast: Forecast) -> Forecast:
    return forecast  # which changes into a folder of its own, before the other fixtures


def test_relative_paths_become_absolute(forecast: Forecast) -> None:
    Path("sales.csv").write_text("y\n1\n")
    Path("ping").write_text("http://127.0.0.1/x\n")
    Path("forecast.toml").write_text('horizon = 24\nmetrics = "job.prom"\n')
    words = ("sales.csv", "--store", "runs", "--ping-file", "ping", "--config", "forecast.toml")
    shown = forecast("print-schedule", "cron", *words)
    here = Path.cwd()
    assert (shown.code, shown.err) == (0, "")
    assert shlex.split(shown.out.splitlines()[-1])[5:] == [
        "/opt/forecast",
        "refresh",
        str(here / "sales.csv"),
        *("-o", str(here / "forecast.csv")),
        *("--store", str(here / "runs")),
        *("--config", str(here / "forecast.toml")),
        *("--metrics", str(here / "job.prom")),
        *("--ping-file", str(here / "ping")),
        "--quiet",
    ]


def test_without_data_it_is_that_of_the_latest_run(forecast: Forecast, airline_store: Path) -> None:
    shown = forecast("print-schedule", "systemd", "--store", airline_store, "--json")
    document = json.loads(shown.out)
    assert (shown.code, shown.err) == (0, "")
    assert document["command"][1:3] == ["refresh", str(AIRLINE)]
    assert document["command"][-3:] == ["--store", str(airline_store), "--quiet"]
    assert list(document["files"]) == ["forecast-airline.service", "forecast-airline.timer"]
    assert (document["schema"], document["exit_code"], document["warnings"]) == (
        "forecast/print-schedule/v1",
        0,
        [],
    )


def test_without_data_and_without_a_run_it_is_exit_10(forecast: Forecast) -> None:
    shown = forecast("print-schedule", "cron", "--store", "runs")
    assert (shown.code, shown.out) == (10, "")
    assert shown.err.endswith("hint: name DATA: forecast print-schedule cron DATA\n")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("cron", "-"), "DATA is -, and a scheduled job has no standard input"),
        (("cron", AIRLINE, "-o", AIRLINE), f"-o {AIRLINE} is the data itself"),
        (("cron", AIRLINE, "--at", "25:00"), "--at: '25:00' is not a time of the day"),
        (
            ("cron", AIRLINE, "--at", "04:10 UTC"),
            "--at: cron knows the time zone of the machine only, not UTC",
        ),
        (
            ("at", AIRLINE),
            "Invalid value for 'cron|systemd': Value error, 'at' is not one of 'cron', 'systemd'.",
        ),
    ],
)
def test_what_cannot_be_scheduled_is_exit_2(
    forecast: Forecast, words: tuple[object, ...], error: str
) -> None:
    shown = forecast("print-schedule", *words)
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.splitlines()[0] == f"error: {error}"
    assert shown.err.splitlines()[1].startswith("hint: ")


def test_what_the_job_will_miss_is_said(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECAST_HORIZON", "48")
    monkeypatch.setenv("FORECAST_STORE", "elsewhere")
    shown = forecast(
        *("print-schedule", "cron", "missing.csv", "-o", "out/f.csv", "--metrics", "m/x.prom"),
        *("--ping-file", "secret", "--at", "03:10"),
    )
    here = Path.cwd()
    assert shown.code == 0
    assert f"--store {here}/elsewhere" in shown.out
    assert shown.err.splitlines() == [
        f"warning: DATA: there is no file {here}/missing.csv yet",
        f"warning: --ping-file: there is no file {here}/secret yet",
        f"warning: --store: make the folder {here}/elsewhere before the first job",
        f"warning: -o: make the folder {here}/out before the first job",
        f"warning: --metrics: make the folder {here}/m before the first job",
        "warning: FORECAST_HORIZON is set here, but not for the job; put horizon into the file of "
        "--config",
        "warning: at 03:10, between 01:00 and 03:59 local time, the job may run twice or not at "
        "all on days when clocks change in Europe/Berlin; use another time, such as --at 04:10",
    ]


def test_the_program_is_this_one_and_works_where_cron_starts_it(tmp_path: Path) -> None:
    done = shell("print-schedule", "cron", AIRLINE, "--quiet", cwd=tmp_path, env=BARE)
    program = shlex.split(done.stdout.decode())[5]
    assert done.returncode == 0
    assert os.path.isabs(program)
    assert os.access(program, os.X_OK)


def test_a_schedule_loads_neither_torch_nor_a_reader(tmp_path: Path) -> None:
    from tests.conftest import run_python

    code = """
import contextlib, sys
from forecast_cli.app import app
with contextlib.suppress(SystemExit):
    app(["print-schedule", "cron", sys.argv[1]])
assert not {"torch", "pandas", "numpy", "matplotlib", "urllib.request"} & sys.modules.keys()
"""
    run_python(code, AIRLINE)
