"""Tables of older releases are read, and what is no table is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st

from forecast_cli import tables
from forecast_cli.panel import Columns

numbers = st.floats(-1e9, 1e9)


def test_a_history_of_an_older_release_has_one_member() -> None:
    rows = tables.read_history(
        b"epoch,training_loss,validation_loss,learning_rate\n1,0.5,,0.1\n2,0.4,0.3,0.1\n"
    )
    assert list(rows.numbers["member"]) == [1, 1]
    assert np.isnan(rows.numbers["clipped"]).all()
    assert list(rows.numbers["training_loss"]) == [0.5, 0.4]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("print(1)\n", "the columns are not those of this table"),
        ("day,forecast\n", "the columns are not those of this table"),
        ("day,forecast,hi-80,lo-80\n", "the columns are not those of this table"),
        ("day,forecast,lo-80,hi-80,more\n", "the columns are not those of this table"),
        (
            "day,forecast,lo-80,hi-80\n2026-01-01,1,1\n",
            "a row has more or fewer cells than the header",
        ),
        (
            "day,forecast,lo-80,hi-80\n2026-01-01,1,1,1,1\n",
            "a row has more or fewer cells than the header",
        ),
        ("day,forecast,lo-80,hi-80\n\n", "a row has more or fewer cells than the header"),
        ("day,forecast,lo-80,hi-80\n2026-01-01,,1,1\n", "a number of forecast is not finite"),
        ("day,forecast,lo-80,hi-80\n2026-01-01,inf,1,1\n", "a number of forecast is not finite"),
        ("day,forecast,lo-80,hi-80\n2026-01-01,1,x,1\n", "could not convert"),
        ("day,forecast,lo-80,hi-80\n" + "2026-01-01,1,1,1\n" * 3, "more steps than the horizon"),
        (
            "day,forecast,lo-80,hi-80\n" + "x" * 200_000 + ",1,1,1\n",
            "field larger than field limit",
        ),
    ],
)
def test_what_is_not_a_forecast_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tables.check_forecast(text.encode(), Columns("day", "y"), (80.0,), 2)


@pytest.mark.parametrize(
    ("row", "best", "why"),
    [
        ("-1,0.5,,0.1", 1, "a number of epoch is out of bounds"),
        (f"{2**40},0.5,,0.1", 1, "a number of epoch is out of bounds"),
        ("1.5,0.5,,0.1", 1, "invalid literal"),
        ("1,0.5,,0.1", 2, "the best epoch is not in the history"),
        ("1,0.5,,0.1", -1, "the best epoch is not in the history"),
    ],
)
def test_what_is_not_a_history_is_refused(row: str, best: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        tables.check_history(
            f"epoch,training_loss,validation_loss,learning_rate\n{row}\n".encode(), best
        )
