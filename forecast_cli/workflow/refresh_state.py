"""What a refresh finds: the data, what came true, what changed, the alarm, and what is due.

Nothing here takes a lock, trains or writes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from forecast_cli import refreshing, store
from forecast_cli.errors import DataError, NoRunError, RunMismatchError, SettingsError
from forecast_cli.forecasting import Model
from forecast_cli.messages import Note, plural
from forecast_cli.panel import Panel
from forecast_cli.progress import Phase, Report, reading, silent
from forecast_cli.reading import read
from forecast_cli.refreshing import Alarm, Decision, Facts
from forecast_cli.settings import DEFAULT_STORE, DataSettings, Settings, rereading
from forecast_cli.store import Clock, PastForecast, Run, now_in_utc, time_of
from forecast_cli.workflow.ages import data_age, require_fresh
from forecast_cli.workflow.changes import TRAIN_ALIKE, Changes, changes_since
from forecast_cli.workflow.live import Live, live_score
from forecast_cli.workflow.predicting import read_for, with_interval
from forecast_cli.workflow.tracking import read_track


@dataclass(frozen=True)
class RefreshJob:
    """What was asked of a refresh, beside the data."""

    settings: Settings
    root: Path
    report: Report
    clock: Clock


@dataclass(frozen=True, eq=False)
class RefreshState:
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


def look(
    data: str | os.PathLike[str],
    settings: Settings,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report = silent,
    clock: Clock = now_in_utc,
) -> RefreshState:
    """What a refresh would do now, and why. Takes no lock, needs no store, changes nothing.

    Raises what `refresh` raises before it trains.
    """
    return look_at(os.fspath(data), RefreshJob(settings, Path(store_folder), report, clock))


def look_at(data: str, job: RefreshJob) -> RefreshState:
    """Read, score what came true, and decide. Raises what `refresh` raises before it trains."""
    settings, now = job.settings, job.clock()
    _require_held_out_rows(settings)

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
        model_as_asked(run, settings)  # a dry run says, too, that the run cannot be used so
    return RefreshState(
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


def model_as_asked(run: Run, settings: Settings) -> tuple[Model, tuple[Note, ...]]:
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


def _require_held_out_rows(settings: Settings) -> None:
    if settings.window.test == 0:
        raise SettingsError(
            "--test 0 holds out no rows, on which refresh judges what it trains",
            "leave out --test 0",
            option="test",
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
        f"bring the columns back, or train on this data: {TRAIN_ALIKE}",
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
    created = [time_of(name) for name in (run.name, store.names(root)[-1])]
    ages = [(now - time).total_seconds() for time in created]
    about: tuple[Note, ...] = ()
    if min(ages) < 0:
        text = "the clock is before the time of the last training: its age counts as 0; "
        text += "set the clock of this machine"
        about = (Note("clock", "warning", text),)
    return max(ages[0], 0.0), max(ages[1], 0.0), about


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
