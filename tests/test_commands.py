from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.faults import again
from forecast_cli import __version__, errors, learning, store
from tests.conftest import AIRLINE, ROOT, SAMPLES, Result

Forecast = Callable[..., Result]
QUICK = ("--epochs", "2", "--units", "6")


def shell(
    *words: object, cwd: Path | None = None, env: dict[str, str] | None = None, **rest: object
) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "forecast_cli", *map(str, words)], capture_output="stdout" not in rest, cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} if env is None else env, timeout=120, **rest,
    )  # type: ignore[call-overload,no-any-return] # fmt: skip


def test_train_then_predict_then_plot_without_arguments(forecast: Forecast) -> None:
    trained = forecast("train", AIRLINE, *QUICK)
    assert (trained.code, trained.out) == (0, "")
    lines = trained.said.splitlines()
    assert lines[:2] == ["Target: Passengers", "Held-out last 12 rows"]
    assert "this network" in trained.err
    assert "seasonal naive (12) 47.83 50.71 10.57 1.571" in " ".join(trained.err.split())
    run = store.load(Path("forecast_runs"))
    assert sorted(p.name for p in (run.folder / "plots").iterdir()) == [
        "loss.png",
        "predictions.png",
    ]
    predicted = forecast("predict")
    assert (predicted.code, predicted.err) == (0, "")
    assert predicted.out.encode() == run.texts["forecast.csv"]
    written = forecast("predict", "-o", "out.csv")
    assert (written.code, written.out, written.err) == (0, "", "wrote out.csv\n")
    assert Path("out.csv").read_bytes() == run.texts["forecast.csv"]
    shutil.rmtree(run.folder / "plots")
    assert forecast("plot").code == 0
    assert (run.folder / "plots" / "loss.png").read_bytes()[:4] == b"\x89PNG"
    assert forecast("plot", "--kind", "loss", "-o", "pictures", "--quiet") == Result(0, "", "")
    assert [p.name for p in Path("pictures").iterdir()] == ["loss.png"]


def test_gates_and_attention_are_drawn_on_request(forecast: Forecast, airline_store: Path) -> None:
    store_words = ("--store", airline_store, "-o", "pictures")
    assert forecast("plot", "--kind", "gates", *store_words) == Result(
        0, "", "wrote pictures/gates.png\n"
    )
    assert [p.name for p in Path("pictures").iterdir()] == ["gates.png"]
    document = json.loads(forecast("plot", *store_words, "--json").out)
    assert document["files"] == ["pictures/loss.png", "pictures/predictions.png"]
    name = store.latest(airline_store)
    for words, message, hint in (
        (("--kind", "attention"), f"the run {name} has no attention", "train with --attention bahdanau, or --preset seq2seq"),
        (("--kind", "gates", "--series", "x"), "no series 'x': the run has one series, without a name", "leave --series out"),
        (("--series", "x"), "--series goes with --kind gates or attention", "add --kind gates"),
    ):  # fmt: skip
        assert forecast("plot", *words, *store_words) == Result(
            2, "", f"error: {message}\nhint: {hint}\n"
        )
    assert len(list(Path("pictures").iterdir())) == 3


def test_attention_of_a_series_by_its_name(forecast: Forecast) -> None:
    rows = "".join(
        f"{name},2024-01-{d:02},{d % 7 + k}\n" for k, name in enumerate("ab") for d in range(1, 32)
    )
    Path("two.csv").write_text("unique_id,ds,y\n" + rows)
    assert forecast("train", "two.csv", *QUICK, "--preset", "seq2seq", "--quiet").code == 0
    drawn = forecast("plot", "--kind", "attention", "--series", "b", "-o", ".")
    assert drawn == Result(0, "", "wrote attention.png\n")
    assert forecast("plot", "--kind", "attention", "--series", "c") == Result(
        2, "", "error: no series 'c' in the run\nhint: known: a, b\n"
    )


def test_train_json_is_one_document_and_no_talk(forecast: Forecast) -> None:
    result = forecast("train", AIRLINE, *QUICK, "--json")
    document = json.loads(result.out)
    assert (result.code, result.err) == (0, "")
    assert (document["schema"], document["published"], document["exit_code"]) == (
        "forecast/train/v1",
        True,
        0,
    )
    assert document["metrics"]["test"]["seasonal_naive"]["rmse"] == pytest.approx(50.708, abs=1e-3)
    assert Path(document["folder"], "forecast.csv").exists()


def test_predict_json_holds_what_the_csv_holds(forecast: Forecast, airline_store: Path) -> None:
    document = json.loads(forecast("predict", "--store", airline_store, "--json").out)
    assert document["schema"] == "forecast/predict/v1"
    lines = [
        line.split(",") for line in forecast("predict", "--store", airline_store).out.splitlines()
    ]
    assert lines[0][1:] == [key for key in document["forecast"][0] if key != "time"]
    cells = [[time, *map(float, numbers)] for time, *numbers in lines[1:]]
    assert [list(row.values()) for row in document["forecast"]] == cells


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (("train", "none.csv"), 20, "none.csv: no such file", "check the path"),
        (("train", "empty.csv"), 20, "empty.csv: the file is empty", "give a CSV file with a header and rows"),
        (("train", "short.csv"), 21, "4 rows are too few for horizon 1: at least 5 are needed (2 to look back on, 1 to learn from, 1 for validation, 1 held out)", "give more rows, or a smaller --horizon, --validation or --test"),
        (("train", "short.csv", "--target", "z"), 20, "short.csv: no column 'z' for --target", "known: y"),
        (("predict",), 10, "no run in forecast_runs", "train one first: forecast train DATA"),
        (("plot",), 10, "no run in forecast_runs", "train one first: forecast train DATA"),
        (("runs", "list"), 10, "no run in forecast_runs", "train one first: forecast train DATA"),
        (("runs", "show"), 10, "no run in forecast_runs", "train one first: forecast train DATA"),
        (("train", "short.csv", "--horizon", "0"), 2, "--horizon must be at least 1, got 0", "use --horizon 1 or more"),
        (("train", "short.csv", "--dropout", "2"), 2, "--dropout must be at most 0.95, got 2.0", "use --dropout 0.95 or less"),
        (("train", "short.csv", "--units", "a"), 2, "--units: 'a' is not a list of whole numbers", "write --units 50,100"),
        (("predict", "--levels", "120"), 2, "--levels: '120' is not a list of percentages between 0 and 100", "write --levels 80,95"),
        (("train",), 2, "Missing argument 'DATA'.", "see `forecast train --help`"),
        (("trian",), 2, "No such command 'trian'. Did you mean 'train'?", "see `forecast --help`"),
        (("train", "short.csv", "--horizn", "3"), 2, "No such option: --horizn (Possible options: --horizon, --short)", "see `forecast train --help`"),
        ((), 2, "no command given", "try `forecast --help`"),
    ],
)  # fmt: skip
def test_failures_are_one_line_a_hint_and_a_code(
    forecast: Forecast, words: tuple[str, ...], code: int, message: str, hint: str
) -> None:
    Path("empty.csv").write_text("")
    Path("short.csv").write_text("y\n1\n2\n3\n4\n")
    reads = words[:1] == ("train",) and code in (20, 21)
    before = f"reading {words[1]}\n" if reads else ""
    assert forecast(*words) == Result(code, "", f"{before}error: {message}\nhint: {hint}\n")
    if words:
        document = json.loads(forecast(*words, "--json").out)
        assert (document["exit_code"], document["error"], document["hint"]) == (code, message, hint)
        assert document["schema"].startswith("forecast/")
        assert document["schema"].endswith("/v1")
    assert not Path("forecast_runs").exists()


def test_a_wrong_type_is_a_usage_error(forecast: Forecast) -> None:
    result = forecast("train", AIRLINE, "--horizon", "many")
    assert result.code == 2
    assert result.err.startswith("error: Invalid value for '--horizon'")
    assert result.err.count("\n") == 2


def test_every_error_class_has_a_code_of_its_own_in_the_docstring() -> None:
    codes = [
        c.exit_code
        for c in vars(errors).values()
        if isinstance(c, type) and c.__module__ == errors.__name__
    ]
    assert sorted(set(codes)) == [1, 2, 10, 11, 12, 13, 20, 21, 22, 30, 31]
    for kind in vars(errors).values():
        if (
            isinstance(kind, type)
            and issubclass(kind, errors.ForecastError)
            and kind is not errors.ForecastError
        ):
            assert f"- {kind.__name__}" in str(errors.__doc__)


def test_a_damaged_run_is_refused_with_exit_12(forecast: Forecast, store_copy: Path) -> None:
    model = store_copy / "runs" / store.latest(store_copy) / "model.safetensors"
    data = bytearray(model.read_bytes())
    data[-3] ^= 4
    model.write_bytes(data)
    for words in (("predict",), ("plot",), ("runs", "show")):
        result = forecast(*words, "--store", store_copy)
        assert (result.code, result.out) == (12, "")
        assert "its bytes are not those that were published" in result.err
    listed = forecast("runs", "list", "--store", store_copy)
    assert listed.code == 0
    assert "rejected" in listed.out


def test_a_store_that_cannot_be_written_is_exit_30_before_training(
    forecast: Forecast, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    result = forecast("train", AIRLINE, *QUICK, "--store", tmp_path / "file" / "runs")
    assert result.code == 30
    assert result.said.startswith(
        f"error: cannot make the folder {tmp_path}/file/runs/runs: Not a directory\n"
    )
    assert "epoch" not in result.err


def test_a_second_training_at_the_same_time_is_exit_11(forecast: Forecast, tmp_path: Path) -> None:
    root = tmp_path / "forecast_runs"
    with store.lock(root):
        result = forecast("train", AIRLINE, *QUICK)
    assert result.code == 11
    assert result.said.startswith(
        f"error: another command is writing in forecast_runs: pid {os.getpid()} on "
    )
    assert store.names(root) == []


def test_a_degraded_training_is_exit_3_with_reasons(forecast: Forecast) -> None:
    lines = "".join(f"2024-01-{d:02},{d % 7}\n" for d in range(1, 32))
    Path("cut.csv").write_text("day,y\n" + lines + "2024-02")
    result = forecast("train", "cut.csv", *QUICK, "--json")
    assert result.code == 3
    assert json.loads(result.out)["reasons"] == [
        "cut.csv:33: the last line is cut off and was left out"
    ]
    assert result.err == "warning: cut.csv:33: the last line is cut off and was left out\n"


def test_quiet_hides_summaries_but_not_warnings(forecast: Forecast) -> None:
    Path("open.csv").write_text(AIRLINE.read_text().rstrip("\n"))
    result = forecast("train", "open.csv", *QUICK, "--quiet")
    assert result == Result(
        0, "", "warning: open.csv:145: the last line has no newline; it was used\n"
    )


def test_standard_input_trains_and_predict_says_where_it_goes_on_from(tmp_path: Path) -> None:
    trained = shell("train", "-", *QUICK, "--quiet", cwd=tmp_path, input=AIRLINE.read_bytes())
    assert (trained.returncode, trained.stderr) == (0, b"")
    predicted = shell("predict", cwd=tmp_path)
    assert predicted.returncode == 0
    assert b"continues from the rows stored then" in predicted.stderr
    assert predicted.stdout.splitlines()[1].startswith(b"1961-01,")


def test_runs_list_and_show(forecast: Forecast, airline_store: Path) -> None:
    listed = forecast("runs", "list", "--store", airline_store)
    assert "* " + store.latest(airline_store) in listed.out
    document = json.loads(forecast("runs", "list", "--store", airline_store, "--json").out)
    assert [run["horizon"] for run in document["runs"]] == [12]
    shown = forecast("runs", "show", "--run", "1", "--store", airline_store).out
    assert "repeating the value 12 steps earlier has the smallest error" in shown
    details = json.loads(forecast("runs", "show", "--store", airline_store, "--json").out)
    assert (details["schema"], details["plan"]["seed"]) == ("forecast/runs-show/v1", 3)


def test_version(forecast: Forecast) -> None:
    assert forecast("--version") == Result(0, f"forecast {__version__}\n", "")


def test_predict_and_help_load_no_torch(airline_store: Path) -> None:
    """What a command has loaded when it ends, by name."""
    script = (
        "import sys\nfrom forecast_cli.app import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit as stop:\n    code = stop.code\n"
        "print(code, *sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)\n"
    )

    def loaded(*words: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, cwd=ROOT, check=True
        )
        code, *modules = done.stderr.decode().splitlines()[-1].split()
        assert code == "0"
        return modules

    for words in (
        ("predict", "--store", str(airline_store)),
        ("runs", "show", "--store", str(airline_store)),
    ):
        assert {"torch", "matplotlib", "rich"}.isdisjoint(loaded(*words))
    assert {"torch", "pandas", "numpy", "pydantic", "matplotlib", "rich"}.isdisjoint(
        loaded("--help")
    )


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
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == store.load(airline_store).texts["forecast.csv"]
    trained = shell(
        "train", AIRLINE, *QUICK, "--quiet", cwd=tmp_path, env=bare, stdin=subprocess.DEVNULL
    )
    assert (trained.returncode, trained.stdout, trained.stderr) == (0, b"", b"")


def test_names_in_any_script_survive_a_locale_without_utf8(tmp_path: Path) -> None:
    rows = "".join(f"2024-01-{d:02},{d % 7}\n" for d in range(1, 32))
    (tmp_path / "data.csv").write_text("日期,销量\n" + rows, encoding="utf-8")
    bare = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    trained = shell("train", "data.csv", *QUICK, cwd=tmp_path, env=bare)
    assert trained.returncode == 0, trained.stderr
    assert shell("predict", cwd=tmp_path, env=bare).stdout.startswith("日期,forecast".encode())


def test_output_that_is_lost_is_never_exit_0(airline_store: Path, tmp_path: Path) -> None:
    if Path("/dev/full").exists():
        with open("/dev/full", "wb") as full:
            done = shell("predict", "--store", airline_store, stdout=full, stderr=subprocess.PIPE)
        assert done.returncode == 30
        assert b"No space left" in done.stderr
    words = f"{sys.executable} -m forecast_cli predict --store {airline_store}"
    closed = subprocess.run(["sh", "-c", f"{words} >&-"], capture_output=True, cwd=ROOT)
    assert closed.returncode == 30, closed.stderr
    piped = subprocess.run(
        ["bash", "-c", f"{words} | true; echo ${{PIPESTATUS[0]}}"], capture_output=True, cwd=ROOT
    )
    assert (piped.stdout, piped.stderr) in (
        (b"141\n", b""),
        (b"0\n", b""),
    )  # 0 if all was written before `true` ended
    assert (
        shell("predict", "--store", airline_store, "-o", tmp_path / "no" / "out.csv").returncode
        == 30
    )


def test_termination_stops_within_seconds_and_publishes_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "forecast_cli", "train", str(SAMPLES / "hourly.csv"), "--epochs", "5000", "--patience", "0"],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    assert any(b"epoch" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    assert process.wait(30) == 143
    assert time.monotonic() - started < 10
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    assert store.names(tmp_path / "forecast_runs") == []


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


def test_runs_without_a_pointer_are_still_listed(forecast: Forecast, store_copy: Path) -> None:
    (store_copy / "latest.json").unlink()
    assert forecast("predict", "--store", store_copy).err.startswith(
        f"error: {store_copy}/latest.json is gone\nhint: name a run"
    )
    listed = forecast("runs", "list", "--store", store_copy)
    assert (listed.code, "Passengers" in listed.out) == (0, True)
    assert forecast("predict", "--store", store_copy, "--run", "1").code == 0
    assert forecast("predict", "--store", store_copy, "--run", "²").code == 10


def terminal(*words: object, cwd: Path, **extra: str) -> tuple[int, str]:
    """The command on a terminal of its own: exit code, and all that came on the screen."""
    pid, descriptor = pty.fork()
    if pid == 0:  # pragma: no cover
        os.chdir(cwd)
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "COLUMNS": "100",
            **extra,
        }
        os.execve(sys.executable, [sys.executable, "-m", "forecast_cli", *map(str, words)], env)
    screen = b""
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:
            break
        if not part:
            break
        screen += part
    os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_terminal_gets_a_bar_a_table_and_a_sparkline(airline_store: Path, tmp_path: Path) -> None:
    code, screen = terminal("train", AIRLINE, *QUICK, cwd=tmp_path)
    assert code == 0
    assert "training" in screen
    assert "best epoch" in screen
    assert "Target: Passengers\r\n" in screen
    assert "\x1b[" in screen
    code, screen = terminal("predict", cwd=tmp_path)
    assert code == 0
    assert "▁" in screen
    assert "1961-12" in screen
    code, screen = terminal("predict", "--run", "9", cwd=tmp_path, NO_COLOR="1")
    assert code == 10
    assert "\x1b[" not in screen


def test_user_text_cannot_steer_the_terminal(forecast: Forecast) -> None:
    rows = "".join(f"2024-01-{d:02},{d % 7}\n" for d in range(1, 32))
    Path("odd.csv").write_text("day,\x1b[31mred[bold]\n" + rows)
    result = forecast("train", "odd.csv", *QUICK)
    assert result.code == 0
    shown = forecast("runs", "show")
    assert "\x1b" not in shown.out + result.err
    assert "\\x1b[31mred[bold]" in shown.out


def test_every_command_has_help_with_an_example(forecast: Forecast) -> None:
    looks = [
        ("runs", word) for word in ("list", "show", "verify", "rollback", "prune", "pin", "unpin")
    ]
    for words in (("train",), ("predict",), ("plot",), *looks):
        result = forecast(*words, "--help")
        assert result.code == 0
        assert f"Example: forecast {' '.join(words)}" in " ".join(result.out.split())
        for option in ("--json", "--quiet", "--debug", "--store", "--log-format"):
            assert option in result.out
    assert "Example: forecast train" in forecast("--help").out


def test_debug_shows_the_traceback(forecast: Forecast) -> None:
    assert "Traceback" not in forecast("train", "none.csv").err
    assert "Traceback" in forecast("train", "none.csv", "--debug").err


# -- looking after the store, locks, logs ----------------------------------------------------------------------------


def several(root: Path, count: int = 3) -> list[str]:
    """A store with some runs more."""
    with store.lock(root) as lock:
        for _ in range(count - 1):
            store.promote(lock, store.publish(lock, again(root)))
    return store.names(root)


def test_runs_verify_names_what_is_damaged_and_is_exit_12(
    forecast: Forecast, store_copy: Path
) -> None:
    first, second = several(store_copy, 2)
    sound = forecast("runs", "verify", "--store", store_copy)
    assert (sound.code, sound.err) == (0, "")
    assert sound.out.split() == ["run", "verified", first, "ok", second, "ok"]
    (store_copy / "runs" / first / "model.safetensors").write_bytes(b"")
    (store_copy / "runs" / second / "notes\x1b.txt").write_text("mine")
    result = forecast("runs", "verify", "--store", store_copy)
    assert (result.code, result.err.count("\n")) == (12, 3)
    assert result.err.startswith(
        f"warning: {second} holds files that are not of the run; nothing reads them: notes\\x1b.txt\nerror: 1 of 2 runs"
    )
    assert f"{second}  ok" in result.out
    document = json.loads(forecast("runs", "verify", "--store", store_copy, "--json").out)
    assert [run["ok"] for run in document["runs"]] == [False, True]
    assert (document["schema"], document["exit_code"]) == ("forecast/runs-verify/v1", 12)
    assert "its bytes are not those that were published" in document["error"]
    assert forecast("runs", "verify", "--run", "2", "--store", store_copy).code == 0
    (store_copy / "latest.json").write_text("{}")
    document = json.loads(forecast("runs", "verify", "--store", store_copy, "--json").out)
    assert [run["run"] for run in document["runs"]] == ["latest.json", first, second]


def test_runs_verify_without_a_run_is_exit_10(forecast: Forecast) -> None:
    assert forecast("runs", "verify") == Result(
        10, "", "error: no run in forecast_runs\nhint: train one first: forecast train DATA\n"
    )
    for command in ("rollback", "prune", "pin", "unpin"):
        assert forecast("runs", command).code == 10
    assert not Path("forecast_runs").exists()


def test_runs_rollback_prune_and_pin(forecast: Forecast, store_copy: Path) -> None:
    first, second, third = several(store_copy)
    place = ("--store", store_copy)
    assert forecast("runs", "pin", "--run", "1", *place) == Result(0, "", f"{first} is pinned\n")
    assert f"{first} pinned" in forecast("runs", "list", *place).out
    assert forecast("runs", "rollback", *place) == Result(
        0, "", f"the latest run is now {second}\n"
    )
    assert json.loads(forecast("predict", *place, "--json").out)["run"] == second
    assert forecast("runs", "rollback", "--run", "3", *place, "--quiet") == Result(0, "", "")
    assert forecast("runs", "prune", "--keep", "1", *place) == Result(
        0, "", "removed 0 runs, 3 left\n"
    )
    assert forecast("runs", "unpin", "--run", "1", *place) == Result(
        0, "", f"{first} is not pinned\n"
    )
    document = json.loads(forecast("runs", "prune", "--keep", "1", *place, "--json").out)
    assert document == {
        "schema": "forecast/runs-prune/v1", "exit_code": 0, "removed": [first], "left": 2,
    }  # fmt: skip
    assert store.names(store_copy) == [second, third]
    assert forecast("runs", "prune", "--keep", "0", *place).err.startswith(
        "error: --keep must be at least 1, got 0\n"
    )


def test_a_lock_that_is_held_is_waited_for_or_skipped(forecast: Forecast, store_copy: Path) -> None:
    several(store_copy)
    with store.lock(store_copy):
        for words in (("train", AIRLINE), ("runs", "rollback"), ("runs", "prune"), ("runs", "pin")):
            line = (*words, "--store", store_copy)
            failed = forecast(*line)
            assert (failed.code, failed.said.count("\n")) == (11, 2)
            assert f": pid {os.getpid()} on " in failed.err
            assert failed.err.endswith(
                "hint: wait for it (--lock-wait 10m), or use another --store\n"
            )
            skipped = forecast(*line, "--if-locked", "skip", "--lock-wait", "0.2s")
            assert (skipped.code, skipped.out) == (0, "")
            *_, waiting, said = skipped.err.splitlines()
            assert waiting.startswith("waiting for another command: pid ")
            assert said.startswith(f"skipped: another command is writing in {store_copy}: pid ")
            document = json.loads(forecast(*line, "--if-locked", "skip", "--json").out)
            assert (document["exit_code"], len(document["reasons"])) == (0, 1)
        assert forecast("predict", "--store", store_copy).code == 0
    assert forecast("train", AIRLINE, "--lock-wait", "soon").err.startswith(
        "error: --lock-wait: 'soon' is not a duration\nhint: write --lock-wait 30s, 10m or 2h\n"
    )
    assert not (store_copy / "last_run.json").exists()


@pytest.mark.parametrize(
    "words", [("train", AIRLINE, "--epochs", "1", "--units", "3"), ("runs", "pin")]
)
def test_who_waits_for_the_lock_is_told_so_unless_quiet(
    forecast: Forecast, store_copy: Path, words: tuple[object, ...]
) -> None:
    line = (*words, "--store", store_copy, "--lock-wait", "0.5s")
    with store.lock(store_copy):
        holder = (store_copy / "lock").read_text().strip()
        waited = forecast(*line)
        assert (waited.code, waited.out) == (11, "")
        assert waited.said == (
            f"waiting for another command: {holder}\n"
            f"error: another command is writing in {store_copy}: {holder}\n"
            "hint: wait for it (--lock-wait 10m), or use another --store\n"
        )
        assert "waiting" not in forecast(*line, "--quiet").err
        messages = [
            json.loads(text) for text in forecast(*line, "--log-format", "json").err.splitlines()
        ]
        assert f"waiting for another command: {holder}" in [
            message["message"] for message in messages
        ]
        assert json.loads(forecast(*line, "--json").out)["exit_code"] == 11


def test_a_run_that_was_never_promoted_is_listed_as_such(
    forecast: Forecast, store_copy: Path
) -> None:
    latest = store.latest(store_copy)
    with store.lock(store_copy) as lock:
        trial = store.publish(lock, again(store_copy)).name
    listed = forecast("runs", "list", "--store", store_copy)
    assert f"* {latest}  " in listed.out
    assert f"  {trial} not promoted  " in listed.out
    document = json.loads(forecast("runs", "list", "--store", store_copy, "--json").out)
    assert document["latest"] == latest
    assert [(run["run"], run["promoted"]) for run in document["runs"]] == [
        (latest, True),
        (trial, False),
    ]
    assert json.loads(forecast("predict", "--store", store_copy, "--json").out)["run"] == latest
    assert forecast("runs", "verify", "--store", store_copy).code == 0
    assert forecast("runs", "rollback", "--run", "2", "--store", store_copy) == Result(
        0, "", f"the latest run is now {trial}\n"
    )
    assert f"* {trial}  " in forecast("runs", "list", "--store", store_copy).out


def test_the_report_of_the_last_training_is_kept_also_of_a_failed_one(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Path("forecast_runs/last_run.json")
    printed = forecast("train", AIRLINE, *QUICK, "--json")
    assert kept.read_text() == printed.out
    failed = forecast("train", "none.csv", "--json")
    assert json.loads(kept.read_text()) == json.loads(failed.out)
    assert json.loads(kept.read_text())["exit_code"] == 20
    before = kept.read_text()
    assert forecast("predict").code == 0
    assert kept.read_text() == before

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(learning, "learn", fail)
    assert forecast("train", AIRLINE).code == 31
    assert json.loads(kept.read_text())["exit_code"] == 31
    kept.unlink()
    kept.mkdir()
    assert forecast("train", AIRLINE).said.startswith("error: this does not fit in memory\n")
    monkeypatch.undo()


def test_a_report_that_cannot_be_kept_degrades(forecast: Forecast, store_copy: Path) -> None:
    (store_copy / "last_run.json").mkdir()
    result = forecast("train", AIRLINE, *QUICK, "--store", store_copy, "--json")
    assert result.code == 3
    assert json.loads(result.out)["reasons"][0].startswith("last_run.json: cannot write ")


def test_messages_can_be_json_lines(forecast: Forecast, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("open.csv").write_text(AIRLINE.read_text().rstrip("\n"))
    result = forecast("train", "open.csv", *QUICK, "--log-format", "json")
    assert (result.code, result.out) == (0, "")
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert {line["level"] for line in lines} == {"progress", "warning", "info"}
    assert all(list(line)[:3] == ["time", "level", "message"] for line in lines)
    assert lines[0]["message"] == "reading open.csv"
    epochs = [line for line in lines if "epochs" in line]
    assert epochs[0]["message"].startswith("training: epoch 1 of at most 2")
    assert epochs[0]["epochs"] == 2
    assert [line["message"] for line in lines if line["level"] == "warning"] == [
        "open.csv:145: the last line has no newline; it was used"
    ]
    table = next(line for line in lines if "rows" in line)
    assert (table["message"], len(table["rows"])) == ("Held-out last 12 rows", 3)
    monkeypatch.setenv("FORECAST_LOG_FORMAT", "json")
    for words, code in (
        (("train",), 2),
        (("predict", "--run", "9"), 10),
        (("nothing",), 2),
        (("train", "\x1b[1m.csv"), 20),
    ):
        failed = forecast(*words)
        line = json.loads(failed.err.splitlines()[-1])
        assert (failed.code, line["exit_code"], line["level"]) == (code, code, "error")
        assert line["hint"]
        assert "\x1b" not in failed.err
    assert "Traceback" in json.loads(forecast("predict", "--run", "9", "--debug").err)["traceback"]
    assert forecast("predict", "--run", "9", "--log-format", "text").err.startswith(
        "error: no run '9'"
    )
    assert forecast("predict", "--run", "9", "--log-format=text").err.startswith(
        "error: no run '9'"
    )
    monkeypatch.delenv("FORECAST_LOG_FORMAT")
    Path("forecast.toml").write_text('log_format = "json"\n')
    assert (
        json.loads(forecast("predict", "--run", "9", "--config", "forecast.toml").err)["level"]
        == "error"
    )
    assert forecast("predict", "--run", "9").err.startswith("error: no run '9'")


# -- settings from elsewhere, print-config, formats, check -----------------------------------------------------------


def test_settings_come_from_the_file_the_environment_and_the_command_line(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("forecast.toml").write_text(
        'horizon = 6\nepochs = 1\nunits = "4"\nstore = "from_file"\nlevels = "50"\n'
    )
    monkeypatch.setenv("FORECAST_HORIZON", "12")
    monkeypatch.setenv("FORECAST_SEED", "1")
    document = json.loads(forecast("train", AIRLINE, "--config", "forecast.toml", "--json").out)
    assert (
        document["plan"]["horizon"],
        document["plan"]["epochs"],
        document["plan"]["levels"],
    ) == (12, 1, [50.0])
    assert Path(document["folder"]).parent == Path("from_file/runs")
    again = json.loads(
        forecast("train", AIRLINE, "--config", "forecast.toml", "--horizon", "8", "--json").out
    )
    assert again["plan"]["horizon"] == 8
    shown = forecast("predict", "--config", "forecast.toml")
    assert (shown.code, shown.out.splitlines()[0]) == (0, "Month,forecast,lo-50,hi-50")
    monkeypatch.setenv("FORECAST_STORE", "from_environment")
    assert forecast("runs", "list", "--config", "forecast.toml").err.startswith(
        "error: no run in from_environment\n"
    )
    assert forecast("runs", "list", "--store", "from_file").code == 0


def test_an_option_typed_with_its_default_still_beats_the_file(forecast: Forecast) -> None:
    Path("forecast.toml").write_text("seed = 9\nrefit = false\n")
    words = ("train", AIRLINE, "--print-config", "--config", "forecast.toml")
    assert "\nseed 9: as given in forecast.toml\n" in forecast(*words).out
    assert "\nseed 1: as given on the command line\n" in forecast(*words, "--seed", "1").out
    assert "\nrefit false: as given in forecast.toml\n" in forecast(*words).out
    assert "\nrefit true: as given on the command line\n" in forecast(*words, "--refit").out


def test_an_unknown_key_is_refused_and_an_unknown_variable_is_not(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch, airline_store: Path
) -> None:
    Path("forecast.toml").write_text("horizn = 3\n")
    for words in (
        ("train", AIRLINE),
        ("predict",),
        ("check", AIRLINE),
        ("runs", "list"),
        ("plot",),
    ):
        result = forecast(*words, "--config", "forecast.toml")
        assert result == Result(
            2, "", "error: forecast.toml: unknown key 'horizn'\nhint: did you mean 'horizon'?\n"
        )
    monkeypatch.setenv("FORECAST_HORIZN", "3")
    result = forecast("predict", "--store", airline_store, "--quiet")
    assert (result.code, result.err) == (
        0,
        "warning: the environment variable FORECAST_HORIZN is no setting and was ignored; did you mean FORECAST_HORIZON?\n",
    )


def test_print_config_says_what_would_be_used_and_why(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORECAST_BATCH_SIZE", "16")
    result = forecast("train", AIRLINE, "--print-config", "--lookback", "36")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    for line in (
        "time Month: recognized",
        "target Passengers: recognized",
        "id none: there is none",
        "preset auto: default",
        "horizon 12: one main season (monthly)",
        "seasons 12: monthly, with two full seasons in the training part",
        "lag 12: repeating the value 12 steps earlier has the smallest error",
        "lookback 36: as given on the command line",
        "batch_size 16: as given in the environment (FORECAST_BATCH_SIZE)",
        "learning_rate 0.003: 73 training windows",
        "levels 80,95: default",
        "store ./forecast_runs: default",
    ):
        assert line in lines
    assert not Path("forecast_runs").exists()
    assert (
        "lookback 24: two seasons of 12"
        in forecast("train", AIRLINE, "--print-config").out.splitlines()
    )


def test_print_config_json_is_one_document(forecast: Forecast) -> None:
    result = forecast("train", AIRLINE, "--print-config", "--json", "--season", "12")
    document = json.loads(result.out)
    assert (document["schema"], document["exit_code"], result.err) == (
        "forecast/print-config/v1",
        0,
        "",
    )
    settings = {entry["name"]: entry for entry in document["settings"]}
    assert settings["seasons"] == {
        "name": "seasons", "value": [12], "why": "as given on the command line", "from": "command line",
    }  # fmt: skip
    assert {entry["from"] for entry in document["settings"]} == {"command line", "rule", "default"}
    assert {"lookback", "units", "dropout", "threads", "refit", "store"} <= settings.keys()


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


def test_check_says_what_a_file_is_and_the_line_to_type(forecast: Forecast) -> None:
    Path("my data.csv").write_text(AIRLINE.read_text().replace("Month,", "my month,"))
    result = forecast("check", "my data.csv", "--time", "my month", "--horizon", "6")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[-1] == "forecast train 'my data.csv' --time 'my month' --horizon 6"
    assert "shape       1 series of 144 steps" in lines
    assert "auto        horizon 6: as given on the command line" in lines
    assert "auto        lookback 24: two seasons of 12" in lines
    assert not Path("forecast_runs").exists()


def test_check_json_is_one_document(forecast: Forecast) -> None:
    Path("forecast.toml").write_text("epochs = 7\n")
    result = forecast("check", SAMPLES / "panel.csv", "--json", "--config", "forecast.toml")
    document = json.loads(result.out)
    assert (result.code, document["schema"], document["series"]) == (0, "forecast/check/v1", 8)
    assert [f["name"] for f in document["findings"]][:4] == [
        "shape",
        "columns",
        "frequency",
        "span",
    ]
    assert document["train"] == f"forecast train {SAMPLES}/panel.csv --config forecast.toml"
    assert {
        "name": "epochs",
        "value": 7,
        "why": "as given in forecast.toml",
        "from": "file",
    } in document["settings"]


@pytest.mark.parametrize(
    ("text", "code", "name", "message", "hint"),
    [
        ("t,y\n2024-01-01,1\n2024-01-02,x\n2024-01-03,3\n", 20, "reading", "d.csv:3: column 'y': 'x' is not a number", "name missing values with --null (besides empty, NA, NaN and null), correct these cells, or use --bad-rows skip"),
        ("y\n1\n2\n3\n", 21, "training", "3 rows are too few for horizon 1: at least 5 are needed (2 to look back on, 1 to learn from, 1 for validation, 1 held out)", "give more rows, or a smaller --horizon, --validation or --test"),
    ],
)  # fmt: skip
def test_check_ends_as_training_would_refuse(
    forecast: Forecast, text: str, code: int, name: str, message: str, hint: str
) -> None:
    Path("d.csv").write_text(text)
    result = forecast("check", "d.csv")
    assert (result.code, result.err) == (code, "")
    assert [" ".join(line.split()) for line in result.out.splitlines()][-2:] == [
        f"{name} error: {message}",
        f"hint: {hint}",
    ]
    document = json.loads(forecast("check", "d.csv", "--json").out)
    assert (document["exit_code"], document["error"], document["hint"], document["train"]) == (
        code,
        message,
        hint,
        None,
    )
    assert document["findings"][-1] == {
        "name": name,
        "text": message,
        "level": "error",
        "details": {"hint": hint},
    }
    assert forecast("train", "d.csv").code == code


def test_the_line_that_check_gives_is_the_line_that_trains(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shlex

    monkeypatch.setenv("FORECAST_EPOCHS", "1")
    monkeypatch.setenv("FORECAST_REFIT", "no")
    line = forecast("check", AIRLINE, "--horizon", "3", "--past", "").out.splitlines()[-1]
    words = shlex.split(line)
    assert words[:2] == ["forecast", "train"]
    monkeypatch.delenv("FORECAST_EPOCHS")
    monkeypatch.delenv("FORECAST_REFIT")
    document = json.loads(forecast(*words[1:], "--units", "4", "--json").out)
    assert (document["plan"]["epochs"], document["plan"]["refit"], document["plan"]["horizon"]) == (
        1,
        False,
        3,
    )


def test_check_has_help_with_an_example_and_loads_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom forecast_cli.app import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(*sorted(m for m in sys.modules if '.' not in m), file=sys.stderr)\n"
    )
    for words in (("check", str(AIRLINE)), ("train", str(AIRLINE), "--print-config")):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, cwd=ROOT, check=True
        )
        assert {"torch", "matplotlib", "rich"}.isdisjoint(
            done.stderr.decode().splitlines()[-1].split()
        )
    shown = shell("check", "--help", cwd=tmp_path).stdout.decode()
    assert "Example: forecast check sample_data/panel.csv" in shown


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_terminal_gets_tables_of_settings_and_findings_and_no_parquet(
    airline_store: Path, tmp_path: Path
) -> None:
    code, screen = terminal("train", AIRLINE, "--print-config", cwd=tmp_path)
    assert code == 0
    assert "two seasons of 12" in screen
    assert "setting" in screen
    code, screen = terminal("check", AIRLINE, cwd=tmp_path)
    assert code == 0
    assert "monthly" in screen
    code, screen = terminal(
        "predict", "--store", airline_store, "--format", "parquet", cwd=tmp_path
    )
    assert code == 2
    assert "goes to a terminal only into a file" in screen


def test_predict_reads_new_rows_by_settings_of_its_own(
    forecast: Callable[..., Result], write: Callable[..., Path]
) -> None:
    """What the run was trained with stands in the way of rows that came later: no cron job may be stuck."""
    days = [f"2024-01-{day:02}" for day in range(1, 31)]
    path = write("day,y\n" + "".join(f"{day},{n % 7}\n" for n, day in enumerate(days)))
    assert forecast("train", path, "--epochs", 1, "--units", 4, "--gaps", "error").code == 0
    write("day,y\n" + "".join(f"{day},{n % 7}\n" for n, day in enumerate(days) if n != 20))
    assert forecast("predict").code == 20
    result = forecast("predict", "--gaps", "zero")
    assert (result.code, result.out.splitlines()[1][:10]) == (0, "2024-01-31")
