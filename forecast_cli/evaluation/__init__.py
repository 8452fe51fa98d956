"""How good forecasts are: scores, and forecasts beside naive ones.

What is named here is what other packages may use:

Scores:      METRICS, Metric; mae, rmse, smape, mase with mase_scale, skill
Held out:    score_training
Backtests:   Backtest, NETWORK, summary, per_series, per_origin, per_step, interval_scores
Comparison:  Comparison, compare_with_best, sentence
"""

from forecast_cli.evaluation.backtest import (
    NETWORK,
    Backtest,
    interval_scores,
    per_origin,
    per_series,
    per_step,
    summary,
)
from forecast_cli.evaluation.comparison import Comparison, compare_with_best, sentence
from forecast_cli.evaluation.metrics import (
    METRICS,
    Metric,
    mae,
    mase,
    mase_scale,
    rmse,
    skill,
    smape,
)
from forecast_cli.evaluation.scoring import score_training

__all__ = [
    "METRICS",
    "NETWORK",
    "Backtest",
    "Comparison",
    "Metric",
    "compare_with_best",
    "interval_scores",
    "mae",
    "mase",
    "mase_scale",
    "per_origin",
    "per_series",
    "per_step",
    "rmse",
    "score_training",
    "sentence",
    "skill",
    "smape",
    "summary",
]
