"""Which of several columns of numbers is named in a hint as the one to forecast.

It is only a proposal: none of them is forecast without being asked for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from forecast_cli.reading.marks import beside_number, is_marked_number
from forecast_cli.reading.number_formats import PLAIN, read_numbers, tidy
from forecast_cli.reading.parsing import Sample

SEEN = 1000  # cells of a column that are looked at
_TARGETS = frozenset(["y", "target", "value", "values"])
_QUANTITIES = frozenset(
    [
        *("sales", "revenue", "turnover", "orders", "demand", "quantity", "qty", "units"),
        *("amount", "price", "close", "volume", "count", "counts", "total", "number"),
        *("load", "power", "energy", "consumption", "generation", "production", "output"),
        *("kw", "kwh", "mw", "mwh", "gw", "gwh", "watts", "wh"),
        *("temperature", "temp", "rain", "rainfall", "precipitation", "wind", "speed"),
        *("pm", "flow", "level", "discharge", "rate", "index", "traffic", "passengers", "visitors"),
        *("cases", "deaths", "births", "population", "rides", "trips", "visits", "clicks"),
        *("views", "users", "income", "spending", "exports", "imports", "wert", "betrag"),
    ]
)
_OTHERS = frozenset(
    [
        *("id", "ids", "code", "key", "nr", "no", "row", "column", "unnamed", "rowid"),
        *("year", "month", "day", "week", "weekday", "hour", "minute", "quarter", "date", "dow"),
        *("lat", "latitude", "lon", "lng", "long", "longitude", "elevation", "altitude"),
        *("zip", "postcode", "fips", "flag", "dst", "holiday", "quality", "version", "station"),
    ]
)


def likely_target(names: Sequence[str], sample: Sample) -> str:
    """The column that is named like a quantity and varies; the first one, where none is."""
    return max(names, key=lambda name: _score(name, sample[name][:SEEN]))


def _score(name: str, cells: list[str]) -> int:
    words = {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
    if any(beside_number(cell) and not is_marked_number(cell) for cell in cells):
        return -4
    if not _varies(cells):
        return -3
    if words & _OTHERS:
        return -2
    if _counts_rows(cells):
        return -1
    if name.lower() in _TARGETS:
        return 2
    return int(bool(words & (_QUANTITIES | _TARGETS)))


def _varies(cells: list[str]) -> bool:
    return len({cell for cell in cells if cell}) > 1


def _counts_rows(cells: list[str]) -> bool:
    """Whether each number is one more than the one before, as in an index."""
    numbers = read_numbers([tidy(cell) for cell in cells], PLAIN)
    if len(numbers) < 3 or not np.isfinite(numbers).all():
        return False
    return bool((np.diff(numbers) == 1).all())
