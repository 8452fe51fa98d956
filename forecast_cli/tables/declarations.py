"""The columns of each table, and what it is written from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from forecast_cli.forecasting import BASELINES, Forecast, HeldOut
from forecast_cli.panel import Columns, Floats, Panel, TimeFormat, format_times, times_of
from forecast_cli.progress import Epoch
from forecast_cli.tables.columns import (
    Bounds,
    Column,
    Kind,
    Table,
    bound_columns,
    id_columns,
    time_columns,
)
from forecast_cli.windows import Windows


def forecast_table(columns: Columns, levels: Iterable[float]) -> Table[Forecast]:
    """The columns of forecast.csv; the id only where the data have one."""

    def ids(result: Forecast) -> list[str]:
        return np.repeat(np.array(result.ids, object), result.values.shape[1]).tolist()

    def times(result: Forecast) -> list[str]:
        return list(chain.from_iterable(result.texts))

    return (
        *id_columns(columns, ids),
        *time_columns(columns, times, lambda result: result.time_format),
        Column("forecast", Kind.ROUNDED, lambda result: result.values.reshape(-1), known=True),
        *bound_columns(levels, lambda result: result.bounds),
    )


@dataclass(frozen=True)
class HeldOutOf:
    """What predictions.csv is written from: held-out rows, the ids of their series, and how
    their times are written.
    """

    ids: tuple[str, ...]
    rows: HeldOut
    format: TimeFormat


def predictions_table(columns: Columns, levels: Iterable[float]) -> Table[HeldOutOf]:
    """The columns of predictions.csv; `actual` is empty where the value was filled in."""

    def ids(held_out: HeldOutOf) -> list[str]:
        return [held_out.ids[number] for number in held_out.rows.series.tolist()]

    return (
        *id_columns(columns, ids),
        *time_columns(
            columns, lambda held_out: held_out.rows.texts, lambda held_out: held_out.format
        ),
        Column("cutoff", Kind.TEXT, lambda held_out: held_out.rows.cutoffs),
        Column("actual", Kind.MEASURED, lambda held_out: held_out.rows.actual),
        Column("forecast", Kind.ROUNDED, lambda held_out: held_out.rows.forecast, known=True),
        Column("seasonal_naive", Kind.ROUNDED, lambda held_out: held_out.rows.seasonal_naive),
        *bound_columns(levels, lambda held_out: held_out.rows.bounds),
    )


@dataclass(frozen=True)
class EpochOf:
    """What a row of history.csv is written from: an epoch, and its member, from 1."""

    member: int
    epoch: Epoch


HISTORY: Table[list[EpochOf]] = (
    Column("epoch", Kind.COUNT, lambda rows: [row.epoch.epoch for row in rows]),
    Column("training_loss", Kind.EXACT, lambda rows: [row.epoch.training_loss for row in rows]),
    Column("validation_loss", Kind.EXACT, lambda rows: [row.epoch.validation_loss for row in rows]),
    Column("learning_rate", Kind.EXACT, lambda rows: [row.epoch.learning_rate for row in rows]),
    # The share of the steps of the epoch whose gradients were clipped.
    Column("clipped", Kind.EXACT, lambda rows: [row.epoch.clipped for row in rows], default=np.nan),
    Column("member", Kind.COUNT, lambda rows: [row.member for row in rows], default=1),
)


@dataclass(frozen=True, eq=False)
class OriginForecasts:
    """What the table of a backtest is written from: W windows of a panel, ordered by series.

    actual: (W, H); forecasts: of `network` and the baselines, (W, H) each; bounds: by level, lower
    and upper, (W, H) each.
    """

    panel: Panel
    windows: Windows
    actual: Floats
    forecasts: dict[str, Floats]
    bounds: Bounds

    def ids(self) -> list[str]:
        """The series of each row."""
        ids = np.array(self.panel.ids, object)[self.windows.series]
        return np.repeat(ids, self.windows.horizon).tolist()

    def times(self) -> list[str]:
        """The time of each row."""
        ahead = np.arange(self.windows.horizon)
        texts = self._texts()[self.windows.origins[:, None] + ahead]
        return list(texts.reshape(-1))

    def cutoffs(self) -> list[str]:
        """The time of the last row before the origin of each row."""
        last = self._texts()[self.windows.origins - 1]
        return np.repeat(last, self.windows.horizon).tolist()

    def _texts(self) -> Any:
        """The times of the flat steps of the panel (N,), of series with windows from the first on."""
        chosen, panel = self.windows, self.panel
        texts = np.full(len(panel.values), "", object)
        series, starts = np.unique(chosen.series, return_index=True)
        for index, first in zip(series.tolist(), chosen.origins[starts].tolist(), strict=True):
            local = first - 1 - int(panel.offsets[index])
            written = format_times(panel, times_of(panel, index, local))
            texts[first - 1 : first - 1 + len(written)] = written
        return texts


def backtest_table(columns: Columns, levels: Iterable[float]) -> Table[OriginForecasts]:
    """The columns of a backtest; `actual` is empty where there is no value, or one filled in."""

    def steps(source: OriginForecasts) -> list[int]:
        horizon = source.windows.horizon
        return list(range(1, horizon + 1)) * len(source.windows)

    def forecast_of(method: str) -> Callable[[OriginForecasts], Floats]:
        return lambda source: source.forecasts[method].reshape(-1)

    return (
        *id_columns(columns, OriginForecasts.ids),
        Column("cutoff", Kind.TEXT, OriginForecasts.cutoffs),
        *time_columns(columns, OriginForecasts.times, lambda source: source.panel.time_format),
        Column("step", Kind.COUNT, steps),
        Column("actual", Kind.MEASURED, lambda source: source.actual.reshape(-1)),
        Column("forecast", Kind.ROUNDED, forecast_of("network"), known=True),
        *(Column(name, Kind.ROUNDED, forecast_of(name)) for name in BASELINES),
        *bound_columns(levels, lambda source: source.bounds),
    )
