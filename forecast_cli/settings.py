"""The settings: frozen dataclasses in which one field is one option, one key of the TOML file, one
variable of the environment and one keyword of the Python API.

`sources` brings values from all of these here. A value that is written as text, such as `50,100`
or `10m`, is parsed when the settings are made, and stays parsed.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from forecast_cli import choices, fields
from forecast_cli.errors import SettingsError
from forecast_cli.fields import (
    AnyOf,
    Between,
    Digits,
    Group,
    Multiples,
    option_name,
    setting,
)

DEFAULT_STORE = "./forecast_runs"
COVARIATES = ("past", "future", "static", "weight")  # columns beside the target
ROLES = ("time", "target", "id", "past", "future", "static", "weight")  # what a column can be


@dataclass(frozen=True)
class DataSettings(Group):
    """How a file is read, and which of its columns are what."""

    panel: ClassVar[str] = "Data"

    time: str | None = setting(
        None,
        "Time column, or several: Date,Hour.",
        auto="detected",
        metavar="COLUMN",
    )
    target: list[str] | None = setting(
        None,
        "Column to forecast. Repeat the option for several, or use 'all'.",
        auto="the only one",
        metavar="COLUMN",
    )
    id: str | None = setting(
        None, "Column that names the series of a long file.", auto="unique_id", metavar="COLUMN"
    )
    dates_as_columns: str | None = setting(
        None,
        "Column that names the rows of a file with one column per date, or 'none'.",
        auto="detected",
        metavar="COLUMN",
        rereading=True,
    )
    season: tuple[int, ...] | None = setting(
        None,
        "Season lengths in steps, e.g. 24,168. Use 1 for no season.",
        auto="by frequency",
        metavar="LIST",
        form=fields.SEASONS,
    )
    past: list[str] | None = setting(
        None, "Covariate known up to the last row. Can be repeated.", metavar="COLUMN"
    )
    future: list[str] | None = setting(
        None,
        "Covariate known beyond the last row, e.g. a promotion. Can be repeated.",
        metavar="COLUMN",
    )
    static: list[str] | None = setting(
        None, "Covariate with one value per series. Can be repeated.", metavar="COLUMN"
    )
    weight: str | None = setting(
        None, "Column with the weight of each row in the loss.", metavar="COLUMN"
    )
    date_format: list[str] | None = setting(
        None,
        "Format of the dates, e.g. %d/%m/%Y, or 'step' for numbers. Can be repeated.",
        auto="detected",
        metavar="FORMAT",
        split=fields.split_date_formats,
        rereading=True,
    )
    freq: str | None = setting(
        None,
        "Step between rows: h, 30min, D, B, W-WED, MS, ME, QS, YS.",
        auto="detected",
        metavar="FREQ",
    )
    timezone: str | None = setting(
        None,
        "Time zone of local times, e.g. Europe/Berlin; UTC if clocks are never changed.",
        metavar="ZONE",
    )
    newest_first: bool = setting(False, "The newest row comes first in the file.")
    delimiter: str | None = setting(
        None,
        "Character that separates the fields, or 'tab' or 'space'.",
        auto="detected",
        metavar="CHAR",
        form=fields.DELIMITER,
    )
    decimal: str | None = setting(
        None, "Decimal mark, a point or a comma.", auto="detected", metavar="CHAR"
    )
    thousands: str | None = setting(None, "Thousands separator.", auto="detected", metavar="CHAR")
    encoding: str | None = setting(
        None, "Text encoding of the file, e.g. cp1252.", auto="UTF-8", metavar="NAME"
    )
    skip_rows: int | None = setting(
        None,
        "Lines to leave out before the header.",
        minimum=0,
        auto="detected",
        metavar="N",
        rereading=True,
    )
    footer: int | None = setting(
        None,
        "Lines to leave out after the data, not counting empty ones.",
        minimum=0,
        auto="detected",
        metavar="N",
        rereading=True,
    )
    comment: str | None = setting(
        None,
        "Leave out lines that begin with this text, e.g. '#'.",
        metavar="TEXT",
        rereading=True,
    )
    header: bool = setting(
        True,
        "The first row names the columns; without it, their names are 1, 2, ...",
        rereading=True,
    )
    where: list[str] | None = setting(
        None,
        "Read only rows with a text in a column, e.g. 'shop=Berlin'. Can be repeated.",
        metavar="COLUMN=TEXT",
        rereading=True,
    )
    null: list[str] | None = setting(
        None,
        "Another word for a missing value, besides NA, NaN, null and empty. Can be repeated.",
        metavar="TEXT",
        rereading=True,
    )
    not_null: list[str] | None = setting(
        None,
        "Number that is a value, not a placeholder for a missing one, e.g. -999. Can be repeated.",
        metavar="NUMBER",
        rereading=True,
    )
    gaps: choices.Gaps = setting(
        "auto",
        "How to fill gaps.",
        metavar="METHOD",
        rereading=True,
    )
    max_filled: float | None = setting(
        None,
        "Largest share of the steps of a series that may be filled, e.g. 0.6.",
        minimum=0,
        maximum=1,
        auto="a third",
        metavar="SHARE",
        rereading=True,
    )
    duplicates: choices.Duplicates = setting(
        "error", "What to do with rows of the same time.", metavar="METHOD", rereading=True
    )
    bad_rows: choices.BadRows = setting(
        "error",
        "What to do with unreadable rows; skip exits with 3.",
        metavar="METHOD",
        rereading=True,
    )
    max_skipped: float | None = setting(
        None,
        "Largest share of rows to skip. If set, the newest row may be skipped.",
        minimum=0,
        maximum=1,
        auto="0.05",
        metavar="SHARE",
        rereading=True,
    )

    def check_together(self) -> None:
        _check_marks(self)
        _check_roles(self)
        _check_not_null(self)
        _check_lines(self)


def _check_marks(data: DataSettings) -> None:
    if data.decimal not in (None, ".", ","):
        raise SettingsError(
            f"--decimal: {data.decimal!r} is not one of . and ,",
            "use --decimal .",
            option="decimal",
        )

    separators = {".", ",", " ", "'", "_"} - {data.decimal}
    if data.thousands is not None and data.thousands not in separators:
        raise SettingsError(
            f"--thousands: {data.thousands!r} is not a separator beside the decimal mark",
            "use --thousands .",
            option="thousands",
        )


def _check_roles(data: DataSettings) -> None:
    """Where the columns are dates, none of them can be anything else."""
    if data.dates_as_columns in (None, "none"):
        return
    for name in ROLES:
        if getattr(data, name):
            option = option_name(name)
            raise SettingsError(
                f"--dates-as-columns does not go with {option}: all numbers are of one kind, "
                "and dates are their columns",
                f"leave out {option}; --dates-as-columns names the series",
                option="dates_as_columns",
            )


def _check_not_null(data: DataSettings) -> None:
    nulls = {_finite_number(text) for text in data.null or []}
    for text in data.not_null or []:
        number = _finite_number(text)
        if number is None:
            raise SettingsError(
                f"--not-null: {text!r} is not a number",
                "write --not-null -999",
                option="not_null",
            )
        if number in nulls:
            raise SettingsError(
                f"--not-null: {text!r} is also named by --null",
                "name each value with one of the two options",
                option="not_null",
            )


def _check_lines(data: DataSettings) -> None:
    """What says which lines and rows are read."""
    if data.comment is not None and not data.comment.strip():
        raise SettingsError(
            "--comment needs a text with which the lines begin",
            "write --comment '#'",
            option="comment",
        )

    if not data.header and data.dates_as_columns not in (None, "none"):
        raise SettingsError(
            "--dates-as-columns does not go with --no-header: the dates are the header",
            "leave out --no-header",
            option="dates_as_columns",
        )


def _finite_number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


@dataclass(frozen=True)
class WindowSettings(Group):
    """How the series are cut into windows, and what is held out."""

    panel: ClassVar[str] = "Windows"

    horizon: int | None = setting(
        None, "Steps to forecast.", minimum=1, auto="one season", metavar="N"
    )
    lookback: int | None = setting(
        None,
        "Past steps that the network sees.",
        minimum=1,
        auto="by rule",
        metavar="N",
        tuned=Multiples((0.5, 1, 1.5, 2, 3)),
    )
    segment: int | None = setting(
        None,
        "Steps that the recurrent layers read at once.",
        minimum=1,
        auto="by rule",
        metavar="N",
        tuned=Multiples((0.5, 1, 2)),
    )
    validation: int | None = setting(
        None,
        "Rows held out before the test rows, for early stopping.",
        minimum=0,
        auto="by preset",
        metavar="N",
    )
    short: choices.ShortSeries = setting(
        "fallback",
        "What to do with series that are too short; fallback exits with 3.",
        metavar="METHOD",
    )
    calendar: bool = setting(
        False, "Add the time of the day, of the week and of the year to the inputs."
    )
    test: int | None = setting(
        None, "Rows held out at the end for scoring.", minimum=0, auto="the horizon", metavar="N"
    )


@dataclass(frozen=True)
class NetworkSettings(Group):
    """The network."""

    panel: ClassVar[str] = "Network"

    cell: choices.Cell = setting(
        "lstm",
        "Recurrent cell.",
        tuned=AnyOf(("lstm", "gru")),
    )
    units: tuple[int, ...] | None = setting(
        None,
        "Units of each stacked layer, e.g. 50,100.",
        auto="by rule",
        metavar="LIST",
        form=fields.UNITS,
        tuned=AnyOf(((32,), (64,), (128,), (32, 32), (64, 64), (128, 128))),
    )
    dropout: float | None = setting(
        None,
        "Dropout after each layer.",
        minimum=0,
        maximum=0.95,
        auto="by preset",
        metavar="SHARE",
        tuned=Between(0, 0.5),
    )
    bidirectional: bool | None = setting(
        None, "Read the window in both directions.", auto="by preset"
    )
    attention: choices.Attention | None = setting(
        None, "Attention over the steps of the window.", auto="by preset", metavar="KIND"
    )
    decoder: choices.Decoder | None = setting(
        None,
        "Forecast all steps at once or one by one.",
        auto="by preset",
        metavar="KIND",
    )
    head: choices.Head | None = setting(
        None, "Output layer: one linear layer, or two with ReLU (mlp).", auto="by preset"
    )
    skip: choices.Skip | None = setting(
        None,
        "Add a linear map of the window to the forecast.",
        auto="by preset",
        metavar="KIND",
        tuned=AnyOf(("none", "linear")),
    )
    squash: choices.Squash | None = setting(
        None,
        "Squash what the network sees and predicts, against wild values.",
        auto="by preset",
        metavar="KIND",
        tuned=AnyOf(("none", "asinh")),
    )


@dataclass(frozen=True)
class TrainingSettings(Group):
    """How the network is trained."""

    panel: ClassVar[str] = "Training"

    preset: choices.Preset = setting(
        "auto", "Recipe for all settings that are not given.", metavar="NAME"
    )
    loss: choices.Loss = setting(
        "mse",
        "Loss function; quantile also fits the intervals.",
        metavar="NAME",
        tuned=AnyOf(("mse", "mae", "huber")),
    )
    optimizer: choices.Optimizer | None = setting(
        None,
        "Optimizer.",
        auto="by preset",
        metavar="NAME",
        tuned=AnyOf(("rmsprop", "adam")),
    )
    learning_rate: float | None = setting(
        None,
        "Learning rate of the optimizer.",
        minimum=1e-8,
        maximum=10,
        auto="by preset",
        metavar="NUMBER",
        tuned=Between(1e-4, 1e-2, is_log=True),
    )
    momentum: float | None = setting(
        None,
        "Momentum of RMSprop and SGD.",
        minimum=0,
        maximum=1,
        auto="by preset",
        metavar="NUMBER",
        tuned=AnyOf((0.0, 0.5, 0.9), when=("optimizer", ("rmsprop",))),
    )
    schedule: choices.Schedule | None = setting(
        None, "How the learning rate changes.", auto="by preset", metavar="NAME"
    )
    weight_decay: float = setting(
        0.0,
        "L2 penalty on the weights.",
        minimum=0,
        maximum=10,
        metavar="NUMBER",
        tuned=AnyOf((0.0, 1e-4, 1e-3)),
    )
    clip_norm: float | None = setting(
        None,
        "Clip gradients to this norm; 0 disables clipping.",
        minimum=0,
        auto="by preset",
        metavar="NUMBER",
    )
    jitter: float = setting(
        0.0,
        "Noise added to the training windows, as a share of their spread.",
        minimum=0,
        maximum=10,
        metavar="SHARE",
        tuned=AnyOf((0.0, 0.02, 0.05)),
    )
    balance: bool = setting(
        False, "Give rare levels of the target more weight, so that peaks are learned."
    )
    epochs: int | None = setting(
        None,
        "Maximum number of epochs.",
        minimum=1,
        auto="by preset",
        metavar="N",
        tuned=Multiples((0.5, 1, 2)),
    )
    patience: int | None = setting(
        None,
        "Stop after N epochs without a better validation loss; 0 never stops early.",
        minimum=0,
        auto="by preset",
        metavar="N",
    )
    batch_size: int | None = setting(
        None,
        "Windows per batch.",
        minimum=1,
        auto="by rule",
        metavar="N",
        tuned=Multiples((0.25, 0.5, 1)),
    )
    freeze: int | None = setting(
        None,
        "Number of first layers that keep the weights taken from another run.",
        minimum=0,
        auto="by rule",
        metavar="N",
    )
    seed: int = setting(1, "Random seed.", minimum=0, maximum=2**31 - 1, metavar="N")
    threads: int | None = setting(
        None,
        "Number of threads. The same number gives the same result to the byte.",
        minimum=1,
        maximum=256,
        auto="by size",
        metavar="N",
    )
    device: choices.Device = setting(
        "auto",
        "Where to train. auto takes a GPU if there is one and the training is large.",
    )
    time_limit: float | None = setting(
        None,
        "Stop training after this time, e.g. 30m or 2h, and publish the best epoch so far.",
        metavar="DURATION",
        form=fields.DURATION,
    )
    refit: bool = setting(
        True, "After scoring, train again on all rows for the same number of steps."
    )


@dataclass(frozen=True)
class EnsembleSettings(Group):
    """Several networks, one forecast."""

    panel: ClassVar[str] = "Ensemble"

    members: int | None = setting(
        None,
        "Number of networks, each with a seed of its own.",
        minimum=1,
        maximum=1000,
        auto="by preset",
        metavar="N",
    )
    bagging: bool = setting(False, "Train each member on blocks of windows drawn with replacement.")
    boosting: bool = setting(
        False, "Train each member on the errors of the members before it, and add them up."
    )
    combine: choices.Combine = setting("median", "How the forecasts of the members become one.")


OF_THE_ENGINE = ("engine", "workers", "address")  # settings that `predict` takes, too


@dataclass(frozen=True)
class EngineSettings(Group):
    """Where the work is done."""

    panel: ClassVar[str] = "Engine"

    engine: choices.Engine = setting(
        "processes",
        "Where tasks run; local is this process.",
        metavar="KIND",
    )
    workers: int | None = setting(
        None,
        "Number of trainings or other tasks that run at the same time.",
        minimum=1,
        maximum=1024,
        auto="by cores",
        metavar="N",
    )
    address: str | None = setting(
        None,
        "Address of the Ray cluster, e.g. 10.0.0.1:6379. By default Ray is started on this machine.",
        metavar="HOST:PORT",
    )
    data_parallel: bool = setting(
        False,
        "Train each network on all workers of --engine ray together.",
    )


@dataclass(frozen=True)
class IntervalSettings(Group):
    """The intervals around the forecast."""

    panel: ClassVar[str] = "Output"

    levels: tuple[float, ...] = setting(
        (80.0, 95.0),
        "Levels of the prediction intervals, in percent.",
        metavar="LIST",
        form=fields.LEVELS,
    )
    interval: choices.Interval | None = setting(
        None,
        "How the prediction intervals are computed.",
        auto="by --loss",
        metavar="KIND",
    )


@dataclass(frozen=True)
class AccuracySettings(Group):
    """How good a network must be."""

    panel: ClassVar[str] = "Training"

    min_skill: float | None = setting(
        None,
        "Least skill against naive forecasts, e.g. 0.1. With less, exit with 4, and promote no run.",
        minimum=0,
        maximum=1,
        metavar="SHARE",
    )


@dataclass(frozen=True)
class OutputSettings(Group):
    """How forecasts are written."""

    panel: ClassVar[str] = "Output"

    digits: Digits | None = setting(
        None,
        "Number of decimals in forecasts, or 'full' for all digits.",
        auto="those of the data plus 3",
        metavar="N",
        form=fields.DIGITS,
    )


@dataclass(frozen=True)
class LockSettings(Group):
    """What to do while another command writes in the store."""

    panel: ClassVar[str] = "Store"

    lock_wait: float = setting(
        0.0,
        "How long to wait for the lock while another command is writing, e.g. 10m.",
        metavar="DURATION",
        form=fields.DURATION,
    )
    if_locked: choices.IfLocked = setting(
        "fail", "If the lock stays taken, fail exits with 11; skip does nothing and exits with 0."
    )


@dataclass(frozen=True)
class PruneSettings(Group):
    """How many runs are kept."""

    panel: ClassVar[str] = "Store"

    keep: int = setting(
        10,
        "Number of runs to keep. The latest, the one before it and pinned runs always stay.",
        minimum=1,
        metavar="N",
    )


@dataclass(frozen=True)
class RefreshSettings(Group):
    """When `forecast refresh` trains again, and when it raises the alarm."""

    panel: ClassVar[str] = "Refresh"

    retrain_after: float = setting(
        604_800.0,
        "Train again when the last training is this old.",
        metavar="DURATION",
        form=fields.DURATION,
    )
    alert_ratio: float = setting(
        1.5,
        "Raise the alarm when the live error is this many times the held-out one.",
        minimum=1,
        maximum=1000,
        metavar="NUMBER",
    )
    data_max_age: float | None = setting(
        None,
        "Exit with 5, and write nothing, if the newest row is older than this, e.g. 2d.",
        auto="off",
        metavar="DURATION",
        form=fields.DURATION,
    )
    start: choices.Start = setting(
        "scratch", "What a training begins with: new weights, or those of the latest run (warm)."
    )


@dataclass(frozen=True)
class MonitorSettings(Group):
    """What a scheduled job tells those who watch it."""

    panel: ClassVar[str] = "Monitoring"

    metrics: str | None = setting(
        None, "File to which the job writes its metrics for Prometheus.", metavar="FILE.prom"
    )
    ping_file: str | None = setting(
        None, "File whose first line is the URL to which the job sends pings.", metavar="FILE"
    )


@dataclass(frozen=True)
class LogSettings(Group):
    """What messages look like."""

    panel: ClassVar[str] = "General"

    log_format: choices.LogFormat = setting(
        "text", "Write messages to stderr as text, or as one JSON object per line."
    )


@dataclass(frozen=True)
class Settings:
    """All settings: of the data and the training, of the store, of the messages."""

    data: DataSettings = DataSettings()
    window: WindowSettings = WindowSettings()
    network: NetworkSettings = NetworkSettings()
    training: TrainingSettings = TrainingSettings()
    ensemble: EnsembleSettings = EnsembleSettings()
    engine: EngineSettings = EngineSettings()
    interval: IntervalSettings = IntervalSettings()
    accuracy: AccuracySettings = AccuracySettings()
    output: OutputSettings = OutputSettings()
    lock: LockSettings = LockSettings()
    prune: PruneSettings = PruneSettings()
    refresh: RefreshSettings = RefreshSettings()
    monitor: MonitorSettings = MonitorSettings()
    log: LogSettings = LogSettings()


GROUPS: dict[str, type[Any]] = {
    field.name: type(field.default) for field in dataclasses.fields(Settings)
}


@functools.cache
def fields_by_name() -> Mapping[str, dataclasses.Field[Any]]:
    """The fields of all groups, by their name, which is unique."""
    return {field.name: field for group in GROUPS.values() for field in dataclasses.fields(group)}


@functools.cache
def types_by_name() -> Mapping[str, Any]:
    """The types of the fields of all groups, by the name of the field."""
    types: dict[str, Any] = {}
    for group in GROUPS.values():
        types |= group.types
    return {name: types[name] for name in fields_by_name()}


def reading_the_target() -> tuple[str, ...]:
    """The settings of the reader but for the covariates."""
    names = (field.name for field in dataclasses.fields(DataSettings))
    return tuple(name for name in names if name not in COVARIATES)


def rereading() -> tuple[str, ...]:
    """The settings of the reader that may change between a training and a prediction."""
    return tuple(
        field.name for field in dataclasses.fields(DataSettings) if field.metadata["rereading"]
    )
