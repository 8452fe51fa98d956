"""What the tests of the commands share: runs of a command in a process of its own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.attacks.stores import again
from forecast_cli import store
from tests.conftest import HANG, ROOT, Result

Forecast = Callable[..., Result]
QUICK = ("--epochs", "2", "--units", "6", "--members", "1")
BARE = {  # what a cron job has: no HOME, no locale
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(ROOT),
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
}


def shell(
    *words: object, cwd: Path | None = None, env: dict[str, str] | None = None, **rest: object
) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "forecast_cli", *map(str, words)]
    options: dict[str, Any] = {"capture_output": "stdout" not in rest, "timeout": HANG, **rest}
    plain = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} if env is None else env
    result: subprocess.CompletedProcess[bytes] = subprocess.run(
        command, cwd=cwd, env=plain, check=False, **options
    )
    return result


# The command gets the signal when it reports a phase (`reading`) or an epoch (`epoch 3`): at the same moment on a
# machine of any speed.
SIGNALED = """
import signal, sys
from forecast_cli import console
from forecast_cli.app import main

number, moment = int(sys.argv[1]), sys.argv[2]
sys.argv[1:] = sys.argv[3:]
report = console._Plain.report

def report_and_signal(self, event):
    report(self, event)
    if moment in (getattr(event, "name", ""), f"epoch {getattr(event, 'epoch', 0)}"):
        signal.raise_signal(number)

console._Plain.report = report_and_signal
main()
"""


def signaled(
    number: int, moment: str, *words: object, cwd: Path
) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own that gets a signal; see `SIGNALED` for the moment."""
    return subprocess.run(
        [sys.executable, "-c", SIGNALED, str(int(number)), moment, *map(str, words)],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )


def terminal(
    *words: object, cwd: Path, until: Callable[[str], bool] | None = None, **extra: str
) -> tuple[int, str]:
    """The command on a terminal of its own: exit code, and all that came on the screen.

    until: tells by what is on the screen that the command is to be stopped, as Ctrl-C does.
    """
    pid, descriptor = pty.fork()
    if pid == 0:  # pragma: no cover
        os.chdir(cwd)
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "TERM": "xterm-256color",
            "COLUMNS": "100",
            **extra,
        }
        os.execve(sys.executable, [sys.executable, "-m", "forecast_cli", *map(str, words)], env)
    screen = b""
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:
            break
        if not part:
            break
        screen += part
        if until is not None and until(screen.decode(errors="replace")):
            os.kill(pid, signal.SIGINT)
            until = None
    os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen.decode()


def several(root: Path, count: int = 3) -> list[str]:
    """A store with some runs more."""
    with store.lock(root) as lock:
        for _ in range(count - 1):
            store.promote(lock, store.publish(lock, again(root)))
    return store.names(root)
