"""A saved network in numpy: cells and attention put together, so that a forecast needs no
torch.

Forecasts of many windows are computed in float32, the precision in which networks are trained, and
those of few windows in float64. Dropout is for training, and for intervals by Monte Carlo dropout. A test holds that every network gives the same as its
torch module.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from forecast_cli import choices
from forecast_cli.network.architecture import Architecture, Weights
from forecast_cli.network.attention import Attended, attend, remember
from forecast_cli.network.cells import CELLS, Step, linear
from forecast_cli.network.seasons import Seasons, frame, known_seasons, mixed, restored
from forecast_cli.panel import Floats

FEW_WINDOWS = 256  # at once


class Dropout:
    """What Monte Carlo dropout drops in one run of a network (Gal & Ghahramani 2016).

    The same is dropped for all windows, so that the result of one does not depend on the others.
    seed: equal seeds drop the same.
    """

    def __init__(self, seed: Sequence[int]) -> None:
        self._random = np.random.default_rng(seed)

    def thinned(self, values: Floats, share: float) -> Floats:
        """Values (B, ...), a share of which is zero, and the others are larger by as much."""
        kept = self._random.random(values.shape[1:]) >= share
        factors = (kept / (1 - share)).astype(values.dtype)
        return values * factors


class LayerState(NamedTuple):
    """The state and the memory of one layer, (B, U) each."""

    h: Floats
    c: Floats


@dataclass(frozen=True, eq=False)
class Encoded:
    """A window that was read.

    outputs: of the last layer, (B, T, E); states: the last state and memory of every layer.
    """

    outputs: Floats
    states: list[LayerState]


def forward(
    architecture: Architecture,
    weights: Weights,
    x: Floats,
    future_features: Floats | None = None,
    static_features: Floats | None = None,
    *,
    dropout: Dropout | None = None,
) -> Floats:
    """Run the network on windows: many in float32, which is faster.

    Few are run in float64, so that rounding, which depends on the number of threads, stays far
    behind the last digit that is written.

    x: (B, lookback, inputs), without NaN unless the network reads seasons; future_features: (B, outputs, 2 * known); static_features: (B,
    static); dropout: drops states as in training, all of them are kept without it. Returns (B,
    outputs, Q), float64.
    """
    precision = np.float64 if len(x) <= FEW_WINDOWS else np.float32
    # What is too large for float32 becomes infinite, and the forecast is not finite then.
    with np.errstate(over="ignore", invalid="ignore"):
        weights = {name: _in(precision, values) for name, values in weights.items()}
        if future_features is not None:
            future_features = _in(precision, future_features)
        if static_features is not None:
            static_features = _in(precision, static_features)
        x = _in(precision, x)
        outputs = _run(architecture, weights, x, future_features, static_features, dropout=dropout)
        return outputs.astype(np.float64)


def _in(precision: type[np.floating[Any]], values: Floats) -> Floats:
    return values.astype(precision, copy=False)


def _run(
    architecture: Architecture,
    weights: Weights,
    x: Floats,
    future_features: Floats | None,
    static_features: Floats | None,
    *,
    dropout: Dropout | None = None,
) -> Floats:
    """`forward`, in the precision of its arguments."""
    if architecture.by_season is not None:
        return _run_seasons(architecture, architecture.by_season, weights, x)
    if not architecture.known:
        future_features = None
    encoded = encode(architecture, weights, x, dropout)
    if architecture.decoder == "seq2seq":
        steps = decoder_steps(
            architecture, weights, encoded, future_features, static_features, dropout
        )
        return np.stack([outputs for outputs, _ in steps], axis=1)

    context = _direct_context(architecture, weights, encoded, static_features, dropout)
    shape = (len(x), architecture.outputs, architecture.outputs_per_step)
    outputs = apply_head(architecture, context, weights).reshape(shape)
    if architecture.skip == "linear":
        skipped = linear(x[:, :, 0], weights["skip.weight"], weights["skip.bias"])
        outputs = outputs + skipped[:, :, None]
    if future_features is None:
        return outputs
    return outputs + future_effect(context, future_features, weights)[:, :, None]


def _run_seasons(
    architecture: Architecture, seasons: Seasons, weights: Weights, x: Floats
) -> Floats:
    """`forward` of a network that reads seasons: of each window, those of which it knows something.

    Windows that know the same number of seasons are run together, so that the forecast of a
    window does not depend on the others.
    """
    ahead = architecture.seasons_ahead
    history = x[:, :, 0].reshape(len(x), -1, seasons.steps)
    counts = known_seasons(history, seasons.read)

    outputs = np.empty((len(x), architecture.outputs, architecture.outputs_per_step), x.dtype)
    for count in np.unique(counts).tolist():
        alike = np.flatnonzero(counts == count)
        framed = frame(history[alike], count, ahead, seasons.cycle)
        context = encode(architecture, weights, framed.inputs).outputs[:, -ahead:]
        answers = apply_head(architecture, context, weights)
        quantiles = mixed(framed, answers, architecture.outputs_per_step)
        outputs[alike] = restored(framed, quantiles)[:, : architecture.outputs]
    return outputs


def attention_weights(
    architecture: Architecture,
    weights: Weights,
    x: Floats,
    future_features: Floats | None = None,
    static_features: Floats | None = None,
) -> Floats:
    """The weights of attention over one window, with the arguments of `forward`.

    x: (1, lookback, inputs). Returns (H, T) for a decoder, (1, T) otherwise. Raises ValueError
    for a network without attention.
    """
    if architecture.attention == "none":
        raise ValueError("the network has no attention")

    if not architecture.known:
        future_features = None
    encoded = encode(architecture, weights, x)
    if architecture.decoder == "seq2seq":
        steps = decoder_steps(architecture, weights, encoded, future_features, static_features)
        looks = [look for _, look in steps if look is not None]
        return np.concatenate([look.weights for look in looks])
    return _look_back(architecture, weights, encoded).weights


def layer_trace(
    architecture: Architecture,
    weights: Weights,
    x: Floats,
    number: int = 0,
) -> dict[str, Floats]:
    """What the forward direction of layer `number` does over one window (1, lookback, inputs).

    Returns (T, U) for each gate, for the state, and for the memory where the cell has one.
    """
    x = read_segments(architecture, x, weights)
    for lower in range(number):
        x, _ = _encode_layer(architecture, weights, x, lower)

    cell, forwards = architecture.cell, architecture.directions[0]
    kind = CELLS[cell]
    traced = []
    for _, step in layer_steps(cell, x, weights, f"layers.{number}.", forwards):
        memory = {"memory": step.memory} if kind.has_memory else {}
        traced.append({**step.gates, "state": step.state, **memory})
    return {name: np.concatenate([values[name] for values in traced]) for name in traced[0]}


def _thinned(architecture: Architecture, values: Floats, dropout: Dropout | None) -> Floats:
    """The values (B, ...), of which dropout takes some."""
    return values if dropout is None else dropout.thinned(values, architecture.dropout)


# -- the encoder -------------------------------------------------------------------------------


def read_segments(architecture: Architecture, x: Floats, weights: Weights) -> Floats:
    """Segments instead of points (Lin et al., SegRNN, 2023).

    relu(W [x_1 .. x_segment] + b) for each segment: (B, lookback, inputs) -> (B, T, U). Without
    the ReLU for a linear embedding, and the values of the segment themselves for none.
    """
    if architecture.segment == 1:
        return x
    x = x.reshape(len(x), -1, architecture.segment * architecture.inputs)
    if not architecture.embeds:
        return x
    embedded = linear(x, weights["embedding.weight"], weights["embedding.bias"])
    return np.maximum(embedded, 0) if architecture.embedding == "relu" else embedded


def encode(
    architecture: Architecture, weights: Weights, x: Floats, dropout: Dropout | None = None
) -> Encoded:
    """Read windows (B, lookback, inputs) through all layers, one after the other."""
    x = read_segments(architecture, x, weights)
    states = []
    for number in range(len(architecture.units)):
        if number:
            x = _thinned(architecture, x, dropout)
        x, state = _encode_layer(architecture, weights, x, number)
        states.append(state)
    return Encoded(x, states)


def _encode_layer(
    architecture: Architecture,
    weights: Weights,
    x: Floats,
    number: int,
) -> tuple[Floats, LayerState]:
    """One layer in all its directions, their results concatenated (Schuster & Paliwal 1997)."""
    results = [
        _run_layer(architecture.cell, x, weights, f"layers.{number}.", direction)
        for direction in architecture.directions
    ]
    outputs, h, c = (np.concatenate(parts, axis=-1) for parts in zip(*results, strict=True))
    return outputs, LayerState(h, c)


def _run_layer(
    cell: choices.Cell, x: Floats, weights: Weights, prefix: str, direction: str
) -> tuple[Floats, Floats, Floats]:
    """One direction of a layer: (B, T, in) -> outputs (B, T, U), last state, last memory."""
    units = weights[f"{prefix}weight_hh{direction}"].shape[1]
    outputs = np.empty((*x.shape[:2], units), x.dtype)
    for position, step in layer_steps(cell, x, weights, prefix, direction):
        outputs[:, position] = step.state
    return outputs, step.state, step.memory


def layer_steps(
    cell: choices.Cell, x: Floats, weights: Weights, prefix: str, direction: str
) -> Iterator[tuple[int, Step]]:
    """Run one direction of a layer over (B, T, in), from states of zero.

    Yields each position with what the cell did there. The direction `_l0_reverse` reads the
    window from its end.
    """
    weight_ih, bias_ih, weight_hh, bias_hh = _cell_weights(weights, prefix, direction)
    run_step = CELLS[cell].step

    h = c = np.zeros((len(x), weight_hh.shape[1]), x.dtype)
    positions = range(x.shape[1])
    for position in reversed(positions) if direction.endswith("reverse") else positions:
        # One position at a time: the products of a whole window would not stay in the cache.
        projected = linear(x[:, position], weight_ih, bias_ih)
        step = run_step(projected, h, c, weight_hh, bias_hh)
        h, c = step.state, step.memory
        yield position, step


def _cell_weights(weights: Weights, prefix: str, direction: str) -> list[Floats]:
    """The weights and biases of a cell that meet its inputs, and those that meet its state."""
    names = ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
    return [weights[f"{prefix}{name}{direction}"] for name in names]


# -- from the encoder to the horizon -----------------------------------------------------------


def _direct_context(
    architecture: Architecture,
    weights: Weights,
    encoded: Encoded,
    static_features: Floats | None,
    dropout: Dropout | None = None,
) -> Floats:
    """What the head sees: the last state, the context of attention, the static features."""
    parts = [encoded.states[-1].h]
    if architecture.attention != "none":
        parts.append(_look_back(architecture, weights, encoded).context)
    return _seen_by_head(architecture, parts, static_features, dropout)


def _seen_by_head(
    architecture: Architecture,
    parts: list[Floats],
    static_features: Floats | None,
    dropout: Dropout | None,
) -> Floats:
    """States and context of attention, from which dropout takes, and static features."""
    seen = _thinned(architecture, np.concatenate(parts, axis=1), dropout)
    return seen if static_features is None else np.concatenate([seen, static_features], axis=1)


def _look_back(architecture: Architecture, weights: Weights, encoded: Encoded) -> Attended:
    """Attention of a direct network, which looks once, with the last state."""
    memory = remember(architecture, encoded.outputs, weights)
    return attend(architecture, encoded.states[-1].h, memory, weights)


def decoder_steps(
    architecture: Architecture,
    weights: Weights,
    encoded: Encoded,
    future_features: Floats | None,
    static_features: Floats | None,
    dropout: Dropout | None = None,
) -> Iterator[tuple[Floats, Attended | None]]:
    """The decoder over the horizon (Sutskever et al. 2014), step by step.

    Yields the outputs (B, Q) of each step and what attention found. The decoder begins with the
    encoder's states. Each step reads the forecast of the step before (zero at first) and the
    future features of its own step. Bahdanau's attention looks before the step, with the
    previous state, and its context is read by the cell; Luong's looks after the step. The head
    sees the context in both.
    """
    memory = None
    if architecture.attention != "none":
        memory = remember(architecture, encoded.outputs, weights)
    looks_first = architecture.attention == "bahdanau"
    states = list(encoded.states)
    previous = np.zeros((len(encoded.outputs), 1), encoded.outputs.dtype)

    for step in range(architecture.outputs):
        look = None
        inputs = [previous]
        if future_features is not None:
            inputs.append(future_features[:, step])
        if memory is not None and looks_first:
            look = attend(architecture, states[-1].h, memory, weights)
            inputs.append(look.context)

        x = np.concatenate(inputs, axis=1)
        states = _decoder_layers(architecture, weights, x, states, dropout)
        if memory is not None and not looks_first:
            look = attend(architecture, states[-1].h, memory, weights)

        seen = [states[-1].h]
        if look is not None:
            seen.append(look.context)
        context = _seen_by_head(architecture, seen, static_features, dropout)
        outputs = apply_head(architecture, context, weights)
        previous = outputs[:, architecture.point_index : architecture.point_index + 1]
        yield outputs, look


def _decoder_layers(
    architecture: Architecture,
    weights: Weights,
    x: Floats,
    states: list[LayerState],
    dropout: Dropout | None = None,
) -> list[LayerState]:
    """One step of all layers of the decoder, each reading the new state of the one before."""
    run_step = CELLS[architecture.cell].step
    new_states = []
    for number, (h, c) in enumerate(states):
        if number:
            x = _thinned(architecture, x, dropout)
        prefix = f"decoder.{number}."
        weight_ih, bias_ih, weight_hh, bias_hh = _cell_weights(weights, prefix, direction="")
        step = run_step(linear(x, weight_ih, bias_ih), h, c, weight_hh, bias_hh)
        new_states.append(LayerState(step.state, step.memory))
        x = step.state
    return new_states


def apply_head(architecture: Architecture, context: Floats, weights: Weights) -> Floats:
    """linear: W context + b; mlp: W relu(V relu(context) + a) + b."""
    if architecture.head == "mlp":
        context = np.maximum(context, 0)
        hidden = linear(context, weights["hidden.weight"], weights["hidden.bias"])
        context = np.maximum(hidden, 0)
    return linear(context, weights["head.weight"], weights["head.bias"])


def future_effect(context: Floats, future_features: Floats, weights: Weights) -> Floats:
    """What the features of each step ahead add to its forecast.

    (B, E), (B, H, 2 * known) -> (B, H). All steps share one small network: relu(W [context,
    features_h] + b), then a linear layer.
    """
    repeated = np.repeat(context[:, None, :], future_features.shape[1], axis=1)
    joined = np.concatenate([repeated, future_features], axis=2)
    mixed = linear(joined, weights["mixing.weight"], weights["mixing.bias"])
    mixed = np.maximum(mixed, 0)
    return linear(mixed, weights["effect.weight"], weights["effect.bias"])[:, :, 0]
