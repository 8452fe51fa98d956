"""The CSV files of a run: their columns, declared once, by which they are written and read.

- `forecast.csv`, which `forecast predict` writes too: one row for each step ahead of each series.
- `predictions.csv`: one row for each held-out step of each series.
- `history.csv`: one row for each epoch of each member.
- What `forecast backtest -o FILE` writes: one row for each step ahead of each origin.

A new column is one `Column` in one of the four declarations; `default` says what older files
without it stand for.

    columns.py         what a column is, and the columns that tables share
    declarations.py    the four tables
    digits.py          numbers as text, and how many decimals a forecast has
    cells.py           the cells of a column
    writing.py         tables as CSV, or as columns for other formats
    reading.py         tables read and checked
"""

from forecast_cli.tables.columns import ID, SIDES, TIME, bound_name, bound_names
from forecast_cli.tables.declarations import OriginForecasts
from forecast_cli.tables.digits import decimals, plain, rounded, vanishing
from forecast_cli.tables.reading import (
    Rows,
    check_forecast,
    check_history,
    read_forecast,
    read_history,
    read_predictions,
)
from forecast_cli.tables.writing import (
    backtest_csv,
    forecast_columns,
    forecast_csv,
    forecast_header,
    history_csv,
    predictions_csv,
)

__all__ = [
    "ID",
    "SIDES",
    "TIME",
    "OriginForecasts",
    "Rows",
    "backtest_csv",
    "bound_name",
    "bound_names",
    "check_forecast",
    "check_history",
    "decimals",
    "forecast_columns",
    "forecast_csv",
    "forecast_header",
    "history_csv",
    "plain",
    "predictions_csv",
    "read_forecast",
    "read_history",
    "read_predictions",
    "rounded",
    "vanishing",
]
