"""Panel and saved network -> forecast, scaling undone. numpy alone: this is all that `predict` needs.

What is named here is what other packages may use:

Model:        Model, extended
Forecasts:    Forecast, forecast, no_forecast; HeldOut, forecast_held_out; forecast_windows
Windows:      fewest_steps, has_full_window, require_full_window, unreadable, newest_inputs,
              windows_between
Origins:      BASELINES, rolling_origins, actual_values, baseline_forecasts,
              knows_later_rows
Errors:       residuals; measured, measured_further: models with their errors
Portfolios:   alternatives
Values:       FarOutside, values_far_outside: newest values beyond all others
Seasons:      averaged_with_logs, what a network that reads seasons forecasts
"""

from forecast_cli.forecasting.far_outside import FarOutside, values_far_outside
from forecast_cli.forecasting.forecasts import Forecast, forecast, no_forecast
from forecast_cli.forecasting.held_out import HeldOut, forecast_held_out
from forecast_cli.forecasting.measuring import measured, measured_further, residuals
from forecast_cli.forecasting.model import Model, extended
from forecast_cli.forecasting.newest import (
    fewest_steps,
    has_full_window,
    require_full_window,
    unreadable,
    windows_between,
)
from forecast_cli.forecasting.origins import (
    BASELINES,
    actual_values,
    baseline_forecasts,
    rolling_origins,
)
from forecast_cli.forecasting.prediction import (
    alternatives,
    averaged_with_logs,
    knows_later_rows,
    newest_inputs,
)
from forecast_cli.forecasting.rolling import WindowForecasts, forecast_windows

__all__ = [
    "BASELINES",
    "FarOutside",
    "Forecast",
    "HeldOut",
    "Model",
    "WindowForecasts",
    "actual_values",
    "alternatives",
    "averaged_with_logs",
    "baseline_forecasts",
    "extended",
    "fewest_steps",
    "forecast",
    "forecast_held_out",
    "forecast_windows",
    "has_full_window",
    "knows_later_rows",
    "measured",
    "measured_further",
    "newest_inputs",
    "no_forecast",
    "require_full_window",
    "residuals",
    "rolling_origins",
    "unreadable",
    "values_far_outside",
    "windows_between",
]
