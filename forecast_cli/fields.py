"""What a setting is: a field of a dataclass with its help, its bounds, and its form as text.

`settings` declares the settings with `setting(...)`; commands turn the fields into options. Only
the standard library is imported, so that `--help` stays fast.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from forecast_cli.errors import SettingsError

MOST_DECIMALS = 20  # of a number in a forecast
MOST_LAYERS = 16
MOST_UNITS = 4096
LONGEST_SEASON = 100_000

Digits = int | Literal["full"]  # decimals of the numbers in a forecast, or all their digits


# -- what tuning tries -------------------------------------------------------------------------


@dataclass(frozen=True)
class AnyOf:
    """Tuning tries each of these values.

    when: another setting that is tuned, and the values of it with which this one has a meaning.
    """

    values: tuple[Any, ...]
    when: tuple[str, tuple[Any, ...]] | None = None


@dataclass(frozen=True)
class Multiples:
    """Tuning tries multiples of what a training decides by itself."""

    factors: tuple[float, ...]
    when: tuple[str, tuple[Any, ...]] | None = None


@dataclass(frozen=True)
class Between:
    """Tuning tries any number from `low` to `high`; is_log: small ones as often as large ones."""

    low: float
    high: float
    is_log: bool = False
    when: tuple[str, tuple[Any, ...]] | None = None


Tuned = AnyOf | Multiples | Between


# -- the declaration of a setting --------------------------------------------------------------


def setting(
    default: Any,
    help: str,  # noqa: A002
    *,
    metavar: str = "",
    auto: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    form: TextForm | None = None,
    split: Callable[[str], list[str]] | None = None,
    rereading: bool = False,
    tuned: Tuned | None = None,
) -> Any:
    """A field that is an option.

    - help, metavar: what `--help` says about it, and what stands for its value
    - auto: what `None` stands for, in words
    - minimum, maximum: the bounds of a number, inclusive
    - form: how the value is written as text, where it is more than a word or a number
    - split: how the text of an environment variable becomes a list; by default as a line of CSV
    - rereading: `predict` has the option, too, because rows that are newer than the training may
      need it
    - tuned: what `tune` tries for it; None where tuning leaves it as it is
    """
    metadata = {
        "help": help,
        "metavar": metavar,
        "auto": auto,
        "minimum": minimum,
        "maximum": maximum,
        "form": form,
        "split": split or split_as_csv,
        "rereading": rereading,
        "tuned": tuned,
    }
    return dataclasses.field(default=default, metadata=metadata)


class Group:
    """A dataclass of settings. Each value is brought into its type and checked when it is made.

    panel: the heading in `--help` under which the options of the group stand; types: those of the
    fields, by name.
    """

    panel: ClassVar[str]
    types: ClassVar[Mapping[str, Any]]

    def __init_subclass__(cls) -> None:
        cls.types = typing.get_type_hints(cls)  # once, because this takes longer than all else here

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = read_value(field, getattr(self, field.name))
            check_value(field, value, self.types[field.name])
            object.__setattr__(self, field.name, value)
        self.check_together()

    def check_together(self) -> None:
        """Raise SettingsError where settings of the group do not go together."""


def declared(group: type[Group]) -> tuple[dataclasses.Field[Any], ...]:
    """The settings of a group."""
    return dataclasses.fields(group)  # type: ignore[arg-type]


def written(field: dataclasses.Field[Any], value: Any) -> str:
    """A value of a setting as one text, such that equal values have equal texts."""
    form: TextForm | None = field.metadata["form"]
    if form is not None and value is not None:
        return form.write(value)
    return value if isinstance(value, str) else json.dumps(value)


def option_name(name: str) -> str:
    """The option of a setting: `batch_size` -> `--batch-size`."""
    return "--" + name.replace("_", "-")


# -- types -------------------------------------------------------------------------------------


def choices_of(kind: Any) -> tuple[str, ...]:
    """The words of `Literal["a", "b"]`, also where None is allowed beside them."""
    for part in (kind, *typing.get_args(kind)):
        if typing.get_origin(part) is Literal:
            return typing.get_args(part)
    return ()


def plain_type(kind: Any) -> Any:
    """The type without None: `int | None` -> int; choices -> str."""
    if choices_of(kind):
        return str
    if kind == list[str]:
        return kind
    parts = [part for part in typing.get_args(kind) if part is not type(None)]
    return parts[0] if parts else kind


# -- checks ------------------------------------------------------------------------------------


def read_value(field: dataclasses.Field[Any], value: Any) -> Any:
    """A value in the type of its field: texts are parsed, empty words of a list are left out."""
    form: TextForm | None = field.metadata["form"]
    if form is not None and value is not None:
        text = value if isinstance(value, str) else form.write(value)
        return form.parse(text, field.name)

    if isinstance(value, list | tuple):
        return [word for word in value if word] or None
    return value


def check_value(field: dataclasses.Field[Any], value: Any, kind: Any) -> None:
    """Raise SettingsError where a value is not one of the choices, or out of bounds."""
    if value is None:
        return

    name = option_name(field.name)
    words = choices_of(kind)
    if words and field.metadata["form"] is None and value not in words:
        raise SettingsError(
            f"{name}: {value!r} is not one of {', '.join(words)}",
            f"use {name} {words[0]}",
            option=field.name,
        )

    # Written so that NaN, which compares with nothing, is refused, too.
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if low is not None and not value >= low:
        raise SettingsError(
            f"{name} must be at least {low:g}, got {value!r}",
            f"use {name} {low:g} or more",
            option=field.name,
        )
    if high is not None and not value <= high:
        raise SettingsError(
            f"{name} must be at most {high:g}, got {value!r}",
            f"use {name} {high:g} or less",
            option=field.name,
        )


# -- values that are written as text -----------------------------------------------------------


@dataclass(frozen=True)
class TextForm:
    """How a value is written as one text, such as `50,100` or `10m`.

    parse: the value of a text, given the name of the setting; raises SettingsError.
    write: the text of a value, such that parsing it gives the value again.
    example: a text to show.
    """

    parse: Callable[[str, str], Any]
    write: Callable[[Any], str]
    example: str


def number_text(number: float) -> str:
    """A number with all its digits, and without a decimal point where it is whole."""
    return f"{number:.0f}" if float(number).is_integer() else repr(float(number))


def finite_number(text: str) -> float | None:
    """The number that a text is; None where it is none, or an infinite one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def list_text(value: Any) -> str:
    """Numbers with commas between them; a single number is a list of one."""
    items = value if isinstance(value, list | tuple) else [value]
    return ",".join(number_text(n) if isinstance(n, int | float) else str(n) for n in items)


def _whole_numbers(text: str, name: str, example: str, most: int) -> tuple[int, ...]:
    """`50,100` -> (50, 100), each from 1 to `most`. Raises SettingsError."""
    option = option_name(name)
    hint = f"write {option} {example}"
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise SettingsError(f"{option}: {text!r} is not a list of whole numbers", hint, option=name)

    numbers = tuple(int(part) for part in parts)
    if min(numbers) < 1 or max(numbers) > most:
        raise SettingsError(f"{option}: {text!r} must be between 1 and {most}", hint, option=name)
    return numbers


def parse_units(text: str, name: str = "units") -> tuple[int, ...] | None:
    """`50,100` -> (50, 100); auto -> None. Raises SettingsError."""
    if text == "auto":
        return None
    numbers = _whole_numbers(text, name, "50,100", MOST_UNITS)
    if len(numbers) > MOST_LAYERS:
        option = option_name(name)
        raise SettingsError(
            f"{option}: {len(numbers)} layers, at most {MOST_LAYERS}",
            f"write {option} 50,100",
            option=name,
        )
    return numbers


def parse_seasons(text: str, name: str = "season") -> tuple[int, ...] | None:
    """`24,168` -> (24, 168), ascending; 1 -> (), no season; auto -> None. Raises SettingsError."""
    if text == "auto":
        return None
    numbers = _whole_numbers(text, name, "24,168", LONGEST_SEASON)
    return tuple(sorted({number for number in numbers if number > 1}))


def parse_levels(text: str, name: str = "levels") -> tuple[float, ...]:
    """`80,95` -> (80.0, 95.0), ascending; an empty text -> (). Raises SettingsError."""
    if not text.strip():
        return ()
    try:
        numbers = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        numbers = (math.nan,)

    if not all(0 < number < 100 for number in numbers):
        option = option_name(name)
        raise SettingsError(
            f"{option}: {text!r} is not a list of percentages between 0 and 100",
            f"write {option} 80,95",
            option=name,
        )
    return numbers


def parse_digits(text: str, name: str = "digits") -> Digits | None:
    """`4` -> 4 decimals; `full` -> all digits; auto -> None. Raises SettingsError."""
    if text == "auto":
        return None
    if text == "full":
        return "full"

    is_short_number = text.isascii() and text.isdigit() and len(text) <= 2
    if not is_short_number or int(text) > MOST_DECIMALS:
        option = option_name(name)
        raise SettingsError(
            f"{option}: {text!r} is neither a number of decimals from 0 to {MOST_DECIMALS} "
            "nor 'full'",
            f"write {option} 2, or {option} full",
            option=name,
        )
    return int(text)


_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def parse_duration(text: str, name: str) -> float:
    """`30s`, `10m`, `2h`, `1d`, or a bare number of seconds -> seconds. Raises SettingsError."""
    match = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([smhd]?)\s*", text)
    if match is None:
        option = option_name(name)
        raise SettingsError(
            f"{option}: {text!r} is not a duration",
            f"write {option} 30s, 10m or 2h",
            option=name,
        )
    return float(match[1]) * _SECONDS[match[2]]


def parse_delimiter(text: str, name: str = "delimiter") -> str:
    """The character that separates fields; tab and space can be written as words.

    Raises SettingsError.
    """
    words = {"tab": "\t", r"\t": "\t", "space": " "}
    mark = words.get(text, text)
    is_shown = mark.isprintable() or mark == "\t"
    if len(mark) != 1 or not mark.isascii() or not is_shown or mark == '"':
        option = option_name(name)
        raise SettingsError(
            f"{option}: {text!r} is not one character",
            f"use e.g. {option} ';', tab or space",
            option=name,
        )
    return mark


UNITS = TextForm(parse_units, list_text, "50,100")
SEASONS = TextForm(parse_seasons, lambda seasons: list_text(seasons) or "1", "24,168")
LEVELS = TextForm(parse_levels, list_text, "80,95")
DIGITS = TextForm(parse_digits, list_text, "4")


def duration_text(seconds: float) -> str:
    """`7d` for whole days, else seconds: `600s`."""
    if seconds and seconds % _SECONDS["d"] == 0:
        return f"{seconds / _SECONDS['d']:.0f}d"
    return list_text(seconds) + "s"


DURATION = TextForm(parse_duration, duration_text, "10m")
DELIMITER = TextForm(parse_delimiter, str, ";")


# -- lists in an environment variable ----------------------------------------------------------


def split_as_csv(text: str) -> list[str]:
    """The words between the commas; a word with a comma in it is quoted as in CSV."""
    return [part for part in next(csv.reader([text], skipinitialspace=True)) if part]


def split_date_formats(text: str) -> list[str]:
    """Formats of dates, separated by commas, except for a comma inside of a date (%b %d, %Y)."""
    parts = split_as_csv(text)
    are_formats = all(re.search("%-?[YyGcxD]|^epoch|^step$", part) for part in parts)
    return parts if are_formats else [text]
