"""Where work runs: in this process, or spread over processes of this machine. The results are the same."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextvars import ContextVar
from multiprocessing.queues import SimpleQueue
from typing import Any, Literal, TypeVar

from forecast_cli.errors import OutOfMemoryError

Task = TypeVar("Task")
Result = TypeVar("Result")
Message = TypeVar("Message")
PAUSE = 0.1  # seconds between two looks for messages of the workers
_CHANNEL: ContextVar[SimpleQueue[Any]] = ContextVar("channel")  # of a worker to its parent


Mode = Literal["here", "processes"]


def mode(workers: int, tasks: int) -> Mode:
    """Where so many tasks run: in this process, one after the other, or in processes of their own."""
    return "here" if min(workers, tasks) <= 1 else "processes"


def run(
    work: Callable[[Task, Callable[[Message], None]], Result],
    tasks: Sequence[Task],
    workers: int,
    finished: Callable[[int, Result], None],
    on_message: Callable[[Message], None],
) -> list[Result]:
    """The result of each task, in their order.

    Work is given a task and a function to call with messages while it is at it; `on_message` is
    called with them, in this process, soon after, and before their task is finished. `finished`
    is called with the number and the result of each task when it is there.

    With several workers, tasks go to spawned processes, which die with this one; messages must be
    small (4 KiB when pickled). Raises what a task raises, and OutOfMemoryError where a process was
    killed.
    """
    with opened(min(workers, len(tasks))) as processes:
        return processes.run(work, tasks, finished, on_message)


class Processes:
    """Where tasks run, one batch after the other: in this process, or in others that stay."""

    def __init__(self, pool: ProcessPoolExecutor | None, channel: SimpleQueue[Any] | None) -> None:
        self._pool = pool
        self._channel = channel

    def run(
        self,
        work: Callable[[Task, Callable[[Message], None]], Result],
        tasks: Sequence[Task],
        finished: Callable[[int, Result], None],
        on_message: Callable[[Message], None],
    ) -> list[Result]:
        """As the function `run`, as often as there is something to run."""
        pool, channel = self._pool, self._channel
        if pool is None or channel is None:
            return _run_here(work, tasks, finished, on_message)

        futures = {pool.submit(_work, work, task): number for number, task in enumerate(tasks)}
        waiting: set[Future[Result]] = set(futures)
        while waiting:
            done, waiting = wait(waiting, timeout=PAUSE, return_when=FIRST_COMPLETED)
            _listen(channel, on_message)
            for future in sorted(done, key=futures.__getitem__):
                finished(futures[future], future.result())
        return [future.result() for future in futures]


def _run_here(
    work: Callable[[Task, Callable[[Message], None]], Result],
    tasks: Sequence[Task],
    finished: Callable[[int, Result], None],
    on_message: Callable[[Message], None],
) -> list[Result]:
    results = []
    for number, task in enumerate(tasks):
        results.append(work(task, on_message))
        finished(number, results[-1])
    return results


@contextlib.contextmanager
def opened(workers: int) -> Iterator[Processes]:
    """Keep so many processes for several batches of tasks; with one, work is done in this process.

    Raises OutOfMemoryError where a process was killed.
    """
    if workers <= 1:
        yield Processes(None, None)
        return

    # Spawned, never forked: a forked child would keep the lock of the store alive after its
    # parent is gone.
    context = multiprocessing.get_context("spawn")
    channel: SimpleQueue[Any] = context.SimpleQueue()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(channel,))
    try:
        yield Processes(pool, channel)
    except BrokenProcessPool:
        raise OutOfMemoryError(
            "a process that trained a network was killed, most likely for want of memory",
            "use --workers 1; a script of yours must train under `if __name__ == '__main__':`",
        ) from None
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


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
    """In a worker: leave Ctrl-C to the parent, and exit when it is gone, even if it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _CHANNEL.set(channel)
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _work(work: Callable[[Task, Callable[[Message], None]], Result], task: Task) -> Result:
    """In a worker: do the work, and send its messages to the parent."""
    channel = _CHANNEL.get()

    def tell(message: Message) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            channel.put(message)

    return work(task, tell)
