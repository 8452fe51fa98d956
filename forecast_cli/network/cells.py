"""The cells of the recurrence in numpy: a function for each, and the table of all.

A step takes `projected` = W_x x_t + b, the state h and the memory c of the step before, each
(B, U), and the recurrent weights. The rows of the weights are stacked in blocks of U rows, in
the order of the table's `blocks`, which is torch's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast_cli import choices
from forecast_cli.panel import Floats


class Step(NamedTuple):
    """What one step of a cell leaves: the next state and memory, and its gates; each (B, U)."""

    state: Floats
    memory: Floats
    gates: dict[str, Floats]


@dataclass(frozen=True)
class CellKind:
    """What the program needs to know about a cell, except for its torch classes.

    title: its name in titles. blocks: what each block of its stacked weights computes, in
    torch's order. gates: those of the values that `step` reports which lie between 0 and 1.
    captions: the values to draw, with words. step: the equations. has_memory: whether there is
    a memory beside the state; without one, c passes through.
    """

    title: str
    blocks: tuple[str, ...]
    gates: tuple[str, ...]
    captions: dict[str, str]
    step: Callable[[Floats, Floats, Floats, Floats, Floats], Step]
    has_memory: bool = False


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), computed with tanh, which cannot overflow."""
    return 0.5 * (np.tanh(0.5 * x) + 1)


def linear(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """x W^T + b: (..., in) -> (..., out)."""
    return x @ weight.T + bias


def lstm_step(
    projected: Floats,
    h: Floats,
    c: Floats,
    weight_hh: Floats,
    bias_hh: Floats,
) -> Step:
    """One step of the LSTM (Hochreiter & Schmidhuber 1997; forget gate of Gers et al. 2000).

    i_t = sigmoid(W_i [h_{t-1}, x_t] + b_i)      the input gate: what to take in
    f_t = sigmoid(W_f [h_{t-1}, x_t] + b_f)      the forget gate: what to keep of the memory
    C~_t = tanh(W_C [h_{t-1}, x_t] + b_C)        the candidate
    o_t = sigmoid(W_o [h_{t-1}, x_t] + b_o)      the output gate: what to show of the memory
    C_t = f_t * C_{t-1} + i_t * C~_t             the memory
    h_t = o_t * tanh(C_t)                        the state
    """
    units = h.shape[1]
    stacked = projected + linear(h, weight_hh, bias_hh)

    take = sigmoid(stacked[:, :units])
    forget = sigmoid(stacked[:, units : 2 * units])
    candidate = np.tanh(stacked[:, 2 * units : 3 * units])
    show = sigmoid(stacked[:, 3 * units :])

    memory = forget * c + take * candidate
    state = show * np.tanh(memory)
    gates = {"input": take, "forget": forget, "candidate": candidate, "output": show}
    return Step(state, memory, gates)


def gru_step(
    projected: Floats,
    h: Floats,
    c: Floats,
    weight_hh: Floats,
    bias_hh: Floats,
) -> Step:
    """One step of the GRU (Cho et al. 2014).

    r_t = sigmoid(W_r x_t + U_r h_{t-1} + b_r)       the reset gate: what the candidate sees
    u_t = sigmoid(W_u x_t + U_u h_{t-1} + b_u)       the update gate: what to keep of the state
    h~_t = tanh(W x_t + b + r_t * (U h_{t-1} + c))   the candidate
    h_t = u_t * h_{t-1} + (1 - u_t) * h~_t           the state

    This is torch's form: r_t is applied after the product with U. Cho et al. and most tutorials
    apply it before.
    """
    units = h.shape[1]
    past = linear(h, weight_hh, bias_hh)

    reset = sigmoid(projected[:, :units] + past[:, :units])
    update = sigmoid(projected[:, units : 2 * units] + past[:, units : 2 * units])
    candidate = np.tanh(projected[:, 2 * units :] + reset * past[:, 2 * units :])

    state = update * h + (1 - update) * candidate
    return Step(state, c, {"reset": reset, "update": update, "candidate": candidate})


def rnn_step(
    projected: Floats,
    h: Floats,
    c: Floats,
    weight_hh: Floats,
    bias_hh: Floats,
) -> Step:
    """One step of the plain RNN (Elman 1990), which has no gates.

    h_t = tanh(W_x x_t + W_h h_{t-1} + b)
    """
    return Step(np.tanh(projected + linear(h, weight_hh, bias_hh)), c, {})


_STATE = {"state": "state: what the next layer or the head sees"}

CELLS: dict[choices.Cell, CellKind] = {
    "lstm": CellKind(
        title="LSTM",
        blocks=("input", "forget", "candidate", "output"),
        gates=("input", "forget", "output"),
        captions={
            "forget": "forget gate: how much of the memory is kept",
            "input": "input gate: how much of the new is taken in",
            "output": "output gate: how much of the memory is shown",
            "memory": "memory",
            **_STATE,
        },
        step=lstm_step,
        has_memory=True,
    ),
    "gru": CellKind(
        title="GRU",
        blocks=("reset", "update", "candidate"),
        gates=("reset", "update"),
        captions={
            "reset": "reset gate: how much of the past the candidate sees",
            "update": "update gate: how much of the state is kept",
            "candidate": "candidate: what would replace the rest",
            **_STATE,
        },
        step=gru_step,
    ),
    "rnn": CellKind(
        title="plain RNN",
        blocks=("state",),
        gates=(),
        captions=_STATE,
        step=rnn_step,
    ),
}
