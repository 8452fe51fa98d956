"""The remedies: each is shown to do what it is there for, or at least to reach the training and the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import (
    forecasting,
    learning,
    planning,
    predict,
    read_csv,
    train,
    windows,
)
from forecast_cli.errors import DataError, RunMismatchError, SettingsError
from forecast_cli.forecasting import prediction
from forecast_cli.members import Execution
from forecast_cli.panel import Panel, from_series, head
from forecast_cli.sources import settings_from
from forecast_cli.training import schedules
from tests.conftest import AIRLINE, SAMPLES, Result

QUICK: dict[str, Any] = {"epochs": 2, "units": "4", "members": 1}


def fitted(panel: Panel, **changes: Any) -> learning.Learned:
    settings = settings_from(
        **{"horizon": 4, "lookback": 16, "units": "8", "epochs": 10, "members": 1, **changes}
    )
    return learning.learn(panel, planning.make(panel, settings), Execution())


def peaks(seed: int = 0, count: int = 900) -> Panel:
    """A level with rare peaks, each announced by a small dip two steps before it."""
    random = np.random.default_rng(seed)
    values = 10 + 0.3 * random.normal(size=count)
    at = np.flatnonzero(random.random(count - 4) < 0.03) + 2
    values[at] += 6 + random.normal(size=len(at))
    values[at - 2] -= 3
    return from_series([values])


def test_balance_lowers_the_error_on_rare_peaks() -> None:
    panel = peaks()
    settings: dict[str, Any] = {
        "epochs": 40,
        "learning_rate": 0.01,
        "patience": 0,
        "validation": 0,
        "horizon": 2,
        "lookback": 8,
        "season": "1",
        "test": 200,
        "dropout": 0.0,
    }
    errors = []
    for balance in (False, True):
        found = fitted(panel, balance=balance, **settings).model
        chosen = windows.between(panel, 8, 2, panel.lengths - 200, panel.lengths)
        rows = forecasting.forecast_windows(panel, found, chosen, ()).values
        actual = windows.futures(panel.values, chosen)
        errors.append(np.abs(rows - actual)[actual > 14].mean())
    assert errors[1] < 0.85 * errors[0]


def test_a_weight_of_zero_leaves_rows_out_of_the_training(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    """Two files that differ only where the weight is zero give the same network but for what the windows show of it."""
    random = np.random.default_rng(1)
    y = 10 + np.sin(np.arange(120) / 2) + 0.1 * random.normal(size=120)
    lines = [
        f"{day},{float(value)!r},{int(step < 60)}"
        for step, (day, value) in enumerate(
            zip(np.datetime64("2024-01-01") + np.arange(120), y, strict=True)
        )
    ]
    path = write("ds,y,w\n" + "\n".join(lines) + "\n")
    trained = train(
        path, draw=False, store_folder=tmp_path / "runs", target="y", weight="w", **QUICK
    )
    assert trained.panel.past_names == ()
    assert trained.panel.weights.tolist() == [1.0] * 60 + [0.0] * 60
    assert trained.run.config.plan.target_clip == 0
    bare = write("ds,y\n" + "\n".join(line.rsplit(",", 1)[0] for line in lines) + "\n", "bare.csv")
    assert np.array_equal(
        predict(bare, store_folder=tmp_path / "runs").forecast.values, trained.forecast.values
    )


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "-1", "1"], "column 'w': 2024-01-02: a weight of -1.0; a weight is at least 0"),
        (["0", "0", "0"], "column 'w': all weights are 0"),
        (["a", "b", "a"], "column 'w': weights are numbers, not texts"),
    ],
)
def test_weights_that_cannot_be_are_refused(
    write: Callable[..., Path], cells: list[str], message: str, tmp_path: Path
) -> None:
    rows = [f"2024-01-{day:02},{day},{cells[(day - 1) % 3]}" for day in range(1, 29)]
    path = write("ds,y,w\n" + "\n".join(rows) + "\n")
    with pytest.raises(DataError, match=message):
        train(path, draw=False, store_folder=tmp_path / "runs", target="y", weight="w", **QUICK)


def test_weight_decay_makes_weights_smaller() -> None:
    panel = from_series([np.sin(np.arange(200) / 3)])
    settings: dict[str, Any] = {
        "epochs": 15,
        "learning_rate": 0.01,
        "patience": 0,
        "validation": 0,
    }
    sizes = []
    for decay in (0.0, 0.1):
        weights = fitted(panel, weight_decay=decay, **settings).model.members[0]
        sizes.append(np.sqrt(sum((tensor**2).sum() for tensor in weights.values())))
    assert sizes[1] < 0.8 * sizes[0]


def test_clipping_is_counted_in_the_history() -> None:
    panel = from_series([np.sin(np.arange(200) / 3)])
    for norm, clipped in ((1e-9, 1), (1e9, 0), (0, 0)):
        history = fitted(panel, clip_norm=norm, epochs=2).fitted[0].history
        assert [line.clipped for line in history] == [clipped, clipped]


def test_the_cosine_schedule_falls_to_zero_in_the_last_epoch() -> None:
    panel = from_series([np.sin(np.arange(200) / 3)])
    decided = planning.make(
        panel, settings_from(horizon=4, schedule="cosine", epochs=200, preset="seq2seq")
    )
    rates = [
        schedules.learning_rate_at(decided, 1.0, step, decided.epochs * decided.epoch_batches)
        for step in range(1, decided.epochs * decided.epoch_batches + 1)
    ]
    assert rates[decided.warmup - 1] == pytest.approx(1.0)
    assert all(
        before >= after
        for before, after in zip(rates[decided.warmup :], rates[decided.warmup + 1 :], strict=False)
    )
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_early_stopping_waits_until_a_decoder_is_on_its_own() -> None:
    panel = from_series(
        [np.random.default_rng(1).normal(size=80)]
    )  # noise: no epoch is better for long
    found = fitted(panel, decoder="seq2seq", epochs=50, patience=1, learning_rate=2.0, refit=False)
    assert len(found.fitted[0].history) > schedules.teacher_forced_epochs(found.model.plan) == 10
    alone = fitted(panel, epochs=50, patience=1, learning_rate=2.0, refit=False)
    assert len(alone.fitted[0].history) < 10


def test_teacher_forcing_is_scheduled_down_to_none() -> None:
    panel = from_series([np.sin(np.arange(200) / 3)])
    decided = planning.make(panel, settings_from(horizon=4, preset="seq2seq", epochs=10))
    steps = decided.epochs * decided.epoch_batches
    chances = [schedules.teacher_forcing_at(decided, step) for step in range(steps)]
    assert chances[0] == 1
    assert chances == sorted(chances, reverse=True)
    assert chances[steps // 5 :] == [0.0] * (steps - steps // 5)
    assert schedules.teacher_forcing_at(planning.make(panel, settings_from(horizon=4)), 0) == 0


@pytest.mark.parametrize(
    "settings",
    [{"optimizer": o} for o in ("adam", "adamw", "sgd")] + [{"loss": x} for x in ("mae", "huber", "quantile")] + [{"jitter": 0.3}],
    ids=str,
)  # fmt: skip
def test_a_remedy_changes_the_weights_and_is_kept_in_the_run(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    plain = train(AIRLINE, draw=False, store_folder=tmp_path, refit=False, **QUICK)
    trained = train(AIRLINE, draw=False, store_folder=tmp_path, refit=False, **QUICK, **settings)
    name, value = next(iter(settings.items()))
    assert getattr(trained.run.config.plan, name) == value
    assert trained.forecast.values.shape == (1, 12)
    assert not np.array_equal(trained.forecast.values, plain.forecast.values)
    assert np.array_equal(predict(store_folder=tmp_path).forecast.values, trained.forecast.values)


def test_quantiles_are_further_apart_where_the_noise_is_larger() -> None:
    """Every second step is ten times as noisy. A level that was not trained comes from residuals, which cannot know it."""
    loud = np.arange(300) % 2
    panel = from_series(
        [5 * loud + np.random.default_rng(1).normal(size=300) * np.where(loud, 1.0, 0.1)]
    )
    quick: dict[str, Any] = {
        "epochs": 20,
        "patience": 0,
        "learning_rate": 0.03,
        "dropout": 0.0,
        "test": 100,
        "validation": 0,
    }
    model = fitted(
        panel, loss="quantile", levels="80", horizon=2, lookback=8, season="2", **quick
    ).model
    assert model.plan.architecture.quantiles == (0.1, 0.5, 0.9)

    unseen = windows.between(panel, 8, 2, panel.lengths - 100, panel.lengths)
    bounds = forecasting.forecast_windows(panel, model, unseen, (60, 80)).bounds
    is_loud = loud[unseen.origins[:, None] + np.arange(2)] == 1
    ratios = {}
    for level, (low, high) in bounds.items():
        ratios[level] = (high - low)[is_loud].mean() / (high - low)[~is_loud].mean()
    assert ratios[80] > 2
    assert ratios[60] == pytest.approx(1, abs=0.1)


def test_quantiles_that_cross_are_put_in_order() -> None:
    plan = planning.make(
        peaks(), settings_from(loss="quantile", levels="80", members=2, combine="mean")
    )
    crossing, other = np.array([3.0, 2.0, 1.0]), np.array([3.0, 4.0, 8.0])
    alone = prediction.combine(plan, crossing[None, None, None])
    assert alone.ravel().tolist() == [1, 2, 3]
    together = prediction.combine(plan, np.stack([crossing, other])[:, None, None])
    assert together.ravel().tolist() == [3, 3, 4.5]


def test_a_run_begins_with_the_weights_of_another(forecast: Callable[..., Result]) -> None:
    quick = ("--epochs", 1, "--units", 4, "--members", 1, "--learning-rate", "1e-8")
    first = forecast("train", AIRLINE, *quick, "--json")
    assert "had learned" not in json.loads(first.out)["verdict"]
    result = forecast("train", AIRLINE, *quick, "--from", 1, "--seed", 9, "--json")
    document = json.loads(result.out)
    assert document["plan"]["warm_start"].split("-")[1] == "000001"
    assert "was trained on the held-out rows" in document["verdict"]

    # With a learning rate of next to nothing the second network stays where it began.
    paths = sorted(Path("forecast_runs/runs").glob("*/forecast.csv"))
    one, two = (np.genfromtxt(path, delimiter=",", skip_header=1)[:, 1] for path in paths)
    assert one == pytest.approx(two, rel=1e-4)


def test_a_run_that_was_not_fitted_again_has_not_learned_the_held_out_rows(tmp_path: Path) -> None:
    train(AIRLINE, draw=False, store_folder=tmp_path, refit=False, **QUICK)
    trained = train(AIRLINE, draw=False, store_folder=tmp_path, warm_start="1", **QUICK)
    assert "had learned" not in trained.metrics.verdict


def test_another_network_cannot_be_begun_with(forecast: Callable[..., Result]) -> None:
    forecast("train", AIRLINE, "--epochs", 1, "--units", 4, "--members", 1)
    result = forecast("train", AIRLINE, "--epochs", 1, "--units", 5, "--members", 1, "--from", 1)
    assert (result.code, result.said.splitlines()[0]) == (
        2, "error: --from 1: the network of that run is another one: units (4,) there, (5,) here",
    )  # fmt: skip


def test_a_longer_horizon_is_rolled_forward_and_said_aloud(forecast: Callable[..., Result]) -> None:
    forecast("train", AIRLINE, "--epochs", 1, "--units", 4, "--members", 1, "--horizon", 6)
    short, usual, long = (
        forecast("predict", "--horizon", horizon, "--quiet") for horizon in (2, 6, 25)
    )
    assert (long.code, len(long.out.splitlines())) == (0, 26)
    assert "from step 7 on the network is fed its own forecasts" in long.err
    assert (usual.err, short.err) == ("", "")
    assert long.out.startswith(usual.out)
    assert usual.out.startswith(short.out)
    assert long.out.splitlines()[-1].endswith(",,,,")


def test_rolling_forward_with_a_past_covariate_is_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [
        f"{day},{5 + random.normal():.3f},{random.normal():.3f}"
        for day in np.datetime64("2024-01-01") + np.arange(90)
    ]
    path = tmp_path / "data.csv"
    path.write_text("ds,y,x\n" + "\n".join(rows) + "\n")
    train(
        path, draw=False, store_folder=tmp_path / "runs", target="y", past="x", horizon=3, **QUICK
    )
    with pytest.raises(RunMismatchError, match="it would have to know 'x' beyond the last row"):
        predict(store_folder=tmp_path / "runs", horizon=4)
    with pytest.raises(SettingsError, match="--decoder recursive does not go with --past x"):
        train(
            path,
            draw=False,
            store_folder=tmp_path / "runs",
            target="y",
            past="x",
            decoder="recursive",
            **QUICK,
        )


def test_a_recursive_network_uses_what_is_known_of_the_future(tmp_path: Path) -> None:
    whole = read_csv(SAMPLES / "panel.csv", future="promo")
    panel = head(whole, whole.lengths - 6)
    trained = train(
        panel, draw=False, store_folder=tmp_path, decoder="recursive", horizon=5, **QUICK
    )
    assert trained.run.config.plan.architecture.outputs == 1
    other = trained.panel.ahead.copy()
    assert trained.forecast.values.shape == (len(panel), 5)
    other[:, 1] = 1 - other[:, 1]
    changed = predict(
        Panel(**{**vars(trained.panel), "ahead": other}), store_folder=tmp_path
    ).forecast.values
    assert np.array_equal(changed[:, 0], trained.forecast.values[:, 0])
    assert not np.array_equal(changed[:, 1:], trained.forecast.values[:, 1:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"attention": "luong", "lookback": 24, "segment": 24},
            "--attention luong has nothing to weigh",
        ),
        (
            {"preset": "classic", "decoder": "direct"},
            "--decoder direct does not go with --preset classic",
        ),
        ({"preset": "classic", "segment": 5}, "--segment does not go with --preset classic"),
    ],
)
def test_networks_that_cannot_be_are_refused_before_any_work(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=message):
        train(AIRLINE, draw=False, store_folder=tmp_path / "runs", **settings)
    assert not (tmp_path / "runs").exists()


PLAIN = ("--units", 4, "--members", 1, "--segment", 1, "--skip", "none")


def test_runs_of_the_same_test_are_compared_best_first(forecast: Callable[..., Result]) -> None:
    for words in (("--cell", "gru"), ("--cell", "rnn"), ("--horizon", 3)):
        forecast("train", AIRLINE, "--epochs", 2, *PLAIN, "--quiet", *words)
    result = forecast("runs", "compare", "--run", 1, "--run", 2, "--json")
    rows = json.loads(result.out)["runs"]
    assert {row["network"] for row in rows} == {"GRU 4", "RNN 4"}
    assert [row["mase"] for row in rows] == sorted(row["mase"] for row in rows)
    gru = next(row for row in rows if row["network"] == "GRU 4")
    assert gru["parameters"] == 3 * 4 * (1 + 4 + 2) + 12 * 4 + 12
    assert gru["operations"] == 2 * (24 * 3 * 4 * (1 + 4) + 12 * 4)
    alone = forecast("runs", "compare")
    assert alone.out.count("\n") == 2
    assert "2 more runs of other data or other rows not shown" in alone.err
    mixed = forecast("runs", "compare", "--run", 1, "--run", 3)
    assert "these runs were tested on different rows" in mixed.err
