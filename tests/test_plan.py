from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from forecast_cli import calendar, plan
from forecast_cli.config import settings_from
from forecast_cli.errors import SettingsError, TooLittleDataError
from forecast_cli.panel import from_series, head
from forecast_cli.reader import read_csv
from tests.conftest import AIRLINE, SAMPLES

T = np.arange(400)


def test_a_season_longer_than_the_lookback_given_is_not_repeated() -> None:
    panel = read_csv(AIRLINE)
    assert plan.make(panel, settings_from(lookback=10)).lag == 1
    assert plan.make(panel, settings_from(lookback=12)).lag == 12


def test_auto_reads_the_airline_sample_as_a_person_would() -> None:
    decided = plan.make(read_csv(AIRLINE), settings_from())
    assert (decided.horizon, decided.lookback, decided.lag, decided.seasons) == (12, 24, 12, (12,))
    assert (decided.validation, decided.test, decided.normalization) == (12, 12, "log")
    assert decided.reasons["lag"] == "repeating the value 12 steps earlier errs least"


def test_auto_looks_a_week_back_where_the_week_matters() -> None:
    decided = plan.make(read_csv(SAMPLES / "hourly.csv"), settings_from())
    assert (decided.horizon, decided.lag, decided.lookback, decided.architecture.segment) == (24, 168, 168, 24)


def test_values_that_are_not_positive_take_no_logs() -> None:
    decided = plan.make(from_series([np.sin(T / 5)]), settings_from())
    assert decided.normalization == "spread"


def test_series_of_very_different_sizes_take_logs_all_the_same() -> None:
    small = [np.round(1 + 0.2 * np.sin(T / 5), 3) for _ in range(3)]
    decided = plan.make(from_series([*small, 1000 * small[0], 1000 * small[0], 1000 * small[0]]), settings_from())
    assert decided.normalization == "log"


def test_rules_never_look_at_the_test_part_of_the_season_or_lag() -> None:
    panel = read_csv(AIRLINE)
    other = from_series([panel.values.copy()], panel.frequency, first=[int(panel.first[0])])
    other.values[-12:] = 300 + 100 * np.random.default_rng(1).random(12)
    assert plan.make(panel, settings_from()) == plan.make(other, settings_from())


def test_classic_is_the_textbook_recipe() -> None:
    decided = plan.make(from_series([10 + np.sin(T / 5)]), settings_from(preset="classic"))
    assert decided.architecture.units == (50, 100)
    assert (decided.architecture.dropout, decided.architecture.outputs, decided.lookback) == (0.2, 1, 50)
    assert (decided.batch_size, decided.epochs, decided.patience, decided.refit) == (50, 20, 0, False)
    assert (decided.normalization, decided.loss, decided.zero_head, decided.averaging) == ("minmax", "mse", False, 0.0)
    short = plan.make(from_series([10 + np.sin(T[:60] / 5)]), settings_from(preset="classic", horizon=6))
    assert short.lookback == (60 - 6) // 3


def test_too_few_rows_say_how_many_are_needed() -> None:
    panel = from_series([np.arange(30.0)])
    with pytest.raises(TooLittleDataError) as caught:
        plan.make(panel, settings_from(horizon=12))
    assert caught.value.exit_code == 21
    assert caught.value.message == (
        "30 rows are too few for horizon 12: at least 38 are needed (2 to look back on, 12 to learn from, 12 for validation, 12 held out)"
    )
    plan.make(from_series([np.arange(38.0)]), settings_from(horizon=12))


@pytest.mark.parametrize("rows", [5, 6, 8, 12, 20, 40])
def test_the_default_horizon_fits_any_length(rows: int) -> None:
    decided = plan.make(from_series([np.arange(1.0, rows + 1)]), settings_from())
    assert decided.horizon == min(10, rows // 5)
    assert decided.lookback + decided.horizon + decided.validation + decided.test <= rows


def test_a_segment_that_does_not_divide_the_lookback_is_refused() -> None:
    panel = from_series([np.sin(T / 5)])
    with pytest.raises(SettingsError) as caught:
        plan.make(panel, settings_from(lookback=50, segment=24))
    assert caught.value.message == "--lookback 50 is not a multiple of --segment 24"
    assert plan.make(panel, settings_from(segment=7)).lookback % 7 == 0


def test_short_data_takes_a_smaller_horizon() -> None:
    panel = read_csv(AIRLINE)
    assert plan.make(head(panel, np.array([40])), settings_from()).horizon == 8


def hourly(tmp_path: Path, values: np.ndarray, **settings: object) -> plan.Plan:
    times = np.datetime64("2024-01-01T00", "h") + np.arange(len(values))
    path = tmp_path / "hourly.csv"
    path.write_text("t,y\n" + "".join(f"{time}:00,{value:.4f}\n" for time, value in zip(times, values, strict=True)))
    return plan.make(read_csv(path), settings_from(**settings))


def test_seasons_that_the_training_part_does_not_show_are_left_out(tmp_path: Path) -> None:
    noise, hours = np.random.default_rng(1).normal(size=1400), np.arange(1400)
    day, week = 3 * np.sin(2 * np.pi * hours / 24), np.where(hours // 24 % 7 >= 5, -3, 0)
    answer = "hourly, with two full seasons in the training part; 168 left out: the training part does not show it"
    decided = hourly(tmp_path, noise + day)
    assert (decided.seasons, decided.reasons["seasons"]) == ((24,), answer)
    assert hourly(tmp_path, noise + day + 0.05 * hours).seasons == (24,)
    assert hourly(tmp_path, noise + day + week).seasons == (24, 168)
    assert hourly(tmp_path, noise + week).seasons == (168,)
    assert hourly(tmp_path, noise, season="24,168").seasons == (24, 168)


def test_without_any_season_the_main_one_stays_for_the_baseline_alone(tmp_path: Path) -> None:
    decided = hourly(tmp_path, np.random.default_rng(1).normal(size=1400))
    assert (decided.seasons, decided.season) == ((24,), 24)


def test_a_season_that_a_quarter_of_the_series_show_stays() -> None:
    noise, hours = np.random.default_rng(1).normal(size=(8, 1400)), np.arange(1400)
    weekly = noise + np.where(hours // 24 % 7 >= 5, -3, 0) * (np.arange(8) < 3)[:, None]
    hourly_steps = calendar.Frequency("fixed", calendar.HOUR)
    assert plan.make(from_series(list(weekly), hourly_steps), settings_from()).seasons == (168,)
    assert plan.make(from_series(list(weekly[2:]), hourly_steps), settings_from()).seasons == (24,)


def test_seasons_are_not_looked_for_in_the_test_part(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=1400)
    values[-336:] = 100 * np.sin(2 * np.pi * np.arange(336) / 168)
    decided = hourly(tmp_path, values, test=336)
    assert decided.seasons == (24,)
