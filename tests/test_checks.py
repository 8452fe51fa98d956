from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import checks
from forecast_cli.calendar import DAY, Frequency
from forecast_cli.checks import Finding, check, outliers, strength, strengths
from forecast_cli.messages import Note
from forecast_cli.panel import Panel, TimeFormat, from_series
from forecast_cli.reading import read_csv
from tests.conftest import AIRLINE, SAMPLES

DAILY = Frequency("fixed", DAY)
T = np.arange(400)


def found(panel: Panel, *arguments: object) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(panel, *arguments)}  # type: ignore[arg-type]


def days(*series: np.ndarray, ids: list[str] | None = None) -> Panel:
    return from_series(list(series), DAILY, ids=ids, time_format=TimeFormat("%Y-%m-%d"))


def test_the_airline_sample_in_words() -> None:
    texts = {name: finding.text for name, finding in found(read_csv(AIRLINE)).items()}
    assert texts == {
        "shape": "1 series of 144 steps",
        "columns": "time 'Month', target 'Passengers'",
        "frequency": "monthly",
        "span": "1949-01 to 1960-12",
        "gaps": "none",
        "duplicates": "none",
        "outliers": "none",
        "seasons": texts["seasons"],
        "constant": "none",
        "short": "none",
    }
    assert texts["seasons"].startswith("12 (strength 0.7")


def test_the_panel_sample_names_what_is_not_used_and_what_was_filled() -> None:
    findings = found(read_csv(SAMPLES / "panel.csv"))
    assert findings["columns"].text == "time 'ds', target 'y', id 'unique_id', not used: 'promo'"
    assert "interpolated" in findings["gaps"].text
    assert findings["shape"].text == "8 series of 175 to 420 steps, half of them at least 297"


def test_strength_is_one_for_a_season_alone_and_near_zero_for_noise() -> None:
    season = np.tile([1.0, 5.0, 2.0, 8.0, 3.0, 0.0, 4.0], 20)
    assert strength(season + 0.5 * np.arange(140), 7) == pytest.approx(1)
    noise = np.random.default_rng(1).normal(size=(200, 28))
    measured = [strength(row, 7) for row in noise]
    assert np.median([m for m in measured if m is not None]) < 0.15
    assert strength(np.full(100, 3.0), 7) is None
    assert strength(season[:20], 7) is None
    assert strength(np.full(100, np.nan), 7) is None


@pytest.mark.parametrize("season", [2, 7, 12, 24])
def test_strength_is_that_of_its_definition(season: int) -> None:
    """1 - var(remainder) / var(detrended), with a plain moving average and unbiased variances."""
    values = np.random.default_rng(season).normal(size=8 * season) + 3 * np.sin(
        2 * np.pi * np.arange(8 * season) / season
    )
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    trend = np.convolve(values, weights / season, "valid")
    half = len(weights) // 2
    detrended = values[half:-half] - trend
    remainder = detrended - np.array(
        [detrended[k % season :: season].mean() for k in range(len(detrended))]
    )
    unbiased = (remainder**2).sum() / (len(detrended) - season)
    assert strength(values, season) == pytest.approx(max(0.0, 1 - unbiased / detrended.var(ddof=1)))


def test_strength_does_not_change_with_scale_or_level() -> None:
    values = np.sin(T / 7 * 2 * np.pi) + np.random.default_rng(2).normal(size=400)
    assert strength(1e6 * values + 1e9, 7) == pytest.approx(strength(values, 7), rel=1e-6)


@pytest.mark.parametrize("position", [0, 3, 10, 200, 392, 396, 399])
def test_one_odd_value_is_found_once_wherever_it_is(position: int) -> None:
    values = 10 * np.sin(T / 7 * 2 * np.pi) + np.random.default_rng(3).normal(size=400)
    assert outliers(values, 7)[0].tolist() == []
    values[position] += 60
    at, scores = outliers(values, 7)
    assert at.tolist() == [position]
    assert scores[0] > checks.LIMIT


def test_a_change_of_level_is_no_outlier_and_equal_values_with_a_spike_have_one() -> None:
    values = np.random.default_rng(4).normal(size=400)
    values[200:] += 100
    assert len(outliers(values, 7)[0]) == 0
    spike = np.full(100, 5.0)
    spike[40] = 90
    assert outliers(spike, 1)[0].tolist() == [40]
    assert len(outliers(np.full(100, 5.0), 1)[0]) == len(outliers(np.full(100, np.nan), 1)[0]) == 0
    assert len(outliers(np.array([1.0, 2.0]), 7)[0]) == 0


def test_the_worst_outlier_is_named_with_time_and_value() -> None:
    one, two = np.random.default_rng(5).normal(size=(2, 400))
    one[100], two[7] = 40, -90
    finding = found(days(one, two, ids=["a", "b"]))["outliers"]
    assert finding.text == "2 in 2 series; the worst is series 'b', 1970-01-08: -90"
    assert finding.level == "warning"
    assert [w["time"] for w in finding.details["worst"]] == ["1970-01-08", "1970-04-11"]


def test_constant_and_short_series_are_counted_and_the_first_named() -> None:
    series = [np.sin(T), *(np.full(400, float(k)) for k in range(5)), np.sin(T[:9])]
    findings = found(days(*series, ids=list("abcdefg")), (7,), 14)
    assert findings["constant"].text == "5 of 7 series: 'b', 'c', 'd' and 2 more"
    assert (
        findings["short"].text
        == "1 of 7 series have fewer than the 14 steps that the network looks back on: 'g'"
    )
    assert (
        findings["span"].text
        == "1970-01-01 to 1971-02-04; 1 series ends earlier, first 'g' at 1970-01-09"
    )
    assert found(days(np.full(30, 2.0)))["constant"].text == "the series is constant"


def test_holes_that_were_not_filled_are_counted() -> None:
    values = np.sin(T)
    values[[5, 6, 90]] = np.nan
    finding = found(days(values, np.sin(T)))["gaps"]
    assert (finding.text, finding.level) == ("3 steps of 1 series have no value", "warning")


def test_noise_has_no_season_to_speak_of() -> None:
    finding = found(days(np.random.default_rng(6).normal(size=400)))["seasons"]
    assert finding.text.endswith("; none to speak of: --season 1 does without")
    assert (
        found(from_series([np.sin(T)]))["seasons"].text
        == "none usual for such rows; --season names some"
    )
    assert found(days(np.sin(T[:15])))["seasons"].text == "7 (too short to measure)"


def test_what_else_the_reader_said_is_there_word_for_word() -> None:
    panel = dataclasses.replace(
        days(np.sin(T)), notes=(Note("mixed_steps", "warning", "something odd"),)
    )
    assert found(panel)["reading"] == Finding("reading", "something odd", "warning")


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_findings_are_as_readable_for_many_series_as_for_one(count: int) -> None:
    generator = np.random.default_rng(7)
    series = [generator.normal(size=int(n)) for n in generator.integers(3, 90, count)]
    for values in series:
        values[1] = 500
    findings = check(days(*series, ids=[f"shop {n}" for n in range(count)]), (7,), 20)
    assert len(findings) == 10
    assert max(len(finding.text) for finding in findings) < 130


def test_a_long_season_is_measured_in_what_the_short_ones_leave() -> None:
    days = np.arange(24 * 7 * 8)
    daily, weekly = np.sin(2 * np.pi * days / 24), np.where(days // 24 % 7 >= 5, -1.0, 0.0)
    noise = np.random.default_rng(0).normal(0, 0.1, len(days))
    assert strengths(daily + noise, (24, 168)) == pytest.approx([0.98, 0], abs=0.02)
    assert strengths(weekly + noise, (24, 168)) == pytest.approx([0, 0.95], abs=0.02)
    assert min(s for s in strengths(daily + weekly + noise, (24, 168)) if s is not None) > 0.9
    assert strengths(daily[:48] + noise[:48], (24, 168)) == [None, None]


def test_sums_and_the_days_without_any_are_said_where_they_belong(
    write: Callable[..., Path],
) -> None:
    path = write("day,y\n2024-01-01,1\n2024-01-01,2\n2024-01-02,4\n2024-01-04,8\n2024-01-05,1\n")
    findings = found(read_csv(path, duplicates="sum"))
    assert (findings["duplicates"].text, findings["duplicates"].level) == (
        "1 rows repeat the time of another; they were added", "warning",
    )  # fmt: skip
    assert findings["gaps"].text == (
        "1 step without rows counts as 0 after --duplicates sum; --gaps interpolate, ffill or drop for another way"
    )
    assert "reading" not in findings
