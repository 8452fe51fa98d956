"""train() and predict(): what the commands and the Python API do, in the order in which it happens."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast_cli import (
    calendar,
    config,
    covariates,
    forecasting,
    planning,
    scoring,
    store,
    tables,
    windows,
)
from forecast_cli.config import DEFAULT_STORE, DataSettings, Digits, Settings
from forecast_cli.errors import (
    DataError,
    RunMismatchError,
    SettingsError,
    StoppedError,
    StorageError,
    TooLittleDataError,
)
from forecast_cli.forecasting import Forecast, HeldOut, Model
from forecast_cli.messages import Note, listed
from forecast_cli.panel import Panel, values_of
from forecast_cli.planning import Plan
from forecast_cli.progress import Phase, Report, reading, silent
from forecast_cli.reading import read, read_future_values
from forecast_cli.store import Contents, Lock, Metrics, Run, RunConfig

if TYPE_CHECKING:  # predict must not import torch
    from forecast_cli.learning import Learned


@dataclass(frozen=True, eq=False)
class Trained:
    """A published run, its forecast, and what to tell the user."""

    run: Run
    panel: Panel
    forecast: Forecast
    notes: tuple[Note, ...]

    @property
    def metrics(self) -> Metrics:
        return self.run.metrics


@dataclass(frozen=True, eq=False)
class Predicted:
    """A forecast, the run and the data it came from, and what to tell the user."""

    run: Run
    panel: Panel
    forecast: Forecast
    notes: tuple[Note, ...]


def train(
    data: str | os.PathLike[str] | Panel,
    settings: Settings | None = None,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    report: Report | None = None,
    warm_start: str | None = None,
    resume: bool = False,
    by_cores: bool = False,
    **named: Any,
) -> Trained:
    """Train on a file or a Panel, score on its held-out end, publish the run, forecast past the last row.

    Settings come as one object or by name (`horizon=12, units="50,100"`). warm_start: a run whose weights to begin with.
    resume: go on with a training that was stopped, if it is this one. report: hears what is being done, as it begins,
    and of every epoch: a Phase, an Epoch or a MemberDone of `forecast_cli.progress`.
    by_cores: members train side by side, as many as there are cores, if `workers` says nothing: for a main module that
    spawned processes can import. Raises ForecastError and its children.
    """
    settings, report = settings or config.settings_from(**named), report or silent
    if isinstance(data, Panel) and replace(settings.data, season=None) != DataSettings():
        raise SettingsError(
            "settings of the reader do not go with a Panel", "give them to read_csv"
        )
    limit = (
        config.duration(settings.training.time_limit, "--time-limit")
        if settings.training.time_limit
        else None
    )
    deadline = None if limit is None else time.monotonic() + limit
    root, wait = Path(store_folder), config.duration(settings.lock.lock_wait, "--lock-wait")
    with contextlib.ExitStack() as held:

        def on_wait(holder: str) -> None:
            report(Phase("waiting", f"waiting for another command: {holder}"))

        lock = None
        if store.exists(root):  # wait first and read then, so that what is read is new
            lock = held.enter_context(store.lock(root, wait=wait, on_wait=on_wait))
        panel, decided = _planned(data, settings, report)
        start = () if warm_start is None else _start(root, warm_start, decided)
        if start:
            decided = replace(decided, warm_start=start[0].name)
        if lock is None:  # data that cannot be read make no store
            lock = held.enter_context(store.lock(root, wait=wait, on_wait=on_wait))
        report(Phase("loading", "loading PyTorch"))
        from forecast_cli import (
            engine,
            learning,
        )  # here, so that what went before need not wait for it

        checkpoint, missing = store.load_checkpoint(lock, _identity(panel, decided))
        if not resume:
            checkpoint = store.Checkpoint(lock, checkpoint.identity)
        effort = learning.Effort(
            report,
            settings.ensemble.workers or (max(engine.cores() // decided.threads, 1) if by_cores else 1),
            tuple(dict(weights) for run in start for weights in run.model.members), checkpoint, deadline,
        )  # fmt: skip
        try:
            learned = learning.learn(panel, decided, effort)
            if decided.test:
                report(Phase("scoring", "scoring the held-out rows"))
            rows = (
                forecasting.held_out(panel, learned.model, decided.levels) if decided.test else None
            )
            scores = scoring.scores(
                panel,
                decided,
                learned.fitted,
                rows,
                len(learned.model.residuals),
                seen=_seen(start, panel, decided),
            )
            model = learning.refit(panel, learned, effort)
        except StoppedError as error:
            with contextlib.suppress(StorageError):
                if store.save_checkpoint(lock, checkpoint):
                    error.hint = "go on where it stopped: the same command with --resume"
            raise
        report(Phase("forecasting", "forecasting past the last row"))
        result, unknown = _forecast(panel, model)
        digits = _digits(settings.output.digits, panel)
        result = replace(result, digits=digits)
        report(Phase("saving", "saving the run"))
        run = store.publish(
            lock,
            Contents(
                config=_config(panel, decided, digits),
                model=model,
                panel=panel,
                metrics=store.metrics_from(scores),
                tables={
                    "history.csv": tables.history_csv(learned.fitted),
                    "predictions.csv": tables.predictions_csv(panel, rows, digits) if rows else b"",
                    "forecast.csv": tables.forecast_csv(result),
                },
            ),
        )
        store.promote(lock, run)
        store.remove_checkpoint(lock)
        pruned = _prune(lock, settings.prune.keep)
    afresh = (
        (Note("not_resumed", "warning", f"trained from the start: {missing}"),)
        if resume and missing
        else ()
    )
    holes = (*_hole_notes(panel, learned), *_unread_notes(rows))
    about_series = (
        *_fallback_notes(result, panel, decided),
        *_constant_notes(panel),
        *_bound_notes(result, model),
        *_vanishing_notes(panel, digits),
    )
    notes = (
        *panel.notes,
        *afresh,
        *_late(learned, model),
        *holes,
        *unknown,
        *about_series,
        *pruned,
    )
    return Trained(run, panel, result, notes)


def _identity(panel: Panel, decided: Plan) -> str:
    """What must be equal for a training to be gone on with: the data as they were read, the plan, the versions."""
    values = hashlib.sha256(panel.values.tobytes()).hexdigest()
    return store.training_identity(
        panel.fingerprint,
        values,
        dataclasses.asdict(panel.reading),
        dataclasses.asdict(decided),
        store.versions(),
    )


def _late(learned: Learned, model: Model) -> tuple[Note, ...]:
    """What --time-limit cut short."""
    if not any(one.expired for one in learned.fitted) and (
        model is not learned.model or not model.plan.refit
    ):
        return ()
    counts = [len(one.history) for one in learned.fitted[:5]]
    epochs = f"{', '.join(f'{count:,}' for count in counts)} epoch{'s' if counts != [1] else ''}"
    refitted = "" if model is not learned.model else "; not fitted again on all rows"
    return (
        Note(
            "time_limit",
            "warning",
            f"time was up after {epochs}: the best so far is what is published{refitted}",
        ),
    )


def _planned(
    data: str | os.PathLike[str] | Panel, settings: Settings, report: Report
) -> tuple[Panel, Plan]:
    """The data, and what is to be done with them."""
    if isinstance(data, Panel):
        panel = data
    else:
        report(reading(os.fspath(data)))
        panel = read(data, settings.data)
    report(Phase("planning", "looking at the data"))
    decided = planning.make(panel, settings)

    # Refused now and not after the training: times that a run cannot hold, windows that are never complete, and a
    # newest one that cannot be read.
    _check_span(panel, decided)
    with _naming(data):
        ends = windows.split(panel, decided.validation, decided.test).training
        windows.require_complete(panel, decided.lookback, decided.architecture.outputs, ends)
        forecasting.require_readable(panel, decided)
        usable = forecasting.readable(panel, decided)
        if decided.short == "refuse" and not usable.all():
            raise forecasting.unreadable(panel, decided, usable)
    return panel, decided


@contextlib.contextmanager
def _naming(data: str | os.PathLike[str] | Panel) -> Iterator[None]:
    """What is too little inside is said with the name of the file in front, as the reader does."""
    try:
        yield
    except TooLittleDataError as error:
        if not isinstance(data, Panel):
            name = "standard input" if data == "-" else os.fspath(data)
            error.message = f"{name}: {error.message}"
        raise


def _check_span(panel: Panel, decided: Plan) -> None:
    """Raise DataError for times that a run cannot hold: those near the ends of the years 1 to 9999."""
    frequency = panel.frequency
    steps = {
        "step": 0,
        "business": calendar.WEEK // 5,
        "months": 31 * calendar.DAY * frequency.size,
    }
    step = steps.get(frequency.kind, frequency.size)
    first, end = (
        int(panel.first.min()),
        int((panel.first + panel.lengths).max()) + decided.horizon + 1,
    )
    if not store.EARLIEST_TIME < first * step <= end * step < store.LATEST_TIME:
        raise DataError(
            f"{panel.source}: the times are too near to the ends of the years 1 to 9999",
            "correct the times",
        )


def _prune(lock: Lock, keep: int) -> tuple[Note, ...]:
    """Prune after publishing; the new run is the latest already, so a failure here only degrades."""
    try:
        removed = store.prune(lock, keep)
    except StorageError as error:
        return (
            Note(
                "prune_failed",
                "degraded",
                f"the run is published, but older ones could not be pruned: {error.message}",
            ),
        )
    return (
        (Note("pruned", "info", f"pruned {len(removed):,} old runs; --keep {keep}"),)
        if removed
        else ()
    )


def predict(
    data: str | os.PathLike[str] | Panel | None = None,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    run: Run | str | None = None,
    levels: tuple[float, ...] | None = None,
    future_values: str | os.PathLike[str] | None = None,
    horizon: int | None = None,
    digits: int | str | None = None,
    **reading: Any,
) -> Predicted:
    """Forecast past the last row of the data (default: the file the run was trained on) with a saved run.

    future_values: a CSV of the known-future covariates past the last row. horizon: steps, by default those of the run; for
    more, the network is fed its own forecasts. digits: decimals that the forecast is written with, or "full"; by default
    those of the run. reading: settings of the reader that new rows need, instead of those
    of the training, as in `config.rereading()`. Never trains, never imports torch, never writes. Raises NoRunError, RunRejectedError, RunMismatchError, DataError.
    """
    if levels is not None:
        levels = config.levels(",".join(map(repr, levels)))
    decimals = None if digits is None else config.digits(str(digits))
    for name in reading:
        if name not in config.rereading():
            raise SettingsError(
                f"unknown setting {name!r}", config.nearest(name, list(config.rereading()))
            )
    if not isinstance(run, Run):
        root = Path(store_folder)
        run = store.load(root, store.resolve(root, run))
    if reading:
        given = config.settings_from(**reading).data
        data_settings = replace(run.config.data, **{name: getattr(given, name) for name in reading})
        run = replace(run, config=replace(run.config, data=data_settings))
    notes: tuple[Note, ...] = ()
    named: str | os.PathLike[str] | Panel = run.config.source if data is None else data
    if isinstance(data, Panel):
        panel = data
    elif data is None and run.config.source in ("", "-"):
        panel = named = run.tail
        notes = (
            Note(
                "standard_input",
                "warning",
                "trained from standard input: the forecast continues from the rows stored then",
            ),
        )
    else:
        panel = _read_again(run, data)
    if future_values is not None:
        panel = read_future_values(future_values, panel, run.config.data)
    model, trained = run.model, run.config.plan.horizon
    if horizon is not None and horizon != trained:
        model = forecasting.extended(model, horizon)
        if horizon > trained:
            text = f"the run was trained for {trained:,} steps: from step {trained + 1:,} on the network is fed its own forecasts"
            notes = (
                *notes,
                Note("beyond_horizon", "warning", f"{text}, and their intervals are not known"),
            )
    with _naming(named):
        forecasting.require_readable(panel, model.plan)
        result = forecasting.forecast(
            panel, model, run.config.plan.levels if levels is None else levels
        )
    result = replace(result, digits=run.digits if decimals is None else decimals)
    about_series = (
        *_fallback_notes(result, panel, model.plan),
        *_constant_notes(panel),
        *_bound_notes(result, run.model),
        *_vanishing_notes(panel, result.digits),
    )
    return Predicted(run, panel, result, (*panel.notes, *notes, *about_series))


def _start(root: Path, name: str, decided: Plan) -> tuple[Run, ...]:
    """The run to begin with, if its network is the one that was decided on. Raises SettingsError naming what differs."""
    run = store.load(root, store.resolve(root, name))
    theirs, ours = run.config.plan, decided
    differing = [
        f"{field} {getattr(a, field)!r} there, {getattr(b, field)!r} here"
        for a, b, fields in (
            (theirs.architecture, ours.architecture, [f.name for f in fields_of(ours.architecture) if f.name != "dropout"]),
            (theirs, ours, ["normalization", "lag"]),
        )
        for field in fields
        if getattr(a, field) != getattr(b, field)
    ]  # fmt: skip
    if differing:
        raise SettingsError(
            f"--from {name}: the network of that run is another one: {'; '.join(differing)}",
            "give the same settings as there (see `forecast runs show`), or train without --from",
        )
    return (run,)


def _seen(start: tuple[Run, ...], panel: Panel, decided: Plan) -> bool:
    """Whether the run to begin with was trained on rows that are held out here."""
    ends = {
        name: int(run.tail.first[i] + run.tail.lengths[i])
        - (0 if run.config.plan.refit else run.config.plan.test)
        for run in start
        for i, name in enumerate(run.tail.ids)
    }
    held_out = panel.first + panel.lengths - decided.test
    return any(
        name in ends and ends[name] > held_out[i]
        for i, name in enumerate(panel.ids)
        if decided.test
    )


def _digits(setting: str | None, panel: Panel) -> Digits:
    """The decimals that forecasts are written with: those that were asked for, or those that suit the data."""
    digits = config.digits(setting)
    return tables.decimals(panel) if digits is None else digits


def _config(panel: Panel, decided: Plan, digits: Digits) -> RunConfig:
    return RunConfig(
        plan=decided,
        data=panel.reading,
        source=panel.source,
        columns=panel.columns,
        frequency=panel.frequency,
        time_format=panel.time_format,
        past=list(panel.past_names),
        future=list(panel.future_names),
        static=list(panel.static_names),
        levels={name: list(found) for name, found in panel.levels.items()},
        digits=digits,
    )


def _forecast(panel: Panel, model: Model) -> tuple[Forecast, tuple[Note, ...]]:
    """The forecast past the last row; an empty one where known-future covariates are still to be given."""
    try:
        covariates.check_known(panel, model.plan.horizon)
    except DataError as error:
        note = Note(
            "forecast_missing",
            "warning",
            f"no forecast yet: {error.message}; predict takes --future-values FILE",
        )
        return forecasting.nothing(panel, model.plan.levels), (note,)
    return forecasting.forecast(panel, model, model.plan.levels), ()


def _read_again(run: Run, data: str | os.PathLike[str] | None) -> Panel:
    path = os.fspath(data) if data is not None else run.config.source
    if data is None and not os.path.isfile(path):  # nor a device or a pipe, which might never end
        raise DataError(
            f"{path}: the file that the run was trained on is gone",
            "give the data: forecast predict DATA",
        )
    try:
        levels = {name: tuple(found) for name, found in run.config.levels.items()}
        panel = read(path, replace(run.config.data, weight=None), levels)
    except DataError as error:
        if error.option and error.option not in config.rereading():
            # The hint names an option of train, which settled how this run reads.
            error.hint = (
                "bring the file to the form of the one that was trained on, or train on this one"
            )
        raise
    known, found = run.config, panel
    if (known.frequency, known.columns) != (found.frequency, found.columns):
        raise RunMismatchError(
            f"{path} does not fit the run {run.name}: it has {_shape(found.frequency, found.columns)}, "
            f"the run {_shape(known.frequency, known.columns)}",
            "give data of the same shape, or train on this data",
        )
    return panel


def _shape(frequency: Any, columns: Any) -> str:
    from forecast_cli.calendar import describe

    start = (
        f", on another day or hour ({frequency.phase}, {frequency.day})"
        if frequency.phase or frequency.day > 1
        else ""
    )
    return f"{describe(frequency)} rows{start}, time {columns.time!r}, target {columns.target!r}"


def _hole_notes(panel: Panel, learned: Learned) -> tuple[Note, ...]:
    """How many windows the holes leave to train on, and whether one is left to stop the training by."""
    decided, notes = learned.model.plan, []
    if np.isnan(panel.values).any():
        ends = windows.split(panel, decided.validation, decided.test).training
        steps = decided.lookback + decided.architecture.outputs
        fitting = int(np.maximum(ends - steps + 1, 0).sum())
        complete = len(
            windows.between(panel, decided.lookback, decided.architecture.outputs, ends * 0, ends)
        )
        notes.append(
            Note(
                "windows_complete",
                "info",
                f"{complete:,} of {fitting:,} windows to train on are complete",
            )
        )

    losses = [line.validation_loss for one in learned.fitted for line in one.history]
    if decided.validation and np.isnan(losses).all():
        text = f"no window ends in the {decided.validation:,} validation rows, so training was not stopped early"
        notes.append(
            Note("validation_missing", "warning", f"{text}; a larger --validation may help")
        )
    return tuple(notes)


def _unread_notes(rows: HeldOut | None) -> tuple[Note, ...]:
    """How many held-out rows are not scored, because the network cannot look back over a hole."""
    if rows is None or not rows.unread:
        return ()
    total = rows.unread + len(rows.actual)
    text = f"{rows.unread:,} of {total:,} held-out rows are not scored: the steps before them have holes"
    return (Note("held_out_rows_not_scored", "warning", text),)


def _fallback_notes(result: Forecast, panel: Panel, decided: Plan) -> tuple[Note, ...]:
    """Which series the network could not read, why, and what became of them."""
    long_enough = {panel.ids[i] for i in np.flatnonzero(panel.lengths >= decided.lookback)}
    names = result.dropped or result.fallback
    short = [name for name in names if name not in long_enough]
    holes = [name for name in names if name in long_enough]
    what_then = "they were left out" if result.dropped else "their last season is repeated"

    notes = []
    if short == [""]:
        notes.append("the series is too short for the network, so its last season is repeated")
    elif short:
        notes.append(f"too short for the network, so {what_then}: {listed(short)}")
    if holes:
        newest = f"the newest {decided.lookback:,} steps"
        notes.append(
            f"steps without a value in {newest}, on which the network looks back, so {what_then}: {listed(holes)}"
        )
    return tuple(Note("network_not_used", "degraded", text) for text in notes)


def _bound_notes(result: Forecast, model: Model) -> tuple[Note, ...]:
    """Which series have bounds that are left empty, and why, within the steps that the model was trained for."""
    empty = np.zeros(len(result.ids), bool)
    for low, _ in result.bounds.values():
        empty |= np.isnan(low[:, : model.plan.horizon]).any(axis=1)
    empty &= ~np.isin(
        result.ids, result.fallback
    )  # too short to have a spread of their own, as said already
    names = [result.ids[i] for i in np.flatnonzero(empty)]
    if not names:
        return ()

    why = "the errors that were measured are zero: the series repeats itself exactly, or has stopped changing"
    if not len(model.residuals):
        why = "the rows that were not trained on hold no window in which errors can be measured"
    several = f" of {len(names):,} of {len(result.ids):,} series" if len(result.ids) > 1 else ""
    which = f" ({listed(names)})" if several else ""
    return (Note("bounds_empty", "warning", f"bounds{several} are left empty{which}: {why}"),)


def _vanishing_notes(panel: Panel, digits: Digits) -> tuple[Note, ...]:
    names = tables.vanishing(panel, digits)
    if not names:
        return ()
    decimals = f"{digits} decimal{'' if digits == 1 else 's'}"
    if names == ("",):
        return (
            Note(
                "values_too_small",
                "warning",
                f"the values are too small to be written with {decimals}; --digits full shows them",
            ),
        )
    shown = listed(names)
    return (
        Note(
            "values_too_small",
            "warning",
            f"too small to be written with {decimals}, --digits full shows them: {shown}",
        ),
    )


def _constant_notes(panel: Panel) -> tuple[Note, ...]:
    found = [
        name
        for i, name in enumerate(panel.ids)
        if np.nanmin(values_of(panel, i)) == np.nanmax(values_of(panel, i))
    ]
    if not found:
        return ()
    if len(panel) == 1:
        return (Note("constant_series", "warning", "the series is constant; so is the forecast"),)
    shown = ", ".join(map(repr, found[:3])) + (" and more" if len(found) > 3 else "")
    return (
        Note(
            "constant_series",
            "warning",
            f"constant series, so constant forecasts: {shown} ({len(found):,} of {len(panel):,})",
        ),
    )
