"""Attention over the window in numpy: Bahdanau's (2015) and Luong's (2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast_cli.network.architecture import Architecture, Weights
from forecast_cli.panel import Floats


@dataclass(frozen=True, eq=False)
class EncoderMemory:
    """What attention looks at: the encoder's outputs and their part of the scores, (B, T, E)."""

    outputs: Floats
    keys: Floats


class Attended(NamedTuple):
    """One look: the context (B, E), and the weight of each step of the encoder (B, T)."""

    context: Floats
    weights: Floats


def softmax(x: Floats) -> Floats:
    """exp(x_s) / sum of exp(x_s) over the last axis, shifted so that it cannot overflow."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Floats = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return shares


def bahdanau_scores(query: Floats, keys: Floats, weight: Floats, score: Floats) -> Floats:
    """Additive attention (Bahdanau et al. 2015): e_s = v . tanh(W [h, enc_s]).

    query: h, (B, E); keys: (B, T, E), the half of W that meets enc_s times enc_s; weight: W;
    score: v. Returns (B, T).
    """
    return np.tanh((query @ weight[:, : query.shape[1]].T)[:, None] + keys) @ score


def luong_scores(query: Floats, keys: Floats) -> Floats:
    """Multiplicative attention (Luong et al. 2015): e_s = h . W enc_s, or h . enc_s.

    query: h, (B, E); keys: (B, T, E), W enc_s, or enc_s for `luong-dot`. Returns (B, T).
    """
    scores: Floats = np.einsum("be,bte->bt", query, keys)
    return scores


def remember(architecture: Architecture, outputs: Floats, weights: Weights) -> EncoderMemory:
    """The encoder's outputs (B, T, E) with the products that are the same for every query."""
    if architecture.attention == "luong-dot":
        return EncoderMemory(outputs, outputs)

    weight = weights["attention.weight"]
    if architecture.attention == "bahdanau":
        weight = weight[:, architecture.width :]
    return EncoderMemory(outputs, outputs @ weight.T)


def attend(
    architecture: Architecture,
    query: Floats,
    memory: EncoderMemory,
    weights: Weights,
) -> Attended:
    """weights = softmax(e); context = sum of weights_s enc_s, for a query (B, E)."""
    if architecture.attention == "bahdanau":
        weight, score = weights["attention.weight"], weights["attention.score"]
        scores = bahdanau_scores(query, memory.keys, weight, score)
    else:
        scores = luong_scores(query, memory.keys)

    shares = softmax(scores)
    return Attended(np.einsum("bt,bte->be", shares, memory.outputs), shares)
