"""Presets as data: the values that hold where the user names nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from forecast_cli import choices


@dataclass(frozen=True)
class Preset:
    """The values of one preset; None leaves a value to the rules.

    normalization: one for whole series, such as `minmax`, makes the network predict values.
    None lets the rules choose one for single windows, and the network predicts differences to a
    reference forecast. is_textbook: the recipe is followed to the letter. No rule about the
    data applies, there are no covariates and no segments, validation takes the last windows
    instead of the last rows, and there is no refit. is_seasonal: windows of whole seasons and a
    fixed number of steps, by the rules in `seasonal_rules`. is_portfolio: several kinds of
    networks, by the rules in `portfolio`.
    """

    name: choices.Preset
    units: tuple[int, ...] | None = None
    dropout: float = 0.2
    bidirectional: bool = False
    attention: choices.Attention = "none"
    decoder: choices.Decoder = "direct"
    head: choices.Head = "linear"
    normalization: choices.Normalization | None = None
    optimizer: choices.Optimizer = "rmsprop"
    learning_rate: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    is_textbook: bool = False
    is_seasonal: bool = False
    is_portfolio: bool = False

    @property
    def predicts_differences(self) -> bool:
        """Whether the network predicts differences to a reference, in units of the spread."""
        return self.normalization is None


AUTO = Preset("auto", dropout=0.1, patience=0, is_seasonal=True)

ACCURATE = Preset("accurate", dropout=0.1, patience=0, is_seasonal=True, is_portfolio=True)

CLASSIC = Preset(
    "classic",
    units=(50, 100),
    decoder="recursive",
    normalization="minmax",
    learning_rate=1e-3,
    batch_size=50,
    epochs=20,
    patience=0,
    is_textbook=True,
)

BILSTM = Preset(
    "bilstm",
    units=(32, 32, 32, 32),
    dropout=0.0,
    bidirectional=True,
    head="mlp",
    normalization="standard",
    optimizer="adam",
    learning_rate=1e-3,
)

SEQ2SEQ = Preset("seq2seq", attention="bahdanau", decoder="seq2seq")

_ALL = (AUTO, ACCURATE, CLASSIC, BILSTM, SEQ2SEQ)
PRESETS: dict[choices.Preset, Preset] = {preset.name: preset for preset in _ALL}


@dataclass(frozen=True)
class Size:
    """What a network and its training take for fewer than `windows` training windows.

    steps: optimizer steps in all epochs together. warmup: small steps first, so that the best
    can be found where windows are few.
    """

    windows: float
    units: tuple[int, ...]
    batch_size: int
    steps: int
    learning_rate: float
    warmup: int


SMALL = 2_000  # training windows below which 2 x 50 units learn all there is to learn

SIZES = (
    Size(SMALL, units=(50, 50), batch_size=32, steps=800, learning_rate=3e-3, warmup=300),
    Size(50_000, units=(64, 64), batch_size=64, steps=1500, learning_rate=1e-3, warmup=0),
    Size(math.inf, units=(128, 128), batch_size=256, steps=1500, learning_rate=1e-3, warmup=0),
)
