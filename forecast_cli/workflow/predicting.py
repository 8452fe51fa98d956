"""predict(): load a run, read the newest rows, forecast past them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forecast_cli import forecasting, planning, store
from forecast_cli.choices import BASE
from forecast_cli.errors import DataError, NoRunError, SettingsError
from forecast_cli.fields import Digits, option_name
from forecast_cli.forecasting import Forecast, Model
from forecast_cli.messages import Note, nearest
from forecast_cli.panel import Panel
from forecast_cli.reading import read, read_future_values
from forecast_cli.settings import DEFAULT_STORE, IntervalSettings, fields_by_name, rereading
from forecast_cli.sources import settings_from
from forecast_cli.store import Coverage, Run
from forecast_cli.workflow import notes
from forecast_cli.workflow.base_run import base_panel, base_settings, forecast_with_base, is_base
from forecast_cli.workflow.data import Data
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.shapes import require_shape

OF_A_FORECAST = ("levels", "interval", "horizon", "digits")  # options beside those of the reader


@dataclass(frozen=True, eq=False)
class Predicted:
    """A forecast, the name of the run and the data it came from, and what to tell the user.

    coverage: of the intervals of the run, as measured on held-out rows in its training.
    """

    run: str
    panel: Panel
    forecast: Forecast
    notes: tuple[Note, ...]
    coverage: Sequence[Coverage] = ()


def predict(  # noqa: PLR0913 -- keywords of the public API
    data: Data | None = None,
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    run: Run | str | None = None,
    levels: tuple[float, ...] | None = None,
    interval: str | None = None,
    future_values: str | os.PathLike[str] | None = None,
    horizon: int | None = None,
    digits: int | str | None = None,
    **reading: Any,
) -> Predicted:
    """Forecast past the last row of the data with a saved run.

    - data: by default the file that the run was trained on
    - run: a loaded run or its id, by default the latest of the store; `base` is the base network
    - levels: of the intervals, in percent, by default those of the training
    - interval: conformal, quantile or dropout, by default that of the training
    - future_values: a CSV of the known-future covariates past the last row
    - horizon: steps, by default those of the run; for more, the network is fed its own forecasts
    - digits: decimals that the forecast is written with, or "full"; by default those of the run
    - reading: settings of the reader that new rows need, instead of those of the training; of the
      base network, which has no training, all of them

    Never trains, never imports torch, never writes. Raises NoRunError, RunRejectedError,
    RunMismatchError, DataError and SettingsError.
    """
    if is_base(run):
        _refuse_future_values(future_values)
        asked = {"horizon": horizon, "levels": levels, "interval": interval, "digits": digits}
        return _predict_with_base(data, given(asked) | reading)

    wanted_levels = None if levels is None else IntervalSettings(levels).levels
    wanted_digits = settings_from(digits=digits).output.digits
    run = reading_as(_load(run, Path(store_folder)), reading)
    model, horizon_notes = for_horizon(with_interval(run.model, interval), horizon)

    source, panel, source_notes = _read(data, run)
    if future_values is not None:
        panel = read_future_values(future_values, panel, run.config.data)

    with naming_file(source):
        forecasting.require_full_window(panel, model.plan)
        forecast = forecasting.forecast(
            panel, model, run.config.plan.levels if wanted_levels is None else wanted_levels
        )
    forecast = replace(forecast, digits=_digits(run, wanted_digits))

    about = notes.about_forecast(forecast, panel, run.model)
    about += notes.about_newest_values(forecast, panel, model.plan)
    measured = notes.about_coverage(run.metrics, model.plan, tuple(forecast.bounds))
    return Predicted(
        run.name,
        panel,
        forecast,
        (*panel.notes, *source_notes, *horizon_notes, *about, *measured),
        run.metrics.intervals.coverage or [],
    )


def checked_run(
    *,
    store_folder: str | os.PathLike[str] = DEFAULT_STORE,
    run: str | None = None,
    future_values: str | os.PathLike[str] | None = None,
    **options: Any,
) -> str:
    """The name of the run that `predict` would use, which is loaded and holds what is asked for.

    options: others of `predict`. Raises what `predict` raises before it reads data.
    """
    asked = {name: options.pop(name, None) for name in OF_A_FORECAST}
    if is_base(run):
        _refuse_future_values(future_values)
        base_settings(given(asked) | options)
        return BASE

    settings_from(**given({"levels": asked["levels"], "digits": asked["digits"]}))
    loaded = reading_as(_load(run, Path(store_folder)), options)
    for_horizon(with_interval(loaded.model, asked["interval"]), asked["horizon"])
    return loaded.name


def _refuse_future_values(path: str | os.PathLike[str] | None) -> None:
    """Raise SettingsError where the base network was given future values."""
    if path is not None:
        raise SettingsError(
            "--future-values has no effect with --run base: the base network reads the target "
            "alone",
            "leave it out, or train a network: forecast train",
            option="future_values",
        )


def _predict_with_base(data: Data | None, named: dict[str, Any]) -> Predicted:
    settings = base_settings(named)
    panel = base_panel(data, settings)
    model, forecast, about_base = forecast_with_base(panel, settings)
    about = notes.about_forecast(forecast, panel, model)
    about += notes.about_newest_values(forecast, panel, model.plan)
    return Predicted(BASE, panel, forecast, (*panel.notes, *about_base, *about))


def given(named: dict[str, Any]) -> dict[str, Any]:
    """The settings that are not left to their default."""
    return {name: value for name, value in named.items() if value is not None}


def _load(run: Run | str | None, root: Path) -> Run:
    if isinstance(run, Run):
        return run
    try:
        return store.load(root, store.resolve(root, run))
    except NoRunError as error:
        if store.names(root):
            raise
        hint = f"{error.hint}; or use --run base, which needs no training"
        raise NoRunError(error.message, hint) from None


def reading_as(run: Run, reading: dict[str, Any]) -> Run:
    """The run with other settings of its reader. Raises SettingsError for others than those."""
    allowed = rereading()
    for name in reading:
        if name in fields_by_name() and name not in allowed:
            option = option_name(name)
            raise SettingsError(
                f"{option} has no effect on a saved run, which has it from its training",
                f"leave out {option}, train again with it, or use --run base",
                option=name,
            )
        if name not in allowed:
            raise SettingsError(f"unknown setting {name!r}", nearest(name, list(allowed)))
    if not reading:
        return run

    given = settings_from(**reading).data
    values = {name: getattr(given, name) for name in reading}
    return replace(run, config=replace(run.config, data=replace(run.config.data, **values)))


def _digits(run: Run, wanted: Digits | None) -> Digits:
    return run.digits if wanted is None else wanted


def with_interval(model: Model, wanted: str | None) -> Model:
    """The model with other intervals. Raises SettingsError where its network has not learned them."""
    if wanted is None:
        return model
    kind = settings_from(interval=wanted).interval.interval
    model = replace(model, plan=replace(model.plan, interval=kind))
    lacking = planning.missing_for_interval(model.plan)
    if lacking:
        option = "--loss quantile" if kind == "quantile" else "--dropout 0.1"
        raise SettingsError(
            f"--interval {kind}: the network of the run has no {lacking}",
            f"train with {option}, or use --interval conformal",
            option="interval",
        )
    return model


def for_horizon(model: Model, horizon: int | None) -> tuple[Model, tuple[Note, ...]]:
    """The model for the horizon that is wanted, and a note where it is rolled forward."""
    trained = model.plan.horizon
    if horizon is None or horizon == trained:
        return model, ()

    model = forecasting.extended(model, horizon)
    if horizon < trained:
        return model, ()
    steps = f"the run was trained for {trained:,} steps: from step {trained + 1:,} on"
    text = f"{steps} the network is fed its own forecasts"
    known = trained + model.further.shape[1]
    if known < horizon:
        since = "their" if known == trained else f"from step {known + 1:,} on"
        text += f", and {since} intervals are not known"
    return model, (Note("beyond_horizon", "warning", text),)


# -- the rows to forecast from -----------------------------------------------------------------


def _read(data: Data | None, run: Run) -> tuple[Data, Panel, tuple[Note, ...]]:
    """Where the rows come from, the rows, and what to say about it."""
    if isinstance(data, Panel):
        return data, data, ()
    if data is not None:
        return data, read_for(run, os.fspath(data)), ()

    source = run.config.source
    if source in ("", "-"):
        text = "trained from standard input: the forecast continues from the rows stored then"
        return run.tail, run.tail, (Note("standard_input", "warning", text),)
    if not os.path.isfile(source):  # a device or a pipe might never end
        raise DataError(
            f"{source}: the file that the run was trained on is gone",
            "give the data: forecast predict DATA",
            path=source,
        )
    return source, read_for(run, source), ()


def read_for(run: Run, path: str) -> Panel:
    """The rows of a file, read as those of the training were.

    Raises DataError, and RunMismatchError where the file is of another shape.
    """
    levels = {name: tuple(values) for name, values in run.config.levels.items()}
    try:
        panel = read(path, replace(run.config.data, weight=None), levels)
    except DataError as error:
        # An option that predict does not have settled how the rows of this run are read.
        if error.option and error.option not in rereading():
            error.hint = "bring the file to the form of the one that was trained on, "
            error.hint += "or train on this one"
        elif error.column and error.line is None:
            trained = f"the run {run.name} was trained on {run.config.source or 'a panel'}"
            error.hint = f"{error.hint}; {trained}" if error.hint else trained
        raise

    panel = _as_trained(run, panel)
    require_shape(run, panel, path)
    return panel


def _as_trained(run: Run, panel: Panel) -> Panel:
    """The panel with one column of times, where an older release trained on several and wrote
    them as one.
    """
    trained = run.config
    if not panel.columns.times or trained.columns.times:
        return panel
    return replace(
        panel,
        columns=replace(panel.columns, times=()),
        time_format=trained.time_format,
    )
