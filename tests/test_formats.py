"""A forecast as bytes, whole or in pieces."""

from __future__ import annotations

import json

import numpy as np
import pytest

from forecast_cli.forecasting import Forecast
from forecast_cli.formats import (
    Format,
    Pieces,
    forecast_bytes,
    forecast_pieces,
    forecast_rows,
    format_by_name,
    named_format,
)
from forecast_cli.panel import Columns, TimeFormat


def two_steps(*ids: str, name: str = "y") -> Forecast:
    """Series that are forecast for two steps, with an interval that is not known at the second."""
    values = np.arange(2.0 * len(ids)).reshape(len(ids), 2)
    low, high = values - 1, values + 1
    low[:, 1] = high[:, 1] = np.nan
    return Forecast(
        ids=ids,
        times=np.tile(np.array([0, 86_400_000_000]), (len(ids), 1)),
        texts=(("1970-01-01", "1970-01-02"),) * len(ids),
        values=values,
        bounds={80.0: (low, high)},
        columns=Columns("day", name, "shop, or town"),
        time_format=TimeFormat("%Y-%m-%d"),
        digits=1,
    )


def joined(pieces: list[Pieces]) -> bytes:
    first = pieces[0]
    return first.head + first.between.join(each.body for each in pieces) + first.tail


@pytest.mark.parametrize("kind", [Format.csv, Format.json])
def test_pieces_of_several_forecasts_join_to_the_bytes_of_one(kind: Format) -> None:
    one = two_steps("a", "b\nb", "c,c")
    assert joined([forecast_pieces(one, kind)]) == forecast_bytes(one, kind)

    heads = [forecast_pieces(two_steps(name), kind) for name in ("a", "b")]
    lines = joined(heads).decode()
    assert lines.count("shop, or town") == (1 if kind is Format.csv else 4)
    if kind is Format.json:
        assert [row["shop, or town"] for row in json.loads(lines)] == ["a", "a", "b", "b"]


def test_rows_have_null_for_what_is_not_known_and_general_names_where_asked_for() -> None:
    rows = forecast_rows(two_steps("a"), headings=False)
    first = {"id": "a", "time": "1970-01-01", "forecast": 0.0, "lo-80": -1.0, "hi-80": 1.0}
    assert rows == [
        first,
        first | {"time": "1970-01-02", "forecast": 1.0, "lo-80": None, "hi-80": None},
    ]
    assert list(forecast_rows(two_steps("a"))[0])[:2] == ["shop, or town", "day"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.JSON", Format.json), ("a.pq", Format.parquet), ("a.csv", Format.csv), ("a.txt", None)],
)
def test_the_name_of_a_file_may_say_its_format(name: str, kind: Format | None) -> None:
    assert named_format(name) is kind
    assert format_by_name(name) is (kind or Format.csv)


def test_a_file_without_a_name_is_csv() -> None:
    assert format_by_name(None) is Format.csv
