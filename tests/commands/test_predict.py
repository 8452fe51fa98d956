"""forecast predict"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecast_cli import store
from tests.commands.helpers import QUICK, Forecast, shell
from tests.conftest import AIRLINE, ROOT, Result, daily


def test_predict_json_holds_what_the_csv_holds(forecast: Forecast, airline_store: Path) -> None:
    document = json.loads(forecast("predict", "--store", airline_store, "--json").out)
    assert document["schema"] == "forecast/predict/v1"
    lines = [
        line.split(",") for line in forecast("predict", "--store", airline_store).out.splitlines()
    ]
    assert lines[0][1:] == [key for key in document["forecast"][0] if key != "time"]
    cells = [[time, *map(float, numbers)] for time, *numbers in lines[1:]]
    assert [list(row.values()) for row in document["forecast"]] == cells


def test_standard_input_trains_and_predict_says_where_it_goes_on_from(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(AIRLINE.read_bytes())))
    assert forecast("train", "-", *QUICK, "--quiet") == Result(0, "", "")
    predicted = forecast("predict")
    assert predicted.code == 0
    assert "continues from the rows stored then" in predicted.err
    assert predicted.out.splitlines()[1].startswith("1961-01,")


def test_open_descriptors_are_written_to_never_replaced(
    airline_store: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    log.write_text("kept\n")
    words = (
        f"{sys.executable} -m forecast_cli predict --quiet --store {airline_store} -o /dev/stdout"
    )
    subprocess.run(["sh", "-c", f"{words} >> {log}"], check=True, cwd=ROOT)
    expected = store.load(airline_store).texts["forecast.csv"]
    assert log.read_bytes() == b"kept\n" + expected
    piped = subprocess.run(
        ["sh", "-c", f"{words} | cat"], check=True, cwd=ROOT, capture_output=True
    )
    assert piped.stdout == expected


def test_the_data_are_never_overwritten_by_the_forecast(forecast: Forecast) -> None:
    Path("data.csv").write_text(AIRLINE.read_text())
    forecast("train", "data.csv", *QUICK)
    result = forecast("predict", "-o", "data.csv")
    assert (result.code, result.err.splitlines()[0]) == (2, "error: -o data.csv is the data itself")
    assert Path("data.csv").read_text() == AIRLINE.read_text()


def test_predict_formats_hold_the_same_numbers(forecast: Forecast, airline_store: Path) -> None:
    plain = forecast("predict", "--store", airline_store)
    assert forecast("predict", "--store", airline_store, "--format", "csv") == plain
    lines = [line.split(",") for line in plain.out.splitlines()]
    shown = forecast("predict", "--store", airline_store, "--format", "json")
    rows = json.loads(shown.out)
    assert [list(row) for row in rows] == [lines[0]] * 12
    assert [list(row.values()) for row in rows] == [
        [time, *map(float, numbers)] for time, *numbers in lines[1:]
    ]
    for words in (("--format", "json", "-o", "a"), ("-o", "a.json")):
        assert forecast("predict", "--store", airline_store, *words).code == 0
        assert Path(words[-1]).read_text() == shown.out
    assert forecast("predict", "--store", airline_store, "--json", "-o", "b.json").out.startswith(
        '{\n "schema"'
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "json", "--json"), "--json and --format json both write to stdout"),
        (
            ("--format", "parquet", "--json"),
            "--format parquet is binary, and goes with --json only into a file",
        ),
    ],
)
def test_two_outputs_for_one_stdout_are_refused(
    forecast: Forecast, words: tuple[str, ...], message: str
) -> None:
    result = forecast("predict", *words)
    assert result.code == 2
    assert result.err.startswith(f"error: {message}\nhint: add -o FILE")


def test_predict_reads_new_rows_by_settings_of_its_own(
    forecast: Callable[..., Result], write: Callable[..., Path]
) -> None:
    """What the run was trained with stands in the way of rows that came later: no cron job may be stuck."""
    days = [f"2024-01-{day:02}" for day in range(1, 31)]
    path = write("day,y\n" + "".join(f"{day},{n % 7}\n" for n, day in enumerate(days)))
    assert (
        forecast("train", path, "--epochs", 1, "--units", 4, "--members", 1, "--gaps", "error").code
        == 0
    )
    write("day,y\n" + "".join(f"{day},{n % 7}\n" for n, day in enumerate(days) if n != 20))
    assert forecast("predict").code == 20
    result = forecast("predict", "--gaps", "zero")
    assert (result.code, result.out.splitlines()[1][:10]) == (0, "2024-01-31")


LINES = "".join(f"{1990 + at // 12}-{at % 12 + 1:02},{at * 7 % 12 + at}\n" for at in range(96))


def forecast_of(forecast: Forecast, *words: str) -> list[str]:
    result = forecast("predict", *words)
    assert result.code == 0, result.err
    return [line.partition(",")[2] for line in result.out.splitlines()[1:]]


def test_a_run_reads_the_lines_around_its_file_again_as_it_was_told(forecast: Forecast) -> None:
    """With a header and without one, and with options of its own where new rows need them."""
    Path("data.csv").write_text("a,b\nc,d\nmonth,y\n" + LINES + "Eurostat\n")
    told = ("--skip-rows", "2", "--footer", "1")
    assert forecast("train", "data.csv", *told, *QUICK).code == 0
    expected = forecast_of(forecast)

    Path("new.csv").write_text("month,y\n" + LINES + "Eurostat\nand others\n# end of it\n")
    refused = forecast("predict", "new.csv")
    assert refused.code == 20
    assert "no header: line 3 holds numbers" in refused.err

    options = ("--skip-rows", "0", "--footer", "2", "--comment", "#")
    assert forecast_of(forecast, "new.csv", *options) == expected

    Path("short.csv").write_text("a,b\nc,d\nmonth,y\n" + LINES)
    lost = forecast("predict", "short.csv")
    assert lost.code == 20
    assert "--footer 1 would leave out a row of data" in lost.err
    assert "use a smaller --footer" in lost.err
    assert forecast_of(forecast, "short.csv", "--footer", "0") == expected


def test_a_run_reads_a_file_without_a_header_and_a_part_of_one_again(forecast: Forecast) -> None:
    Path("data.csv").write_text(
        "".join(f"{shop},{line}\n" for shop in "ab" for line in LINES.splitlines())
    )
    options = ("--no-header", "--where", "1=b", "--target", "3")
    assert forecast("train", "data.csv", *options, *QUICK).code == 0
    expected = forecast_of(forecast)
    assert forecast_of(forecast, "data.csv", "--where", "1=a") == expected

    Path("named.csv").write_text("shop,month,y\n" + Path("data.csv").read_text())
    assert forecast_of(forecast, "named.csv") == expected
    assert forecast_of(forecast, "named.csv", "--skip-rows", "1") == expected


def test_cron_needs_no_home_no_terminal_and_no_locale(airline_store: Path, tmp_path: Path) -> None:
    bare = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    done = shell(
        "predict", "--store", airline_store, cwd=tmp_path, env=bare, stdin=subprocess.DEVNULL
    )
    said = b"80 % intervals held 100.0 % of 12 held-out values, 95 % intervals 100.0 %\n"
    assert (done.returncode, done.stderr) == (0, said)
    assert done.stdout == store.load(airline_store).texts["forecast.csv"]
    trained = shell(
        "train", AIRLINE, *QUICK, "--quiet", cwd=tmp_path, env=bare, stdin=subprocess.DEVNULL
    )
    assert (trained.returncode, trained.stdout, trained.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("kind", "lacking", "option"),
    [("quantile", "quantiles", "--loss quantile"), ("dropout", "dropout", "--dropout 0.1")],
)
def test_intervals_that_the_network_has_not_learned_are_refused(
    kind: str,
    lacking: str,
    option: str,
    forecast: Callable[..., Result],
    write: Callable[..., Path],
) -> None:
    path = write(daily(10 + np.arange(60) % 7 + np.random.default_rng(1).normal(0, 1, 60)))
    quick = ("--epochs", 1, "--units", 4, "--members", 1, "--dropout", 0, "--horizon", 3)
    assert forecast("train", path, *quick, "--quiet").code == 0
    refused = forecast("predict", "--interval", kind)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        f"error: --interval {kind}: the network of the run has no {lacking}\n"
        f"hint: train with {option}, or use --interval conformal\n"
    )
    refused = forecast("train", path, *quick, "--interval", kind)
    assert refused.code == 2
    assert refused.said == (
        f"error: --interval {kind} needs a network with {lacking}\n"
        f"hint: add {option}, or use --interval conformal\n"
    )


def test_intervals_by_dropout_are_equal_in_equal_commands_and_never_narrower(
    airline_store: Path, forecast: Callable[..., Result]
) -> None:
    once, again, conformal = (
        forecast("predict", "--store", airline_store, "--quiet", "--interval", kind).out
        for kind in ("dropout", "dropout", "conformal")
    )
    assert once == again
    rows = zip(once.splitlines()[1:], conformal.splitlines()[1:], strict=True)
    for row in rows:
        wide, narrow = ([float(cell) for cell in line.split(",")[1:]] for line in row)
        assert wide[0] == narrow[0]
        assert wide[1] < narrow[1]
        assert wide[2] > narrow[2]


@pytest.mark.parametrize("levels", ["0", "100", "-5", "80,nan", "101", "80;95"])
def test_levels_out_of_bounds_are_refused(
    levels: str, airline_store: Path, forecast: Callable[..., Result]
) -> None:
    refused = forecast("predict", "--store", airline_store, f"--levels={levels}")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        f"error: --levels: {levels!r} is not a list of percentages between 0 and 100\n"
        "hint: write --levels 80,95\n"
    )


def test_the_coverage_of_the_training_is_said_and_is_in_the_document(
    airline_store: Path, forecast: Callable[..., Result]
) -> None:
    said = forecast("predict", "--store", airline_store, "--levels", "95")
    assert said.err == "95 % intervals held 100.0 % of 12 held-out values\n"
    assert forecast("predict", "--store", airline_store, "--levels", "50").err == ""
    assert forecast("predict", "--store", airline_store, "--interval", "dropout").err == ""
    assert forecast("predict", "--store", airline_store, "--quiet").err == ""

    document = json.loads(forecast("predict", "--store", airline_store, "--json").out)
    assert [one["level"] for one in document["coverage"]] == [80, 95]
    assert [(one["held"], one["values"]) for one in document["coverage"]] == [(12, 12)] * 2
