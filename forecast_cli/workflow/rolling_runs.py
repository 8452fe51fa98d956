"""A saved run rolled over rows that it was not trained on: no training, no torch."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from forecast_cli import forecasting, scaling, store
from forecast_cli.calendar import Ints
from forecast_cli.errors import SettingsError, TooLittleDataError
from forecast_cli.fields import option_name
from forecast_cli.forecasting import Model
from forecast_cli.messages import Note, nearest, plural
from forecast_cli.panel import Panel
from forecast_cli.progress import Phase, Report, reading
from forecast_cli.settings import fields_by_name, rereading
from forecast_cli.sources import settings_from
from forecast_cli.store import Run
from forecast_cli.workflow.data import Data
from forecast_cli.workflow.naming import naming_file
from forecast_cli.workflow.predicting import for_horizon, read_for, reading_as, with_interval
from forecast_cli.workflow.rolled import (
    DEFAULT_ORIGINS,
    Backtested,
    Origins,
    at_most,
    forecast_part,
    scored,
)
from forecast_cli.workflow.shapes import require_shape

OF_A_RUN = ("horizon", "levels", "interval", "digits")  # settings that need no training


@dataclass(frozen=True)
class Asked:
    """What was asked for.

    origins: None for the usual number, or as many as there can be; step: None for one horizon;
    named: settings by name.
    """

    origins: int | None
    step: int | None
    report: Report
    named: dict[str, Any]


def load(run: Run | str, root: Path) -> Run:
    """The run, if it is not loaded yet."""
    return run if isinstance(run, Run) else store.load(root, store.resolve(root, run))


def roll(data: Data, run: Run, asked: Asked) -> Backtested:
    """Roll a saved run from its last training row on."""
    _check_settings(asked.named)
    reader = {name: value for name, value in asked.named.items() if name not in OF_A_RUN}
    run = reading_as(run, reader)
    panel = _read(data, run, asked.report)
    model, horizon_notes = for_horizon(run.model, asked.named.get("horizon"))
    model = _with_levels(model, asked.named.get("levels"))
    model = with_interval(model, asked.named.get("interval"))

    horizon = model.plan.horizon
    with naming_file(data):
        earliest = _first_unseen(panel, run)
        newer = max(int((panel.lengths - earliest).max()), 0)
        origins = _origins(asked, horizon, newer)
        _require_newer_rows(run, newer, origins)
        asked.report(Phase("cost", origins.cost(len(panel), 0)))

        asked.report(Phase("forecasting", f"forecasting from {plural(origins.count, 'origin')}"))
        model, interval_notes = _without_later_rows(panel, model, origins, earliest)
        part = forecast_part(panel, model, origins, earliest, range(origins.count))
        digits = settings_from(digits=asked.named.get("digits")).output.digits
        result = scored(panel, [part], origins, run.digits if digits is None else digits)
    notes = (*result.notes, *horizon_notes, *interval_notes)
    return replace(result, notes=notes, run=run.name, trainings=0)


def _check_settings(named: dict[str, Any]) -> None:
    """Raise SettingsError for a setting that is not known, or that only a training has."""
    allowed = [*OF_A_RUN, *rereading()]
    for name in named:
        if name not in fields_by_name():
            raise SettingsError(f"unknown setting {name!r}", nearest(name, allowed))
        if name not in allowed:
            option = option_name(name)
            raise SettingsError(
                f"{option} has no effect with --run: a saved run is not trained again",
                f"leave out {option}, or leave out --run",
                option=name,
            )


def _read(data: Data, run: Run, report: Report) -> Panel:
    if isinstance(data, Panel):
        require_shape(run, data, data.source or "the panel")
        return data
    report(reading(os.fspath(data)))
    return read_for(run, os.fspath(data))


def _with_levels(model: Model, levels: Any) -> Model:
    if levels is None:
        return model
    wanted = settings_from(levels=levels).interval.levels
    return replace(model, plan=replace(model.plan, levels=wanted))


# -- what the run has seen ---------------------------------------------------------------------


def _first_unseen(panel: Panel, run: Run) -> Ints:
    """(S,) the first step of each series that the network of the run did not see.

    The network saw all rows that there were, but those of the test part if it was not trained
    again. Of a series that the run does not know, every step is unseen.
    """
    plan, tail = run.config.plan, run.tail
    unseen = 0 if plan.refit else plan.test
    ends = dict(zip(tail.ids, (tail.first + tail.lengths - unseen).tolist(), strict=True))
    first = [
        ends.get(name, start) for name, start in zip(panel.ids, panel.first.tolist(), strict=True)
    ]
    steps: Ints = np.maximum(np.array(first, np.int64) - panel.first, 0)
    return steps


def _origins(asked: Asked, horizon: int, newer: int) -> Origins:
    """The origins that were asked for, or those that the newer rows allow."""
    step = asked.step or horizon
    if asked.origins is not None:
        return Origins(asked.origins, step, horizon)
    usual = Origins(DEFAULT_ORIGINS, step, horizon)
    return replace(usual, count=min(max(usual.possible(newer), 1), DEFAULT_ORIGINS))


def _require_newer_rows(run: Run, newer: int, origins: Origins) -> None:
    """Raise TooLittleDataError where the rows after the training do not allow the first origin."""
    if newer >= origins.rows:
        return

    seen = f"all but the newest {plural(newer, 'row')}" if newer else "all rows"
    hint = "give newer rows, or train with --no-refit, which leaves the test part unseen"
    possible = origins.possible(newer)
    if possible:
        hint = f"{at_most(possible)}, or {hint}"
    raise TooLittleDataError(
        f"the run {run.name} was trained on {seen} of these data: "
        f"{plural(origins.count, 'origin')} and a horizon of {origins.horizon:,} need "
        f"{plural(origins.rows - newer, 'newer row')}",
        hint,
        option="origins",
    )


# -- nothing of later rows in the model --------------------------------------------------------


def _without_later_rows(
    panel: Panel, model: Model, origins: Origins, earliest: Ints
) -> tuple[Model, tuple[Note, ...]]:
    """The model without what later rows would tell it, and what to say about it.

    - A series that the run does not know is scaled by the rows before its first origin.
    - The errors behind the intervals of a run that was not trained again are those of its test
      part, too, from which the forecasts are made now: they are measured again without it.
    """
    model = _with_new_series(panel, model, origins)
    if model.plan.refit or not model.plan.test:
        return model, ()

    low = np.maximum(earliest - model.plan.validation, 0)
    model = replace(model, further=model.further[:0])
    model = forecasting.measured(panel, model, low, earliest)
    if len(model.residuals):
        return model, ()

    text = "intervals are not scored: no row was left that the network was neither trained on nor "
    text += "is tested on; train with --validation to have some"
    return model, (Note("bounds_empty", "warning", text),)


def _with_new_series(panel: Panel, model: Model, origins: Origins) -> Model:
    """The model with a scale for each series that it does not know."""
    known = set(model.ids)
    new = [index for index, name in enumerate(panel.ids) if name not in known]
    if not new:
        return model

    cuts = origins.cuts(panel)
    usable = np.where(cuts >= model.plan.lookback, cuts, panel.lengths[:, None])
    ends = usable.min(axis=1)
    own = scaling.fit(panel.values, panel.offsets, ends, model.plan.normalization)
    scale = scaling.SeriesScale(
        np.append(model.scale.zero, own.zero[new]), np.append(model.scale.one, own.one[new])
    )
    names = tuple(panel.ids[index] for index in new)
    return replace(model, ids=(*model.ids, *names), scale=scale)
