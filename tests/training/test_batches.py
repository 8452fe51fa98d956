"""Batches: which windows come next."""

from __future__ import annotations

from itertools import islice

import numpy as np

from forecast_cli.training import batches


def test_batches_are_those_of_a_permutation_of_all_windows() -> None:
    for count in (1, 7, 700):
        drawn = batches.endless(count, 3, np.random.default_rng(5))
        first_round = np.concatenate(list(islice(drawn, -(-count // 3))))
        assert first_round.tolist() == np.random.default_rng(5).permutation(count).tolist()
        assert first_round.dtype == np.int64
