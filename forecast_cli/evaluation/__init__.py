"""How good forecasts are: scores, and forecasts beside naive ones.

What is named here is what other packages may use:

Scores:      METRICS, Metric; mae, rmse, smape, mase with mase_scale, mean_mase, skill
Held out:    score_training
Required:    low_skill
Backtests:   Backtest, By, NETWORK; summary, scores_by; interval_summary, interval_scores_by
Comparison:  Comparison, compare, compare_with_best, sentence
Residuals:   Residuals, residuals_of, Bias, bias, Autocorrelation, autocorrelation, means_by
"""

from forecast_cli.evaluation.backtest import (
    NETWORK,
    Backtest,
    By,
    interval_scores_by,
    interval_summary,
    scores_by,
    summary,
)
from forecast_cli.evaluation.comparison import (
    Comparison,
    compare,
    compare_with_best,
    sentence,
)
from forecast_cli.evaluation.metrics import (
    METRICS,
    Metric,
    mae,
    mase,
    mase_scale,
    mean_mase,
    rmse,
    skill,
    smape,
)
from forecast_cli.evaluation.requirement import low_skill
from forecast_cli.evaluation.residuals import (
    Autocorrelation,
    Bias,
    Residuals,
    autocorrelation,
    bias,
    means_by,
    residuals_of,
)
from forecast_cli.evaluation.scoring import score_training

__all__ = [
    "METRICS",
    "NETWORK",
    "Autocorrelation",
    "Backtest",
    "Bias",
    "By",
    "Comparison",
    "Metric",
    "Residuals",
    "autocorrelation",
    "bias",
    "compare",
    "compare_with_best",
    "interval_scores_by",
    "interval_summary",
    "low_skill",
    "mae",
    "mase",
    "mase_scale",
    "mean_mase",
    "means_by",
    "residuals_of",
    "rmse",
    "score_training",
    "scores_by",
    "sentence",
    "skill",
    "smape",
    "summary",
]
