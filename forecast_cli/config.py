"""Settings: frozen dataclasses in which one field is one option, with its help, panel and bounds, declared once.

`commands` turn the fields into options, the Python API into keywords; both end in the same checks.
Nothing but the standard library is imported here, so that `--help` stays fast.
"""

from __future__ import annotations

import csv
import dataclasses
import difflib
import functools
import math
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from forecast_cli import choices
from forecast_cli.errors import SettingsError

DEFAULT_STORE = "./forecast_runs"
DEFAULT_LEVELS = "80,95"
PREFIX = "FORECAST_"  # of the names in the environment
CONFIG = "config"  # the option that names the file, and FORECAST_CONFIG
ROLES = (
    "time",
    "target",
    "id",
    "past",
    "future",
    "static",
    "weight",
)  # settings that say what a column is
MOST_DECIMALS = 20  # of a number in a forecast

Digits = int | Literal["full"]  # decimals of the numbers in a forecast, or all their digits


def setting(
    default: Any,
    help: str,  # noqa: A002
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    auto: str = "",
    panel: str = "",
    rereading: bool = False,
) -> Any:
    """A field that is an option: its default, its help, its bounds (inclusive), what `None` stands for, its panel.

    rereading: `predict` has the option too, because rows that are new since the training may need it.
    """
    metadata = {
        "help": help, "minimum": minimum, "maximum": maximum, "auto": auto, "panel": panel, "rereading": rereading,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


def option_name(field: str) -> str:
    return "--" + field.replace("_", "-")


def check_bounds(settings: Any) -> None:
    """Raise SettingsError where a field is outside its bounds or not one of its choices."""
    hints = typing.get_type_hints(type(settings))
    for field in dataclasses.fields(settings):
        value, name = getattr(settings, field.name), option_name(field.name)
        if value is None or not field.metadata:
            continue
        choices = choices_of(hints[field.name])
        if choices and value not in choices:
            raise SettingsError(
                f"{name}: {value!r} is not one of {', '.join(choices)}", f"use {name} {choices[0]}"
            )
        low, high = field.metadata["minimum"], field.metadata["maximum"]
        if low is not None and not value >= low:
            raise SettingsError(
                f"{name} must be at least {low:g}, got {value!r}", f"use {name} {low:g} or more"
            )
        if high is not None and not value <= high:
            raise SettingsError(
                f"{name} must be at most {high:g}, got {value!r}", f"use {name} {high:g} or less"
            )


def choices_of(kind: Any) -> tuple[str, ...]:
    """The words of `Literal["a", "b"]`, also where None is allowed beside them."""
    parts = [kind, *typing.get_args(kind)]
    found = [part for part in parts if typing.get_origin(part) is Literal]
    return typing.get_args(found[0]) if found else ()


@dataclass(frozen=True)
class DataSettings:
    """Which columns are what."""

    time: str | None = setting(None, "Time column.", auto="recognized", panel="Data")
    target: list[str] | None = setting(
        None,
        "Column to forecast; repeat it, or say 'all', for several.",
        auto="the only one",
        panel="Data",
    )
    id: str | None = setting(
        None, "Column that names the series (long files).", auto="unique_id", panel="Data"
    )
    dates_as_columns: str | None = setting(
        None,
        "For a file with a column for each date: the column that names its rows, several with commas between them; for "
        "months as columns, the one with the year; none: the columns are series.",
        auto="dates in rows", panel="Data", rereading=True,
    )  # fmt: skip
    season: str | None = setting(
        None, "Season lengths in steps, e.g. 24,168; 1 for none.", auto="by frequency", panel="Data"
    )
    past: list[str] | None = setting(
        None,
        "Covariate known up to the last row; repeat it for several.",
        auto="none",
        panel="Data",
    )
    future: list[str] | None = setting(
        None,
        "Covariate known beyond the last row, e.g. a promotion; repeat it for several.",
        auto="none",
        panel="Data",
    )
    static: list[str] | None = setting(
        None,
        "Covariate that is one value a series; repeat it for several.",
        auto="none",
        panel="Data",
    )
    weight: str | None = setting(
        None, "Column that says how much each row counts in the loss.", auto="none", panel="Data"
    )
    date_format: list[str] | None = setting(
        None,
        "Format of the time column, e.g. %d/%m/%Y; repeat it where rows are written in several formats.",
        auto="recognized",
        panel="Data",
        rereading=True,
    )
    freq: str | None = setting(
        None,
        "Step between rows: h, 30min, D, B, W-WED, MS, ME, QS, YS.",
        auto="from the times",
        panel="Data",
    )
    timezone: str | None = setting(
        None,
        "Time zone of local times, e.g. Europe/Berlin; UTC has no clock changes.",
        auto="none",
        panel="Data",
    )
    newest_first: bool = setting(False, "The newest row comes first.", panel="Data")
    delimiter: str | None = setting(
        None, "What separates fields: one character, or tab.", auto="from the header", panel="Data"
    )
    decimal: str | None = setting(None, "Decimal mark: . or ,", auto="from all cells", panel="Data")
    thousands: str | None = setting(
        None, "Separator of thousands.", auto="from all cells", panel="Data"
    )
    encoding: str | None = setting(
        None, "Encoding of the text, e.g. cp1252.", auto="UTF-8", panel="Data"
    )
    null: list[str] | None = setting(
        None, "Another word for a missing value, besides empty, NA, NaN and null; repeat it for several.",
        auto="none", panel="Data", rereading=True,
    )  # fmt: skip
    not_null: list[str] | None = setting(
        None,
        "Number to keep although it looks like a placeholder for a missing value, e.g. -999; repeat it for several.",
        auto="none",
        panel="Data",
        rereading=True,
    )
    gaps: Literal["auto", "interpolate", "ffill", "zero", "drop", "error"] = setting(
        "auto",
        "Missing steps; auto: interpolate up to one season, refuse longer ones; after --duplicates sum they are 0.",
        panel="Data", rereading=True,
    )  # fmt: skip
    max_filled: float | None = setting(
        None, "Share of a series' steps that may be interpolated or filled with the value before, e.g. 0.6.",
        minimum=0, maximum=1, auto="a third", panel="Data", rereading=True,
    )  # fmt: skip
    duplicates: Literal["error", "first", "last", "mean", "sum"] = setting(
        "error", "Rows of the same time.", panel="Data", rereading=True
    )
    bad_rows: Literal["error", "skip"] = setting(
        "error",
        "Rows that cannot be read; skip: leave them out, exit 3.",
        panel="Data",
        rereading=True,
    )
    max_skipped: float | None = setting(
        None,
        "Largest share of the rows that --bad-rows skip may leave out; if given, also the newest row.",
        minimum=0,
        maximum=1,
        auto="0.05, without the newest row",
        panel="Data",
        rereading=True,
    )

    def __post_init__(self) -> None:
        check_bounds(self)
        for name in ("target", "past", "future", "static", "null", "not_null", "date_format"):
            given = getattr(self, name)
            object.__setattr__(self, name, [word for word in given or [] if word] or None)
        if self.delimiter in ("tab", r"\t"):
            object.__setattr__(self, "delimiter", "\t")
        _check_marks(self.delimiter, self.decimal, self.thousands)
        _check_dates_as_columns(self)
        seasons(self.season)
        _check_not_null(self.null or [], self.not_null or [])


def _check_not_null(null: list[str], not_null: list[str]) -> None:
    nulls = {_number(text) for text in null}
    for text in not_null:
        number = _number(text)
        if number is None:
            raise SettingsError(f"--not-null: {text!r} is not a number", "write --not-null -999")
        if number in nulls:
            raise SettingsError(
                f"--not-null: {text!r} is also named by --null",
                "name each value with one of the two options",
            )


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _check_dates_as_columns(settings: DataSettings) -> None:
    """The dates are the columns then, and none is left to be named as something else."""
    if settings.dates_as_columns in (None, "none"):
        return
    for name in ROLES:
        if getattr(settings, name):
            raise SettingsError(
                f"--dates-as-columns does not go with {option_name(name)}: all numbers are of one kind, and dates are "
                "their columns",
                f"leave out {option_name(name)}; --dates-as-columns names the series",
            )


def _check_marks(delimiter: str | None, decimal: str | None, thousands: str | None) -> None:
    if delimiter is not None and (
        len(delimiter) != 1
        or not (delimiter.isprintable() or delimiter == "\t")
        or not delimiter.isascii()
        or delimiter == '"'
    ):
        raise SettingsError(
            f"--delimiter: {delimiter!r} is not one character", "use e.g. --delimiter ';' or tab"
        )
    if decimal not in (None, ".", ","):
        raise SettingsError(f"--decimal: {decimal!r} is not one of . and ,", "use --decimal .")
    if thousands is not None and (
        thousands not in (".", ",", " ", "'", "_") or thousands == decimal
    ):
        raise SettingsError(
            f"--thousands: {thousands!r} is not a separator beside the decimal mark",
            "use --thousands .",
        )


@dataclass(frozen=True)
class WindowSettings:
    """How the series is cut into windows, and what is held out."""

    horizon: int | None = setting(
        None, "Steps to forecast.", minimum=1, auto="one season", panel="Windows"
    )
    lookback: int | None = setting(
        None, "Past steps the network sees.", minimum=1, auto="by rule", panel="Windows"
    )
    segment: int | None = setting(
        None, "Steps read at once by the recurrence.", minimum=1, auto="by rule", panel="Windows"
    )
    validation: int | None = setting(
        None,
        "Rows before the test part that stop the training.",
        minimum=0,
        auto="horizon",
        panel="Windows",
    )
    short: choices.ShortSeries = setting(
        "fallback",
        "Series too short for the network; fallback: repeat their last season, exit 3.",
        panel="Windows",
    )
    calendar: bool = setting(
        False,
        "Let the network see where a step stands in the day, the week and the year.",
        panel="Windows",
    )
    test: int | None = setting(
        None, "Rows at the end held out for scoring.", minimum=0, auto="horizon", panel="Windows"
    )

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True)
class NetworkSettings:
    """The network."""

    cell: choices.Cell = setting("lstm", "Cell of the recurrence.", panel="Network")
    units: str | None = setting(
        None, "Units per stacked layer, e.g. 50,100.", auto="by rule", panel="Network"
    )
    dropout: float | None = setting(
        None,
        "Dropout after each layer.",
        minimum=0,
        maximum=0.95,
        auto="by preset",
        panel="Network",
    )
    bidirectional: bool | None = setting(
        None, "Read the window from both ends.", auto="by preset", panel="Network"
    )  # fmt: skip
    attention: choices.Attention | None = setting(
        None, "Look back over the window, weighing its steps.", auto="by preset", panel="Network"
    )
    decoder: choices.Decoder | None = setting(
        None, "All steps at once; a decoder over the horizon; or one step, rolled forward.", auto="by preset",
        panel="Network",
    )  # fmt: skip
    head: choices.Head | None = setting(
        None, "Last layer, or two with a ReLU before each.", auto="by preset", panel="Network"
    )

    def __post_init__(self) -> None:
        check_bounds(self)
        layer_units(self.units)


@dataclass(frozen=True)
class TrainingSettings:
    """How it is trained."""

    preset: choices.Preset = setting(
        "auto",
        "auto: rules that win; the others: recipes, described in docs/networks.md.",
        panel="Training",
    )
    loss: choices.Loss = setting(
        "mse", "What is made small; quantile: the levels of the intervals, too.", panel="Training"
    )
    optimizer: choices.Optimizer | None = setting(
        None, "How steps are taken.", auto="by preset", panel="Training"
    )
    learning_rate: float | None = setting(
        None,
        "Step size of the optimizer.",
        minimum=1e-8,
        maximum=10,
        auto="by preset",
        panel="Training",
    )
    schedule: choices.Schedule = setting(
        "constant",
        "Learning rate after the warm-up; cosine: falls to zero in the last epoch.",
        panel="Training",
    )
    weight_decay: float = setting(
        0.0, "L2 penalty on the weights.", minimum=0, maximum=10, panel="Training"
    )
    clip_norm: float | None = setting(
        None,
        "Longest gradient, against explosions; 0: any.",
        minimum=0,
        auto="by preset",
        panel="Training",
    )
    jitter: float = setting(
        0.0,
        "Noise on the windows, in units of their spread.",
        minimum=0,
        maximum=10,
        panel="Training",
    )
    balance: bool = setting(
        False, "Weigh rare levels of the target more, so that peaks are learned.", panel="Training"
    )
    epochs: int | None = setting(
        None, "Most epochs.", minimum=1, auto="by preset", panel="Training"
    )
    patience: int | None = setting(
        None, "Epochs without a better validation loss before stopping; 0: never stop early.", minimum=0,
        auto="by preset", panel="Training",
    )  # fmt: skip
    batch_size: int | None = setting(
        None, "Windows per step.", minimum=1, auto="by rule", panel="Training"
    )
    seed: int = setting(
        1, "Seed of everything random.", minimum=0, maximum=2**31 - 1, panel="Training"
    )
    threads: int | None = setting(
        None, "Threads of the training; equal threads, equal bytes.", minimum=1, maximum=256, auto="by size",
        panel="Training",
    )  # fmt: skip
    time_limit: str | None = setting(
        None,
        "Time for the training, e.g. 30m or 2h; then the best so far is published.",
        auto="none",
        panel="Training",
    )
    refit: bool = setting(
        True, "After scoring, train again on all rows for the steps found.", panel="Training"
    )

    def __post_init__(self) -> None:
        check_bounds(self)
        if self.time_limit is not None:
            duration(self.time_limit, "--time-limit")


@dataclass(frozen=True)
class EnsembleSettings:
    """Several networks, one forecast."""

    members: int = setting(
        1, "Networks that differ in their seed.", minimum=1, maximum=1000, panel="Ensemble"
    )
    bagging: bool = setting(
        False,
        "Each member trains on windows drawn anew, in blocks, with replacement.",
        panel="Ensemble",
    )
    boosting: bool = setting(
        False,
        "Each member learns what the former ones left over; their answers add up.",
        panel="Ensemble",
    )
    combine: choices.Combine = setting(
        "median", "One forecast out of the members'.", panel="Ensemble"
    )
    workers: int | None = setting(
        None,
        "Members that train at the same time.",
        minimum=1,
        maximum=1024,
        auto="by cores",
        panel="Ensemble",
    )

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True)
class IntervalSettings:
    """The intervals around the forecast."""

    levels: str = setting(DEFAULT_LEVELS, "Levels of the intervals, in percent.", panel="Output")

    def __post_init__(self) -> None:
        levels(self.levels)


@dataclass(frozen=True)
class OutputSettings:
    """How forecasts are written."""

    digits: str | None = setting(
        None,
        "Decimals of the numbers in forecasts; full: all their digits.",
        auto="those of the data and 3 more",
        panel="Output",
    )

    def __post_init__(self) -> None:
        digits(self.digits)


@dataclass(frozen=True)
class LockSettings:
    """What to do while another command writes in the store."""

    lock_wait: str = setting(
        "0s", "Wait so long for another command's lock, e.g. 30s, 10m, 2h.", panel="Store"
    )
    if_locked: Literal["fail", "skip"] = setting(
        "fail", "Still locked then; fail: exit 11, skip: do nothing, exit 0.", panel="Store"
    )

    def __post_init__(self) -> None:
        check_bounds(self)
        duration(self.lock_wait, "--lock-wait")


@dataclass(frozen=True)
class PruneSettings:
    """How many runs stay."""

    keep: int = setting(
        10,
        "Runs to keep; the latest, the one before it and pinned ones always stay.",
        minimum=1,
        panel="Store",
    )

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True)
class LogSettings:
    """How a command talks."""

    log_format: Literal["text", "json"] = setting(
        "text", "Messages on stderr as text, or one JSON object a line."
    )

    def __post_init__(self) -> None:
        check_bounds(self)


@dataclass(frozen=True)
class Settings:
    """All settings: of a training, of the store it is kept in, of the messages."""

    data: DataSettings = dataclasses.field(default_factory=DataSettings)
    window: WindowSettings = dataclasses.field(default_factory=WindowSettings)
    network: NetworkSettings = dataclasses.field(default_factory=NetworkSettings)
    training: TrainingSettings = dataclasses.field(default_factory=TrainingSettings)
    ensemble: EnsembleSettings = dataclasses.field(default_factory=EnsembleSettings)
    interval: IntervalSettings = dataclasses.field(default_factory=IntervalSettings)
    output: OutputSettings = dataclasses.field(default_factory=OutputSettings)
    lock: LockSettings = dataclasses.field(default_factory=LockSettings)
    prune: PruneSettings = dataclasses.field(default_factory=PruneSettings)
    log: LogSettings = dataclasses.field(default_factory=LogSettings)


GROUPS: dict[str, type[Any]] = {
    "data": DataSettings,
    "window": WindowSettings,
    "network": NetworkSettings,
    "training": TrainingSettings,
    "ensemble": EnsembleSettings,
    "interval": IntervalSettings,
    "output": OutputSettings,
    "lock": LockSettings,
    "prune": PruneSettings,
    "log": LogSettings,
}


def rereading() -> tuple[str, ...]:
    """The settings of the reader that may change from a training to a prediction."""
    return tuple(
        field.name for field in dataclasses.fields(DataSettings) if field.metadata["rereading"]
    )


def settings_from(**values: Any) -> Settings:
    """Settings from flat names: `horizon=12, units="50,100"`, or `units=(50, 100)`, `target="sales"`.

    Raises SettingsError for an unknown name, with the nearest known one, and for a value of another type.
    """
    groups = {name: {f.name for f in dataclasses.fields(group)} for name, group in GROUPS.items()}
    known = [field for fields in groups.values() for field in fields]
    for name in values:
        if name not in known:
            raise SettingsError(f"unknown setting {name!r}", nearest(name, known))
    types = kinds()
    values = {name: _from_python(name, value, types[name]) for name, value in values.items()}
    return Settings(
        **{
            name: GROUPS[name](
                **{field: value for field, value in values.items() if field in fields}
            )
            for name, fields in groups.items()
        }
    )


def _from_python(name: str, value: Any, kind: Any) -> Any:
    """A value as a caller in Python writes it, in the type of its field. Raises SettingsError."""
    plain = _plain(kind)
    if value is None and type(None) in typing.get_args(kind):
        return None
    if plain == list[str] and isinstance(value, str):
        return [value]
    if name in ("null", "not_null") and isinstance(value, (int, float, tuple, list)):
        return [str(item) for item in (value if isinstance(value, (tuple, list)) else [value])]
    if name in ("units", "season", "levels", "digits", "lock_wait", "time_limit") and isinstance(
        value, (int, float, tuple, list)
    ):
        return ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
    good = {int: (int,), float: (int, float), str: (str,), bool: (bool,)}.get(plain, (list, tuple))
    if not isinstance(value, good) or (isinstance(value, bool) and plain is not bool):
        raise SettingsError(
            f"{name}: {value!r} is not {_wanted(kind)[0]}", "see the types in docs/commands.md"
        )
    return value


def nearest(name: str, known: list[str], prefix: str = "did you mean") -> str:
    """A hint that names the nearest known word, or all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.65)
    return f"{prefix} {close[0]!r}?" if close else f"known: {', '.join(known)}"


def _whole_numbers(text: str, name: str, example: str, low: int, high: int) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise SettingsError(
            f"{name}: {text!r} is not a list of whole numbers", f"write {name} {example}"
        )
    numbers = tuple(int(part) for part in parts)
    if not all(low <= number <= high for number in numbers):
        raise SettingsError(
            f"{name}: {text!r} must be between {low} and {high}", f"write {name} {example}"
        )
    return numbers


def layer_units(text: str | None) -> tuple[int, ...] | None:
    """`50,100` -> (50, 100); None or auto -> None. Raises SettingsError."""
    if text is None or text == "auto":
        return None
    numbers = _whole_numbers(text, "--units", "50,100", 1, 4096)
    if len(numbers) > 16:
        raise SettingsError(f"--units: {len(numbers)} layers, at most 16", "write --units 50,100")
    return numbers


def seasons(text: str | None) -> tuple[int, ...] | None:
    """`24,168` -> (24, 168); `1` -> (); None or auto -> None. Raises SettingsError."""
    if text is None or text == "auto":
        return None
    numbers = _whole_numbers(text, "--season", "24,168", 1, 100_000)
    return tuple(sorted({number for number in numbers if number > 1}))


def levels(text: str) -> tuple[float, ...]:
    """`80,95` -> (80.0, 95.0), ascending; an empty text -> (). Raises SettingsError."""
    if not text.strip():
        return ()
    try:
        numbers = tuple(sorted({float(part) for part in text.split(",")}))
    except ValueError:
        numbers = (-1.0,)
    if not all(0 < number < 100 for number in numbers):
        raise SettingsError(
            f"--levels: {text!r} is not a list of percentages between 0 and 100",
            "write --levels 80,95",
        )
    return numbers


def digits(text: str | None) -> Digits | None:
    """`4` -> 4 decimals; `full` -> all digits; None or auto -> None. Raises SettingsError."""
    if text is None or text == "auto":
        return None
    if text == "full":
        return "full"
    is_whole = text.isascii() and text.isdigit() and len(text) <= 2
    if not is_whole or int(text) > MOST_DECIMALS:
        raise SettingsError(
            f"--digits: {text!r} is neither a number of decimals from 0 to {MOST_DECIMALS} nor 'full'",
            "write --digits 2, or --digits full",
        )
    return int(text)


_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


def duration(text: str, name: str) -> float:
    """`30s`, `10m`, `2h`, `1d`, or a bare number of seconds -> seconds. Raises SettingsError."""
    match = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*([smhd]?)\s*", text)
    if not match:
        raise SettingsError(f"{name}: {text!r} is not a duration", f"write {name} 30s, 10m or 2h")
    return float(match[1]) * _UNITS[match[2]]


# -- where settings come from ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """Settings that were given, by name, and by what: `command line`, `environment` or `file`."""

    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    origins: dict[str, str] = dataclasses.field(default_factory=dict)
    file: str = ""
    warnings: tuple[str, ...] = ()

    def place(self, name: str) -> str:
        """Where a setting was given, in words; an empty text if it was not."""
        places = {
            "command line": "on the command line",
            "environment": f"in the environment ({variable_name(name)})",
            "file": f"in {self.file}",
        }
        return places[self.origins[name]] if name in self.origins else ""


def variable_name(field: str) -> str:
    return PREFIX + field.upper()


@functools.cache
def kinds() -> Mapping[str, Any]:
    """Every name that a file or the environment may set, with its type: all settings, and the store."""
    found: dict[str, Any] = {"store": str}
    for group in GROUPS.values():
        found |= typing.get_type_hints(group)
    return found


def gather(
    command_line: Mapping[str, Any], environment: Mapping[str, str], file: str | None = None
) -> Given:
    """What was given where: the command line beats the environment beats the file.

    file: the path of a TOML file; without one, FORECAST_CONFIG may name it. Raises SettingsError.
    """
    file = file or environment.get(variable_name(CONFIG)) or ""
    from_environment, warnings = read_environment(environment)
    layers = {
        "file": read_file(file) if file else {},
        "environment": from_environment,
        "command line": dict(command_line),
    }
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, layer in layers.items():
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    return Given(values, origins, file, tuple(warnings))


def settings_of(given: Given) -> Settings:
    """All settings. Raises SettingsError that says where the wrong value was given, unless on the command line."""
    try:
        return settings_from(
            **{name: value for name, value in given.values.items() if name != "store"}
        )
    except SettingsError as error:
        for name, origin in given.origins.items():
            if origin != "command line" and error.message.startswith(
                (f"{option_name(name)} ", f"{option_name(name)}:")
            ):
                error.message = f"{error.message}, {given.place(name)}"
        raise


def read_file(path: str) -> dict[str, Any]:
    """The settings in a TOML file of flat keys; `-` and `_` are the same. Raises SettingsError naming file and key."""
    import tomllib

    try:
        with open(path, "rb") as file:
            content = tomllib.loads(file.read().removeprefix(b"\xef\xbb\xbf").decode())
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file", "check the path after --config") from None
    except OSError as error:
        raise SettingsError(
            f"{path}: {error.strerror}", "give a TOML file that can be read"
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: the text is not UTF-8", "save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{path}: this is not TOML: {error}", "write lines like horizon = 24"
        ) from None
    known, found = kinds(), {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in known:
            raise SettingsError(f"{path}: unknown key {key!r}", nearest(name, list(known)))
        if name in found:
            raise SettingsError(
                f"{path}: {name!r} is there twice, with - and with _", "keep one of them"
            )
        found[name] = _from_toml(f"{path}: {key}", key, value, known[name])
    return found


def _from_toml(where: str, key: str, value: Any, kind: Any) -> Any:
    word, example = _wanted(kind)
    plain = _plain(kind)
    if plain == list[str]:
        listed = [value] if isinstance(value, str) else value
        if isinstance(listed, list) and all(isinstance(item, str) for item in listed):
            return listed
    elif plain is float and type(value) in (int, float):
        return float(value)
    elif type(value) is plain:
        return value
    numbers = value if isinstance(value, list) and value else [value]
    if plain is str and all(type(item) in (int, float) for item in numbers):
        example = '"' + ",".join(map(str, numbers)) + '"'
    raise SettingsError(f"{where} must be {word}, got {_shown(value)}", f"write {key} = {example}")


def _shown(value: Any) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else "a table"
        if isinstance(value, dict)
        else repr(value)
    )


def _plain(kind: Any) -> Any:
    """`int | None` -> int; choices -> str."""
    bare = [part for part in typing.get_args(kind) if part is not type(None)]
    if choices_of(kind):
        return str
    return kind if kind == list[str] or not bare else bare[0]


def _wanted(kind: Any) -> tuple[str, str]:
    """What a value of this type is called, and one to show."""
    choices = choices_of(kind)
    if choices:
        return f"one of {', '.join(choices)}", f'"{choices[0]}"'
    words = {
        int: ("a whole number", "24"), float: ("a number", "0.2"), bool: ("true or false", "true"), str: ("a text", '"text"'),
    }  # fmt: skip
    return words.get(_plain(kind), ("a list of texts", '["a", "b"]'))


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
    """The settings in FORECAST_ variables, and warnings about those that are none. Empty ones are as good as unset.

    Lists are separated by commas; a name with a comma in it is quoted as in CSV. Raises SettingsError.
    """
    known, found, warnings = kinds(), {}, []
    names = {variable_name(name): name for name in known}
    for variable, text in sorted(environment.items()):
        if not variable.startswith(PREFIX) or variable == variable_name(CONFIG):
            continue
        if variable not in names:
            word = variable.removeprefix(PREFIX).lower()
            close = difflib.get_close_matches(word, [*known, CONFIG], n=1, cutoff=0.65)
            meant = f"; did you mean {variable_name(close[0])}?" if close else ""
            warnings.append(
                f"the environment variable {variable} is no setting and was ignored{meant}"
            )
        elif text.strip():
            name = names[variable]
            found[name] = (
                date_formats(text)
                if name == "date_format"
                else _from_text(variable, text, known[name])
            )
    return found, warnings


def date_formats(text: str) -> list[str]:
    """Formats of dates in an environment variable: separated by commas, but for a comma inside a date (%b %d, %Y)."""
    parts = [part for part in next(csv.reader([text], skipinitialspace=True)) if part]
    whole = all(re.search("%[YyGcxD]|^epoch", part) for part in parts)
    return parts if whole else [text]


def _from_text(variable: str, text: str, kind: Any) -> Any:
    plain = _plain(kind)
    if plain is str:
        return text
    if plain == list[str]:
        return [part for part in next(csv.reader([text], skipinitialspace=True)) if part]
    try:
        return _SWITCHES[text.strip().lower()] if plain is bool else plain(text)
    except (KeyError, ValueError):
        word, example = _wanted(kind)
        raise SettingsError(
            f"{variable} must be {word}, got {text!r}", f"set {variable}={example}"
        ) from None
