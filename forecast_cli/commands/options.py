"""Options: settings become the parameters of a command, beside those that every command has."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from forecast_cli import console, fields
from forecast_cli.commands.help import BASE_PANEL, LAST_PANEL, MOST_USED_PANEL
from forecast_cli.fields import TextForm
from forecast_cli.settings import DEFAULT_STORE, GROUPS, fields_by_name, types_by_name
from forecast_cli.sources import STORE_NAME, gather, settings_of

STORE = DEFAULT_STORE
SHARED = ("config", "store", "json", "quiet", "debug", "log_format")  # behind the settings


# -- groups of settings that several commands take ---------------------------------------------

# What a network is made from and how it is tested: all that `backtest` needs.
NETWORK = (
    "data",
    "window",
    "network",
    "training",
    "ensemble",
    "engine",
    "interval",
    "accuracy",
    "output",
)
# Commands that train a network for a store take its lock, and prune old runs.
TRAINING = (*NETWORK, "lock", "prune")


# -- options that several commands have --------------------------------------------------------


def value(*names: str, metavar: str, text: str, default: str = "") -> Any:
    """An option of one command that takes a value. default: what holds without it, in words."""
    return typer.Option(*names, metavar=metavar, help=text, show_default=default or False)


def output(metavar: str, text: str, default: str = "") -> Any:
    """Where a command writes."""
    return value("--output", "-o", metavar=metavar, text=text, default=default)


def _run_option(default: str) -> Any:
    text = "Run to use: its name, its number, or the end of its name."
    return value("--run", metavar="ID", text=text, default=default)


Data = Annotated[
    str, typer.Argument(metavar="DATA", help="CSV or Parquet file, or - for standard input.")
]
Run = Annotated[str | None, _run_option("the latest")]
RunOrBase = Annotated[
    str | None,
    value(
        "--run",
        metavar="ID",
        text="Run to use: its name, its number, the end of its name, or base.",
        default="the latest",
    ),
]
RunOrAll = Annotated[str | None, _run_option("all runs")]
RunBefore = Annotated[str | None, _run_option("the one before the latest")]
Store = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="FORECAST_STORE",
        metavar="DIR",
        help="Folder of the runs.",
        show_default=DEFAULT_STORE,
        show_envvar=False,
    ),
]
Config = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="TOML file with settings, e.g. horizon = 24.",
        show_default=False,
        rich_help_panel=LAST_PANEL,
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON document to stdout, also on failure.",
        rich_help_panel=LAST_PANEL,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="Print warnings and errors only, and the data that was asked for.",
        rich_help_panel=LAST_PANEL,
    ),
]
QuietNames = Annotated[
    bool,
    typer.Option(
        "--quiet",
        help="Print only the names of the runs, one per line.",
        rich_help_panel=LAST_PANEL,
    ),
]
Debug = Annotated[
    bool,
    typer.Option("--debug", help="Print the traceback of an error.", rich_help_panel=LAST_PANEL),
]


# -- settings as options -----------------------------------------------------------------------


def with_settings(
    *groups: str,
    most_used: tuple[str, ...] = (),
    from_the_run: Iterable[str] = (),
    of_base: Iterable[str] = (),
    without: Iterable[str] = (),
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command one option for each setting of the named groups, `--config`, `--log-format`.

    The command line beats the environment, which beats the file, which beats the defaults. This
    holds for the command's own options, too, if they bear the name of a setting (`store`). A
    command with the parameters `settings` and `sources` gets all settings, and their sources.

    - most_used: options that stand before all others in `--help`
    - from_the_run: settings of other groups that the command takes, but which are by default what
      the run was trained with
    - of_base: settings of other groups that the command takes with `--run base` alone
    - without: settings of the groups that are no options of the command; it may have an option of
      its own with such a name
    """
    options = {name: option for group in groups for name, option in _options_of(group).items()}
    for name in from_the_run:
        options[name] = _option(fields_by_name()[name], from_the_run=True)
    for name in of_base:
        option = _option(fields_by_name()[name], from_the_run=True)
        options[name] = _under(BASE_PANEL, option)
    options |= _options_of("log")
    for name in without:
        del options[name]

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        wanted = inspect.signature(command, eval_str=True).parameters
        own = {
            name: parameter
            for name, parameter in wanted.items()
            if name not in ("settings", "sources")
        }
        own["config"] = _parameter("config", None, Config)

        @functools.wraps(command)
        def parsed(context: typer.Context, **values: Any) -> int:
            return command(**_arguments(context, values, options, wanted))

        parameters = _in_order(own, options, most_used)
        _set_signature(parsed, parameters)
        return parsed

    return decorate


def _options_of(group: str) -> dict[str, inspect.Parameter]:
    """The options of a group of settings, by name."""
    return {field.name: _option(field) for field in dataclasses.fields(GROUPS[group])}


def _option(field: dataclasses.Field[Any], *, from_the_run: bool = False) -> inspect.Parameter:
    """The option of a setting. from_the_run: by default it is what the run was trained with."""
    kind = types_by_name()[field.name]
    words, form = fields.choices_of(kind), field.metadata["form"]
    default = None if from_the_run else field.default
    if form is not None:
        words, kind = (), str
        default = None if default is None else form.write(default)
    if default is None:
        kind = kind | None

    metavar, text = field.metadata["metavar"], field.metadata["help"]
    shown = "" if from_the_run else _default_text(field, form)
    if words and metavar:
        text += f" One of {', '.join(words)}."

    name = fields.option_name(field.name)
    is_switch = fields.plain_type(kind) is bool
    option = typer.Option(
        f"{name}/--no-{name[2:]}" if is_switch else name,
        help=text,
        metavar=metavar or "|".join(words),
        rich_help_panel=_panel_of(field.name),
        show_default=shown or False,
    )
    return _parameter(field.name, default, Annotated[kind, option])


def _default_text(field: dataclasses.Field[Any], form: TextForm | None) -> str:
    """What holds without the option, in words; an empty text where there is nothing to say."""
    if field.default is None or field.default is False:
        return str(field.metadata["auto"])
    if field.default is True:
        return "on"
    if form is not None:
        return form.write(field.default)
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def _panel_of(name: str) -> str:
    return str(next(group.panel for group in GROUPS.values() if name in group.types))


def _parameter(name: str, default: Any, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)


# -- the parameters of a command ---------------------------------------------------------------


def _in_order(
    own: Mapping[str, inspect.Parameter],
    options: Mapping[str, inspect.Parameter],
    most_used: tuple[str, ...],
) -> list[inspect.Parameter]:
    """The parameters as `--help` shows them: the most used ones first, the shared ones last."""
    front = [name for name in own if name not in SHARED]
    parameters = {**options, **own}
    middle = [name for name in options if name not in SHARED]
    last = [name for name in SHARED if name in parameters]
    names = [*front, *most_used, *middle, *last]
    for name in most_used:
        parameters[name] = _under(MOST_USED_PANEL, parameters[name])
    return [
        parameters[name].replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name in dict.fromkeys(names)
    ]


def _under(heading: str, parameter: inspect.Parameter) -> inspect.Parameter:
    """The parameter, with its option under another heading."""
    kind, option = parameter.annotation.__origin__, parameter.annotation.__metadata__[0]
    moved = copy.copy(option)
    moved.rich_help_panel = heading
    return parameter.replace(annotation=Annotated[kind, moved])


def _set_signature(function: Any, parameters: list[inspect.Parameter]) -> None:
    """Make Typer see these parameters, and the context."""
    context = _parameter("context", inspect.Parameter.empty, typer.Context)
    everything = [context, *parameters]
    function.__signature__ = inspect.Signature(everything, return_annotation=int)
    function.__annotations__ = {each.name: each.annotation for each in everything}
    del function.__wrapped__


# -- the arguments of a call -------------------------------------------------------------------


def _arguments(
    context: typer.Context,
    values: dict[str, Any],
    options: Mapping[str, inspect.Parameter],
    wanted: Mapping[str, inspect.Parameter],
) -> dict[str, Any]:
    """What a command is called with: its own options, `settings` and `sources`.

    Raises SettingsError.
    """
    file = values.pop("config")
    can_be_given_elsewhere = {STORE_NAME, *options}
    typed = {
        name: value
        for name, value in values.items()
        if name in can_be_given_elsewhere and _was_typed(context, name)
    }
    sources = gather(typed, os.environ, file)
    console.talk_as(sources.values.get("log_format", "text"))
    for warning in sources.warnings:
        console.warning(warning)

    settings = settings_of(sources)
    arguments = {name: value for name, value in values.items() if name not in options}
    if STORE_NAME in arguments:
        arguments[STORE_NAME] = sources.values.get(STORE_NAME, DEFAULT_STORE)
    extra = {"settings": settings, "sources": sources}
    return arguments | {name: value for name, value in extra.items() if name in wanted}


def _was_typed(context: typer.Context, name: str) -> bool:
    """Whether an option was given on the command line, even if with the value of its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
