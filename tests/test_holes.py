"""Steps without a value (--gaps drop): which windows they leave, and what is said where they leave none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import (
    learning,
    planning,
    predict,
    read_csv,
    tables,
    train,
    training,
    windows,
)
from forecast_cli.errors import TooLittleDataError
from forecast_cli.members import Execution
from forecast_cli.panel import Panel, from_series
from forecast_cli.sources import settings_from
from forecast_cli.training import Fold, TrainingData, batches
from tests.conftest import HANG, ROOT, Result, held_out_scores

Write = Callable[..., Path]
QUICK: dict[str, Any] = {"epochs": 2, "units": "6", "members": 1}


def days(
    count: int, missing: Callable[[int], bool], start: str = "2023-01-02", seed: int = 1
) -> str:
    """A CSV of days with a weekly pattern, without the rows that are missing."""
    random = np.random.default_rng(seed)
    values = np.round(
        50 + 10 * np.sin(np.arange(count) / 7 * 2 * np.pi) + random.normal(0, 1, count), 2
    )
    dates = np.datetime64(start) + np.arange(count)
    rows = [
        f"{date},{value}"
        for i, (date, value) in enumerate(zip(dates, values, strict=True))
        if not missing(i)
    ]
    return "day,y\n" + "\n".join(rows) + "\n"


def weekdays(count: int) -> str:
    return days(count, lambda i: i % 7 >= 5)  # the first day is a Monday


def shops(missing: dict[str, Callable[[int], bool]]) -> str:
    """A panel of several shops, each without the rows that are missing."""
    parts = [
        days(120, none, seed=seed).splitlines()[1:] for seed, none in enumerate(missing.values())
    ]
    rows = [f"{name},{line}" for name, part in zip(missing, parts, strict=True) for line in part]
    return "unique_id,ds,y\n" + "\n".join(rows) + "\n"


def complete(i: int) -> bool:
    return False


def command(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which fails the test if it hangs."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "forecast_cli", *map(str, words)],
        cwd=cwd, env=environment, timeout=HANG, capture_output=True, text=True, check=False,
    )  # fmt: skip


# -- no window to train on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [30, 700, pytest.param(100_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("preset", ["auto", "classic"])
def test_weekdays_read_as_days_are_refused_at_once_naming_freq_b(
    count: int, preset: str, write: Write, tmp_path: Path
) -> None:
    write(weekdays(count))
    horizon = 3 if count == 30 else 12
    words = (
        "--freq",
        "D",
        "--gaps",
        "drop",
        "--horizon",
        horizon,
        "--lookback",
        8,
        "--preset",
        preset,
    )
    result = command("train", "data.csv", *words, "--time-limit", "5s", cwd=tmp_path)
    assert result.returncode == 21
    error, hint = result.stderr.splitlines()[-2:]
    assert error.startswith("error: data.csv: 0 of ")
    assert error.endswith("and the longest run of steps with a value has 5")
    assert (
        hint
        == "hint: no Saturday and no Sunday has a value: read the file as weekdays with --freq B"
    )
    assert not (tmp_path / "forecast_runs").exists()


def test_the_number_of_windows_and_what_they_take_are_named(write: Write, tmp_path: Path) -> None:
    path = write(weekdays(700))
    with pytest.raises(TooLittleDataError) as caught:
        train(
            path,
            freq="D",
            gaps="drop",
            horizon=12,
            draw=False,
            store_folder=tmp_path / "s",
            **QUICK,
        )
    assert caught.value.message == (
        f"{path}: 0 of 508 windows to train on are complete: a window takes 40 steps in a row "
        "(28 to look back on, 12 to forecast), and the longest run of steps with a value has 5"
    )
    trained = train(
        path, freq="B", gaps="drop", horizon=12, draw=False, store_folder=tmp_path / "s", **QUICK
    )
    assert np.isfinite(trained.forecast.values).all()


@pytest.mark.parametrize(
    ("count", "every", "longest"),
    [(30, 7, 6), (700, 30, 29), pytest.param(100_000, 30, 29, marks=pytest.mark.slow)],
)
def test_sparse_holes_are_refused_with_windows_that_would_fit(
    count: int, every: int, longest: int, write: Write, tmp_path: Path
) -> None:
    path = write(days(count, lambda i: i % every == every - 1))
    settings: dict[str, Any] = {
        "gaps": "drop",
        "horizon": 2,
        "store_folder": tmp_path / "s",
        **QUICK,
    }
    with pytest.raises(TooLittleDataError) as caught:
        train(path, lookback=longest, **settings)
    assert caught.value.hint == (
        f"use a --lookback and a --horizon of at most {longest} steps together, "
        "or fill the gaps with --gaps interpolate, ffill or zero"
    )
    trained = train(path, lookback=2, **settings)
    assert np.isfinite(trained.forecast.values).all()
    assert any("windows to train on are complete" in note.text for note in trained.notes)


@pytest.mark.parametrize(
    ("longest", "settings", "hint"),
    [
        (1, {"horizon": 2, "lookback": 4}, "fill the gaps with --gaps interpolate, ffill or zero"),
        (
            3,
            {"horizon": 2, "lookback": 4, "preset": "classic"},
            "use --lookback 2 or less, or fill the gaps with --gaps interpolate, ffill or zero",
        ),
    ],
)
def test_the_hint_names_what_can_help(
    longest: int, settings: dict[str, Any], hint: str, tmp_path: Path
) -> None:
    values = 10 + np.sin(np.arange(200.0))
    values[longest :: longest + 1] = np.nan
    with pytest.raises(TooLittleDataError) as caught:
        train(from_series([values]), draw=False, store_folder=tmp_path, **settings, **QUICK)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    "more",
    [{}, {"members": 2, "bagging": True}, {"members": 2, "boosting": True}, {"balance": True}],
)
def test_every_way_of_training_refuses_to_train_on_nothing(more: dict[str, Any]) -> None:
    values = 10 + np.sin(np.arange(200.0))
    decided = planning.make(
        from_series([values]), settings_from(horizon=2, lookback=4, **{**QUICK, **more})
    )
    values[::5] = np.nan
    with pytest.raises(TooLittleDataError, match="no window to train on is complete"):
        learning.learn(from_series([values]), decided, Execution())


def test_a_loop_over_no_window_is_an_error_and_not_endless() -> None:
    panel = from_series([10 + np.sin(np.arange(100.0))])
    decided = planning.make(panel, settings_from(horizon=2, lookback=4, **QUICK))
    none = windows.between(panel, 4, 2, np.zeros(1, int), np.zeros(1, int))
    with pytest.raises(TooLittleDataError):
        training.fit(TrainingData(panel.values, decided), [Fold(none)], lambda epoch: None)
    with pytest.raises(ValueError, match=r"^without a window there is no batch$"):
        batches.endless(0, 32, np.random.default_rng(1))


def test_holes_do_not_hide_the_season_from_the_rules() -> None:
    """The lag, and with it the reference that the network starts from, is found on the steps that have a value."""
    panel = read_csv_text(days(400, lambda i: i % 60 == 17))
    whole = read_csv_text(days(400, complete))
    settings = settings_from(horizon=7)
    assert planning.make(panel, settings).lag == planning.make(whole, settings).lag == 7


def read_csv_text(text: str) -> Panel:
    """The panel of a daily CSV, gaps left empty."""
    rows = [line.split(",") for line in text.splitlines()[1:]]
    first, last = (np.datetime64(rows[at][0], "D").astype(int) for at in (0, -1))
    values = np.full(last - first + 1, np.nan)
    for day, value in rows:
        values[np.datetime64(day, "D").astype(int) - first] = float(value)
    from forecast_cli.calendar import DAY, Frequency

    return from_series([values], Frequency("fixed", DAY), first=[int(first)])


# -- a hole in the validation and in the test part -------------------------------------------------------------------


@pytest.mark.parametrize("count", [200, 3_000])
def test_a_hole_in_the_validation_part_leaves_an_earlier_one_to_stop_by(
    count: int, tmp_path: Path
) -> None:
    """Few windows are validated at several origins, many at one: either way a complete one is looked for."""
    values = 50 + 10 * np.sin(np.arange(count) / 7) + np.random.default_rng(1).normal(0, 1, count)
    values[-10] = np.nan
    settings: dict[str, Any] = {
        "horizon": 7,
        "lookback": 7,
        "patience": 2,
        "epochs": 60,
        "learning_rate": 0.05,
        "members": 1,
    }
    trained = train(from_series([values]), units="6", draw=False, store_folder=tmp_path, **settings)
    assert trained.metrics.training.epochs < 60
    lines = trained.run.texts["history.csv"].decode().splitlines()[1:]
    assert all(float(line.split(",")[2]) > 0 for line in lines)


def test_no_complete_window_in_any_validation_part_is_said(tmp_path: Path) -> None:
    values = 50 + 10 * np.sin(np.arange(200) / 7) + np.random.default_rng(1).normal(0, 1, 200)
    values[[-10, -17, -24, -31]] = np.nan
    trained = train(
        from_series([values]),
        horizon=7,
        lookback=7,
        validation=7,
        patience=1,
        draw=False,
        store_folder=tmp_path,
        **QUICK,
    )
    warnings = [note.text for note in trained.notes if note.level == "warning"]
    assert warnings == [
        "no window ends in the 7 validation rows, so training was not stopped early; a larger --validation may help",
        "7 of 7 held-out rows are not scored: the steps before them have holes",
        "bounds are left empty: the rows that were not trained on hold no window in which errors can be measured",
    ]
    assert trained.metrics.training.epochs == 2


def test_held_out_rows_behind_a_hole_are_not_scored_and_it_is_said(
    write: Write, tmp_path: Path
) -> None:
    """The hole lies in the past of the second test window alone, and in the horizon of the first."""
    path = write(days(200, lambda i: i == 200 - 9))
    settings: dict[str, Any] = {
        "gaps": "drop",
        "horizon": 4,
        "lookback": 4,
        "test": 12,
        "validation": 20,
    }
    trained = train(path, draw=False, store_folder=tmp_path / "s", **settings, **QUICK)
    lines = [
        line.split(",") for line in trained.run.texts["predictions.csv"].decode().splitlines()[1:]
    ]
    assert len(lines) == 8
    assert all(np.isfinite(float(line[3])) and np.isfinite(float(line[4])) for line in lines)
    assert [line[2] for line in lines].count("") == 1
    errors = [abs(float(line[2]) - float(line[3])) for line in lines if line[2]]
    assert held_out_scores(trained.metrics).network.mae == pytest.approx(np.mean(errors))
    texts = [note.text for note in trained.notes if note.level == "warning"]
    assert texts == ["4 of 12 held-out rows are not scored: the steps before them have holes"]


def test_baselines_are_scored_on_the_rows_of_the_network(tmp_path: Path) -> None:
    """A season that is longer than the lookback may hold a hole; the baseline then looks back one season more."""
    values = 50 + 10 * np.sin(np.arange(200) / 7 * 2 * np.pi)
    values[200 - 2 * 7 + 1] = np.nan  # in the last season before the test part
    trained = train(
        from_series([values]),
        season="7",
        horizon=3,
        test=7,
        lookback=3,
        draw=False,
        store_folder=tmp_path,
        **QUICK,
    )
    lines = [
        line.split(",") for line in trained.run.texts["predictions.csv"].decode().splitlines()[1:]
    ]
    assert len(lines) == 7
    assert [float(line[2]) for line in lines] == pytest.approx([float(line[4]) for line in lines])
    assert held_out_scores(trained.metrics).seasonal_naive.mae == pytest.approx(0, abs=1e-9)


def test_without_a_held_out_row_to_score_the_verdict_says_so(write: Write, tmp_path: Path) -> None:
    path = write(days(200, lambda i: i == 200 - 9))
    trained = train(
        path,
        gaps="drop",
        horizon=7,
        lookback=7,
        draw=False,
        store_folder=tmp_path / "s",
        refit=False,
        **QUICK,
    )
    assert trained.metrics.test is None
    assert trained.metrics.verdict == (
        "No held-out row could be scored, so nothing says whether the network is worth it."
    )
    assert "7 of 7 held-out rows are not scored: the steps before them have holes" in [
        n.text for n in trained.notes
    ]
    assert np.isfinite(trained.forecast.values).all()


# -- a hole in the newest window -------------------------------------------------------------------------------------


def test_a_hole_in_the_newest_window_is_refused_before_the_training(
    forecast: Callable[..., Result], write: Write
) -> None:
    write(days(300, lambda i: i == 300 - 4))
    asked = ("train", "data.csv", "--gaps", "drop", "--epochs", 1, "--members", 1)
    result = forecast(*asked, "--horizon", 7, "--lookback", 14)
    assert result.code == 21
    assert result.err.splitlines()[-2:] == [
        "error: data.csv: 1 of the newest 14 steps, on which the network looks back, has no value, "
        "the first at 2023-10-25",
        "hint: fill the gaps with --gaps interpolate, ffill or zero, or train with --lookback 3 or less",
    ]
    assert not Path("forecast_runs").exists()
    assert forecast(*asked, "--horizon", 2, "--lookback", 3).code == 0


def test_a_hole_in_the_newest_window_of_newer_data_is_refused_until_it_is_filled(
    forecast: Callable[..., Result], write: Write
) -> None:
    write(days(200, complete))
    assert (
        forecast(
            "train",
            "data.csv",
            "--gaps",
            "drop",
            "--horizon",
            3,
            "--lookback",
            14,
            "--epochs",
            1,
            "--members",
            1,
        ).code
        == 0
    )
    write(days(220, lambda i: i in (220 - 5, 220 - 9)), "newer.csv")
    assert forecast("predict", "newer.csv") == Result(
        21, "",
        "error: newer.csv: 2 of the newest 14 steps, on which the network looks back, have no value, "
        "the first at 2023-08-01\n"
        "hint: fill the gaps with --gaps interpolate, ffill or zero, or train with --lookback 4 or less\n",
    )  # fmt: skip
    filled = forecast("predict", "newer.csv", "--gaps", "interpolate")
    assert (filled.code, len(filled.out.splitlines())) == (0, 4)


@pytest.mark.parametrize("short", ["fallback", "drop"])
def test_in_a_panel_only_the_series_with_a_hole_fall_back(
    short: str, write: Write, tmp_path: Path
) -> None:
    path = write(
        shops({"whole": complete, "hole": lambda i: i == 117, "sieve": lambda i: i % 5 == 3})
    )
    settings: dict[str, Any] = {"gaps": "drop", "horizon": 7, "lookback": 14, "short": short}
    trained = train(path, draw=False, store_folder=tmp_path / "s", **settings, **QUICK)
    found = trained.forecast
    assert (found.fallback or found.dropped) == ("hole", "sieve")
    assert np.isfinite(found.values).all()
    what_then = "their last season is repeated" if short == "fallback" else "they were left out"
    assert [note.text for note in trained.notes if note.level == "degraded"] == [
        f"steps without a value in the newest 14 steps, on which the network looks back, so {what_then}: 'hole', 'sieve'"
    ]
    again = predict(store_folder=tmp_path / "s").forecast
    assert tables.forecast_csv(again) == trained.run.texts["forecast.csv"]


def test_a_fallback_over_a_hole_repeats_the_value_one_season_earlier(
    write: Write, tmp_path: Path
) -> None:
    path = write(shops({"whole": complete, "hole": lambda i: i == 117}))
    trained = train(
        path, gaps="drop", horizon=7, lookback=14, draw=False, store_folder=tmp_path / "s", **QUICK
    )
    hole = trained.panel.values[120:]
    assert np.isnan(hole[117])
    assert trained.forecast.values[1].tolist() == [*hole[113:117], hole[110], *hole[118:]]


def test_series_with_a_hole_are_refused_by_name_if_asked(write: Write, tmp_path: Path) -> None:
    path = write(
        shops({"whole": complete, "hole": lambda i: i == 117, "sieve": lambda i: i % 5 == 3})
    )
    with pytest.raises(TooLittleDataError) as caught:
        train(
            path,
            gaps="drop",
            horizon=7,
            lookback=14,
            short="refuse",
            draw=False,
            store_folder=tmp_path / "s",
            **QUICK,
        )
    assert caught.value.message == (
        f"{path}: series 'hole': 1 of the newest 14 steps, on which the network looks back, has no value, "
        "the first at 2023-04-29 (1 more such series)"
    )
    assert caught.value.hint == (
        "fill the gaps with --gaps interpolate, ffill or zero, or train with --lookback 2 or less, "
        "or with --short fallback or drop"
    )


def test_a_panel_of_which_no_series_can_be_read_is_refused(write: Write, tmp_path: Path) -> None:
    path = write(shops({"a": lambda i: i == 117, "b": lambda i: i == 110}))
    with pytest.raises(
        TooLittleDataError, match=r"series 'a': 1 of the newest 14 steps.*\(1 more such series\)"
    ):
        train(
            path,
            gaps="drop",
            horizon=7,
            lookback=14,
            draw=False,
            store_folder=tmp_path / "s",
            **QUICK,
        )


def test_many_series_of_which_the_first_have_holes_are_published(tmp_path: Path) -> None:
    """The first series are the ones that a run is tried out on before it is published."""
    random = np.random.default_rng(1)
    series = [50 + random.normal(0, 1, 60) for _ in range(80)]
    for values in series[:70]:
        values[-3] = np.nan
    trained = train(
        from_series(series), horizon=3, lookback=6, draw=False, store_folder=tmp_path, **QUICK
    )
    assert len(trained.forecast.fallback) == 70
    assert np.isfinite(trained.forecast.values).all()


def test_weekdays_are_told_from_other_holes() -> None:
    panel = read_csv_text(weekdays(60))
    assert windows.has_weekdays_only(panel)
    assert not windows.has_weekdays_only(read_csv_text(days(60, lambda i: i % 7 in (4, 5))))
    assert not windows.has_weekdays_only(read_csv_text(days(60, complete)))
    assert not windows.has_weekdays_only(
        replace(panel, frequency=from_series([np.arange(3.0)]).frequency)
    )


def test_the_longest_run_of_steps_with_a_value_is_counted_inside_of_each_series() -> None:
    nan = np.nan
    panel = from_series([np.array([1, 2, nan, 4, 5, 6.0]), np.array([1, 2, nan])])
    assert windows.longest_run(panel, np.array([6, 3])) == 3
    assert windows.longest_run(panel, np.array([4, 3])) == 2
    assert windows.longest_run(panel, np.array([0, 0])) == 0


def test_predict_of_a_file_read_with_gaps_dropped_forecasts_again(
    write: Write, tmp_path: Path
) -> None:
    path = write(days(200, lambda i: i % 40 == 5))
    trained = train(
        path, gaps="drop", horizon=5, lookback=8, draw=False, store_folder=tmp_path / "s", **QUICK
    )
    assert np.isnan(read_csv(path, gaps="drop").values).sum() == 5
    found = predict(store_folder=tmp_path / "s").forecast
    assert tables.forecast_csv(found) == trained.run.texts["forecast.csv"]
