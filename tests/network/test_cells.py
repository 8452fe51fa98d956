from __future__ import annotations

import typing

import numpy as np
import pytest

from forecast_cli import choices
from forecast_cli.network import CELLS, Architecture, layer_trace
from forecast_cli.network.cells import gru_step, lstm_step, rnn_step, sigmoid
from tests.network.strategies import random_inputs, random_weights

X, H, C = 0.5, 0.25, -0.5
GATE = 1 / (1 + np.exp(-(X + H)))  # any gate of one unit, with all weights 1 and all biases 0


def one_unit(blocks: int) -> tuple[np.ndarray, ...]:
    """The arguments of a step for one unit, with all weights 1 and all biases 0."""
    return np.full((1, blocks), X), np.array([[H]]), np.array([[C]]), np.ones((blocks, 1)), np.zeros(blocks)


def test_one_lstm_step_by_hand() -> None:
    step = lstm_step(*one_unit(4))
    memory = GATE * C + GATE * np.tanh(X + H)
    assert step.memory[0, 0] == pytest.approx(memory)
    assert step.state[0, 0] == pytest.approx(GATE * np.tanh(memory))
    assert {name: values[0, 0] for name, values in step.gates.items()} == pytest.approx(
        {"input": GATE, "forget": GATE, "output": GATE, "candidate": np.tanh(X + H)}
    )


def test_the_blocks_of_an_lstm_are_input_forget_candidate_output() -> None:
    """Each block is told apart by its bias: a gate with a large negative bias is shut."""
    projected, h, c, weight, _ = one_unit(4)
    shut = {
        name: lstm_step(projected, h, c, weight, np.eye(4)[i] * -50).gates
        for i, name in enumerate(CELLS["lstm"].blocks)
    }
    assert [shut[name][name][0, 0] for name in ("input", "forget", "output")] == pytest.approx([0, 0, 0], abs=1e-9)
    assert shut["candidate"]["candidate"][0, 0] == pytest.approx(-1)


def test_one_gru_step_by_hand() -> None:
    """The reset gate is applied after the product with the recurrent weights."""
    step = gru_step(*one_unit(3))
    candidate = np.tanh(X + GATE * H)
    assert step.state[0, 0] == pytest.approx(GATE * H + (1 - GATE) * candidate)
    assert {name: values[0, 0] for name, values in step.gates.items()} == pytest.approx(
        {"reset": GATE, "update": GATE, "candidate": candidate}
    )
    assert step.memory[0, 0] == C


def test_one_step_of_a_plain_rnn_by_hand() -> None:
    step = rnn_step(*one_unit(1))
    assert step.state[0, 0] == pytest.approx(np.tanh(X + H))
    assert step.gates == {}


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
