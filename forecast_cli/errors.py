"""Everything that can go wrong, and the exit code that says so.

- Failure                       the root; never raised itself
- ForecastError                 what went wrong; never raised itself
  - SettingsError          2    an option, a config value, settings that do not go together
  - LowSkillError          4    the network is not as good as --min-skill asks for
  - StaleDataError         5    the newest row is older than --data-max-age allows
  - NoRunError            10    nothing was trained yet
  - LockedError           11    another command is writing in the store
  - RunRejectedError      12    a run that is damaged, tampered with, or not ours
  - RunMismatchError      13    run and data, or run and version, do not fit
  - DataError             20    the input is wrong
    - TooLittleDataError  21    the input is right, but too short
  - DivergedError         22    training did not converge
  - StorageError          30    disk full, read-only, I/O error
  - OutOfMemoryError      31    it would not fit in memory
  - WorkerLostError       32    workers of a cluster were lost again and again
- StoppedError   129/130/143    SIGHUP, SIGINT or SIGTERM: like KeyboardInterrupt, no Exception

Other exit codes: 0 is complete success, 1 a bug in this tool, 3 published but degraded (`reasons`
say why), 141 a closed pipe. A code never changes its meaning; codes are only ever added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

DEGRADED = 3
BUG = 1
CLOSED_PIPE = 141


@dataclass(frozen=True)
class Remedy:
    """Settings with which refused data may be read, by the names of their fields, and what they
    do: `reads line 1 as data`. Texts of settings that can be repeated are added to those given.
    """

    settings: Mapping[str, Any]
    effect: str


class Failure(BaseException):
    """Why a command did not do all that it was to do: a message, a hint, and an exit code."""

    exit_code = BUG

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ForecastError(Failure, Exception):
    """A failure that the user can act on: what is wrong, what to do about it, and an exit code.

    - option: the setting that the failure is about, or that helps, by the name of its field
    - proposal: what to give that setting, where one text is known to help
    - remedies: one for each reading that is possible, where options settle the failure
    - path, line, column, value: where in the input the failure is, as far as that is known
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        option: str = "",
        proposal: str = "",
        remedies: Sequence[Remedy] = (),
        path: str = "",
        line: int | None = None,
        column: str = "",
        value: str = "",
    ) -> None:
        super().__init__(message, hint)
        self.option = option
        self.proposal = proposal
        self.remedies = tuple(remedies)
        self.path = path
        self.line = line
        self.column = column
        self.value = value

    def name_file(self, path: str) -> None:
        """Put the name of the file in front of the message, unless it is there already."""
        if not self.path:
            self.path = path
        if not self.message.startswith(path):
            self.message = f"{path}: {self.message}"


class SettingsError(ForecastError):
    exit_code = 2


class LowSkillError(ForecastError):
    exit_code = 4


class StaleDataError(ForecastError):
    exit_code = 5


class NoRunError(ForecastError):
    exit_code = 10


class LockedError(ForecastError):
    exit_code = 11


class RunRejectedError(ForecastError):
    exit_code = 12


class RunMismatchError(ForecastError):
    exit_code = 13


class DataError(ForecastError):
    exit_code = 20


class TooLittleDataError(DataError):
    exit_code = 21


class DivergedError(ForecastError):
    exit_code = 22


class StorageError(ForecastError):
    exit_code = 30


class OutOfMemoryError(ForecastError):
    exit_code = 31


class WorkerLostError(ForecastError):
    exit_code = 32


class StoppedError(Failure):
    """A signal asked the command to stop. The exit code is 128 plus the number of the signal.

    It may come wherever something else goes wrong, or is tried. So it is no ForecastError, and no
    Exception: whoever handles those does not take it for one of them.
    """

    def __init__(
        self,
        signal_number: int,
        state: str = "nothing was published",
        hint: str = "run the command again",
    ) -> None:
        super().__init__(f"stopped by signal {signal_number}; {state}", hint)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number


def failure_of(error: BaseException) -> Failure:
    """Any exception as a failure with a message, a hint and an exit code."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemoryError(
            "this does not fit in memory", "use fewer rows, a smaller --lookback or --batch-size"
        )
    text = " ".join(f"{type(error).__name__}: {error}".split())
    failure = ForecastError(
        f"unexpected {text}", "this is a bug; run again with --debug and report it"
    )
    failure.__cause__ = error
    return failure


def failure_document(schema: str, error: Failure) -> dict[str, Any]:
    """The JSON document of a command that failed."""
    return {
        "schema": schema,
        "exit_code": error.exit_code,
        "error": error.message,
        "hint": error.hint,
    }
