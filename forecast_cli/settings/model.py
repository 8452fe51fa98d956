"""What is trained, and how: windows, network, training, ensemble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forecast_cli import choices, fields
from forecast_cli.fields import AnyOf, Between, Group, Multiples, setting


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
