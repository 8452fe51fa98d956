"""The use cases: what the commands and the Python API do, in the order in which it happens.

What is named here is what other packages may use:

Use cases:   train, predict, backtest, draw_plots, draw_backtest
Results:     Trained, Predicted, Backtested, Drawn
Reports:     training_document, backtest_document
Plans:       with_warm_start
"""

from forecast_cli.workflow.backtesting import backtest
from forecast_cli.workflow.drawing import Drawn, draw_backtest, draw_plots
from forecast_cli.workflow.predicting import Predicted, predict
from forecast_cli.workflow.reports import backtest_document, training_document
from forecast_cli.workflow.results import Trained
from forecast_cli.workflow.rolled import Backtested
from forecast_cli.workflow.training import train
from forecast_cli.workflow.warm_start import with_warm_start

__all__ = [
    "Backtested",
    "Drawn",
    "Predicted",
    "Trained",
    "backtest",
    "backtest_document",
    "draw_backtest",
    "draw_plots",
    "predict",
    "train",
    "training_document",
    "with_warm_start",
]
