"""How much each row counts in the loss: by a column of the file, and by how rare its level is."""

from __future__ import annotations

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats, Panel

BINS = 20  # levels of the target, from the smallest to the largest value of a series
MOST = 10.0  # how much more than the average row the rarest may count


def sample_weights(panel: Panel, values: Floats, ends: Ints, *, balance: bool) -> Floats:
    """(N,) around 1 for the rows of the panel; empty where all count the same.

    values: (N,) normalized. ends: (S,) where the training part of each series ends; nothing later
    is looked at to tell what is rare.
    """
    has_column = len(panel.weights) > 0
    if not balance and not has_column:
        return np.empty(0)

    weights = panel.weights.copy() if has_column else np.ones(len(values))
    if balance:
        for i in range(len(panel)):
            part = slice(panel.offsets[i], panel.offsets[i + 1])
            weights[part] *= rarity(values[part], int(ends[i]))

    parts = zip(panel.offsets[:-1], ends, strict=True)
    training = np.concatenate([np.arange(start, start + end) for start, end in parts])
    average = weights[training].mean() if len(training) else weights.mean()
    return np.asarray(weights / average) if average > 0 else np.ones(len(values))


def rarity(values: Floats, end: int) -> Floats:
    """(n,) weights of values (n,), whose mean over the first `end` is 1.

    A weight is one over the square root of how many of the first `end` values share its level
    (square-root inverse frequency; Yang et al., Delving into deep imbalanced regression, 2021):
    with the inverse itself a single row could rule.
    """
    known = values[:end][~np.isnan(values[:end])]
    if not len(known) or known.min() == known.max():
        return np.ones(len(values))

    edges = np.linspace(known.min(), known.max(), BINS + 1)[1:-1]
    counts = np.bincount(np.searchsorted(edges, known), minlength=BINS)
    weights = 1 / np.sqrt(np.maximum(counts, 1))
    weights /= (weights * counts).sum() / counts.sum()

    level = np.searchsorted(edges, np.nan_to_num(values, nan=float(known[0])))
    return np.asarray(np.minimum(weights, MOST)[level])
