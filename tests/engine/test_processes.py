from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from forecast_cli.engine import processes
from forecast_cli.errors import DataError, OutOfMemoryError, StorageError
from tests.conftest import run_tasks

Tell = Callable[[Any], None]


def square(number: int, tell: Tell) -> tuple[int, int]:
    time.sleep(0.05 * (3 - number))  # the first takes longest, so that they end in another order
    return number * number, os.getpid()


def fail(number: int, tell: Tell) -> int:
    if number == 1:
        raise DataError("one is too many", "take none")
    return number


def die(number: int, tell: Tell) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    heard: list[int] = []
    found = run_tasks(square, range(3), workers, lambda number, result: heard.append(number))
    assert [result for result, _ in found] == [0, 1, 4]
    assert sorted(heard) == [0, 1, 2]
    assert ({pid for _, pid in found} == {os.getpid()}) == (workers == 1)


def test_what_a_task_raises_is_raised() -> None:
    with pytest.raises(DataError, match="one is too many") as caught:
        run_tasks(fail, range(3), 2)
    assert caught.value.hint == "take none"


def test_a_killed_worker_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(OutOfMemoryError) as caught:
        run_tasks(die, range(2), 2)
    assert caught.value.exit_code == 31
    assert caught.value.hint.startswith("use --workers 1")


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        (
            errno.ENOSPC,
            "cannot start worker processes: No space left on device (in /dev/shm) | "
            "free some space there, or use --workers 1",
        ),
        (
            errno.EROFS,
            "cannot start worker processes: Read-only file system (in /dev/shm) | "
            "make it writable, or use --workers 1",
        ),
        (
            errno.EMFILE,
            "cannot start worker processes: Too many open files | use --workers 1",
        ),
    ],
)
@pytest.mark.parametrize("part", ["channel", "pool"])
def test_locks_that_cannot_be_made_are_an_error_that_says_where(
    part: str, number: int, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    if part == "channel":
        monkeypatch.setattr(multiprocessing.get_context("spawn"), "SimpleQueue", fail)
    else:
        monkeypatch.setattr(processes, "ProcessPoolExecutor", fail)
    with pytest.raises(StorageError) as caught:
        run_tasks(square, range(3), 2)
    assert f"{caught.value.message} | {caught.value.hint}" == answer
    assert [result for result, _ in run_tasks(square, range(3), 1)] == [0, 1, 4]
