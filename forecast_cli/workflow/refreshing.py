"""refresh(): read, score what came true, train if it is due, promote what is better, forecast.

All of it is one transaction under the lock of the store. What is published is whole at any
instant: the run, then the forecast, then the record of the track.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from forecast_cli import forecasting, store
from forecast_cli.errors import (
    DEGRADED,
    ForecastError,
    LowSkillError,
    RunMismatchError,
    StorageError,
)
from forecast_cli.forecasting import Forecast
from forecast_cli.messages import Note
from forecast_cli.panel import Panel
from forecast_cli.progress import Phase, Report, silent
from forecast_cli.refreshing import Errors, Verdict
from forecast_cli.settings import DEFAULT_STORE, Settings
from forecast_cli.store import Clock, Lock, PastForecast, RefreshEvent, Run, now_in_utc
from forecast_cli.workflow import notes
from forecast_cli.workflow.changes import TRAIN_ALIKE
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.predicting import for_horizon
from forecast_cli.workflow.refresh_state import RefreshJob, RefreshState, look_at, model_as_asked
from forecast_cli.workflow.retraining import Outcome, prepare_if_due, train_if_due
from forecast_cli.workflow.tracking import past_forecast, removal_order

if TYPE_CHECKING:  # only a training needs what it needs
    from forecast_cli.workflow.results import Trained
    from forecast_cli.workflow.training_plans import Prepared

ALARM = LowSkillError.exit_code  # 4: the forecasts are not as good as they should be

Deliver = Callable[[Forecast], None]


@dataclass(frozen=True, eq=False)
class Refreshed:
    """What a refresh came to.

    - run, forecast: the forecast that was published, and the run that made it
    - trained: the new run, whether or not it was promoted; errors, verdict: how it was judged
    - error: why nothing good enough could be published: the exit code is its own
    """

    state: RefreshState
    run: Run
    forecast: Forecast
    panel: Panel
    notes: tuple[Note, ...]
    trained: Trained | None = None
    errors: Errors | None = None
    verdict: Verdict | None = None

    @property
    def promoted(self) -> bool:
        return self.trained is not None and self.trained.refusal is None

    @property
    def reasons(self) -> list[str]:
        """Why the exit code is not 0; empty if it is."""
        return [note.text for note in self.notes if note.level == "degraded"]

    @property
    def exit_code(self) -> int:
        """4 where the alarm is on, or the network is below --min-skill; 3 where degraded."""
        is_below = self.trained is not None and self.trained.refusal is not None
        if self.state.alarm.is_on or (is_below and self.verdict is None):
            return ALARM
        return DEGRADED if self.reasons else 0


def refresh(
    data: str | os.PathLike[str],
    settings: Settings,
    deliver: Deliver,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report = silent,
    clock: Clock = now_in_utc,
) -> Refreshed:
    """Publish a fresh forecast of a file, by a run that is trained again when it should be.

    deliver: publishes the forecast, in one step. The report is kept in `last_run.json`, also of a
    refresh that failed.

    Raises ForecastError and its children: RunMismatchError where the data changed their shape or
    lost rows, StaleDataError where they are too old, LowSkillError where there is no run but one
    below --min-skill. A training that fails is no error where there is a run to go on with.
    """
    from forecast_cli.workflow.refresh_reports import keep_refresh, keep_refresh_failure

    root = Path(store_folder)
    job = RefreshJob(settings, root, report, clock)
    try:
        with contextlib.ExitStack() as stack:
            # Data that cannot be read make no store.
            lock = stack.enter_context(_lock(job)) if store.exists(root) else None
            state = look_at(os.fspath(data), job)
            prepared = prepare_if_due(os.fspath(data), state, job) if lock is None else None
            lock = lock or stack.enter_context(_lock(job))
            refreshed = _refresh(os.fspath(data), state, job, lock, prepared, deliver)
            return replace(refreshed, notes=(*refreshed.notes, *keep_refresh(lock, refreshed)))
    except BaseException as error:
        keep_refresh_failure(root, error)
        raise


def _lock(job: RefreshJob) -> contextlib.AbstractContextManager[Lock]:
    def on_wait(holder: str) -> None:
        job.report(Phase("waiting", f"waiting for another command: {holder}"))

    return store.lock(job.root, wait=job.settings.lock.lock_wait, on_wait=on_wait)


def _refresh(
    data: str,
    state: RefreshState,
    job: RefreshJob,
    lock: Lock,
    prepared: Prepared | None,
    deliver: Deliver,
) -> Refreshed:
    """All that changes something."""
    outcome = train_if_due(data, state, job, lock, prepared)
    trained = outcome.trained
    is_promoted = trained is not None and trained.refusal is None
    run = trained.run if trained is not None and is_promoted else state.run
    panel = trained.panel if trained is not None and is_promoted else state.panel
    if run is None or panel is None:
        raise _nothing_to_forecast_with(outcome)

    job.report(Phase("forecasting", "forecasting past the last row"))
    forecast, about = _forecast(data, run, panel, job.settings)
    deliver(forecast)
    refreshed = Refreshed(
        state=state,
        run=run,
        forecast=forecast,
        panel=panel,
        notes=_without_repeats(state, outcome, about),
        trained=trained,
        errors=outcome.errors,
        verdict=outcome.verdict,
    )
    return replace(refreshed, notes=(*refreshed.notes, *_keep(refreshed, job, lock)))


def _nothing_to_forecast_with(outcome: Outcome) -> ForecastError:
    """Why there is no forecast: the only run is not good enough, or cannot read the data."""
    if outcome.trained is not None and outcome.trained.refusal is not None:
        return outcome.trained.refusal
    return RunMismatchError(
        "the latest run cannot read the data with these settings",
        f"train again: {TRAIN_ALIKE}",
    )


def _without_repeats(
    state: RefreshState, outcome: Outcome, about_forecast: tuple[Note, ...]
) -> tuple[Note, ...]:
    """What is to be said so far, each thing once: a training reads and forecasts, too."""
    of_training = () if outcome.trained is None else outcome.trained.notes
    every = (*state.notes, *of_training, *outcome.notes, *about_forecast)
    return tuple({(note.kind, note.text): note for note in every}.values())


# -- forecast ----------------------------------------------------------------------------------


def _forecast(
    data: str, run: Run, panel: Panel, settings: Settings
) -> tuple[Forecast, tuple[Note, ...]]:
    """The forecast past the last row, with the horizon, intervals and digits that are asked for."""
    model, about_interval = model_as_asked(run, settings)
    model, about_horizon = for_horizon(model, settings.window.horizon)
    with naming_file(data):
        forecasting.require_full_window(panel, model.plan)
        forecast = forecasting.forecast(panel, model, settings.interval.levels)
    digits = settings.output.digits
    forecast = replace(forecast, digits=run.digits if digits is None else digits)

    about = notes.about_forecast(forecast, panel, run.model)
    about += notes.about_newest_values(forecast, panel, model.plan)
    measured = notes.about_coverage(run.metrics, model.plan, tuple(forecast.bounds))
    return forecast, (*about_interval, *about_horizon, *about, *measured)


# -- record and prune --------------------------------------------------------------------------


def _keep(refreshed: Refreshed, job: RefreshJob, lock: Lock) -> tuple[Note, ...]:
    """Record the forecast in the track, and prune.

    The forecast is published already, so that a failure only degrades.
    """
    about: tuple[Note, ...] = ()
    try:
        for number in refreshed.state.damaged:
            store.set_forecast_aside(lock, number)
        past = _past_forecast(refreshed, job)
        store.write_forecast(lock, past)
        store.prune_forecasts(lock, removal_order((*refreshed.state.track, past)))
    except StorageError as error:
        text = f"the forecast is published, but not recorded in the track: {error.message}"
        about = (Note("report_missing", "degraded", text),)
    if refreshed.trained is None:
        return about
    from forecast_cli.workflow.publication import prune_runs

    return (*about, *prune_runs(lock, job.settings.prune.keep))


def _past_forecast(refreshed: Refreshed, job: RefreshJob) -> PastForecast:
    """The record of what was published."""
    track = refreshed.state.track
    return past_forecast(
        refreshed.panel,
        refreshed.forecast,
        track[-1] if track else None,
        number=store.next_forecast_number(job.root),
        created=store.time_text(job.clock()),
        run=refreshed.run.name,
        settings=_settings_of_record(refreshed),
        event=_event(refreshed),
    )


def _settings_of_record(refreshed: Refreshed) -> dict[str, str]:
    """The settings of the last training: those of now, unless it failed."""
    state = refreshed.state
    was_tried = refreshed.trained is not None or state.decision.action == "reuse"
    if was_tried or state.trained_with is None:
        return state.settings
    return state.trained_with


def _event(refreshed: Refreshed) -> RefreshEvent:
    state, live = refreshed.state, refreshed.state.live
    return RefreshEvent(
        action=state.decision.action,
        reasons=list(state.decision.reasons),
        alarm=state.alarm.is_on,
        candidate="" if refreshed.trained is None else refreshed.trained.run.name,
        promoted=refreshed.promoted,
        live_mase=None if live is None else live.mase,
        held_out_mase=state.held_out_mase,
        ratio=state.alarm.ratio,
    )
