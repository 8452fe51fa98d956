"""A new run against the naive forecasts and the run before it, on held-out rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from forecast_cli import forecasting, store
from forecast_cli.forecasting import HeldOut
from forecast_cli.panel import Columns, Panel, head, values_of
from forecast_cli.store import Run
from forecast_cli.workflow.fitting import Fit
from forecast_cli.workflow.judging import errors_of
from tests.workflow.helpers import with_more

HORIZON = 12
MASE = {"network": 0.5, "naive": 2.0, "seasonal_naive": 1.0}


@pytest.fixture(scope="module")
def run(airline_store: Path) -> Run:
    """Trained on the 144 rows of the sample."""
    return store.load(airline_store)


@pytest.fixture(scope="module")
def newer(run: Run) -> Panel:
    """The same rows and two horizons more."""
    return with_more(run.tail, values_of(run.tail, 0)[-2 * HORIZON :] + 25)


def fit_of(run: Run, panel: Panel, error: float = 3.0, **scores: float | None) -> Fit:
    """A new run whose forecasts of the held-out rows are all wrong by so much."""
    rows = forecasting.forecast_held_out(panel, run.model, ())
    rows = replace(rows, forecast=rows.actual + error)
    test: dict[str, Any] = {name: {"mase": score} for name, score in (MASE | scores).items()}
    test["rows"] = len(rows.actual)
    for name in MASE:
        test[name]["mae"] = 7.0
    return fit_with(run, rows, test)


def fit_with(run: Run, rows: HeldOut | None, test: dict[str, Any] | None) -> Fit:
    return Fit(cast(Any, None), run.model, rows, {"test": test}, ())


def test_without_an_old_run_it_is_compared_with_the_better_naive_forecast(
    run: Run, newer: Panel
) -> None:
    errors = errors_of(newer, fit_of(run, newer), None, None)
    assert (errors.metric, errors.new, errors.naive, errors.by) == ("MASE", 0.5, 1.0, "none")
    assert (errors.old, errors.rows) == (None, 0)


def test_a_naive_forecast_without_a_score_is_left_out(run: Run, newer: Panel) -> None:
    fit = fit_of(run, newer, naive=None, seasonal_naive=None)
    assert errors_of(newer, fit, None, None).naive is None


def test_both_runs_are_compared_on_the_same_rows_where_neither_has_learned_from_them(
    run: Run, newer: Panel
) -> None:
    errors = errors_of(newer, fit_of(run, newer), run, newer)
    assert (errors.by, errors.rows) == ("same_rows", HORIZON)

    before = values_of(newer, 0)[:-HORIZON]
    scale = np.abs(before[HORIZON:] - before[:-HORIZON]).mean()
    assert errors.new_there == pytest.approx(3.0 / scale)
    then = head(newer, newer.lengths - HORIZON)
    theirs = forecasting.forecast(then, run.model, ()).values[0]
    actual = values_of(newer, 0)[-HORIZON:]
    assert errors.old == pytest.approx(np.abs(theirs - actual).mean() / scale)


def test_rows_that_the_old_run_has_learned_from_are_not_compared(run: Run) -> None:
    few = with_more(run.tail, np.full(HORIZON - 1, 400.0))
    assert run.metrics.test is not None
    errors = errors_of(few, fit_of(run, few), run, few)
    assert (errors.by, errors.new_there, errors.rows) == ("recorded", 0.5, HORIZON)
    assert errors.old == run.metrics.test.network.value_of("mase")


def test_only_the_newer_ones_of_the_held_out_rows_are_compared(run: Run) -> None:
    panel = with_more(run.tail, np.full(HORIZON + 5, 400.0))
    plan = replace(run.model.plan, test=2 * HORIZON)
    longer = replace(run, model=replace(run.model, plan=plan))
    errors = errors_of(panel, fit_of(longer, panel), run, panel)
    assert (errors.by, errors.rows) == ("same_rows", HORIZON + 5)


def test_an_old_run_of_another_target_or_that_cannot_read_the_data_is_no_rival(
    run: Run, newer: Panel
) -> None:
    fit = fit_of(run, newer)
    assert errors_of(newer, fit, run, None).by == "none"
    other = replace(newer, columns=Columns(time=newer.columns.time, target="sales"))
    assert errors_of(other, fit, run, newer).by == "none"


def test_data_that_the_old_run_reads_in_other_rows_are_compared_by_what_is_recorded(
    run: Run, newer: Panel
) -> None:
    shorter = head(newer, newer.lengths - 1)
    assert errors_of(newer, fit_of(run, newer), run, shorter).by == "recorded"


def test_without_held_out_rows_nothing_is_known(run: Run, newer: Panel) -> None:
    errors = errors_of(newer, fit_with(run, None, None), run, newer)
    assert (errors.new, errors.naive, errors.by) == (None, None, "none")


def test_where_mase_is_not_defined_the_mean_absolute_error_is_compared(
    run: Run, newer: Panel
) -> None:
    errors = errors_of(newer, fit_of(run, newer, network=None), run, newer)
    assert (errors.metric, errors.new, errors.naive) == ("MAE", 7.0, 7.0)
    assert errors.new_there == pytest.approx(3.0)
