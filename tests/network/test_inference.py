from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast_cli import choices
from forecast_cli.network import (
    CELLS,
    Architecture,
    attention_weights,
    count_parameters,
    forward,
    inference,
    layer_trace,
    tensor_shapes,
)
from forecast_cli.network.modules import NETWORKS, weights_of
from tests.network.strategies import BATCH, architectures, random_inputs, random_weights

WITH_ATTENTION: tuple[choices.Attention, ...] = ("bahdanau", "luong", "luong-dot")


@given(architectures(), st.integers(0, 10_000))
@settings(max_examples=150)
def test_numpy_and_torch_agree(architecture: Architecture, seed: int) -> None:
    """Inputs and outputs are in units of the window's spread, so 1e-5 here is 1e-5 of the window's scale."""
    torch.manual_seed(seed)
    network = NETWORKS[architecture.decoder](architecture, zero_head=False).eval()
    inputs = [values.astype(np.float32) for values in random_inputs(architecture, seed)]
    with torch.no_grad():
        expected = network(*(torch.from_numpy(values) for values in inputs)).numpy()
    assert expected.shape == (BATCH, architecture.outputs, architecture.outputs_per_step)

    weights = weights_of(network)
    assert {name: values.shape for name, values in weights.items()} == tensor_shapes(architecture)
    assert sum(values.size for values in weights.values()) == count_parameters(architecture)
    forecast = forward(architecture, weights, *(values.astype(float) for values in inputs))
    assert np.abs(forecast - expected).max() < 1e-5


@given(architectures(), st.integers(0, 10_000))
@settings(max_examples=50)
def test_forecasts_of_many_windows_are_computed_in_float32(
    architecture: Architecture, seed: int
) -> None:
    weights = random_weights(architecture)
    inputs = random_inputs(architecture, seed, batch=inference.FEW_WINDOWS + 1)
    forecast = forward(architecture, weights, *inputs)
    rounded_weights: dict[str, Any] = {
        name: values.astype(np.float32) for name, values in weights.items()
    }
    assert forecast.dtype == np.float64
    assert (forecast == forecast.astype(np.float32)).all()
    assert (forecast == forward(architecture, rounded_weights, *inputs)).all()


def test_few_windows_are_forecast_as_many_are_but_for_rounding() -> None:
    shape = Architecture(24, 1, 8, (16, 16), 0.0, 12, skip="linear")
    weights = random_weights(shape)
    (x, *_) = random_inputs(shape, batch=inference.FEW_WINDOWS + 1)
    many, few = forward(shape, weights, x), forward(shape, weights, x[:3])
    assert few == pytest.approx(many[:3], rel=1e-4, abs=1e-4)
    assert (few != many[:3]).any()


def test_an_input_beyond_float32_makes_a_forecast_that_is_not_finite() -> None:
    shape = Architecture(3, 1, 1, (2,), 0.0, 1, skip="linear")
    x = np.full((inference.FEW_WINDOWS + 1, 3, 1), 1e40)
    assert not np.isfinite(forward(shape, random_weights(shape), x)).any()


@given(architectures(WITH_ATTENTION))
@settings(max_examples=30)
def test_the_weights_of_attention_add_up_to_one(architecture: Architecture) -> None:
    inputs = random_inputs(architecture, batch=1)
    weights = attention_weights(architecture, random_weights(architecture), *inputs)
    looks = architecture.outputs if architecture.decoder == "seq2seq" else 1
    assert weights.shape == (looks, architecture.steps)
    assert (weights >= 0).all()
    assert weights.sum(axis=1) == pytest.approx(np.ones(looks))


def test_a_network_without_attention_has_no_weights_of_it() -> None:
    shape = Architecture(6, 1, 1, (3,), 0.0, 2)
    with pytest.raises(ValueError, match="the network has no attention"):
        attention_weights(shape, random_weights(shape), np.zeros((1, 6, 1)))


@given(architectures(), st.integers(0, 3))
@settings(max_examples=30)
def test_a_trace_ends_in_the_state_that_the_encoder_leaves(
    architecture: Architecture, layer: int
) -> None:
    weights, (x, *_) = random_weights(architecture), random_inputs(architecture, batch=1)
    layer = min(layer, len(architecture.units) - 1)
    trace = layer_trace(architecture, weights, x, layer)
    units, kind = architecture.units[layer], CELLS[architecture.cell]
    assert all(values.shape == (architecture.steps, units) for values in trace.values())
    left = inference.encode(architecture, weights, x).states[layer]
    assert trace["state"][-1] == pytest.approx(left.h[0, :units])
    assert ("memory" in trace) == kind.has_memory


def test_a_bidirectional_layer_ends_at_both_ends_of_the_window() -> None:
    shape = Architecture(5, 1, 1, (3,), 0.0, 1, bidirectional=True)
    weights, (x, *_) = random_weights(shape), random_inputs(shape)
    encoded = inference.encode(shape, weights, x)
    forward_state, backward_state = encoded.states[0].h[:, :3], encoded.states[0].h[:, 3:]
    assert forward_state == pytest.approx(encoded.outputs[:, -1, :3])
    assert backward_state == pytest.approx(encoded.outputs[:, 0, 3:])

    reversed_weights = {
        name: weights[name.replace("_l0", "_l0_reverse")]
        for name in weights
        if "reverse" not in name
    }
    alone = Architecture(5, 1, 1, (3,), 0.0, 1)
    assert inference.encode(alone, reversed_weights, x[:, ::-1]).states[0].h == pytest.approx(
        backward_state
    )


def test_segments_are_read_one_after_the_other() -> None:
    """The embedding of the second segment sees the second half of the window alone."""
    shape = Architecture(4, 1, 2, (1,), 0.0, 1)
    weights = {"embedding.weight": np.array([[1.0, 10.0]]), "embedding.bias": np.array([-1.0])}
    x = np.array([[1.0, 2.0, -3.0, 0.2]])[:, :, None]
    assert inference.read_segments(shape, x, weights).tolist() == [
        [[20.0], [0.0]]
    ]  # relu(1 + 20 - 1), relu(-3 + 2 - 1)


def test_an_mlp_head_has_a_relu_before_each_of_its_layers() -> None:
    shape = Architecture(2, 1, 1, (1,), 0.0, 1, head="mlp")
    weights = {
        "hidden.weight": np.array([[2.0], [-1.0]]),
        "hidden.bias": np.array([0.0, 0.5]),
        "head.weight": np.array([[1.0, 10.0]]),
        "head.bias": np.array([0.25]),
    }
    # The context -3 becomes 0, so the hidden units are 0 and 0.5; 3 gives 6 and -2.5, which becomes 0.
    contexts = np.array([[-3.0], [3.0]])
    assert inference.apply_head(shape, contexts, weights).tolist() == [[5.25], [6.25]]


def test_a_zero_head_starts_at_the_reference_forecast() -> None:
    shape = Architecture(12, 1, 3, (8, 8), 0.2, 4, known=2)
    weights = weights_of(NETWORKS["direct"](shape, zero_head=True))
    inputs = [np.random.default_rng(1).normal(size=size) for size in ((3, 12, 1), (3, 4, 4))]
    assert (forward(shape, weights, *inputs) == 0).all()


def test_a_decoder_reads_its_own_forecast_of_the_step_before() -> None:
    """A decoder whose cell only passes its first input on: each forecast is tanh of the one before, times the head."""
    shape = Architecture(1, 1, 1, (1,), 0.0, 3, cell="rnn", decoder="seq2seq")
    weights = {name: np.zeros(size) for name, size in tensor_shapes(shape).items()}
    weights["decoder.0.weight_ih"] += 1
    weights["head.weight"] += 2
    weights["head.bias"] += 0.5
    first = 0.5
    second = 2 * np.tanh(first) + 0.5
    third = 2 * np.tanh(second) + 0.5
    assert forward(shape, weights, np.ones((1, 1, 1)))[0, :, 0] == pytest.approx(
        [first, second, third]
    )


@pytest.mark.parametrize("kind", ["direct", "seq2seq"])
def test_dropout_drops_the_same_of_all_windows_and_the_mean_is_kept(
    kind: choices.Decoder,
) -> None:
    shape = Architecture(6, 1, 1, (8, 8), 0.3, 2, decoder=kind)
    weights = weights_of(NETWORKS[kind](shape, zero_head=False))
    x = np.random.default_rng(1).normal(size=(5, 6, 1))

    once, again, other = (
        forward(shape, weights, x, dropout=inference.Dropout(seed))
        for seed in ((1, 0), (1, 0), (1, 1))
    )
    assert np.array_equal(once, again)
    assert not np.allclose(once, other)
    alone = forward(shape, weights, x[3:4], dropout=inference.Dropout((1, 0)))
    np.testing.assert_allclose(alone[0], once[3], rtol=1e-12)

    samples = [forward(shape, weights, x, dropout=inference.Dropout((2, n))) for n in range(300)]
    spread = np.std(samples, axis=0)
    assert (spread > 0).all()
    assert (np.abs(np.mean(samples, axis=0) - forward(shape, weights, x)) < spread).all()


def test_thinned_values_are_dropped_or_larger() -> None:
    thinned = inference.Dropout((1,)).thinned(np.ones((2, 1000)), 0.2)
    assert set(thinned[0].tolist()) == {0.0, 1.25}
    assert thinned.mean() == pytest.approx(1, abs=0.05)
    assert np.array_equal(thinned[0], thinned[1])
