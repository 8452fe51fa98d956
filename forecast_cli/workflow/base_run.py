"""The base network as a run that is always there: it forecasts any data, and is never trained."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np

from forecast_cli import base, covariates, forecasting, scaling
from forecast_cli.base import NAME
from forecast_cli.errors import SettingsError, TooLittleDataError
from forecast_cli.fields import option_name
from forecast_cli.forecasting import Model
from forecast_cli.messages import Note, nearest, plural
from forecast_cli.panel import Panel, head, select
from forecast_cli.progress import Phase, Report, reading
from forecast_cli.reading import read
from forecast_cli.settings import GROUPS, Settings, fields_by_name
from forecast_cli.sources import settings_from
from forecast_cli.tables import decimals
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.rolled import (
    DEFAULT_ORIGINS,
    Backtested,
    Origins,
    at_most,
    forecast_part,
    scored,
)

Data = str | os.PathLike[str] | Panel

NOT_TRAINED = "base network, not trained on these data"
MEASURED = 10  # seasons ahead, up to which its forecasts were ever scored
OF_A_FORECAST = ("horizon", "levels", "digits")  # what it takes beside the settings of the reader


def is_base(run: object) -> bool:
    """Whether what was given as a run is the base network."""
    return isinstance(run, str) and run == NAME


def base_settings(named: dict[str, Any]) -> Settings:
    """Settings by name. Raises SettingsError for others than the base network has."""
    allowed = [*OF_A_FORECAST, *GROUPS["data"].types]
    for name in named:
        if name in allowed:
            continue
        if name not in fields_by_name():
            raise SettingsError(f"unknown setting {name!r}", nearest(name, allowed))
        option = option_name(name)
        raise SettingsError(
            f"{option} has no effect with --run base: the base network is not trained",
            f"leave out {option}, or train a network: forecast train",
            option=name,
        )
    return settings_from(**named)


def base_panel(data: Data | None, settings: Settings, report: Report | None = None) -> Panel:
    """The data to forecast. Raises SettingsError where there are none to be given."""
    if data is None:
        raise SettingsError(
            "--run base has no data of its own", "give the data: forecast predict DATA --run base"
        )
    if isinstance(data, Panel):
        return data
    if report is not None:
        report(reading(os.fspath(data)))
    return read(os.fspath(data), settings.data)


def base_model(panel: Panel, settings: Settings) -> Model:
    """The base network for a panel: it needs nothing of it but its scale, seasons and sign.

    Raises SettingsError for covariates, RunRejectedError where its file is damaged.
    """
    plan = base.make_plan(panel, settings)
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
    return model, replace(forecast, digits=digits), _notes(model)


def _notes(model: Model) -> tuple[Note, ...]:
    notes = [Note("base_network", "info", NOT_TRAINED)]
    shape = model.plan.architecture
    if shape.seasons_ahead > MEASURED:
        text = f"the horizon of {shape.outputs:,} steps is {shape.seasons_ahead:,} seasons: "
        text += f"the base network was measured up to {MEASURED} seasons ahead"
        notes.append(Note("beyond_measured", "warning", text))
    return tuple(notes)


# -- backtests ---------------------------------------------------------------------------------


def roll_base(
    data: Data, origins: int | None, step: int | None, report: Report, named: dict[str, Any]
) -> Backtested:
    """Roll the base network over the data, all of which it has never seen.

    Its seasons, its scale and whether it takes logarithms follow from the rows before the first
    origin.
    """
    settings = base_settings(named)
    panel = base_panel(data, settings, report)
    with naming_file(data):
        horizon = base.make_plan(panel, settings).horizon
        wanted = _origins(panel, settings, Origins(origins or 0, step or horizon, horizon))
        report(Phase("cost", wanted.cost(len(panel), 0)))

        window = replace(settings.window, horizon=horizon)
        known = _known_before(panel, wanted)
        model = base_model(known, replace(settings, window=window))
        report(Phase("forecasting", f"forecasting from {plural(wanted.count, 'origin')}"))
        anywhere = np.zeros(len(panel), np.int64)
        part = forecast_part(panel, model, wanted, anywhere, range(wanted.count))
        digits = settings.output.digits
        result = scored(panel, [part], wanted, decimals(panel) if digits is None else digits)
    return replace(result, notes=(*result.notes, *_notes(model)), run=NAME, trainings=0)


def _origins(panel: Panel, settings: Settings, asked: Origins) -> Origins:
    """As many origins as were asked for, or the usual number, or those that the data allow."""
    plan = base.make_plan(panel, settings)
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
