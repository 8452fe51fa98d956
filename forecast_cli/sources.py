"""Where settings come from: the command line, the environment, a TOML file, keywords in Python.

The command line beats the environment, which beats the file, which beats the defaults. Values stay
as they were written until `settings_of` or `settings_from` makes settings of them, so that they
can be repeated in a command to type.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from forecast_cli import fields
from forecast_cli.errors import SettingsError
from forecast_cli.messages import nearest, nearest_word
from forecast_cli.settings import GROUPS, Settings, fields_by_name, types_by_name

PREFIX = "FORECAST_"  # of the names of environment variables
CONFIG = "config"  # the option that names the TOML file, and FORECAST_CONFIG
STORE_NAME = "store"  # no setting of a training, but it can come from the same places

Origin = Literal["file", "environment", "command line"]


@dataclass(frozen=True)
class SettingSources:
    """The settings that someone gave, by name, as they were written, and where each comes from.

    file: the path of the TOML file, or an empty text; warnings: about variables that are ignored.
    """

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    file: str = ""
    warnings: tuple[str, ...] = ()

    def place(self, name: str) -> str:
        """Where a setting was given, in words; an empty text if it was not."""
        if name not in self.origins:
            return ""
        places: dict[Origin, str] = {
            "command line": "on the command line",
            "environment": f"in the environment ({variable_name(name)})",
            "file": f"in {self.file}",
        }
        return places[self.origins[name]]

    def with_typed(self, name: str, value: Any) -> SettingSources:
        """The same, as if a setting had been typed on the command line, too."""
        return dataclasses.replace(
            self,
            values=self.values | {name: value},
            origins=self.origins | {name: "command line"},
        )

    def without(self, names: Collection[str]) -> SettingSources:
        """The same, as if these settings had not been given."""
        values = {name: value for name, value in self.values.items() if name not in names}
        return dataclasses.replace(self, values=values)


def variable_name(name: str) -> str:
    """The environment variable of a setting: `batch_size` -> `FORECAST_BATCH_SIZE`."""
    return PREFIX + name.upper()


def gather(
    command_line: Mapping[str, Any],
    environment: Mapping[str, str],
    file: str | None = None,
) -> SettingSources:
    """All that was given, and where.

    file: the path of a TOML file; without one, FORECAST_CONFIG may name it. Raises SettingsError.
    """
    path = file or environment.get(variable_name(CONFIG)) or ""
    variables, warnings = read_environment(environment)
    layers: dict[Origin, Mapping[str, Any]] = {
        "file": read_file(path) if path else {},
        "environment": variables,
        "command line": command_line,
    }

    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for origin, layer in layers.items():
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    return SettingSources(values, origins, path, tuple(warnings))


# -- settings ----------------------------------------------------------------------------------


def settings_of(sources: SettingSources) -> Settings:
    """The settings that were given. Raises SettingsError.

    The message says where a wrong value was given, unless that is in front of the user's eyes on
    the command line.
    """
    values = {name: value for name, value in sources.values.items() if name != STORE_NAME}
    try:
        return settings_from(**values)
    except SettingsError as error:
        if sources.origins.get(error.option, "command line") != "command line":
            error.message = f"{error.message}, {sources.place(error.option)}"
        raise


def settings_from(**values: Any) -> Settings:
    """Settings by name: `horizon=12, units="50,100"`, or `units=(50, 100)`, `target="sales"`.

    Raises SettingsError for an unknown name, with the nearest known one, and for a value that is
    of another type, out of its bounds, or does not go with the others.
    """
    known = fields_by_name()
    for name in values:
        if name not in known:
            raise SettingsError(f"unknown setting {name!r}", nearest(name, list(known)))

    values = {name: _from_python(name, value) for name, value in values.items()}
    groups: dict[str, Any] = {}
    for group_name, group in GROUPS.items():
        names = [each.name for each in dataclasses.fields(group) if each.name in values]
        groups[group_name] = group(**{name: values[name] for name in names})
    return Settings(**groups)


# -- keywords in Python ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Type:
    """What a type is called, an example in TOML, and the Python types that a caller may use."""

    words: str
    example: str
    accepted: tuple[type, ...]


_TYPES = {
    int: _Type("a whole number", "24", (int,)),
    float: _Type("a number", "0.2", (int, float)),
    bool: _Type("true or false", "true", (bool,)),
    str: _Type("a text", '"text"', (str,)),
    list[str]: _Type("a list of texts", '["a", "b"]', (str, list, tuple)),
}

NUMBER_LISTS = ("null", "not_null")  # lists of texts in which numbers can be written as such


def _type_of(name: str) -> _Type:
    """The type of a setting, as it is called in messages."""
    kind = types_by_name().get(name, str)
    form = fields_by_name()[name].metadata["form"] if name in fields_by_name() else None
    if form is not None:
        return _Type("a text or numbers", f'"{form.example}"', (str, int, float, list, tuple))

    words = fields.choices_of(kind)
    if words:
        return _Type(f"one of {', '.join(words)}", f'"{words[0]}"', (str,))
    return _TYPES[fields.plain_type(kind)]


def _is_of(value: Any, types: tuple[type, ...]) -> bool:
    """Whether a value is of one of the types; true and false are no numbers here."""
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _from_python(name: str, value: Any) -> Any:
    """A value as a caller in Python writes it: a single word is a list of one.

    Raises SettingsError.
    """
    if value is None and fields_by_name()[name].default is None:
        return None

    wanted = _type_of(name)
    accepted = (*wanted.accepted, int, float) if name in NUMBER_LISTS else wanted.accepted
    if not _is_of(value, accepted):
        raise SettingsError(
            f"{name}: {value!r} is not {wanted.words}",
            "see the types in docs/commands.md",
            option=name,
        )

    if fields.plain_type(types_by_name()[name]) != list[str]:
        return value
    items = value if isinstance(value, list | tuple) else [value]
    return [str(item) for item in items]


# -- a TOML file -------------------------------------------------------------------------------


def read_file(path: str) -> dict[str, Any]:
    """The settings in a TOML file of flat keys; `-` and `_` are the same in a key.

    Raises SettingsError naming file and key.
    """
    content = _parse_toml(path)
    known = [*fields_by_name(), STORE_NAME]
    settings: dict[str, Any] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in known:
            raise SettingsError(f"{path}: unknown key {key!r}", nearest(name, known))
        if name in settings:
            raise SettingsError(
                f"{path}: {name!r} is there twice, with - and with _",
                "keep one of them",
                option=name,
            )
        settings[name] = _from_toml(path, key, name, value)
    return settings


def _parse_toml(path: str) -> dict[str, Any]:
    """The content of a TOML file, which may begin with a byte order mark. Raises SettingsError."""
    import tomllib

    try:
        with open(path, "rb") as file:
            text = file.read().removeprefix(b"\xef\xbb\xbf").decode()
        return tomllib.loads(text)
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file", "check the path after --config") from None
    except OSError as error:
        hint = "give a TOML file that can be read"
        raise SettingsError(f"{path}: {error.strerror}", hint) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: the text is not UTF-8", "save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        hint = "write lines like horizon = 24"
        raise SettingsError(f"{path}: this is not TOML: {error}", hint) from None


def _from_toml(path: str, key: str, name: str, value: Any) -> Any:
    """A value as a TOML file has it, in the type of its setting. Raises SettingsError."""
    wanted = _type_of(name)
    kind = fields.plain_type(types_by_name().get(name, str))
    is_fitting = _is_of(value, wanted.accepted)
    if isinstance(value, list):
        item = str if kind == list[str] else int | float
        is_fitting = is_fitting and all(
            isinstance(each, item) and not isinstance(each, bool) for each in value
        )

    if not is_fitting:
        raise SettingsError(
            f"{path}: {key} must be {wanted.words}, got {_shown(value)}",
            f"write {key} = {wanted.example}",
            option=name,
        )
    if kind == list[str] and isinstance(value, str):
        return [value]
    is_plain_number = kind is float and wanted == _TYPES[float]
    return float(value) if is_plain_number else value


def _shown(value: Any) -> str:
    """A value of a TOML file, as it is written there."""
    if isinstance(value, bool):
        return str(value).lower()
    return "a table" if isinstance(value, dict) else repr(value)


# -- the environment ---------------------------------------------------------------------------

_SWITCHES = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}


def read_environment(environment: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The settings in FORECAST_ variables, and warnings about variables that are not settings.

    An empty variable is as good as none. Raises SettingsError.
    """
    known = [*fields_by_name(), STORE_NAME]
    names = {variable_name(name): name for name in known}
    settings: dict[str, Any] = {}
    warnings: list[str] = []
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable == variable_name(CONFIG):
            continue
        if variable not in names:
            warnings.append(_unknown_variable(variable, [*known, CONFIG]))
        elif text.strip():
            settings[names[variable]] = _from_text(variable, names[variable], text)
    return settings, warnings


def _unknown_variable(variable: str, known: list[str]) -> str:
    name = nearest_word(variable.removeprefix(PREFIX).lower(), known)
    question = f"; did you mean {variable_name(name)}?" if name else ""
    return f"the environment variable {variable} is not a setting and was ignored{question}"


def _from_text(variable: str, name: str, text: str) -> Any:
    """The value of an environment variable, in the type of its setting. Raises SettingsError."""
    if name == STORE_NAME or fields_by_name()[name].metadata["form"] is not None:
        return text

    kind = fields.plain_type(types_by_name()[name])
    if kind is str:
        return text
    if kind == list[str]:
        return fields_by_name()[name].metadata["split"](text)

    try:
        return _SWITCHES[text.strip().lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        wanted = _type_of(name)
        raise SettingsError(
            f"{variable} must be {wanted.words}, got {text!r}",
            f"set {variable}={wanted.example}",
            option=name,
        ) from None
