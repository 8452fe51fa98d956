"""forecast runs rollback, prune, pin, unpin: with the lock of the store."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from forecast_cli import store
from tests.commands.helpers import Forecast, several
from tests.conftest import AIRLINE, Result


def test_runs_rollback_prune_and_pin(forecast: Forecast, store_copy: Path) -> None:
    first, second, third = several(store_copy)
    place = ("--store", store_copy)
    assert forecast("runs", "pin", "--run", "1", *place) == Result(0, "", f"{first} is pinned\n")
    assert f"{first} pinned" in forecast("runs", "list", *place).out
    assert forecast("runs", "rollback", *place) == Result(
        0, "", f"the latest run is now {second}\n"
    )
    assert json.loads(forecast("predict", *place, "--json").out)["run"] == second
    assert forecast("runs", "rollback", "--run", "3", *place, "--quiet") == Result(0, "", "")
    assert forecast("runs", "prune", "--keep", "1", *place) == Result(
        0, "", "removed 0 runs, 3 left\n"
    )
    assert forecast("runs", "unpin", "--run", "1", *place) == Result(
        0, "", f"{first} is not pinned\n"
    )
    document = json.loads(forecast("runs", "prune", "--keep", "1", *place, "--json").out)
    assert document == {
        "schema": "forecast/runs-prune/v1", "exit_code": 0, "removed": [first], "left": 2,
    }  # fmt: skip
    assert store.names(store_copy) == [second, third]
    assert forecast("runs", "prune", "--keep", "0", *place).err.startswith(
        "error: --keep must be at least 1, got 0\n"
    )


def test_a_lock_that_is_held_is_waited_for_or_skipped(forecast: Forecast, store_copy: Path) -> None:
    several(store_copy)
    report = (store_copy / "last_run.json").read_bytes()
    with store.lock(store_copy):
        for words in (("train", AIRLINE), ("runs", "rollback"), ("runs", "prune"), ("runs", "pin")):
            line = (*words, "--store", store_copy)
            failed = forecast(*line)
            assert (failed.code, failed.said.count("\n")) == (11, 2)
            assert f": pid {os.getpid()} on " in failed.err
            assert failed.err.endswith(
                "hint: wait for it (--lock-wait 10m), or use another --store\n"
            )
            skipped = forecast(*line, "--if-locked", "skip", "--lock-wait", "0.2s")
            assert (skipped.code, skipped.out) == (0, "")
            *_, waiting, said = skipped.err.splitlines()
            assert waiting.startswith("waiting for another command: pid ")
            assert said.startswith(f"skipped: another command is writing in {store_copy}: pid ")
            document = json.loads(forecast(*line, "--if-locked", "skip", "--json").out)
            assert (document["exit_code"], len(document["reasons"])) == (0, 1)
        assert forecast("predict", "--store", store_copy).code == 0
    assert forecast("train", AIRLINE, "--lock-wait", "soon").err.startswith(
        "error: --lock-wait: 'soon' is not a duration\nhint: write --lock-wait 30s, 10m or 2h\n"
    )
    assert (store_copy / "last_run.json").read_bytes() == report


@pytest.mark.parametrize(
    "words",
    [("train", AIRLINE, "--epochs", "1", "--units", "3", "--members", "1"), ("runs", "pin")],
)
def test_who_waits_for_the_lock_is_told_so_unless_quiet(
    forecast: Forecast, store_copy: Path, words: tuple[object, ...]
) -> None:
    line = (*words, "--store", store_copy, "--lock-wait", "0.5s")
    with store.lock(store_copy):
        holder = (store_copy / "lock").read_text().strip()
        waited = forecast(*line)
        assert (waited.code, waited.out) == (11, "")
        assert waited.said == (
            f"waiting for another command: {holder}\n"
            f"error: another command is writing in {store_copy}: {holder}\n"
            "hint: wait for it (--lock-wait 10m), or use another --store\n"
        )
        assert "waiting" not in forecast(*line, "--quiet").err
        messages = [
            json.loads(text) for text in forecast(*line, "--log-format", "json").err.splitlines()
        ]
        assert f"waiting for another command: {holder}" in [
            message["message"] for message in messages
        ]
        assert json.loads(forecast(*line, "--json").out)["exit_code"] == 11
