"""Reading: a CSV or Parquet file becomes a Panel, strictly; refused rather than guessed.

What is named here is what other packages may use; the modules inside are the business of
reading.

- read: a CSV or Parquet file, with its weights, into a Panel
- read_csv: the same of a CSV file; a function of the Python API
- read_future_values: a CSV of known-future covariates into a Panel that is there
- standard_input: all bytes of it, for what is read twice
- require_parquet: an error where Parquet cannot be written
- to_parquet: columns as the bytes of a Parquet file, with ZonedTimes for instants
"""

from forecast_cli.reading.future_values import read_future_values
from forecast_cli.reading.parquet import ZonedTimes, require_parquet, to_parquet
from forecast_cli.reading.reader import read, read_csv
from forecast_cli.reading.source import standard_input

__all__ = [
    "ZonedTimes",
    "read",
    "read_csv",
    "read_future_values",
    "require_parquet",
    "standard_input",
    "to_parquet",
]
