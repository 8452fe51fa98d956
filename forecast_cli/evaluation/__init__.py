"""How good forecasts are: scores, and forecasts beside naive ones.

What is named here is what other packages may use:

Scores:      METRICS, Metric; mae, rmse, smape, mase with mase_scale, skill
Held out:    score_training
"""

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
    "Metric",
    "mae",
    "mase",
    "mase_scale",
    "rmse",
    "score_training",
    "skill",
    "smape",
]
