"""What the tests of the use cases share: panels with more rows, and records of the track."""

from __future__ import annotations

import numpy as np

from forecast_cli import forecasting
from forecast_cli.forecasting import Forecast
from forecast_cli.panel import Floats, Panel, from_series, values_of
from forecast_cli.store import PastForecast, RefreshEvent, Run
from forecast_cli.workflow.tracking import past_forecast

NOTHING_DUE = RefreshEvent(action="reuse", reasons=["nothing is due"], alarm=False)


def with_values(panel: Panel, *series: Floats, ids: tuple[str, ...] | None = None) -> Panel:
    """Like a panel, with other values of its series."""
    names = panel.ids if ids is None else ids
    return from_series(
        list(series),
        panel.frequency,
        ids=list(names),
        first=[int(panel.first[0])] * len(names),
        columns=panel.columns,
        time_format=panel.time_format,
    )


def with_more(panel: Panel, values: Floats) -> Panel:
    """A panel of one series, with so many rows more."""
    return with_values(panel, np.concatenate([values_of(panel, 0), values]))


def recorded(
    run: Run, panel: Panel, number: int = 1, before: PastForecast | None = None
) -> PastForecast:
    """What a refresh would have recorded of a run and a panel."""
    forecast = forecasting.forecast(panel, run.model, run.config.plan.levels)
    return recorded_forecast(run, panel, forecast, number, before)


def recorded_forecast(
    run: Run,
    panel: Panel,
    forecast: Forecast,
    number: int = 1,
    before: PastForecast | None = None,
) -> PastForecast:
    return past_forecast(
        panel,
        forecast,
        before,
        number=number,
        created="20261122T030000Z",
        run=run.name,
        settings={},
        event=NOTHING_DUE,
    )
