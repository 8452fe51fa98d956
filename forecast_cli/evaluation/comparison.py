"""Which of two forecasts is better, and how sure that is: a paired comparison over windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.evaluation.backtest import NETWORK, Backtest, scores_by, summary
from forecast_cli.evaluation.metrics import absolute_errors
from forecast_cli.panel import Floats

DRAWS = 2000  # of the bootstrap
CONFIDENCE = 95.0  # percent
FEW = 5  # series or blocks of origins, with fewer of which nothing is said about certainty
NO_BETTER = 0.005  # share of the error: less is no difference


@dataclass(frozen=True)
class Comparison:
    """The network against a rival, by the errors of the same forecasts.

    - metric: `mase`, or `mae` where no series has a scale
    - pairs: forecasts that both made, one for each series and origin; won: the share of them in
      which the network's error is smaller
    - series_won, origins_won: the same of series, over all of their origins, and of origins, over
      all of their series
    - error, rival_error: the means over series; difference: the first minus the second
    - low, high: the bootstrap interval of the difference; None where there is too little
    """

    rival: str
    metric: str
    pairs: int
    won: float
    series_won: float
    origins_won: float
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
    """The network against one rival. metric: `mase` or `mae`."""
    by_series = _difference(backtest, rival, metric)
    known = by_series[np.isfinite(by_series)]
    low, high = _bootstrap(backtest, rival, metric, seed)

    pairs = _pair_differences(backtest, rival, metric)
    error, rival_error = (
        float(np.nanmean(scores_by(backtest, method, "series")[metric]))
        for method in (NETWORK, rival)
    )
    return Comparison(
        rival=rival,
        metric=metric,
        pairs=int(np.isfinite(pairs).sum()),
        won=_share_below_zero(pairs),
        series_won=_share_below_zero(by_series),
        origins_won=_share_below_zero(_means_by(backtest.origin, pairs)),
        error=error,
        rival_error=rival_error,
        difference=float(known.mean()),
        low=low,
        high=high,
    )


def _difference(backtest: Backtest, rival: str, metric: str) -> Floats:
    """(S,) the error of the network minus that of a rival, for each series."""
    error = scores_by(backtest, NETWORK, "series")[metric]
    return error - scores_by(backtest, rival, "series")[metric]


def _step_differences(backtest: Backtest, rival: str, metric: str) -> Floats:
    """(W, H) the absolute error of the network minus that of a rival, NaN where not known."""
    errors = absolute_errors(backtest.actual, backtest.forecasts[NETWORK])
    differences = errors - absolute_errors(backtest.actual, backtest.forecasts[rival])
    if metric == "mae":
        return differences
    scales = np.where(backtest.scales > 0, backtest.scales, np.nan)
    return np.asarray(differences / scales[backtest.series][:, None])


def _pair_differences(backtest: Backtest, rival: str, metric: str) -> Floats:
    """(W,) the mean difference of each window, NaN where none of its steps is known."""
    differences = _step_differences(backtest, rival, metric)
    is_known = np.isfinite(differences)
    sums, counts = np.where(is_known, differences, 0.0).sum(axis=1), is_known.sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _means_by(group: Ints, values: Floats) -> Floats:
    """The mean of the finite values (W,) of each group (W,) that has some."""
    is_known = np.isfinite(values)
    sums = np.bincount(group[is_known], values[is_known])
    counts = np.bincount(group[is_known])
    return np.asarray(sums[counts > 0] / counts[counts > 0])


def _share_below_zero(differences: Floats) -> float:
    known = differences[np.isfinite(differences)]
    return float(np.mean(known < 0)) if len(known) else float("nan")


# -- the bootstrap -----------------------------------------------------------------------------


def _bootstrap(
    backtest: Backtest, rival: str, metric: str, seed: int
) -> tuple[float | None, float | None]:
    """The interval of the mean difference (Efron 1979).

    Of several series, these are drawn with replacement, each with all of its origins: the errors
    of one series are alike. Of a single one, blocks of origins in a row are drawn, so long that
    the horizons of two blocks overlap little (Künsch 1989).
    """
    by_series = _difference(backtest, rival, metric)
    is_known = np.isfinite(by_series)
    if is_known.sum() > 1:
        known = by_series[is_known]
        return _interval(known, np.ones(len(known)), seed)

    differences = _step_differences(backtest, rival, metric)
    known_steps = np.isfinite(differences)
    _, block = np.unique(backtest.origin // backtest.overlap, return_inverse=True)
    sums = np.bincount(block, np.where(known_steps, differences, 0.0).sum(axis=1))
    sizes = np.bincount(block, known_steps.sum(axis=1))
    return _interval(sums[sizes > 0], sizes[sizes > 0], seed)


def mean_interval(
    backtest: Backtest, values: Floats, seed: int = 1
) -> tuple[float | None, float | None]:
    """The bootstrap interval of the mean of values (W, H), drawn as for a comparison.

    NaN is left out. None where there are too few series, or blocks of origins of a single one.
    """
    is_known = np.isfinite(values)
    sums, sizes = np.where(is_known, values, 0.0).sum(axis=1), is_known.sum(axis=1)
    has_several = len(np.unique(backtest.series[sizes > 0])) > 1
    group = backtest.series if has_several else backtest.origin // backtest.overlap

    group_sums, group_sizes = np.bincount(group, sums), np.bincount(group, sizes)
    group_sums, group_sizes = group_sums[group_sizes > 0], group_sizes[group_sizes > 0]
    if has_several:
        return _interval(group_sums / group_sizes, np.ones(len(group_sums)), seed)
    return _interval(group_sums, group_sizes, seed)


def _interval(sums: Any, sizes: Any, seed: int) -> tuple[float | None, float | None]:
    """Of the mean of groups (G,), drawn with replacement; None where there are few of them."""
    count = len(sums)
    if count < FEW:
        return None, None

    random = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    for draw in range(DRAWS):
        drawn = random.integers(0, count, count)
        means[draw] = sums[drawn].sum() / sizes[drawn].sum()
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


# -- in words ----------------------------------------------------------------------------------


def sentence(comparison: Comparison | None, names: dict[str, str]) -> str:
    """The comparison in one plain sentence. names: of the methods, in words."""
    if comparison is None:
        return "No row could be scored, so nothing says whether the network is worth it."

    rival, gain = names[comparison.rival], comparison.gain
    if gain is None:
        return f"The {rival} forecast is perfect: a network is not worth it."

    pairs = f"{comparison.pairs:,} forecasts" if comparison.pairs > 1 else "the one forecast"
    side = "below" if gain >= 0 else "above"
    size = f"{abs(gain):.0%} {side}" if abs(gain) >= NO_BETTER else "level with"
    that = "that of" if abs(gain) >= NO_BETTER else ""
    against = " ".join(f"{size} {that} the {rival} forecast".split())
    return (
        f"The network's error is {against}, the best of the others; "
        f"it is smaller in {comparison.won:.0%} of {pairs}; {_certainty(comparison)}."
    )


def _certainty(comparison: Comparison) -> str:
    if comparison.low is None:
        return "these are too few to say how certain that is"
    if comparison.is_certain:
        return "the difference is larger than chance would explain"
    return "the difference may be chance"
