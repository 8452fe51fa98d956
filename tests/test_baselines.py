from __future__ import annotations

import numpy as np

from forecast_cli import baselines


def test_baselines_by_hand() -> None:
    history = np.array([[1.0, 2.0, 3.0, 7.0]])
    assert baselines.naive(history, 2).tolist() == [[7, 7]]
    assert baselines.seasonal_naive(history, 5, 3).tolist() == [[2, 3, 7, 2, 3]]
    assert baselines.seasonal_naive(history, 2, 9).tolist() == [[1, 2]]
    assert baselines.drift(history, 2).tolist() == [[9, 11]]
    assert baselines.mean(history, 2).tolist() == [[3.25, 3.25]]
