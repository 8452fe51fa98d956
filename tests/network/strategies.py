"""Networks of every kind, for the laws that must hold for all of them."""

from __future__ import annotations

import typing
from typing import Any

import numpy as np
from hypothesis import strategies as st

from forecast_cli import choices
from forecast_cli.network import Architecture, tensor_shapes
from forecast_cli.panel import Floats

BATCH = 4


@st.composite
def architectures(
    draw: st.DrawFn, attentions: tuple[choices.Attention, ...] = typing.get_args(choices.Attention)
) -> Architecture:
    """Any network of a sensible size: every cell, decoder, head and direction, with and without features."""
    segment, known = draw(st.integers(1, 6)), draw(st.integers(0, 3))
    decoder = draw(st.sampled_from(typing.get_args(choices.Decoder)))
    return Architecture(
        lookback=segment * draw(st.integers(1, 12)),
        inputs=draw(st.integers(1, 3)) + known,
        segment=segment,
        units=tuple(draw(st.lists(st.integers(1, 24), min_size=1, max_size=4))),
        dropout=0.2,
        outputs=1 if decoder == "recursive" else draw(st.integers(1, 15)),
        known=known,
        static=draw(st.integers(0, 2)),
        cell=draw(st.sampled_from(typing.get_args(choices.Cell))),
        bidirectional=draw(st.booleans()),
        attention=draw(st.sampled_from(attentions)),
        decoder=decoder,
        head=draw(st.sampled_from(typing.get_args(choices.Head))),
        skip="none"
        if decoder == "seq2seq"
        else draw(st.sampled_from(typing.get_args(choices.Skip))),
        embedding=draw(st.sampled_from(typing.get_args(choices.Embedding))),
        quantiles=draw(st.sampled_from([(), (0.5,), (0.1, 0.5, 0.9)])),
    )


def random_weights(architecture: Architecture, seed: int = 1) -> dict[str, Floats]:
    random = np.random.default_rng(seed)
    return {name: random.normal(size=shape) for name, shape in tensor_shapes(architecture).items()}


def random_inputs(architecture: Architecture, seed: int = 1, batch: int = BATCH) -> list[Any]:
    """A window, future features and static features, as `forward` takes them."""
    a, random = architecture, np.random.default_rng(seed)
    sizes = (batch, a.lookback, a.inputs), (batch, a.outputs, 2 * a.known), (batch, a.static)
    return [random.normal(0, 2, size) for size in sizes]
