"""All workers of a Ray cluster as one: they carry out each task together, by Ray Train.

Ray Train starts a process for each worker, joins them in a process group of PyTorch (gloo on
processors, nccl on GPUs) and starts all of them again where one is lost. How far a task is, is
kept by an actor beside the command, so that no file system need be shared. Where it is lost with
the command, `--resume` goes on from the store.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic

from forecast_cli.engine.cluster import (
    REPEATS,
    STOPPING,
    Begun,
    Channel,
    Cluster,
    Origin,
    beside,
    opened_cluster,
)
from forecast_cli.engine.connection import PAUSE, first_line, temporary_folder
from forecast_cli.engine.contract import Batch, Divisible, Place, Result, State, Task, Work, unheard
from forecast_cli.engine.signals import Signals
from forecast_cli.engine.waiting import Wait
from forecast_cli.errors import SettingsError, WorkerLostError

SILENCE = 300  # seconds that a worker waits for another one, which is lost then
# What Ray Train reads from the environment of the process that starts it.
TRAIN_ENVIRONMENT = {
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@dataclass
class Together:
    """A cluster whose workers carry out divisible tasks together, one task after the other.

    Tasks that are not divisible are handed to the cluster as ever.
    """

    cluster: Cluster
    asked: int | None = None
    kind: str = "CPU"
    is_remote: bool = False
    capacity: int | None = 1

    @property
    def together(self) -> int:
        return self._size(self.kind)

    @property
    def repeated(self) -> int:
        return self.cluster.repeated

    def is_here(self, workers: int, tasks: int) -> bool:
        return False

    def run(self, batch: Batch[Task, Result]) -> list[Result]:
        tasks = batch.tasks
        if not tasks or not all(isinstance(task, Divisible) for task in tasks):
            return self.cluster.run(batch)

        on_gpu = any(task.on_gpu for task in tasks if isinstance(task, Divisible))
        self.kind = "GPU" if on_gpu else "CPU"
        # The folder is removed by this process, whatever becomes of the others. Ray Train wants
        # one, and nothing of the training is in it.
        with temporary_folder() as folder, Signals() as signals:
            size = self._size(self.kind)
            memory = beside(self.cluster.ray, _Memory).remote()
            job = _Job(
                Origin.of(memory), batch.work, tuple(tasks), size, on_gpu=on_gpu, folder=folder
            )
            return self._conducted(job, batch, signals)

    def _conducted(self, job: _Job, batch: Batch[Task, Result], signals: Signals) -> list[Result]:
        """Let a group carry out a job, and listen until it is done."""
        ray, memory = self.cluster.ray, job.origin.channel
        hearing: _Hearing[Result] = _Hearing(self.cluster, batch)
        wait = None
        if self.cluster.is_shared:
            wait = Wait.beginning(ray, batch.on_message, job.size, self.kind)

        # An actor and no task: of a task that is canceled, Ray may end this process, too.
        conductor = beside(ray, _Conductor, runtime_env={"env_vars": TRAIN_ENVIRONMENT}).remote()
        reference = conductor.conduct.remote(job)
        try:
            is_over = False
            while not is_over and hearing.failure is None:
                signals.raise_late()
                is_over = bool(ray.wait([reference], timeout=PAUSE)[0])
                hearing.hear(ray.get(memory.take.remote()))
                if wait is not None:
                    wait.look(has_begun=hearing.begun)
            if hearing.failure is not None:
                # Usually all workers fail alike. If only one did, the others would wait for it.
                ray.wait([reference], timeout=STOPPING)
                hearing.hear(ray.get(memory.take.remote()))
                raise hearing.failure
            self.cluster.result(reference)
        finally:
            ray.kill(conductor)
            ray.kill(memory)
        return [hearing.results[number] for number in range(len(batch.tasks))]

    def _size(self, kind: str) -> int:
        """The workers of a group. Raises SettingsError where the cluster has no place for them."""
        there = int(self.cluster.ray.cluster_resources().get(kind, 0))
        size = self.asked or there
        if size > there or not size:
            what = "GPU" if kind == "GPU" else "processor"
            raise SettingsError(
                f"--data-parallel needs a {what} for each worker: the cluster has {there:,}, and "
                f"--workers asks for {max(size, 1):,}",
                f"use --workers {there}" if there else "use --device cpu",
                option="workers" if there else "device",
            )
        return size


@contextlib.contextmanager
def opened_together(place: Place) -> Iterator[Together]:
    """The cluster of a place, as one.

    Raises what `opened_cluster` raises, and SettingsError where it has too few processors.
    """
    with opened_cluster(place) as cluster:
        together = Together(cluster, place.workers)
        if not cluster.ray.cluster_resources().get("GPU", 0):
            together._size("CPU")
        yield together


# -- messages ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Done:
    """The result of a task."""

    number: int
    result: Any


@dataclass(frozen=True, eq=False)
class _Failed:
    """What a worker raised: it would raise it again, however often it is started."""

    error: Exception


@dataclass
class _Hearing(Generic[Result]):
    """What the command does with messages of the workers."""

    cluster: Cluster
    batch: Batch[Any, Result]
    begun: bool = False
    failure: Exception | None = None
    results: dict[int, Result] = field(default_factory=dict)

    def hear(self, messages: list[Any]) -> None:
        for message in messages:
            self._hear(message)

    def _hear(self, message: Any) -> None:
        if isinstance(message, _Failed):
            self.failure = self.failure or message.error
        elif isinstance(message, Begun):
            self.cluster.repeated += self.begun
            self.begun = True
        elif isinstance(message, _Done):
            self.results[message.number] = message.result
            self.batch.finished(message.number, message.result)
        else:
            self.batch.on_message(message)


class _Memory(Channel):
    """Messages, and how far the tasks are: what a group that is started again goes on from."""

    def __init__(self) -> None:
        super().__init__()
        self.done: set[int] = set()
        self.state: State | None = None

    def put(self, message: Any) -> None:
        super().put(message)
        if isinstance(message, State):
            self.state = message
        elif isinstance(message, _Done):
            self.done.add(message.number)
            self.state = None

    def progress(self) -> tuple[set[int], State | None]:
        """The tasks that are done, and the state of the next one."""
        return self.done, self.state


# -- in other processes ------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Job:
    """What a group is to do. folder: for Ray Train, on the machine of the command."""

    origin: Origin
    work: Work[Any, Any]
    tasks: tuple[Any, ...]
    size: int
    on_gpu: bool
    folder: str


class _Conductor:
    """Beside the command: lets Ray Train start the workers, and start them again.

    In a process of its own, which Ray Train may write from and set its signal handlers in.
    """

    def conduct(self, job: _Job) -> None:
        """Raises WorkerLostError where workers are lost again and again."""
        _conduct(job)


def _conduct(job: _Job) -> None:
    from ray import train
    from ray.train.torch import TorchConfig, TorchTrainer

    def work() -> None:
        _take_part(job)

    # The stubs of Ray know those of an older Ray Train.
    failures: Any = train.FailureConfig
    trainer = TorchTrainer(
        work,
        torch_config=TorchConfig(timeout_s=SILENCE),
        scaling_config=train.ScalingConfig(num_workers=job.size, use_gpu=job.on_gpu),
        run_config=train.RunConfig(
            name="training",
            storage_path=job.folder,
            failure_config=failures(max_failures=REPEATS, controller_failure_limit=REPEATS),
        ),
    )
    try:
        trainer.fit()
    except train.WorkerGroupError as error:
        reasons = [first_line(each) for each in error.worker_failures.values()]
        raise WorkerLostError(
            f"a training by {job.size:,} workers together lost one of them {REPEATS + 1} times"
            f"{': ' if reasons else ''}{reasons[0] if reasons else ''}",
            "look at the logs of the cluster; fewer --workers need less memory",
        ) from None
    except train.TrainingFailedError as error:
        raise WorkerLostError(
            f"Ray Train did not start {job.size:,} workers together: {first_line(error)}",
            "wait until nobody else works on the cluster, or use fewer --workers",
        ) from None


def _take_part(job: _Job) -> None:
    """In each worker: its share of every task, one after the other."""
    import ray
    from ray import train

    memory = job.origin.channel

    def put(message: Any) -> None:
        # Waited for, so that what was told is known even if this worker is lost right after.
        ray.get(memory.put.remote(message))

    is_first = train.get_context().get_world_rank() == 0
    tell = put if is_first else unheard
    try:
        tell(Begun(0))
        done, state = ray.get(memory.progress.remote())
        for number, task in enumerate(job.tasks):
            if number in done:
                continue
            task = job.origin.brought(task)
            if state is not None:
                task, state = task.resumed(state.value), None
            tell(_Done(number, job.work(task.shared(), tell)))
    except WorkerLostError:
        raise  # Ray Train starts the group again.
    except Exception as error:
        # Raised by the command. A worker that returns is not started again.
        put(_Failed(error))
