"""Attention over the window in numpy: additive (Bahdanau et al. 2015) or multiplicative (Luong et al. 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecast_cli.network.architecture import Architecture, Weights
from forecast_cli.panel import Floats


@dataclass(frozen=True, eq=False)
class EncoderMemory:
    """What attention looks at: the encoder's outputs (B, T, E), and the part of the scores that no query changes."""

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
    """Additive attention: e_s = v . tanh(W [h, enc_s]).

    query: h, (B, E); keys: (B, T, E), the half of W that meets enc_s times enc_s; weight: W; score: v. Returns (B, T).
    """
    return np.tanh((query @ weight[:, : query.shape[1]].T)[:, None] + keys) @ score


def luong_scores(query: Floats, keys: Floats) -> Floats:
    """Multiplicative attention: e_s = h . W enc_s; keys (B, T, E) are W enc_s, or enc_s for `luong-dot`."""
    scores: Floats = np.einsum("be,bte->bt", query, keys)
    return scores


def remember(architecture: Architecture, outputs: Floats, weights: Weights) -> EncoderMemory:
    """The encoder's outputs (B, T, E) with the products that are the same for every query."""
    if architecture.attention == "bahdanau":
        return EncoderMemory(outputs, outputs @ weights["attention.weight"][:, architecture.width :].T)
    if architecture.attention == "luong":
        return EncoderMemory(outputs, outputs @ weights["attention.weight"].T)
    return EncoderMemory(outputs, outputs)


def attend(architecture: Architecture, query: Floats, memory: EncoderMemory, weights: Weights) -> Attended:
    """weights = softmax(e); context = sum of weights_s enc_s, for a query (B, E)."""
    if architecture.attention == "bahdanau":
        scores = bahdanau_scores(query, memory.keys, weights["attention.weight"], weights["attention.score"])
    else:
        scores = luong_scores(query, memory.keys)

    shares = softmax(scores)
    return Attended(np.einsum("bt,bte->be", shares, memory.outputs), shares)
