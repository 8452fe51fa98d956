"""What the tests of pictures share: small panels to train on, and what a figure shows."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import imread

from forecast_cli import forecasting
from forecast_cli.calendar import DAY, Frequency
from forecast_cli.network import inference
from forecast_cli.panel import Columns, Panel, TimeFormat, from_series
from forecast_cli.store import Run

QUICK: dict[str, Any] = {"epochs": 2, "units": "4", "members": 1, "warm_start": "none"}


def picture(data: bytes) -> np.ndarray:
    return np.asarray(imread(io.BytesIO(data)))


def many(count: int, target: str = "y", ids: Sequence[str] | None = None) -> Panel:
    """Series of 70 days with a weekly season, noisier from one to the next."""
    random = np.random.default_rng(2)
    season = 50 + 10 * np.sin(np.arange(70) / 7 * 2 * np.pi)
    names = ids or [f"series {number}" for number in range(count)]
    return from_series(
        [season + random.normal(0, 1 + number / 50, 70) for number in range(count)],
        Frequency("fixed", DAY),
        ids=list(names),
        first=[20_000] * count,
        columns=Columns("day", target, "unique_id" if names[0] else ""),
        time_format=TimeFormat("%Y-%m-%d"),
    )


def heat_maps(figure: Figure) -> list[np.ndarray]:
    """The values of every heat map, (rows, columns); color bars are none."""
    return [
        np.asarray(child.get_array())
        for axes in figure.axes
        if axes.get_label() != "<colorbar>"
        for child in axes.collections
        if isinstance(child, QuadMesh)
    ]


def words_of(figure: Figure) -> str:
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    return "\n".join([figure.get_suptitle(), *titles]).replace("\n", " ")


def recorded(monkeypatch: pytest.MonkeyPatch, run: Run, name: str) -> list[Any]:
    """What a function of `network.inference` gives back while the run forecasts from its stored rows.

    What the base network answers in it is left out.
    """
    found: list[Any] = []
    original: Callable[..., Any] = getattr(inference, name)

    def spy(*given: Any) -> Any:
        answer = original(*given)
        if given[0].by_season is None:
            found.append(answer)
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(inference, name, spy)
        forecasting.forecast(run.tail, run.model, ())
    return found
