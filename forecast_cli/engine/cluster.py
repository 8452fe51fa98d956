"""Tasks on a Ray cluster.

Ray moves tasks and results between its own processes by pickle, so a cluster must be trusted.
Nothing that Ray writes is ever read from a run or a store.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import forecast_cli
from forecast_cli.engine.connection import PAUSE, connected, first_line
from forecast_cli.engine.contract import Batch, Place, Result, Task, Timed, Work
from forecast_cli.engine.signals import Signals
from forecast_cli.engine.waiting import Wait
from forecast_cli.errors import (
    OutOfMemoryError,
    RunMismatchError,
    SettingsError,
    WorkerLostError,
)

REPEATS = 3  # of a task whose worker was lost
SAME_CLOCK = 1.0  # seconds by which the clock of one machine may be corrected meanwhile
PATIENCE = 15  # seconds until a cluster has processors
STOPPING = 10  # seconds that tasks have to end when they are canceled


@dataclass(frozen=True)
class Begun:
    """The first message of a task: a second one says that its first worker was lost."""

    number: int


@dataclass
class Cluster:
    """A Ray cluster that this process is connected to.

    channel: the actor that keeps messages of the tasks until they are heard; is_shared: others may
    use the cluster, too; batches: how many were begun.
    """

    ray: Any
    capacity: int | None
    channel: Any
    is_remote: bool = True
    together: int = 0
    repeated: int = 0
    is_shared: bool = False
    batches: int = 0
    running: dict[Any, int] = field(default_factory=dict)

    def is_here(self, workers: int, tasks: int) -> bool:
        return False

    def run(self, batch: Batch[Task, Result]) -> list[Result]:
        self.batches += 1
        results: dict[int, Result] = {}
        with Signals() as signals:
            remote = self.ray.remote(max_retries=REPEATS, num_cpus=1)(_work)
            hearing = _Hearing(self, batch)
            wait = Wait.beginning(self.ray, batch.on_message) if self.is_shared else None
            try:
                while len(results) < len(batch.tasks):
                    signals.raise_late()
                    self._submit(remote, batch, len(results))
                    done, _ = self.ray.wait(list(self.running), num_returns=1, timeout=PAUSE)
                    # What a task told is heard before its end, also where it ends with an error.
                    hearing.hear(self._messages())
                    if wait is not None:
                        wait.look(has_begun=bool(hearing.begun))
                    for one in done:
                        number = self.running.pop(one)
                        results[number] = self.result(one)
                        batch.finished(number, results[number])
            finally:
                self.cancel()
        return [results[number] for number in range(len(batch.tasks))]

    def _submit(self, remote: Any, batch: Batch[Task, Result], done: int) -> None:
        """Hand out tasks until as many run as there may be: the others wait here, in order."""
        work, tasks = batch.work, batch.tasks
        while len(self.running) < batch.workers and done + len(self.running) < len(tasks):
            number = done + len(self.running)
            origin = Origin.of(self.channel, self.batches)
            self.running[remote.remote(origin, number, work, tasks[number])] = number

    def _messages(self) -> list[Any]:
        """What the tasks of this batch have told since the last time.

        A task of another one that was canceled may have been telling until then.
        """
        try:
            told: list[tuple[int, Any]] = self.ray.get(self.channel.take.remote())
        except self.ray.exceptions.RayError as error:
            raise WorkerLostError(
                f"the connection to the cluster is lost: {first_line(error)}",
                "look at the logs of the cluster, and run the command again",
            ) from None
        return [message for batch, message in told if batch == self.batches]

    def result(self, reference: Any) -> Any:
        """The result of a task that is over. Raises what it raised."""
        errors = self.ray.exceptions
        try:
            return self.ray.get(reference)
        except errors.RayTaskError as error:
            raise error.cause from None
        except errors.OutOfMemoryError:
            raise OutOfMemoryError(
                "a worker of the cluster was killed for want of memory",
                "use fewer --workers, or machines with more memory",
            ) from None
        except errors.RayError as error:
            raise WorkerLostError(
                f"a task lost its worker {REPEATS + 1} times: {first_line(error)}",
                "look at the logs of the cluster; fewer --workers need less memory",
            ) from None

    def cancel(self) -> None:
        """Stop what is running, and forget it."""
        for reference in self.running:
            with contextlib.suppress(Exception):
                self.ray.cancel(reference, force=True)
        if self.running:
            with contextlib.suppress(Exception):
                self.ray.wait(list(self.running), num_returns=len(self.running), timeout=STOPPING)
        self.running.clear()


@dataclass
class _Hearing:
    """What the command does with messages of the tasks. begun: the numbers of those that have."""

    cluster: Cluster
    batch: Batch[Any, Any]
    begun: set[int] = field(default_factory=set)

    def hear(self, messages: list[Any]) -> None:
        for message in messages:
            if not isinstance(message, Begun):
                self.batch.on_message(message)
            elif message.number in self.begun:
                self.cluster.repeated += 1
            else:
                self.begun.add(message.number)


@contextlib.contextmanager
def opened_cluster(place: Place) -> Iterator[Cluster]:
    """Connect to the cluster at an address, or start one of our own, which ends with the block.

    Where this process is connected to a cluster already, that is the one.

    Raises SettingsError where there is no cluster at the address, and WorkerLostError where Ray
    does not start on this machine.
    """
    with connected(place) as ray:
        with Signals() as signals:
            cores = _require_processors(ray, signals)
            channel = beside(ray, Channel).remote()
            _require_same_release(ray, channel, signals)
        workers, is_shared = place.workers or cores, place.address is not None
        yield Cluster(ray, workers, channel, is_shared=is_shared)


def _require_processors(ray: Any, signals: Signals) -> int:
    """The processors of the cluster. Raises SettingsError where no task would ever be run."""
    deadline = time.monotonic() + PATIENCE
    cores = int(ray.cluster_resources().get("CPU", 0))
    while not cores and time.monotonic() < deadline:
        signals.raise_late()
        time.sleep(PAUSE)  # a cluster that has just begun may not know of its own machine yet
        cores = int(ray.cluster_resources().get("CPU", 0))
    if not cores:
        raise SettingsError(
            "the Ray cluster has no processor for tasks",
            "start a machine with some: ray start --address HOST:PORT --num-cpus N",
            option="address",
        )
    return cores


def _require_same_release(ray: Any, channel: Any, signals: Signals) -> None:
    """Raise RunMismatchError where this machine of the cluster cannot load what is sent to it."""
    answer = channel.take.remote()
    while not ray.wait([answer], timeout=PAUSE)[0]:
        signals.raise_late()
    try:
        ray.get(answer)
    except ray.exceptions.RayError as error:
        last = str(error).strip().splitlines()[-1].strip()
        raise RunMismatchError(
            f"a worker of the cluster cannot load forecast {forecast_cli.__version__}: {last}",
            "install the same version on all machines of the cluster",
        ) from None


# -- in other processes ------------------------------------------------------------------------


def beside(ray: Any, what: Any, **options: Any) -> Any:
    """An actor or a task on the machine of this process, so that it is not lost with a worker."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    node = ray.get_runtime_context().get_node_id()
    strategy = NodeAffinitySchedulingStrategy(node_id=node, soft=False)
    return ray.remote(num_cpus=0, scheduling_strategy=strategy, **options)(what)


class Channel:
    """Messages of the tasks, in the order in which they came."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def put(self, message: Any) -> None:
        self.messages.append(message)

    def take(self) -> list[Any]:
        """What came since the last time."""
        messages, self.messages = self.messages, []
        return messages


@dataclass(frozen=True)
class Origin:
    """Where a task comes from.

    clock: that of `_clock` there; channel: which is listened to there; batch: its number.
    """

    version: str
    clock: float
    channel: Any
    batch: int = 0

    @classmethod
    def of(cls, channel: Any, batch: int = 0) -> Origin:
        """This process, which listens to a channel."""
        return cls(forecast_cli.__version__, _clock(), channel, batch)

    def brought(self, task: Task) -> Task:
        """In a worker: the task, with its times by the clock that is here.

        Raises RunMismatchError where this is another version.
        """
        if forecast_cli.__version__ != self.version:
            raise RunMismatchError(
                f"a worker of the cluster has forecast {forecast_cli.__version__}, "
                f"and the command is of {self.version}",
                "install the same version on all machines of the cluster",
            )
        apart = self.clock - _clock()
        if isinstance(task, Timed) and abs(apart) > SAME_CLOCK:
            return task.moved(apart)
        return task


def _clock() -> float:
    """How far time.monotonic() is behind the time of day on this machine."""
    return time.time() - time.monotonic()


def _work(origin: Origin, number: int, work: Work[Task, Result], task: Task) -> Result:
    """In a worker: do the work, and send its messages."""
    task = origin.brought(task)

    import ray

    def tell(message: Any) -> None:
        # Waited for, so that a message is there before the result of its task is.
        ray.get(origin.channel.put.remote((origin.batch, message)))

    tell(Begun(number))
    return work(task, tell)
