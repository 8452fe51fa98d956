from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_cli import cells
from forecast_cli.cells import Architecture
from forecast_cli.networks import NETWORKS, weights_of


def build(
    segments: int, segment: int, inputs: int, units: list[int], outputs: int, known: int, static: int
) -> Architecture:
    return Architecture(
        segments * segment, inputs + known, segment, tuple(units), 0.2, outputs, known=known, static=static
    )


UNITS = st.lists(st.integers(1, 24), min_size=1, max_size=4)
ARCHITECTURES = st.builds(
    build, st.integers(1, 12), st.integers(1, 6), st.integers(1, 3), UNITS, st.integers(1, 15), st.integers(0, 3), st.integers(0, 2)
)  # fmt: skip


@given(ARCHITECTURES, st.integers(0, 10_000))
@settings(deadline=None)
def test_numpy_and_torch_agree(architecture: Architecture, seed: int) -> None:
    """Inputs and outputs are in units of the window's spread, so 1e-5 here is 1e-5 of the window's scale."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    network = NETWORKS["lstm"](architecture, zero_head=False).eval()
    sizes = (
        (4, architecture.lookback, architecture.inputs),
        (4, architecture.outputs, 2 * architecture.known),
        (4, architecture.static),
    )
    inputs = [random.normal(0, 2, size).astype(np.float32) for size in sizes]
    with torch.no_grad():
        expected = network(*(torch.from_numpy(x) for x in inputs)).numpy()
    weights = weights_of(network)
    assert {name: w.shape for name, w in weights.items()} == cells.tensors(architecture)
    assert sum(w.size for w in weights.values()) == cells.count_parameters(architecture)
    assert np.abs(cells.run(architecture, weights, *(x.astype(float) for x in inputs)) - expected).max() < 1e-5


def test_one_lstm_step_by_hand() -> None:
    """One unit, all weights 1, all biases 0: the equations written out."""
    x, h, c = 0.5, 0.25, -0.5
    gate = 1 / (1 + np.exp(-(x + h)))
    memory = gate * c + gate * np.tanh(x + h)
    out, kept = cells.lstm_step(np.full((1, 4), x), np.array([[h]]), np.array([[c]]), np.ones((4, 1)))
    assert kept[0, 0] == pytest.approx(memory)
    assert out[0, 0] == pytest.approx(gate * np.tanh(memory))


def test_a_zero_head_starts_at_the_reference() -> None:
    architecture = Architecture(12, 1, 3, (8, 8), 0.2, 4)
    weights = weights_of(NETWORKS["lstm"](architecture, zero_head=True))
    assert (cells.run(architecture, weights, np.random.default_rng(1).normal(size=(3, 12, 1))) == 0).all()


def test_sigmoid_does_not_overflow() -> None:
    assert cells.sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0, 0.5, 1]
