"""train() and predict(): what the commands and the Python API do, in the order in which it happens."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from dataclasses import fields as fields_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast_cli import config, covariates, forecasting, parquet, planning, scoring, store
from forecast_cli.config import DEFAULT_STORE, DataSettings, Settings
from forecast_cli.errors import (
    DataError,
    RunMismatchError,
    SettingsError,
    StoppedError,
    StorageError,
    TooLittleDataError,
)
from forecast_cli.forecasting import Forecast, Model
from forecast_cli.panel import Note, Panel, values_of
from forecast_cli.planning import Plan
from forecast_cli.reader import read_future_values
from forecast_cli.store import Contents, Run, RunConfig

if TYPE_CHECKING:  # predict must not import torch
    from forecast_cli.learning import Learned
    from forecast_cli.training import Epoch


@dataclass(frozen=True, eq=False)
class Trained:
    """A published run, its forecast, and what to tell the user."""

    run: Run
    panel: Panel
    forecast: Forecast
    notes: tuple[Note, ...]

    @property
    def metrics(self) -> dict[str, Any]:
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
    report: Callable[[Epoch], None] | None = None,
    warm_start: str | None = None,
    resume: bool = False,
    by_cores: bool = False,
    **named: Any,
) -> Trained:
    """Train on a file or a Panel, score on its held-out end, publish the run, forecast past the last row.

    Settings come as one object or by name (`horizon=12, units="50,100"`). warm_start: a run whose weights to begin with.
    resume: go on with a training that was stopped, if it is this one.
    by_cores: members train side by side, as many as there are cores, if `workers` says nothing: for a main module that
    spawned processes can import. Raises ForecastError and its children.
    """
    settings = settings or config.settings_from(**named)
    if isinstance(data, Panel) and replace(settings.data, season=None) != DataSettings():
        raise SettingsError("settings of the reader do not go with a Panel", "give them to read_csv")
    from forecast_cli import checkpoints, engine, learning

    limit = config.duration(settings.training.time_limit, "--time-limit") if settings.training.time_limit else None
    deadline = None if limit is None else time.monotonic() + limit
    root, wait = Path(store_folder), config.duration(settings.lock.lock_wait, "--lock-wait")
    with contextlib.ExitStack() as held:
        is_there = store.exists(root)
        if is_there:  # wait first and read then, so that what is read is new
            held.enter_context(store.writing(root, wait))
        panel, decided = _planned(data, settings)
        start = () if warm_start is None else _start(root, warm_start, decided)
        if start:
            decided = replace(decided, warm_start=start[0].name)
        if not is_there:  # data that cannot be read make no store
            held.enter_context(store.writing(root, wait))
        checkpoint, missing = checkpoints.load(root / "checkpoints", _identity(panel, decided))
        if not resume:
            checkpoint = checkpoints.Checkpoint(checkpoint.folder, checkpoint.identity)
        effort = learning.Effort(
            report or learning.silent,
            settings.ensemble.workers or (max(engine.cores() // decided.threads, 1) if by_cores else 1),
            tuple(dict(weights) for run in start for weights in run.model.members), checkpoint, deadline,
        )  # fmt: skip
        try:
            learned = learning.learn(panel, decided, effort)
            rows = forecasting.held_out(panel, learned.model, decided.levels) if decided.test else None
            scores = scoring.scores(
                panel, decided, learned.fitted, rows, len(learned.model.residuals), seen=_seen(start, panel, decided)
            )
            model = learning.refit(panel, learned, effort)
        except StoppedError as error:
            with contextlib.suppress(StorageError):
                if checkpoints.save(checkpoint):
                    error.hint = "go on where it stopped: the same command with --resume"
            raise
        result, unknown = _forecast(panel, model)
        run = store.publish(
            root,
            Contents(
                config=_config(panel, decided),
                model=model,
                panel=panel,
                metrics=scores,
                history=scoring.history_csv(learned.fitted),
                predictions=forecasting.held_out_csv(panel, rows) if rows else b"",
                forecast=forecasting.to_csv(result),
            ),
        )
        checkpoints.remove(checkpoint.folder)
        pruned = _prune(root, settings.prune.keep)
    late = _late(learned, model)
    afresh = (Note("warning", f"trained from the start: {missing}"),) if resume and missing else ()
    notes = (*panel.notes, *afresh, *late, *unknown, *_fallback_notes(result), *_constant_notes(panel), *pruned)
    return Trained(run, panel, result, notes)


def _identity(panel: Panel, decided: Plan) -> str:
    """What must be equal for a training to be gone on with: the data as they were read, the plan, the versions."""
    from forecast_cli import checkpoints

    values = hashlib.sha256(panel.values.tobytes()).hexdigest()
    return checkpoints.identity_of(
        panel.fingerprint, values, dataclasses.asdict(panel.reading), dataclasses.asdict(decided), store.versions()
    )


def _late(learned: Learned, model: Model) -> tuple[Note, ...]:
    """What --time-limit cut short."""
    if not any(one.expired for one in learned.fitted) and (model is not learned.model or not model.plan.refit):
        return ()
    counts = [len(one.history) for one in learned.fitted[:5]]
    epochs = f"{', '.join(f'{count:,}' for count in counts)} epoch{'s' if counts != [1] else ''}"
    refitted = "" if model is not learned.model else "; not fitted again on all rows"
    return (Note("warning", f"time was up after {epochs}: the best so far is what is published{refitted}"),)


def _planned(data: str | os.PathLike[str] | Panel, settings: Settings) -> tuple[Panel, Plan]:
    """The data, and what is to be done with them."""
    panel = data if isinstance(data, Panel) else parquet.read(data, settings.data)
    decided = planning.make(panel, settings)
    short = panel.lengths < decided.lookback
    if short.any() and decided.short == "refuse":
        name = panel.ids[int(np.argmax(short))]
        raise TooLittleDataError(
            f"series {name!r} is shorter than the lookback of {decided.lookback:,} ({int(short.sum()):,} such series)",
            "give more rows, a smaller --lookback, or --short fallback or drop",
        )
    return panel, decided


def _prune(root: Path, keep: int) -> tuple[Note, ...]:
    """Prune after publishing; the new run is the latest already, so a failure here only degrades."""
    try:
        removed = store.prune(root, keep)
    except StorageError as error:
        return (Note("degraded", f"the run is published, but older ones could not be pruned: {error.message}"),)
    return (Note("info", f"pruned {len(removed):,} old runs; --keep {keep}"),) if removed else ()


def predict(
    data: str | os.PathLike[str] | Panel | None = None,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    run: Run | str | None = None,
    levels: tuple[float, ...] | None = None,
    future_values: str | os.PathLike[str] | None = None,
    horizon: int | None = None,
    **reading: Any,
) -> Predicted:
    """Forecast past the last row of the data (default: the file the run was trained on) with a saved run.

    future_values: a CSV of the known-future covariates past the last row. horizon: steps, by default those of the run; for
    more, the network is fed its own forecasts. reading: settings of the reader that new rows need, instead of those
    of the training, as in `config.rereading()`. Never trains, never imports torch, never writes. Raises NoRunError, RunRejectedError, RunMismatchError, DataError.
    """
    if levels is not None:
        levels = config.levels(",".join(map(repr, levels)))
    for name in reading:
        if name not in config.rereading():
            raise SettingsError(f"unknown setting {name!r}", config.nearest(name, list(config.rereading())))
    if not isinstance(run, Run):
        root = Path(store_folder)
        run = store.load(root, store.resolve(root, run))
    if reading:
        given = config.settings_from(**reading).data
        data_settings = replace(run.config.data, **{name: getattr(given, name) for name in reading})
        run = replace(run, config=replace(run.config, data=data_settings))
    notes: tuple[Note, ...] = ()
    if isinstance(data, Panel):
        panel = data
    elif data is None and run.config.source in ("", "-"):
        panel = run.tail
        notes = (Note("warning", "trained from standard input: the forecast continues from the rows stored then"),)
    else:
        panel = _read_again(run, data)
    if future_values is not None:
        panel = read_future_values(future_values, panel, run.config.data)
    model, trained = run.model, run.config.plan.horizon
    if horizon is not None and horizon != trained:
        model = forecasting.extended(model, horizon)
        if horizon > trained:
            text = f"the run was trained for {trained:,} steps: from step {trained + 1:,} on the network is fed its own forecasts"
            notes = (*notes, Note("warning", f"{text}, and their intervals are not known"))
    result = forecasting.forecast(panel, model, run.config.plan.levels if levels is None else levels)
    return Predicted(run, panel, result, (*panel.notes, *notes, *_fallback_notes(result), *_constant_notes(panel)))


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
        name: int(run.tail.first[i] + run.tail.lengths[i]) - (0 if run.config.plan.refit else run.config.plan.test)
        for run in start
        for i, name in enumerate(run.tail.ids)
    }
    held_out = panel.first + panel.lengths - decided.test
    return any(name in ends and ends[name] > held_out[i] for i, name in enumerate(panel.ids) if decided.test)


def _config(panel: Panel, decided: Plan) -> RunConfig:
    return RunConfig(
        schema=store.SCHEMA,
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
    )


def _forecast(panel: Panel, model: Model) -> tuple[Forecast, tuple[Note, ...]]:
    """The forecast past the last row; an empty one where known-future covariates are still to be given."""
    try:
        covariates.check_known(panel, model.plan.horizon)
    except DataError as error:
        note = Note("warning", f"no forecast yet: {error.message}; predict takes --future-values FILE")
        return forecasting.nothing(panel, model.plan.levels), (note,)
    return forecasting.forecast(panel, model, model.plan.levels), ()


def _read_again(run: Run, data: str | os.PathLike[str] | None) -> Panel:
    path = os.fspath(data) if data is not None else run.config.source
    if data is None and not os.path.isfile(path):  # nor a device or a pipe, which might never end
        raise DataError(f"{path}: the file that the run was trained on is gone", "give the data: forecast predict DATA")
    try:
        levels = {name: tuple(found) for name, found in run.config.levels.items()}
        panel = parquet.read(path, replace(run.config.data, weight=None), levels)
    except DataError as error:
        if (
            "--" in error.hint and error.option not in config.rereading()
        ):  # an option of train, which settled how this run reads
            error.hint = "bring the file to the form of the one that was trained on, or train on this one"
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
        f", on another day or hour ({frequency.phase}, {frequency.day})" if frequency.phase or frequency.day > 1 else ""
    )
    return f"{describe(frequency)} rows{start}, time {columns.time!r}, target {columns.target!r}"


def _fallback_notes(result: Forecast) -> tuple[Note, ...]:
    if result.dropped:
        more = f" and {len(result.dropped) - 3:,} more" if len(result.dropped) > 3 else ""
        shown = ", ".join(map(repr, result.dropped[:3])) + more
        return (Note("degraded", f"too short for the network, so they were left out: {shown}"),)
    if not result.fallback:
        return ()
    if result.fallback == ("",):
        return (Note("degraded", "the series is too short for the network, so its last season is repeated"),)
    shown = ", ".join(repr(name) for name in result.fallback[:3])
    more = f" and {len(result.fallback) - 3:,} more" if len(result.fallback) > 3 else ""
    return (Note("degraded", f"too short for the network, so their last season is repeated: {shown}{more}"),)


def _constant_notes(panel: Panel) -> tuple[Note, ...]:
    found = [
        name for i, name in enumerate(panel.ids) if np.nanmin(values_of(panel, i)) == np.nanmax(values_of(panel, i))
    ]
    if not found:
        return ()
    if len(panel) == 1:
        return (Note("warning", "the series is constant; so is the forecast"),)
    shown = ", ".join(map(repr, found[:3])) + (" and more" if len(found) > 3 else "")
    return (Note("warning", f"constant series, so constant forecasts: {shown} ({len(found):,} of {len(panel):,})"),)
