"""The state of a store: how old its run and its data are, and whether the alarm is on.

Only what the store has recorded is read, not the data. No lock is taken, and nothing is written.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from forecast_cli import store
from forecast_cli.errors import NoRunError, RunRejectedError
from forecast_cli.monitoring import Health
from forecast_cli.store import Clock, PastForecast, Run, now_in_utc, time_of
from forecast_cli.workflow.ages import age_of, newest_time, no_times
from forecast_cli.workflow.tracking import last_refresh


@dataclass(frozen=True)
class HealthReport:
    """What is known of a store, and what to say of it.

    newest_row, trained, refreshed: times of the newest row that is known, of the training of the
    latest run, and of the last refresh; None where there is none. warnings: in words.
    """

    health: Health
    newest_row: datetime | None = None
    trained: datetime | None = None
    refreshed: datetime | None = None
    warnings: tuple[str, ...] = ()


def health_of(
    store_folder: str | os.PathLike[str],
    *,
    data_max_age: float | None = None,
    clock: Clock = now_in_utc,
) -> HealthReport:
    """The state of a store, by its latest run and by what the last refresh recorded.

    data_max_age: seconds beyond which the newest row is too old. The alarm is that of the last
    refresh, whatever run it was about: only another refresh can say that it is over.

    Raises RunRejectedError where the run or the last record is damaged, SettingsError where an age
    is limited of rows that have no times, and StorageError.
    """
    root = Path(store_folder)
    try:
        run = store.load(root)
    except NoRunError as error:
        return HealthReport(Health(no_run=f"{error.message}; {error.hint}"))

    past = last_refresh(root)
    about: tuple[str, ...] = ()
    if past is not None and not _is_of_the_same_data(past, run):
        about = (_about_other_data(run),)
        past = None
    return _report(run, past, data_max_age, clock(), about)


def _is_of_the_same_data(past: PastForecast, run: Run) -> bool:
    """Whether a refresh was of the data of this run: a training by hand may be of others."""
    record = past.record
    is_alike = record.columns == run.config.columns and record.frequency == run.config.frequency
    return record.run == run.name or is_alike


def _about_other_data(run: Run) -> str:
    text = "the last refresh read data with other columns or another frequency than those of the "
    return f"{text}run {run.name}, so it is left out"


def _report(
    run: Run,
    past: PastForecast | None,
    data_max_age: float | None,
    now: datetime,
    about: tuple[str, ...],
) -> HealthReport:
    """What is known. about: warnings that go before those about the clock."""
    newest = _newest_row(run, past)
    if newest is None and data_max_age is not None:
        raise no_times()

    trained = time_of(run.manifest.created)
    health = Health(
        run=run.name,
        run_age=age_of(trained, now),
        data_age=None if newest is None else age_of(newest, now),
        held_out_mase=_held_out_mase(run),
        data_max_age=data_max_age,
    )
    if past is None:
        warnings = (*about, *_about_clock(trained, now))
        return HealthReport(health, newest, trained, None, warnings)

    refreshed = _recorded_time(past)
    health = _refreshed(health, past, run, age_of(refreshed, now))
    warnings = (*about, *_about_clock(max(trained, refreshed), now))
    return HealthReport(health, newest, trained, refreshed, warnings)


def _refreshed(health: Health, past: PastForecast, run: Run, age: float) -> Health:
    """The same with what the last refresh found."""
    event = past.record.event
    return replace(
        health,
        refresh_age=age,
        live_mase=event.live_mase,
        held_out_mase=event.held_out_mase,
        alarm=event.alarm,
        is_of_another_run=_judged_another(past, run),
    )


def _newest_row(run: Run, past: PastForecast | None) -> datetime | None:
    """The time of the newest row that the training or the last refresh saw."""
    tail, time_format = run.tail, run.config.time_format
    seen = [newest_time(run.config.frequency, tail.first + tail.lengths, time_format)]
    if past is not None:
        seen.append(newest_time(past.record.frequency, past.ends, time_format))
    return max((time for time in seen if time is not None), default=None)


def _judged_another(past: PastForecast, run: Run) -> bool:
    """Whether the last refresh judged another run: it promoted this one, or did not know it."""
    return past.record.event.promoted or past.record.run != run.name


def _held_out_mase(run: Run) -> float | None:
    test = run.metrics.test
    return None if test is None else test.network.value_of("mase")


def _recorded_time(past: PastForecast) -> datetime:
    """When a refresh was. Raises RunRejectedError for a time that does not exist."""
    try:
        return time_of(past.record.created)
    except RunRejectedError:
        raise RunRejectedError(
            f"the record {past.number} of the track is not of a time: {past.record.created}",
            "run forecast refresh again: it adds a new one",
        ) from None


def _about_clock(recorded: datetime, now: datetime) -> tuple[str, ...]:
    if recorded <= now:
        return ()
    text = "the clock is before the time of the last training or refresh, so that ages are not "
    text += "right; set the clock of this machine"
    return (text,)
