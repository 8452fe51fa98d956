"""Weights of rows are read with `read_csv`, too, and stay apart from what the network sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import planning
from forecast_cli.errors import DataError
from forecast_cli.reading import read, read_csv
from forecast_cli.settings import DataSettings
from forecast_cli.sources import settings_from

Write = Callable[..., Path]
HEADER = "day,y,promo,w\n"
ROWS = "".join(
    f"2024-01-{day:02},{day * day % 7},{day % 2},{1 + day % 3}\n" for day in range(1, 29)
)
WEIGHTS = [1 + day % 3 for day in range(1, 29)]


def test_the_python_api_keeps_the_weights(write: Write) -> None:
    panel = read_csv(write(HEADER + ROWS), target="y", weight="w", past="promo")
    assert panel.weights.tolist() == WEIGHTS
    assert panel.past_names == ("promo",)
    assert panel.past.shape == (28, 1)
    assert (panel.reading.weight, panel.reading.past) == ("w", ["promo"])


def test_read_and_read_csv_agree_on_weights(write: Write) -> None:
    path = write(HEADER + ROWS)
    settings = DataSettings(target=["y"], weight="w")
    one, other = read(path, settings), read_csv(path, settings)
    assert np.array_equal(one.weights, other.weights)
    assert one.reading == other.reading
    assert one.past.size == other.past.size == 0


def test_a_plan_sees_the_weights_of_a_panel_without_the_setting(write: Write) -> None:
    path = write(HEADER + ROWS)
    weighted = planning.make(
        read_csv(path, target="y", weight="w"), settings_from(horizon=2, preset="seq2seq")
    )
    plain = planning.make(read_csv(path, target="y"), settings_from(horizon=2, preset="seq2seq"))
    assert (weighted.target_clip, plain.target_clip) == (0.0, 3.0)


@pytest.mark.parametrize(
    ("rows", "weight", "answer"),
    [
        (ROWS, "x", "data.csv: no column 'x' for --weight | known: day, y, promo, w"),
        (
            ROWS.replace(",0,2\n", ",0,-2\n", 1),
            "w",
            "data.csv: column 'w': 2024-01-04: a weight of -2.0; a weight is at least 0"
            " | correct the column, or leave out --weight",
        ),
        (
            "".join(f"2024-01-{day:02},{day},1,0\n" for day in range(1, 29)),
            "w",
            "data.csv: column 'w': all weights are 0 | give some rows a weight above 0",
        ),
        (
            "".join(f"2024-01-{day:02},{day},1,high\n" for day in range(1, 29)),
            "w",
            "data.csv: column 'w': weights are numbers, not texts"
            " | give --weight a column of numbers",
        ),
    ],
)
def test_what_is_no_weight_is_refused(write: Write, rows: str, weight: str, answer: str) -> None:
    path = write(HEADER + rows)
    with pytest.raises(DataError) as caught:
        read_csv(path, target="y", weight=weight)
    error = caught.value
    assert f"{error.message} | {error.hint}" == answer.replace("data.csv", str(path))
