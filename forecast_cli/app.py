"""The command line: the only place where errors become words and exit codes."""

from __future__ import annotations

import contextvars
import itertools
import os
import signal
import sys
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
        code = contextvars.copy_context().run(self._run, words)
        sys.exit(code if isinstance(code, int) else 0)

    def _run(self, words: list[str]) -> Any:
        console.talk_as(_log_format(words))
        try:
            return super().main(words, "forecast", standalone_mode=False)
        except typer.TyperException as error:
            message = " ".join(error.format_message().split())
            return _fail(SettingsError(message, _usage_hint(words)), words)
        except typer.Abort:
            return _fail(StoppedError(signal.SIGINT), words)
        except Exception as error:
            return _fail(failure_of(error), words)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Plain help: drawing panels would take longer than everything else that --help does."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)


# -- failures ----------------------------------------------------------------------------------


def _fail(failure: ForecastError, words: list[str]) -> int:
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


def _stop(number: int, frame: Any) -> NoReturn:
    raise StoppedError(number)


def main() -> NoReturn:
    """The console script."""
    # One thread for numpy: its matrices are small here, and the number of threads can change the
    # last bits of a result.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    app()
    raise SystemExit(BUG)  # the group exits, so this is never reached
