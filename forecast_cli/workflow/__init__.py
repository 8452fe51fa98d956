"""The use cases: what the commands and the Python API do, in the order in which it happens.

What is named here is what other packages may use:

Use cases:   train, tune, predict, predict_parts, backtest, refresh, look, score_base, health_of,
             draw_plots, draw_base, draw_backtest, write_page, compare_runs
Results:     Trained, Tuned, Predicted, Backtested, Refreshed, HealthReport, BaseScore, Drawn, SideBySide
Reports:     training_document, tuning_document, backtest_document, refresh_document,
             dry_run_document
Plans:       plan_with_start
Data:        training_data, of a saved run; partitions_of, for data in many files; predict_into,
             folder_of_parts, spooled, spooled_document, nowhere: where their forecasts go;
             Partitions, PredictedParts, Document
Engine:      check_engine

Each name is loaded when it is first used: `forecast predict` needs neither trainings nor scores.

Where to find what, by use case:

    train       training, training_plans, fitting, publication, warm_start
    backtest    backtesting, backtest_trainings, backtest_progress, past_rows, rolled, rolling_runs
    tune        tuning, studies, searching, trials
    predict     predicting, shapes; of many files: predicting_parts, partitions, part_work,
                part_outputs
    refresh     refreshing, refresh_state, retraining, judging, live, changes, tracking,
                refresh_reports
    status      health, ages
    base run    base_run, base_score
    show        drawing, page, comparing, reports, notes, results
    all         data, naming, configuration, running
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast_cli.workflow.backtesting import backtest
    from forecast_cli.workflow.base_score import BaseScore, score_base
    from forecast_cli.workflow.comparing import SideBySide, compare_runs
    from forecast_cli.workflow.drawing import Drawn, draw_backtest, draw_base, draw_plots
    from forecast_cli.workflow.health import HealthReport, health_of
    from forecast_cli.workflow.page import training_data, write_page
    from forecast_cli.workflow.part_outputs import (
        Document,
        nowhere,
        spooled,
        spooled_document,
    )
    from forecast_cli.workflow.partitions import Partitions, partitions_of
    from forecast_cli.workflow.predicting import Predicted, predict
    from forecast_cli.workflow.predicting_parts import (
        PredictedParts,
        folder_of_parts,
        predict_into,
        predict_parts,
    )
    from forecast_cli.workflow.refresh_reports import dry_run_document, refresh_document
    from forecast_cli.workflow.refresh_state import look
    from forecast_cli.workflow.refreshing import Refreshed, refresh
    from forecast_cli.workflow.reports import backtest_document, training_document
    from forecast_cli.workflow.results import Trained
    from forecast_cli.workflow.rolled import Backtested
    from forecast_cli.workflow.running import check_engine
    from forecast_cli.workflow.training import train
    from forecast_cli.workflow.tuning import Tuned, tune, tuning_document
    from forecast_cli.workflow.warm_start import plan_with_start

__all__ = [
    "Backtested",
    "BaseScore",
    "Document",
    "Drawn",
    "HealthReport",
    "Partitions",
    "Predicted",
    "PredictedParts",
    "Refreshed",
    "SideBySide",
    "Trained",
    "Tuned",
    "backtest",
    "backtest_document",
    "check_engine",
    "compare_runs",
    "draw_backtest",
    "draw_base",
    "draw_plots",
    "dry_run_document",
    "folder_of_parts",
    "health_of",
    "look",
    "nowhere",
    "partitions_of",
    "plan_with_start",
    "predict",
    "predict_into",
    "predict_parts",
    "refresh",
    "refresh_document",
    "score_base",
    "spooled",
    "spooled_document",
    "train",
    "training_data",
    "training_document",
    "tune",
    "tuning_document",
    "write_page",
]

_HOMES = {
    "Backtested": "rolled",
    "BaseScore": "base_score",
    "Drawn": "drawing",
    "Predicted": "predicting",
    "SideBySide": "comparing",
    "Trained": "results",
    "Tuned": "tuning",
    "backtest": "backtesting",
    "backtest_document": "reports",
    "compare_runs": "comparing",
    "draw_backtest": "drawing",
    "draw_base": "drawing",
    "draw_plots": "drawing",
    "Document": "part_outputs",
    "check_engine": "running",
    "nowhere": "part_outputs",
    "Partitions": "partitions",
    "PredictedParts": "predicting_parts",
    "folder_of_parts": "predicting_parts",
    "partitions_of": "partitions",
    "predict": "predicting",
    "predict_into": "predicting_parts",
    "predict_parts": "predicting_parts",
    "spooled": "part_outputs",
    "spooled_document": "part_outputs",
    "score_base": "base_score",
    "train": "training",
    "training_data": "page",
    "training_document": "reports",
    "write_page": "page",
    "plan_with_start": "warm_start",
    "tune": "tuning",
    "tuning_document": "tuning",
    "refresh": "refreshing",
    "look": "refresh_state",
    "Refreshed": "refreshing",
    "refresh_document": "refresh_reports",
    "dry_run_document": "refresh_reports",
    "health_of": "health",
    "HealthReport": "health",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
