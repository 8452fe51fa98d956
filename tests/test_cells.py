from __future__ import annotations

import typing
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_cli import cells
from forecast_cli.cells import Architecture
from forecast_cli.networks import NETWORKS, weights_of


def build(
    segments: int, segment: int, inputs: int, known: int, kind: dict[str, Any], quantiles: tuple[float, ...]
) -> Architecture:
    outputs = 1 if kind["decoder"] == "recursive" else kind.pop("outputs")
    kind.pop("outputs", None)
    return Architecture(
        segments * segment,
        inputs + known,
        segment,
        dropout=0.2,
        outputs=outputs,
        known=known,
        quantiles=quantiles,
        **kind,
    )


KINDS = st.fixed_dictionaries(
    {
        "units": st.lists(st.integers(1, 24), min_size=1, max_size=4).map(tuple),
        "outputs": st.integers(1, 15),
        "static": st.integers(0, 2),
        "cell": st.sampled_from(typing.get_args(cells.Cell)),
        "bidirectional": st.booleans(),
        "attention": st.sampled_from(typing.get_args(cells.Attention)),
        "decoder": st.sampled_from(typing.get_args(cells.Decoder)),
        "head": st.sampled_from(typing.get_args(cells.Head)),
    }
)
ARCHITECTURES = st.builds(
    build, st.integers(1, 12), st.integers(1, 6), st.integers(1, 3), st.integers(0, 3), KINDS,
    st.sampled_from([(), (0.5,), (0.1, 0.5, 0.9)]),
)  # fmt: skip


def sizes(architecture: Architecture) -> tuple[tuple[int, ...], ...]:
    a = architecture
    return (4, a.lookback, a.inputs), (4, a.outputs, 2 * a.known), (4, a.static)


@given(ARCHITECTURES, st.integers(0, 10_000))
@settings(deadline=None)
def test_numpy_and_torch_agree(architecture: Architecture, seed: int) -> None:
    """Inputs and outputs are in units of the window's spread, so 1e-5 here is 1e-5 of the window's scale."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = NETWORKS[architecture.decoder](architecture, zero_head=False).eval()
    inputs = [random.normal(0, 2, size).astype(np.float32) for size in sizes(architecture)]
    with torch.no_grad():
        expected = network(*(torch.from_numpy(x) for x in inputs)).numpy()
    assert expected.shape == (4, architecture.outputs, architecture.answers)
    weights = weights_of(network)
    assert {name: w.shape for name, w in weights.items()} == cells.tensors(architecture)
    assert sum(w.size for w in weights.values()) == cells.count_parameters(architecture)
    assert np.abs(cells.run(architecture, weights, *(x.astype(float) for x in inputs)) - expected).max() < 1e-5


@given(ARCHITECTURES)
@settings(deadline=None, max_examples=30)
def test_attention_shares_out_one(architecture: Architecture) -> None:
    random = np.random.default_rng(1)
    weights = {name: random.normal(size=shape) for name, shape in cells.tensors(architecture).items()}
    inputs = [random.normal(0, 2, size)[:1] for size in sizes(architecture)]
    if architecture.attention == "none":
        return
    shares = cells.attention(architecture, weights, *inputs)
    assert shares.shape == (architecture.outputs if architecture.decoder == "seq2seq" else 1, architecture.steps)
    assert (shares >= 0).all()
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(shares)))


@given(ARCHITECTURES, st.integers(0, 3))
@settings(deadline=None, max_examples=30)
def test_gates_end_in_the_state_that_the_encoder_leaves(architecture: Architecture, layer: int) -> None:
    random = np.random.default_rng(1)
    weights = {name: random.normal(size=shape) for name, shape in cells.tensors(architecture).items()}
    x, layer = random.normal(size=sizes(architecture)[0])[:1], min(layer, len(architecture.units) - 1)
    found = cells.gates(architecture, weights, x, layer)
    units = architecture.units[layer]
    assert all(values.shape == (architecture.steps, units) for values in found.values())
    assert found["state"][-1] == pytest.approx(cells.encode(architecture, weights, x).states[layer][0][0, :units])
    for name in {"input", "forget", "output", "reset", "update"} & set(found):
        assert ((found[name] >= 0) & (found[name] <= 1)).all()


def test_operations_of_a_plain_network_are_two_for_each_weight_and_step() -> None:
    shape = Architecture(10, 1, 1, (3,), 0.0, 2)
    assert cells.count_operations(shape) == 2 * (10 * (12 * 1 + 12 * 3) + 2 * 3)
    half = Architecture(10, 1, 5, (3,), 0.0, 2)
    assert cells.count_operations(half) == 2 * (2 * (3 * 5 + 12 * 3 + 12 * 3) + 2 * 3)


def test_one_gru_step_by_hand() -> None:
    """One unit, all weights 1, all biases 0: the equations written out, the reset gate after the product."""
    x, h = 0.5, 0.25
    gate = 1 / (1 + np.exp(-(x + h)))
    out, _, gates = cells.gru_step(np.full((1, 3), x), np.array([[h]]), np.zeros((1, 1)), np.ones((3, 1)), np.zeros(3))
    assert out[0, 0] == pytest.approx(gate * h + (1 - gate) * np.tanh(x + gate * h))
    assert gates["reset"][0, 0] == pytest.approx(gate)


def test_attention_by_hand() -> None:
    """A query that points along the second of two outputs gets that one's share by the softmax of the products."""
    shape = Architecture(2, 1, 1, (2,), 0.0, 1, attention="luong-dot")
    memory = cells.remember(shape, np.array([[[1.0, 0.0], [0.0, 1.0]]]), {})
    context, share = cells.attend(shape, np.array([[0.0, 2.0]]), memory, {})
    second = np.exp(2) / (1 + np.exp(2))
    assert share[0] == pytest.approx([1 - second, second])
    assert context[0] == pytest.approx([1 - second, second])


def test_one_lstm_step_by_hand() -> None:
    """One unit, all weights 1, all biases 0: the equations written out."""
    x, h, c = 0.5, 0.25, -0.5
    gate = 1 / (1 + np.exp(-(x + h)))
    memory = gate * c + gate * np.tanh(x + h)
    out, kept, _ = cells.lstm_step(np.full((1, 4), x), np.array([[h]]), np.array([[c]]), np.ones((4, 1)), np.zeros(4))
    assert kept[0, 0] == pytest.approx(memory)
    assert out[0, 0] == pytest.approx(gate * np.tanh(memory))


def test_a_zero_head_starts_at_the_reference() -> None:
    architecture = Architecture(12, 1, 3, (8, 8), 0.2, 4)
    weights = weights_of(NETWORKS["direct"](architecture, zero_head=True))
    assert (cells.run(architecture, weights, np.random.default_rng(1).normal(size=(3, 12, 1))) == 0).all()


def test_sigmoid_does_not_overflow() -> None:
    assert cells.sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0, 0.5, 1]
