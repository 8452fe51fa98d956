"""forecast predict of a folder or a pattern: each file by a worker, never together."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import forecast_cli
from forecast_cli import store
from forecast_cli.errors import SettingsError
from tests.commands.helpers import Forecast, shell, terminal
from tests.conftest import HANG, ROOT, Result, run_python

FILES, EACH, ROWS = 3, 2, 60
ONE_PROCESS = ("--engine", "local")


def rows_of(number: int) -> list[str]:
    """The rows of one series: 60 days."""
    days = np.datetime64("2025-01-01") + np.arange(ROWS)
    values = number + np.arange(ROWS) % 7 + np.random.default_rng(number).integers(0, 3, ROWS)
    return [f"s{number},{day},{value}" for day, value in zip(days, values.tolist(), strict=True)]


def text_of(*series: int) -> str:
    """A file of these series."""
    lines = [line for number in series for line in rows_of(number)]
    return "\n".join(["unique_id,ds,y", *lines, ""])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a run on all series, and the data beside it. Not to be changed."""
    from forecast_cli import train

    folder = tmp_path_factory.mktemp("parts")
    (folder / "all.csv").write_text(text_of(*range(FILES * EACH)))
    (folder / "data").mkdir()
    for number in range(FILES):
        part = text_of(*range(number * EACH, (number + 1) * EACH))
        (folder / "data" / f"{number}.csv").write_text(part)
    settings: dict[str, Any] = {"epochs": 1, "units": "4", "members": 1, "horizon": 3}
    train(folder / "all.csv", draw=False, store_folder=folder / "store", **settings)
    return folder


@pytest.fixture
def predict(trained: Path, forecast: Forecast) -> Forecast:
    """Predict, in a folder of its own with `data` in it."""
    Path("data").mkdir()
    for path in (trained / "data").iterdir():
        (Path("data") / path.name).write_text(path.read_text())

    def run(*words: object) -> Result:
        return forecast("predict", *words, "--store", trained / "store")

    return run


def manifest() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path("out/manifest.json").read_text())
    return content


def snapshot(folder: str = "out") -> dict[str, bytes]:
    """All that is in a folder, but for the lock."""
    files = {path.name: path.read_bytes() for path in Path(folder).iterdir() if path.is_file()}
    return {name: data for name, data in files.items() if name != ".lock"}


@pytest.mark.parametrize("data", ["data", "data/*.csv"])
@pytest.mark.parametrize("words", [(), ("--format", "json"), ("--levels", "50", "--horizon", "5")])
def test_the_forecast_of_many_files_has_the_bytes_of_that_of_one(
    predict: Forecast, trained: Path, data: str, words: tuple[str, ...]
) -> None:
    expected = predict(trained / "all.csv", *words)
    found = predict(data, *words, *ONE_PROCESS)
    assert (found.code, found.out) == (0, expected.out)
    assert len(found.out) > 100


def test_the_document_of_many_files_has_the_rows_of_that_of_one(
    predict: Forecast, trained: Path
) -> None:
    expected = json.loads(predict(trained / "all.csv", "--json").out)
    found = json.loads(predict("data", "--json", *ONE_PROCESS).out)
    assert found["source"] == str(Path("data").absolute())
    assert found == expected | {"source": found["source"]}


def test_a_folder_gets_one_part_for_each_file_and_a_manifest(
    predict: Forecast, trained: Path
) -> None:
    result = predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS)
    assert result.code == 0
    assert result.said.splitlines()[-1] == "wrote out: 3 parts, 6 series"

    document = manifest()
    assert document["schema"] == "forecast/parts/v1"
    assert document["run"] == os.listdir(trained / "store" / "runs")[0]
    assert document["source"] == str(Path("data").absolute())
    assert document["failed"] == []
    for number, part in enumerate(document["parts"]):
        data = Path("out", part["file"]).read_bytes()
        assert data.decode() == predict(f"data/{number}.csv").out
        assert part == {
            "file": f"part-{number:05d}-{hashlib.sha256(data).hexdigest()[:16]}.csv",
            "sha256": hashlib.sha256(data).hexdigest(),
            "rows": 6,
            "series": 2,
            "input": str(Path(f"data/{number}.csv").absolute()),
        }
    assert len(snapshot()) == 4


def test_parts_are_parquet_unless_another_format_is_asked_for(predict: Forecast) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert predict("data", "-o", "out", *ONE_PROCESS, "--quiet") == Result(0, "", "")
    tables = [parquet.read_table(Path("out", part["file"])) for part in manifest()["parts"]]
    rows = [list(row.values()) for table in tables for row in table.to_pylist()]
    lines = [line.split(",") for line in predict("data", *ONE_PROCESS).out.splitlines()]
    assert tables[0].column_names == lines[0]
    assert [[row[0], str(row[1])[:10], *row[2:]] for row in rows] == [
        [name, day, *map(float, numbers)] for name, day, *numbers in lines[1:]
    ]


def test_parts_are_the_same_bytes_with_every_number_of_workers(predict: Forecast) -> None:
    pytest.importorskip("pyarrow")
    outputs = []
    for number, words in enumerate((ONE_PROCESS, ("--workers", "2"))):
        folder = f"out{number}"
        result = predict("data", "-o", folder, *words, "--json")
        assert result.code == 0
        document = json.loads(result.out)
        document.pop("created")
        parts = {name: data for name, data in snapshot(folder).items() if name[0] == "p"}
        outputs.append((document, parts))
    assert outputs[0] == outputs[1]
    assert len(outputs[0][1]) == FILES


@pytest.mark.slow
@pytest.mark.usefixtures("ray_that_starts")
def test_parts_are_the_same_bytes_on_ray(predict: Forecast, trained: Path) -> None:
    assert predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS).code == 0
    words = ("data", "--format", "csv", "--engine", "ray", "--workers", "2")
    place = ("--store", trained / "store")
    done = shell("predict", *words, *place, "-o", "remote", cwd=Path.cwd())
    assert done.returncode == 0, done.stderr
    parts = [
        {name: data for name, data in snapshot(folder).items() if name[0] == "p"}
        for folder in ("out", "remote")
    ]
    assert parts[0] == parts[1]
    streamed = shell("predict", *words, *place, cwd=Path.cwd(), timeout=1200)
    assert streamed.stdout.decode() == predict("data", *ONE_PROCESS).out


def test_where_there_is_no_cluster_no_folder_is_made(predict: Forecast) -> None:
    pytest.importorskip("ray")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = ("-o", "out", "--format", "csv", "--engine", "ray", "--address", address)
    result = predict("data", *words)
    assert result.code == 2
    assert f"error: there is no Ray cluster at {address}: " in result.err
    assert not Path("out").exists()


# -- files that cannot be forecast -------------------------------------------------------------


def break_row(number: int) -> str:
    """Put a word where the number of line 5 of a file is; returns what is said of it."""
    path = Path(f"data/{number}.csv")
    lines = path.read_text().splitlines()
    lines[4] = lines[4].rpartition(",")[0] + ",oops"
    path.write_text("\n".join(lines) + "\n")
    return f"data/{number}.csv:5: column 'y': 'oops' is not a number"


def test_a_file_with_a_bad_row_is_named_and_the_others_go_on(
    predict: Forecast, trained: Path
) -> None:
    message = break_row(1)
    result = predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS)
    assert result.code == 3
    assert result.said.splitlines()[0].startswith(f"warning: not forecast: {message}; ")
    document = manifest()
    assert [Path(part["input"]).name for part in document["parts"]] == ["0.csv", "2.csv"]
    assert [part["file"][:10] for part in document["parts"]] == ["part-00000", "part-00002"]
    (failed,) = document["failed"]
    assert (failed["input"], failed["exit_code"]) == (str(Path("data/1.csv").absolute()), 20)
    assert failed["error"] == message
    assert "--bad-rows skip" in failed["hint"]

    told = json.loads(predict("data", "--json", *ONE_PROCESS).out)
    assert told["exit_code"] == 3
    assert told["reasons"][0].startswith(f"not forecast: {message}")
    assert {row["id"] for row in told["forecast"]} == {"s0", "s1", "s4", "s5"}


def test_bad_rows_are_skipped_where_that_is_asked_for(predict: Forecast) -> None:
    break_row(1)
    words = ("--bad-rows", "skip", "--format", "csv")
    result = predict("data", "-o", "out", *words, *ONE_PROCESS)
    assert result.code == 3
    assert len(manifest()["parts"]) == 3
    assert "warning: data/1.csv: 1 bad row was left out: line 5\n" in result.said


def test_a_file_whose_name_is_not_utf_8_is_refused_before_anything_is_begun(
    predict: Forecast,
) -> None:
    Path(os.fsdecode(b"data/a\xff.csv")).write_text(text_of(7))
    for output in (("-o", "out", "--format", "csv"), ()):
        result = predict("data", *output, *ONE_PROCESS)
        assert result == Result(
            20,
            "",
            "error: data/a\\xff.csv: the name of the file cannot be read as UTF-8\n"
            "hint: rename the file\n",
        )
    assert not Path("out").exists()


def test_where_no_file_can_be_forecast_the_old_forecast_stays(predict: Forecast) -> None:
    assert predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS).code == 0
    before = snapshot()
    messages = [break_row(number) for number in range(FILES)]
    result = predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS)
    assert result.code == 20
    assert result.said.splitlines()[0] == (
        f"error: {messages[0]} (and 2 other files could not be forecast, either)"
    )
    assert snapshot() == before


def test_files_of_another_shape_than_the_run_are_left_out_and_refused_where_all_are(
    predict: Forecast,
) -> None:
    weeks = np.datetime64("2025-01-01") + 7 * np.arange(ROWS)
    lines = [f"s9,{day},{at % 5}\n" for at, day in enumerate(weeks)]
    Path("data/0.csv").write_text("unique_id,ds,y\n" + "".join(lines))
    result = predict("data", *ONE_PROCESS)
    assert result.code == 3
    assert "not forecast: data/0.csv does not fit the run" in result.err
    result = predict("data/0*.csv", *ONE_PROCESS)
    assert (result.code, result.out) == (13, "")
    assert result.said.startswith("error: data/0.csv does not fit the run")


def test_a_series_in_two_files_is_refused_and_the_old_forecast_stays(predict: Forecast) -> None:
    assert predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS).code == 0
    before = snapshot()
    Path("data/3.csv").write_text(text_of(7, 1, 0))
    for output in (("-o", "out", "--format", "csv"), ()):
        result = predict("data", *output, *ONE_PROCESS)
        assert (result.code, result.out) == (20, "")
        assert result.said == (
            "error: data/3.csv: series 's1' (and 1 more) is in data/0.csv, too\n"
            "hint: keep each series in one file\n"
        )
    assert snapshot() == before


def test_missing_runs_are_an_error_before_anything_is_begun(forecast: Forecast) -> None:
    Path("data").mkdir()
    Path("data/a.csv").write_text(text_of(1))
    result = forecast("predict", "data", "-o", "out", "--format", "csv", "--store", "none")
    assert result.code == 10
    assert not Path("out").exists()


# -- outputs that are refused ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (
            ("-o", "out.csv"),
            "-o out.csv is the name of a file, and the forecasts of 3 files go into a folder",
            "give a folder and --format csv, or leave out -o and redirect the output",
        ),
        (
            ("-o", "file"),
            "-o file is a file, and the forecasts of several files go into a folder",
            "give a folder, or leave out -o and redirect the output",
        ),
        (
            ("-o", "data"),
            "-o data is in the folder of the data, where forecasts would look like data",
            "write the forecasts to a folder outside of it",
        ),
        (
            ("-o", "data/new/out"),
            "-o data/new/out is in the folder of the data, where forecasts would look like data",
            "write the forecasts to a folder outside of it",
        ),
        (
            ("--format", "parquet"),
            "--format parquet of many files goes into a folder only",
            "add -o DIR",
        ),
        (
            ("--format", "csv", "--json"),
            "--json and --format csv both write to stdout",
            "add -o DIR, or leave one out",
        ),
        (
            ("--engine", "local", "--workers", "2"),
            "--workers 2 does not go with --engine local, which is one process",
            "use --engine processes, or leave out --workers",
        ),
    ],
)
def test_outputs_and_engines_that_do_not_fit_many_files_are_refused(
    predict: Forecast, words: tuple[str, ...], message: str, hint: str
) -> None:
    Path("file").write_text("kept")
    result = predict("data", *words)
    assert result.code == 2
    said = [line for line in result.said.splitlines() if line.startswith(("error", "hint"))]
    assert said == [f"error: {message}", f"hint: {hint}"]
    assert Path("file").read_text() == "kept"
    assert len(list(Path("data").iterdir())) == 3


def test_forecasts_of_a_pattern_may_go_into_a_folder_beside_the_files(predict: Forecast) -> None:
    words = ("-o", "data/out", "--format", "csv", *ONE_PROCESS)
    assert predict("data/*.csv", *words).code == 0
    assert predict("data/*.csv", *words).code == 0


def test_options_of_the_forecast_are_checked_before_any_file_is_read(predict: Forecast) -> None:
    result = predict("data", "-o", "out", "--format", "csv", "--interval", "quantile")
    assert result.code == 2
    assert not Path("out").exists()


def test_a_second_command_that_writes_into_the_same_folder_is_refused(predict: Forecast) -> None:
    with store.lock_parts(Path("out")):
        result = predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS)
    assert result.code == 11
    place = Path("out").absolute()
    assert result.err.startswith(f"error: another command is writing in {place}: pid {os.getpid()}")


def test_a_terminal_gets_a_line_for_each_file(predict: Forecast, trained: Path) -> None:
    del predict
    words = ("data", "--store", str(trained / "store"), *ONE_PROCESS)
    code, screen = terminal("predict", *words, cwd=Path.cwd())
    assert code == 0
    assert [line.split()[1:] for line in screen.splitlines() if ".csv" in line] == [["2", "6"]] * 3
    assert "-o DIR writes the forecasts" in screen


def test_the_python_api_forecasts_many_files_into_a_folder(
    predict: Forecast, trained: Path
) -> None:
    place: dict[str, Any] = {"store_folder": trained / "store", "engine": "local"}
    predicted = forecast_cli.predict_parts("data/*.csv", "api", kind="csv", **place)
    assert len(predicted.manifest.parts) == FILES
    assert predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS).code == 0
    assert snapshot("api").keys() == snapshot().keys()

    Path("0.csv").write_text(Path("data/0.csv").read_text())  # of one file, beside its output
    one = forecast_cli.predict_parts("0.csv", "one", kind="json", horizon=2, **place)
    assert [(part.rows, part.series) for part in one.manifest.parts] == [(4, 2)]
    with pytest.raises(SettingsError, match="unknown setting 'horizn'"):
        forecast_cli.predict_parts("data", "none", kind="csv", horizn=2, **place)


# -- one file ----------------------------------------------------------------------------------


def test_an_engine_has_no_effect_on_one_file_and_that_is_said(predict: Forecast) -> None:
    plain = predict("data/0.csv")
    result = predict("data/0.csv", "--workers", "2")
    assert (result.code, result.out) == (0, plain.out)
    assert "one file is forecast in this process: --workers has no effect\n" in result.err
    assert predict("data/0.csv", "--address", "host:1").code == 2


def test_one_file_is_forecast_without_anything_of_an_engine(trained: Path) -> None:
    run_python(
        "import sys; from forecast_cli.app import app\n"
        "try: app(['predict', *sys.argv[1:]])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'multiprocessing', 'ray', 'torch'} & set(sys.modules)",
        trained / "data" / "0.csv",
        "--store",
        trained / "store",
    )


@pytest.mark.parametrize("command", ["train", "check", "backtest"])
def test_other_commands_say_that_they_take_one_file(
    predict: Forecast, forecast: Forecast, command: str
) -> None:
    del predict
    result = forecast(command, "data")
    assert result.code == 20
    assert "data: this is a folder" in result.out + result.err
    assert "give one file; `forecast predict` alone reads the files of a folder" in (
        result.out + result.err
    )
    result = forecast(command, "data/*.csv")
    assert "give one file; `forecast predict` alone reads the files of a pattern" in (
        result.out + result.err
    )


# -- commands that are stopped -----------------------------------------------------------------


def started(folder: Path, trained: Path, *words: str) -> subprocess.Popen[bytes]:
    """Predict many files in a process of its own, and wait until the first part is written."""
    (folder / "many").mkdir()
    for number in range(600):
        (folder / "many" / f"{number:03d}.csv").write_text(text_of(number))
    command = [sys.executable, "-m", "forecast_cli", "predict", "many", "-o", "out", *words]
    command += ["--format", "csv", "--store", str(trained / "store")]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    staging, end = folder / "out" / ".tmp-parts", time.monotonic() + HANG
    while not (staging.exists() and any(staging.iterdir())):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.01)
    return process


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGTERM, ONE_PROCESS),
        (signal.SIGHUP, ("--workers", "2")),
        (signal.SIGINT, ("--workers", "2")),
        (signal.SIGKILL, ("--workers", "2")),
    ],
)
def test_a_command_that_is_stopped_leaves_the_old_forecast(
    predict: Forecast, trained: Path, number: signal.Signals, words: tuple[str, ...]
) -> None:
    assert predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS).code == 0
    before = snapshot()
    process = started(Path.cwd(), trained, *words)
    if number in (signal.SIGINT, signal.SIGHUP):
        os.killpg(process.pid, number)  # as a terminal does
    else:
        process.send_signal(number)
    _, said = process.communicate(timeout=HANG)
    assert snapshot() == before

    if number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
        assert predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS).code == 0
    else:
        assert process.returncode == 128 + number
        state = f"{Path('out').absolute()} is as it was"
        assert f"error: stopped by signal {number.value}; {state}\n" in said.decode()
        assert "Traceback" not in said.decode()
    assert not Path("out/.tmp-parts").exists()


@pytest.mark.slow
def test_a_kill_at_any_instant_leaves_a_manifest_with_all_its_parts(
    predict: Forecast, trained: Path
) -> None:
    """Two forecasts take turns, so that each attempt would replace all parts."""
    assert predict("data", "-o", "out", "--format", "csv", *ONE_PROCESS).code == 0
    words = ["data", "-o", "out", "--format", "csv", *ONE_PROCESS, "--store", trained / "store"]
    command = [sys.executable, "-m", "forecast_cli", "predict", *map(str, words)]
    killed = 0
    for attempt in range(15):
        levels = ["--levels", str(50 + attempt)]
        process = subprocess.Popen(
            command + levels,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and f"pid {process.pid} " not in Path("out/.lock").read_text():
            time.sleep(0.001)
        time.sleep(0.035 * attempt)  # the first at once, when the lock is there and no part is
        process.kill()
        killed += process.wait(timeout=HANG) == -signal.SIGKILL

        found = store.read_parts(Path("out"))
        assert found is not None
        assert len(found.parts) == FILES
        for part in found.parts:
            data = Path("out", part.file).read_bytes()
            assert hashlib.sha256(data).hexdigest() == part.sha256
    assert killed  # how many, is a matter of how fast the machine is
