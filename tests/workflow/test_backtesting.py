"""backtest(): no leak, whatever is refitted; and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import backtest, evaluation, read_csv, store, train
from forecast_cli.calendar import DAY, Frequency
from forecast_cli.errors import (
    DataError,
    ForecastError,
    RunMismatchError,
    SettingsError,
    StoppedError,
    TooLittleDataError,
)
from forecast_cli.panel import Columns, Panel, TimeFormat, from_series
from forecast_cli.progress import Event, Phase
from forecast_cli.workflow import Backtested
from tests.conftest import AIRLINE, SAMPLES, monthly, run_python

Write = Callable[..., Path]
QUICK: dict[str, Any] = {"epochs": 1, "units": "4", "members": 1, "draw": False}
ASKED: dict[str, Any] = {
    "horizon": 3,
    "origins": 4,
    "epochs": 1,
    "units": "4",
    "members": 1,
    "validation": 4,
}
EVERY_LENGTH = (60, 90, 33)  # the last one begins late


def a_panel(lengths: tuple[int, ...] = EVERY_LENGTH, **more: Any) -> Panel:
    """Daily series that end on the same day, with a quarterly season."""
    random = np.random.default_rng(4)
    longest = max(lengths)
    days = np.arange(longest)
    whole = [50 + 9 * np.sin(days / 7 * 2 * np.pi) + random.normal(0, 1, longest) for _ in lengths]
    panel = from_series(
        [values[longest - length :] for values, length in zip(whole, lengths, strict=True)],
        Frequency("fixed", DAY),
        ids=[f"s{number}" for number in range(len(lengths))],
        first=[20_000 + longest - length for length in lengths],
        columns=Columns("day", "y", "unique_id"),
        time_format=TimeFormat("%Y-%m-%d"),
    )
    return replace(panel, **more) if more else panel


def poisoned(panel: Panel, after: int) -> Panel:
    """The panel with wild values in the last rows of each series, `after` of them."""
    is_late = np.zeros(len(panel.values), bool)
    for end in panel.offsets[1:]:
        is_late[end - after : end] = True
    wild = 1e6 * np.random.default_rng(9).uniform(1, 9, len(panel.values))
    fields: dict[str, Any] = {"values": np.where(is_late, wild, panel.values)}
    if panel.past_names:
        fields["past"] = np.where(is_late[:, None], 1e6, panel.past)
    return replace(panel, **fields)


def forecasts_until(found: Backtested, number: int) -> dict[str, Any]:
    """All forecasts and bounds from the origins up to that number."""
    result = found.result
    rows = result.origin <= number
    arrays = {name: values[rows] for name, values in result.forecasts.items()}
    for level, (low, high) in result.bounds.items():
        arrays |= {f"lo-{level}": low[rows], f"hi-{level}": high[rows]}
    series = result.series[rows]
    return {"series": series, "scales": result.scales[series], **arrays}


def assert_no_leak(roll: Callable[[Panel], Backtested], panel: Panel) -> None:
    """Whatever comes after an origin, the forecasts from it and from those before are the same."""
    found = roll(panel)
    origins = found.origins
    assert sorted(set(found.result.origin.tolist())) == list(range(origins.count))
    for number in range(origins.count):
        later = origins.horizon + (origins.count - 1 - number) * origins.step
        other = roll(poisoned(panel, later))
        expected, actual = forecasts_until(found, number), forecasts_until(other, number)
        assert expected.keys() == actual.keys()
        for name, values in expected.items():
            # What is run together decides the last digit.
            about = f"{name}, origin {number}"
            np.testing.assert_allclose(values, actual[name], rtol=1e-12, err_msg=about)
        assert not np.array_equal(found.result.actual, other.result.actual, equal_nan=True)


# -- no leak -----------------------------------------------------------------------------------


@pytest.mark.parametrize("refit", ["never", "every", 2])
def test_nothing_after_an_origin_reaches_its_forecasts(refit: Any) -> None:
    asked = {**ASKED, "origins": 3}
    assert_no_leak(lambda panel: backtest(panel, refit=refit, **asked), a_panel())


@pytest.mark.parametrize("lengths", [(60, 60), (60, 40, 33)])
@pytest.mark.parametrize("sign", [1, -1])
def test_nothing_after_an_origin_reaches_a_forecast_of_the_base_network(
    lengths: tuple[int, ...], sign: int
) -> None:
    """Of the last series nothing is known before the first origin. Negative values have no logarithm."""
    asked: dict[str, Any] = {"run": "base", "origins": 5, "horizon": 7, "season": (7,)}

    def roll(panel: Panel) -> Backtested:
        wild = np.abs(panel.values) > 1e5
        return backtest(
            replace(panel, values=np.where(wild, sign * panel.values, panel.values)), **asked
        )

    assert_no_leak(roll, a_panel(lengths))


def test_the_base_network_goes_on_where_later_values_have_no_logarithm() -> None:
    panel = a_panel((100,))
    values = panel.values.copy()
    values[-20], values[-3] = -5, 0
    rolled = backtest(replace(panel, values=values), run="base", origins=6, horizon=7)
    assert rolled.result.origin.tolist() == [0, 1, 2, 3, 4, 5]
    before = backtest(panel, run="base", origins=6, horizon=7)
    same = rolled.result.forecasts["network"] == before.result.forecasts["network"]
    assert same.all(axis=1).tolist() == [True] * 4 + [False] * 2


def test_nothing_leaks_through_the_scale_of_a_series() -> None:
    asked = {**ASKED, "origins": 2, "lookback": 8, "preset": "classic"}
    del asked["validation"]  # which does not go with that preset
    assert_no_leak(lambda panel: backtest(panel, **asked), a_panel((60, 40)))


def test_nothing_leaks_through_covariates() -> None:
    panel = a_panel((60, 80))
    random = np.random.default_rng(2)
    count = len(panel.values)
    panel = replace(
        panel,
        past_names=("visits",),
        past=random.normal(size=(count, 1)),
        future_names=("promo",),
        future=random.integers(0, 2, (count, 1)).astype(float),
        ahead=np.zeros((2, 3, 1)),
    )
    assert_no_leak(lambda panel: backtest(panel, **{**ASKED, "origins": 2}), panel)


@pytest.mark.parametrize("preset", ["auto", "classic"])
def test_nothing_leaks_into_a_saved_run_not_even_through_series_that_it_does_not_know(
    tmp_path: Path, preset: str
) -> None:
    panel = a_panel()
    known = replace(a_panel((60, 90)), ids=("s0", "s1"))
    trained = train(
        known, store_folder=tmp_path, refit=False, test=12, horizon=3, lookback=8, preset=preset,
        **(QUICK if preset == "auto" else {"epochs": 1, "draw": False}),
    )  # fmt: skip
    assert trained.run.config.plan.test == 12
    assert_no_leak(lambda panel: backtest(panel, run=trained.run, origins=4), panel)


def test_a_step_that_was_interpolated_across_an_origin_is_not_known_before_it(write: Write) -> None:
    days = np.datetime64("2024-01-01") + np.arange(60)
    in_the_gap = slice(48, 51)  # the first of the two origins lies in it

    def with_later_values(value: int) -> dict[str, Any]:
        of_a = [f"a,{day},{10 + n % 7 + (n > 50) * value}" for n, day in enumerate(days)]
        of_b = [f"b,{day},{20 + n % 7}" for n, day in enumerate(days)]
        del of_a[in_the_gap]
        path = write("unique_id,ds,y\n" + "\n".join([*of_a, *of_b]) + "\n")
        found = backtest(path, **{**ASKED, "horizon": 5, "origins": 2, "lookback": 7})
        assert found.windows.series.tolist() == [0, 1, 1]
        assert [note.text for note in found.notes if note.kind == "origins_left_out"] == [
            "1 series could be forecast from some origins only: 'a'"
        ]
        return forecasts_until(found, 0)

    for name, values in with_later_values(5).items():
        np.testing.assert_array_equal(values, with_later_values(500)[name], name)


# -- what is forecast from where ---------------------------------------------------------------


def test_a_run_is_rolled_from_its_last_training_row_on(tmp_path: Path) -> None:
    panel = a_panel((60,))
    first = replace(panel, values=panel.values[:48], offsets=np.array([0, 48]))
    run = train(first, store_folder=tmp_path, horizon=3, **QUICK).run
    found = backtest(panel, run=run, origins=4)
    assert (found.windows.origins.tolist(), found.trainings) == ([48, 51, 54, 57], 0)
    assert (
        backtest(panel, run=run.name, store_folder=tmp_path, origins=10, step=1).origins.step == 1
    )
    with pytest.raises(TooLittleDataError) as caught:
        backtest(panel, run=run, origins=5)
    assert (caught.value.message, caught.value.hint) == (
        f"the run {run.name} was trained on all but the newest 12 rows of these data: "
        "5 origins and a horizon of 3 need 3 newer rows",
        "use --origins 4 or less, or give newer rows, or train with --no-refit, "
        "which leaves the test part unseen",
    )
    with pytest.raises(TooLittleDataError, match="was trained on all rows of these data"):
        backtest(first, run=run, origins=1)


def test_a_run_that_was_not_trained_again_leaves_its_test_part(tmp_path: Path) -> None:
    run = train(AIRLINE, store_folder=tmp_path, refit=False, **QUICK).run
    found = backtest(AIRLINE, run=run, origins=1)
    assert found.windows.origins.tolist() == [144 - 12]
    held_out = run.metrics.test
    assert held_out is not None
    scores = evaluation.summary(found.result)
    assert scores["network"]["mae"] == pytest.approx(held_out.network.mae, rel=1e-6)
    assert scores["seasonal_naive"]["mase"] == pytest.approx(held_out.seasonal_naive.mase)
    with pytest.raises(TooLittleDataError, match="need 12 newer rows"):
        backtest(AIRLINE, run=run, origins=1, horizon=24)


def test_refitting_trains_before_every_origin_or_every_second_one() -> None:
    events: list[Event] = []
    panel = a_panel((60,))
    for refit, trainings in (("never", 1), ("every", 4), (2, 2), ("3", 2)):
        assert backtest(panel, refit=refit, report=events.append, **ASKED).trainings == trainings  # type: ignore[arg-type]
    costs = [event.text for event in events if isinstance(event, Phase) and event.name == "cost"]
    assert costs[:2] == [
        "4 origins, 3 rows apart, 3 steps ahead: 1 training",
        "4 origins, 3 rows apart, 3 steps ahead: 4 trainings",
    ]


def test_series_that_could_not_be_forecast_are_named() -> None:
    found = backtest(a_panel((60, 90, 5)), **ASKED)
    assert [(note.level, note.text) for note in found.notes] == [
        ("warning", "1 series could not be forecast from any origin: 's2'")
    ]
    assert np.isnan(evaluation.scores_by(found.result, "network", "series")["mae"][2])


def test_the_rows_of_the_table_are_ordered_and_hold_the_values_of_the_file() -> None:
    found = backtest(a_panel((60, 90)), refit="every", **{**ASKED, "origins": 2, "levels": "80"})
    lines = [line.split(",") for line in found.csv().decode().splitlines()]
    assert ",".join(lines[0]) == (
        "unique_id,cutoff,day,step,actual,forecast,naive,seasonal_naive,drift,seasonal_mean,"
        "lo-80,hi-80"
    )
    assert [line[:1] + line[3:4] for line in lines[1:]] == [
        [name, str(step)] for name in ("s0", "s1") for _ in range(2) for step in (1, 2, 3)
    ]
    assert [float(line[4]) for line in lines[1:7]] == found.panel.values[54:60].tolist()
    assert lines[1][1] < lines[1][2] < lines[2][2]
    assert lines[1][1] == lines[3][1] < lines[4][1]


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "error", "message", "hint"),
    [
        (
            {"origins": 0},
            SettingsError,
            "--origins must be at least 1, got 0",
            "use --origins 1 or more",
        ),
        ({"step": 0}, SettingsError, "--step must be at least 1, got 0", "use --step 1 or more"),
        (
            {"refit": "often"},
            SettingsError,
            "--refit must be never, every or a number of origins, got 'often'",
            "use --refit never, --refit every or, for example, --refit 2",
        ),
        (
            {"origins": 40},
            TooLittleDataError,
            "40 origins, 3 rows apart, and a horizon of 3 need 122 rows at least, "
            "and the longest series has 60",
            "use --origins 19 or less, or a smaller --step, or give more rows",
        ),
        (
            {"horizon": 70, "origins": 1},
            TooLittleDataError,
            "1 origin and a horizon of 70 need 72 rows at least, and the longest series has 60",
            "use a smaller --horizon, or give more rows",
        ),
    ],
)
def test_what_the_data_do_not_allow_is_refused(
    asked: dict[str, Any], error: type[ForecastError], message: str, hint: str
) -> None:
    with pytest.raises(error) as caught:
        backtest(a_panel((60,)), **{**ASKED, **asked})
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_too_few_rows_before_the_first_origin_are_told_from_too_few_rows() -> None:
    with pytest.raises(TooLittleDataError) as caught:
        backtest(a_panel((60,)), **{**ASKED, "origins": 19})
    assert caught.value.message.startswith("the rows before origin 1 do not suffice: ")
    assert caught.value.hint.endswith("; or use fewer --origins")


def test_a_negative_value_after_the_first_origin_has_no_logarithm(write: Write) -> None:
    values = np.arange(100.0, 172)
    values[65] = -5
    path = write(monthly(values))
    with pytest.raises(RunMismatchError) as caught:
        backtest(path, **{**ASKED, "origins": 3})
    assert caught.value.message.startswith("the value -5.0 at 2005-06 is negative, and")
    assert caught.value.hint == "use --refit every, which trains on the rows before each origin"
    assert backtest(path, refit="every", **{**ASKED, "origins": 3}).trainings == 3


def test_a_run_of_other_data_is_refused(airline_store: Path, write: Write) -> None:
    run = store.load(airline_store)
    quarterly = (
        AIRLINE.read_text().splitlines()[0]
        + "\n"
        + "".join(f"{np.datetime64('2000-01') + 3 * n},{n}\n" for n in range(60))
    )
    for data in (a_panel((60,)), write(quarterly)):
        with pytest.raises(RunMismatchError, match="does not fit the run"):
            backtest(data, run=run)


def test_a_run_of_data_with_other_columns_says_what_it_was_trained_on(airline_store: Path) -> None:
    with pytest.raises(DataError) as caught:
        backtest(SAMPLES / "hourly.csv", run="1", store_folder=airline_store)
    name = store.names(airline_store)[0]
    assert (caught.value.message, caught.value.hint) == (
        f"{SAMPLES / 'hourly.csv'}: no column 'Month' for --time",
        f"known: time, load; the run {name} was trained on {AIRLINE}",
    )


def test_settings_of_a_training_have_no_effect_on_a_run_and_are_refused(
    airline_store: Path,
) -> None:
    with pytest.raises(SettingsError) as caught:
        backtest(AIRLINE, run="1", store_folder=airline_store, units="5")
    assert (caught.value.message, caught.value.hint) == (
        "--units has no effect with --run: a saved run is not trained again",
        "leave out --units, or leave out --run",
    )
    with pytest.raises(SettingsError, match="unknown setting 'unit'"):
        backtest(AIRLINE, run="1", store_folder=airline_store, unit="5")
    with pytest.raises(SettingsError, match="--resume have no effect with --run"):
        backtest(AIRLINE, run="1", store_folder=airline_store, refit="every")
    with pytest.raises(SettingsError, match="--resume have no effect with --run"):
        backtest(AIRLINE, run="1", store_folder=airline_store, resume=True)


def test_a_stopped_backtest_says_that_nothing_was_written() -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Phase) and event.name == "cost":
            raise StoppedError(2)

    with pytest.raises(StoppedError) as caught:
        backtest(a_panel((60,)), report=stop, **ASKED)
    assert caught.value.message == "stopped by signal 2; nothing was written"


# -- how long it takes -------------------------------------------------------------------------


ROLL = """
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from forecast_cli import backtest, store

run = store.load(Path(sys.argv[1]))
values = np.load(Path(sys.argv[1]) / "values.npy")
first = run.tail.first + run.tail.lengths - 300
panel = replace(run.tail, values=values, offsets=np.array([0, len(values)]), first=first)
found = backtest(panel, run=run, origins=5_000, step=1)
assert found.csv().count(b"\\n") == 1 + 5_000 * 7
assert "torch" not in sys.modules
assert time.process_time() < 60  # seconds of the processor, whatever else it has to do
"""


def test_a_run_is_rolled_over_thousands_of_origins_without_torch(tmp_path: Path) -> None:
    panel = a_panel((6_000,))
    first = replace(panel, values=panel.values[:300], offsets=np.array([0, 300]))
    train(first, store_folder=tmp_path, horizon=7, **QUICK)
    np.save(tmp_path / "values.npy", panel.values)

    run_python(ROLL, tmp_path)


def test_a_file_that_was_read_is_rolled_like_its_path() -> None:
    asked = {**ASKED, "origins": 2}
    assert backtest(read_csv(AIRLINE), **asked).csv() == backtest(AIRLINE, **asked).csv()
