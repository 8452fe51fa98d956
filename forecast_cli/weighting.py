"""How much each row counts in the loss: by a column of the file, and by how rare its level of the target is."""

from __future__ import annotations

import numpy as np

from forecast_cli.calendar import Ints
from forecast_cli.panel import Floats, Panel

BINS = 20  # levels of the target, from the smallest to the largest value of a series
MOST = 10.0  # how much more than the average row the rarest may count


def counts(panel: Panel, values: Floats, ends: Ints, *, balance: bool) -> Floats:
    """(N,) around 1 for rows of the panel, whose normalized values are `values` (N,); empty where all count the same.

    ends: (S,) where the training part of each series ends; nothing later is looked at to tell what is rare.
    """
    if not balance and not len(panel.weights):
        return np.empty(0)
    found = panel.weights.copy() if len(panel.weights) else np.ones(len(values))
    training = np.concatenate(
        [np.arange(start, start + end) for start, end in zip(panel.offsets[:-1], ends, strict=True)]
    )
    if balance:
        for i in range(len(panel)):
            part = slice(panel.offsets[i], panel.offsets[i + 1])
            found[part] *= rarity(values[part], int(ends[i]))
    average = found[training].mean() if len(training) else found.mean()
    return np.asarray(found / average) if average > 0 else np.ones(len(values))


def rarity(values: Floats, end: int) -> Floats:
    """(n,) one over the square root of how many of the first `end` values share a value's level, the mean being 1.

    The square root of the inverse frequency (Yang et al., Delving into deep imbalanced regression, 2021): with the
    inverse itself a single row could rule.
    """
    known = values[:end][~np.isnan(values[:end])]
    if not len(known) or known.min() == known.max():
        return np.ones(len(values))
    edges = np.linspace(known.min(), known.max(), BINS + 1)[1:-1]
    seen = np.bincount(np.searchsorted(edges, known), minlength=BINS)
    weights = 1 / np.sqrt(np.maximum(seen, 1))
    weights /= (weights * seen).sum() / seen.sum()
    level = np.searchsorted(edges, np.nan_to_num(values, nan=float(known[0])))
    return np.asarray(np.minimum(weights, MOST)[level])
