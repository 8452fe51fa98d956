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
from forecast_cli import config, console
from forecast_cli.commands import check, compare, plot, predict, runs, train
from forecast_cli.errors import (
    BUG,
    CLOSED_PIPE,
    ForecastError,
    SettingsError,
    StoppedError,
    failure_document,
    failure_of,
)


class _Group(TyperGroup):
    """Shows every failure once, in one form: `error:`, `hint:`, a code by kind."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        words = list(sys.argv[1:] if args is None else args)
        # How to talk is known to this call alone: the next one in this process starts anew.
        code = contextvars.copy_context().run(self._run, words)
        sys.exit(code if isinstance(code, int) else 0)

    def _run(self, words: list[str]) -> Any:
        console.talk_as(_log_format(words))
        try:
            return super().main(words, "forecast", standalone_mode=False)
        except typer.TyperException as error:
            return _fail(
                SettingsError(_one_line(error.format_message()), _usage_hint(words)), words
            )
        except typer.Abort:
            return _fail(StoppedError(signal.SIGINT), words)
        except Exception as error:
            return _fail(failure_of(error), words)


def _log_format(words: list[str]) -> str:
    """How to say what goes wrong before the options are understood."""
    given = [word.partition("=")[2] for word in words if word.startswith("--log-format=")]
    given += [after for word, after in itertools.pairwise(words) if word == "--log-format"]
    return given[-1] if given else os.environ.get(config.variable_name("log_format"), "text")


class _RootGroup(_Group):
    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Plain help for the root: drawing panels would take longer than everything else it does."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)


def _fail(failure: ForecastError, words: list[str]) -> int:
    if failure.exit_code == CLOSED_PIPE:
        return failure.exit_code
    console.error(failure, debug="--debug" in words)
    if "--json" in words:
        command = "-".join(word for word in words[:2] if word in _COMMANDS) or "forecast"
        try:
            console.emit_json(failure_document(f"forecast/{command}/v1", failure))
        except ForecastError:
            return failure.exit_code
    return failure.exit_code


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _usage_hint(words: list[str]) -> str:
    command = " ".join(word for word in words[:2] if word in _COMMANDS)
    return f"see `forecast {command + ' ' if command else ''}--help`"


_COMMANDS = (
    "train", "predict", "plot", "check", "runs", "list", "show", "compare", "verify", "rollback", "prune", "pin", "unpin",
)  # fmt: skip

app = typer.Typer(
    cls=_RootGroup,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    epilog="Example: forecast train sample_data/airline.csv && forecast predict",
)
runs_app = typer.Typer(cls=_Group, help="Look after the runs in the store.")
app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("plot")(plot.plot)
app.command("check")(check.check)
runs_app.command("list")(runs.list_)
runs_app.command("show")(runs.show)
runs_app.command("compare")(compare.compare)
runs_app.command("verify")(runs.verify)
runs_app.command("rollback")(runs.rollback)
runs_app.command("prune")(runs.prune)
runs_app.command("pin")(runs.pin)
runs_app.command("unpin")(runs.unpin)
app.add_typer(runs_app, name="runs")


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Train an LSTM on a CSV, keep the run, forecast from the newest rows ever after."""
    if version:
        console.emit(f"forecast {forecast_cli.__version__}\n".encode())
    elif context.invoked_subcommand is None:
        raise SettingsError("no command given", "try `forecast --help`")
    return 0


def _stop(number: int, frame: Any) -> NoReturn:
    raise StoppedError(number)


def main() -> NoReturn:
    """The console script."""
    # One thread for numpy, whatever the machine: its matrices are small, and equal threads are equal bytes.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    app()
    raise SystemExit(BUG)  # not reached: the group exits
