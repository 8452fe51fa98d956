from __future__ import annotations

from typing import Any

import pytest

from forecast_cli.network import (
    Architecture,
    count_operations,
    count_parameters,
    describe,
    tensor_shapes,
)

PLAIN = Architecture(10, 1, 1, (3,), 0.0, 2)


def test_the_tensors_of_a_plain_lstm() -> None:
    assert tensor_shapes(PLAIN) == {
        "layers.0.weight_ih_l0": (12, 1),
        "layers.0.weight_hh_l0": (12, 3),
        "layers.0.bias_ih_l0": (12,),
        "layers.0.bias_hh_l0": (12,),
        "head.weight": (2, 3),
        "head.bias": (2,),
    }
    assert count_parameters(PLAIN) == 12 + 36 + 12 + 12 + 6 + 2


def test_operations_are_two_for_each_weight_and_step() -> None:
    assert count_operations(PLAIN) == 2 * (10 * (12 * 1 + 12 * 3) + 2 * 3)
    in_segments = Architecture(10, 1, 5, (3,), 0.0, 2)
    assert count_operations(in_segments) == 2 * (2 * (3 * 5 + 12 * 3 + 12 * 3) + 2 * 3)


def test_operations_of_attention_are_scores_and_the_weighted_sum() -> None:
    """10 steps of 3 numbers: the scores take 30 products, the context 30 more."""
    dot = Architecture(10, 1, 1, (3,), 0.0, 2, attention="luong-dot")
    longer_head = 2 * 2 * 3
    assert count_operations(dot) == count_operations(PLAIN) + longer_head + 2 * 60
    general = Architecture(10, 1, 1, (3,), 0.0, 2, attention="luong")
    assert count_operations(general) == count_operations(dot) + 2 * 10 * 9


def test_operations_of_a_decoder_come_once_for_each_step_ahead() -> None:
    decoder = Architecture(10, 1, 1, (3,), 0.0, 2, decoder="seq2seq")
    encoder, cell, head = 10 * (12 * 1 + 12 * 3), 12 * 1 + 12 * 3, 3
    assert count_operations(decoder) == 2 * (encoder + 2 * (cell + head))


def test_operations_of_future_features_come_once_for_each_step_ahead() -> None:
    known = Architecture(10, 1, 1, (3,), 0.0, 2, known=1)
    assert count_operations(known) == count_operations(PLAIN) + 2 * 2 * (32 * (3 + 2) + 32)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "LSTM 50 + 100"),
        (
            {"cell": "gru", "bidirectional": True, "attention": "luong"},
            "bidirectional GRU 50 + 100, luong attention",
        ),
        ({"segment": 6, "head": "mlp"}, "LSTM 50 + 100, segments of 6, mlp head"),
        (
            {"decoder": "seq2seq", "attention": "bahdanau"},
            "LSTM 50 + 100, bahdanau attention, decoder",
        ),
        ({"decoder": "recursive"}, "LSTM 50 + 100, rolled forward"),
    ],
)
def test_a_network_in_words(changes: dict[str, Any], words: str) -> None:
    settings: dict[str, Any] = {
        "lookback": 24,
        "inputs": 1,
        "segment": 1,
        "units": (50, 100),
        "dropout": 0.0,
        "outputs": 4,
    }
    assert describe(Architecture(**{**settings, **changes})) == words


def test_the_forecast_is_the_middle_quantile() -> None:
    assert (PLAIN.outputs_per_step, PLAIN.point_index) == (1, 0)
    quantiles = Architecture(10, 1, 1, (3,), 0.0, 2, quantiles=(0.1, 0.25, 0.5, 0.75, 0.9))
    assert (quantiles.outputs_per_step, quantiles.point_index) == (5, 2)
