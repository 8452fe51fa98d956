"""The command line: the only place where errors become words and exit codes."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import itertools
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import forecast_cli
from forecast_cli import console
from forecast_cli.commands import (
    backtest,
    check,
    doctor,
    plot,
    predict,
    print_schedule,
    refresh,
    report,
    runs_compare,
    runs_list,
    runs_show,
    runs_upkeep,
    runs_verify,
    status,
    train,
    tune,
)
from forecast_cli.commands.help import HelpCommand
from forecast_cli.errors import (
    BUG,
    CLOSED_PIPE,
    Failure,
    ForecastError,
    SettingsError,
    StoppedError,
    failure_document,
    failure_of,
)
from forecast_cli.sources import variable_name

COMMANDS = {
    "train": train.train,
    "predict": predict.predict,
    "refresh": refresh.refresh,
    "backtest": backtest.backtest,
    "tune": tune.tune,
    "plot": plot.plot,
    "report": report.report,
    "check": check.check,
    "status": status.status,
    "doctor": doctor.doctor,
    "print-schedule": print_schedule.print_schedule,
}
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = 0.05  # seconds until a signal is sent again whose error was lost
GROUP = "runs"
GROUP_COMMANDS = {
    "list": runs_list.list_runs,
    "show": runs_show.show,
    "compare": runs_compare.compare,
    "verify": runs_verify.verify,
    "rollback": runs_upkeep.rollback,
    "prune": runs_upkeep.prune,
    "pin": runs_upkeep.pin,
    "unpin": runs_upkeep.unpin,
}


class _Group(TyperGroup):
    """Shows every failure once, in one form: `error:`, `hint:`, an exit code by its kind."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        words = list(sys.argv[1:] if args is None else args)
        # The format of messages is kept in a context of its own, so that another call in the same
        # process does not inherit it.
        result = contextvars.copy_context().run(self._run, words)
        code = result if isinstance(result, int) else 0
        _end_at_once(code)
        sys.exit(code)

    def _run(self, words: list[str]) -> Any:
        console.talk_as(_log_format(words))
        try:
            return super().main(words, "forecast", standalone_mode=False)
        except typer.TyperException as error:
            message = " ".join(error.format_message().split())
            return _fail(SettingsError(message, _usage_hint(words)), words)
        except typer.Abort:
            return _fail(StoppedError(signal.SIGINT), words)
        except (Exception, StoppedError) as error:
            return _fail(failure_of(_stop_behind(error) or error), words)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Plain help: drawing panels would take longer than everything else that --help does."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)


# -- failures ----------------------------------------------------------------------------------


def _fail(failure: Failure, words: list[str]) -> int:
    """Show a failure; returns its exit code."""
    if failure.exit_code == CLOSED_PIPE:
        return failure.exit_code

    console.error(failure, debug="--debug" in words)
    if "--json" in words:
        command = "-".join(_command_of(words)) or "forecast"
        try:
            console.emit_json(failure_document(f"forecast/{command}/v1", failure))
        except ForecastError:
            return failure.exit_code  # stdout is gone, and what went wrong was said on stderr
    return failure.exit_code


def _command_of(words: list[str]) -> list[str]:
    """The words that name the command: `train`, or `runs` and `list`; nothing where none does.

    What stands behind a command is its arguments: in `train check`, `check` is a file.
    """
    if not words or words[0] not in (*COMMANDS, GROUP):
        return []
    if words[0] == GROUP and len(words) > 1 and words[1] in GROUP_COMMANDS:
        return words[:2]
    return words[:1]


def _usage_hint(words: list[str]) -> str:
    return f"see `{' '.join(['forecast', *_command_of(words), '--help'])}`"


def _log_format(words: list[str]) -> str:
    """The format of messages about errors that come before the options are parsed."""
    formats = [word.partition("=")[2] for word in words if word.startswith("--log-format=")]
    formats += [after for word, after in itertools.pairwise(words) if word == "--log-format"]
    return formats[-1] if formats else os.environ.get(variable_name("log_format"), "text")


# -- the application ---------------------------------------------------------------------------

app = typer.Typer(
    cls=_Group,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    epilog="Example: forecast train sample_data/airline.csv && forecast predict",
)
runs_app = typer.Typer(
    cls=_Group,
    rich_markup_mode=None,
    help="List, compare, verify and prune the runs in the store.",
    epilog="Example: forecast runs list",
)
for name, command in COMMANDS.items():
    app.command(name, cls=HelpCommand)(command)
for name, command in GROUP_COMMANDS.items():
    runs_app.command(name, cls=HelpCommand)(command)
app.add_typer(runs_app, name=GROUP)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Train an LSTM on a CSV, keep the trained run, and forecast from the newest rows."""
    if version:
        console.lines([f"forecast {forecast_cli.__version__}"])
    elif context.invoked_subcommand is None:
        raise SettingsError("no command given", "try `forecast --help`")
    return 0


def main() -> NoReturn:
    """The console script."""
    # One thread for numpy: its matrices are small here, and the number of threads can change the
    # last bits of a result.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _raise_at_signals()
    code: Any = BUG  # the group exits, so this is never the end
    try:
        app()
    except StoppedError as error:  # before the command began, or when it had failed already
        code = _fail(error, sys.argv[1:])
    except SystemExit as end:
        code = end.code
    if isinstance(code, int) and code - 128 in STOPS:
        _leave(code)
    raise SystemExit(code)


# -- signals -----------------------------------------------------------------------------------


def _raise_at_signals() -> None:
    """From now on, a signal to stop is a StoppedError, which cleans up like any other error.

    A closed terminal is none where that is to be ignored, as after `nohup`.
    """
    sys.unraisablehook = _send_again
    atexit.register(setattr, sys, "unraisablehook", sys.__unraisablehook__)
    for number in STOPS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, frame: Any) -> NoReturn:
    raise StoppedError(number)


def _stop_behind(error: BaseException) -> StoppedError | None:
    """The stop in whose course an error came that nobody has foreseen.

    A signal in the middle of a step of somebody else may leave things so that the next one fails.
    """
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, Failure):
        behind = behind.__context__
    return behind if isinstance(behind, StoppedError) else None


def _send_again(lost: sys.UnraisableHookArgs) -> None:
    """Send a signal again, a moment later, whose error was lost.

    It was if it came in a callback or a destructor, whose errors Python shows and drops.
    """
    if not isinstance(lost.exc_value, StoppedError):
        sys.__unraisablehook__(lost)
        return

    thread, number = threading.main_thread().ident or 0, lost.exc_value.signal_number
    timer = threading.Timer(AGAIN, signal.pthread_kill, (thread, number))
    timer.daemon = True
    timer.start()


def _leave(code: int) -> NoReturn:
    """End the process after a signal, without the threads that there are.

    The signal may have come while one was being started, of which nobody knows then that it is to
    end, and for which Python would wait forever.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none
            stream.flush()
    os._exit(code)


def _end_at_once(code: int) -> None:
    """The command is over, and its exit code is known: a signal now ends the process with it."""
    for number in STOPS:
        if signal.getsignal(number) is _stop:
            signal.signal(number, lambda *_: os._exit(code))
            # At its very end, Python forgets such handlers, but not that a signal is ignored.
            atexit.register(signal.signal, number, signal.SIG_IGN)
