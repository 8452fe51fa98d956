"""The scores of benchmarks/scores.py, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import scores
from benchmarks.suites import Suite


def suite_of(training: list[float], test: list[float], name: str = "made-up") -> Suite:
    return Suite(name, {"a": np.array(training)}, {"a": np.array(test)}, len(test), 1)


def test_scores_are_those_of_the_formulas() -> None:
    suite = suite_of([1, 3, 5], [8, 12])
    found = scores.scores(suite, {"a": np.array([12.0, 12.0])})
    # The scale of MASE is 2, the errors are 4 and 0.
    assert found == {"smape": 20.0, "mase": 1.0, "rmse": round(8**0.5, 3)}


def test_series_count_alike_whatever_their_size() -> None:
    training = {"a": np.array([1.0, 3.0]), "b": np.array([100.0, 300.0])}
    test = {"a": np.array([5.0]), "b": np.array([500.0])}
    suite = Suite("made-up", training, test, 1, 1)
    found = scores.scores(suite, {"a": np.array([7.0]), "b": np.array([500.0])})
    assert found["mase"] == 0.5
    assert "rmse" not in found


def test_owa_is_relative_to_naive2_on_m4_hourly_alone() -> None:
    suite = suite_of([1, 3, 5], [8, 12], "m4-hourly")
    found = scores.scores(suite, {"a": np.array([12.0, 12.0])})
    assert found["owa"] == round((20 / 18.383 + 1 / 2.395) / 2, 4)


def test_gaps_are_not_scored() -> None:
    suite = suite_of([1, np.nan, 5, 7], [8, np.nan])
    found = scores.scores(suite, {"a": np.array([10.0, 1e9])})
    assert found["mase"] == 1.0


def test_coverage_is_the_share_inside_over_all_series() -> None:
    training = {"a": np.array([1.0, 2.0]), "b": np.array([1.0, 2.0])}
    test = {"a": np.array([1.0, 5.0]), "b": np.array([1.0, np.nan])}
    suite = Suite("made-up", training, test, 2, 1)
    low = {"a": np.zeros(2), "b": np.zeros(2)}
    high = {"a": np.full(2, 2.0), "b": np.full(2, 2.0)}
    assert scores.coverage_percent(suite, {"80": (low, high)}) == {"80": 66.7}


def test_msis_is_the_width_and_ten_times_what_lies_outside_80_percent() -> None:
    suite = suite_of([1, 3, 5], [1, 5])
    bounds = {"80": ({"a": np.zeros(2)}, {"a": np.full(2, 4.0)})}
    # Widths of 4, and 1 outside once, over a scale of 2.
    assert scores.msis(suite, bounds) == {"80": (4 + 10 / 2) / 2}


def test_the_season_is_repeated_from_its_last_known_values() -> None:
    history = np.array([1.0, 2.0, 3.0, 4.0, np.nan, 6.0, 7.0])
    assert scores.repeated(history, 3, 4).tolist() == [2.0, 6.0, 7.0, 2.0]
    assert scores.repeated(history, 1, 2).tolist() == [7.0, 7.0]
    assert scores.repeated(np.array([1.0, 2.0]), 3, 2).tolist() == [2.0, 2.0]


def test_forecasts_from_later_origins_know_the_rows_between() -> None:
    suite = Suite(
        "made-up", {"": np.array([1.0, 2.0])}, {"": np.array([3.0, 4.0, 5.0, 6.0])}, 2, 1, origins=2
    )
    assert scores.naive(suite)[""].tolist() == [2.0, 2.0, 4.0, 4.0]


def test_the_season_that_the_tool_is_given_is_the_one_that_is_repeated() -> None:
    suite = Suite("made-up", {"": np.arange(8.0)}, {"": np.arange(2.0)}, 2, 1, "4")
    assert scores.seasonal_naive(suite)[""].tolist() == [4.0, 5.0]


def test_z_scores_see_the_first_rows_alone() -> None:
    values = np.array([[1.0], [3.0], [9.0]])
    assert scores.z_scores(values, 2).tolist() == [[-1.0], [1.0], [7.0]]


@pytest.mark.parametrize(("start", "expected"), [(2, (4.0, 2.0)), (4, (4.0, 2.0))])
def test_every_window_of_the_test_part_counts(start: int, expected: tuple[float, float]) -> None:
    # Repeating two rows of a line is two off at both steps.
    line = np.arange(8.0)[:, None]
    assert scores.window_errors(line, start, 2, 2) == expected


def test_only_windows_with_targets_in_the_test_part_count() -> None:
    values = np.array([0.0, 0.0, 0.0, 0.0, 6.0])[:, None]
    # Windows of two steps begin at the rows 2 and 3; one of their four targets is 6 off.
    assert scores.window_errors(values, 2, 2, 1) == (9.0, 1.5)
