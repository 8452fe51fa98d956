from __future__ import annotations

import typing
from collections.abc import Callable

import numpy as np
import pytest

from forecast_cli import choices
from forecast_cli.network import CELLS, Architecture, layer_trace
from forecast_cli.network.cells import Step, gru_step, lstm_step, rnn_step, sigmoid
from tests.network.strategies import random_inputs, random_weights

H, C = 0.25, -0.5
X = np.array([0.5, -0.3, 0.8, 0.1])  # what the blocks of weights make of the inputs


def gate(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def one_unit(blocks: int) -> tuple[np.ndarray, ...]:
    """The arguments of a step for one unit, with recurrent weights of 2 and no biases."""
    return (
        X[None, :blocks],
        np.array([[H]]),
        np.array([[C]]),
        np.full((blocks, 1), 2.0),
        np.zeros(blocks),
    )


def test_one_lstm_step_by_hand() -> None:
    step = lstm_step(*one_unit(4))
    take, forget, candidate, show = (
        gate(X[0] + 0.5),
        gate(X[1] + 0.5),
        np.tanh(X[2] + 0.5),
        gate(X[3] + 0.5),
    )
    memory = forget * C + take * candidate
    assert step.memory[0, 0] == pytest.approx(memory)
    assert step.state[0, 0] == pytest.approx(show * np.tanh(memory))
    assert {name: values[0, 0] for name, values in step.gates.items()} == pytest.approx(
        {"input": take, "forget": forget, "output": show, "candidate": candidate}
    )


def test_one_gru_step_by_hand() -> None:
    """The reset gate is applied after the product with the recurrent weights."""
    step = gru_step(*one_unit(3))
    reset, update = gate(X[0] + 0.5), gate(X[1] + 0.5)
    candidate = np.tanh(X[2] + reset * 0.5)
    assert step.state[0, 0] == pytest.approx(update * H + (1 - update) * candidate)
    assert {name: values[0, 0] for name, values in step.gates.items()} == pytest.approx(
        {"reset": reset, "update": update, "candidate": candidate}
    )
    assert step.memory[0, 0] == C


def test_one_step_of_a_plain_rnn_by_hand() -> None:
    step = rnn_step(*one_unit(1))
    assert step.state[0, 0] == pytest.approx(np.tanh(X[0] + 0.5))
    assert step.gates == {}


@pytest.mark.parametrize(("step", "blocks"), [(lstm_step, 4), (gru_step, 3), (rnn_step, 1)])
def test_a_recurrent_bias_is_added_to_the_product_with_the_state(
    step: Callable[..., Step], blocks: int
) -> None:
    """A bias of 0.5 does the same as a product of 0.5."""
    projected, h, c, weight, _ = one_unit(blocks)
    with_bias = step(projected, h, c, 0 * weight, np.full(blocks, 0.5))
    assert with_bias.state == pytest.approx(step(projected, h, c, weight, np.zeros(blocks)).state)


def test_every_cell_that_can_be_chosen_is_in_the_table() -> None:
    assert list(CELLS) == list(typing.get_args(choices.Cell))


@pytest.mark.parametrize("cell", CELLS)
def test_what_the_table_says_of_a_cell_is_what_its_steps_report(cell: choices.Cell) -> None:
    kind, shape = CELLS[cell], Architecture(7, 1, 1, (5,), 0.0, 2, cell=cell)
    trace = layer_trace(shape, random_weights(shape), random_inputs(shape, batch=1)[0])
    assert set(kind.captions) <= set(trace)
    assert set(kind.gates) <= set(kind.blocks)
    bounded = {name for name, values in trace.items() if values.min() >= 0 and values.max() <= 1}
    assert bounded == set(kind.gates)


def test_sigmoid_does_not_overflow() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0, 0.5, 1]
