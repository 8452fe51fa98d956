"""--quiet has an effect on every command, and never hides warnings, errors or data."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast_cli import store
from forecast_cli.app import COMMANDS, GROUP_COMMANDS
from tests.commands.helpers import QUICK, Forecast, several
from tests.conftest import AIRLINE, Result

SILENT = Result(0, "", "")
TESTED = {
    "train",
    "tune",
    "refresh",
    "predict",
    "backtest",
    "plot",
    "check",
    "list",
    "show",
    "compare",
    "verify",
}
TESTED |= {"report", "print-schedule", "doctor", "status", "rollback", "prune", "pin", "unpin"}


def test_no_command_is_forgotten_here() -> None:
    assert {*COMMANDS, *GROUP_COMMANDS} == TESTED


def test_a_quiet_training_says_nothing(forecast: Forecast) -> None:
    assert forecast("train", AIRLINE, *QUICK, "--quiet") == SILENT


def test_a_quiet_tuning_says_nothing(forecast: Forecast) -> None:
    pytest.importorskip("optuna", reason="the extra tune is not installed")
    tiny = (*QUICK, "--horizon", "3", "--validation", "3", "--workers", "1")
    assert forecast("tune", AIRLINE, *tiny, "--trials", "1", "--quiet") == SILENT


def test_a_quiet_refresh_says_nothing(forecast: Forecast) -> None:
    for _ in range(2):
        assert forecast("refresh", AIRLINE, *QUICK, "-o", "out.csv", "--quiet") == SILENT


def test_a_quiet_forecast_plot_or_page_is_written_without_a_word(
    forecast: Forecast, airline_store: Path
) -> None:
    place = ("--store", airline_store, "--quiet")
    assert forecast("predict", *place, "-o", "out.csv") == SILENT
    assert forecast("plot", *place, "--kind", "loss", "-o", "plots") == SILENT
    assert forecast("report", *place, "-o", "report.html") == SILENT
    assert forecast("predict", *place).out == Path("out.csv").read_text()


def test_a_quiet_check_lists_only_what_is_odd_or_wrong(forecast: Forecast) -> None:
    assert forecast("check", AIRLINE, "--quiet") == SILENT

    Path("short.csv").write_text("y\n1\n2\n3\n")
    full, quiet = forecast("check", "short.csv"), forecast("check", "short.csv", "--quiet")
    assert (quiet.code, full.code) == (21, 21)
    assert "error: 3 rows are too few for horizon 1" in quiet.out
    assert "hint: give more rows" in quiet.out
    assert len(quiet.out.splitlines()) < len(full.out.splitlines())


def test_a_quiet_schedule_has_no_comments_for_people(forecast: Forecast) -> None:
    words = (AIRLINE, "-o", "out.csv", "--store", ".", "--quiet")
    cron = forecast("print-schedule", "cron", *words)
    assert (cron.code, cron.err, cron.out.count("\n")) == (0, "", 1)
    assert cron.out.startswith("10 4 * * * /")
    units = forecast("print-schedule", "systemd", *words)
    assert (units.code, units.err) == (0, "")
    assert "systemctl" not in units.out


def test_a_quiet_examination_lists_only_findings(forecast: Forecast) -> None:
    result = forecast("doctor", "--store", Path("missing").absolute(), "--quiet")
    assert (result.code, result.err) == (3, "")
    assert "there is no store in" in result.out
    lines = [line for line in result.out.splitlines() if "hint: " not in line]
    assert all("finding: " in line for line in lines)


def test_quiet_lists_are_names_only(forecast: Forecast, store_copy: Path) -> None:
    names = several(store_copy)
    place = ("--store", store_copy, "--quiet")
    assert forecast("runs", "list", *place) == Result(0, "".join(f"{n}\n" for n in names), "")
    assert forecast("runs", "show", *place, "--run", "2") == Result(0, f"{names[1]}\n", "")
    compared = forecast("runs", "compare", *place, "--run", "1", "--run", "2")
    assert sorted(compared.out.splitlines()) == names[:2]
    beside = forecast("runs", "compare", *place, "1", "2")
    assert (sorted(beside.out.splitlines()), beside.err) == (names[:2], "")


def test_a_quiet_verification_names_only_damaged_runs(forecast: Forecast, store_copy: Path) -> None:
    names = several(store_copy, 2)
    place = ("--store", store_copy, "--quiet")
    assert forecast("runs", "verify", *place) == SILENT

    (store_copy / "runs" / names[0] / "model.safetensors").write_bytes(b"")
    damaged = forecast("runs", "verify", *place)
    assert damaged.code == 12
    assert names[0] in damaged.out
    assert names[1] not in damaged.out
    assert damaged.err.startswith("error: 1 of 2 runs cannot be used: ")


@pytest.mark.parametrize("command", ["pin", "unpin", "prune", "rollback"])
def test_upkeep_is_done_without_a_word(forecast: Forecast, store_copy: Path, command: str) -> None:
    several(store_copy, 2)
    assert forecast("runs", command, "--store", store_copy, "--quiet") == SILENT
    assert len(store.names(store_copy)) == 2


def test_a_quiet_status_says_nothing_unless_something_is_wrong(
    forecast: Forecast, airline_store: Path
) -> None:
    assert forecast("status", "--store", airline_store, "--quiet") == SILENT
    stale = forecast("status", "--store", airline_store, "--quiet", "--data-max-age", "2d")
    assert (stale.code, stale.err, stale.out.count("\n")) == (5, "", 1)
