"""Errors become words and exit codes; nothing heavy is loaded."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forecast_cli import __version__
from forecast_cli.errors import StoppedError
from tests.commands.helpers import Forecast, shell
from tests.conftest import AIRLINE, HANG, ROOT, SAMPLES, Result


@pytest.mark.parametrize(
    ("words", "code", "message", "hint"),
    [
        (("train", "none.csv"), 20, "none.csv: no such file", "check the path"),
        (("train", "empty.csv"), 20, "empty.csv: the file is empty", "give a CSV file with a header and rows"),
        (("train", "short.csv"), 21, "4 rows are too few for horizon 1: at least 5 are needed (2 to look back on, 1 to learn from, 1 for validation, 1 held out)", "give more rows, or a smaller --horizon, --validation or --test"),
        (("train", "short.csv", "--target", "z"), 20, "short.csv: no column 'z' for --target", "known: y"),
        (("predict",), 10, "no run in forecast_runs", "train one first: forecast train DATA; or use --run base, which needs no training"),
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


# -- signals -----------------------------------------------------------------------------------

LONG = (
    "train",
    str(SAMPLES / "hourly.csv"),
    "--epochs",
    "5000",
    "--patience",
    "0",
    "--members",
    "1",
)


def training(folder: Path, **options: Any) -> subprocess.Popen[str]:
    """A long training in a process of its own, in its first epochs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "forecast_cli", *LONG],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stderr is not None
    assert any("epoch" in line for line in process.stderr)
    return process


def test_a_terminal_that_is_closed_stops_the_command_as_sigterm_does(tmp_path: Path) -> None:
    with training(tmp_path) as process:
        process.send_signal(signal.SIGHUP)
        _, said = process.communicate(timeout=HANG)
    assert process.returncode == 129
    assert re.findall("^error: .*", said, re.M) == [
        "error: stopped by signal 1; nothing was published"
    ]


def test_after_nohup_a_closed_terminal_is_ignored(tmp_path: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with training(tmp_path, preexec_fn=ignore) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=HANG)
    assert process.returncode == 143
    assert "error: stopped by signal 15; nothing was published\n" in said


def test_the_end_of_a_terminal_ends_the_command_that_draws_on_it(tmp_path: Path) -> None:
    """Nothing more can be shown then, which is no reason for another end."""
    pid, descriptor = pty.fork()
    if pid == 0:  # pragma: no cover
        os.chdir(tmp_path)
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
        os.execve(sys.executable, [sys.executable, "-m", "forecast_cli", *LONG], env)
    screen = b""
    while b"epoch" not in screen:
        screen += os.read(descriptor, 65536)
    os.close(descriptor)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 129
    assert (
        json.loads((tmp_path / "forecast_runs" / "last_run.json").read_text())["exit_code"] == 129
    )


SIGNALS = """
import os, signal, sys, time
from forecast_cli import app
from forecast_cli.errors import StoppedError

app._raise_at_signals()
"""


def script(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SIGNALS + code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )


def test_a_signal_whose_error_python_would_drop_stops_the_command_all_the_same() -> None:
    done = script("""
class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass  # the handler is called in here

try:
    Dropped()
    time.sleep(300)
except StoppedError as error:
    print(error.message)
""")
    assert done.stdout == "stopped by signal 15; nothing was published\n"
    assert done.stderr == ""


def test_an_error_that_comes_of_a_stop_is_that_stop(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict_badly(*_: object, **__: object) -> None:
        try:
            raise StoppedError(signal.SIGTERM)
        finally:
            raise RuntimeError("release unlocked lock")

    monkeypatch.setattr("forecast_cli.workflow.predict", predict_badly)
    result = forecast("predict")
    assert (result.code, result.said) == (
        143,
        "error: stopped by signal 15; nothing was published\nhint: run the command again\n",
    )


def test_a_thread_that_never_ends_does_not_keep_a_stopped_command() -> None:
    done = script("""
import threading

def app_that_is_stopped():
    threading.Thread(target=threading.Event().wait).start()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(300)

app.app = app_that_is_stopped
app.main()
""")
    assert done.returncode == 143
    assert done.stderr.startswith("error: stopped by signal 15; ")


def test_other_errors_that_python_drops_are_shown_as_ever() -> None:
    done = script("""
class Dropped:
    def __del__(self):
        raise ValueError("shown")

Dropped()
""")
    assert done.returncode == 0
    assert done.stderr.startswith("Exception ignored in: <function Dropped.__del__")
    assert done.stderr.endswith("ValueError: shown\n")


@pytest.mark.parametrize("place", ["at once", "at exit", "at the very end"])
def test_a_signal_after_the_end_does_not_change_the_exit_code(place: str) -> None:
    done = script(f"""
import atexit

class Last:
    def __del__(self, kill=os.kill, process=os.getpid(), number=signal.SIGTERM):
        kill(process, number)

app._end_at_once(3)
if {place == "at once"}:
    os.kill(os.getpid(), signal.SIGTERM)
elif {place == "at exit"}:
    atexit.register(os.kill, os.getpid(), signal.SIGTERM)
else:
    os.last = Last()
sys.exit(3)
""")
    assert (done.returncode, done.stderr) == (3, "")


def test_a_signal_before_the_command_begins_is_one_error_too() -> None:
    done = script("""
def app_that_is_stopped():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(300)

app.app = app_that_is_stopped
app.main()
""")
    assert done.returncode == 143
    assert done.stderr == (
        "error: stopped by signal 15; nothing was published\nhint: run the command again\n"
    )


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


def test_debug_shows_the_traceback(forecast: Forecast) -> None:
    assert "Traceback" not in forecast("train", "none.csv").err
    assert "Traceback" in forecast("train", "none.csv", "--debug").err


@pytest.mark.parametrize(
    ("words", "schema"),
    [
        (("train", "check"), "forecast/train/v1"),
        (("train", "runs"), "forecast/train/v1"),
        (("check", "train"), "forecast/check/v1"),
        (("predict", "list"), "forecast/predict/v1"),
        (("runs", "show", "list"), "forecast/runs-show/v1"),
        (("runs", "list", "--store", "show"), "forecast/runs-list/v1"),
        (("runs", "nothing"), "forecast/runs/v1"),
        (("trian", "check"), "forecast/forecast/v1"),
        ((), "forecast/forecast/v1"),
    ],
)
def test_the_schema_of_a_failure_is_that_of_the_command_whatever_its_files_are_called(
    forecast: Forecast, words: tuple[str, ...], schema: str
) -> None:
    document = json.loads(forecast(*words, "--json").out)
    assert document["schema"] == schema
    assert document["exit_code"] != 0


def test_the_hint_to_the_help_names_the_command_and_not_its_files(forecast: Forecast) -> None:
    assert forecast("train", "check", "--x").err.endswith("hint: see `forecast train --help`\n")
    assert forecast("runs", "show", "--x").err.endswith("hint: see `forecast runs show --help`\n")


def test_without_optuna_the_error_has_the_line_that_installs_it(
    forecast: Forecast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    refused = forecast("tune", AIRLINE, "--store", "store")
    assert refused.code == 2
    assert refused.said == (
        "error: tuning needs Optuna, which is not installed\n"
        "hint: pip install 'forecast-cli[tune]'\n"
    )
    assert not Path("store").exists()
