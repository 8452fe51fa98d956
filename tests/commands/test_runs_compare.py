"""forecast runs compare A B"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from forecast_cli import store, train
from tests.commands.helpers import Forecast
from tests.conftest import AIRLINE, Result


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two networks that were tested on the same rows, and one on others."""
    root = tmp_path_factory.mktemp("compared") / "runs"
    for units, horizon in (("4", 12), ("6", 12), ("4", 6)):
        train(
            AIRLINE,
            store_folder=root,
            epochs=1,
            units=units,
            horizon=horizon,
            members=1,
            test=12,
            warm_start="none",
            draw=False,
        )
    return root


def test_two_runs_are_put_side_by_side(forecast: Forecast, two_runs: Path) -> None:
    shown = forecast("runs", "compare", "1", "2", "--store", two_runs)
    names = store.names(two_runs)
    lines = shown.out.splitlines()
    assert (shown.code, shown.err) == (0, "")
    assert lines[:5] == [
        f"A: {names[0]}",
        f"B: {names[1]}",
        "Settings that differ",
        "setting  A  B",
        "units    4  6",
    ]
    assert lines[5] == "Errors on the same held-out 12 rows"
    assert lines[6].split("  ")[0] == "error"
    assert [line.split()[0] for line in lines[7:11]] == ["MAE", "RMSE", "sMAPE", "MASE"]
    assert lines[7].endswith("not known")
    assert lines[11].startswith("The MASE of ")
    assert lines[11].endswith("; these are too few forecasts to say how certain that is.")


def test_runs_that_were_tested_otherwise_are_said_not_to_compare(
    forecast: Forecast, two_runs: Path
) -> None:
    shown = forecast("runs", "compare", "1", "3", "--store", two_runs)
    assert shown.code == 0
    assert "Errors on held-out rows, which are not the same\n" in shown.out
    assert shown.out.endswith(
        "Their errors do not compare: one forecasts 12 steps at a time, the other 6 steps.\n"
    )


def test_the_comparison_as_json(forecast: Forecast, two_runs: Path) -> None:
    first, second, third = store.names(two_runs)
    shown = forecast("runs", "compare", "1", "2", "--store", two_runs, "--json")
    document = json.loads(shown.out)
    assert (document["schema"], document["exit_code"]) == ("forecast/runs-compare/v1", 0)
    assert [row["run"] for row in document["runs"]] == [first, second]
    assert document["settings"] == [{"name": "units", "first": "4", "second": "6"}]
    assert (document["same_rows"], document["why_not"]) == (True, None)
    assert [one["metric"] for one in document["comparisons"]] == ["mae", "mase"]

    other = json.loads(forecast("runs", "compare", "1", "3", "--store", two_runs, "--json").out)
    assert [row["run"] for row in other["runs"]] == [first, third]
    assert other["same_rows"] is False
    assert other["comparisons"] == []


@pytest.mark.parametrize("words", [("1",), ("1", "2", "3"), ("1", "2", "--run", "3")])
def test_two_runs_it_is(forecast: Forecast, two_runs: Path, words: tuple[str, ...]) -> None:
    assert forecast("runs", "compare", *words, "--store", two_runs) == Result(
        2,
        "",
        "error: two runs are compared side by side, not more and not fewer\n"
        "hint: give two runs: forecast runs compare 1 2; for a table of several, use --run\n",
    )


def test_a_run_is_not_compared_with_itself(forecast: Forecast, two_runs: Path) -> None:
    name = store.names(two_runs)[0]
    assert forecast("runs", "compare", "1", name, "--store", two_runs) == Result(
        2,
        "",
        f"error: '1' and '{name}' are the same run\nhint: see `forecast runs list`\n",
    )


def test_without_runs_the_table_is_as_before(forecast: Forecast, two_runs: Path) -> None:
    shown = forecast("runs", "compare", "--store", two_runs, "--run", "1", "--run", "2")
    assert shown.code == 0
    assert len(shown.out.splitlines()) == 3
