"""Where work runs: in this process, or spread over processes of this machine. The results are the same."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from forecast_cli.errors import OutOfMemoryError

Task = TypeVar("Task")
Result = TypeVar("Result")


def run(
    work: Callable[[Task], Result], tasks: Sequence[Task], workers: int, finished: Callable[[int, Result], None]
) -> list[Result]:
    """The result of each task, in their order; `finished` hears of each, with its number, when it is there.

    With several workers, tasks go to spawned processes, which die with this one. Raises what a task raises, and
    OutOfMemoryError where a process was killed.
    """
    if min(workers, len(tasks)) <= 1:
        results = []
        for number, task in enumerate(tasks):
            results.append(work(task))
            finished(number, results[-1])
        return results
    # Spawned, never forked: a forked child would keep the lock of the store alive after its parent is gone.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=_begin)
    try:
        futures = {pool.submit(work, task): number for number, task in enumerate(tasks)}
        waiting: set[Future[Result]] = set(futures)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
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


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    """In a worker: leave Ctrl-C to the parent, and go when the parent is gone, even if it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
