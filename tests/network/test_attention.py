from __future__ import annotations

import numpy as np
import pytest

from forecast_cli.network import Architecture
from forecast_cli.network.attention import attend, bahdanau_scores, remember, softmax

OUTPUTS = np.array([[[1.0, 0.0], [0.0, 1.0]]])
QUERY = np.array([[0.0, 2.0]])
SECOND = np.exp(2) / (1 + np.exp(2))  # the softmax of the scores 0 and 2


def test_dot_attention_by_hand() -> None:
    """A query that points along the second of two outputs gets that one's share, by the softmax of the products."""
    shape = Architecture(2, 1, 1, (2,), 0.0, 1, attention="luong-dot")
    context, weights = attend(shape, QUERY, remember(shape, OUTPUTS, {}), {})
    assert weights[0] == pytest.approx([1 - SECOND, SECOND])
    assert context[0] == pytest.approx([1 - SECOND, SECOND])


def test_general_attention_by_hand() -> None:
    """With a matrix that swaps the two numbers of an output, the query meets the first output."""
    shape = Architecture(2, 1, 1, (2,), 0.0, 1, attention="luong")
    weights = {"attention.weight": np.array([[0.0, 1.0], [1.0, 0.0]])}
    _, shares = attend(shape, QUERY, remember(shape, OUTPUTS, weights), weights)
    assert shares[0] == pytest.approx([SECOND, 1 - SECOND])


def test_additive_attention_by_hand() -> None:
    """e_s = v . tanh(W [h, enc_s]), with the query's half of W first."""
    weight, score = np.array([[0.0, 1.0, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0]]), np.array([2.0, -1.0])
    keys = OUTPUTS @ weight[:, 2:].T
    scores = bahdanau_scores(QUERY, keys, weight, score)
    assert scores[0] == pytest.approx([2 * np.tanh(2.5) - np.tanh(0), 2 * np.tanh(2) - np.tanh(1)])


def test_softmax_does_not_overflow() -> None:
    assert softmax(np.array([[1e4, 0.0, 1e4]])).tolist() == [[0.5, 0, 0.5]]
