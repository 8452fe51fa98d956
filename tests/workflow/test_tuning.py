"""tune(): trials on rolling origins before the held-out rows, a study that goes on, the best published."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import planning, read_csv, store, train, tune
from forecast_cli.errors import (
    DivergedError,
    LockedError,
    RunMismatchError,
    SettingsError,
    StoppedError,
    StorageError,
    TooLittleDataError,
)
from forecast_cli.panel import Panel, from_series
from forecast_cli.progress import Event, Phase
from forecast_cli.settings import Settings
from forecast_cli.sources import settings_from
from forecast_cli.store import Study
from forecast_cli.workflow import Tuned, tuning_document
from forecast_cli.workflow import trials as trials_of
from forecast_cli.workflow.trials import FoldResult, FoldTask, make_folds, run_fold
from tests.conftest import AIRLINE

pytest.importorskip("optuna", reason="the extra tune is not installed")

# Small networks, of which only what is not given here is varied; and little to validate with.
TINY: dict[str, Any] = {
    "epochs": 1,
    "units": "3",
    "members": 1,
    "batch_size": 64,
    "horizon": 3,
    "lookback": 12,
    "segment": 4,
    "validation": 3,
}


@pytest.fixture(scope="module")
def airline() -> Panel:
    return read_csv(AIRLINE)


def tiny(data: Panel | Path, root: Path, trials: int = 4, **named: Any) -> Tuned:
    return tune(data, trials=trials, store_folder=root, draw=False, **{**TINY, **named})


def newest_study(root: Path) -> Study:
    with store.lock_studies(root) as lock:
        return store.load_study(lock, store.study_numbers(lock)[-1])


def stopping_at(trial: int, signal_number: int = 2) -> Any:
    """A report that stops the tuning when it begins with a trial."""

    def report(event: Event) -> None:
        if isinstance(event, Phase) and event.text.startswith(f"trial {trial} of"):
            raise StoppedError(signal_number)

    return report


@pytest.fixture(scope="module")
def tuned(airline: Panel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Tuned, Path]:
    root = tmp_path_factory.mktemp("tuned") / "store"
    return tiny(airline, root), root


# -- what comes out ----------------------------------------------------------------------------


def test_the_best_trial_is_published_with_reasons_that_name_the_study(
    tuned: tuple[Tuned, Path],
) -> None:
    result, root = tuned
    study, best = result.study, result.study.best
    assert best is not None
    assert study.trials[0].state == "complete"
    errors = [trial.error for trial in study.trials if trial.error is not None]
    assert study.trials[best].error == min(errors)
    assert study == newest_study(root)

    run = store.load(root)
    assert run.name == result.trained.run.name
    plan = run.config.plan
    assert plan.reasons["preset"].startswith(f"study 1: the best of 4 trials is {best}, ")
    for name, value in result.changed.items():
        shape = plan.architecture
        assert getattr(shape, name, getattr(plan, name, None)) == pytest.approx(value)
        assert plan.reasons[name] == f"trial {best} of study 1"
    assert run.metrics.test is not None


def test_no_trial_changes_what_the_user_gave(tuned: tuple[Tuned, Path]) -> None:
    result, _ = tuned
    for changed in result.tried:
        assert not set(changed) & set(TINY)


def test_the_report_names_the_study_and_every_trial(tuned: tuple[Tuned, Path]) -> None:
    result, root = tuned
    document = tuning_document(result)
    kept = json.loads((root / "last_run.json").read_text())
    assert kept == json.loads(json.dumps(document))
    assert (document["schema"], document["study"], document["published"]) == (
        "forecast/tune/v1",
        1,
        True,
    )
    assert [trial["trial"] for trial in document["trials"]] == [0, 1, 2, 3]
    assert document["trials"][0]["settings"] == {}
    assert document["best"] == result.study.best


def test_where_nothing_is_better_the_run_is_that_of_a_training(
    airline: Panel, tmp_path: Path
) -> None:
    alone = tiny(airline, tmp_path / "tuned", trials=1)
    assert alone.changed == {}
    trained = train(airline, store_folder=tmp_path / "trained", draw=False, **TINY)
    for name in ("forecast.csv", "predictions.csv", "model.safetensors"):
        paths = [run.folder / name for run in (alone.trained.run, trained.run)]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_equal_studies_give_equal_results(tuned: tuple[Tuned, Path], tmp_path: Path) -> None:
    first, _ = tuned
    again = tiny(read_csv(AIRLINE), tmp_path / "store")
    assert again.study == first.study


def test_trials_never_look_at_the_held_out_rows(
    tuned: tuple[Tuned, Path], airline: Panel, tmp_path: Path
) -> None:
    first, _ = tuned
    values = airline.values.copy()
    values[-3:] = 9_999
    poisoned = tiny(replace(airline, values=values), tmp_path / "store")
    assert poisoned.study.trials == first.study.trials


# -- going on ----------------------------------------------------------------------------------


def test_a_study_that_goes_on_is_the_one_that_was_never_stopped(
    tuned: tuple[Tuned, Path], airline: Panel, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError) as caught:
        tiny(airline, tmp_path, report=stopping_at(2, 15))
    assert caught.value.message == (
        "stopped by signal 15; 2 of 4 trials are kept, and nothing was published"
    )
    assert caught.value.hint == "go on with the study: the same command with --resume"
    assert store.names(tmp_path) == []
    assert len(newest_study(tmp_path).trials) == 2

    resumed = tiny(airline, tmp_path, resume=True)
    whole, _ = tuned
    assert resumed.study == whole.study
    assert resumed.changed == whole.changed


def test_the_first_ctrl_c_publishes_the_best_so_far(airline: Panel, tmp_path: Path) -> None:
    with pytest.raises(StoppedError) as caught:
        tiny(airline, tmp_path, report=stopping_at(1))
    assert caught.value.exit_code == 130
    assert caught.value.message == (
        "stopped by signal 2; 1 of 4 trials are kept, and the best was published as run "
        f"{store.latest(tmp_path)}"
    )
    report = json.loads((tmp_path / "last_run.json").read_text())
    assert (report["schema"], report["exit_code"]) == ("forecast/tune/v1", 130)


def test_a_second_ctrl_c_publishes_nothing(airline: Panel, tmp_path: Path) -> None:
    def report(event: Event) -> None:
        stopping_at(1)(event)
        if isinstance(event, Phase) and event.name == "loading":
            raise StoppedError(2)

    with pytest.raises(StoppedError) as caught:
        tiny(airline, tmp_path, report=report)
    assert caught.value.message == (
        "stopped by signal 2; 1 of 4 trials are kept, and nothing was published"
    )
    assert store.names(tmp_path) == []


def test_ctrl_c_before_the_first_trial_is_done_leaves_no_study(
    airline: Panel, tmp_path: Path
) -> None:
    with pytest.raises(StoppedError) as caught:
        tiny(airline, tmp_path, report=stopping_at(0))
    assert caught.value.message == "stopped by signal 2; nothing was published"
    with store.lock_studies(tmp_path) as lock:
        assert store.study_numbers(lock) == []


def test_more_trials_can_be_added_to_a_study_that_is_done(
    tuned: tuple[Tuned, Path], airline: Panel, tmp_path: Path
) -> None:
    tiny(airline, tmp_path, trials=2)
    longer = tiny(airline, tmp_path, trials=4, resume=True)
    whole, _ = tuned
    assert longer.study == whole.study
    assert len(store.names(tmp_path)) == 2


def test_without_resume_a_new_study_begins_and_the_old_one_is_kept(
    airline: Panel, tmp_path: Path
) -> None:
    tiny(airline, tmp_path, trials=1)
    assert tiny(airline, tmp_path, trials=1).study.number == 2
    with store.lock_studies(tmp_path) as lock:
        assert store.study_numbers(lock) == [1, 2]


def test_a_resume_of_nothing_starts_from_the_beginning_and_says_so(
    airline: Panel, tmp_path: Path
) -> None:
    result = tiny(airline, tmp_path, trials=1, resume=True)
    assert [note.text for note in result.notes] == [
        "started from the beginning: there is no study to go on with"
    ]


def test_a_study_of_other_settings_is_refused_naming_both(airline: Panel, tmp_path: Path) -> None:
    tiny(airline, tmp_path, trials=1)
    with pytest.raises(SettingsError) as caught:
        tiny(airline, tmp_path, resume=True, horizon=4, seed=5)
    assert caught.value.message == (
        f"study 1 in {tmp_path} is of other settings: --horizon 3 there, 4 here; "
        "--seed (default) there, 5 here"
    )
    assert caught.value.hint == (
        "give the settings that it has, or begin a new study without --resume"
    )
    with pytest.raises(SettingsError, match="--workers 1 there, 2 here"):
        tiny(airline, tmp_path, resume=True, workers=2)


def test_a_study_of_other_data_is_refused_naming_both(airline: Panel, tmp_path: Path) -> None:
    first = tiny(airline, tmp_path, trials=1)
    other = replace(airline, values=airline.values + 1, source="other.csv")
    with pytest.raises(RunMismatchError) as caught:
        tiny(other, tmp_path, resume=True)
    assert caught.value.exit_code == 13
    assert caught.value.message.startswith(
        f"study 1 in {tmp_path} is of other data: {AIRLINE} (144 rows, sha256 "
        f"{first.study.content[:8]}) there, other.csv (144 rows, sha256 "
    )


def test_a_study_of_other_versions_is_refused_naming_both(airline: Panel, tmp_path: Path) -> None:
    study = tiny(airline, tmp_path, trials=1).study
    with store.lock_studies(tmp_path) as lock:
        store.save_study(lock, replace(study, versions={**study.versions, "optuna": "1.2"}))
    with pytest.raises(RunMismatchError, match=r"optuna 1\.2 there, .* here"):
        tiny(airline, tmp_path, resume=True)


def test_one_tuning_at_a_time(airline: Panel, tmp_path: Path) -> None:
    with store.lock_studies(tmp_path), pytest.raises(LockedError, match="another tuning"):
        tiny(airline, tmp_path)


# -- what goes wrong ---------------------------------------------------------------------------


def test_trials_that_cannot_be_trained_are_counted(
    airline: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = trials_of._error

    def error(task: FoldTask) -> float:
        if task.settings.network.cell == "gru" or task.settings.network.dropout is not None:
            raise DivergedError("the loss is not finite")
        return real(task)

    monkeypatch.setattr(trials_of, "_error", error)
    result = tiny(airline, tmp_path, trials=6)
    failed = result.study.count("failed")
    assert 0 < failed < 6
    text = "could not be trained, the first because the loss is not finite"
    assert text in result.notes[0].text
    assert result.exit_code == 0


def test_where_no_trial_can_be_trained_nothing_is_published(
    airline: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def error(task: FoldTask) -> float:
        return float("nan")

    monkeypatch.setattr(trials_of, "_error", error)
    with pytest.raises(DivergedError) as caught:
        tiny(airline, tmp_path, trials=2)
    assert caught.value.message == (
        "none of 2 trials could be trained; the first: its forecasts are not finite"
    )
    assert store.names(tmp_path) == []


def test_a_trial_that_does_not_fit_in_memory_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def error(task: FoldTask) -> float:
        raise MemoryError

    monkeypatch.setattr(trials_of, "_error", error)
    task = FoldTask(None, 0, Settings(), "cpu", None)  # type: ignore[arg-type]
    assert run_fold(task, print) == FoldResult(None, "it does not fit in memory")


def test_what_time_was_too_short_for_says_nothing_and_the_rest_is_published(
    airline: Panel, tmp_path: Path
) -> None:
    result = tiny(airline, tmp_path, time_limit="0.001s")
    assert result.study.trials == ()
    assert [note.text for note in result.notes] == [
        "time was up before the first trial was done: trained without tuning; --resume goes on "
        "with the study"
    ]
    assert store.latest(tmp_path) == result.trained.run.name


def test_a_full_disk_keeps_the_trials_before(
    airline: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = store.save_study

    def save(lock: Any, study: Study) -> None:
        if len(study.trials) == 2:
            raise StorageError("cannot write", "free some space")
        real(lock, study)

    monkeypatch.setattr(store, "save_study", save)
    with pytest.raises(StorageError) as caught:
        tiny(airline, tmp_path)
    assert caught.value.hint == (
        "free some space; the trials before are kept, and --resume goes on with them"
    )
    assert len(newest_study(tmp_path).trials) == 1


def test_settings_that_leave_nothing_to_tune_are_refused(airline: Panel, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="trains networks of several kinds"):
        tune(airline, preset="accurate", store_folder=tmp_path)
    with pytest.raises(SettingsError, match="--trials must be between 1 and 10,000, got 0"):
        tune(airline, trials=0, store_folder=tmp_path)
    everything: dict[str, Any] = {
        "cell": "lstm",
        "dropout": 0.1,
        "skip": "linear",
        "squash": "asinh",
        "loss": "mse",
        "optimizer": "adam",
        "learning_rate": 0.001,
        "weight_decay": 0.0,
        "jitter": 0.0,
    }
    with pytest.raises(SettingsError, match="there is nothing to try"):
        tiny(airline, tmp_path, **everything)
    assert not store.exists(tmp_path)


# -- folds -------------------------------------------------------------------------------------


def folds_of(panel: Panel, **named: Any) -> trials_of.Folds:
    settings = settings_from(**named)
    return make_folds(panel, settings, planning.make(panel, settings))


def test_folds_lie_before_the_test_part_and_follow_each_other(airline: Panel) -> None:
    folds = folds_of(airline, horizon=12)
    assert folds.panel.lengths.tolist() == [132]
    assert (folds.count, folds.per_fold, folds.origins.count) == (3, 4, 12)
    assert [list(folds.wanted(fold)) for fold in range(3)] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]
    cuts = folds.origins.cuts(folds.panel)[0]
    assert cuts.tolist() == [87 + 3 * number for number in range(12)]


def test_many_series_are_scored_from_one_origin_each_fold() -> None:
    random = np.random.default_rng(1)
    panel = from_series([random.normal(size=60).cumsum() + 50 for _ in range(12)])
    folds = folds_of(panel, horizon=4)
    assert (folds.count, folds.per_fold, folds.origins.step) == (3, 1, 4)


def test_short_series_get_fewer_folds_and_too_short_ones_a_clear_error() -> None:
    values = np.arange(40.0)
    counts = [folds_of(from_series([values[:rows]]), horizon=4).count for rows in (40, 22)]
    assert counts[0] == 3 > counts[1]
    with pytest.raises(TooLittleDataError, match="the rows do not suffice for tuning"):
        folds_of(from_series([values[:13]]), horizon=4, validation=1)


def test_a_constant_series_is_scored_in_its_own_units() -> None:
    folds = folds_of(from_series([np.full(60, 5.0)]), horizon=4)
    assert folds.scales.tolist() == [1.0]


def test_what_validation_chooses_is_chosen_once_and_before_the_folds(
    airline: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def choose(folds: trials_of.Folds, *rest: object) -> str:
        asked.append(len(folds.panel))
        return "season 12, 400 steps"

    monkeypatch.setattr("forecast_cli.workflow.tuning.choose_candidate", choose)
    tiny(airline, tmp_path, trials=1)
    result = tiny(airline, tmp_path, trials=2, resume=True)
    assert (result.study.candidate, asked) == ("season 12, 400 steps", [1])


def test_the_part_of_a_choice_that_a_trial_leaves_to_the_rules_holds_for_it() -> None:
    random = np.random.default_rng(1)
    panel = from_series([random.normal(size=1500) + np.tile(np.arange(50.0), 30)])
    names = ("season 50, 100 steps", "season 10, 100 steps", "season 10, 400 steps")
    epochs, levels = [], []
    for name in names:
        plan = trials_of.plan_of_fold(panel, settings_from(season="10,50"), 10, name)
        epochs.append(plan.epochs)
        levels.append(plan.level_steps)
    assert levels == [50, 10, 10]
    assert epochs[0] == epochs[1] < epochs[2]

    given = settings_from(season="10,50", epochs=3)
    plan = trials_of.plan_of_fold(panel, given, 10, "season 10, 100 steps")
    assert (plan.epochs, plan.level_steps) == (3, 10)


def test_many_short_series_begin_with_the_base_network_where_that_was_chosen() -> None:
    random = np.random.default_rng(1)
    panel = from_series([random.normal(size=60).cumsum() + 50 for _ in range(12)])
    chosen = "from the base network"
    plan = trials_of.plan_of_fold(panel, Settings(), 6, chosen)
    assert (plan.warm_start, plan.base) == ("base", None)
    other = trials_of.plan_of_fold(panel, settings_from(cell="gru"), 6, chosen)
    assert other.warm_start == ""
