"""Tasks on a Ray cluster of this machine: equal results, lost workers, signals, nothing left behind.

Every test is a process of its own with a time limit, since what is tested may hang.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

needs_ray = pytest.mark.usefixtures("ray_that_starts")
LIMIT = 1200  # seconds until it is a hang; Ray takes its time on a busy machine
TINY = ("--epochs", "1", "--members", "2", "--units", "4", "--preset", "classic")


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files that can be looked into, with a name short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="f") as folder:
        yield Path(folder)


def environment(temporary: Path) -> dict[str, str]:
    """Without a home."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}


def python(code: str, folder: Path, temporary: Path) -> str:
    """What a script prints. It ends well within the time limit."""
    script = folder / "script.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        env=environment(temporary),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(*words: object, folder: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forecast_cli", *map(str, words)],
        cwd=folder,
        env=environment(temporary),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.mark.slow
@needs_ray
def test_tasks_messages_errors_and_lost_workers(tmp_path: Path, temporary: Path) -> None:
    """One cluster for all of it, as starting one takes seconds."""
    out = python(
        f"""
from forecast_cli import engine
from forecast_cli.engine import Batch, Place
from forecast_cli.errors import DataError, WorkerLostError
from tests.engine.work import die, die_once, fail, square, tell_or_fail

if __name__ == "__main__":
    heard, order = [], []
    with engine.opened(Place("ray", workers=2)) as running:
        assert (running.is_remote, running.capacity) == (True, 2)
        finished = lambda number, _: order.append(number)
        found = running.run(Batch(square, range(5), 2, finished, heard.append))
        print(found, sorted(heard), sorted(order))

        tasks = [({str(tmp_path)!r}, n) for n in range(3)]
        print(running.run(Batch(die_once, tasks, workers=2)))
        print("repeated:", running.repeated)

        heard.clear()
        try:
            running.run(Batch(fail, range(3), 2, on_message=heard.append))
        except DataError as error:
            print(error.message, "|", error.hint, "|", *heard)

        try:
            running.run(Batch(tell_or_fail, [({str(tmp_path)!r}, n == 0) for n in range(2)], 2))
        except DataError as error:
            heard.clear()
            running.run(Batch(square, range(2), 2, on_message=heard.append))
            print(sorted(heard), "repeated:", running.repeated)
        try:
            running.run(Batch(die, range(2), workers=2))
        except WorkerLostError as error:
            print(error.exit_code, error.message.split(":")[0])
        print(running.run(Batch(square, range(2), workers=2)))
""",
        tmp_path,
        temporary,
    )
    begun = [("begun", number) for number in range(5)]
    assert out.splitlines() == [
        f"[0, 1, 4, 9, 16] {begun} [0, 1, 2, 3, 4]",
        "[0, 1, 2]",
        "repeated: 1",
        "one is too many | take none | about to fail",
        "[('begun', 0), ('begun', 1)] repeated: 1",
        "32 a task lost its worker 4 times",
        "[0, 1]",
    ]
    assert not list(temporary.iterdir())


@pytest.mark.slow
@needs_ray
def test_a_training_on_ray_gives_the_same_bytes(tmp_path: Path, temporary: Path) -> None:
    data = ROOT / "sample_data" / "airline.csv"
    for engine in ("local", "ray"):
        trained = command(
            "train",
            data,
            *TINY,
            "--engine",
            engine,
            "--store",
            engine,
            folder=tmp_path,
            temporary=temporary,
        )
        assert trained.returncode == 0, trained.stderr
        # Ray says nothing of its own, with times in brackets.
        assert not [line for line in trained.stderr.splitlines() if line.startswith(("[", "("))]
    runs = [next((tmp_path / engine / "runs").iterdir()) for engine in ("local", "ray")]
    for name in ("model.safetensors", "forecast.csv", "metrics.json", "config.json"):
        assert (runs[0] / name).read_bytes() == (runs[1] / name).read_bytes(), name


@pytest.mark.slow
@needs_ray
def test_trainings_of_a_backtest_on_ray_give_the_same_forecasts(
    tmp_path: Path, temporary: Path
) -> None:
    data = ROOT / "sample_data" / "airline.csv"
    asked = ("backtest", data, *TINY, "--origins", 2, "--refit", "every")
    for engine in ("local", "ray"):
        done = command(
            *asked, "--engine", engine, "-o", f"{engine}.csv", folder=tmp_path, temporary=temporary
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "local.csv").read_bytes() == (tmp_path / "ray.csv").read_bytes()


@pytest.mark.slow
@needs_ray
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_training_on_ray_and_leaves_nothing_behind(
    tmp_path: Path, temporary: Path, number: signal.Signals
) -> None:
    data = ROOT / "sample_data" / "panel.csv"
    words = ("train", data, "--future", "promo", "--members", "4", "--engine", "ray")
    process = subprocess.Popen(
        [sys.executable, "-m", "forecast_cli", *map(str, words)],
        cwd=tmp_path,
        env=environment(temporary),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.startswith("training 4 members"):
            break
    assert process.poll() is None, lines
    os.killpg(process.pid, number)  # as a terminal does
    _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 128 + number, err
    assert err.count("error: ") == 1
    assert f"error: stopped by signal {number.value}; nothing was published\n" in err
    assert not list(temporary.iterdir())


HELD = """
import sys
import ray
from tests.engine.work import hold

ray.init(num_cpus=1, include_dashboard=False, _temp_dir=sys.argv[1], log_to_driver=False)
task = ray.remote(num_cpus=1)(hold).remote(sys.argv[2])
while ray.available_resources().get("CPU", 0):
    pass
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@needs_ray
def test_a_command_whose_processors_are_taken_by_others_says_that_it_waits(
    tmp_path: Path, temporary: Path
) -> None:
    data = ROOT / "sample_data" / "airline.csv"
    env = environment(temporary) | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": 64 * "a"}
    with subprocess.Popen(
        [sys.executable, "-c", HELD, str(temporary), str(tmp_path)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        address = holder.stdout.readline().strip()
        words = ("train", data, *TINY, "--engine", "ray", "--address", address)
        with subprocess.Popen(
            [sys.executable, "-m", "forecast_cli", *map(str, words)],
            cwd=tmp_path,
            env=env,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stderr is not None
            lines = []
            for line in process.stderr:
                lines.append(line)
                if line.startswith("waiting"):
                    (tmp_path / "go").touch()
            assert process.wait(LIMIT) == 0, lines
        holder.communicate("", timeout=LIMIT)
    waiting = "waiting for a free processor of the cluster: others are using all 1\n"
    assert [line for line in lines if line.startswith("waiting")] == [waiting]
