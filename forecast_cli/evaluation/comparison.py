"""Which of two forecasts is better, and how sure that is: a paired comparison over windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.evaluation.backtest import NETWORK, Backtest, per_series, summary
from forecast_cli.panel import Floats

DRAWS = 2000  # of the bootstrap
CONFIDENCE = 95.0  # percent
FEW = 5  # pairs of series and origin, with fewer of which nothing is said about certainty


@dataclass(frozen=True)
class Comparison:
    """The network against a rival, by the error of each pair of series and origin.

    - metric: `mase`, or `mae` where no series has a scale
    - pairs: how many there are; won: the share in which the network's error is smaller
    - difference: the mean error of the network minus that of the rival
    - low, high: the bootstrap interval of that difference; None where pairs are few
    """

    rival: str
    metric: str
    pairs: int
    won: float
    error: float
    rival_error: float
    difference: float
    low: float | None
    high: float | None

    @property
    def gain(self) -> float | None:
        """The share of the rival's error that is gone; None where that is zero."""
        return -self.difference / self.rival_error if self.rival_error > 0 else None

    @property
    def is_certain(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


def compare_with_best(backtest: Backtest, seed: int = 1) -> Comparison | None:
    """The network against the rival with the smallest error; None where nothing was scored."""
    scores = summary(backtest)
    metric = "mase" if np.isfinite(scores[NETWORK]["mase"]) else "mae"
    rivals = [name for name in scores if name != NETWORK and np.isfinite(scores[name][metric])]
    if not rivals or not np.isfinite(scores[NETWORK][metric]):
        return None
    best = min(rivals, key=lambda name: scores[name][metric])
    return compare(backtest, best, metric, seed)


def compare(backtest: Backtest, rival: str, metric: str, seed: int = 1) -> Comparison:
    """The network against one rival."""
    errors = _pair_errors(backtest, NETWORK, metric)
    rival_errors = _pair_errors(backtest, rival, metric)
    known = np.isfinite(errors) & np.isfinite(rival_errors)
    differences = (errors - rival_errors)[known]
    low, high = _bootstrap(differences, backtest.series[known], backtest.origin[known], seed)
    error = float(np.nanmean(per_series(backtest, NETWORK, metric)))
    rival_error = float(np.nanmean(per_series(backtest, rival, metric)))
    return Comparison(
        rival=rival,
        metric=metric,
        pairs=int(known.sum()),
        won=float(np.mean(differences < 0)) if len(differences) else float("nan"),
        error=error,
        rival_error=rival_error,
        difference=error - rival_error,
        low=low,
        high=high,
    )


def _pair_errors(backtest: Backtest, method: str, metric: str) -> Floats:
    """(W,) the mean absolute error of each window, over the scale of its series for MASE."""
    errors = np.abs(backtest.actual - backtest.forecasts[method])
    known = ~np.isnan(errors)
    counts = known.sum(axis=1)
    sums = np.where(known, errors, 0.0).sum(axis=1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    if metric == "mae":
        return means
    scales = backtest.scales[backtest.series]
    return np.asarray(means / np.where(scales > 0, scales, np.nan))


def _bootstrap(
    differences: Floats, series: Ints, origins: Ints, seed: int
) -> tuple[float | None, float | None]:
    """The interval of the mean difference.

    Series are drawn with replacement, since windows of one series are alike; of a single series,
    its origins (Efron 1979).
    """
    groups = series if len(np.unique(series)) > 1 else origins
    _, group = np.unique(groups, return_inverse=True)
    count = int(group.max()) + 1 if len(group) else 0
    if count < FEW:
        return None, None

    sums = np.bincount(group, differences, minlength=count)
    sizes = np.bincount(group, minlength=count)
    random = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    for draw in range(DRAWS):
        drawn = random.integers(0, count, count)
        means[draw] = sums[drawn].sum() / sizes[drawn].sum()
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def sentence(comparison: Comparison | None, names: dict[str, str]) -> str:
    """The comparison in one plain sentence. names: of the methods, in words."""
    if comparison is None:
        return "No row could be scored, so nothing says whether the network is worth it."

    rival = names[comparison.rival]
    gain, pairs = comparison.gain, f"{comparison.pairs:,} forecasts"
    if gain is None:
        return f"The {rival} forecast is perfect: a network is not worth it."
    won = f"it is better in {comparison.won:.0%} of {pairs}"
    if comparison.low is None:
        sure = "too few origins to say how certain that is"
    elif comparison.is_certain:
        sure = "the difference is larger than chance would explain"
    else:
        sure = "the difference may be chance"
    side = "below" if gain >= 0 else "above"
    return (
        f"The network's error is {abs(gain):.0%} {side} that of the {rival} forecast, "
        f"the best of the others; {won}; {sure}."
    )
