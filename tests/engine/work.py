"""Tasks for the tests of the engines."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from forecast_cli.errors import DataError

Tell = Callable[[Any], None]


def process_of(number: int, tell: Tell) -> int:
    return os.getpid()


def meet(task: tuple[str, int], tell: Tell) -> int:
    """The process of a task that waits until as many others are at work in the same folder."""
    folder, count = task
    Path(folder, str(os.getpid())).touch()
    end = time.monotonic() + 300
    while len(os.listdir(folder)) < count:
        assert time.monotonic() < end
        time.sleep(0.01)
    return os.getpid()


def square(number: int, tell: Tell) -> int:
    tell(("begun", number))
    time.sleep(0.05 * (3 - number % 3))  # they end in another order than they began
    return number * number


def fail(number: int, tell: Tell) -> int:
    if number == 1:
        tell("about to fail")
        raise DataError("one is too many", "take none")
    return number


def tell_or_fail(task: tuple[str, bool], tell: Tell) -> int:
    """One tells until it is canceled, so that not all of it is heard in time; the other one fails
    meanwhile.
    """
    folder, is_telling = task
    begun = Path(folder, "telling")
    while is_telling:
        begun.touch()
        tell("of the batch that failed")
    while not begun.exists():
        time.sleep(0.01)
    raise DataError("one is too many", "take none")


def hold(folder: str) -> None:
    """Keep a processor until a file says that it may go."""
    while not Path(folder, "go").exists():
        time.sleep(0.1)


def die_once(task: tuple[str, int], tell: Tell) -> int:
    folder, number = task
    marker = Path(folder, str(number))
    if number == 1 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die(number: int, tell: Tell) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number
