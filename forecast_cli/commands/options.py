"""Options: settings become the parameters of a command, and the options that every command has."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from forecast_cli import config, console
from forecast_cli.config import DEFAULT_STORE, GROUPS, DataSettings

Store = Annotated[
    str,
    typer.Option("--store", envvar="FORECAST_STORE", help="Folder of the runs.", show_envvar=False),
]
Run = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="ID",
        help="Run to use: its name, number or last part.",
        show_default="the latest",
    ),
]
RunOrAll = Annotated[
    str | None,
    typer.Option(
        "--run", metavar="ID", help="Run to use: its name, number or last part.", show_default="all"
    ),
]
RunBefore = Annotated[
    str | None,
    typer.Option(
        "--run",
        metavar="ID",
        help="Run to use: its name, number or last part.",
        show_default="the one before the latest",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document on stdout, also on failure.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="No progress and no summary; warnings and errors stay.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")]
Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML file of settings, e.g. horizon = 24.",
        show_default="none",
    ),
]
STORE = DEFAULT_STORE
SHARED = ("config", "store", "json", "quiet", "debug")


def with_settings(
    *groups: str, rereading: bool = False
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command one option for each field of the named groups, `--config` and `--log-format`.

    The command line beats the environment beats the file beats the defaults, for these and for options of the
    command's own that bear the name of a setting (`store`). It gets all settings as `settings`, and what was given
    where as `given`, if it has such parameters. rereading: of the settings of the reader, those that may change later;
    without one, what the run was trained with is used.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        wanted = inspect.signature(command, eval_str=True).parameters
        again = config.rereading()
        own = [p for name, p in wanted.items() if name not in ("settings", "given")]
        fields = {f.name: (g, f) for g in (*groups, "log") for f in dataclasses.fields(GROUPS[g])}
        if rereading:
            fields |= {
                f.name: ("data", _as_trained(f))
                for f in dataclasses.fields(DataSettings)
                if f.name in again
            }
        front = [p for p in own if p.name not in SHARED]
        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *front,
            *(_parameter(g, f) for g, f in fields.values() if g != "log"),
            inspect.Parameter(
                "config", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Config
            ),
            *(p for p in own if p.name in SHARED),
            *(_parameter(g, f) for g, f in fields.values() if g == "log"),
        ]
        shadowed = [p.name for p in own if p.name in config.kinds()]

        @functools.wraps(command)
        def parsed(**values: Any) -> int:
            context, file = values.pop("context"), values.pop("config")
            named = {name: values.pop(name) for name in fields} | {
                name: values[name] for name in shadowed
            }
            typed = {name: value for name, value in named.items() if _was_typed(context, name)}
            given = config.gather(typed, os.environ, file)
            console.talk_as(given.values.get("log_format", "text"))
            for warning in given.warnings:
                console.warning(warning)
            extra = {"settings": config.settings_of(given), "given": given}
            values |= {name: given.values[name] for name in shadowed if name in given.values}
            return command(
                **values, **{name: value for name, value in extra.items() if name in wanted}
            )

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        parsed.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
        parsed.__annotations__ = {p.name: p.annotation for p in parameters}
        del parsed.__wrapped__
        return parsed

    return decorate


def _was_typed(context: typer.Context, name: str) -> bool:
    """Whether an option was given on the command line, even if with the value of its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@functools.cache
def _hints(group: str) -> dict[str, Any]:
    """The types of a group of settings; to evaluate them anew for each field would cost more than all else in --help."""
    return typing.get_type_hints(GROUPS[group])


def _as_trained(field: dataclasses.Field[Any]) -> Any:
    """The field with no default of its own: what the run was trained with."""
    again: Any = dataclasses.field(
        default=None, metadata={**field.metadata, "auto": "as in training"}
    )
    again.name = field.name
    return again


def _parameter(group: str, field: dataclasses.Field[Any]) -> inspect.Parameter:
    hint = _hints(group)[field.name]
    auto = field.metadata["auto"]
    if field.default is None and type(None) not in typing.get_args(hint):
        hint = hint | None
    name = config.option_name(field.name)
    option = typer.Option(
        f"{name}/--no-{name[2:]}" if bool in (hint, *typing.get_args(hint)) else name,
        help=field.metadata["help"],
        rich_help_panel=field.metadata["panel"] or None,
        show_default=auto or True,
    )
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default,
        annotation=Annotated[hint, option],
    )
