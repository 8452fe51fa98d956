"""What every backtest does: where its origins lie, forecasts from them, and their scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecast_cli import evaluation, forecasting, tables, windows
from forecast_cli.calendar import Ints
from forecast_cli.errors import LowSkillError, TooLittleDataError
from forecast_cli.evaluation import Backtest, Comparison
from forecast_cli.fields import Digits
from forecast_cli.forecasting import Model
from forecast_cli.messages import Note, listed, plural
from forecast_cli.panel import Floats, Panel, values_of
from forecast_cli.planning import Plan
from forecast_cli.windows import Windows

DEFAULT_ORIGINS = 5


def at_most(origins: int) -> str:
    """A hint that so many origins are possible."""
    return f"use --origins {origins}{' or less' if origins > 1 else ''}"


@dataclass(frozen=True)
class Origins:
    """Rolling origins: how many, the rows between two of them, and the steps ahead of each."""

    count: int
    step: int
    horizon: int

    @property
    def rows(self) -> int:
        """How many rows there are from the first origin to the end."""
        return self.horizon + (self.count - 1) * self.step

    @property
    def overlap(self) -> int:
        """How many origins in a row have horizons with steps in common."""
        return -(-self.horizon // self.step)

    def possible(self, rows: int) -> int:
        """How many origins fit in so many rows."""
        return max((rows - self.horizon) // self.step + 1, 0) if rows >= self.horizon else 0

    def cuts(self, panel: Panel) -> Ints:
        """(S, count) where each origin lies, in steps from the start of each series."""
        back = (self.count - 1 - np.arange(self.count)) * self.step
        cuts: Ints = panel.lengths[:, None] - self.horizon - back
        return cuts

    def cost(self, series: int, trainings: int) -> str:
        """What a backtest takes, in words."""
        many = f" of each of {series:,} series" if series > 1 else ""
        rows = f", {plural(self.step, 'row')} apart" if self.count > 1 else ""
        work = plural(trainings, "training") if trainings else "no training"
        ahead = plural(self.horizon, "step")
        return f"{plural(self.count, 'origin')}{many}{rows}, {ahead} ahead: {work}"


@dataclass(frozen=True, eq=False)
class Backtested:
    """Forecasts from every origin, their scores, and what to tell the user.

    - plan: of the first training, or of the run
    - windows, result: the windows that were forecast from, by series and origin, and the forecasts
      beside actual values
    - season: of the seasonal baselines
    - trainings: how many there were; run: the name of the one that was rolled, if there were none
    - refusal: why the network is not as good as was asked for; None where it is
    """

    panel: Panel
    plan: Plan
    origins: Origins
    windows: Windows
    result: Backtest
    comparison: Comparison | None
    season: int
    trainings: int
    digits: Digits
    notes: tuple[Note, ...]
    run: str | None = None
    refusal: LowSkillError | None = None

    @property
    def exit_code(self) -> int:
        return 0 if self.refusal is None else self.refusal.exit_code

    @property
    def sentence(self) -> str:
        """The comparison with the best of the others, in words."""
        return evaluation.sentence(self.comparison, forecasting.BASELINES)

    def csv(self) -> bytes:
        """The forecasts of every origin as CSV, beside actual values and the baselines."""
        return tables.backtest_csv(
            tables.OriginForecasts(
                panel=self.panel,
                windows=self.windows,
                actual=self.result.actual,
                forecasts=self.result.forecasts,
                bounds=dict(self.result.bounds),
            ),
            self.digits,
        )


# -- forecasts ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Part:
    """Forecasts from some of the origins, by one model.

    number: (W,) of the origin of each; values: (W, horizon); bounds: by level, lower and upper.
    """

    plan: Plan
    windows: Windows
    number: Ints
    values: Floats
    bounds: dict[float, tuple[Floats, Floats]]


def forecast_part(
    panel: Panel, model: Model, origins: Origins, earliest: Ints, wanted: range
) -> Part:
    """Forecast from the wanted origins, where a series has a whole window before them.

    earliest: (S,) the first origin that is allowed, in steps from the start of each series.
    """
    chosen, number = part_windows(panel, model.plan, origins, earliest, wanted)
    forecasts = forecasting.forecast_windows(panel, model, chosen, model.plan.levels)
    return Part(model.plan, chosen, number, forecasts.values, dict(forecasts.bounds))


def part_windows(
    panel: Panel, plan: Plan, origins: Origins, earliest: Ints, wanted: range
) -> tuple[Windows, Ints]:
    """The W windows that `forecast_part` forecasts from, and (W,) the numbers of their origins."""
    every, number = forecasting.rolling_origins(
        panel,
        plan,
        horizon=origins.horizon,
        count=origins.count,
        step=origins.step,
        earliest=earliest,
    )
    is_wanted = np.isin(number, wanted)
    return windows.flagged(every, is_wanted), number[is_wanted]


# -- scores ------------------------------------------------------------------------------------


def scored(panel: Panel, parts: list[Part], origins: Origins, digits: Digits) -> Backtested:
    """All parts together, beside the baselines.

    Raises TooLittleDataError where there is no forecast, or no actual value to score one.
    """
    plan = parts[0].plan
    chosen, number, order = _joined_windows(parts)
    if not len(chosen):
        raise TooLittleDataError(
            "no origin has a whole window before it that the network can read",
            "give more rows, fewer --origins or a smaller --lookback",
            option="origins",
        )

    values = np.concatenate([part.values for part in parts])[order]
    baselines = forecasting.baseline_forecasts(panel, chosen, plan.season)
    result = Backtest(
        series=chosen.series,
        origin=number,
        actual=forecasting.actual_values(panel, chosen),
        forecasts={evaluation.NETWORK: values, **baselines},
        bounds=_joined_bounds(parts, order),
        scales=mase_scales(panel, chosen, plan.season),
        overlap=origins.overlap,
    )
    if np.isnan(result.actual).all():
        raise TooLittleDataError(
            "no row after an origin has a value, so no forecast can be scored",
            "use more --origins, or fill the gaps with --gaps interpolate, ffill or zero",
            option="origins",
        )
    return Backtested(
        panel=panel,
        plan=plan,
        origins=origins,
        windows=chosen,
        result=result,
        comparison=evaluation.compare_with_best(result),
        season=plan.season,
        trainings=len(parts),
        digits=digits,
        notes=(*panel.notes, *_left_out(panel, result, origins.count)),
    )


def _joined_windows(parts: list[Part]) -> tuple[Windows, Ints, Ints]:
    """The windows of all parts by series and origin, the numbers of origins, and the order (W,).

    Their lookbacks may differ, if settings are decided anew by every training: that of the first
    one stands for all, as only origins and horizons matter from here on.
    """
    series = np.concatenate([part.windows.series for part in parts])
    starts = np.concatenate([part.windows.origins for part in parts])
    number = np.concatenate([part.number for part in parts])
    order = np.lexsort((number, series))
    first = parts[0].windows
    chosen = windows.of_origins(series[order], starts[order], first.lookback, first.horizon)
    return chosen, number[order], order


def _joined_bounds(parts: list[Part], order: Ints) -> dict[float, tuple[Floats, Floats]]:
    bounds = {}
    for level in parts[0].bounds:
        low = np.concatenate([part.bounds[level][0] for part in parts])
        high = np.concatenate([part.bounds[level][1] for part in parts])
        bounds[level] = (low[order], high[order])
    return bounds


def mase_scales(panel: Panel, chosen: Windows, season: int) -> Floats:
    """(S,) the scale of MASE from the rows before the first origin of each series."""
    scales = np.full(len(panel), np.nan)
    series, position = np.unique(chosen.series, return_index=True)
    for index, origin in zip(series.tolist(), chosen.origins[position].tolist(), strict=True):
        before = values_of(panel, index)[: origin - int(panel.offsets[index])]
        scales[index] = evaluation.mase_scale(before, season)
    return scales


def _left_out(panel: Panel, result: Backtest, origins: int) -> Iterator[Note]:
    """Series that could not be forecast from every origin."""
    counts = np.bincount(result.series, minlength=len(panel))
    names = [panel.ids[i] for i in np.flatnonzero(counts == 0)]
    fewer = [panel.ids[i] for i in np.flatnonzero((counts > 0) & (counts < origins))]
    if names:
        text = f"{plural(len(names), 'series', 'series')} could not be forecast from any origin"
        yield Note("origins_left_out", "warning", f"{text}: {listed(names)}", {"series": names})
    if fewer and len(panel) > 1:
        text = f"{plural(len(fewer), 'series', 'series')} could be forecast from some origins only"
        yield Note("origins_left_out", "warning", f"{text}: {listed(fewer)}", {"series": fewer})
    if fewer and len(panel) == 1:
        done = int(counts[0])
        text = f"only {done:,} of {origins:,} origins could be forecast from: the others have"
        text += " no whole window before them, or lie in a gap"
        yield Note("origins_left_out", "warning", text, {"series": fewer})
