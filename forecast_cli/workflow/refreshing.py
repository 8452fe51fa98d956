"""refresh(): read, score what came true, train if it is due, promote what is better, forecast.

All of it is one transaction under the lock of the store. What is published is whole at any
instant: the run, then the forecast, then the record of the track.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast_cli import forecasting, refreshing, store
from forecast_cli.errors import (
    DEGRADED,
    DataError,
    ForecastError,
    LowSkillError,
    NoRunError,
    RunMismatchError,
    SettingsError,
    StoppedError,
    StorageError,
    failure_of,
)
from forecast_cli.forecasting import Forecast, Model
from forecast_cli.messages import Note, plural
from forecast_cli.panel import Panel
from forecast_cli.progress import Phase, Report, reading, silent
from forecast_cli.reading import read
from forecast_cli.refreshing import Alarm, Decision, Errors, Facts, Verdict
from forecast_cli.settings import DEFAULT_STORE, DataSettings, Settings, rereading
from forecast_cli.store import Lock, PastForecast, RefreshEvent, Run, TrackRecord
from forecast_cli.workflow import notes
from forecast_cli.workflow.ages import data_age, require_fresh
from forecast_cli.workflow.changes import Changes, changes_since
from forecast_cli.workflow.live import Live, live_score
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.predicting import for_horizon, read_for, with_interval
from forecast_cli.workflow.tracking import read_track

if TYPE_CHECKING:  # only a training needs what it needs
    from forecast_cli.workflow.results import Trained
    from forecast_cli.workflow.training import Fit, Prepared

ALARM = LowSkillError.exit_code  # 4: the forecasts are not as good as they should be
TRUTH_HORIZONS = 3  # of actual values that a record of the track keeps
LEAST_TRUTH = 50  # rows of them

Deliver = Callable[[Forecast], None]
Clock = Callable[[], datetime]


def now_in_utc() -> datetime:
    """The time, unless the caller hands in another clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, eq=False)
class State:
    """What there is before anything is done, and what is to be done.

    - run: the latest, None where there is none; panel: the data as it reads them, or, without a
      run, as the settings say; None where the run cannot read them any more
    - track: forecasts that were published, oldest first; damaged: numbers of those that could not
      be read
    - settings: those that change the weights, as JSON texts; trained_with: the same of the last
      training, as far as they are known
    - run_age, data_age: in seconds; None where there is none
    """

    run: Run | None
    panel: Panel | None
    track: tuple[PastForecast, ...]
    damaged: tuple[int, ...]
    settings: dict[str, str]
    trained_with: dict[str, str] | None
    changes: Changes | None
    live: Live | None
    alarm: Alarm
    decision: Decision
    run_age: float | None
    data_age: float | None
    notes: tuple[Note, ...]

    @property
    def held_out_mase(self) -> float | None:
        """Of the run; None where nothing was held out."""
        if self.run is None or self.run.metrics.test is None:
            return None
        return self.run.metrics.test.network.value_of("mase")


@dataclass(frozen=True, eq=False)
class Refreshed:
    """What a refresh came to.

    - run, forecast: the forecast that was published, and the run that made it
    - trained: the new run, whether or not it was promoted; errors, verdict: how it was judged
    - error: why nothing good enough could be published: the exit code is its own
    """

    state: State
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


@dataclass(frozen=True)
class _Job:
    """What was asked for, beside the data."""

    settings: Settings
    root: Path
    report: Report
    clock: Clock
    deliver: Deliver


def look(
    data: str | os.PathLike[str],
    settings: Settings,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report = silent,
    clock: Clock = now_in_utc,
) -> State:
    """What a refresh would do now, and why. Takes no lock, needs no store, changes nothing.

    Raises what `refresh` raises before it trains.
    """
    job = _Job(settings, Path(store_folder), report, clock, _to_nobody)
    return _look(os.fspath(data), job)


def _to_nobody(_: Forecast) -> None:
    """Where there is no forecast, there is nothing to deliver."""


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
    job = _Job(settings, root, report, clock, deliver)
    try:
        with contextlib.ExitStack() as stack:
            # Data that cannot be read make no store.
            lock = stack.enter_context(_lock(job)) if store.exists(root) else None
            state = _look(os.fspath(data), job)
            prepared = _prepare(os.fspath(data), state, job) if lock is None else None
            lock = lock or stack.enter_context(_lock(job))
            refreshed = _refresh(os.fspath(data), state, job, lock, prepared)
            return replace(refreshed, notes=(*refreshed.notes, *keep_refresh(lock, refreshed)))
    except BaseException as error:
        keep_refresh_failure(root, error)
        raise


def _lock(job: _Job) -> contextlib.AbstractContextManager[Lock]:
    def on_wait(holder: str) -> None:
        job.report(Phase("waiting", f"waiting for another command: {holder}"))

    return store.lock(job.root, wait=job.settings.lock.lock_wait, on_wait=on_wait)


# -- read, score, decide -----------------------------------------------------------------------


def _look(data: str, job: _Job) -> State:
    settings, now = job.settings, job.clock()
    if settings.window.test == 0:
        raise SettingsError(
            "--test 0 holds out no rows, on which refresh judges what it trains",
            "leave out --test 0",
            option="test",
        )

    run = _latest(job.root)
    track, damaged, about_track = read_track(job.root)
    asked = refreshing.weight_settings(settings)
    before = _trained_with(run, track)
    changed: tuple[str, ...] = ()
    if run is not None:
        changed = refreshing.changed_settings(asked, before, run.config.plan, run.config.data)

    job.report(reading(data))
    panel, about_reading = _read(data, run, settings, may_be_other=bool(changed))
    age = None if panel is None else data_age(panel, now)
    require_fresh(panel, age, settings.refresh.data_max_age)

    changes, live = None, None
    if run is not None and panel is not None:
        job.report(Phase("scoring", "scoring what came true"))
        changes = changes_since(panel, run, track)
        live = live_score(panel, run, track)
    alarm = _alarm(run, live, settings)
    run_age, training_age, about_clock = _ages(job.root, run, now)
    decision = refreshing.decide(
        Facts(
            has_run=run is not None,
            training_age=training_age,
            retrain_after=settings.refresh.retrain_after,
            changed_settings=changed,
            alarm=alarm,
        )
    )
    if run is not None and decision.action == "reuse":
        _as_asked(run, settings)  # a dry run says, too, that the run cannot be used so
    return State(
        run=run,
        panel=panel,
        track=track,
        damaged=damaged,
        settings=asked,
        trained_with=before,
        changes=changes,
        live=live,
        alarm=alarm,
        decision=decision,
        run_age=run_age,
        data_age=age,
        notes=(*about_reading, *about_track, *about_clock, *_about_changes(changes)),
    )


def _latest(root: Path) -> Run | None:
    """The latest run; None where there is none, or none that was promoted."""
    try:
        return store.load(root)
    except NoRunError:
        return None


def _trained_with(run: Run | None, track: tuple[PastForecast, ...]) -> dict[str, str] | None:
    """The settings of the last training, where the newest record of the track knows them.

    A run that was trained since, or made the latest by hand, is not in that record.
    """
    if run is None or not track or track[-1].record.run != run.name:
        return None
    return dict(track[-1].record.settings)


def _read(
    data: str, run: Run | None, settings: Settings, *, may_be_other: bool
) -> tuple[Panel | None, tuple[Note, ...]]:
    """The data as the run reads them; without a run, as the settings say.

    may_be_other: the settings changed, so that the run may not be able to read them any more;
    then None. Raises RunMismatchError where the data have another shape.
    """
    if run is None:
        panel = read(data, settings.data)
        return panel, panel.notes
    try:
        panel = read_for(_rereading(run, settings.data), data)
    except (DataError, RunMismatchError) as error:
        if may_be_other:
            return None, ()
        if isinstance(error, RunMismatchError) or not _is_about_a_column(error):
            raise
        raise _columns_changed(run, data, error) from None
    return panel, panel.notes


def _rereading(run: Run, data: DataSettings) -> Run:
    """The run, with the settings of its reader that new rows need."""
    default = DataSettings()
    given = {
        name: getattr(data, name)
        for name in rereading()
        if getattr(data, name) != getattr(default, name)
    }
    if not given:
        return run
    return replace(run, config=replace(run.config, data=replace(run.config.data, **given)))


def _is_about_a_column(error: DataError) -> bool:
    return bool(error.column) and error.line is None


def _columns_changed(run: Run, data: str, error: DataError) -> RunMismatchError:
    columns = run.config.columns
    return RunMismatchError(
        f"{data} does not fit the run {run.name}, which was trained on time {columns.time!r}, "
        f"target {columns.target!r}: {error.message}",
        "bring the columns back, or train on this data: forecast train DATA",
        path=data,
        column=error.column,
    )


def _alarm(run: Run | None, live: Live | None, settings: Settings) -> Alarm:
    if run is None:
        return Alarm(False, None, "there is no run yet")
    test = run.metrics.test
    return refreshing.alarm_of(
        None if live is None else live.mase,
        None if test is None else test.network.value_of("mase"),
        rows=0 if live is None else live.rows,
        horizon=run.config.plan.horizon,
        alert_ratio=settings.refresh.alert_ratio,
    )


def _ages(
    root: Path, run: Run | None, now: datetime
) -> tuple[float | None, float | None, tuple[Note, ...]]:
    """Seconds since the run was trained, and since the last training of all; none is negative."""
    if run is None:
        return None, None, ()
    created = [_created(name) for name in (run.name, store.names(root)[-1])]
    ages = [(now - time).total_seconds() for time in created]
    about: tuple[Note, ...] = ()
    if min(ages) < 0:
        text = "the clock is before the time of the last training: its age counts as 0; "
        text += "set the clock of this machine"
        about = (Note("clock", "warning", text),)
    return max(ages[0], 0.0), max(ages[1], 0.0), about


def _created(run: str) -> datetime:
    """When a run was published, by its name."""
    return datetime.strptime(run.split("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _about_changes(changes: Changes | None) -> tuple[Note, ...]:
    if changes is None:
        return ()
    about = []
    if not changes.new:
        about.append(Note("no_new_rows", "info", "no new rows"))
    if changes.revised:
        text = f"{plural(changes.revised, 'old value')} were revised"
        text = text.replace("value were", "value was")
        about.append(Note("revised_rows", "info", text, {"rows": changes.revised}))
    return tuple(about)


# -- train, compare, promote -------------------------------------------------------------------


def _prepare(data: str, state: State, job: _Job) -> Prepared | None:
    """What is to be trained; None where nothing is."""
    if state.decision.action != "train":
        return None
    from forecast_cli.workflow import training

    panel = state.panel if state.run is None else None
    if panel is None:
        job.report(reading(data))
        panel = read(data, job.settings.data)
    if job.settings.refresh.start == "warm" and state.run is not None:
        prepared = _prepare_warm(panel, data, state.run, job)
        if prepared is not None:
            return prepared
    return training.prepare(panel, data, job.settings, job.root, report=job.report)


def _prepare_warm(panel: Panel, data: str, run: Run, job: _Job) -> Prepared | None:
    """A training that begins with the weights of the run; None where it must not or cannot.

    It must not where the run was trained on rows that are held out now: their errors would say
    nothing. It cannot where the network is another one.
    """
    from forecast_cli.workflow import training
    from forecast_cli.workflow.warm_start import saw_held_out_rows

    settings = replace(job.settings, accuracy=replace(job.settings.accuracy, min_skill=None))
    try:
        prepared = training.prepare(
            panel, data, settings, job.root, report=job.report, warm_start=run.name
        )
    except SettingsError:
        return None
    if saw_held_out_rows(run, panel, prepared.plan):
        return None
    return replace(prepared, job=replace(prepared.job, settings=job.settings))


def _refresh(
    data: str, state: State, job: _Job, lock: Lock, prepared: Prepared | None
) -> Refreshed:
    """All that changes something."""
    outcome = _train_if_due(data, state, job, lock, prepared)
    trained = outcome.trained
    is_promoted = trained is not None and trained.refusal is None
    run = trained.run if trained is not None and is_promoted else state.run
    panel = trained.panel if trained is not None and is_promoted else state.panel
    if run is None or panel is None:
        raise _nothing_to_forecast_with(outcome)

    job.report(Phase("forecasting", "forecasting past the last row"))
    forecast, about = _forecast(data, run, panel, job.settings)
    job.deliver(forecast)
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


@dataclass(frozen=True, eq=False)
class _Outcome:
    """What became of a training, if there was one. failure: why it failed."""

    trained: Trained | None = None
    errors: Errors | None = None
    verdict: Verdict | None = None
    failure: ForecastError | None = None
    notes: tuple[Note, ...] = ()


def _train_if_due(
    data: str, state: State, job: _Job, lock: Lock, prepared: Prepared | None
) -> _Outcome:
    """Train, publish, and promote what is better; a failure falls back to the run that there is."""
    if state.decision.action != "train":
        return _Outcome()
    try:
        prepared = prepared or _prepare(data, state, job)
        if prepared is None:
            return _Outcome()
        return _train(state, job, lock, prepared)
    except (SettingsError, StorageError, StoppedError):
        raise
    except Exception as error:
        failure = failure_of(error)
        if state.run is None or state.panel is None:
            raise
        text = f"the training failed, so the run before it goes on: {failure.message}"
        return _Outcome(failure=failure, notes=(Note("training_failed", "degraded", text),))


def _train(state: State, job: _Job, lock: Lock, prepared: Prepared) -> _Outcome:
    from forecast_cli.workflow import training
    from forecast_cli.workflow.judging import errors_of

    judged: list[tuple[Errors, Verdict]] = []

    def judge(panel: Panel, fit: Fit) -> LowSkillError | None:
        errors = errors_of(panel, fit, state.run, state.panel)
        verdict = refreshing.judge(errors, has_old=state.run is not None)
        judged.append((errors, verdict))
        return None if verdict.promote else LowSkillError(verdict.reason)

    trained = training.fit_and_publish(prepared, lock, judge, job.clock)
    if not judged:
        return _Outcome(trained, notes=_below_min_skill(trained))
    errors, verdict = judged[0]
    about: tuple[Note, ...] = ()
    if verdict.warning:
        about = (Note("weak_first_run", "warning", verdict.warning),)
    elif not verdict.promote:
        text = f"the new run {trained.run.name} was not promoted: {verdict.reason}"
        about = (Note("run_kept", "info", text),)
    return _Outcome(trained, errors, verdict, notes=about)


def _below_min_skill(trained: Trained) -> tuple[Note, ...]:
    refusal = trained.refusal
    return () if refusal is None else (Note("run_kept", "degraded", refusal.message),)


def _nothing_to_forecast_with(outcome: _Outcome) -> ForecastError:
    """Why there is no forecast: the only run is not good enough, or cannot read the data."""
    if outcome.trained is not None and outcome.trained.refusal is not None:
        return outcome.trained.refusal
    return RunMismatchError(
        "the latest run cannot read the data with these settings",
        "train again: forecast train DATA",
    )


def _without_repeats(
    state: State, outcome: _Outcome, about_forecast: tuple[Note, ...]
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
    model, about_interval = _as_asked(run, settings)
    model, about_horizon = for_horizon(model, settings.window.horizon)
    with naming_file(data):
        forecasting.require_full_window(panel, model.plan)
        forecast = forecasting.forecast(panel, model, settings.interval.levels)
    digits = settings.output.digits
    forecast = replace(forecast, digits=run.digits if digits is None else digits)

    about = notes.about_forecast(forecast, panel, run.model)
    measured = notes.about_coverage(run.metrics, model.plan, tuple(forecast.bounds))
    return forecast, (*about_interval, *about_horizon, *about, *measured)


def _as_asked(run: Run, settings: Settings) -> tuple[Model, tuple[Note, ...]]:
    """The model of a run with the intervals that are asked for.

    The settings may ask for a network that has them, while a run of other settings goes on because
    the new one failed or was no better. Its own intervals are a degraded forecast then; all else
    is a SettingsError.
    """
    kind = settings.interval.interval
    try:
        return with_interval(run.model, kind), ()
    except SettingsError:
        asked_for = {"quantile": settings.training.loss == "quantile"}
        asked_for["dropout"] = bool(settings.network.dropout)
        if kind is None or not asked_for.get(kind):
            raise
    own = run.model.plan.interval_kind
    text = f"the run {run.name}, which goes on, has not learned what --interval {kind} needs, so "
    text += f"its intervals are {own}"
    return run.model, (Note("other_intervals", "degraded", text),)


# -- record and prune --------------------------------------------------------------------------


def _keep(refreshed: Refreshed, job: _Job, lock: Lock) -> tuple[Note, ...]:
    """Record the forecast in the track, and prune.

    The forecast is published already, so that a failure only degrades.
    """
    about: tuple[Note, ...] = ()
    try:
        for number in refreshed.state.damaged:
            store.set_forecast_aside(lock, number)
        store.write_forecast(lock, _past_forecast(refreshed, job))
        store.prune_forecasts(lock)
    except StorageError as error:
        text = f"the forecast is published, but not recorded in the track: {error.message}"
        about = (Note("report_missing", "degraded", text),)
    if refreshed.trained is None:
        return about
    from forecast_cli.workflow.training import prune_runs

    return (*about, *prune_runs(lock, job.settings.prune.keep))


def _past_forecast(refreshed: Refreshed, job: _Job) -> PastForecast:
    """The record of what was published."""
    panel, forecast = refreshed.panel, refreshed.forecast
    horizon = forecast.values.shape[1]
    rows = {name: row for row, name in enumerate(forecast.ids)}
    known = [
        i for i, name in enumerate(panel.ids) if name in rows and name not in forecast.fallback
    ]
    at = np.array([rows[panel.ids[i]] for i in known], np.int64)

    def of_all(values: Any) -> Any:
        every = np.full((len(panel), horizon), np.nan)
        every[known] = values[at]
        return every

    lengths = np.minimum(panel.lengths, max(TRUTH_HORIZONS * horizon, LEAST_TRUTH))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    steps = np.concatenate(
        [np.arange(end - n, end) for end, n in zip(panel.offsets[1:], lengths, strict=True)]
    )
    truth = panel.values[steps]
    if len(panel.filled):
        truth = np.where(panel.filled[steps], np.nan, truth)

    return PastForecast(
        record=TrackRecord(
            format="forecast-track",
            schema=1,
            number=store.next_forecast_number(job.root),
            created=job.clock().strftime("%Y%m%dT%H%M%SZ"),
            run=refreshed.run.name,
            columns=panel.columns,
            frequency=panel.frequency,
            ids=list(panel.ids),
            horizon=horizon,
            levels=[float(level) for level in forecast.bounds],
            rows=int(panel.offsets[-1]),
            settings=_settings_of_record(refreshed),
            event=_event(refreshed),
        ),
        ends=panel.first + panel.lengths,
        values=of_all(forecast.values),
        bounds={
            level: (of_all(low), of_all(high)) for level, (low, high) in forecast.bounds.items()
        },
        truth=truth,
        offsets=offsets,
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
