"""Two runs side by side: the settings that differ, and their errors on the same held-out rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from forecast_cli import evaluation, held_out, planning, store, tables
from forecast_cli.evaluation import NETWORK, Backtest, Comparison
from forecast_cli.held_out import HeldOutWindows
from forecast_cli.messages import plural
from forecast_cli.panel import Panel
from forecast_cli.store import Run
from forecast_cli.workflow.page import training_data


@dataclass(frozen=True)
class Difference:
    """A setting whose value differs, as text."""

    name: str
    first: str
    second: str


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Two runs, and what sets them apart.

    - settings: those that differ
    - why_not: why their errors do not compare; empty where both were tested on the same rows
    - comparisons: the first run against the second, by the name of the metric: of `mae`, and of
      `mase` where both measure it alike and the data of the training are at hand
    """

    first: Run
    second: Run
    settings: tuple[Difference, ...]
    why_not: str
    comparisons: dict[str, Comparison]

    @property
    def same_rows(self) -> bool:
        """Whether both runs were tested on the same rows."""
        return not self.why_not


def compare_runs(first: Run, second: Run) -> SideBySide:
    """Put two runs side by side. Raises RunRejectedError for one whose tables are damaged."""
    for run in (first, second):
        store.check_tables(run)

    why_not = _why_not(first, second)
    comparisons = {} if why_not else _comparisons(first, second)
    return SideBySide(first, second, _settings_that_differ(first, second), why_not, comparisons)


# -- settings ----------------------------------------------------------------------------------


def _settings_that_differ(first: Run, second: Run) -> tuple[Difference, ...]:
    before, after = _settings(first), _settings(second)
    found = []
    for name in {**before, **after}:
        values = before.get(name, "none"), after.get(name, "none")
        if values[0] != values[1]:
            found.append(Difference(name, *values))
    return tuple(found)


def _settings(run: Run) -> dict[str, str]:
    """What the run was trained on and how, as texts by name."""
    config, data = run.config, run.manifest.input
    settings = {
        "data": config.source or "a panel",
        "rows of data": f"{data.rows:,}",
        "hash of data": data.sha256[:12],
    }
    for field in dataclasses.fields(config.data):
        settings[field.name] = planning.written(getattr(config.data, field.name))
    for name, value in planning.values_by_name(config.plan).items():
        settings[name] = planning.written(value)
    if config.plan.parts:
        settings["parts"] = "; ".join(planning.portfolio_shares(config.plan))
    settings["digits"] = planning.written(run.digits)
    settings["version"] = run.manifest.versions.get("forecast", "none")
    return settings


# -- scores ------------------------------------------------------------------------------------


def _why_not(first: Run, second: Run) -> str:
    """Why the errors of two runs do not compare; an empty text where they do."""
    plans = first.config.plan, second.config.plan
    for run in (first, second):
        if run.metrics.test is None:
            return f"no held-out row of the run {run.name} was scored"
    if plans[0].horizon != plans[1].horizon:
        steps = [plural(plan.horizon, "step") for plan in plans]
        return f"one forecasts {steps[0]} at a time, the other {steps[1]}"
    if plans[0].test != plans[1].test:
        rows = [plural(plan.test, "row") for plan in plans]
        return (
            f"one was tested on the last {rows[0]} of each series, the other on the last {rows[1]}"
        )
    if _rows(first) != _rows(second):
        return "their held-out rows have other series, times or values"
    return ""


def _rows(run: Run) -> tuple[list[str], list[str], list[str], list[float | None]]:
    """The series, the times, the cutoffs and the actual values of the held-out rows."""
    plan, columns = run.config.plan, run.config.columns
    rows = tables.read_predictions(run.texts["predictions.csv"], columns, plan.levels)
    actual = rows.numbers["actual"]
    known = [None if np.isnan(value) else float(value) for value in actual]
    return rows.texts[tables.ID], rows.texts[tables.TIME], rows.texts["cutoff"], known


def _comparisons(first: Run, second: Run) -> dict[str, Comparison]:
    """The first run against the second, by metric."""
    panel = training_data(first)[0] if len(first.tail) > 1 else None
    rows, others = _windows(first, panel), _windows(second, None)
    if rows is None or others is None:
        return {}

    backtest = dataclasses.replace(
        rows.backtest,
        forecasts={
            NETWORK: rows.backtest.forecasts[NETWORK],
            second.name: others.backtest.forecasts[NETWORK],
        },
    )
    found = {}
    for metric in ("mae", "mase"):
        if metric == "mase" and not _is_measured_alike(first, second, rows):
            continue
        comparison = _compared(backtest, second.name, metric)
        if comparison is not None:
            found[metric] = comparison
    return found


def _is_measured_alike(first: Run, second: Run, rows: HeldOutWindows) -> bool:
    """Whether the MASE of both runs has the same scales, and these are known."""
    same_data = first.manifest.input.sha256 == second.manifest.input.sha256
    same_season = first.config.plan.season == second.config.plan.season
    return same_data and same_season and rows.scaled_by != "stored"


def _windows(run: Run, panel: Panel | None) -> HeldOutWindows | None:
    try:
        return held_out.windows_of(run, panel)
    except ValueError as error:
        raise store.rejected(run.folder / "predictions.csv", str(error)) from None


def _compared(backtest: Backtest, other: str, metric: str) -> Comparison | None:
    """The comparison by one metric; None where it is not defined."""
    means = evaluation.summary(backtest)
    if not all(np.isfinite(means[name][metric]) for name in (NETWORK, other)):
        return None
    return evaluation.compare(backtest, other, metric)
