"""Workers of a Ray cluster carry out trainings together. Each test is a process with a time limit."""

from __future__ import annotations

import copy
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forecast_cli import engine, members, planning, windows
from forecast_cli.engine import HERE, Batch, Engine, Place, State
from forecast_cli.engine.cluster import Begun, Cluster
from forecast_cli.engine.data_parallel import Together, _Done, _Memory
from forecast_cli.errors import DivergedError, SettingsError, WorkerLostError
from forecast_cli.members import Execution
from forecast_cli.members.states import taking_down
from forecast_cli.panel import from_series
from forecast_cli.progress import Epoch, MemberDone
from forecast_cli.sources import settings_from
from forecast_cli.store import Checkpoint
from forecast_cli.training import ALONE, FitOptions, Fitted, Fold, Snapshot, TrainingData
from tests.conftest import ROOT, daily

needs_ray = [
    pytest.mark.slow,
    pytest.mark.usefixtures("ray_that_starts"),
]
PANEL = from_series([np.sin(np.arange(90) / 3) + 0.1 * np.random.default_rng(1).normal(size=90)])
WORKERS, EPOCHS, LAST = 2, 6, 3  # the epoch after which a worker is lost
TIME_LIMIT = 1500  # seconds until it is a hang; a group takes 5 to 20 of them to start, and more on a busy machine

Tell = Callable[[Any], None]


def planned() -> planning.Plan:
    settings = settings_from(
        horizon=3, lookback=8, units="4", seed=4, dropout=0, patience=0, epochs=EPOCHS, members=2
    )
    return replace(planning.make(PANEL, settings), epochs=EPOCHS)


def data_and_folds() -> tuple[TrainingData, list[Fold]]:
    first = np.zeros(1, int)
    fold = Fold(
        windows.between(PANEL, 8, 3, first, first + 60),
        windows.between(PANEL, 8, 3, first + 60, first + 80),
    )
    return TrainingData(PANEL.values, planned()), [fold]


def trained(where: Engine, heard: list[Any]) -> list[Fitted]:
    data, folds = data_and_folds()
    execution = Execution(report=heard.append, engine=where)
    return members.train_members(data, folds, [FitOptions()] * 2, execution)


# -- in the process of the command, and in the workers -----------------------------------------


@dataclass(frozen=True)
class Losing:
    """The training of a member by workers of which the second ends, once or after every epoch."""

    marker: str
    always: bool = False

    def __call__(self, task: members.Task, tell: Tell) -> Fitted:
        def tell_until_the_end(message: Any) -> None:
            tell(message)
            is_due = isinstance(message, Epoch) and message.epoch >= LAST
            is_wanted = self.always or not Path(self.marker).exists()
            if is_due and is_wanted and task.options.share.rank == 1:
                Path(self.marker).touch()
                os.kill(os.getpid(), signal.SIGKILL)

        return members.fit_member(task, tell_until_the_end)


def diverge(task: members.Task, tell: Tell) -> Fitted:
    """Every worker raises, once the first one has told that it has begun."""
    tell("begun")
    task.options.share.agreed(answer=True)
    raise DivergedError("the loss is not finite", "use a smaller rate")


def work(folder: Path) -> None:
    """In one cluster: trainings that go well, and others."""
    found: dict[str, Any] = {}
    with engine.opened(Place("ray", WORKERS, together=True)) as together:
        heard: list[Any] = []
        for number, fitted in enumerate(trained(together, heard)):
            np.savez(folder / f"together {number}.npz", **fitted.weights)  # type: ignore[arg-type]
        found["phase"] = heard[0].text
        found["epochs"] = [(e.member, e.epoch) for e in heard if isinstance(e, Epoch)]
        found["repeated"] = together.repeated

        data, folds = data_and_folds()
        task = members.Task(data, tuple(folds), FitOptions())

        def run(name: str, do: Any) -> list[Fitted]:
            heard.clear()
            try:
                return together.run(Batch(do, [task], on_message=heard.append))
            except (DivergedError, WorkerLostError) as error:
                found[name] = [error.exit_code, error.message]
                return []
            finally:
                epochs = [message.epoch for message in heard if isinstance(message, Epoch)]
                found[f"{name} epochs"] = epochs
                found[f"{name} repeated"] = together.repeated

        run("diverged", diverge)
        found["diverged heard"] = heard.copy()
        [fitted] = run("lost once", Losing(str(folder / "lost")))
        np.savez(folder / "lost once.npz", **fitted.weights)  # type: ignore[arg-type]
        run("lost always", Losing(str(folder / "lost"), always=True))
    (folder / "found.json").write_text(json.dumps(found))


# -- tests -------------------------------------------------------------------------------------


def test_a_member_that_another_process_trains_alone_tells_of_its_epochs_only() -> None:
    """What arrives in another process equals what was sent, but is another object."""
    data, folds = data_and_folds()
    heard: list[Any] = []
    members.fit_member(copy.deepcopy(members.Task(data, tuple(folds), FitOptions())), heard.append)
    assert heard
    assert {type(message) for message in heard} == {Epoch}


@pytest.fixture(scope="module")
def folder(ray_that_starts: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("together")
    code = (
        "import sys, pathlib; from tests.engine import test_data_parallel; "
        "test_data_parallel.work(pathlib.Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return folder


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a short name, as sockets need it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="module")
def found(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return found


def test_data_parallel_needs_the_engine_ray(forecast: Callable[..., Any], write: Any) -> None:
    path = write("t,y\n" + "".join(f"{n},{n % 7}\n" for n in range(60)))
    result = forecast("train", path, "--data-parallel", "--workers", 2)
    assert (result.code, result.out) == (2, "")
    assert result.said == (
        "error: --data-parallel is for the workers of a Ray cluster, and the engine is processes\n"
        "hint: add --engine ray, or leave out --data-parallel\n"
    )


def test_a_group_needs_a_processor_for_each_worker() -> None:
    together = Together(Cluster(OfFour, 8, None), asked=8)
    with pytest.raises(SettingsError) as caught:
        assert together.together
    assert caught.value.message == (
        "--data-parallel needs a processor for each worker: the cluster has 4, and --workers asks for 8"
    )
    assert caught.value.hint == "use --workers 4"
    assert Together(Cluster(OfFour, 4, None)).together == 4


def test_a_member_that_is_trained_together_tells_of_its_state_now_and_then() -> None:
    data, folds = data_and_folds()
    told: list[Any] = []
    options = FitOptions(stage="training", share=Numbered())
    fitted = members.fit_member(members.Task(data, tuple(folds), options), told.append)
    states = [message for message in told if isinstance(message, State)]
    assert len(states) < EPOCHS  # they follow within a second
    assert isinstance(told[0], State)  # an epoch that is reported is one that is not lost

    told.clear()
    task = members.Task(data, tuple(folds), options).resumed(states[0].value)
    again = members.fit_member(task, told.append)
    assert next(message.epoch for message in told if isinstance(message, Epoch)) == 2
    for name, values in fitted.weights.items():
        assert again.weights[name].tobytes() == values.tobytes()


def test_states_are_taken_down_in_the_checkpoint_and_not_reported() -> None:
    heard: list[Any] = []
    checkpoint = Checkpoint(None, "")
    snapshot = Snapshot({}, {})
    hear = taking_down(checkpoint, heard.append)
    hear(State(("training", snapshot)))
    hear(MemberDone(1))
    assert checkpoint.running == {"training": snapshot}
    assert heard == [MemberDone(1)]


def test_what_a_group_goes_on_from_is_what_it_told_of_last() -> None:
    memory = _Memory()
    first, second = State("one"), State("two")
    for message in (Begun(0), first, "an epoch", second):
        memory.put(message)
    assert memory.progress() == (set(), second)
    assert memory.take() == [Begun(0), first, "an epoch", second]
    memory.put(_Done(0, "result"))
    assert memory.progress() == ({0}, None)


class OfFour:
    """A cluster of four processors, as Ray tells of it."""

    @staticmethod
    def cluster_resources() -> dict[str, float]:
        return {"CPU": 4.0, "memory": 1e9}


@dataclass(frozen=True)
class Numbered:
    """The share of the only worker of a group."""

    rank: int = 0
    count: int = 1

    add_up = ALONE.add_up
    agreed = ALONE.agreed


class TestOnRay:
    pytestmark = needs_ray

    def test_the_weights_are_those_of_one_process(
        self, folder: Path, found: dict[str, Any]
    ) -> None:
        heard: list[Any] = []
        for number, alone in enumerate(trained(HERE, heard)):
            together = np.load(folder / f"together {number}.npz")
            for name, values in alone.weights.items():
                np.testing.assert_allclose(together[name], values, rtol=1e-5, atol=1e-5)
        assert found["epochs"] == [[e.member, e.epoch] for e in heard if isinstance(e, Epoch)]
        assert found["phase"] == "training 2 members, by 2 workers together"
        assert found["repeated"] == 0

    def test_what_the_work_raises_is_raised_and_not_tried_again(
        self, found: dict[str, Any]
    ) -> None:
        assert found["diverged"] == [22, "the loss is not finite"]
        assert found["diverged heard"] == ["begun"]
        assert found["diverged repeated"] == 0

    def test_a_training_that_loses_a_worker_goes_on_from_what_was_kept(
        self, folder: Path, found: dict[str, Any]
    ) -> None:
        assert found["lost once repeated"] == 1
        epochs = found["lost once epochs"]
        assert (epochs.count(1), epochs[-1]) == (1, EPOCHS)
        data, folds = data_and_folds()
        alone = members.fit_member(
            members.Task(data, tuple(folds), FitOptions()), lambda message: None
        )
        together = np.load(folder / "lost once.npz")
        for name, values in alone.weights.items():
            np.testing.assert_allclose(together[name], values, rtol=1e-5, atol=1e-5)

    def test_a_training_that_loses_workers_again_and_again_fails(
        self, found: dict[str, Any]
    ) -> None:
        code, message = found["lost always"]
        assert code == 32
        assert message.startswith("a training by 2 workers together lost one of them 4 times")
        assert found["lost always repeated"] == 4

    def test_ctrl_c_ends_all_of_it_and_resume_goes_on(
        self, tmp_path: Path, temporary: Path
    ) -> None:
        (tmp_path / "data.csv").write_text(daily(10 + np.sin(np.arange(300) / 3)))
        words = "train data.csv --horizon 3 --lookback 9 --units 4 --members 1 --patience 0"
        command = [sys.executable, "-m", "forecast_cli", *words.split(), "--epochs", "9000"]
        together = ["--engine", "ray", "--workers", "2", "--data-parallel"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}

        with subprocess.Popen(
            [*command, *together], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
        ) as stopped:
            assert stopped.stderr is not None
            line = "begun"
            while line and "epoch " not in line:
                line = stopped.stderr.readline()
            stopped.send_signal(signal.SIGINT)
            _, said = stopped.communicate(timeout=TIME_LIMIT)
        assert stopped.returncode == 130, said
        assert "go on where it stopped: the same command with --resume" in said
        assert list(temporary.iterdir()) == []
        assert [each for each in commands() if str(temporary) in each] == []

        go_on = [*command, "--resume", "--time-limit", "1s"]
        for more, is_resumed in ((together, True), ([], False)):
            done = subprocess.run(
                [*go_on, *more],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
                check=False,
            )
            assert done.returncode in (0, 3), done.stderr
            assert ("trained from the start" not in done.stderr) == is_resumed, done.stderr


def commands() -> list[str]:
    """The command lines of all processes."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()
