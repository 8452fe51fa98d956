"""How well the base network would have forecast the newest rows of data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecast_cli import evaluation
from forecast_cli.errors import TooLittleDataError
from forecast_cli.evaluation import NETWORK
from forecast_cli.panel import Panel, select, tail
from forecast_cli.progress import silent
from forecast_cli.settings import IntervalSettings, Settings
from forecast_cli.workflow.base_run import roll_panel, target_alone

# As many series are scored, evenly spread over the panel, and as many of the newest rows of each
# are looked at: a glance at the data, where a backtest is thorough.
MOST_SERIES = 25
MOST_ROWS = 5_000
FEWEST_ROWS = 12  # of the longest series, below which an error says nothing


@dataclass(frozen=True)
class BaseScore:
    """The error of the base network on the newest horizon, beside that of the last season repeated.

    - metric: MASE, or MAE where a series repeats itself, so that MASE is not defined
    - series: how many were scored
    """

    horizon: int
    series: int
    metric: str
    network: float
    seasonal_naive: float


def score_base(panel: Panel, settings: Settings) -> BaseScore | None:
    """Forecast the newest horizon from the rows before it; None where these are too few.

    Covariates are left out. Raises RunRejectedError where the base network is damaged.
    """
    if panel.lengths.max() < FEWEST_ROWS:
        return None
    data = replace(settings.data, past=None, future=None, static=None, weight=None)
    try:
        plain = replace(settings, data=data, interval=IntervalSettings())
        rolled = roll_panel(_glance(panel), plain, 1, None, silent)
    except TooLittleDataError:
        return None

    scores = evaluation.summary(rolled.result)
    for metric in ("mase", "mae"):
        network, naive = scores[NETWORK][metric], scores["seasonal_naive"][metric]
        if np.isfinite(network) and np.isfinite(naive):
            count = len(np.unique(rolled.result.series))
            return BaseScore(rolled.origins.horizon, count, metric.upper(), network, naive)
    return None


def _glance(panel: Panel) -> Panel:
    """The newest rows of some series, and the target alone."""
    if len(panel) > MOST_SERIES:
        panel = select(panel, np.linspace(0, len(panel) - 1, MOST_SERIES).astype(np.int64))
    newest = tail(panel, np.minimum(panel.lengths, MOST_ROWS))
    return target_alone(newest)
