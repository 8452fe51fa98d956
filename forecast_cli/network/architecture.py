"""The shape of a network: a frozen record, its tensors, and what it costs.

Weights have torch's names and layout, with the gates of a cell stacked in torch's order. The
abbreviations of this package: B windows, T steps of the recurrence, H steps ahead, U units, E
numbers in an output of the encoder (2U for a bidirectional network), Q outputs for each step
ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecast_cli import choices
from forecast_cli.network.cells import CELLS
from forecast_cli.network.seasons import INPUTS, POINTS, REFERENCES, Seasons
from forecast_cli.panel import Floats

Weights = Mapping[str, Floats]
MIXING_UNITS = 32  # hidden units of the small network for future features
DIRECTIONS = ("_l0", "_l0_reverse")  # torch's suffixes: from the window's start, from its end


@dataclass(frozen=True)
class Architecture:
    """A network from `lookback` steps, read `segment` at a time, to `outputs` steps ahead.

    inputs: numbers in a step of the window. known: how many features are known for each step
    ahead. static: how many describe the series as a whole. quantiles: the levels predicted for
    each step, of which the middle one is the forecast; empty: one number each. A `recursive`
    network predicts one step, and its forecast is fed back to reach the horizon. Segments are
    embedded by a linear layer, with or without a ReLU, or read as they are. A linear skip
    adds a linear map of the window's target to the forecast. A network with `by_season` reads whole
    seasons instead of steps, and what it does not know of its window is NaN.
    """

    lookback: int
    inputs: int
    segment: int
    units: tuple[int, ...]
    dropout: float
    outputs: int
    known: int = 0
    static: int = 0
    cell: choices.Cell = "lstm"
    bidirectional: bool = False
    attention: choices.Attention = "none"
    decoder: choices.Decoder = "direct"
    head: choices.Head = "linear"
    skip: choices.Skip = "none"
    embedding: choices.Embedding = "relu"
    quantiles: tuple[float, ...] = ()
    by_season: Seasons | None = None

    @property
    def steps(self) -> int:
        """T: steps of the recurrence over one window."""
        if self.by_season is not None:
            return self.by_season.read + self.seasons_ahead - 1
        return self.lookback // self.segment

    @property
    def seasons_ahead(self) -> int:
        """F: how many seasons a network that reads seasons forecasts."""
        return -(-self.outputs // self.by_season.steps) if self.by_season else 0

    @property
    def season_steps(self) -> int:
        """M: steps of a season that is read; 0 where steps are read."""
        return self.by_season.steps if self.by_season else 0

    @property
    def step_inputs(self) -> int:
        """Numbers in one step of the recurrence, before an embedding."""
        return INPUTS if self.by_season else self.inputs * self.segment

    @property
    def embeds(self) -> bool:
        """Whether a linear layer embeds the segments."""
        return self.segment > 1 and self.embedding != "none"

    @property
    def directions(self) -> tuple[str, ...]:
        """The suffixes of the weights of a layer, one for each direction in which it reads."""
        return DIRECTIONS if self.bidirectional else DIRECTIONS[:1]

    @property
    def layer_widths(self) -> tuple[int, ...]:
        """Numbers in an output of each layer: its units in every direction."""
        return tuple(units * len(self.directions) for units in self.units)

    @property
    def width(self) -> int:
        """E: numbers in an output of the last layer."""
        return self.layer_widths[-1]

    @property
    def context_width(self) -> int:
        """Numbers that the head sees: the last state, attention's context, static features."""
        return self.width * (1 if self.attention == "none" else 2) + self.static

    @property
    def decoder_inputs(self) -> int:
        """Numbers that a decoder reads at each step: forecast before, features, context."""
        return 1 + 2 * self.known + (self.width if self.attention == "bahdanau" else 0)

    @property
    def outputs_per_step(self) -> int:
        """Q: numbers predicted for one step ahead."""
        return len(self.quantiles) or 1

    @property
    def head_outputs(self) -> int:
        """Numbers that the head gives at once: of one season, of one step in a decoder, else of
        all steps."""
        if self.by_season is not None:
            return POINTS * self.outputs_per_step + REFERENCES
        return self.outputs_per_step * (1 if self.decoder == "seq2seq" else self.outputs)

    @property
    def point_index(self) -> int:
        """The position of the forecast among the outputs for one step: that of the median."""
        return self.outputs_per_step // 2


def tensor_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor of such a network: exactly these are in its file."""
    return {
        **_encoder_shapes(architecture),
        **_attention_shapes(architecture),
        **_decoder_shapes(architecture),
        **_head_shapes(architecture),
        **_future_shapes(architecture),
        **_skip_shapes(architecture),
    }


def _encoder_shapes(a: Architecture) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    inputs = a.step_inputs
    if a.embeds:
        shapes |= _linear_shapes("embedding", inputs, a.units[0])
        inputs = a.units[0]

    for number, units in enumerate(a.units):
        for direction in a.directions:
            shapes |= _cell_shapes(a.cell, f"layers.{number}.", direction, inputs, units)
        inputs = a.layer_widths[number]
    return shapes


def _attention_shapes(a: Architecture) -> dict[str, tuple[int, ...]]:
    if a.attention == "bahdanau":
        return {"attention.weight": (a.width, 2 * a.width), "attention.score": (a.width,)}
    if a.attention == "luong":
        return {"attention.weight": (a.width, a.width)}
    return {}


def _decoder_shapes(a: Architecture) -> dict[str, tuple[int, ...]]:
    if a.decoder != "seq2seq":
        return {}

    shapes: dict[str, tuple[int, ...]] = {}
    inputs = a.decoder_inputs
    for number, width in enumerate(a.layer_widths):
        shapes |= _cell_shapes(a.cell, f"decoder.{number}.", "", inputs, width)
        inputs = width
    return shapes


def _head_shapes(a: Architecture) -> dict[str, tuple[int, ...]]:
    if a.head == "linear":
        return _linear_shapes("head", a.context_width, a.head_outputs)
    return {
        **_linear_shapes("hidden", a.context_width, a.units[-1]),
        **_linear_shapes("head", a.units[-1], a.head_outputs),
    }


def _future_shapes(a: Architecture) -> dict[str, tuple[int, ...]]:
    # A decoder reads the future features itself, step by step.
    if not a.known or a.decoder == "seq2seq":
        return {}
    return {
        **_linear_shapes("mixing", a.context_width + 2 * a.known, MIXING_UNITS),
        **_linear_shapes("effect", MIXING_UNITS, 1),
    }


def _skip_shapes(a: Architecture) -> dict[str, tuple[int, ...]]:
    return _linear_shapes("skip", a.lookback, a.outputs) if a.skip == "linear" else {}


def _linear_shapes(name: str, inputs: int, outputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _cell_shapes(
    cell: choices.Cell, prefix: str, direction: str, inputs: int, units: int
) -> dict[str, tuple[int, ...]]:
    rows = len(CELLS[cell].blocks) * units
    return {
        f"{prefix}weight_ih{direction}": (rows, inputs),
        f"{prefix}weight_hh{direction}": (rows, units),
        f"{prefix}bias_ih{direction}": (rows,),
        f"{prefix}bias_hh{direction}": (rows,),
    }


def count_parameters(architecture: Architecture) -> int:
    """How many numbers the network learns."""
    return sum(int(np.prod(shape)) for shape in tensor_shapes(architecture).values())


def count_operations(architecture: Architecture) -> int:
    """Multiplications and additions in the matrix products of one window.

    There are two of them for every time that a weight is used.
    """
    total = 0
    for name, shape in tensor_shapes(architecture).items():
        is_matrix = len(shape) == 2 or name == "attention.score"
        if is_matrix:
            total += int(2 * np.prod(shape) * _uses(architecture, name))
    return total + _attention_operations(architecture)


def _uses(a: Architecture, name: str) -> float:
    """How often the weights of a tensor are multiplied for one window."""
    looks = a.outputs if a.decoder == "seq2seq" else 1
    if a.by_season is not None and name.startswith("head"):
        return a.seasons_ahead
    if name == "attention.score":
        return a.steps * looks
    if name == "attention.weight":
        # One half of Bahdanau's matrix meets the steps of the encoder, the other half the
        # queries.
        return (a.steps + looks) / 2 if a.attention == "bahdanau" else a.steps
    if name.startswith(("embedding", "layers")):
        return a.steps
    if name.startswith(("mixing", "effect")):
        return a.outputs
    if name.startswith("skip"):
        return 1
    return looks


def _attention_operations(a: Architecture) -> int:
    """Products without learned weights: the weighted sum, and the scores of Luong's forms."""
    if a.attention == "none":
        return 0
    looks = a.outputs if a.decoder == "seq2seq" else 1
    products = 1 if a.attention == "bahdanau" else 2
    return 2 * looks * a.steps * a.width * products


def describe(architecture: Architecture) -> str:
    """The network in words, e.g. `bidirectional GRU 50 + 50, luong attention`."""
    a = architecture
    direction = "bidirectional " if a.bidirectional else ""
    parts = [f"{direction}{a.cell.upper()} {' + '.join(map(str, a.units))}"]
    if a.by_season is not None:
        parts.append(f"seasons of {a.by_season.steps}")
    if a.segment > 1:
        parts.append(f"segments of {a.segment}")
    if a.attention != "none":
        parts.append(f"{a.attention} attention")
    if a.decoder == "seq2seq":
        parts.append("decoder")
    if a.decoder == "recursive":
        parts.append("rolled forward")
    if a.head == "mlp":
        parts.append("mlp head")
    if a.skip == "linear":
        parts.append("linear skip")
    return ", ".join(parts)
