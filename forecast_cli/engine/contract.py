"""What every engine has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from forecast_cli import choices

Task = TypeVar("Task")
Result = TypeVar("Result")
Message = TypeVar("Message")

Work = Callable[[Task, Callable[[Any], None]], Result]


@dataclass(frozen=True)
class Place:
    """Where tasks are to run.

    - kind: in this process, in processes of this machine, or on a Ray cluster
    - workers: tasks at the same time; None for as many as suit the work, or as the cluster has
      processors
    - address: of the Ray cluster; None for one of our own on this machine, or the one that the
      environment names
    """

    kind: choices.Engine = "processes"
    workers: int | None = None
    address: str | None = None


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

    def is_here(self, workers: int, tasks: int) -> bool:
        """Whether so many tasks would run in this process, one after the other."""

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        workers: int,
        finished: Callable[[int, Result], None],
        on_message: Callable[[Any], None],
    ) -> list[Result]:
        """The result of each task, in their order.

        Work is given a task and a function to call with messages while it is at it; `on_message`
        is called with them, in this process, soon after, and before their task is finished.
        `finished` is called with the number and the result of each task when it is there.

        At most `workers` tasks run at the same time. Messages must be small (4 KiB when pickled).
        Raises what a task raises, OutOfMemoryError where a process was killed, and
        WorkerLostError where a task lost its worker again and again.
        """


@runtime_checkable
class Timed(Protocol):
    """A task with a deadline in time.monotonic(), which is another on each machine."""

    def moved(self, seconds: float) -> Self:
        """The same task, for a clock that is so many seconds ahead."""


def unheard(*_: Any) -> None:
    """For results and messages that nobody waits for."""
