"""Tasks in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from forecast_cli.engine.contract import Result, Task, Work


@dataclass(frozen=True)
class Here:
    """The engine that needs nothing: tasks run in this process."""

    is_remote: bool = False
    capacity: int | None = 1
    repeated: int = 0
    together: int = 0

    def is_here(self, workers: int, tasks: int) -> bool:
        return True

    def run(
        self,
        work: Work[Task, Result],
        tasks: Sequence[Task],
        workers: int,
        finished: Callable[[int, Result], None],
        on_message: Callable[[Any], None],
    ) -> list[Result]:
        return run_here(work, tasks, finished, on_message)


HERE = Here()


def run_here(
    work: Work[Task, Result],
    tasks: Sequence[Task],
    finished: Callable[[int, Result], None],
    on_message: Callable[[Any], None],
) -> list[Result]:
    """The result of each task, in their order."""
    results = []
    for number, task in enumerate(tasks):
        results.append(work(task, on_message))
        finished(number, results[-1])
    return results
