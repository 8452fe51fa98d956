"""Tasks in spawned processes of this machine, which die with this one."""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextvars import ContextVar
from dataclasses import dataclass, field
from multiprocessing.queues import SimpleQueue
from typing import Any

from forecast_cli.engine.contract import Batch, Message, Result, Task, Work
from forecast_cli.engine.here import run_here
from forecast_cli.engine.signals import without_terminal
from forecast_cli.errors import OutOfMemoryError, StorageError

PAUSE = 0.1  # seconds between two looks for messages of the workers
_CHANNEL: ContextVar[SimpleQueue[Any]] = ContextVar("channel")  # of a worker to its parent
_HINTS = {  # where the locks of the processes cannot be made, which are files of shared memory
    errno.ENOSPC: "free some space there, or use --workers 1",
    errno.EROFS: "make it writable, or use --workers 1",
    errno.EACCES: "make it writable, or use --workers 1",
}


@dataclass
class Processes:
    """Processes that are started when there is something to run, and then stay.

    A batch for one worker is done in this process.
    """

    is_remote: bool = False
    capacity: int | None = None
    repeated: int = 0
    together: int = 0
    pools: dict[int, tuple[ProcessPoolExecutor, SimpleQueue[Any]]] = field(default_factory=dict)

    def is_here(self, workers: int, tasks: int) -> bool:
        return min(workers, tasks) <= 1

    def run(self, batch: Batch[Task, Result]) -> list[Result]:
        if self.is_here(batch.workers, len(batch.tasks)):
            return run_here(batch)

        pool, channel = self._pool(batch.workers)
        try:
            return _run_in(pool, channel, batch)
        except BrokenProcessPool:
            self.stop()
            raise OutOfMemoryError(
                "a worker process was killed, most likely for want of memory",
                "use --workers 1; a script of yours must call under `if __name__ == '__main__':`",
            ) from None
        except BaseException:
            self.stop()  # what is still running is of no use to anybody
            raise

    def stop(self) -> None:
        """End the processes at once, whatever they are doing."""
        for pool, _ in self.pools.values():
            children = list((pool._processes or {}).values())
            for child in children:
                child.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
        self.pools.clear()

    def _pool(self, workers: int) -> tuple[ProcessPoolExecutor, SimpleQueue[Any]]:
        if workers not in self.pools:
            self.pools[workers] = _start(workers)
        return self.pools[workers]


@contextlib.contextmanager
def opened_processes() -> Iterator[Processes]:
    """Processes for several batches of tasks, which end with the block."""
    processes = Processes()
    try:
        yield processes
    except BaseException:
        processes.stop()
        raise
    for pool, _ in processes.pools.values():
        # Waited for: one that is still starting would not find what it needs, and say so.
        pool.shutdown(wait=True)


def check_processes() -> None:
    """Raise StorageError where processes could not be started. None is, and nothing stays."""
    try:
        # A lock for forked processes is removed as soon as it is made.
        multiprocessing.get_context("fork").Lock()
    except OSError as error:
        raise _cannot_start(error) from error


def _run_in(
    pool: ProcessPoolExecutor, channel: SimpleQueue[Any], batch: Batch[Task, Result]
) -> list[Result]:
    """Submit all tasks, and listen until they are done."""
    with without_terminal():
        futures = {
            pool.submit(_work, batch.work, task): number for number, task in enumerate(batch.tasks)
        }
    waiting: set[Future[Result]] = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=PAUSE, return_when=FIRST_COMPLETED)
        _listen(channel, batch.on_message)
        for future in sorted(done, key=futures.__getitem__):
            batch.finished(futures[future], future.result())
    return [future.result() for future in futures]


def _start(workers: int) -> tuple[ProcessPoolExecutor, SimpleQueue[Any]]:
    """Raises StorageError where the locks that the processes share cannot be made."""
    # Spawned, never forked: a forked child would keep the lock of the store alive after its
    # parent is gone.
    context = multiprocessing.get_context("spawn")
    try:
        with without_terminal():  # it begins a process that keeps track of locks
            channel: SimpleQueue[Any] = context.SimpleQueue()
        pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_begin, initargs=(channel,)
        )
    except OSError as error:
        raise _cannot_start(error) from error
    return pool, channel


def _cannot_start(error: OSError) -> StorageError:
    reason = os.strerror(error.errno) if error.errno else str(error)
    where = " (in /dev/shm)" if error.errno in _HINTS else ""
    hint = _HINTS.get(error.errno or 0, "use --workers 1")
    return StorageError(f"cannot start worker processes: {reason}{where}", hint)


def _listen(channel: SimpleQueue[Message], on_message: Callable[[Message], None]) -> None:
    """Hand on the messages that are there, without waiting.

    A message is written to the pipe in one piece or not at all, so a worker that dies cannot leave
    half of one, for which this process would wait forever.
    """
    while not channel.empty():
        on_message(channel.get())


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin(channel: SimpleQueue[Any]) -> None:
    """In a worker: end when the parent wants it to, and when it is gone, even if it was killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _CHANNEL.set(channel)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _work(work: Work[Task, Result], task: Task) -> Result:
    """In a worker: do the work, and send its messages to the parent."""
    channel = _CHANNEL.get()

    def tell(message: Any) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            channel.put(message)

    return work(task, tell)
