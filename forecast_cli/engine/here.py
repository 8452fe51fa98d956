"""Tasks in this process, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

from forecast_cli.engine.contract import Batch, Result, Task


@dataclass(frozen=True)
class Here:
    """The engine that needs nothing: tasks run in this process."""

    is_remote: bool = False
    capacity: int | None = 1
    repeated: int = 0
    together: int = 0

    def is_here(self, workers: int, tasks: int) -> bool:
        return True

    def run(self, batch: Batch[Task, Result]) -> list[Result]:
        return run_here(batch)


HERE = Here()


def run_here(batch: Batch[Task, Result]) -> list[Result]:
    """The result of each task, in their order."""
    results = []
    for number, task in enumerate(batch.tasks):
        results.append(batch.work(task, batch.on_message))
        batch.finished(number, results[-1])
    return results
