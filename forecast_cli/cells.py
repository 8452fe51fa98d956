"""The equations in numpy: runs a saved network without torch. One function per equation, each with its source.

B windows, T steps of the recurrence, H steps ahead, U units, E numbers in an encoder's output (2U where it is
bidirectional), Q answers per step ahead. Weights bear torch's names and layout, gates stacked in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecast_cli.panel import Floats

Weights = Mapping[str, Floats]
Cell = Literal["lstm", "gru", "rnn"]
Attention = Literal["none", "bahdanau", "luong", "luong-dot"]
Decoder = Literal["direct", "seq2seq", "recursive"]
Head = Literal["linear", "mlp"]
GATES: dict[Cell, int] = {"lstm": 4, "gru": 3, "rnn": 1}  # blocks of weights in a cell
MIXING = 32  # units that turn what is known of a step ahead into its effect


@dataclass(frozen=True)
class Architecture:
    """The shape of a network: `lookback` steps of `inputs` numbers, read `segment` at a time, to `outputs` steps ahead.

    `known` numbers are known for each step ahead, `static` ones once for the series. `quantiles`: what is answered for
    each step, the middle one being the forecast; none: one number. `recursive` networks answer one step and are rolled.
    """

    lookback: int
    inputs: int
    segment: int
    units: tuple[int, ...]
    dropout: float
    outputs: int
    known: int = 0
    static: int = 0
    cell: Cell = "lstm"
    bidirectional: bool = False
    attention: Attention = "none"
    decoder: Decoder = "direct"
    head: Head = "linear"
    quantiles: tuple[float, ...] = ()

    @property
    def steps(self) -> int:
        """T: steps of the recurrence over one window."""
        return self.lookback // self.segment

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def width(self) -> int:
        """E: numbers in an output of the last layer."""
        return self.units[-1] * self.directions

    @property
    def answers(self) -> int:
        """Q: numbers answered for one step ahead."""
        return len(self.quantiles) or 1

    @property
    def middle(self) -> int:
        """Which of the answers is the forecast."""
        return self.answers // 2


def tensors(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all tensors of such a network: exactly these are in its file."""
    a, gates = architecture, GATES[architecture.cell]
    shapes: dict[str, tuple[int, ...]] = {}
    size = a.inputs
    if a.segment > 1:
        shapes["embedding.weight"] = (a.units[0], size * a.segment)
        shapes["embedding.bias"] = (a.units[0],)
        size = a.units[0]
    for number, units in enumerate(a.units):
        for way in ("_l0", "_l0_reverse")[: a.directions]:
            shapes |= _cell_tensors(f"layers.{number}.", way, gates, units, size)
        size = units * a.directions
    if a.attention == "bahdanau":
        shapes["attention.weight"] = (a.width, 2 * a.width)
        shapes["attention.score"] = (a.width,)
    elif a.attention == "luong":
        shapes["attention.weight"] = (a.width, a.width)
    if a.decoder == "seq2seq":
        size = 1 + 2 * a.known + (a.width if a.attention == "bahdanau" else 0)
        for number, units in enumerate(a.units):
            shapes |= _cell_tensors(f"decoder.{number}.", "", gates, units * a.directions, size)
            size = units * a.directions
    context = a.width * (1 if a.attention == "none" else 2) + a.static
    size = context
    if a.head == "mlp":
        shapes["hidden.weight"] = (a.units[-1], size)
        shapes["hidden.bias"] = (a.units[-1],)
        size = a.units[-1]
    answers = a.answers * (1 if a.decoder == "seq2seq" else a.outputs)
    shapes["head.weight"] = (answers, size)
    shapes["head.bias"] = (answers,)
    if a.known and a.decoder != "seq2seq":
        shapes["mixing.weight"] = (MIXING, context + 2 * a.known)
        shapes["mixing.bias"] = (MIXING,)
        shapes["effect.weight"] = (1, MIXING)
        shapes["effect.bias"] = (1,)
    return shapes


def _cell_tensors(name: str, way: str, gates: int, units: int, size: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}weight_ih{way}": (gates * units, size),
        f"{name}weight_hh{way}": (gates * units, units),
        f"{name}bias_ih{way}": (gates * units,),
        f"{name}bias_hh{way}": (gates * units,),
    }


def count_parameters(architecture: Architecture) -> int:
    return sum(int(np.prod(shape)) for shape in tensors(architecture).values())


def count_operations(architecture: Architecture) -> int:
    """Multiplications and additions of one window's matrix products: two for every weight each time it is used."""
    a, total = architecture, 0
    for name, shape in tensors(a).items():
        if len(shape) < 2 and not name.endswith("score"):
            continue
        seen: float = a.steps if name.startswith(("embedding", "layers")) else 1
        ahead = a.outputs if a.decoder == "seq2seq" or name.startswith(("mixing", "effect")) else 1
        if name.startswith(("decoder", "head", "hidden", "mixing", "effect")):
            seen = ahead
        elif name == "attention.score":
            seen = a.steps * ahead
        elif name == "attention.weight":
            seen = (a.steps + ahead) / 2 if a.attention == "bahdanau" else a.steps
        total += int(2 * np.prod(shape) * seen)
    if a.attention != "none":  # weights times outputs; for the forms of Luong their scores, too
        queries = a.outputs if a.decoder == "seq2seq" else 1
        total += 2 * queries * a.steps * a.width * (1 if a.attention == "bahdanau" else 2)
    return total


def describe(architecture: Architecture) -> str:
    """The network in words, e.g. `bidirectional GRU 50 + 50, luong attention`."""
    a = architecture
    words = f"{'bidirectional ' if a.bidirectional else ''}{a.cell.upper()} {' + '.join(map(str, a.units))}"
    extras = [
        f"segments of {a.segment}" if a.segment > 1 else "",
        f"{a.attention} attention" if a.attention != "none" else "",
        {"direct": "", "seq2seq": "decoder", "recursive": "rolled forward"}[a.decoder],
        "mlp head" if a.head == "mlp" else "",
    ]
    return ", ".join([words, *filter(None, extras)])


# -- the equations ---------------------------------------------------------------------------------------------------


def sigmoid(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), by tanh, which cannot overflow."""
    return 0.5 * (np.tanh(0.5 * x) + 1)


def softmax(x: Floats) -> Floats:
    """exp(x_s) / sum of exp(x_s) over the last axis, shifted so that it cannot overflow."""
    raised = np.exp(x - x.max(axis=-1, keepdims=True))
    share: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return share


def linear(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """x W^T + b: (..., in) -> (..., out)."""
    return x @ weight.T + bias


def lstm_gates(projected: Floats, h: Floats, weight_hh: Floats, bias_hh: Floats) -> dict[str, Floats]:
    """The gates of the LSTM (Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000), each (B, U).

    projected: (B, 4U), W_x x_t + b for input gate, forget gate, candidate, output gate; h: (B, U).

        f_t = sigmoid(W_f [h_{t-1}, x_t] + b_f)      what to forget
        i_t = sigmoid(W_i [h_{t-1}, x_t] + b_i)      what to take in
        C~_t = tanh(W_C [h_{t-1}, x_t] + b_C)        the candidate
        o_t = sigmoid(W_o [h_{t-1}, x_t] + b_o)      what to show
    """
    units = h.shape[1]
    gates = projected + linear(h, weight_hh, bias_hh)
    take, forget, candidate, show = (gates[:, g * units : (g + 1) * units] for g in range(4))
    return {
        "input": sigmoid(take), "forget": sigmoid(forget), "candidate": np.tanh(candidate), "output": sigmoid(show),
    }  # fmt: skip


def lstm_step(
    projected: Floats, h: Floats, c: Floats, weight_hh: Floats, bias_hh: Floats
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """One step of the LSTM from the state h and the memory c, (B, U) each: the next ones, and its gates.

    C_t = f_t * C_{t-1} + i_t * C~_t             the memory
    h_t = o_t * tanh(C_t)                        the output
    """
    gates = lstm_gates(projected, h, weight_hh, bias_hh)
    c = gates["forget"] * c + gates["input"] * gates["candidate"]
    return gates["output"] * np.tanh(c), c, gates


def gru_step(
    projected: Floats, h: Floats, c: Floats, weight_hh: Floats, bias_hh: Floats
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """One step of the GRU (Cho et al. 2014); there is no memory beside the state, so c passes through.

    projected: (B, 3U), W_x x_t + b for reset gate, update gate, candidate.

        r_t = sigmoid(W_r x_t + U_r h_{t-1} + b_r)           what of the past the candidate sees
        u_t = sigmoid(W_u x_t + U_u h_{t-1} + b_u)           what to keep
        h~_t = tanh(W x_t + b + r_t * (U h_{t-1} + c))       the candidate
        h_t = u_t * h_{t-1} + (1 - u_t) * h~_t               the output

    This is torch's form: r_t is applied after the product with U. Cho et al. and most tutorials apply it before.
    """
    units = h.shape[1]
    past = linear(h, weight_hh, bias_hh)
    reset = sigmoid(projected[:, :units] + past[:, :units])
    update = sigmoid(projected[:, units : 2 * units] + past[:, units : 2 * units])
    candidate = np.tanh(projected[:, 2 * units :] + reset * past[:, 2 * units :])
    return update * h + (1 - update) * candidate, c, {"reset": reset, "update": update, "candidate": candidate}


def rnn_step(
    projected: Floats, h: Floats, c: Floats, weight_hh: Floats, bias_hh: Floats
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """One step of the plain RNN (Elman 1990): h_t = tanh(W_x x_t + W_h h_{t-1} + b). It has no gates and no memory."""
    return np.tanh(projected + linear(h, weight_hh, bias_hh)), c, {}


STEPS: dict[Cell, Callable[..., tuple[Floats, Floats, dict[str, Floats]]]] = {
    "lstm": lstm_step, "gru": gru_step, "rnn": rnn_step,
}  # fmt: skip


def bahdanau_scores(query: Floats, keys: Floats, weight: Floats, score: Floats) -> Floats:
    """Additive attention (Bahdanau et al. 2015): e_s = v . tanh(W [h, enc_s]).

    query: (B, E), h; keys: (B, T, E), the half of W that meets enc_s times enc_s; weight: W; score: v -> (B, T).
    """
    return np.tanh((query @ weight[:, : query.shape[1]].T)[:, None] + keys) @ score


def luong_scores(query: Floats, keys: Floats) -> Floats:
    """Multiplicative attention (Luong et al. 2015): e_s = h . W enc_s; keys (B, T, E) are W enc_s, or enc_s (`dot`)."""
    scores: Floats = np.einsum("be,bte->bt", query, keys)
    return scores


# -- the network, put together from them ------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Memory:
    """What attention looks at: the encoder's outputs (B, T, E), and the part of the scores that no query changes."""

    outputs: Floats
    keys: Floats


@dataclass(frozen=True, eq=False)
class Encoded:
    """A window read: outputs of the last layer (B, T, E), final state and memory of every layer, (B, E_n) each."""

    outputs: Floats
    states: list[tuple[Floats, Floats]]


def remember(architecture: Architecture, outputs: Floats, weights: Weights) -> Memory:
    """Encoder outputs made ready for attention."""
    if architecture.attention == "bahdanau":
        return Memory(outputs, outputs @ weights["attention.weight"][:, architecture.width :].T)
    if architecture.attention == "luong":
        return Memory(outputs, outputs @ weights["attention.weight"].T)
    return Memory(outputs, outputs)


def attend(architecture: Architecture, query: Floats, memory: Memory, weights: Weights) -> tuple[Floats, Floats]:
    """weights = softmax(e); context = sum of weights x enc_s: contexts (B, E) and weights (B, T)."""
    if architecture.attention == "bahdanau":
        scores = bahdanau_scores(query, memory.keys, weights["attention.weight"], weights["attention.score"])
    else:
        scores = luong_scores(query, memory.keys)
    share = softmax(scores)
    return np.einsum("bt,bte->be", share, memory.outputs), share


def layer(
    cell: Cell, x: Floats, weights: Weights, name: str, way: str = "_l0", trace: list[dict[str, Floats]] | None = None
) -> tuple[Floats, Floats, Floats]:
    """One layer over a sequence, from states of zero: (B, T, in) -> outputs (B, T, U), last state and memory (B, U).

    way: `_l0_reverse` reads the window from its end (Schuster & Paliwal 1997). trace: gets the gates of each step.
    """
    weight_hh, bias_hh = weights[f"{name}weight_hh{way}"], weights[f"{name}bias_hh{way}"]
    projected = linear(x, weights[f"{name}weight_ih{way}"], weights[f"{name}bias_ih{way}"])
    h = c = np.zeros((len(x), weight_hh.shape[1]))
    outputs = np.empty((*x.shape[:2], weight_hh.shape[1]))
    steps = range(x.shape[1])
    for t in reversed(steps) if way.endswith("reverse") else steps:
        h, c, gates = STEPS[cell](projected[:, t], h, c, weight_hh, bias_hh)
        outputs[:, t] = h
        if trace is not None:
            trace.append(gates | {"state": h} | ({"memory": c} if cell == "lstm" else {}))
    return outputs, h, c


def read_segments(architecture: Architecture, x: Floats, weights: Weights) -> Floats:
    """Segments instead of points (Lin et al., SegRNN, 2023): relu(W [x_1 .. x_segment] + b), one for each segment."""
    if architecture.segment == 1:
        return x
    x = x.reshape(len(x), -1, architecture.segment * architecture.inputs)
    return np.maximum(linear(x, weights["embedding.weight"], weights["embedding.bias"]), 0)


def encode(architecture: Architecture, weights: Weights, x: Floats) -> Encoded:
    """Windows (B, lookback, inputs) through all layers; both directions are concatenated."""
    x = read_segments(architecture, x, weights)
    states = []
    for number in range(len(architecture.units)):
        name, ways = f"layers.{number}.", ("_l0", "_l0_reverse")[: architecture.directions]
        parts = [layer(architecture.cell, x, weights, name, way) for way in ways]
        outputs, h, c = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
        states.append((h, c))
        x = outputs
    return Encoded(x, states)


def answer_head(architecture: Architecture, context: Floats, weights: Weights) -> Floats:
    """linear: W context + b; mlp: W relu(V relu(context) + a) + b."""
    if architecture.head == "mlp":
        hidden = linear(np.maximum(context, 0), weights["hidden.weight"], weights["hidden.bias"])
        context = np.maximum(hidden, 0)
    return linear(context, weights["head.weight"], weights["head.bias"])


def known_effect(context: Floats, ahead: Floats, weights: Weights) -> Floats:
    """What is known of each step ahead, added to it: (B, E), (B, H, 2F) -> (B, H).

    One small network is shared by all steps: relu(W [context, ahead_h] + b), then a linear layer.
    """
    repeated = np.repeat(context[:, None, :], ahead.shape[1], axis=1)
    mixed = linear(np.concatenate([repeated, ahead], axis=2), weights["mixing.weight"], weights["mixing.bias"])
    return linear(np.maximum(mixed, 0), weights["effect.weight"], weights["effect.bias"])[:, :, 0]


def run(
    architecture: Architecture,
    weights: Weights,
    x: Floats,
    ahead: Floats | None = None,
    static: Floats | None = None,
    *,
    shares: list[Floats] | None = None,
) -> Floats:
    """The network on windows (B, lookback, inputs), with ahead (B, outputs, 2 * known) and static (B, K).

    Returns (B, outputs, Q). `shares` gets the weights of attention, (B, T), for each time that it looks.
    Dropout is for training alone.
    """
    encoded = encode(architecture, weights, x)
    known = ahead if architecture.known else None
    if architecture.decoder == "seq2seq":
        return decode(architecture, weights, encoded, known, static, shares)
    context = _context(architecture, weights, encoded.states[-1][0], encoded, static, shares)
    outputs = answer_head(architecture, context, weights).reshape(len(x), architecture.outputs, architecture.answers)
    return outputs if known is None else outputs + known_effect(context, known, weights)[:, :, None]


def _context(
    architecture: Architecture, weights: Weights, h: Floats, encoded: Encoded, static: Floats | None,
    shares: list[Floats] | None,
) -> Floats:  # fmt: skip
    """What the head of a direct network sees: the last state, what attention finds for it, the static covariates."""
    parts = [h]
    if architecture.attention != "none":
        context, share = attend(architecture, h, remember(architecture, encoded.outputs, weights), weights)
        parts.append(context)
        if shares is not None:
            shares.append(share)
    return np.concatenate(parts if static is None else [*parts, static], axis=1)


def decode(
    architecture: Architecture, weights: Weights, encoded: Encoded, ahead: Floats | None, static: Floats | None,
    shares: list[Floats] | None = None,
) -> Floats:  # fmt: skip
    """The decoder over the horizon (Sutskever et al. 2014), started with the encoder's states: (B, H, Q).

    Each step takes the forecast of the step before (zero at first) and what is known of its own step. Bahdanau's
    attention looks before the step, with the former state, and feeds the cell; Luong's looks after it.
    """
    a, states = architecture, list(encoded.states)
    memory = remember(a, encoded.outputs, weights) if a.attention != "none" else None
    last = np.zeros((len(encoded.outputs), 1))
    answers = []
    for step in range(a.outputs):
        parts = [last] if ahead is None else [last, ahead[:, step]]
        found: list[Floats] = []
        share = None
        if memory is not None and a.attention == "bahdanau":
            context, share = attend(a, states[-1][0], memory, weights)
            found = [context]
        x = np.concatenate([*parts, *found], axis=1)
        for number, (h, c) in enumerate(states):
            name = f"decoder.{number}."
            projected = linear(x, weights[f"{name}weight_ih"], weights[f"{name}bias_ih"])
            x, c, _ = STEPS[a.cell](projected, h, c, weights[f"{name}weight_hh"], weights[f"{name}bias_hh"])
            states[number] = (x, c)
        if memory is not None and a.attention != "bahdanau":
            context, share = attend(a, x, memory, weights)
            found = [context]
        if shares is not None and share is not None:
            shares.append(share)
        seen = np.concatenate([x, *found, *([] if static is None else [static])], axis=1)
        answers.append(answer_head(a, seen, weights))
        last = answers[-1][:, a.middle : a.middle + 1]
    return np.stack(answers, axis=1)


def gates(architecture: Architecture, weights: Weights, x: Floats, number: int = 0) -> dict[str, Floats]:
    """What layer `number` (its forward direction) does over one window (1, lookback, inputs): each gate, (T, U)."""
    x = read_segments(architecture, x, weights)
    found: list[dict[str, Floats]] = []
    for index in range(number + 1):
        name, ways = f"layers.{index}.", ("_l0", "_l0_reverse")[: architecture.directions]
        found = []
        traces = [found, None]
        parts = [
            layer(architecture.cell, x, weights, name, way, trace)[0] for way, trace in zip(ways, traces, strict=False)
        ]
        x = np.concatenate(parts, axis=-1)
    return {key: np.concatenate([step[key] for step in found]) for key in found[0]}


def attention(
    architecture: Architecture, weights: Weights, x: Floats, ahead: Floats | None = None, static: Floats | None = None
) -> Floats:
    """The weights of attention over one window (1, lookback, inputs): (H, T), or (1, T) for a direct network."""
    shares: list[Floats] = []
    run(architecture, weights, x, ahead, static, shares=shares)
    return np.concatenate(shares)
