"""What every engine has in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from forecast_cli import choices

Task = TypeVar("Task")
Result = TypeVar("Result")
Message = TypeVar("Message")

Work = Callable[[Task, Callable[[Any], None]], Result]


def unheard(*_: Any) -> None:
    """For results and messages that nobody waits for."""


@dataclass(frozen=True)
class Place:
    """Where tasks are to run.

    - kind: in this process, in processes of this machine, or on a Ray cluster
    - workers: tasks at the same time; None for as many as suit the work, or as the cluster has
      processors
    - address: of the Ray cluster, `auto` for the one that Ray finds; None for one of our own
    - together: whether all workers of the cluster carry out each task together, where it can be
      divided
    """

    kind: choices.Engine = "processes"
    workers: int | None = None
    address: str | None = None
    together: bool = False


@dataclass(frozen=True, eq=False)
class Batch(Generic[Task, Result]):
    """Tasks of one kind that are to run, and whom to tell of them.

    - work: is given a task, and a function to call with messages while it is at it. Messages must
      be small (4 KiB when pickled), but for a State, which only divisible tasks tell of.
    - workers: how many tasks may run at the same time
    - finished: called with the number and the result of each task when it is there
    - on_message: called with each message, in this process, soon after it was sent, and before its
      task is finished; and with a `progress.Waiting` where tasks wait for processors that others use
    """

    work: Work[Task, Result]
    tasks: Sequence[Task]
    workers: int = 1
    finished: Callable[[int, Result], None] = unheard
    on_message: Callable[[Any], None] = unheard


class Engine(Protocol):
    """Runs tasks, one batch after the other. The results do not depend on which engine it is."""

    @property
    def is_remote(self) -> bool:
        """Whether tasks may run on machines that do not share memory or files with this one."""

    @property
    def capacity(self) -> int | None:
        """Tasks that can run at the same time; None where the caller decides."""

    @property
    def repeated(self) -> int:
        """Tasks that were run again, since their worker was lost."""

    @property
    def together(self) -> int:
        """Workers that carry out each divisible task together; 0 where each has tasks of its own."""

    def is_here(self, workers: int, tasks: int) -> bool:
        """Whether so many tasks would run in this process, one after the other."""

    def run(self, batch: Batch[Task, Result]) -> list[Result]:
        """The result of each task, in their order.

        Raises what a task raises, OutOfMemoryError where a process was killed, and
        WorkerLostError where a task lost its worker again and again.
        """


@runtime_checkable
class Timed(Protocol):
    """A task with a deadline in time.monotonic(), which is another on each machine."""

    def moved(self, seconds: float) -> Self:
        """The same task, for a clock that is so many seconds ahead."""


@runtime_checkable
class Divisible(Protocol):
    """A task that several workers can carry out together, each in a process of its own."""

    @property
    def on_gpu(self) -> bool:
        """Whether each worker needs a GPU."""

    def shared(self) -> Self:
        """In a worker: the task with the share that falls to it."""

    def resumed(self, state: Any) -> Self:
        """The task, going on from a state that it told of."""


@dataclass(frozen=True, eq=False)
class State:
    """A message of a divisible task: how far it is, to go on from where a worker is lost."""

    value: Any


def deadlines(deadline: float | None, tasks: int, at_a_time: int) -> list[float | None]:
    """When each of some tasks must be over, which run in turns: every turn gets its part of the
    time that is left until the deadline of all, in time.monotonic().
    """
    if deadline is None:
        return [None] * tasks
    begun = time.monotonic()
    turns = -(-tasks // at_a_time)
    share = (deadline - begun) / turns
    return [begun + (number // at_a_time + 1) * share for number in range(tasks)]
