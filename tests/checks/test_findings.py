"""Findings in words, for one series and for many."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecast_cli.calendar import DAY, Frequency
from forecast_cli.checks import Finding, check
from forecast_cli.messages import Note
from forecast_cli.panel import Floats, Panel, TimeFormat, from_series
from forecast_cli.reading import read_csv
from tests.conftest import AIRLINE, SAMPLES

DAILY = Frequency("fixed", DAY)
T = np.arange(400)


def found(
    panel: Panel, seasons: tuple[int, ...] | None = None, needed: int | None = None
) -> dict[str, Finding]:
    return {finding.name: finding for finding in check(panel, seasons, needed)}


def days(*series: Floats, ids: list[str] | None = None) -> Panel:
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
    assert findings["shape"].text == "8 series of 175 to 420 steps, median 297"


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
        findings["short"].text == "1 of 7 series has fewer rows than the lookback of 14 steps: 'g'"
    )
    assert (
        findings["span"].text
        == "1970-01-01 to 1971-02-04; 1 series ends earlier, the earliest is 'g' at 1970-01-09"
    )
    assert found(days(np.full(30, 2.0)))["constant"].text == "the series is constant"


def test_holes_that_were_not_filled_are_counted() -> None:
    values = np.sin(T)
    values[[5, 6, 90]] = np.nan
    finding = found(days(values, np.sin(T)))["gaps"]
    assert (finding.text, finding.level) == ("3 steps in 1 series have no value", "warning")


def test_the_season_of_noise_is_called_too_weak() -> None:
    finding = found(days(np.random.default_rng(6).normal(size=400)))["seasons"]
    assert finding.text.endswith("; too weak to be of use: --season 1 trains without")
    assert (
        found(from_series([np.sin(T)]))["seasons"].text
        == "no season is usual for this step; --season sets one"
    )
    assert found(days(np.sin(T[:15])))["seasons"].text == "7 (too few rows to measure)"


def test_other_notes_of_the_reader_are_findings_word_for_word() -> None:
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


def test_notes_on_added_rows_and_on_gaps_stand_in_the_findings_of_that_name(
    write: Callable[..., Path],
) -> None:
    path = write("day,y\n2024-01-01,1\n2024-01-01,2\n2024-01-02,4\n2024-01-04,8\n2024-01-05,1\n")
    findings = found(read_csv(path, duplicates="sum"))
    assert findings["duplicates"].text == "1 row repeats the time of another; they were added"
    assert findings["duplicates"].level == "warning"
    assert findings["gaps"].text == (
        "1 step without rows counts as 0 after --duplicates sum; --gaps interpolate, ffill or drop for another way"
    )
    assert "reading" not in findings


def test_of_many_notes_of_the_reader_the_first_six_are_shown() -> None:
    notes = tuple(Note("mixed_steps", "info", f"note {number}") for number in range(9))
    panel = dataclasses.replace(days(np.sin(T)), notes=notes)
    texts = [finding.text for finding in check(panel) if finding.name == "reading"]
    assert texts == [*(f"note {number}" for number in range(6)), "and 3 more notes"]


def test_roles_of_columns_are_listed_with_how_their_numbers_are_written() -> None:
    panel = dataclasses.replace(
        days(np.sin(T)),
        past_names=("visits",),
        past=np.ones((400, 1)),
        static_names=("size=big",),
        static=np.ones((1, 1)),
        written={"visits": "in $"},
    )
    finding = found(panel)["columns"]
    assert finding.text == (
        "no time column: a row is a step, target 'y', past 'visits' in $, static 'size=big'"
    )
    assert finding.details["past"] == ["visits"]
