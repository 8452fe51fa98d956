"""Train an LSTM on a CSV, keep the run, forecast from the newest rows ever after.

    from forecast_cli import read_csv, train, predict, backtest

The names below are loaded when they are first used, so that `forecast --help` stays fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.12.1"

if TYPE_CHECKING:
    from forecast_cli.forecasting import Forecast as Forecast
    from forecast_cli.panel import Panel as Panel
    from forecast_cli.reading import read_csv as read_csv
    from forecast_cli.workflow import backtest as backtest
    from forecast_cli.workflow import predict as predict
    from forecast_cli.workflow import predict_parts as predict_parts
    from forecast_cli.workflow import train as train
    from forecast_cli.workflow import tune as tune

_HOMES = {
    "Forecast": "forecast_cli.forecasting",
    "Panel": "forecast_cli.panel",
    "backtest": "forecast_cli.workflow",
    "predict": "forecast_cli.workflow",
    "predict_parts": "forecast_cli.workflow",
    "read_csv": "forecast_cli.reading",
    "train": "forecast_cli.workflow",
    "tune": "forecast_cli.workflow",
}
__all__ = [
    "Forecast",
    "Panel",
    "__version__",
    "backtest",
    "predict",
    "predict_parts",
    "read_csv",
    "train",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
