"""The equations in numpy: runs a saved network without torch. One function per equation, each with its source.

B windows, T steps of the recurrence, U units. Weights bear torch's names and layout, gates stacked in its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from forecast_cli.panel import Floats

Weights = Mapping[str, Floats]


@dataclass(frozen=True)
class Architecture:
    """The shape of a network: `lookback` steps of `inputs` numbers, read `segment` at a time, to `outputs` numbers.

    `known` numbers are known for each step ahead, `static` ones once for the series; both are for the head.
    """

    lookback: int
    inputs: int
    segment: int
    units: tuple[int, ...]
    dropout: float
    outputs: int
    known: int = 0
    static: int = 0


MIXING = 32  # units that turn what is known of a step ahead into its effect


def tensors(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors of such a network: exactly these are in its file."""
    shapes: dict[str, tuple[int, ...]] = {}
    size = architecture.inputs
    if architecture.segment > 1:
        shapes["embedding.weight"] = (architecture.units[0], size * architecture.segment)
        shapes["embedding.bias"] = (architecture.units[0],)
        size = architecture.units[0]
    for number, units in enumerate(architecture.units):
        shapes[f"layers.{number}.weight_ih_l0"] = (4 * units, size)
        shapes[f"layers.{number}.weight_hh_l0"] = (4 * units, units)
        shapes[f"layers.{number}.bias_ih_l0"] = (4 * units,)
        shapes[f"layers.{number}.bias_hh_l0"] = (4 * units,)
        size = units
    size += architecture.static
    shapes["head.weight"] = (architecture.outputs, size)
    shapes["head.bias"] = (architecture.outputs,)
    if architecture.known:
        shapes["mixing.weight"] = (MIXING, size + 2 * architecture.known)
        shapes["mixing.bias"] = (MIXING,)
        shapes["effect.weight"] = (1, MIXING)
        shapes["effect.bias"] = (1,)
    return shapes


def count_parameters(architecture: Architecture) -> int:
    return sum(int(np.prod(shape)) for shape in tensors(architecture).values())


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), by tanh, which cannot overflow."""
    return 0.5 * (np.tanh(0.5 * x) + 1)


def linear(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """x W^T + b: (..., in) -> (..., out)."""
    return x @ weight.T + bias


def lstm_step(projected: Floats, h: Floats, c: Floats, weight_hh: Floats) -> tuple[Floats, Floats]:
    """One step of the LSTM (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000).

    projected: (B, 4U), W_x x_t + b for input gate, forget gate, candidate, output gate; h, c: (B, U).

        f_t = sigmoid(W_f [h_{t-1}, x_t] + b_f)      what to forget
        i_t = sigmoid(W_i [h_{t-1}, x_t] + b_i)      what to take in
        C~_t = tanh(W_C [h_{t-1}, x_t] + b_C)        the candidate
        C_t = f_t * C_{t-1} + i_t * C~_t             the memory
        o_t = sigmoid(W_o [h_{t-1}, x_t] + b_o)      what to show
        h_t = o_t * tanh(C_t)                        the output
    """
    units = h.shape[1]
    gates = projected + h @ weight_hh.T
    take, forget, show = (sigmoid(gates[:, g * units : (g + 1) * units]) for g in (0, 1, 3))
    candidate = np.tanh(gates[:, 2 * units : 3 * units])
    c = forget * c + take * candidate
    return show * np.tanh(c), c


def lstm(x: Floats, weights: Weights, layer: int) -> Floats:
    """One layer over a sequence, from states of zero: (B, T, in) -> (B, T, U)."""
    name = f"layers.{layer}."
    weight_hh = weights[name + "weight_hh_l0"]
    bias = weights[name + "bias_ih_l0"] + weights[name + "bias_hh_l0"]
    projected = linear(x, weights[name + "weight_ih_l0"], bias)
    h = c = np.zeros((len(x), weight_hh.shape[1]))
    outputs = np.empty((*x.shape[:2], weight_hh.shape[1]))
    for t in range(x.shape[1]):
        h, c = lstm_step(projected[:, t], h, c, weight_hh)
        outputs[:, t] = h
    return outputs


def known_effect(context: Floats, ahead: Floats, weights: Weights) -> Floats:
    """What is known of each step ahead, added to it: (B, U), (B, H, 2F) -> (B, H).

    One small network is shared by all steps: relu(W [context, ahead_h] + b), then a linear layer.
    """
    repeated = np.repeat(context[:, None, :], ahead.shape[1], axis=1)
    mixed = linear(np.concatenate([repeated, ahead], axis=2), weights["mixing.weight"], weights["mixing.bias"])
    return linear(np.maximum(mixed, 0), weights["effect.weight"], weights["effect.bias"])[:, :, 0]


def run(
    architecture: Architecture, weights: Weights, x: Floats, ahead: Floats | None = None, static: Floats | None = None
) -> Floats:
    """The network on windows (B, lookback, inputs), with ahead (B, outputs, 2 * known) and static (B, K) -> (B, outputs).

    Dropout is for training alone.
    """
    if architecture.segment > 1:
        x = x.reshape(len(x), -1, architecture.segment * architecture.inputs)
        x = np.maximum(linear(x, weights["embedding.weight"], weights["embedding.bias"]), 0)
    for layer in range(len(architecture.units)):
        x = lstm(x, weights, layer)
    context = x[:, -1] if static is None else np.concatenate([x[:, -1], static], axis=1)
    outputs = linear(context, weights["head.weight"], weights["head.bias"])
    return outputs if ahead is None or not architecture.known else outputs + known_effect(context, ahead, weights)
