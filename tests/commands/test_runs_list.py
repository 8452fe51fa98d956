"""forecast runs list"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.attacks.stores import again
from forecast_cli import console, store
from tests.commands.helpers import Forecast
from tests.conftest import Result


def test_runs_without_a_pointer_are_still_listed(forecast: Forecast, store_copy: Path) -> None:
    (store_copy / "latest.json").unlink()
    assert forecast("predict", "--store", store_copy).err.startswith(
        f"error: {store_copy}/latest.json is gone\nhint: name a run"
    )
    listed = forecast("runs", "list", "--store", store_copy)
    assert (listed.code, "Passengers" in listed.out) == (0, True)
    assert forecast("predict", "--store", store_copy, "--run", "1").code == 0
    assert forecast("predict", "--store", store_copy, "--run", "²").code == 10


def test_a_run_that_was_never_promoted_is_listed_as_such(
    forecast: Forecast, store_copy: Path
) -> None:
    latest = store.latest(store_copy)
    with store.lock(store_copy) as lock:
        trial = store.publish(lock, again(store_copy)).name
    listed = forecast("runs", "list", "--store", store_copy)
    assert f"* {latest}  " in listed.out
    assert f"  {trial} not promoted  " in listed.out
    document = json.loads(forecast("runs", "list", "--store", store_copy, "--json").out)
    assert document["latest"] == latest
    assert [(run["run"], run["promoted"]) for run in document["runs"]] == [
        (latest, True),
        (trial, False),
    ]
    assert json.loads(forecast("predict", "--store", store_copy, "--json").out)["run"] == latest
    assert forecast("runs", "verify", "--store", store_copy).code == 0
    assert forecast("runs", "rollback", "--run", "2", "--store", store_copy) == Result(
        0, "", f"the latest run is now {trial}\n"
    )
    assert f"* {trial}  " in forecast("runs", "list", "--store", store_copy).out


@pytest.mark.parametrize(("columns", "is_whole"), [(80, False), (120, True)])
def test_a_narrow_terminal_shows_the_ends_of_names_which_run_takes_too(
    columns: int,
    is_whole: bool,
    forecast: Forecast,
    airline_store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console, "stdout_is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    name = store.latest(airline_store)
    shown = name if is_whole else name.split("-", 1)[1]

    lines = forecast("runs", "list", "--store", airline_store).out.splitlines()
    (row,) = [line for line in lines if "Passengers" in line]
    assert row.split()[:3] == ["*", shown, "auto"]
    assert store.resolve(airline_store, shown) == name
