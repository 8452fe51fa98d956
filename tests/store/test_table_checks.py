"""Tables that were sealed with wrong content are noticed by verify, and before pictures are drawn of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast_cli import store
from forecast_cli.errors import RunRejectedError
from tests.store.helpers import latest_folder, reseal

HISTORY = b"epoch,training_loss,validation_loss,learning_rate\n"
FORECAST = b"Month,forecast,lo-80,hi-80,lo-95,hi-95\n"
PREDICTIONS = b"Month,cutoff,actual,forecast,seasonal_naive,lo-80,hi-80,lo-95,hi-95\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("history.csv", b"epoch\n1\n"),
        ("history.csv", HISTORY + b"1,x,,0\n"),
        ("history.csv", HISTORY + b"1,1,1,1\n2,1,1,1\n-3,1,1,1\n"),
        ("history.csv", HISTORY),  # the best epoch is not in it
        ("history.csv", HISTORY + b"1,1,1\n2,1,1,1\n3,1,1,1\n"),
        ("history.csv", HISTORY + b"1,1,1,1,1\n2,1,1,1\n3,1,1,1\n"),
        ("forecast.csv", b"Month,forecast\n"),
        ("forecast.csv", FORECAST + b"1961-01,inf,1,1,1,1\n"),
        ("forecast.csv", FORECAST + b"1961-01,,1,1,1,1\n"),
        ("forecast.csv", FORECAST + b"1961-01,1,1,1,1,1\n" * 13),
        ("forecast.csv", b"\xff"),
        ("predictions.csv", b"print(1)\n"),
        ("predictions.csv", PREDICTIONS + b"1960-01,1959-12,x,1,1,1,1,1,1\n"),
        ("predictions.csv", PREDICTIONS + b"1960-01,1959-12,1,nan,1,1,1,1,1\n"),
    ],
)
def test_a_sealed_table_of_other_content_is_refused(
    store_copy: Path, name: str, data: bytes
) -> None:
    reseal(store_copy, lambda texts: texts.update({name: data}))
    run = store.load(store_copy)
    with pytest.raises(RunRejectedError) as caught:
        store.check_tables(run)
    assert caught.value.message == (
        f"{latest_folder(store_copy)}/{name}: it is not the table that it should be; "
        "the run is damaged, or was not written by forecast"
    )
    with pytest.raises(RunRejectedError, match="not the table"):
        store.verify(store_copy, run.name)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("predictions.csv", b""),  # nothing was held out
        ("predictions.csv", PREDICTIONS + b"1960-01,1959-12,,1,,,,,\n"),
        ("forecast.csv", FORECAST),  # future values are still to be given
        ("forecast.csv", FORECAST + b"1961-01,1,,,,\n" * 12),
    ],
)
def test_tables_with_gaps_are_tables(store_copy: Path, name: str, data: bytes) -> None:
    reseal(store_copy, lambda texts: texts.update({name: data}))
    store.check_tables(store.load(store_copy))
