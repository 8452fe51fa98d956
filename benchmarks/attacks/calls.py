"""Every system call of a publication or of a refresh fails, or is the last one."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.attacks.stores import Figure, again, publish_and_prune, wrongs
from forecast_cli import store
from forecast_cli.errors import StorageError

CODES = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO, "EACCES": errno.EACCES, "EFBIG": errno.EFBIG}
BY_PATH = ("open", "rename", "replace", "mkdir", "unlink", "rmdir")
BY_DESCRIPTOR = ("write", "fsync", "ftruncate")

# Is given the number of a call, from 1, and what does half of it if it is a write.
Act = Callable[[int, Callable[[], object]], None]


@contextlib.contextmanager
def at_call(root: Path, act: Act) -> Iterator[Counter[str]]:
    """Call `act` before every system call below `root`, and count them by name.

    All that files.py does goes through these functions of `os`, also by way of pathlib and shutil:
    replaced there, the product needs no seam.
    """
    calls = _Calls(root, act)
    try:
        for name in (*BY_PATH, *BY_DESCRIPTOR):
            setattr(os, name, functools.partial(calls.call, name))
        os.close = calls.close
        yield calls.count
    finally:
        for name, function in calls.real.items():
            setattr(os, name, function)


class _Calls:
    """The system calls of this process, of which those below a folder are watched."""

    def __init__(self, root: Path, act: Act) -> None:
        self.root = root
        self.act = act
        self.count: Counter[str] = Counter()
        self.inside: set[int] = set()  # descriptors of files below the folder
        self.real = {name: getattr(os, name) for name in (*BY_PATH, *BY_DESCRIPTOR, "close")}

    def call(self, name: str, first: Any, *more: Any, **rest: Any) -> Any:
        """Make a call, after `act` if it is below the folder. first: a path or a descriptor."""
        if not self._is_below(name, first, rest):
            return self.real[name](first, *more, **rest)

        def half() -> None:
            if name == "write":
                data = bytes(more[0])
                self.real["write"](first, data[: len(data) // 2])

        self.count[name] += 1
        self.act(self.count.total(), half)
        result = self.real[name](first, *more, **rest)
        if name == "open":
            self.inside.add(result)
        return result

    def close(self, fd: int) -> None:
        self.inside.discard(fd)
        self.real["close"](fd)

    def _is_below(self, name: str, first: Any, rest: dict[str, Any]) -> bool:
        if name in BY_DESCRIPTOR:
            return first in self.inside
        held = rest.get("dir_fd")
        return held in self.inside if held is not None else str(first).startswith(str(self.root))


def count_only(number: int, half: Callable[[], object]) -> None:
    """Let every call through."""


def failing(at: int, code: int, *, for_good: bool) -> Act:
    """Call number `at` fails, in the middle of it if it is a write, and all after it if for good."""

    def act(number: int, half: Callable[[], object]) -> None:
        if number == at or (for_good and number > at):
            half()
            raise OSError(code, os.strerror(code))

    return act


def killing(at: int) -> Act:
    """The process is killed at call number `at`, in the middle of it if it is a write."""

    def act(number: int, half: Callable[[], object]) -> None:
        if number == at:
            half()
            os.kill(os.getpid(), signal.SIGKILL)

    return act


def is_killed_at(at: int, root: Path, work: Callable[[], None]) -> bool:
    """Whether a process is killed at a call while it does some work: a process of its own."""
    child = os.fork()  # one interpreter for each call would take an hour to start
    if not child:
        with at_call(root, killing(at)):
            work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


# -- a publication ---------------------------------------------------------------------------------


def count_calls(template: Path, folder: Path) -> Counter[str]:
    root = Path(shutil.copytree(template, folder / "counted"))
    contents = again(root)
    with at_call(root, count_only) as count:
        publish_and_prune(root, contents)
    shutil.rmtree(root)
    return count


def fail_at_calls(template: Path, folder: Path, codes: dict[str, int], step: int = 1) -> Figure:
    """Call N of a publication and its pruning fails, once and from then on, for every N."""
    calls = count_calls(template, folder)
    broken: list[str] = []
    attacks = failed = 0
    for code in codes.values():
        for for_good in (False, True):
            for number in range(1, calls.total() + 1, step):
                root = Path(shutil.copytree(template, folder / "failing"))
                attacks += 1
                act = failing(number, code, for_good=for_good)
                is_exit_30, found = _attacked(root, act)
                failed += is_exit_30
                broken += [f"call {number}, {os.strerror(code)}: {wrong}" for wrong in found]
                shutil.rmtree(root)
    return {
        "calls": dict(calls),
        "attacks": attacks,
        "exit_30": failed,
        "errors": list(codes),
        "broken": broken,
    }


def _attacked(root: Path, act: Act) -> tuple[bool, list[str]]:
    """Whether a publication ends with exit code 30, and what is wrong afterwards."""
    contents, before = again(root), set(store.names(root))
    found = []
    is_exit_30 = False
    with at_call(root, act):
        try:
            publish_and_prune(root, contents)
        except StorageError as error:
            is_exit_30 = error.exit_code == 30
        except BaseException as error:
            found.append(repr(error))

    new = set(store.names(root)) - before
    return is_exit_30, [*found, *wrongs(root, {max(before), *new})]


def kill_at_calls(template: Path, folder: Path, step: int = 1) -> Figure:
    """SIGKILL at call N of a publication and its pruning, in the middle of it if it is a write."""
    calls = count_calls(template, folder)
    broken: list[str] = []
    killed = 0
    for number in range(1, calls.total() + 1, step):
        root = Path(shutil.copytree(template, folder / "killed"))
        contents, before = again(root), set(store.names(root))
        publish = functools.partial(publish_and_prune, root, contents)
        killed += is_killed_at(number, root, publish)
        new = set(store.names(root)) - before
        broken += [f"call {number}: {wrong}" for wrong in wrongs(root, {max(before), *new})]
        shutil.rmtree(root)
    return {"calls": calls.total(), "killed": killed, "broken": broken}
