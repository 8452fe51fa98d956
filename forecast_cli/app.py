"""The command line: the only place where errors become words and exit codes."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import forecast_cli
from forecast_cli import console
from forecast_cli.commands import check, compare, plot, predict, runs, train
from forecast_cli.errors import BUG, CLOSED_PIPE, ForecastError, OutOfMemoryError, SettingsError, StoppedError


class _Group(TyperGroup):
    """Shows every failure once, in one form: `error:`, `hint:`, a code by kind."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:
        words = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(words, "forecast", standalone_mode=False)
        except ForecastError as error:
            code = _fail(error, words)
        except typer.TyperException as error:
            code = _fail(SettingsError(_one_line(error.format_message()), _usage_hint(words)), words)
        except typer.Abort:
            code = _fail(StoppedError(signal.SIGINT), words)
        except MemoryError:
            hint = "use fewer rows, a smaller --lookback or --batch-size"
            code = _fail(OutOfMemoryError("this does not fit in memory", hint), words)
        except Exception as error:
            text = _one_line(f"{type(error).__name__}: {error}")
            code = _fail(
                ForecastError(f"unexpected {text}", "this is a bug; run again with --debug and report it"), words
            )
        sys.exit(code if isinstance(code, int) else 0)


class _RootGroup(_Group):
    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Plain help for the root: drawing panels would take longer than everything else it does."""
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_options(ctx, formatter)
        self.format_epilog(ctx, formatter)


def _fail(failure: ForecastError, words: list[str]) -> int:
    if "--debug" in words and failure.__traceback__ is not None:
        traceback.print_exc()
    if failure.exit_code == CLOSED_PIPE:
        return failure.exit_code
    console.error(failure)
    if "--json" in words:
        command = "-".join(word for word in words[:2] if word in _COMMANDS) or "forecast"
        try:
            console.emit_json(
                {
                    "schema": f"forecast/{command}/v1",
                    "exit_code": failure.exit_code,
                    "error": failure.message,
                    "hint": failure.hint,
                }
            )
        except ForecastError:
            return failure.exit_code
    return failure.exit_code


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _usage_hint(words: list[str]) -> str:
    command = " ".join(word for word in words[:2] if word in _COMMANDS)
    return f"see `forecast {command + ' ' if command else ''}--help`"


_COMMANDS = ("train", "predict", "plot", "check", "runs", "list", "show", "compare")

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
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    app()
    raise SystemExit(BUG)  # not reached: the group exits
