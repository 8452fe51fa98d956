"""Tasks on a Ray cluster: the only module that loads Ray, and only where it was asked for.

Ray moves tasks and results between its own processes by pickle, so a cluster must be trusted.
Nothing that Ray writes is ever read from a run or a store.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import secrets
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

import forecast_cli
from forecast_cli.engine.contract import Batch, Place, Result, Task, Timed, Work
from forecast_cli.errors import (
    OutOfMemoryError,
    RunMismatchError,
    SettingsError,
    WorkerLostError,
)

PAUSE = 0.1  # seconds between two looks for messages of the workers
REPEATS = 3  # of a task whose worker was lost
SAME_CLOCK = 1.0  # seconds by which the clock of one machine may be corrected meanwhile
PATIENCE = 15  # seconds until somebody answers at an address, and until a cluster has processors
PATIENCE_TO_JOIN = 30.0  # seconds until Ray must have answered there
LONGEST_FOLDER = 24  # bytes of a name in which the sockets of Ray have room
STOPPING = 10  # seconds that tasks have to end when they are canceled


@dataclass(frozen=True)
class Begun:
    """The first message of a task: a second one says that its first worker was lost."""

    number: int


@dataclass
class Cluster:
    """A Ray cluster that this process is connected to.

    channel: the actor that keeps messages of the tasks until they are heard.
    """

    ray: Any
    capacity: int | None
    channel: Any
    is_remote: bool = True
    together: int = 0
    repeated: int = 0
    running: dict[Any, int] = field(default_factory=dict)

    def is_here(self, workers: int, tasks: int) -> bool:
        return False

    def run(self, batch: Batch[Task, Result]) -> list[Result]:
        begun: set[int] = set()

        def hear() -> None:
            for message in self._messages():
                if not isinstance(message, Begun):
                    batch.on_message(message)
                elif message.number in begun:
                    self.repeated += 1
                else:
                    begun.add(message.number)

        results: dict[int, Result] = {}
        remote = self.ray.remote(max_retries=REPEATS, num_cpus=1)(_work)
        with Signals() as signals:
            try:
                while len(results) < len(batch.tasks):
                    signals.raise_late()
                    self._submit(remote, batch, len(results))
                    done, _ = self.ray.wait(list(self.running), num_returns=1, timeout=PAUSE)
                    results_now = [(self.running.pop(one), self.result(one)) for one in done]
                    hear()
                    for number, result in results_now:
                        results[number] = result
                        batch.finished(number, result)
            finally:
                self.cancel()
        return [results[number] for number in range(len(batch.tasks))]

    def _submit(self, remote: Any, batch: Batch[Task, Result], done: int) -> None:
        """Hand out tasks until as many run as there may be: the others wait here, in order."""
        work, tasks = batch.work, batch.tasks
        while len(self.running) < batch.workers and done + len(self.running) < len(tasks):
            number = done + len(self.running)
            origin = Origin.of(self.channel)
            self.running[remote.remote(origin, number, work, tasks[number])] = number

    def _messages(self) -> list[Any]:
        """What the tasks have told since the last time."""
        try:
            messages: list[Any] = self.ray.get(self.channel.take.remote())
        except self.ray.exceptions.RayError as error:
            raise WorkerLostError(
                f"the connection to the cluster is lost: {first_line(error)}",
                "look at the logs of the cluster, and run the command again",
            ) from None
        return messages

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


@contextlib.contextmanager
def opened_cluster(place: Place) -> Iterator[Cluster]:
    """Connect to the cluster at an address, or start one of our own, which ends with the block.

    Where this process is connected to a cluster already, that is the one.

    Raises SettingsError where there is no cluster at the address, and WorkerLostError where Ray
    does not start on this machine.
    """
    if place.address is not None:
        _require_listener(place.address)
        _require_answer(place.address)
    ray = _load(place)
    with contextlib.ExitStack() as stack:
        # Standard output is for data, and Ray prints there what befell its workers.
        stack.enter_context(contextlib.redirect_stdout(_WithoutRay(sys.stdout)))
        if not ray.is_initialized():
            stack.enter_context(_connected(ray, place))
        cores = _require_processors(ray)
        channel = beside(ray, Channel).remote()
        _require_same_release(ray, channel)
        yield Cluster(ray, place.workers or cores, channel)


def _require_processors(ray: Any) -> int:
    """The processors of the cluster. Raises SettingsError where no task would ever be run."""
    deadline = time.monotonic() + PATIENCE
    cores = int(ray.cluster_resources().get("CPU", 0))
    while not cores and time.monotonic() < deadline:
        time.sleep(PAUSE)  # a cluster that has just begun may not know of its own machine yet
        cores = int(ray.cluster_resources().get("CPU", 0))
    if not cores:
        raise SettingsError(
            "the Ray cluster has no processor for tasks",
            "start a machine with some: ray start --address HOST:PORT --num-cpus N",
            option="address",
        )
    return cores


def _require_same_release(ray: Any, channel: Any) -> None:
    """Raise RunMismatchError where this machine of the cluster cannot load what is sent to it."""
    try:
        ray.get(channel.take.remote())
    except ray.exceptions.RayError as error:
        last = str(error).strip().splitlines()[-1].strip()
        raise RunMismatchError(
            f"a worker of the cluster cannot load forecast {forecast_cli.__version__}: {last}",
            "install the same version on all machines of the cluster",
        ) from None


def _load(place: Place) -> Any:
    """Ray itself, which reads its environment when it is loaded."""
    # Nothing is told to anybody about what is run.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # What it holds back would be printed at the end.
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    # What Ray will do by itself in its next release: leave the variables of GPUs alone.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    if place.address is None and "RAY_AUTH_MODE" not in os.environ:
        # A cluster listens on the network: only who knows this word may use that of ours.
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    import ray

    return ray


@contextlib.contextmanager
def _connected(ray: Any, place: Place) -> Iterator[None]:
    quiet = {"log_to_driver": False, "configure_logging": False, "logging_level": "ERROR"}
    with contextlib.ExitStack() as stack:
        if place.address is None:
            name = stack.enter_context(_folder())
        stack.callback(ray.shutdown)
        with Signals():  # which are ours again after the block: Ray sets its own
            if place.address is None:
                _start(ray, place, name, quiet)
            else:
                _join(ray, place.address, quiet)
        yield


def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where Ray keeps its sockets and logs for as long as it runs.

    Names of sockets are at most 107 bytes long, of which Ray needs 64.
    """
    usual = tempfile.gettempdir()
    folder = usual if len(os.fsencode(usual)) <= LONGEST_FOLDER else os.path.join(os.sep, "tmp")
    return tempfile.TemporaryDirectory(prefix="forecast-", dir=folder, ignore_cleanup_errors=True)


def _start(ray: Any, place: Place, folder: str, quiet: dict[str, Any]) -> None:
    """Start a cluster on this machine, with its files in a folder."""
    try:
        ray.init(
            "local", num_cpus=place.workers, include_dashboard=False, _temp_dir=folder, **quiet
        )
    except (OSError, RuntimeError, ValueError, AssertionError) as error:
        raise WorkerLostError(
            f"Ray does not start on this machine: {first_line(error)}",
            "use --engine processes, or name a cluster with --address",
        ) from None


def _require_listener(address: str) -> None:
    """Raise SettingsError where nobody listens: Ray itself would try for some time.

    `auto` is what Ray finds on this machine, or in its environment.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise SettingsError(
            f"--address must be HOST:PORT or auto, got {address!r}",
            "use, for example, --address 10.0.0.1:6379",
            option="address",
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from None


def _require_answer(address: str) -> None:
    """Raise SettingsError where somebody listens who is not Ray: it would try for minutes, deaf to
    signals. A process tries first, which can be ended."""
    process = multiprocessing.get_context("spawn").Process(target=_try_to_join, args=(address,))
    process.start()
    deadline = time.monotonic() + PATIENCE_TO_JOIN
    try:
        while process.is_alive() and time.monotonic() < deadline:
            process.join(PAUSE)
        if process.is_alive():
            seconds = f"{PATIENCE_TO_JOIN:.0f} seconds"
            raise _no_cluster(address, TimeoutError(f"no answer of Ray within {seconds}"))
    finally:
        process.kill()
        process.join()


def _try_to_join(address: str) -> None:
    """In a process of its own: join the cluster, and leave it. What goes wrong is not told here,
    but where it is tried again."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    import ray

    with contextlib.suppress(Exception):
        ray.init(address, log_to_driver=False, configure_logging=False)
        ray.shutdown()


def _no_cluster(address: str, error: BaseException) -> SettingsError:
    return SettingsError(
        f"there is no Ray cluster at {address}: {first_line(error)}",
        "start one there with `ray start --head`, give its token (RAY_AUTH_MODE=token and "
        "RAY_AUTH_TOKEN_PATH), or leave out --address",
        option="address",
    )


def _join(ray: Any, address: str, quiet: dict[str, Any]) -> None:
    try:
        ray.init(address, **quiet)
    except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
        raise _no_cluster(address, error) from None


class Signals:
    """Signals that come while Ray is at work, kept until they can be raised.

    An error that is raised inside of its compiled code would be lost there.
    """

    def __init__(self) -> None:
        self.late: list[tuple[int, Any]] = []
        self.handlers: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        with contextlib.suppress(ValueError):  # only the main thread hears of signals
            for number in (signal.SIGINT, signal.SIGTERM):
                self.handlers[number] = signal.signal(number, self._keep)
        return self

    def _keep(self, number: int, frame: Any) -> None:
        self.late.append((number, frame))

    def raise_late(self) -> None:
        """Do now what was to be done when the signal came."""
        while self.late:
            number, frame = self.late.pop(0)
            handler = self.handlers[number]
            if callable(handler):
                handler(number, frame)
            elif handler == signal.SIG_DFL:
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(ValueError):
            for number, handler in self.handlers.items():
                signal.signal(number, handler)
        if kind is None:
            self.raise_late()


class _WithoutRay(io.TextIOBase):
    """A stream that leaves out what the threads of Ray write."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith("ray_"):
            return len(text)
        return self.stream.write(text)

    def flush(self) -> None:
        self.stream.flush()


def first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__


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
    """Where a task comes from. clock: that of `_clock` there."""

    version: str
    clock: float
    channel: Any

    @classmethod
    def of(cls, channel: Any) -> Origin:
        """This process, which listens to a channel."""
        return cls(forecast_cli.__version__, _clock(), channel)

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
        ray.get(origin.channel.put.remote(message))

    tell(Begun(number))
    return work(task, tell)
