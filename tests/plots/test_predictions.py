from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from forecast_cli import plots, store, tables, train
from forecast_cli.plots import predictions
from forecast_cli.plots.fonts import Labels
from tests.plots.helpers import QUICK, many, picture


@pytest.mark.parametrize("count", [2, 5, 400])
def test_one_picture_serves_any_number_of_series(tmp_path: Path, count: int) -> None:
    run = train(many(count), draw=False, store_folder=tmp_path, **QUICK).run
    stories, left_out = predictions.stories_of(run)
    assert len(stories) == min(count, predictions.SHOWN)
    assert left_out == max(count - predictions.SHOWN, 0)
    assert picture(plots.draw(run, ["predictions"]).files["predictions.png"]).shape[1] == 800


def test_of_many_series_those_predicted_best_come_first_and_those_predicted_worst_last(
    tmp_path: Path,
) -> None:
    run = train(many(9), draw=False, store_folder=tmp_path, **QUICK).run
    rows = tables.read_predictions(
        run.texts["predictions.csv"], run.config.columns, run.config.plan.levels
    )
    errors = {
        name: np.abs(rows.numbers["actual"] - rows.numbers["forecast"])[mine].sum()
        / np.abs(rows.numbers["actual"])[mine].sum()
        for name, mine in rows.by_series().items()
    }
    ranked = sorted(errors, key=lambda name: errors[name])
    stories, left_out = predictions.stories_of(run)
    assert [story.name for story in stories] == [*ranked[:3], *ranked[-3:]]
    assert left_out == 3
    assert "6 of 9 series: the 3 predicted best and the 3 predicted worst" in figure_title(run)


def figure_title(run: store.Run) -> str:
    return predictions.figure(run, Labels()).get_suptitle()


def test_a_story_joins_what_the_tables_and_the_stored_rows_say(airline_store: Path) -> None:
    run = store.load(airline_store)
    ((story,), _) = predictions.stories_of(run)
    assert story.name == ""
    assert list(story.values) == list(run.tail.values)
    start, stop = story.held_out
    assert (stop - start, stop) == (12, len(story.values))
    assert str(story.at[start]).startswith("1960-01")
    assert list(story.predicted_at) == list(story.at[start:])
    assert str(story.forecast_at[0]).startswith("1961-01")
    assert [interval.name for interval in story.intervals] == ["80 % interval", "95 % interval"]
    first = run.texts["forecast.csv"].decode().splitlines()[1].split(",")
    bounds = [end[0] for interval in story.intervals for end in (interval.low, interval.high)]
    assert [story.forecast[0], *bounds] == [float(number) for number in first[1:]]


def test_intervals_of_a_single_step_can_be_seen(tmp_path: Path) -> None:
    run = train(many(1), draw=False, store_folder=tmp_path, horizon=1, **QUICK).run
    ((story,), _) = predictions.stories_of(run)
    axes = predictions.figure(run, Labels()).axes[0]
    bars = [child for child in axes.collections if isinstance(child, LineCollection)]
    drawn = [[float(y) for _, y in bar.get_segments()[0]] for bar in bars]
    assert drawn == [[interval.low[0], interval.high[0]] for interval in reversed(story.intervals)]


def test_a_run_without_a_held_out_part_or_a_forecast_shows_what_there_is(
    airline_store: Path,
) -> None:
    run = store.load(airline_store)
    header = run.texts["forecast.csv"].splitlines(keepends=True)[0]
    bare = replace(run, texts=run.texts | {"predictions.csv": b"", "forecast.csv": header})
    figure = predictions.figure(bare, Labels())
    assert [line.get_label() for line in figure.axes[0].lines] == ["history"]
    assert np.asarray(figure.axes[0].lines[0].get_ydata()).tolist() == list(run.tail.values)


def test_series_without_known_values_are_ranked_last() -> None:
    nan = np.nan
    assert predictions.relative_error(np.array([2.0, nan]), np.array([3.0, 5.0])) == 0.5
    assert predictions.relative_error(np.array([0.0, 0.0]), np.array([1.0, 1.0])) == np.inf
    assert predictions.relative_error(np.array([nan]), np.array([1.0])) == np.inf
