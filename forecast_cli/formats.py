"""A forecast as bytes: CSV, JSON or Parquet, with the same names and numbers in all of them."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast_cli.forecasting import Forecast


class Format(StrEnum):
    """The formats of a forecast."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


ENDINGS = {
    ".csv": Format.csv,
    ".json": Format.json,
    ".parquet": Format.parquet,
    ".pq": Format.parquet,
}


@dataclass(frozen=True)
class Pieces:
    """The bytes of a forecast, so that those of several can be joined into one.

    head and tail: what stands once before and after all; between: what separates two bodies.
    """

    head: bytes
    body: bytes
    between: bytes
    tail: bytes


def format_by_name(output: str | None) -> Format:
    """The format that the name of the file says, CSV where it says nothing."""
    return named_format(output or "") or Format.csv


def named_format(name: str) -> Format | None:
    """The format that the name of a file says, if it says one."""
    return ENDINGS.get(Path(name).suffix.lower())


def forecast_bytes(forecast: Forecast, kind: Format) -> bytes:
    """The forecast in a format; the columns have the same names and numbers in all of them."""
    from forecast_cli import tables

    if kind is Format.csv:
        return tables.forecast_csv(forecast)
    if kind is Format.json:
        return (_as_json(forecast_rows(forecast)) + "\n").encode()

    from forecast_cli.reading import to_parquet

    columns: dict[str, Any] = tables.forecast_columns(forecast)
    if forecast.columns.times:
        return to_parquet(columns)
    return to_parquet(columns | {forecast.columns.time: _times(forecast)})


def forecast_pieces(forecast: Forecast, kind: Format, *, headings: bool = True) -> Pieces:
    """The forecast as CSV or JSON, in pieces; headings: see `forecast_rows`, for JSON alone."""
    from forecast_cli import tables

    if kind is Format.csv:
        head = tables.forecast_header(forecast)
        return Pieces(head, tables.forecast_csv(forecast)[len(head) :], b"", b"")

    text = _as_json(forecast_rows(forecast, headings=headings))
    body = text.removeprefix("[\n").removesuffix("\n]")
    return Pieces(b"[\n", body.encode(), b",\n", b"\n]\n")


def forecast_rows(forecast: Forecast, *, headings: bool = True) -> list[dict[str, Any]]:
    """One object for each row; null for a number that is not known.

    headings: by the names of the CSV, else `id` and `time` for those that the user's file names.
    """
    from forecast_cli import tables

    columns = tables.forecast_columns(forecast, headings=headings)
    cells = [[_finite(cell) for cell in column] for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*cells, strict=True)]


def _as_json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, ensure_ascii=False, allow_nan=False, indent=1)


def _times(forecast: Forecast) -> Any:
    """The times of a forecast, as Parquet has them."""
    from forecast_cli.reading import ZonedTimes

    times: Any = forecast.times.reshape(-1)
    if not forecast.time_format.pattern:
        return times  # steps
    times = times.view("datetime64[us]")
    return ZonedTimes(times) if forecast.time_format.offset else times


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
