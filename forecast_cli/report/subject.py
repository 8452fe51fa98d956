"""What a page is about: a run, what was measured of it, and the data it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli import evaluation
from forecast_cli.checks import Finding
from forecast_cli.evaluation import NETWORK, Backtest, Comparison
from forecast_cli.forecasting import BASELINES
from forecast_cli.held_out import HeldOutWindows
from forecast_cli.store import Run


@dataclass(frozen=True, eq=False)
class Subject:
    """A run and what there is to say about it.

    - rows: its held-out rows; None where there are none
    - findings: on the data of the training, or on the rows that are stored with the run
    - data_note: why the findings are on the stored rows alone; empty where they are not
    """

    run: Run
    rows: HeldOutWindows | None
    findings: tuple[Finding, ...]
    data_note: str = ""

    @property
    def target(self) -> str:
        return self.run.config.columns.target

    @property
    def series(self) -> int:
        return len(self.run.tail)


def names_of_methods(run: Run) -> dict[str, str]:
    """How the network and the naive forecasts are called on the page, in the order of the tables."""
    season = run.config.plan.season
    names = {NETWORK: "this network"}
    if season > 1:
        names["seasonal_naive"] = f"{BASELINES['seasonal_naive']} ({season})"
    names["naive"] = BASELINES["naive"]
    return names


def metric_of(backtest: Backtest) -> str:
    """`mase`, or `mae` where no series has a scale."""
    errors = evaluation.scores_by(backtest, NETWORK, "series")["mase"]
    return "mase" if np.isfinite(errors).any() else "mae"


def comparisons(backtest: Backtest) -> dict[str, Comparison]:
    """The network against each rival, by the name of the rival; empty where nothing was scored."""
    metric = metric_of(backtest)
    means = evaluation.summary(backtest)
    if not np.isfinite(means[NETWORK][metric]):
        return {}

    found = {}
    for rival in backtest.forecasts:
        if rival != NETWORK and np.isfinite(means[rival][metric]):
            found[rival] = evaluation.compare(backtest, rival, metric)
    return found
