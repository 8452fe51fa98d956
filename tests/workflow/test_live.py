"""How good a run is on rows that came after its training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import forecasting, store
from forecast_cli.panel import Panel, head, values_of
from forecast_cli.store import Run
from forecast_cli.workflow import live
from forecast_cli.workflow.live import MOST_HORIZONS, Live, live_score, rows_known
from tests.workflow.helpers import recorded, recorded_forecast, with_more, with_values

HORIZON = 12
NEW = 450 + 40 * np.sin(np.arange(MOST_HORIZONS * HORIZON * 2))


@pytest.fixture(scope="module")
def run(airline_store: Path) -> Run:
    return store.load(airline_store)


def mase(panel: Panel, errors: np.ndarray, before: int) -> float:
    """By hand: the error in units of that of the seasonal naive forecast on the rows before."""
    values = values_of(panel, 0)[:before]
    return float(np.abs(errors).mean() / np.abs(values[HORIZON:] - values[:-HORIZON]).mean())


def test_less_than_a_horizon_of_new_rows_has_no_score(run: Run) -> None:
    assert live_score(run.tail, run, ()) is None
    assert live_score(with_more(run.tail, NEW[: HORIZON - 1]), run, ()) is None


def test_the_forecast_of_the_training_itself_is_scored_although_nothing_recorded_it(
    run: Run,
) -> None:
    forecast = forecasting.forecast(run.tail, run.model, ())
    panel = with_more(run.tail, NEW[:HORIZON])
    score = live_score(panel, run, ())
    assert score is not None
    assert (score.by, score.rows, score.forecasts) == ("rolled", HORIZON, 1)
    errors = forecast.values[0] - NEW[:HORIZON]
    assert score.mase == pytest.approx(mase(panel, errors, len(run.tail.values)))


def test_what_was_published_is_scored_where_there_is_enough_of_it(run: Run) -> None:
    panel = with_more(run.tail, NEW[: 2 * HORIZON])
    known = len(run.tail.values)
    track = []
    for number, rows in enumerate((0, HORIZON)):
        then = head(panel, np.array([known + rows]))
        forecast = forecasting.forecast(then, run.model, (80.0,))
        shifted = replace(forecast, values=forecast.values * 0 + 400)
        track.append(recorded_forecast(run, then, shifted, number + 1))

    score = live_score(panel, run, tuple(track))
    assert score is not None
    assert (score.by, score.rows, score.forecasts) == ("stored", 2 * HORIZON, 2)
    assert score.mase == pytest.approx(mase(panel, NEW[: 2 * HORIZON] - 400, known))
    bounds = [past.bounds[80.0] for past in track]
    low = np.concatenate([low[0] for low, _ in bounds])
    high = np.concatenate([high[0] for _, high in bounds])
    is_inside = (low <= NEW[: 2 * HORIZON]) & (NEW[: 2 * HORIZON] <= high)
    assert score.coverage == {80.0: pytest.approx(is_inside.mean())}

    alone = live_score(panel, run, (track[0],))
    assert alone is not None
    assert alone.by == "rolled"  # one horizon of two


def test_of_a_longer_forecast_the_horizon_of_the_run_is_scored(run: Run) -> None:
    panel = with_more(run.tail, NEW[:HORIZON])
    longer = forecasting.forecast(run.tail, forecasting.extended(run.model, 20), (80.0,))
    scored = live_score(panel, run, (recorded_forecast(run, run.tail, longer),))
    usual = live_score(panel, run, (recorded(run, run.tail),))
    assert scored is not None
    assert usual is not None
    assert (scored.by, scored.rows) == ("stored", HORIZON)
    # numpy may add up other shapes in another order.
    assert scored.mase == pytest.approx(usual.mase, rel=1e-12)


def test_forecasts_of_another_run_or_a_shorter_horizon_are_not_scored(run: Run) -> None:
    panel = with_more(run.tail, NEW[:HORIZON])
    past = recorded(run, run.tail)
    other = replace(past.record, run="20260101T000000Z-000001-0123456789ab")
    for record in (other, replace(past.record, horizon=6)):
        score = live_score(panel, run, (replace(past, record=record),))
        assert score is not None
        assert score.by == "rolled"


def test_only_the_newest_horizons_are_scored(run: Run) -> None:
    panel = with_more(run.tail, NEW)
    known = len(run.tail.values)
    ends = [known + rows for rows in range(0, len(NEW) - HORIZON + 1, HORIZON)]
    track = [recorded(run, head(panel, np.array([end]))) for end in ends]
    for score in (live_score(panel, run, tuple(track)), live_score(panel, run, ())):
        assert score is not None
        assert (score.rows, score.forecasts) == (MOST_HORIZONS * HORIZON, MOST_HORIZONS)


def test_of_very_many_series_no_more_is_rolled_than_the_alarm_needs(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = with_more(run.tail, NEW)
    for most, horizons in ((3, 3), (1, 2), (0, 2), (99, MOST_HORIZONS)):
        monkeypatch.setattr(live, "MOST_ROLLED", most)
        score = live_score(panel, run, ())
        assert score is not None
        assert (score.by, score.rows) == ("rolled", horizons * HORIZON)


def test_coverage_is_told_of_the_levels_that_all_records_have(run: Run) -> None:
    panel = with_more(run.tail, NEW[: 2 * HORIZON])
    later = head(panel, np.array([len(run.tail.values) + HORIZON]))
    both = forecasting.forecast(run.tail, run.model, (50.0, 80.0))
    one = forecasting.forecast(later, run.model, (80.0,))
    track = (recorded_forecast(run, run.tail, both), recorded_forecast(run, later, one, 2))
    score = live_score(panel, run, track)
    assert score is not None
    assert list(score.coverage) == [80.0]


def test_of_a_new_series_no_row_was_known(run: Run) -> None:
    values = values_of(run.tail, 0)
    panel = with_values(run.tail, values, np.append(values, 1.0), ids=("new", ""))
    assert rows_known(panel, run).tolist() == [0, len(values)]


def test_skill_is_not_defined_without_both_errors() -> None:
    def scored(mase: float | None, naive: float | None) -> Live:
        return Live("stored", 1, 1, mase, naive, {})

    assert scored(0.5, 2.0).skill == 0.75
    assert (scored(None, 2.0).skill, scored(0.5, None).skill, scored(0.5, 0.0).skill) == (None,) * 3
