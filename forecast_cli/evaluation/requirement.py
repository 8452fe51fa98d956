"""Whether a network is as good as was asked for: `--min-skill`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from forecast_cli.errors import LowSkillError

RIVALS = {"naive": "naive", "seasonal_naive": "seasonal naive"}

Scores = Mapping[str, Mapping[str, Any]]  # each metric of each method; NaN or None: not defined


def low_skill(wanted: float | None, scores: Scores | None, where: str) -> LowSkillError | None:
    """Why the error of the network is not `wanted` below that of the better naive forecast.

    None where it is, or where nothing was asked for. The error is the MASE, or the MAE where that
    is not defined, as for constant series.

    - wanted: a share of the error of the naive forecast: 0.1 is 10 %
    - scores: of the network and of naive forecasts; None where nothing could be scored
    - where: the rows that the scores are of, in words
    """
    if wanted is None:
        return None

    metric = _common_metric(scores or {})
    if scores is None or metric is None:
        return LowSkillError(
            f"nothing could be scored {where}, so it is not known whether the network is as good as "
            f"--min-skill {wanted:g} asks for",
            option="min_skill",
        )

    rivals = {name: float(scores[name][metric]) for name in RIVALS if name in scores}
    rival = min(rivals, key=rivals.__getitem__)
    error, limit = float(scores["network"][metric]), (1 - wanted) * rivals[rival]
    if error <= limit:
        return None
    message = (
        f"{where} the network's {metric.upper()} is {error:.4g}, and that of the {RIVALS[rival]} "
        f"forecast {rivals[rival]:.4g}: --min-skill {wanted:g} asks for {limit:.4g} or less"
    )
    return LowSkillError(message, option="min_skill")


def _common_metric(scores: Scores) -> str | None:
    """The metric that is defined for the network and its rivals; None where there is none."""
    methods = [scores[name] for name in ("network", *RIVALS) if name in scores]
    for metric in ("mase", "mae"):
        values = [method.get(metric) for method in methods]
        if values and all(value is not None and math.isfinite(value) for value in values):
            return metric
    return None
