"""Small tables as text, of any number of rows, and what is said when they are read."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from forecast_cli.errors import ForecastError
from forecast_cli.panel import Panel
from forecast_cli.reading import read_csv

SIZES = [3, 700, pytest.param(100_000, marks=pytest.mark.slow)]
START = date(1800, 1, 13)


def values(count: int) -> list[float]:
    return [(at * 7) % 1000 + 0.5 for at in range(count)]


def rows(count: int, mark: str = ",", decimal: str = ".") -> str:
    """A row a day."""
    days = (START + timedelta(days=at) for at in range(count))
    cells = (str(value).replace(".", decimal) for value in values(count))
    return "".join(f"{day}{mark}{cell}\n" for day, cell in zip(days, cells, strict=True))


def table(count: int, mark: str = ",", decimal: str = ".") -> str:
    return f"day{mark}y\n{rows(count, mark, decimal)}"


def read(text: str, **settings: Any) -> Panel:
    return read_csv("data.csv", content=text.encode(), **settings)


def said(panel: Panel) -> list[tuple[str, str]]:
    return [(note.level, note.text) for note in panel.notes]


def refused(text: str | bytes, **settings: Any) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(ForecastError) as caught:
        read_csv("data.csv", content=content, **settings)
    assert caught.value.exit_code in (2, 20)
    return f"{caught.value.message} | {caught.value.hint}"
