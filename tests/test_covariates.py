from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import calendar, covariates, predict, train, windows
from forecast_cli.calendar import DAY, Frequency
from forecast_cli.errors import DataError, RunMismatchError, SettingsError
from forecast_cli.panel import Columns, Panel, TimeFormat, from_series, head, values_of
from forecast_cli.workflow import Trained
from tests.conftest import mase_of

DAILY = Frequency("fixed", DAY)


def shops(count: int = 4, days: int = 200, ahead: int = 7) -> Panel:
    """Shops whose sales rise by half on days of promotion; promotions are known a week in advance."""
    random = np.random.default_rng(5)
    promo = (random.random((count, days + ahead)) < 0.3).astype(float)
    week = 1 + 0.3 * np.sin(np.arange(days) / 7 * 2 * np.pi)
    sales = [
        (50 + 20 * s) * week * (1 + 0.5 * promo[s, :days]) * random.lognormal(0, 0.03, days)
        for s in range(count)
    ]
    panel = from_series(
        sales, DAILY, ids=[f"shop {s}" for s in range(count)], first=[19_000] * count,
        columns=Columns("day", "sales", "shop"), time_format=TimeFormat("%Y-%m-%d"),
    )  # fmt: skip
    return replace(
        panel,
        future_names=("promo",),
        future=promo[:, :days].reshape(-1, 1),
        ahead=promo[:, days:, None],
    )


def bare(panel: Panel) -> Panel:
    return replace(panel, future_names=(), future=np.empty((0, 0)), ahead=np.empty((0, 0, 0)))


LEARNED: dict[str, Any] = {
    "horizon": 7,
    "units": "12",
    "epochs": 12,
    "learning_rate": 0.01,
    "members": 1,
    "warm_start": "none",
}


@pytest.fixture(scope="module")
def with_promotions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Path]:
    """A run that has learned what a promotion does, and its store. Not to be changed."""
    folder = tmp_path_factory.mktemp("promotions")
    return train(shops(), draw=False, store_folder=folder, **LEARNED), folder


def test_a_promotion_that_drives_the_target_lowers_the_error(
    tmp_path: Path, with_promotions: tuple[Trained, Path]
) -> None:
    without = train(bare(shops()), store_folder=tmp_path, **LEARNED)
    assert mase_of(with_promotions[0]) < 0.6 * mase_of(without)


def test_a_covariate_of_the_future_moves_the_forecast_of_its_own_step(
    with_promotions: tuple[Trained, Path],
) -> None:
    trained, folder = with_promotions
    panel = shops()
    on, off = panel.ahead.copy(), panel.ahead.copy()
    on[:, 3], off[:, 3] = 1, 0
    high = predict(replace(panel, ahead=on), store_folder=folder).forecast.values
    low = predict(replace(panel, ahead=off), store_folder=folder).forecast.values
    assert (high[:, 3] > 1.2 * low[:, 3]).all()
    assert np.array_equal(np.delete(high, 3, axis=1), np.delete(low, 3, axis=1))
    again = predict(panel, store_folder=folder).forecast
    assert np.array_equal(trained.forecast.values, again.values)


def test_windows_see_no_past_only_covariate_of_their_horizon() -> None:
    days, lookback, horizon = 40, 10, 4
    panel = replace(
        from_series([np.arange(float(days))], DAILY),
        past_names=("weather",), past=np.arange(float(days))[:, None],
        future_names=("promo",), future=100 + np.arange(float(days))[:, None],
    )  # fmt: skip
    scale = covariates.FeatureScale(np.zeros(2), np.ones(2), np.zeros(0), np.ones(0))
    known = covariates.prepare(panel, False, horizon, scale)
    assert known is not None
    chosen = windows.between(panel, lookback, horizon, np.zeros(1, int), panel.lengths)
    seen = covariates.gather(known, chosen, slice(None), 7)
    assert np.array_equal(seen.past[:, :, 0], chosen.origins[:, None] + np.arange(-lookback, 0))
    assert np.array_equal(
        seen.future_features[:, :, 0], 100 + chosen.origins[:, None] + np.arange(horizon)
    )
    assert np.array_equal(
        seen.future_features[:, :, 1], 100 + chosen.origins[:, None] + np.arange(horizon) - 7
    )


def test_features_are_scaled_by_the_training_part_alone() -> None:
    panel = shops()
    changed = replace(panel, future=panel.future.copy())
    changed.future[150:200] = 99
    ends = np.full(4, 150)
    assert np.array_equal(
        covariates.fit(panel, False, ends).mean, covariates.fit(changed, False, ends).mean
    )


def test_covariates_that_are_not_known_are_named_with_their_dates(tmp_path: Path) -> None:
    panel = shops()
    trained = train(
        panel, draw=False, store_folder=tmp_path, horizon=7, epochs=1, units="4", members=1
    )
    panel.ahead[2, 4:] = np.nan
    with pytest.raises(DataError) as caught:
        predict(panel, store_folder=tmp_path)
    assert caught.value.message == (
        "series 'shop 2': the covariate 'promo' is not known for 3 steps from 2022-07-31 to 2022-08-02"
    )
    with pytest.raises(RunMismatchError, match="the data lack the covariate 'promo'"):
        predict(bare(panel), store_folder=tmp_path)
    assert trained.run.config.future == ["promo"]


def test_a_training_whose_future_is_not_known_is_published_without_a_forecast(
    tmp_path: Path,
) -> None:
    panel = replace(shops(), ahead=np.empty((0, 0, 0)))
    trained = train(
        panel, draw=False, store_folder=tmp_path, horizon=7, epochs=1, units="4", members=1
    )
    assert trained.run.texts["forecast.csv"] == b"shop,day,forecast,lo-80,hi-80,lo-95,hi-95\n"
    assert trained.notes[0].text.startswith(
        "no forecast yet: series 'shop 0': the covariate 'promo' is not known"
    )
    from forecast_cli import plots

    assert plots.draw(trained.run).files


def test_static_and_calendar_features_train_and_predict_the_same(tmp_path: Path) -> None:
    panel = replace(
        shops(), static_names=("size",), static=np.arange(4.0)[:, None], past_names=("visits",)
    )
    panel = replace(panel, past=panel.values[:, None] * 2)
    trained = train(
        panel,
        draw=False,
        store_folder=tmp_path,
        horizon=7,
        epochs=2,
        units="4",
        members=1,
        calendar=True,
    )
    shape = trained.run.config.plan.architecture
    assert (shape.inputs, shape.known, shape.static) == (1 + 2 + 4, 1 + 4, 1)
    assert np.array_equal(
        predict(trained.run.tail, store_folder=tmp_path).forecast.values, trained.forecast.values
    )


def test_a_shorter_panel_learns_from_what_was_known_at_its_end(tmp_path: Path) -> None:
    panel = shops(ahead=0)
    cut = head(panel, panel.lengths - 7)
    assert np.array_equal(
        cut.ahead[1, :7, 0], panel.future[panel.offsets[2] - 7 : panel.offsets[2], 0]
    )
    trained = train(cut, draw=False, store_folder=tmp_path, **LEARNED)
    truth = np.stack([values_of(panel, i)[-7:] for i in range(4)])
    assert np.abs(trained.forecast.values / truth - 1).mean() < 0.12


def test_classic_takes_no_covariates(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="covariates do not go with --preset classic"):
        train(shops(), draw=False, store_folder=tmp_path, preset="classic")


def test_calendar_features_have_the_cycles_longer_than_a_step() -> None:
    assert [
        calendar.features(Frequency("fixed", size), np.zeros(1, np.int64)).shape[1]
        for size in (3600 * 10**6, DAY, 7 * DAY)
    ] == [6, 4, 2]
    assert calendar.features(Frequency("months"), np.zeros(1, np.int64)).shape[1] == 2
    assert calendar.features(calendar.STEPS, np.zeros(5, np.int64)).shape == (5, 0)
    day = calendar.features(Frequency("fixed", DAY), np.arange(15, dtype=np.int64) * DAY)
    assert np.allclose(day[0, 0], day[7, 0])
    assert not np.allclose(day[0, 0], day[1, 0])
