from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import evaluation, held_out, store, train
from forecast_cli.evaluation import NETWORK
from forecast_cli.panel import Panel
from forecast_cli.store import Run
from tests.conftest import ROOT, held_out_scores
from tests.plots.helpers import many

GOLDEN = [
    (folder, name)
    for folder in sorted((ROOT / "tests" / "golden").glob("*/store"))
    for name in store.names(folder)
]


def panel_and_run(folder: Path, count: int, test: int) -> tuple[Panel, Run]:
    panel = many(count)
    settings: dict[str, Any] = {
        "warm_start": "none",
        "horizon": 7,
        "test": test,
        "epochs": 1,
        "units": "4",
    }
    return panel, train(panel, draw=False, store_folder=folder, **settings).run


@pytest.mark.parametrize(("count", "test"), [(1, 14), (3, 10)])
def test_scores_of_the_windows_are_those_of_the_training(
    tmp_path: Path, count: int, test: int
) -> None:
    panel, run = panel_and_run(tmp_path, count, test)
    rows = held_out.windows_of(run, panel)

    assert rows is not None
    assert rows.scaled_by == "data"
    expected = held_out_scores(run.metrics)
    for method, scores in expected.by_method.items():
        measured = evaluation.summary(rows.backtest)[method]
        for metric in evaluation.METRICS:
            assert measured[metric] == pytest.approx(scores.value_of(metric), rel=1e-4)


def test_windows_begin_a_horizon_apart_and_the_last_one_may_end_early(tmp_path: Path) -> None:
    _, run = panel_and_run(tmp_path, 2, 10)
    rows = held_out.windows_of(run)

    assert rows is not None
    assert rows.backtest.series.tolist() == [0, 0, 1, 1]
    assert rows.backtest.origin.tolist() == [0, 1, 0, 1]
    assert np.diff(rows.positions).tolist()[::2] == [7, 7]
    assert np.isnan(rows.backtest.actual).sum(axis=1).tolist() == [0, 4, 0, 4]

    tail = run.tail
    for window, (series, position) in enumerate(
        zip(rows.backtest.series, rows.positions, strict=True)
    ):
        values = tail.values[tail.offsets[series] :][position:][:7]
        known = rows.backtest.actual[window][~np.isnan(rows.backtest.actual[window])]
        assert known.tolist() == pytest.approx(values[: len(known)].tolist())


def test_a_single_series_has_the_exact_scale_without_its_data(airline_store: Path) -> None:
    run = store.load(airline_store)
    rows = held_out.windows_of(run)
    assert rows is not None
    assert rows.scaled_by == "scores"
    mase = evaluation.summary(rows.backtest)[NETWORK]["mase"]
    assert mase == pytest.approx(held_out_scores(run.metrics).network.mase, rel=1e-4)


def test_several_series_without_their_data_are_scaled_by_the_stored_rows(tmp_path: Path) -> None:
    _, run = panel_and_run(tmp_path, 3, 7)
    rows = held_out.windows_of(run)
    assert rows is not None
    assert rows.scaled_by == "stored"
    assert (rows.backtest.scales > 0).all()


def test_data_with_other_series_are_not_used(tmp_path: Path) -> None:
    panel, run = panel_and_run(tmp_path, 3, 7)
    rows = held_out.windows_of(run, replace(panel, ids=("a", "b", "c")))
    assert rows is not None
    assert rows.scaled_by == "stored"


def test_without_held_out_rows_there_are_no_windows(tmp_path: Path) -> None:
    quick: dict[str, Any] = {"warm_start": "none", "epochs": 1, "units": "4"}
    run = train(many(1), draw=False, store_folder=tmp_path, test=0, **quick).run
    assert held_out.windows_of(run) is None


def test_rows_that_are_not_those_of_the_run_are_refused(airline_store: Path) -> None:
    run = store.load(airline_store)
    table = run.texts["predictions.csv"].replace(b"1960-01,", b"1860-01,")
    with pytest.raises(ValueError, match="not among the rows that are stored"):
        held_out.windows_of(replace(run, texts={**run.texts, "predictions.csv": table}))


@pytest.mark.parametrize(("folder", "name"), GOLDEN, ids=str)
def test_the_errors_of_runs_of_all_releases_are_found_again(folder: Path, name: str) -> None:
    run = store.load(folder, name)
    rows = held_out.windows_of(run)
    assert rows is not None
    measured = evaluation.summary(rows.backtest)
    for method, scores in held_out_scores(run.metrics).by_method.items():
        assert measured[method]["mae"] == pytest.approx(scores.mae, rel=1e-3)
