"""The decimals of a run: from its training to every file and format."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import store, tables, train
from forecast_cli.errors import RunRejectedError, SettingsError
from forecast_cli.fields import parse_digits
from forecast_cli.panel import Columns, from_series
from forecast_cli.sources import settings_from
from forecast_cli.workflow import predict
from tests.conftest import AIRLINE, ROOT, Result, monthly
from tests.store.helpers import reseal

QUICK: dict[str, Any] = {"epochs": 1, "units": "3", "members": 1, "warm_start": "none"}


def lines(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode())))


def test_forecasts_of_whole_passengers_have_four_decimals(airline_store: Path) -> None:
    run = store.load(airline_store)
    assert run.config.digits == run.digits == 4
    for name in ("forecast.csv", "predictions.csv"):
        header, *rows = lines(run.texts[name])
        first = header.index("forecast")
        assert all(len(cell.partition(".")[2]) == 4 for row in rows for cell in row[first:])
    actual = [row[2] for row in lines(run.texts["predictions.csv"])[1:]]
    assert actual == [line.split(",")[1] for line in AIRLINE.read_text().splitlines()[-12:]]


def test_the_decimals_of_the_training_hold_for_new_rows_too(
    tmp_path: Path, write: Callable[..., Path]
) -> None:
    months = 100 + 10 * np.sin(np.arange(60) / 12 * 2 * np.pi)
    run = train(write(monthly(months.round(1))), store_folder=tmp_path / "s", **QUICK).run
    assert run.digits == 5
    newer = write(monthly(np.append(months, 100.123456789).round(9)), "newer.csv")
    assert predict(newer, store_folder=tmp_path / "s").forecast.digits == 5


def test_digits_are_a_setting_of_train_and_predict(forecast: Callable[..., Result]) -> None:
    done = forecast(
        "train",
        AIRLINE,
        "--epochs",
        1,
        "--units",
        3,
        "--members",
        1,
        "--digits",
        1,
        "--store",
        "s",
        "--json",
    )
    assert done.code == 0
    assert (
        len(forecast("predict", "--store", "s").out.splitlines()[1].split(",")[1].partition(".")[2])
        == 1
    )
    whole = forecast("predict", "--store", "s", "--digits", 0).out.splitlines()[1].split(",")
    assert all(cell.isdigit() for cell in whole[1:])
    full = forecast("predict", "--store", "s", "--digits", "full").out.splitlines()[1].split(",")
    values = predict(store_folder="s").forecast.values
    assert full[1] == repr(float(values[0, 0]))
    assert forecast("runs", "show", "--store", "s").out.count("1 decimal") == 1
    refused = forecast("predict", "--store", "s", "--digits", "21")
    assert refused.code == 2
    assert refused.err == (
        "error: --digits: '21' is neither a number of decimals from 0 to 20 nor 'full'\n"
        "hint: write --digits 2, or --digits full\n"
    )


def test_digits_come_from_the_environment_and_from_python_too(
    forecast: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, airline_store: Path
) -> None:
    monkeypatch.setenv("FORECAST_DIGITS", "2")
    cells = forecast("predict", "--store", airline_store).out.splitlines()[1].split(",")
    assert all(len(cell.partition(".")[2]) == 2 for cell in cells[1:])
    assert predict(store_folder=airline_store, digits=2).forecast.digits == 2
    assert predict(store_folder=airline_store, digits="full").forecast.digits == "full"
    assert settings_from(digits=2).output.digits == 2


@pytest.mark.parametrize("text", ["", "-1", "2.5", "²", "all", "007", "1000000"])
def test_what_is_no_number_of_decimals_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="neither a number of decimals from 0 to 20 nor 'full'"):
        parse_digits(text)


@pytest.mark.parametrize("digits", ["auto", "2", "full"])
def test_every_format_has_the_same_names_and_numbers(
    forecast: Callable[..., Result], airline_store: Path, digits: str
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    words = ["predict", "--store", airline_store, "--levels", "50,99.123456", "--digits", digits]
    written = forecast(*words, "-o", "forecast.csv")
    assert written.code == 0
    assert forecast(*words).out == Path("forecast.csv").read_text()
    header, *rows = lines(Path("forecast.csv").read_bytes())
    assert header == ["Month", "forecast", "lo-50", "hi-50", "lo-99.123456", "hi-99.123456"]
    cells = [[float(cell) for cell in row[1:]] for row in rows]

    as_json = json.loads(forecast(*words, "--format", "json").out)
    assert [list(row) for row in as_json] == [header] * 12
    assert [list(row.values())[1:] for row in as_json] == cells

    document = json.loads(forecast(*words, "--json").out)["forecast"]
    assert [list(row) for row in document] == [["time", *header[1:]]] * 12
    assert [list(row.values())[1:] for row in document] == cells

    assert forecast(*words, "-o", "forecast.parquet").code == 0
    table = parquet.read_table("forecast.parquet")
    assert table.column_names == header
    assert [[row[name] for name in header[1:]] for row in table.to_pylist()] == cells


def test_scores_are_of_the_unrounded_numbers(tmp_path: Path) -> None:
    metrics = [
        train(
            AIRLINE, draw=False, store_folder=tmp_path / digits, digits=digits, **QUICK
        ).run.texts["metrics.json"]
        for digits in ("0", "full")
    ]
    assert metrics[0] == metrics[1]


def test_an_older_run_takes_the_decimals_from_its_last_rows() -> None:
    root = ROOT / "tests" / "golden" / "0.4.0" / "store"
    for name in store.names(root):
        run = store.load(root, name)
        assert run.config.digits is None
        assert run.digits == tables.decimals(run.tail) != "full"
        found = predict(root.parent / run.config.source, store_folder=root, run=name).forecast
        assert found.digits == run.digits


@pytest.mark.parametrize("digits", [-1, 21, 10**9, "all", True, 2.5])
def test_a_run_with_absurd_digits_is_rejected(store_copy: Path, digits: Any) -> None:
    def tamper(texts: dict[str, bytes]) -> None:
        content = json.loads(texts["config.json"]) | {"digits": digits}
        texts["config.json"] = json.dumps(content).encode()

    reseal(store_copy, tamper)
    with pytest.raises(RunRejectedError):
        store.load(store_copy)


def test_values_that_the_decimals_would_show_as_zero_are_a_warning(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    values = 0.003 + 0.0001 * random.normal(size=40)
    panel = from_series([values], columns=Columns("step", "y"))
    trained = train(panel, draw=False, store_folder=tmp_path, digits=2, **QUICK)
    text = "the values are too small to be written with 2 decimals; --digits full shows them"
    assert text in [note.text for note in trained.notes]
    again = predict(panel, store_folder=tmp_path)
    assert text in [note.text for note in again.notes]
    assert text not in [
        note.text for note in predict(panel, store_folder=tmp_path, digits="full").notes
    ]

    several = from_series([values, values * 1000, values], ids=["a", "b", "c"])
    assert tables.vanishing(several, 2) == ("a", "c")
    assert tables.vanishing(several, 3) == ()
    shutil.rmtree(tmp_path)
    trained = train(several, draw=False, store_folder=tmp_path, digits=2, **QUICK)
    text = "too small to be written with 2 decimals, --digits full shows them: 'a', 'c'"
    assert text in [note.text for note in trained.notes]
