from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import store, train
from forecast_cli.errors import RunRejectedError
from forecast_cli.store import Run
from forecast_cli.workflow import compare_runs
from tests.conftest import held_out_scores
from tests.plots.helpers import many

QUICK: dict[str, Any] = {"epochs": 1, "warm_start": "none", "members": 1, "draw": False}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two runs on six series, with 4 and 8 units."""
    root = tmp_path_factory.mktemp("runs")
    first, second = (
        train(many(6), store_folder=root, horizon=7, units=units, **QUICK).run
        for units in ("4", "8")
    )
    return first, second


def with_plan(run: Run, **values: Any) -> Run:
    return replace(run, config=replace(run.config, plan=replace(run.config.plan, **values)))


def test_only_settings_that_differ_are_listed(runs: tuple[Run, Run]) -> None:
    both = compare_runs(*runs)
    assert [(one.name, one.first, one.second) for one in both.settings] == [("units", "4", "8")]
    assert compare_runs(runs[0], runs[0]).settings == ()


def test_errors_on_the_same_rows_have_a_paired_difference_with_its_interval(
    runs: tuple[Run, Run],
) -> None:
    both = compare_runs(*runs)
    assert both.same_rows
    comparison = both.comparisons["mae"]
    scores = [held_out_scores(run.metrics).network.mae for run in runs]
    assert scores[0] is not None
    assert scores[1] is not None
    assert comparison.difference == pytest.approx(scores[0] - scores[1], rel=1e-3)
    assert comparison.low is not None
    assert comparison.high is not None
    assert comparison.low <= comparison.difference <= comparison.high
    assert comparison.rival == runs[1].name
    assert comparison.pairs == 6


def test_the_mase_is_compared_where_its_scales_are_known(
    runs: tuple[Run, Run], airline_store: Path
) -> None:
    airline = store.load(airline_store)
    assert list(compare_runs(airline, airline).comparisons) == ["mae", "mase"]
    # The panel came from no file, so that its older rows are not at hand.
    assert list(compare_runs(*runs).comparisons) == ["mae"]

    other_season = with_plan(airline, seasons=(6,))
    assert list(compare_runs(airline, other_season).comparisons) == ["mae"]


def test_a_run_is_no_better_than_itself(runs: tuple[Run, Run]) -> None:
    comparison = compare_runs(runs[0], runs[0]).comparisons["mae"]
    assert (comparison.difference, comparison.low, comparison.high) == (0.0, 0.0, 0.0)


def test_runs_that_were_tested_on_other_rows_do_not_compare(runs: tuple[Run, Run]) -> None:
    first, second = runs
    unscored = replace(second, metrics=second.metrics.model_copy(update={"test": None}))
    table = second.texts["predictions.csv"].decode()
    changed = table.replace("series 3,", "series 9,")
    renamed = replace(second, texts={**second.texts, "predictions.csv": changed.encode()})
    for other, why in (
        (unscored, f"no held-out row of the run {second.name} was scored"),
        (with_plan(second, horizon=14), "one forecasts 7 steps at a time, the other 14 steps"),
        (
            with_plan(second, test=14),
            "one was tested on the last 7 rows of each series, the other on the last 14 rows",
        ),
        (renamed, "their held-out rows have other series, times or values"),
    ):
        both = compare_runs(first, other)
        assert both.why_not == why
        assert not both.same_rows
        assert both.comparisons == {}


def test_damaged_tables_are_refused(runs: tuple[Run, Run]) -> None:
    first, second = runs
    damaged = replace(second, texts={**second.texts, "predictions.csv": b"a\n1\n"})
    with pytest.raises(RunRejectedError, match=r"predictions\.csv: it is not the table"):
        compare_runs(first, damaged)
