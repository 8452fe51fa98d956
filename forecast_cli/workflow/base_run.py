"""The base network as a run that is always there: it forecasts any data, and is never trained."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import base, covariates, forecasting, planning, scaling, store, tables
from forecast_cli.calendar import Ints
from forecast_cli.choices import BASE
from forecast_cli.errors import SettingsError, TooLittleDataError
from forecast_cli.fields import option_name
from forecast_cli.forecasting import HeldOut, Model
from forecast_cli.messages import Note, nearest, plural
from forecast_cli.panel import Panel, head, select, tail
from forecast_cli.planning import Plan
from forecast_cli.progress import Phase, Report, reading
from forecast_cli.reading import read
from forecast_cli.settings import COVARIATES, Settings, fields_by_name, reading_the_target
from forecast_cli.sources import settings_from
from forecast_cli.store import Input, Manifest, Metrics, Run
from forecast_cli.tables import decimals
from forecast_cli.workflow.configuration import run_config
from forecast_cli.workflow.data import Data
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.rolled import (
    DEFAULT_ORIGINS,
    Backtested,
    Origins,
    at_most,
    forecast_part,
    scored,
)

NOT_TRAINED = "base network, not trained on these data"
DRAWN_SEASONS = 8  # of those that it reads, and two of the longest in the data
WIDEST = 100 * (1 - 2 * base.LEVELS[0])  # level of an interval, in percent
MEASURED = 10  # seasons ahead, up to which its forecasts were ever scored
OF_A_FORECAST = ("horizon", "levels", "digits")  # what it takes beside the settings of the reader


def is_base(run: object) -> bool:
    """Whether what was given as a run is the base network."""
    return isinstance(run, str) and run == BASE


def base_settings(named: dict[str, Any]) -> Settings:
    """Settings by name.

    Raises SettingsError for others than the base network has, and for levels that it cannot give.
    """
    allowed = [*OF_A_FORECAST, *reading_the_target()]
    for name in named:
        if name in allowed:
            continue
        if name not in fields_by_name():
            raise SettingsError(f"unknown setting {name!r}", nearest(name, allowed))
        option = option_name(name)
        reason = "reads the target alone" if name in COVARIATES else "is not trained"
        raise SettingsError(
            f"{option} has no effect with --run base: the base network {reason}",
            f"leave out {option}, or train a network: forecast train",
            option=name,
        )
    settings = settings_from(**named)
    _refuse_wide_levels(settings.interval.levels)
    return settings


def _refuse_wide_levels(levels: tuple[float, ...]) -> None:
    for level in levels:
        if level > WIDEST:
            raise SettingsError(
                f"--levels {level:g}: the intervals of the base network go up to {WIDEST:g} %",
                f"use levels up to {WIDEST:g}, or train a network: forecast train",
                option="levels",
            )


def base_panel(data: Data | None, settings: Settings, report: Report | None = None) -> Panel:
    """The data to forecast. Raises SettingsError where there are none to be given."""
    if data is None:
        raise SettingsError(
            "--run base has no data of its own", "give the data: forecast predict DATA --run base"
        )
    if isinstance(data, Panel):
        return target_alone(data)
    if report is not None:
        report(reading(os.fspath(data)))
    return read(os.fspath(data), settings.data)


def target_alone(panel: Panel) -> Panel:
    """The panel without its covariates."""
    nothing = np.empty((0, 0))
    return replace(
        panel,
        past_names=(),
        future_names=(),
        static_names=(),
        past=nothing,
        future=nothing,
        static=nothing,
        ahead=np.empty((0, 0, 0)),
        levels={},
        weights=np.empty(0),
    )


def base_model(panel: Panel, settings: Settings) -> Model:
    """The base network for a panel: it needs nothing of it but its scale, seasons and sign.

    Raises SettingsError for covariates, RunRejectedError where its file is damaged.
    """
    plan = planning.make_base_plan(panel, settings)
    return Model(
        plan=plan,
        members=(base.load_weights(),),
        ids=panel.ids,
        scale=scaling.fit(panel.values, panel.offsets, panel.lengths, plan.normalization),
        residuals=np.empty((0, plan.horizon, plan.architecture.outputs_per_step)),
        features=covariates.fit(panel, False, panel.lengths),
    )


def forecast_with_base(
    panel: Panel, settings: Settings
) -> tuple[Model, forecasting.Forecast, tuple[Note, ...]]:
    """Forecast past the last row of every series, and what there is to say about it."""
    with naming_file(panel.source):
        model = base_model(panel, settings)
        forecast = forecasting.forecast(panel, model, settings.interval.levels)
    digits = settings.output.digits
    digits = decimals(panel) if digits is None else digits
    return model, replace(forecast, digits=digits), _notes(model.plan)


def _notes(plan: Plan) -> tuple[Note, ...]:
    notes = [Note("base_network", "info", NOT_TRAINED)]
    shape = plan.architecture
    if shape.seasons_ahead > MEASURED:
        text = f"the horizon of {shape.outputs:,} steps is {shape.seasons_ahead:,} seasons: "
        text += f"the base network was measured up to {MEASURED} seasons ahead"
        notes.append(Note("beyond_measured", "warning", text))
    return tuple(notes)


# -- pictures ----------------------------------------------------------------------------------


def drawn_base(panel: Panel, settings: Settings) -> Run:
    """The base network on a panel as a run that can be drawn: it is in no store.

    Held out are the newest rows, one horizon of them, of which nothing was known.
    """
    model, forecast, _ = forecast_with_base(panel, settings)
    rows = _held_out(panel, model, settings)
    config = run_config(panel, model.plan, forecast.digits)
    return Run(
        name=BASE,
        folder=Path(),
        manifest=_manifest(panel),
        config=config,
        model=model,
        tail=tail(panel, _drawn_lengths(panel, model.plan)),
        metrics=_nothing_measured(),
        texts={
            "predictions.csv": tables.predictions_csv(panel, rows, forecast.digits),
            "forecast.csv": tables.forecast_csv(forecast),
        },
    )


def _drawn_lengths(panel: Panel, plan: Plan) -> Ints:
    """How many of the last rows of each series are drawn, (S,)."""
    read = DRAWN_SEASONS * plan.architecture.season_steps
    before_test = max(read, 2 * max(plan.seasons, default=1)) + 3 * plan.horizon
    return np.minimum(panel.lengths, before_test + plan.test)


def _held_out(panel: Panel, model: Model, settings: Settings) -> HeldOut:
    horizon = model.plan.horizon
    before = _known_before(panel, Origins(1, horizon, horizon))
    if not len(before):
        return forecasting.forecast_held_out(panel, model, model.plan.levels)
    window = replace(settings.window, horizon=horizon)
    earlier = base_model(before, replace(settings, window=window))
    return forecasting.forecast_held_out(panel, earlier, model.plan.levels)


def _manifest(panel: Panel) -> Manifest:
    rows = int(panel.offsets[-1])
    return Manifest(
        format="forecast-run",
        schema=store.newest_run_schema(),
        sequence=0,
        created="",
        versions=store.versions(),
        seed=0,
        threads=1,
        input=Input(panel.source, panel.fingerprint, rows, len(panel)),
        files={},
    )


def _nothing_measured() -> Metrics:
    return store.metrics_from(
        {
            "training": {"epochs": 0, "best_epoch": 0, "steps": 0},
            "intervals": {"windows": 0, "unseen": True},
            "test": None,
            "verdict": NOT_TRAINED,
        }
    )


# -- backtests ---------------------------------------------------------------------------------


def roll_base(
    data: Data, origins: int | None, step: int | None, report: Report, named: dict[str, Any]
) -> Backtested:
    """Roll the base network over the data, all of which it has never seen."""
    settings = base_settings(named)
    panel = base_panel(data, settings, report)
    with naming_file(data):
        return roll_panel(panel, settings, origins, step, report)


def roll_panel(
    panel: Panel, settings: Settings, origins: int | None, step: int | None, report: Report
) -> Backtested:
    """`roll_base` for data that were read.

    Its seasons follow from how many rows there are before the first origin; all else that it
    knows is in the window before each origin. Raises TooLittleDataError.
    """
    horizon = planning.make_base_plan(panel, settings).horizon
    wanted = _origins(panel, settings, Origins(origins or 0, step or horizon, horizon))
    report(Phase("cost", wanted.cost(len(panel), 0)))

    window = replace(settings.window, horizon=horizon)
    model = base_model(_known_before(panel, wanted), replace(settings, window=window))
    report(Phase("forecasting", f"forecasting from {plural(wanted.count, 'origin')}"))
    anywhere = np.zeros(len(panel), np.int64)
    part = forecast_part(panel, model, wanted, anywhere, range(wanted.count))
    digits = settings.output.digits
    result = scored(panel, [part], wanted, decimals(panel) if digits is None else digits)
    return replace(result, notes=(*result.notes, *_notes(model.plan)), run=BASE, trainings=0)


def _origins(panel: Panel, settings: Settings, asked: Origins) -> Origins:
    """As many origins as were asked for, or the usual number, or those that the data allow."""
    plan = planning.make_base_plan(panel, settings)
    longest = int(panel.lengths.max())
    possible = asked.possible(longest - forecasting.fewest_steps(plan))
    count = asked.count or min(DEFAULT_ORIGINS, max(possible, 1))
    if count <= possible:
        return replace(asked, count=count)

    needed = forecasting.fewest_steps(plan) + replace(asked, count=count).rows
    hint = f"{at_most(possible)}, or a shorter --horizon" if possible else "use a shorter --horizon"
    raise TooLittleDataError(
        f"{plural(count, 'origin')} and a horizon of {asked.horizon:,} need {needed:,} rows with "
        f"two seasons before the first origin, and the longest series has {longest:,}",
        hint,
        option="origins",
    )


def _known_before(panel: Panel, origins: Origins) -> Panel:
    """The rows before the first origin, of the series that have any there."""
    lengths = panel.lengths - origins.rows
    long_enough = np.flatnonzero(lengths > 0)
    return head(select(panel, long_enough), lengths[long_enough])
