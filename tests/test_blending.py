"""The share of the base network in a forecast, and trainings that begin with it."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import (
    base,
    blending,
    forecasting,
    learning,
    planning,
    predict,
    store,
    train,
)
from forecast_cli.errors import SettingsError, StoppedError
from forecast_cli.forecasting import Model
from forecast_cli.members import Execution
from forecast_cli.network import Weights
from forecast_cli.panel import Floats, Panel, from_series
from forecast_cli.planning import Plan
from forecast_cli.progress import Epoch, Event
from forecast_cli.sources import settings_from
from forecast_cli.store import Run
from tests.commands.helpers import Forecast
from tests.conftest import AIRLINE

QUICK: dict[str, Any] = {
    "horizon": 6,
    "season": "12",
    "units": "4",
    "epochs": 1,
    "members": 1,
}


def waves(count: int, length: int, seed: int = 5) -> list[Floats]:
    """Series with a season of 12 and a trend, each of its own strength."""
    random = np.random.default_rng(seed)
    step = np.arange(length)
    found = []
    for _ in range(count):
        wave = random.uniform(5, 20) * np.sin(step / 12 * 2 * np.pi + random.uniform(0, 6))
        found.append(100 + random.normal(0, 0.1) * step + wave + random.normal(0, 1, length))
    return found


def learned(panel: Panel, **settings: Any) -> Model:
    plan = planning.make(panel, settings_from(**{**QUICK, **settings}))
    return learning.learn(panel, plan, Execution()).model


def weight_of(plan: Plan) -> float:
    return 0.0 if plan.base is None else plan.base.weight


@pytest.fixture(scope="module")
def blend() -> Model:
    """A network after one epoch, which knows next to nothing, and the base network."""
    return learned(from_series(waves(1, 240)))


def test_a_network_that_knows_nothing_leaves_the_forecast_to_the_base_network(
    blend: Model,
) -> None:
    assert weight_of(blend.plan) > 0.5
    assert "of the validation part, the trained network has a MASE of" in blend.plan.reasons["base"]


def test_the_forecast_is_the_mean_of_both_by_their_weight(blend: Model) -> None:
    panel = from_series(waves(1, 240))
    share = blend.plan.base
    assert share is not None

    def values(weight: float) -> Floats:
        plan = replace(blend.plan, base=replace(share, weight=weight), shrinkage=0.0)
        return forecasting.forecast(panel, replace(blend, plan=plan), ()).values

    # The mean is taken of logarithms, which these series have.
    assert blend.plan.normalization == "shifted-log"
    zero = blend.scale.zero[0]
    mean = 0.7 * np.log(values(0.0) - zero) + 0.3 * np.log(values(1.0) - zero)
    assert np.log(values(0.3) - zero) == pytest.approx(mean)


def test_the_fewer_rows_the_more_the_base_network_is_trusted() -> None:
    weights = []
    for length in (72, 150, 600):
        panel = from_series(waves(1, length))
        weights.append(blending._trusted(panel, learned(panel), best=0.2))
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > 0.5
    assert weights[-1] == pytest.approx(0.2)


def test_nothing_of_the_test_part_decides_the_weight() -> None:
    series = waves(1, 240)
    poisoned = [values.copy() for values in series]
    poisoned[0][-6:] *= 3
    one, other = (learned(from_series(values)).plan for values in (series, poisoned))
    assert one.base == other.base
    assert one.reasons["base"] == other.reasons["base"]


def test_a_saved_run_forecasts_with_the_base_network_that_it_was_trained_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = from_series(waves(1, 120))
    trained = train(panel, draw=False, store_folder=tmp_path, **QUICK)
    assert weight_of(trained.run.config.plan) > 0

    # A later release may come with other weights: a run keeps its own.
    monkeypatch.setattr(base.weights, "PATH", tmp_path / "gone")
    again = predict(panel, store_folder=tmp_path)
    assert again.forecast.values == pytest.approx(trained.forecast.values)
    assert store.verify(tmp_path, trained.run.name) == []


def test_without_the_base_network_nothing_of_it_is_in_the_run(tmp_path: Path) -> None:
    panel = from_series(waves(1, 120))
    run = train(panel, draw=False, store_folder=tmp_path, warm_start="none", **QUICK).run
    assert run.config.plan.base is None
    assert run.model.base is None


@pytest.mark.parametrize("preset", ["classic", "seq2seq", "bilstm"])
def test_presets_that_are_recipes_do_without_it(preset: str) -> None:
    panel = from_series(waves(1, 240))
    assert planning.make(panel, settings_from(horizon=6, preset=preset)).base is None


def test_a_covariate_does_not_keep_the_base_network_out(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    lines = ["ds,y,promo"]
    for day, value in enumerate(waves(1, 200)[0]):
        time = np.datetime64("2025-01-01") + day
        lines.append(f"{time},{value:.3f},{random.integers(0, 2)}")
    for day in range(200, 206):
        lines.append(f"{np.datetime64('2025-01-01') + day},,1")
    path = tmp_path / "promo.csv"
    path.write_text("\n".join(lines) + "\n")
    asked = {**QUICK, "season": "7", "future": ["promo"]}
    trained = train(path, draw=False, store_folder=tmp_path / "runs", **asked)
    assert np.isfinite(trained.forecast.values).all()


# -- a training that begins with it ------------------------------------------------------------


def test_a_training_from_the_base_network_changes_its_weights_and_is_saved(
    tmp_path: Path,
) -> None:
    panel = from_series(waves(3, 120))
    asked: dict[str, Any] = {"horizon": 6, "season": "12", "epochs": 1}
    trained = train(panel, draw=False, store_folder=tmp_path, warm_start="base", **asked)
    plan = trained.run.config.plan
    assert (plan.warm_start, plan.base, plan.loss) == ("base", None, "quantile")

    weights, known = trained.run.model.members[0], base.load_weights()
    assert weights.keys() == known.keys()
    moved = [float(np.abs(weights[name] - known[name]).max()) for name in known]
    assert 0 < max(moved) < 0.2

    again = predict(panel, store_folder=tmp_path)
    assert again.forecast.values == pytest.approx(trained.forecast.values)


def test_many_short_series_are_tried_from_the_base_network_too() -> None:
    panel, settings = from_series(waves(40, 60)), settings_from(horizon=6, season="12")
    plan = planning.make(panel, settings)
    found = planning.candidates(panel, settings, plan)
    assert [one.name for one in found] == ["from scratch", "from the base network"]

    few = from_series(waves(2, 60))
    assert len(planning.candidates(few, settings, planning.make(few, settings))) < 2
    named = settings_from(horizon=6, season="12", units="8")
    assert len(planning.candidates(panel, named, planning.make(panel, named))) < 2


@pytest.mark.parametrize(
    ("settings", "option"),
    [
        ({"units": "50,100"}, "--units"),
        ({"lookback": 24}, "--lookback"),
        ({"cell": "gru"}, "--cell"),
        ({"loss": "mae"}, "--loss"),
        ({"preset": "accurate"}, "--preset"),
    ],
)
def test_settings_of_another_network_do_not_go_with_it(
    tmp_path: Path, settings: dict[str, Any], option: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        train(AIRLINE, draw=False, store_folder=tmp_path, warm_start="base", **settings)
    assert caught.value.message == (
        f"{option} does not go with --from base, which decides the network"
    )
    assert caught.value.hint == f"leave out {option}, or train without --from base"


def test_print_config_says_that_validation_chooses_the_start(forecast: Forecast) -> None:
    result = forecast("train", AIRLINE, "--print-config")
    assert result.code == 0
    (line,) = [line for line in result.out.splitlines() if line.startswith("start ")]
    assert line == (
        "start base or scratch, chosen by validation when training: "
        "how much of the forecast is the base network's"
    )
    assert not any(line.startswith("base ") for line in result.out.splitlines())


def test_print_config_says_where_a_training_from_the_base_network_is_tried(
    forecast: Forecast, tmp_path: Path
) -> None:
    path = tmp_path / "many.csv"
    rows = [f"s{n},{at},{value}" for n, s in enumerate(waves(12, 60)) for at, value in enumerate(s)]
    path.write_text("unique_id,ds,y\n" + "\n".join(rows) + "\n")
    result = forecast("train", path, "--season", 12, "--horizon", 6, "--print-config")
    (line,) = [line for line in result.out.splitlines() if line.startswith("start ")]
    assert line == (
        "start base or scratch, chosen by validation when training: how much of the forecast is "
        "the base network's, and whether training begins with its weights"
    )


# -- layers that keep their weights ------------------------------------------------------------

TUNED: dict[str, Any] = {"horizon": 6, "season": "12", "epochs": 1}


def kept_and_changed(run: Run, began: Weights, member: int = 0) -> tuple[set[str], set[str]]:
    """The tensors with the bytes that training began with, and the others."""
    ended = run.model.members[member]
    assert ended.keys() == began.keys()
    kept = {name for name in began if bytes_of(ended[name]) == bytes_of(began[name])}
    return kept, set(began) - kept


def bytes_of(weights: Floats) -> bytes:
    """The bytes that are saved."""
    return weights.astype(np.float32).tobytes()


def of_layers(names: Iterable[str], *layers: str) -> set[str]:
    return {name for name in names if name.startswith(layers)}


@pytest.mark.parametrize(
    ("freeze", "layers"),
    [(0, ()), (1, ("layers.0.",)), (2, ("layers.0.", "layers.1."))],
)
def test_frozen_layers_of_the_base_network_keep_every_byte(
    tmp_path: Path, freeze: int, layers: tuple[str, ...]
) -> None:
    panel, known = from_series(waves(3, 60)), base.load_weights()
    asked = {**TUNED, "freeze": freeze, "members": 2, "weight_decay": 0.1}
    run = train(panel, draw=False, store_folder=tmp_path, warm_start="base", **asked).run
    assert run.config.plan.freeze == freeze

    for member in (0, 1):
        kept, changed = kept_and_changed(run, known, member)
        assert kept == (of_layers(known, *layers) if layers else set())
        assert changed == set(known) - kept
    assert store.load(tmp_path).config == run.config


def test_frozen_layers_of_a_run_keep_every_byte(tmp_path: Path) -> None:
    asked: dict[str, Any] = {**QUICK, "units": "4,5", "preset": "bilstm", "segment": 12}
    first = train(AIRLINE, draw=False, store_folder=tmp_path, **asked).run
    began = first.model.members[0]
    assert of_layers(began, "embedding.")

    changes: dict[str, Any] = {"freeze": 1, "jitter": 0.1, "weight_decay": 0.1, "seed": 9}
    frozen = train(AIRLINE, draw=False, store_folder=tmp_path, warm_start="1", **asked, **changes)
    kept, _ = kept_and_changed(frozen.run, began)
    assert kept == of_layers(began, "embedding.", "layers.0.")

    free = train(AIRLINE, draw=False, store_folder=tmp_path, warm_start="1", **asked).run
    assert free.config.plan.freeze == 0
    assert kept_and_changed(free, began)[0] == set()


def test_a_stopped_training_with_frozen_layers_ends_in_the_same_bytes(tmp_path: Path) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Epoch) and (event.stage, event.epoch) == ("refit", 1):
            raise StoppedError(signal.SIGTERM)

    panel, asked = from_series(waves(1, 40)), {**TUNED, "epochs": 2, "freeze": 1, "test": 0}
    start: dict[str, Any] = {"draw": False, "warm_start": "base", **asked}
    whole = train(panel, store_folder=tmp_path / "whole", **start).run
    with pytest.raises(StoppedError):
        train(panel, store_folder=tmp_path / "cut", report=stop, **start)
    again = train(panel, store_folder=tmp_path / "cut", resume=True, **start)

    assert again.notes == ()
    ended = again.run.model.members[0]
    assert all(bytes_of(ended[name]) == bytes_of(w) for name, w in whole.model.members[0].items())


def test_layers_are_frozen_only_in_a_training_that_begins_with_weights(
    forecast: Forecast, tmp_path: Path
) -> None:
    for more in ([], ["--from", "none"]):
        result = forecast("train", AIRLINE, "--freeze", 1, *more)
        assert (result.code, result.said) == (
            2,
            "error: --freeze needs --from: random weights are not worth keeping\n"
            "hint: leave out --freeze; forecast train --from base and --from RUN take it\n",
        )
    assert forecast("train", AIRLINE, "--from", "base", "--freeze", 3).code == 2
    assert forecast("backtest", AIRLINE, "--freeze", 1).code == 2

    config = tmp_path / "forecast.toml"
    config.write_text("freeze = 1\n")
    assert forecast("check", AIRLINE, "--config", config).code == 0
