"""Nothing that is read can run code, reach the network, leave its folder, or steer the terminal."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from benchmarks.attacks.baits import baits, seal
from benchmarks.attacks.stores import new_store
from forecast_cli import store, workflow
from forecast_cli.errors import ForecastError
from forecast_cli.reading import read_csv
from forecast_cli.tables import forecast_csv
from tests.conftest import AIRLINE, ROOT, Result
from tests.store.helpers import FILES

Forecast = Callable[..., Result]
MODULES = sorted((ROOT / "forecast_cli").rglob("*.py"))

# -- what the source never says --------------------------------------------------------------------------------------

IMPORTS = {
    "asyncio", "cloudpickle", "code", "ctypes", "dbm", "dill", "ftplib", "http", "imp", "joblib", "marshal", "pickle",
    "pty", "requests", "runpy", "shelve", "smtplib", "socket", "socketserver", "ssl", "subprocess", "tarfile", "telnetlib",
    "urllib", "urllib3", "xmlrpc", "yaml", "zipfile", "zipimport",
}  # fmt: skip
NAMES = {"eval", "exec", "compile", "__import__", "globals", "breakpoint", "input"}
METHODS = {
    "import_module", "load_module", "exec_module", "spec_from_file_location", "system", "popen", "fork", "forkpty",
    "execv", "execve", "execvp", "execl", "execlp", "spawnv", "spawnl", "posix_spawn", "read_pickle", "to_pickle",
    "load_library", "query",
}  # fmt: skip
LOADERS = {"torch.load", "torch.save", "torch.hub", "torch.jit.load", "np.load", "np.save", "np.savez", "numpy.load", "pd.eval"}  # fmt: skip

ALLOWED = {
    # The names of the Python API are loaded when they are first used, from a table in the source.
    "__init__.py": {"importlib.import_module"},
    # Whether anybody listens at the --address of a Ray cluster.
    "engine/connection.py": {"socket"},
    # A ping that the user asked for with --ping-file.
    "monitoring/ping.py": {
        "urllib", "urllib.error", "urllib.parse", "urllib.request", "http.client", "socket", "ssl"
    },
}  # fmt: skip


def forbidden(source: str) -> list[str]:
    """What in a module could run code from a file, start a program or reach the network."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in IMPORTS]
        elif (
            isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.split(".")[0] in IMPORTS
        ):
            found.append(node.module)
        elif isinstance(node, ast.Attribute) and (
            node.attr in METHODS or ast.unparse(node) in LOADERS
        ):
            found.append(ast.unparse(node))
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            found += [called] if called in NAMES else []
            found += [
                k.arg
                for k in node.keywords
                if k.arg in ("shell", "allow_pickle", "weights_only", "trust_remote_code")
            ]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_can_run_what_it_reads(path: Path) -> None:
    allowed = ALLOWED.get(str(path.relative_to(ROOT / "forecast_cli")), set())
    assert set(forbidden(path.read_text())) == allowed


def test_the_names_of_the_api_come_from_its_own_table() -> None:
    assert (
        "importlib.import_module(_HOMES[name])"
        in (ROOT / "forecast_cli" / "__init__.py").read_text()
    )


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from urllib.request import urlopen", "eval('1')", "torch.load('a')", "os.system('a')",
     "np.load('a', mmap_mode='r')", "f(shell=True)", "from importlib import import_module\nimportlib.import_module(x)",
     "__import__(x)", "compile(x, '', 'exec')", "os.execv(a, b)", "frame.query(x)", "import http.client"],
)  # fmt: skip
def test_the_ban_sees_what_it_is_for(line: str) -> None:
    assert forbidden(line)


# -- what happens while a run is read --------------------------------------------------------------------------------

WATCHED = """
import contextlib, os, sys, sysconfig
from pathlib import Path
from forecast_cli.app import app

root, lines = os.path.abspath(sys.argv[1]), [line.split("|") for line in sys.argv[2:]]
seen, armed = [], False
FORBIDDEN = ("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "subprocess.", "socket.", "pickle.",
             "marshal.load", "ctypes.", "urllib.", "http.", "ftplib.", "smtplib.", "webbrowser.", "code.__new__", "pty.")
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.link",
           "os.symlink", "os.utime", "shutil.")
# What evaluates the annotations in our own source, and imports installed modules; neither gets a text from a file.
TRUSTED = ("<frozen importlib._bootstrap", os.path.join(sysconfig.get_path("purelib"), "pydantic"),
           *(os.path.join(os.path.dirname(os.__file__), name) for name in ("typing.py", "inspect.py")))

def watch(event, values):
    if not armed:
        return
    if event.startswith(FORBIDDEN):
        seen.append(f"{event} {values}")
    elif event in ("exec", "compile"):
        frame = sys._getframe(1)
        while frame and not frame.f_code.co_filename.startswith(TRUSTED):
            frame = frame.f_back
        if frame is None:
            seen.append(f"{event} {values}")
    elif event == "open" and isinstance(values[0], (str, bytes)) and os.fsdecode(values[0]).startswith(root):
        if values[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC) and "plots" not in os.fsdecode(values[0]):
            seen.append(f"{event} {values}")
    elif event.startswith(CHANGES):
        path = os.fsdecode(values[0])
        if path.startswith(root) and "plots" not in path:
            seen.append(f"{event} {values}")

sys.addaudithook(watch)
for armed in (False, True):  # the first time libraries load what they need
    for line in lines:
        try:
            app([*line, "--store", root, "--quiet"])
        except SystemExit as stop:
            print(line, stop.code, file=sys.stderr)
print("SEEN", *seen, sep="\\n")
"""


@pytest.fixture(scope="module")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_store(tmp_path_factory.mktemp("small"))


def watched(root: Path, folder: Path) -> tuple[list[str], str]:
    """All that the reading commands do that they must not do, and what they said."""
    lines = [f"predict|{AIRLINE}", "predict|--json", "plot", f"plot|-o|{folder / 'pictures'}", "runs|list|--json", "runs|show", "runs|verify"]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(root), *lines], capture_output=True, text=True, check=True, cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "MPLCONFIGDIR": str(folder / "cache")},
    )  # fmt: skip
    return done.stdout.partition("SEEN\n")[2].splitlines(), done.stderr


def test_reading_a_run_starts_nothing_and_changes_nothing(
    small_store: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(small_store, tmp_path / "store"))
    seen, said = watched(root, tmp_path)
    assert seen == []
    assert said.count("] 0\n") == 14, said
    assert (tmp_path / "pictures" / "loss.png").exists()


def test_reading_a_hostile_run_starts_nothing_and_changes_nothing(
    small_store: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(small_store, tmp_path / "store"))
    canary = tmp_path / "canary"
    bait = baits(tmp_path, canary)
    seal(
        root,
        {
            "model.safetensors": bait["zip"],
            "config.json": bait["pickle 2"],
            "history.csv": bait["python"],
        },
    )
    seen, said = watched(root, tmp_path)
    assert seen == []
    assert said.count("] 12\n") == 12, said  # `runs list` names it, and goes on
    assert not canary.exists()


def test_the_watch_sees_what_it_is_for(tmp_path: Path) -> None:
    script = WATCHED.replace(
        "app([",
        f"open({str(tmp_path / 'x')!r}, 'w'); __import__('os').system('true'); eval('1'); app([",
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), "runs|list"], capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    kinds = {line.split()[0] for line in done.stdout.partition("SEEN\n")[2].splitlines()}
    assert kinds == {"open", "os.system", "compile", "exec"}


# -- any content -----------------------------------------------------------------------------------------------------

VALUES: list[Any] = [
    None, True, False, 0, 1, 2, 3, -1, 7, 1000, 10**6, 2**31, 10**17, -(10**17), 0.5, -0.5, 1e-300, 1e300, "", "a", "1", "\0",
    "../../../etc/passwd", "/dev/zero", "%", "%Y", "%n%t" * 40, "+25:99", "Z", "UTC", "Europe/Berlin", "localtime", "zip",
    "rot13", "idna", "step", "fixed", "business", "months", "minmax", "spread", "log", "refuse", "drop", "all", "\u202e\x1b[2J",
    "x" * 5000, [], [0], [1, 2], ["a", "a"], [[]], [-1] * 5, {}, {"a": 1}, {"a": ["b"]}, {"a": {"a": {}}},
]  # fmt: skip


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in nested JSON."""
    found = [path] if path else []
    items = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content[:3])
        if isinstance(content, list)
        else ()
    )
    for key, value in items:
        found += places(value, (*path, key))
    return found


def change_json(data: bytes, where: int, value: Any, how: str) -> bytes:
    content = json.loads(data)
    found = places(content)
    *way, last = found[where % len(found)]
    inside = content
    for key in way:
        inside = inside[key]
    if how == "remove":
        del inside[last]
    elif how == "add" and isinstance(inside, dict):
        inside["extra"] = value
    elif how == "repeat" and isinstance(inside, list):
        inside.append(inside[last])
    else:
        inside[last] = value
    return json.dumps(content).encode()


def change_tensors(data: bytes, where: int, value: Any, how: str) -> bytes:
    tensors = load_tensors(data)
    name = sorted(tensors)[where % len(tensors)]
    if how == "remove":
        del tensors[name]
    elif how == "add":
        tensors["extra"] = tensors[name]
    elif how == "repeat":
        tensors[name] = np.repeat(tensors[name][None], 2, axis=0)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        with np.errstate(all="ignore"):
            tensors[name] = np.full(tensors[name].shape, float(value)).astype(tensors[name].dtype)
    else:
        with np.errstate(all="ignore"):
            others: dict[type, Any] = {str: np.float16, list: np.int64, dict: np.bool_}
            tensors[name] = tensors[name].astype(others.get(type(value), np.uint8))
    return save_tensors(tensors)


def use(root: Path) -> None:
    """Everything that a command does with a run; only a ForecastError may come out of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # absurd numbers may overflow
        for work in (
            lambda: store.load(root),
            lambda: store.verify(root, store.latest(root)),
            lambda: forecast_csv(workflow.predict(AIRLINE, store_folder=root).forecast),
            lambda: forecast_csv(workflow.predict(store_folder=root, levels=(50,)).forecast),
        ):
            with contextlib.suppress(ForecastError):
                work()


@given(
    name=st.sampled_from(["config.json", "series.json", "metrics.json", "manifest.json", "model.safetensors", "series.safetensors"]),
    changes=st.lists(
        st.tuples(st.integers(0, 200), st.sampled_from(VALUES), st.sampled_from(["set", "set", "set", "remove", "add", "repeat"])),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_sealed_run_of_any_content_works_or_is_refused(
    small_store: Path, tmp_path: Path, name: str, changes: list[tuple[int, Any, str]]
) -> None:
    root = Path(shutil.copytree(small_store, tmp_path / "store"))
    try:
        data = (root / "runs" / store.latest(root) / name).read_bytes()
        for where, value, how in changes:
            with contextlib.suppress(KeyError, IndexError, TypeError, ZeroDivisionError):
                data = (change_json if name.endswith("json") else change_tensors)(
                    data, where, value, how
                )
        seal(root, {name: data})
        use(root)
    finally:
        shutil.rmtree(root)


@given(name=st.sampled_from(FILES), data=st.binary(max_size=200), keep=st.integers(0, 400))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_sealed_run_of_any_bytes_works_or_is_refused(
    small_store: Path, tmp_path: Path, name: str, data: bytes, keep: int
) -> None:
    root = Path(shutil.copytree(small_store, tmp_path / "store"))
    try:
        seal(root, {name: (root / "runs" / store.latest(root) / name).read_bytes()[:keep] + data})
        use(root)
    finally:
        shutil.rmtree(root)


@given(data=st.binary(max_size=300))
@example(data=b'"')
@example(data=b'\n"')
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(data)
    with contextlib.suppress(ForecastError):
        read_csv(path)


CELLS = ["", "1", "-2.5", "1e400", "NaN", "0x1p3", "1_0", "٣", "2024-01-01", "2024-01-02T03:04:05+02:00", "9999-12-31", "0001-01-01", "-5-01-01", "a", '"', '""', "\0", "\x1b[2J", "\u202e", "1,5", "1 000", "1.234.567,8", "99999999999999999999", "24:00", "é", "\ud800"]  # fmt: skip


@given(
    rows=st.lists(st.lists(st.sampled_from(CELLS), min_size=1, max_size=4), min_size=1, max_size=8),
    mark=st.sampled_from([",", ";", "\t", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
)
@example(rows=[["a", "b"], ["9999-12-31", "1"], ["9999-12-30", "2"]], mark=",", end="\n")
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_table_is_read_or_refused(
    tmp_path: Path, rows: list[list[str]], mark: str, end: str
) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(end.join(mark.join(row) for row in rows).encode("utf-8", "surrogatepass"))
    with contextlib.suppress(ForecastError):
        read_csv(path)


# -- what a user wrote -----------------------------------------------------------------------------------------------

NASTY = "[red]x[/red]\x1b[2J\x07\u202e\u2066\x9b31m"
SHOWN = "[red]x[/red]\\x1b[2J\\x07\\u202e\\u2066\\x9b31m"


def nasty_panel(count: int = 40) -> str:
    rows = [
        f"{name},2024-02-{1 + d % 28:02} {d // 28:02}:00,{d % 7}\n"
        for name in (NASTY, "b")
        for d in range(28)
    ]
    return f"id{NASTY},day{NASTY},sales{NASTY}\n" + "".join(rows)


def is_harmless(text: str) -> bool:
    return not any(c in text for c in "\x1b\x07\x9b\u202e\u2066")


def test_user_text_is_escaped_on_screen_and_kept_in_data(forecast: Forecast) -> None:
    path = Path(f"data{NASTY.replace('/', '')}.csv")
    path.write_text(nasty_panel(), encoding="utf-8")
    columns = ("--id", f"id{NASTY}", "--time", f"day{NASTY}", "--target", f"sales{NASTY}")
    trained = forecast("train", path, *columns, "--epochs", "1", "--units", "3", "--members", "1")
    assert trained.code == 0, trained.err
    shown = forecast("runs", "show")
    assert f"sales{SHOWN}" in shown.out
    listed = forecast("runs", "list")
    checked = forecast("check", path, *columns)
    for result in (trained, shown, listed, checked):
        assert is_harmless(result.out + result.err)
    document = json.loads(forecast("predict", "--json").out)
    assert (document["target"], document["forecast"][0]["id"]) == (f"sales{NASTY}", NASTY)
    assert forecast("predict").out.startswith(
        f"id{NASTY},day{NASTY},forecast,"
    )  # a file keeps the bytes


@pytest.mark.parametrize(
    "words",
    [("train", NASTY), ("train", "d.csv", "--target", NASTY), ("train", "d.csv"), ("train", "d.csv", NASTY), (NASTY,),
     ("predict", "--run", NASTY), ("predict", "--store", f"s{NASTY}"), ("train", "d.csv", "--units", NASTY),
     ("train", "d.csv", f"--{NASTY}"), ("train", "d.csv", "--config", NASTY), ("runs", NASTY), ("runs", "verify", "--run", NASTY)],
)  # fmt: skip
def test_errors_quote_user_text_escaped(forecast: Forecast, words: tuple[str, ...]) -> None:
    Path("d.csv").write_text(f"day,y\n2024-01-01,{NASTY}\n2024-01-02,2\n", encoding="utf-8")
    for log_format in ("text", "json"):
        result = forecast(*words, "--log-format", log_format)
        assert result.code in (2, 10, 20)
        assert is_harmless(result.err)
    document = json.loads(forecast(*words, "--json").out)
    assert document["exit_code"] == result.code


@pytest.mark.parametrize("path", ["http://example.org/d.csv", "https://example.org/d.csv", "s3://bucket/d.csv", "ftp://h/d.parquet", "file:///d.csv"])  # fmt: skip
def test_a_url_is_never_read(forecast: Forecast, path: str) -> None:
    for words in (("train", path), ("check", path, "--quiet")):
        result = forecast(*words)
        assert result.code == 20
        assert f"{path}: a URL is never read" in result.err + " ".join(result.out.split())


def test_a_zip_archive_is_never_read(forecast: Forecast) -> None:
    import zipfile

    with zipfile.ZipFile("d.zip", "w") as archive:
        archive.write(AIRLINE, "d.csv")
    shutil.copy("d.zip", "d.csv")
    for name in ("d.zip", "d.csv"):
        result = forecast("train", name)
        assert (result.code, result.out) == (20, "")
        assert (
            result.said
            == f"error: {name}: a zip archive is not read\nhint: give the CSV file itself\n"
        )


def test_no_name_of_a_series_becomes_a_path(forecast: Forecast, tmp_path: Path) -> None:
    names = ["../../escape", "/etc/passwd", "a/b", "..", "nul\\x", "x" * 300]
    rows = "".join(f"{name},2024-01-{d:02},{d % 7}\n" for name in names for d in range(1, 29))
    Path("d.csv").write_text("unique_id,ds,y\n" + rows)
    before = {path for path in tmp_path.parent.rglob("*") if "forecast_runs" not in path.parts}
    assert (
        forecast(
            "train",
            "d.csv",
            "--epochs",
            "1",
            "--units",
            "3",
            "--members",
            "1",
            "--from",
            "none",
            "--quiet",
        ).code
        == 0
    )
    assert forecast("plot", "-o", "pictures", "--quiet").code == 0
    new = {
        path for path in tmp_path.parent.rglob("*") if "forecast_runs" not in path.parts
    } - before
    assert sorted(path.name for path in new) == ["loss.png", "pictures", "predictions.png"]
    found = {path.name for path in Path("forecast_runs").rglob("*")} - {
        store.latest(Path("forecast_runs"))
    }
    assert found == {
        *FILES, "manifest.json", "plots", "loss.png", "predictions.png", "runs", "store.json", "latest.json", "lock", "last_run.json",
        "unpromoted",
    }  # fmt: skip
