"""Where work runs: in this process, or spread over processes of this machine. The results are the same."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from typing import Any, TypeVar

from forecast_cli.errors import OutOfMemoryError

Task = TypeVar("Task")
Result = TypeVar("Result")
Event = TypeVar("Event")

HEARD = 0.1  # seconds at most until this process hears what a worker has reported


def run(
    work: Callable[[Task, Callable[[Event], None]], Result],
    tasks: Sequence[Task],
    workers: int,
    finished: Callable[[int, Result], None],
    report: Callable[[Event], None],
) -> list[Result]:
    """The result of each task, in their order.

    work: is given a task and a callback for what it reports, which reaches `report` in this process while the task
    runs. finished: hears of each result, with the number of its task, when it is there.
    With several workers, tasks go to spawned processes, which die with this one. Raises what a task raises, and
    OutOfMemoryError where a process was killed.
    """
    if min(workers, len(tasks)) <= 1:
        results = []
        for number, task in enumerate(tasks):
            results.append(work(task, report))
            finished(number, results[-1])
        return results

    # Spawned, never forked: a forked child would keep the lock of the store alive after its parent is gone.
    context = multiprocessing.get_context("spawn")
    events: SimpleQueue[Event] = context.SimpleQueue()
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=_begin, initargs=(events,))
    try:
        futures = {pool.submit(_reporting, work, task): number for number, task in enumerate(tasks)}
        waiting: set[Future[Result]] = set(futures)
        while waiting:
            done, waiting = wait(waiting, timeout=HEARD, return_when=FIRST_COMPLETED)
            _pass_on(events, report)
            for future in sorted(done, key=futures.__getitem__):
                finished(futures[future], future.result())
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise OutOfMemoryError(
            "a process that trained a member was killed, most likely for want of memory",
            "use --workers 1; a script of yours must train under `if __name__ == '__main__':`",
        ) from None
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _pass_on(events: SimpleQueue[Event], report: Callable[[Event], None]) -> None:
    """Report what has come from the workers since the last time."""
    while not events.empty():
        report(events.get())


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


# -- in a worker -----------------------------------------------------------------------------------------------------


class _Worker:
    """What a worker process was handed when it began; the process that spawned it never sets it."""

    events: SimpleQueue[Any] | None = None


def _begin(events: SimpleQueue[Any]) -> None:
    """In a worker: leave Ctrl-C to the parent, and go when the parent is gone, even if it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Worker.events = events
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _reporting(work: Callable[[Task, Callable[[Any], None]], Result], task: Task) -> Result:
    """Do the work, and send what it reports to the parent."""
    assert _Worker.events is not None  # noqa: S101
    return work(task, _Worker.events.put)
