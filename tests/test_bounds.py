"""Bounds never equal the forecast: on one-sided errors, constant windows, quantiles that cross, and perfect fits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import forecasting, intervals, predict, train
from forecast_cli.forecasting import Forecast
from forecast_cli.panel import Floats, Panel, from_series
from tests.conftest import AIRLINE, Result, daily

QUICK: dict[str, Any] = {
    "horizon": 7,
    "lookback": 14,
    "season": "7",
    "epochs": 4,
    "units": "6",
    "members": 1,
    "warm_start": "none",
}
LEVELS = (5.0, 20.0, 50.0, 70.0, 80.0, 90.0, 95.0, 99.0)


def touching(found: Forecast, level: float = 80.0) -> Floats:
    """(S,) how many steps of each series have a bound that equals the forecast."""
    low, high = found.bounds[level]
    touches: Floats = ((low >= found.values) | (high <= found.values)).sum(axis=1)
    return touches


def sticky(random: np.random.Generator, count: int) -> Floats:
    """A price that is changed every 25 days or so."""
    changes = np.where(random.random(count) < 0.04, random.integers(-3, 4, count), 0)
    return 50.0 + np.cumsum(changes)


def intermittent(random: np.random.Generator, count: int, share: float) -> Floats:
    """Sales of a spare part: a few on some days, none on the others."""
    return np.where(random.random(count) < share, 1.0 + random.poisson(4, count), 0.0)


# -- residuals -------------------------------------------------------------------------------------------------------


def one_sided(random: np.random.Generator, windows: int) -> Floats:
    """Errors of a mean forecast of something that is mostly zero: small and of one sign, but for a few large ones."""
    large = random.random((windows, 5)) < 0.04
    return np.where(
        large, random.uniform(2, 6, (windows, 5)), -0.1 - 0.05 * random.random((windows, 5))
    )


def shifted(random: np.random.Generator, windows: int) -> Floats:
    """Errors of a time in which everything rose."""
    return random.normal(3, 1, (windows, 5))


@pytest.mark.parametrize("errors", [one_sided, shifted])
def test_one_sided_residuals_bound_the_forecast_on_both_sides(
    errors: Callable[[np.random.Generator, int], Floats],
) -> None:
    random = np.random.default_rng(1)
    residuals, fresh = errors(random, 600), errors(random, 5000)
    before = np.zeros(5), np.zeros(5)
    for level in LEVELS:
        low, high = intervals.bounds(residuals, level)
        assert (low < 0).all()
        assert (high > 0).all()
        assert (low <= before[0]).all()
        assert (high >= before[1]).all()
        before = low, high
        assert np.mean((fresh >= low) & (fresh <= high)) * 100 > level - 3


@pytest.mark.parametrize("level", [80.0, 95.0])
def test_residuals_on_both_sides_keep_their_own_quantiles(level: float) -> None:
    residuals = np.random.default_rng(1).normal(0.4, 1, (999, 3))
    low, high = intervals.bounds(residuals, level)
    ordered = np.sort(residuals, axis=0)
    tail = round((100 - level) / 200 * 1000)
    assert low.tolist() == ordered[tail - 1].tolist()
    assert high.tolist() == ordered[-tail].tolist()


def test_an_error_common_to_all_series_need_not_come_again() -> None:
    """The rows not trained on are of one short time: what moved all series then may move them the other way next."""
    covered = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        shocks = random.normal(0, 1, 2)
        residuals, fresh = (shock + random.normal(0, 0.2, (300, 4)) for shock in shocks)
        low, high = intervals.bounds(residuals, 80.0)
        covered.append(np.mean((fresh >= low) & (fresh <= high)))
    assert np.mean(covered) > 0.5  # 0.33 where the interval ends at the forecast


# -- constant windows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sticky", "intermittent"])
def test_intervals_around_constant_windows_hold_what_they_promise(kind: str) -> None:
    hits: dict[float, list[float]] = {80.0: [], 95.0: []}
    for seed in range(400):
        random = np.random.default_rng(seed)
        values = sticky(random, 307) if kind == "sticky" else intermittent(random, 307, 0.04)
        past, future = values[:-7], values[-7:]
        if np.ptp(past[-14:]):
            continue
        widths = intervals.around_constant(past, 14, 7, (80.0, 95.0))
        assert (widths[95.0] >= widths[80.0]).all()
        for level, width in widths.items():
            assert (width > 0).all()
            hits[level].append(float(np.mean(np.abs(future - past[-1]) <= width)))
    assert len(hits[80.0]) > 100
    assert np.mean(hits[80.0]) > 0.78
    assert np.mean(hits[95.0]) > 0.93


@pytest.mark.parametrize("at", [1, 50, 19_990])
def test_a_single_change_in_a_long_series_is_enough_to_be_uncertain(at: int) -> None:
    values = np.repeat([3.0, 8.0], [at, 20_010 - at])
    width = intervals.around_constant(values, 10, 5, (80.0,))[80.0]
    assert (width > 0).all()
    assert (np.diff(width) >= 0).all()


@pytest.mark.parametrize(
    "history", [[1.0, np.nan, 2.0], [1.0, 2.0], [4.0, np.nan, np.nan, 1.0, 1.0]]
)
def test_short_histories_with_holes_warn_of_nothing(history: list[float]) -> None:
    width = intervals.around_constant(np.array(history), 1, 4, (80.0,))[80.0]
    assert np.isfinite(width).all()


def test_prices_that_seldom_change_have_intervals_that_hold_the_changes(tmp_path: Path) -> None:
    """Before, the bounds of a constant window were the forecast, and 86 % lay in the interval of 95 %."""
    random = np.random.default_rng(4)
    series = [sticky(random, 207) for _ in range(100)]
    actual = np.array([values[-7:] for values in series])
    found = train(
        from_series([values[:-7] for values in series]), draw=False, store_folder=tmp_path, **QUICK
    ).forecast
    assert touching(found).sum() == touching(found, 95.0).sum() == 0
    for level, least in ((80.0, 0.78), (95.0, 0.91)):
        low, high = found.bounds[level]
        assert np.mean((actual >= low) & (actual <= high)) > least


@pytest.mark.parametrize(
    "changes", [{}, {"loss": "quantile"}, {"preset": "bilstm"}, {"members": 2}]
)
@pytest.mark.parametrize("series", [1, 60])
def test_only_a_constant_series_is_certain(
    series: int, changes: dict[str, Any], tmp_path: Path
) -> None:
    random = np.random.default_rng(2)
    values = [intermittent(random, 150, 0.05) for _ in range(series)]
    values[0][-20:] = 0.0  # constant of late, not always
    constants = [np.full(150, 7.0)] if series > 1 else []
    trained = train(
        from_series(values + constants), draw=False, store_folder=tmp_path, **{**QUICK, **changes}
    )
    found = trained.forecast
    for level in (80.0, 95.0):
        low, high = found.bounds[level]
        assert touching(found, level)[:series].sum() == 0
        assert np.isfinite(low).all()
        assert (low[series:] == 7).all()
        assert (high[series:] == 7).all()
    said = [note.text for note in trained.notes if note.level == "warning"]
    assert said == ([f"constant series, so constant forecasts: '{series}'"] if constants else [])


def test_the_intervals_of_held_out_rows_know_nothing_of_what_came_later(tmp_path: Path) -> None:
    """Constant windows in the test part: their bounds come from the changes before them alone."""
    values = sticky(np.random.default_rng(8), 300)
    values[-40:] = values[-41]
    other = values.copy()
    other[-7:] += 20
    rows = []
    for name, part in (("a", values), ("b", other)):
        run = train(from_series([part]), draw=False, store_folder=tmp_path / name, **QUICK).run
        rows.append(
            [line.split(",")[5:] for line in run.texts["predictions.csv"].decode().splitlines()[1:]]
        )
    assert rows[0] == rows[1]
    low, high = (float(rows[0][0][at]) for at in (0, 1))
    assert low < values[-41] < high


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"loss": "quantile"},
        {"refit": False},
        {"test": 14},
        {"preset": "accurate"},
        {"preset": "classic"},
    ],
)
@pytest.mark.parametrize("series", [1, 4])
def test_neither_forecasts_nor_bounds_of_held_out_rows_know_what_came(
    series: int, changes: dict[str, Any], tmp_path: Path
) -> None:
    random = np.random.default_rng(3)
    season = 100 + 10 * np.sin(np.arange(90) * 2 * np.pi / 7)
    parts = [np.round(season + random.normal(0, 3, 90), 1) for _ in range(series)]
    poisoned = [part.copy() for part in parts]
    for part in poisoned:
        part[-7:] = np.round(random.uniform(1, 900, 7), 1)

    found = []
    for name, values in (("a", parts), ("b", poisoned)):
        settings = {**QUICK, "epochs": 1, **changes}
        run = train(from_series(values), draw=False, store_folder=tmp_path / name, **settings).run
        header, *lines = run.texts["predictions.csv"].decode().splitlines()
        at = header.split(",").index("actual")
        rows = [line.split(",") for line in lines]
        found.append([[*row[:at], *row[at + 1 :]] for row in rows])
        assert len(rows) == series * changes.get("test", 7)
        assert all((row[-1] == "") == (changes.get("preset") == "classic") for row in rows)
    assert found[0] == found[1]


def test_held_out_rows_without_earlier_errors_have_no_bounds_and_it_is_said(tmp_path: Path) -> None:
    values = 50 + np.random.default_rng(1).normal(0, 3, 120)
    settings = {**QUICK, "validation": 0}
    trained = train(from_series([values]), draw=False, store_folder=tmp_path, **settings)
    assert trained.run.texts["predictions.csv"].decode().splitlines()[1].endswith(",,,,")
    assert np.isfinite(trained.forecast.bounds[80.0]).all()
    assert (
        "the bounds of the held-out rows are left empty: no window that ends before them was kept "
        "from training; --validation N keeps N rows"
    ) in [note.text for note in trained.notes]


@pytest.mark.parametrize("factor", [0.01, 1000.0])
def test_intervals_around_constant_windows_scale_with_the_data(
    factor: float, tmp_path: Path
) -> None:
    values = sticky(np.random.default_rng(8), 300)
    values[-40:] = values[-41]
    trained = train(from_series([values]), draw=False, store_folder=tmp_path, **QUICK)
    model = trained.run.model
    once = forecasting.forecast(from_series([values]), model, (80.0,)).bounds[80.0]
    again = forecasting.forecast(
        from_series([values * factor], ids=["new"]), model, (80.0,)
    ).bounds[80.0]
    assert np.allclose(np.array(again), np.array(once) * factor, rtol=1e-3)
    assert (once[0] > 0).all()  # positive data are measured in logs


def test_a_window_of_one_step_is_always_constant_and_yet_not_certain(tmp_path: Path) -> None:
    trained = train(
        AIRLINE, draw=False, store_folder=tmp_path, horizon=3, lookback=1, epochs=1, units="4"
    )
    assert touching(trained.forecast).sum() == 0
    assert np.isfinite(trained.forecast.bounds[80.0]).all()


def test_rounding_is_no_change(tmp_path: Path) -> None:
    values = np.full(100, 0.3)
    values[::7] = 0.1 + 0.2
    trained = train(from_series([values]), draw=False, store_folder=tmp_path, **QUICK)
    low, high = trained.forecast.bounds[80.0]
    assert np.array_equal(low, high)


def test_a_series_that_is_constant_in_newer_rows_alone_has_no_known_bounds(
    tmp_path: Path, write: Callable[..., Path], forecast: Callable[..., Result]
) -> None:
    noise = np.random.default_rng(5).normal(50, 3, 200)
    assert forecast("train", write(daily(noise)), "--epochs", 1, "--horizon", 3).code == 0
    newer = write(daily(np.full(60, 55.0), "2024-06-01"), "newer.csv")
    result = forecast("predict", newer)
    time, value, *bounds = result.out.splitlines()[1].split(",")
    assert (result.code, time, float(value), bounds) == (0, "2024-07-31", 55, ["", "", "", ""])
    assert result.err == (
        "warning: the series is constant; so is the forecast\n"
        "warning: bounds are left empty: the errors that were measured are zero: "
        "the series repeats itself exactly, or has stopped changing\n"
        "80 % intervals held 66.7 % of 3 held-out values, 95 % intervals 100.0 %\n"
    )
    new = predict(
        from_series([np.full(60, 55.0)], ids=["new"]), store_folder="forecast_runs"
    ).forecast
    assert (new.bounds[80.0][0] == 55).all()


# -- perfect fits, quantiles, nothing measured -----------------------------------------------------------------------


def test_a_series_that_repeats_itself_exactly_has_empty_bounds_and_it_is_said(
    tmp_path: Path,
) -> None:
    """The network starts at the value one season earlier and has nothing to learn: all errors are zero."""
    trained = train(from_series([np.arange(200.0) % 7]), store_folder=tmp_path, **QUICK)
    assert np.allclose(trained.forecast.values, np.arange(200, 207) % 7)
    assert np.isnan(trained.forecast.bounds[80.0]).all()
    assert trained.run.texts["forecast.csv"].decode().splitlines()[1].endswith(",,,,")
    assert [note.text for note in trained.notes if note.level == "warning"] == [
        "bounds are left empty: the errors that were measured are zero: "
        "the series repeats itself exactly, or has stopped changing"
    ]


def test_residuals_next_to_nothing_leave_a_width_by_the_largest_of_them() -> None:
    """Nine in ten windows repeat the last value, and a network is off by the noise of its weights alone."""
    random = np.random.default_rng(1)
    jumps = np.where(random.random((400, 3)) < 0.1, random.choice([-2.0, 2.0], (400, 3)), 0.0)
    for residuals in (
        jumps + random.normal(0, 1e-4, (400, 3)),
        (jumps + random.normal(0, 1e-4, (400, 3)))[:50],
    ):
        before = np.zeros(3)
        for level in LEVELS:
            low, high = intervals.bounds(residuals, level)
            assert (high >= before).all()
            before = high
            assert (np.minimum(-low, high) >= 0.15 * min(level / 80, 1)).all()


def test_the_least_width_leaves_ordinary_residuals_and_single_outliers_alone() -> None:
    residuals = np.random.default_rng(1).normal(0, 1, (400, 3))
    residuals[7] = 1e6
    for level in LEVELS[2:7]:
        low, high = intervals.bounds(residuals, level)
        ordered = np.sort(residuals, axis=0)
        tail = (100 - level) / 200 * 401
        assert low.tolist() == ordered[int(tail + 1e-9) - 1].tolist()
        assert high.tolist() == ordered[-int(tail + 1e-9)].tolist()


def test_without_a_window_to_measure_errors_in_the_bounds_are_empty_and_it_is_said(
    tmp_path: Path,
) -> None:
    values = 50 + 10 * np.sin(np.arange(200.0)) + np.random.default_rng(1).normal(0, 1, 200)
    values[-9] = np.nan
    trained = train(
        from_series([values]),
        draw=False,
        store_folder=tmp_path,
        **{**QUICK, "lookback": 7, "validation": 7},
    )
    assert trained.metrics.intervals.windows == 0
    assert np.isnan(trained.forecast.bounds[95.0]).all()
    assert (
        "bounds are left empty: the rows that were not trained on hold no window in which errors can be measured"
        in [note.text for note in trained.notes]
    )


def test_of_many_series_those_with_empty_bounds_are_counted_and_named(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    panel = from_series([sticky(random, 120) for _ in range(6)])
    train(panel, draw=False, store_folder=tmp_path, **QUICK)
    newer = Panel(
        **{**vars(panel), "values": np.where(np.arange(720) // 120 < 4, 60.0, panel.values)}
    )
    predicted = predict(newer, store_folder=tmp_path)
    assert [note.text for note in predicted.notes if note.level == "warning"][-1] == (
        "bounds of 4 of 6 series are left empty ('0', '1', '2' and 1 more): the errors that were measured are zero: "
        "the series repeats itself exactly, or has stopped changing"
    )
