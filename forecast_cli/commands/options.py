"""Options: settings become the parameters of a command, and the options that every command has."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from forecast_cli import config
from forecast_cli.config import DEFAULT_STORE, GROUPS, Settings

Store = Annotated[str, typer.Option("--store", envvar="FORECAST_STORE", help="Folder of the runs.", show_envvar=False)]
Run = Annotated[
    str | None,
    typer.Option("--run", metavar="ID", help="Run to use: its name, number or last part.", show_default="the latest"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, also on failure.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no summary; warnings and errors stay.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of a failure.")]
STORE = DEFAULT_STORE


def with_settings(*groups: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command one option for each field of the named groups of settings; it gets them as one `settings`."""

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "settings"]
        fields = {f.name: (g, f) for g in groups for f in dataclasses.fields(GROUPS[g])}
        shared = {"store", "json", "quiet", "debug"}
        front = [p for p in own if p.name not in shared]
        parameters = [*front, *(_parameter(g, f) for g, f in fields.values()), *(p for p in own if p.name in shared)]

        @functools.wraps(command)
        def parsed(**values: Any) -> int:
            chosen = {g: {n: values.pop(n) for n, (home, _) in fields.items() if home == g} for g in groups}
            return command(settings=Settings(**{g: GROUPS[g](**v) for g, v in chosen.items()}), **values)

        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters]
        parsed.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
        parsed.__annotations__ = {p.name: p.annotation for p in parameters}
        del parsed.__wrapped__
        return parsed

    return decorate


def _parameter(group: str, field: dataclasses.Field[Any]) -> inspect.Parameter:
    hint = typing.get_type_hints(GROUPS[group])[field.name]
    auto = field.metadata["auto"]
    name = config.option_name(field.name)
    option = typer.Option(
        f"{name}/--no-{name[2:]}" if hint is bool else name,
        help=field.metadata["help"],
        rich_help_panel=field.metadata["panel"],
        show_default=auto or True,
    )
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=Annotated[hint, option]
    )
