"""The words on how good a forecast is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from forecast_cli.evaluation import Autocorrelation, Bias, Comparison
from forecast_cli.messages import number
from forecast_cli.report import Subject, quality
from forecast_cli.report.subject import comparisons
from tests.conftest import held_out_scores
from tests.report.helpers import tables_of, texts_of, with_metrics


def a_comparison(low: float | None, high: float | None, pairs: int = 25) -> Comparison:
    return Comparison(
        rival="naive",
        metric="mase",
        pairs=pairs,
        won=0.6,
        series_won=0.6,
        origins_won=1.0,
        error=0.8,
        rival_error=1.0,
        difference=-0.2,
        low=low,
        high=high,
    )


def test_scores_are_those_of_the_training_beside_naive_forecasts_with_intervals(
    hostile: Subject,
) -> None:
    assert hostile.rows is not None
    compared = comparisons(hostile.rows.backtest)
    section = quality.scores_section(hostile, compared)
    (table,) = tables_of(section)

    assert [row[0] for row in table.rows] == ["this network", "seasonal naive (7)", "naive"]
    test = held_out_scores(hostile.run.metrics)
    assert table.rows[0][4] == number(test.network.mase)
    assert table.rows[0][5] == ""
    low, high = compared["naive"].low, compared["naive"].high
    assert low is not None
    assert high is not None
    assert low < compared["naive"].difference < high
    assert " to " in table.rows[2][5]
    assert "2,000 draws of the series" in texts_of(section)


@pytest.mark.parametrize(
    ("comparison", "sentence"),
    [
        (
            a_comparison(-0.3, -0.1),
            "The network's MASE is 20% below that of the naive forecast, and smaller in 60% of 25 "
            "windows; the difference is larger than chance would explain.",
        ),
        (
            a_comparison(-0.3, 0.1),
            "The network's MASE is 20% below that of the naive forecast, and smaller in 60% of 25 "
            "windows; the difference may be chance.",
        ),
        (
            a_comparison(None, None, pairs=1),
            "The network's MASE is 20% below that of the naive forecast.",
        ),
        (
            replace(a_comparison(None, None), rival_error=0.0),
            "The naive forecast has no error at all on these rows.",
        ),
    ],
)
def test_how_sure_a_difference_is_is_said_in_a_sentence(
    hostile: Subject, comparison: Comparison, sentence: str
) -> None:
    section = quality.scores_section(hostile, {"naive": comparison})
    assert texts_of(section).splitlines()[0] == sentence


def test_the_best_the_median_and_the_worst_series_are_in_the_table(hostile: Subject) -> None:
    ranked = quality.ranked_series(hostile)
    (table,) = tables_of(quality.series_section(hostile, {}, ranked))
    assert len(ranked) == 25
    assert [row[1] for row in table.rows] == [
        str(rank) for rank in (1, 2, 3, 4, 5, 13, 21, 22, 23, 24, 25)
    ]
    errors = [float(row[2]) for row in table.rows]
    assert errors == sorted(errors)
    assert table.rows[0][0] == hostile.run.tail.ids[ranked[0]]


def test_errors_by_step_are_all_in_the_table_where_there_are_few(hostile: Subject) -> None:
    section = quality.steps_section(hostile, {"errors": "<svg></svg>"})
    (table,) = tables_of(section)
    assert [row[0] for row in table.rows] == [str(step) for step in range(1, 8)]


@pytest.mark.parametrize("count", [1, 14, 15, 1_000])
def test_of_many_steps_the_first_the_last_and_some_between_are_shown(count: int) -> None:
    spread = quality._spread(count, 14)
    assert spread[0] == 0
    assert spread[-1] == count - 1
    assert len(spread) == min(count, 14)


# -- intervals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [dict, SimpleNamespace])
def test_coverage_that_was_measured_is_a_table(hostile: Subject, form: Any) -> None:
    coverage = [form(level=80.0, values=1_344, held=1_060, msis=4.2)]
    intervals = hostile.run.metrics.intervals.model_copy(update={"coverage": coverage})
    subject = replace(hostile, run=with_metrics(hostile.run, intervals=intervals))
    (table,) = tables_of(quality.coverage_section(subject))
    assert table.rows == (("80 %", "78.9 %", "1,344", "4.200"),)


@pytest.mark.parametrize(
    "coverage", [None, [], "80", [{"level": 80.0}], [1], [{"level": 80.0, "values": 0, "held": 0}]]
)
def test_coverage_that_is_not_there_is_not_made_up(hostile: Subject, coverage: object) -> None:
    intervals = hostile.run.metrics.intervals.model_copy(update={"coverage": coverage})
    subject = replace(hostile, run=with_metrics(hostile.run, intervals=intervals))
    section = quality.coverage_section(subject)
    assert tables_of(section) == []
    assert "was not measured" in texts_of(section)


# -- residuals ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bias", "said"),
    [
        (
            Bias(0.5, 0.2, 0.8, 1.0),
            "0.5000 too low (in units of MASE), where the mean size of an error is 1.000. The mean "
            "error lies in +0.2000 to +0.8000 with 95 % confidence, more than chance would explain.",
        ),
        (
            Bias(-0.5, -0.8, 0.2, 1.0),
            "0.5000 too high (in units of MASE), where the mean size of an error is 1.000. The mean "
            "error lies in −0.8000 to +0.2000 with 95 % confidence, which may be chance.",
        ),
        (
            Bias(0.5, None, None, 1.0),
            "There are too few windows to say whether that is chance.",
        ),
    ],
)
def test_bias_is_said_with_its_direction_and_its_certainty(
    hostile: Subject, bias: Bias, said: str
) -> None:
    found = Autocorrelation(np.empty(0, np.int64), np.empty(0), np.empty(0))
    text = texts_of(quality.residuals_section(hostile, {}, found, bias, None))
    assert said in text
    assert "too few held-out rows to measure it" in text


def test_only_correlations_from_one_forecast_to_the_next_count_against_it(
    hostile: Subject,
) -> None:
    lags, limits = np.arange(1, 15), np.full(14, 0.2)
    values = np.where(lags < 7, 0.9, 0.1)
    bias = Bias(0.0, None, None, 1.0)
    within = Autocorrelation(lags, values, limits)
    text = texts_of(quality.residuals_section(hostile, {}, within, bias, None))
    assert "There it stays within the limits of chance." in text

    values = np.where(lags == 9, 0.5, values)
    beyond = Autocorrelation(lags, values, limits)
    text = texts_of(quality.residuals_section(hostile, {}, beyond, bias, None))
    assert "It exceeds the limits there, at 9 rows apart." in text
