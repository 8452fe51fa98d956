"""`--preset accurate`, from the training to the forecast of a process without torch."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import backtest, planning, portfolio, predict, store, train, training
from forecast_cli.errors import DivergedError, RunRejectedError, SettingsError, StoppedError
from forecast_cli.learning import Learned
from forecast_cli.panel import Floats, Panel, from_series
from forecast_cli.progress import Event, MemberDone
from forecast_cli.sources import settings_from
from forecast_cli.store import Run
from forecast_cli.training import Fitted
from forecast_cli.workflow import Trained
from tests.conftest import run_python
from tests.store.helpers import reseal

QUICK: dict[str, Any] = {
    "preset": "accurate",
    "horizon": 4,
    "season": "4",
    "units": "4",
    "epochs": 2,
    "batch_size": 128,
    "draw": False,
}


def a_panel(count: int, rows: int = 60) -> Panel:
    """Series with a season of four steps, a trend and noise."""
    random = np.random.default_rng(7)
    steps = np.arange(rows)
    series: list[Floats] = []
    for _ in range(count):
        season = random.uniform(1, 3) * np.sin(np.pi * steps / 2)
        series.append(20 + season + 0.05 * steps + random.normal(0, 0.5, rows))
    return from_series(series)


@pytest.fixture(scope="module")
def accurate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Path]:
    """A training, and its store. Not to be changed: copy it."""
    folder = tmp_path_factory.mktemp("accurate") / "runs"
    return train(a_panel(40), store_folder=folder, **QUICK), folder


@pytest.fixture
def accurate_store(accurate: tuple[Trained, Path]) -> Path:
    return accurate[1]


@pytest.fixture
def run(accurate_store: Path) -> Run:
    return store.load(accurate_store)


def test_weights_add_up_to_one_and_the_heaviest_kind_comes_first(run: Run) -> None:
    plan = run.config.plan
    weights = [part.weight for part in plan.parts]

    assert sum(plan.weights) == pytest.approx(1)
    assert weights == sorted(weights, reverse=True)
    assert sum(statistic.weight for statistic in plan.statistics) <= 0.25 + 1e-9
    assert plan.architecture == plan.parts[0].architecture
    assert len(run.model.members) == plan.members == sum(part.members for part in plan.parts)
    assert plan.reasons["parts"].startswith("greedy selection on 3 origins: MASE ")
    assert [trial.name for trial in plan.trials if trial.chosen] != []


def test_saved_portfolio_forecasts_what_the_training_forecast(
    accurate: tuple[Trained, Path],
) -> None:
    trained, folder = accurate

    again = predict(a_panel(40), store_folder=folder).forecast
    assert again.values == pytest.approx(trained.forecast.values, rel=1e-5)
    assert again.values.shape == (40, 4)


def test_saved_portfolio_forecasts_in_a_process_without_torch(accurate_store: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from forecast_cli import forecasting, store\n"
        "run = store.load(Path(sys.argv[1]))\n"
        "found = forecasting.forecast(run.tail, run.model, (80.0,))\n"
        "assert found.values.shape == (40, 4)\n"
        "assert (found.bounds[80.0][0] < found.values).all()\n"
        "assert 'torch' not in sys.modules\n"
    )

    run_python(code, accurate_store)


def test_without_a_refit_there_are_several_seeds_that_are_rolled_over_rows_not_seen(
    tmp_path: Path,
) -> None:
    panel = a_panel(40)
    trained = train(panel, store_folder=tmp_path, refit=False, **QUICK)

    plan = trained.run.config.plan
    assert plan.members > len(plan.parts)

    rolled = backtest(panel, run="1", store_folder=tmp_path)

    assert np.isfinite(rolled.result.forecasts["network"]).all()
    assert len(rolled.windows) == 40


def test_equal_trainings_have_equal_bytes(tmp_path: Path, run: Run) -> None:
    again = train(a_panel(40), store_folder=tmp_path, **QUICK).run

    assert again.manifest.files == run.manifest.files


@pytest.mark.slow
def test_side_by_side_gives_the_same_bytes(tmp_path: Path, run: Run) -> None:
    again = train(a_panel(40), store_folder=tmp_path, workers=2, **QUICK).run

    assert again.manifest.files == run.manifest.files


def test_training_that_was_stopped_goes_on_to_the_same_bytes(tmp_path: Path, run: Run) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, MemberDone) and event.member == 3:
            raise StoppedError(15)

    with pytest.raises(StoppedError):
        train(a_panel(40), store_folder=tmp_path, report=stop, **QUICK)
    done: list[int] = []

    def count(event: Event) -> None:
        if isinstance(event, MemberDone):
            done.append(event.member)

    again = train(a_panel(40), store_folder=tmp_path, resume=True, report=count, **QUICK).run

    assert 1 not in done[:2]
    assert again.manifest.files == run.manifest.files


def test_covariates_are_read_by_every_kind(tmp_path: Path) -> None:
    panel = a_panel(40)
    random = np.random.default_rng(3)
    panel = replace(
        panel,
        future_names=("promo",),
        future=random.integers(0, 2, (len(panel.values), 1)).astype(float),
        ahead=np.zeros((40, 4, 1)),
        static_names=("size",),
        static=random.normal(size=(40, 1)),
    )

    trained = train(panel, store_folder=tmp_path, **QUICK)

    assert all(part.architecture.known == 1 for part in trained.run.config.plan.parts)
    assert np.isfinite(trained.forecast.values).all()


def test_one_short_series_gets_seeds_of_one_kind_and_no_statistics(tmp_path: Path) -> None:
    trained = train(a_panel(1, rows=30), store_folder=tmp_path, **QUICK)

    plan = trained.run.config.plan
    assert plan.statistics == ()
    assert [(part.weight, part.members) for part in plan.parts] == [(1.0, 10)]
    assert len(trained.run.model.members) == 10
    assert np.isfinite(trained.forecast.values).all()


def test_four_hundred_series_train(tmp_path: Path) -> None:
    trained = train(a_panel(400, rows=40), store_folder=tmp_path, **{**QUICK, "epochs": 1})

    assert trained.forecast.values.shape == (400, 4)
    assert trained.exit_code == 0


def test_quantiles_are_averaged_in_order(tmp_path: Path) -> None:
    trained = train(a_panel(40), store_folder=tmp_path, loss="quantile", **QUICK)

    low, high = trained.forecast.bounds[80.0]
    assert trained.run.config.plan.statistics == ()
    assert ((low < trained.forecast.values) & (trained.forecast.values < high)).all()


# -- what goes wrong ---------------------------------------------------------------------------


def test_kind_that_diverges_is_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = training.fit

    def fail_for_gru(data: Any, *arguments: Any) -> Fitted:
        if data.plan.architecture.cell == "gru":
            raise DivergedError("no", "no")
        return fit(data, *arguments)

    monkeypatch.setattr(training, "fit", fail_for_gru)

    trained = train(a_panel(40), store_folder=tmp_path, **QUICK)

    texts = [note.text for note in trained.notes if note.kind == "parts_failed"]
    assert len(texts) == 1
    assert texts[0].startswith("2 of ")
    assert all(part.architecture.cell == "lstm" for part in trained.run.config.plan.parts)


def test_portfolio_of_which_every_kind_diverges_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> Fitted:
        raise DivergedError("no", "no")

    monkeypatch.setattr(training, "fit", fail)

    with pytest.raises(DivergedError, match="none of the networks could be trained"):
        train(a_panel(40), store_folder=tmp_path, **QUICK)


def test_refit_that_fails_leaves_the_networks_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = portfolio.learn

    def learn_and_break(*arguments: Any) -> Learned:
        learned = learn(*arguments)

        def fail(*arguments: Any) -> Fitted:
            raise DivergedError("no", "no")

        monkeypatch.setattr(training, "fit", fail)
        return learned

    monkeypatch.setattr(portfolio, "learn", learn_and_break)

    trained = train(a_panel(40), store_folder=tmp_path, **QUICK)

    plan = trained.run.config.plan
    assert plan.members == len(plan.parts)


def test_time_limit_publishes_the_best_so_far(tmp_path: Path) -> None:
    asked = {**QUICK, "epochs": 100_000}

    trained = train(a_panel(40), store_folder=tmp_path, time_limit=3, **asked)

    assert [note.kind for note in trained.notes if note.level == "warning"] == ["time_limit"]
    assert np.isfinite(trained.forecast.values).all()


def test_portfolio_does_not_start_from_a_run(accurate_store: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        train(a_panel(40), store_folder=accurate_store, warm_start="1", **QUICK)

    assert caught.value.message == (
        "--from does not go with --preset accurate, which trains networks of several kinds"
    )


def test_no_run_starts_from_a_portfolio(accurate_store: Path) -> None:
    asked = {**QUICK, "preset": "auto"}

    with pytest.raises(SettingsError) as caught:
        train(a_panel(40), store_folder=accurate_store, warm_start="1", **asked)

    assert caught.value.message == (
        "--from 1: that run is a portfolio of several kinds of networks"
    )


def test_boosting_does_not_go_with_a_portfolio() -> None:
    settings = settings_from(preset="accurate", boosting=True, members=3, horizon=4, season="4")

    with pytest.raises(SettingsError, match="--boosting does not go with --preset accurate"):
        planning.make(a_panel(40), settings)


@pytest.mark.parametrize("change", ["weight", "members", "lookback", "no parts"])
def test_portfolio_that_does_not_fit_together_is_refused(
    tmp_path: Path, accurate_store: Path, change: str
) -> None:
    folder = Path(shutil.copytree(accurate_store, tmp_path / "store"))

    def spoil(texts: dict[str, bytes]) -> None:
        config = json.loads(texts["config.json"])
        part = config["plan"]["parts"][0]
        if change == "weight":
            part["weight"] += 0.1
        if change == "members":
            part["members"] += 1
        if change == "lookback":
            part["architecture"]["lookback"] += part["architecture"]["segment"]
        if change == "no parts":
            config["plan"]["parts"] = []
        texts["config.json"] = json.dumps(config).encode()

    reseal(folder, spoil)

    with pytest.raises(RunRejectedError):
        store.load(folder)
