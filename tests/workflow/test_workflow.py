from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import forecast_cli
from forecast_cli import predict, read_csv, store, train
from forecast_cli.errors import DataError, RunMismatchError, SettingsError, TooLittleDataError
from forecast_cli.panel import from_series, head
from forecast_cli.sources import settings_from
from forecast_cli.store import Run
from forecast_cli.tables import forecast_csv
from tests.conftest import AIRLINE, ROOT, SAMPLES, daily, held_out_scores, mase_of, monthly

Write = Callable[..., Path]
QUICK: dict[str, Any] = {"epochs": 2, "units": "6", "members": 1}


def test_the_python_api_does_what_the_commands_do_and_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    trained = train(read_csv(AIRLINE), draw=False, store_folder=tmp_path, horizon=6, **QUICK)
    predicted = predict(store_folder=tmp_path)
    assert (
        forecast_csv(predicted.forecast)
        == forecast_csv(trained.forecast)
        == trained.run.texts["forecast.csv"]
    )
    assert predicted.forecast.values.shape == (1, 6)
    assert capfd.readouterr() == ("", "")


def test_all_names_of_the_python_api_are_there() -> None:
    assert all(getattr(forecast_cli, name) is not None for name in forecast_cli.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        forecast_cli.nothing  # noqa: B018


def test_unknown_settings_come_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from(horizons=3)
    assert (caught.value.message, caught.value.hint) == (
        "unknown setting 'horizons'",
        "did you mean 'horizon'?",
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"horizon": "12"}, "horizon: '12' is not a whole number"),
        ({"epochs": 2.5}, "epochs: 2.5 is not a whole number"),
        ({"refit": "no"}, "refit: 'no' is not true or false"),
    ],
)
def test_settings_of_another_type_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_from(**settings)
    assert caught.value.message == message


def test_settings_may_be_written_as_python_writes_them() -> None:
    found = settings_from(units=(8, 6), season=7, levels=[80], target="sales", dropout=0)
    assert (found.network.units, found.data.season, found.interval.levels) == (
        (8, 6),
        (7,),
        (80.0,),
    )
    assert (found.data.target, found.network.dropout) == (["sales"], 0)


def test_the_held_out_rows_never_reach_the_network_that_is_scored(tmp_path: Path) -> None:
    """Other test rows: the same losses, the same predictions of them, other scores."""
    panel = read_csv(AIRLINE)
    other = from_series(
        [np.append(panel.values[:132], panel.values[132:] * 1.5)], panel.frequency, first=[int(panel.first[0])],
        columns=panel.columns, time_format=panel.time_format,
    )  # fmt: skip
    first = train(panel, draw=False, store_folder=tmp_path / "a", **QUICK).run
    second = train(other, draw=False, store_folder=tmp_path / "b", **QUICK).run
    assert first.texts["history.csv"] == second.texts["history.csv"]

    def column(run: Run, number: int) -> list[str]:
        return [
            line.split(",")[number]
            for line in run.texts["predictions.csv"].decode().splitlines()[1:]
        ]

    assert column(first, 3) == column(second, 3)
    assert column(first, 2) != column(second, 2)
    assert held_out_scores(first.metrics).network != held_out_scores(second.metrics).network


def test_predictions_csv_scores_to_the_metrics_of_the_run(airline_store: Path) -> None:
    run = store.load(airline_store)
    lines = [line.split(",") for line in run.texts["predictions.csv"].decode().splitlines()]
    assert lines[0] == [
        "Month",
        "cutoff",
        "actual",
        "forecast",
        "seasonal_naive",
        "lo-80",
        "hi-80",
        "lo-95",
        "hi-95",
    ]
    assert len(lines) == 13
    assert (lines[1][0], lines[-1][0], {line[1] for line in lines[1:]}) == (
        "1960-01",
        "1960-12",
        {"1959-12"},
    )
    actual, forecast, naive = np.array([line[2:5] for line in lines[1:]], float).T
    test = held_out_scores(run.metrics)
    assert test.network.rmse == pytest.approx(np.sqrt(np.mean((actual - forecast) ** 2)))
    assert test.seasonal_naive.rmse == pytest.approx(np.sqrt(np.mean((actual - naive) ** 2)))
    assert test.seasonal_naive.rmse == pytest.approx(
        50.708, abs=1e-3
    )  # as published for this split
    assert test.network.mase is not None
    assert test.seasonal_naive.mase is not None
    skill = 1 - test.network.mase / test.seasonal_naive.mase
    assert test.skill.seasonal_naive == pytest.approx(skill)


def test_a_refit_sees_all_rows_and_no_refit_does_not(tmp_path: Path) -> None:
    weights = [
        train(
            AIRLINE, draw=False, store_folder=tmp_path / str(refit), refit=refit, **QUICK
        ).run.texts["model.safetensors"]
        for refit in (True, False)
    ]
    assert weights[0] != weights[1]


@pytest.mark.parametrize("preset", ["auto", "classic"])
@pytest.mark.parametrize(
    "settings",
    [{"horizon": 1}, {}, {"horizon": 1, "lookback": 1}, {"horizon": 3, "test": 7}, {"test": 0}],
)
def test_small_settings_train(
    tmp_path: Path, write: Write, preset: str, settings: dict[str, Any]
) -> None:
    path = write(daily(np.arange(40) % 7 + np.sin(np.arange(40))))
    trained = train(
        path,
        draw=False,
        store_folder=tmp_path / "s",
        epochs=1,
        units="4,3",
        members=1,
        preset=preset,
        **settings,
    )
    assert np.isfinite(trained.forecast.values).all()
    assert (
        forecast_csv(predict(store_folder=tmp_path / "s").forecast)
        == trained.run.texts["forecast.csv"]
    )
    if settings.get("test") == 0:
        assert (
            trained.metrics.verdict
            == "Nothing was held out, so nothing says whether the network is worth it."
        )


def test_validation_may_be_left_out(tmp_path: Path) -> None:
    trained = train(AIRLINE, draw=False, store_folder=tmp_path, validation=0, test=0, **QUICK)
    assert trained.metrics.training.best_epoch == 2
    assert np.isfinite(trained.forecast.bounds[80.0]).all()


def test_a_constant_series_is_forecast_as_the_constant_and_said(
    tmp_path: Path, write: Write
) -> None:
    for preset in ("auto", "classic"):
        trained = train(
            write(daily(np.full(60, 4.25))), store_folder=tmp_path / preset, preset=preset, **QUICK
        )
        assert np.allclose(trained.forecast.values, 4.25, atol=1e-12)
        assert "the series is constant; so is the forecast" in [note.text for note in trained.notes]
        assert trained.metrics.verdict.endswith("a network is not worth it.")


def test_predict_goes_on_from_new_rows(tmp_path: Path, write: Write) -> None:
    values = np.round(100 + 10 * np.sin(np.arange(120) / 2), 3)
    path = write(monthly(values[:100]))
    train(path, draw=False, store_folder=tmp_path / "s", **QUICK)
    before = predict(store_folder=tmp_path / "s").forecast
    write(monthly(values))
    after = predict(store_folder=tmp_path / "s").forecast
    assert (before.texts[0][0], after.texts[0][0]) == ("2008-05", "2010-01")


def test_predict_refuses_data_of_another_shape(airline_store: Path, write: Write) -> None:
    path = write("Month,Passengers\n" + daily(np.arange(30.0)).split("\n", 1)[1])
    with pytest.raises(DataError, match="is not a date like the others"):
        predict(path, store_folder=airline_store)
    lines = AIRLINE.read_text().splitlines()
    quarterly = write("\n".join([lines[0], *lines[1::3]]) + "\n")
    with pytest.raises(RunMismatchError, match="it has quarterly rows") as caught:
        predict(quarterly, store_folder=airline_store)
    assert caught.value.exit_code == 13


def test_a_recorded_file_that_is_gone_is_named(tmp_path: Path, write: Write) -> None:
    path = write(AIRLINE.read_text())
    train(path, draw=False, store_folder=tmp_path / "s", **QUICK)
    path.unlink()
    with pytest.raises(DataError, match=r"data\.csv: the file that the run was trained on is gone"):
        predict(store_folder=tmp_path / "s")
    assert predict(AIRLINE, store_folder=tmp_path / "s").forecast.texts[0][0] == "1961-01"


def test_many_series_share_a_network_and_short_or_new_ones_are_forecast(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    long = [
        50 + 10 * np.sin(np.arange(n) / 7 * 2 * np.pi) + random.normal(0, 1, n)
        for n in (120, 90, 100)
    ]
    panel = from_series([*long, np.array([3.0, 4.0])], ids=["a", "b", "c", "tiny"])
    trained = train(panel, draw=False, store_folder=tmp_path, season="7", **QUICK)
    assert trained.forecast.fallback == ("tiny",)
    assert trained.forecast.values[3].tolist()[:4] == [3, 4, 3, 4]
    assert [note.level for note in trained.notes] == ["degraded"]
    new = predict(from_series([long[0]], ids=["new"]), store_folder=tmp_path).forecast
    # It brings a scale of its own.
    assert new.values[0] == pytest.approx(trained.forecast.values[0], rel=1e-4)


def test_short_series_are_dropped_or_refused_as_named(tmp_path: Path) -> None:
    panel = from_series([50 + np.arange(120.0) % 7, np.array([3.0, 4.0])], ids=["long", "tiny"])
    dropped = train(
        panel, draw=False, store_folder=tmp_path / "s", season="7", short="drop", **QUICK
    )
    assert (dropped.forecast.ids, dropped.notes[0].level) == (("long",), "degraded")
    assert dropped.notes[0].text == "too short for the network, so they were left out: 'tiny'"
    with pytest.raises(
        TooLittleDataError,
        match=r"series 'tiny' is shorter than the lookback of 7 \(1 such series\)",
    ):
        train(panel, draw=False, store_folder=tmp_path / "r", season="7", short="refuse", **QUICK)
    assert not (tmp_path / "r").exists()


def test_any_level_can_be_asked_for_later(airline_store: Path) -> None:
    found = predict(store_folder=airline_store, levels=(50.0, 99.0)).forecast
    header = forecast_csv(found).decode().splitlines()[0]
    assert header == "Month,forecast,lo-50,hi-50,lo-99,hi-99"
    assert (found.bounds[99.0][1] > found.bounds[50.0][1]).all()


@pytest.mark.slow
def test_auto_beats_seasonal_naive_on_the_airline_sample(tmp_path: Path) -> None:
    """The last twelve months, trained without them: seasonal naive has an RMSE of 50.7."""
    panel = read_csv(AIRLINE)
    trained = train(head(panel, np.array([132])), draw=False, store_folder=tmp_path, members=1)
    assert np.sqrt(np.mean((trained.forecast.values[0] - panel.values[132:]) ** 2)) < 20


def test_classic_is_rolled_forward_one_step_at_a_time(tmp_path: Path) -> None:
    trained = train(AIRLINE, draw=False, store_folder=tmp_path, preset="classic", epochs=2)
    shape = trained.run.config.plan.architecture
    assert (shape.outputs, shape.units, trained.run.config.plan.horizon) == (1, (50, 100), 12)
    assert trained.metrics.training.as_dict() == {
        "epochs": 2,
        "best_epoch": 2,
        "steps": 2 * trained.run.config.plan.epoch_batches,
        "clipped": None,
        "device": "cpu",
    }
    history = trained.run.texts["history.csv"].decode().splitlines()
    assert len(history) == 3
    assert all(float(line.split(",")[2]) > 0 for line in history[1:])


def test_the_verdict_compares_with_the_better_baseline(tmp_path: Path, write: Write) -> None:
    """A random walk: the last value is hard to beat, the last week is not."""
    walk = 100 + np.cumsum(np.random.default_rng(4).normal(size=300))
    trained = train(write(daily(walk)), store_folder=tmp_path / "s", test=40, **QUICK)
    test = held_out_scores(trained.metrics)
    assert test.naive.mase is not None
    assert test.seasonal_naive.mase is not None
    assert test.naive.mase < test.seasonal_naive.mase
    assert "the naive forecast" in trained.metrics.verdict


def test_bounds_of_constants_are_the_constant_and_json_can_hold_them(
    tmp_path: Path, write: Write
) -> None:
    path = write(daily(np.full(60, 5.0)))
    trained = train(path, draw=False, store_folder=tmp_path / "s", **QUICK)
    assert (
        trained.run.texts["forecast.csv"].decode().splitlines()[1] == "2024-03-01" + ",5.000000" * 5
    )


def test_an_outlier_beyond_all_measure_gives_finite_numbers(tmp_path: Path, write: Write) -> None:
    values = 100 + np.random.default_rng(1).normal(size=80)
    values[-1] = 1e140
    trained = train(write(daily(values)), store_folder=tmp_path / "s", **QUICK)
    assert np.isfinite(trained.forecast.values).all()
    assert np.isfinite(trained.forecast.bounds[95.0]).all()


def test_reader_settings_with_a_panel_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="settings of the reader do not go with a Panel"):
        train(read_csv(AIRLINE), draw=False, store_folder=tmp_path, target=["Passengers"])
    with pytest.raises(SettingsError, match="percentages"):
        predict(store_folder=tmp_path, levels=(180.0,))


def test_steps_that_are_not_in_the_file_are_never_scored(tmp_path: Path, write: Write) -> None:
    text = (
        daily(50 + np.arange(60) % 7).replace("2024-02-26,50\n", "").replace("2024-02-27,51\n", "")
    )
    assert text.count("\n") == 59
    trained = train(write(text), draw=False, store_folder=tmp_path / "s", **QUICK)
    lines = [
        line.split(",") for line in trained.run.texts["predictions.csv"].decode().splitlines()[1:]
    ]
    assert [line[0] for line in lines if not line[2]] == ["2024-02-26", "2024-02-27"]
    assert len(lines) == 7


def test_wide_and_long_files_of_the_same_data_give_the_same_forecast(
    tmp_path: Path, write: Write
) -> None:
    random = np.random.default_rng(8)
    days = np.datetime64("2024-01-01") + np.arange(90)
    a, b = (
        np.round(50 + 10 * np.sin(np.arange(90) / 7 * 2 * np.pi) + random.normal(size=90), 2)
        for _ in "ab"
    )
    wide = write(
        "day,a,b\n" + "".join(f"{d},{x},{y}\n" for d, x, y in zip(days, a, b, strict=True)),
        "wide.csv",
    )
    rows = [f"{n},{d},{v}\n" for n, s in (("a", a), ("b", b)) for d, v in zip(days, s, strict=True)]
    long = write("unique_id,day,value\n" + "".join(rows), "long.csv")
    first = train(wide, draw=False, store_folder=tmp_path / "w", target="all", **QUICK).run.texts
    second = train(long, draw=False, store_folder=tmp_path / "l", id="unique_id", **QUICK).run.texts
    assert first["forecast.csv"] == second["forecast.csv"]
    assert first["predictions.csv"] == second["predictions.csv"]


@pytest.mark.slow
def test_the_panel_and_hourly_samples_train(tmp_path: Path) -> None:
    for name in ("panel.csv", "hourly.csv"):
        trained = train(SAMPLES / name, draw=False, store_folder=tmp_path / name)
        assert np.isfinite(trained.forecast.values).all()
        assert mase_of(trained) < 1


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_equal_trainings_have_equal_bytes_in_another_zone_locale_folder_and_under_load(
    tmp_path: Path, threads: int
) -> None:
    """Equal data, settings, seed, threads and versions; only what should not matter differs."""
    words = [
        "train",
        "data.csv",
        "--epochs",
        "2",
        "--units",
        "24",
        "--threads",
        str(threads),
        "--quiet",
    ]
    places = {
        "here": {"TZ": "UTC", "LC_ALL": "C"},
        "far/away ü": {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "HOME": "/"},
    }
    found = []
    for name, more in places.items():
        folder = tmp_path / name
        folder.mkdir(parents=True)
        shutil.copy(SAMPLES / "airline.csv", folder / "data.csv")
        busy = [
            subprocess.Popen([sys.executable, "-c", "while True: pass"])
            for _ in range(int(name != "here"))
        ]
        try:
            subprocess.run(
                [sys.executable, "-m", "forecast_cli", *words], cwd=folder, check=True,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **more},
            )  # fmt: skip
        finally:
            for process in busy:
                process.kill()
                process.wait()
        run = store.load(folder / "forecast_runs")
        kept = (
            "model.safetensors",
            "forecast.csv",
            "predictions.csv",
            "history.csv",
            "metrics.json",
        )
        found.append({name: run.manifest.files[name].sha256 for name in kept})
    assert found[0] == found[1]


@pytest.mark.parametrize("start", ["0001-01-01", "9999-09-01"])
def test_times_at_the_ends_of_the_calendar_are_refused_before_the_training(
    start: str, tmp_path: Path
) -> None:
    days = np.datetime64(start) + np.arange(120)
    path = tmp_path / "data.csv"
    path.write_text("day,y\n" + "".join(f"{day},{at}\n" for at, day in enumerate(days)))
    with pytest.raises(DataError) as caught:
        train(path, draw=False, store_folder=tmp_path / "runs", epochs=1, units="4", members=1)
    assert (
        caught.value.message == f"{path}: the times are too near to the ends of the years 1 to 9999"
    )
    assert not (tmp_path / "runs").exists()


def test_a_horizon_beyond_the_year_9999_is_refused(tmp_path: Path) -> None:
    days = np.datetime64("9999-07-01") + np.arange(120)
    path = tmp_path / "data.csv"
    path.write_text("day,y\n" + "".join(f"{day},{at % 7}\n" for at, day in enumerate(days)))
    train(path, draw=False, store_folder=tmp_path / "runs", epochs=1, units="4", members=1)
    assert predict(store_folder=tmp_path / "runs", horizon=50).forecast.texts[0][-1] == "9999-12-17"
    with pytest.raises(DataError, match="the times go beyond the years 1 to 9999"):
        predict(store_folder=tmp_path / "runs", horizon=400)
